"""Probing what is real: a QEMU, one behind a wrapper, one that runs, and a guest agent."""

import asyncio
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from qemu.qmp import ExecuteError
from qemu.qmp import QMPClient as QemuSession

import qscope
from qscope.ask import Verdict, ask
from qscope.errors import ProbeError
from qscope.model.canonical import schema_hash
from qscope.model.interface import Interface
from qscope.probe import from_session, probe_address, probe_binary
from qscope.probe.process import ARGUMENTS
from qscope.qmp.address import Address
from tests.fake_qemu import make_script, name_point
from tests.test_probe import take_stock

pytestmark = pytest.mark.live

_TIMEOUT = 30
_AGENT = shutil.which("qemu-ga", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin")


@contextlib.contextmanager
def run(words, place):
    """Run a server until the end of the block; yield the address of its socket at `place`."""
    log = place.with_suffix(".log")
    with (
        log.open("wb") as output,
        subprocess.Popen(list(map(str, words)), stdin=subprocess.DEVNULL, stdout=output,
                         stderr=output) as process,
    ):  # fmt: skip
        try:
            deadline = time.monotonic() + _TIMEOUT
            while not place.is_socket():
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.01)
            yield Address(str(place))
        finally:
            process.kill()


@pytest.fixture
def running(qemu, tmp_path):
    place = tmp_path / "qmp.sock"
    with run([qemu, *ARGUMENTS, "-qmp", f"unix:{place},server=on,wait=off"], place) as address:
        yield address


@pytest.fixture(scope="module")
def probed(qemu):
    """Return the snapshot that a probe of the binary gives."""
    return probe_binary(Path(qemu), timeout=_TIMEOUT)


def hash_of(snapshot):
    return schema_hash(Interface.from_snapshot(snapshot))


# Of x86_64 as Debian builds it.
_DRIVERS = {"5.2": 428, "7.2": 445, "10.0": 495, "11.1": 544}
# Of Debian's 7.2 without the modules for OpenGL.
_CRASHES = {
    "virtio-gpu-gl-pci": "it exited with status 1",
    "virtio-vga-gl": "it exited with status 1",
    "colo-compare": "it was killed by SIGABRT",
    "microvm-machine": "it was killed by SIGABRT",
    "x-remote-object": "it was killed by SIGSEGV",
}
_OTHERS = [each for each in os.environ.get("QSCOPE_QEMUS", "").split(":") if each]


def find_qemus():
    """Yield a parameter for each QEMU that there is to try, or for why there is none."""
    yield pytest.param(None, id="the QEMU")
    aarch64 = shutil.which("qemu-system-aarch64")
    reason = "no qemu-system-aarch64: apt-get install qemu-system-arm"
    yield pytest.param(aarch64, id="aarch64", marks=pytest.mark.skipif(not aarch64, reason=reason))
    reason = "QSCOPE_QEMUS names no other QEMUs (paths, separated by colons)"
    for path in _OTHERS or [""]:
        yield pytest.param(path, id=path, marks=pytest.mark.skipif(not path, reason=reason))


@pytest.mark.parametrize("binary", [*find_qemus()])
def test_complete_probe(qemu, binary):
    before = take_stock()
    one, three = (
        probe_binary(Path(binary or qemu), timeout=_TIMEOUT, jobs=jobs) for jobs in (1, 3)
    )
    assert take_stock() == before
    assert (one.exchanges, one.greeting) == (three.exchanges, three.greeting)
    drivers = [each for each in one.exchanges if each.execute == "device-list-properties"]
    names = [name_point(each.execute, each.arguments or None) for each in drivers]
    assert names == sorted(set(names))
    version = (one.identity.version or "").rpartition(".")[0]
    assert len(drivers) >= _DRIVERS.get(version, 428)
    crashed = {
        name_point(each.execute, each.arguments or None).rpartition(" ")[2]: each.ended
        for each in one.exchanges
        if each.crashed
    }
    assert len(crashed) < 10
    assert all(crashed.values())
    if one.identity.target == "x86_64" and "Debian 1:7.2" in (one.identity.package or ""):
        assert crashed == _CRASHES


def test_interrupted_while_several_are_asked(runner, qemu, tmp_path):
    place = tmp_path / "snapshot.json"
    words = ["probe", "--no-cache", "--jobs", "3", "-o", place, qemu]
    with runner.start(sys.executable, "-m", "qscope", *words) as process:
        time.sleep(0.35)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=_TIMEOUT)
    assert runner.find_left() == []
    assert process.returncode == 130 or place.exists()


@pytest.mark.parametrize("wrapped", [False, True], ids=["binary", "wrapper"])
def test_command_line(runner, qemu, tmp_path, probed, wrapped):
    wrapper = make_script(tmp_path, f'#!/bin/sh\nexec {qemu} "$@"\n')
    outcome = runner.run(
        sys.executable, "-m", "qscope", "probe", wrapper if wrapped else qemu, "--format", "json"
    )
    assert (outcome.status, outcome.stderr) == (0, "")
    report = json.loads(outcome.stdout)
    assert report["commands"] >= 216
    assert report["questions"] == len(probed.exchanges)
    assert report["unanswered"] == sum(bool(each.outcome()) for each in probed.exchanges)
    assert report["schema-hash"] == hash_of(probed)
    assert runner.find_left() == []


def test_a_wrapper_may_hand_on_descriptor_3_alone(runner, qemu, tmp_path):
    """As `podman run --preserve-fds=1` does."""
    close = " ".join(f"{number}>&-" for number in range(4, 10))
    wrapper = make_script(tmp_path, f'#!/bin/bash\nexec {close}\nexec {qemu} "$@"\n')
    outcome = runner.run(sys.executable, "-m", "qscope", "probe", "--no-cache", wrapper)
    assert (outcome.status, outcome.stderr) == (0, "")


def test_asking_twice_gives_the_same(running, probed):
    """What is asked must not depend on modules that an earlier question loaded."""
    first, second = (probe_address(running, timeout=_TIMEOUT) for _ in range(2))
    assert first.exchanges == second.exchanges == list_basic(probed)


def list_basic(snapshot):
    """Return the exchanges of a complete probe that a running QEMU is asked for, too."""
    return tuple(
        each for each in snapshot.exchanges if not each.execute.endswith("-list-properties")
    )


def test_every_question_has_an_answer(probed):
    unanswered = [each for each in probed.exchanges if each.outcome()]
    assert [each for each in unanswered if not (each.lacks_command or each.crashed)] == []
    # Some commands are newer than some QEMUs.
    lacking = {each.execute for each in unanswered if each.lacks_command}
    assert lacking <= {"query-audiodevs", "query-accelerators"}
    assert probed.greeting is not None
    assert probed.greeting["version"]["qemu"]["major"] >= 5


def test_running_qemu(running, probed):
    snapshot = probe_address(running, timeout=_TIMEOUT)
    assert hash_of(snapshot) == hash_of(probed)
    # It still runs, and takes the next client.
    assert hash_of(probe_address(running, timeout=_TIMEOUT)) == hash_of(probed)


def test_running_qemu_by_its_address(running, probed):
    interface = qscope.open(f"unix:{running}")
    assert schema_hash(interface) == hash_of(probed)
    assert qscope.open(str(running)).identity.version == interface.identity.version


def test_running_qemu_is_not_asked_for_properties(runner, running):
    words = [sys.executable, "-m", "qscope"]
    outcome = runner.run(*words, "probe", "-v", f"unix:{running}")
    assert outcome.status == 0
    assert "properties were not asked: the question can abort a QEMU" in outcome.stderr
    source = ["-s", f"unix:{running}", "device:virtio-blk-pci", "device:virtio-blk-pci/drive"]
    outcome = runner.run(*words, "query", "--explain", *source)
    assert outcome.status == 3
    assert outcome.stdout.startswith("yes      device:virtio-blk-pci\n")
    assert "unknown  device:virtio-blk-pci/drive\n" in outcome.stdout
    assert "a QEMU that runs a guest is not" in outcome.stdout


def test_what_the_probe_says_of_crashes(runner, qemu):
    outcome = runner.run(sys.executable, "-m", "qscope", "probe", "-v", "--no-cache", qemu)
    assert outcome.status == 0
    assert "qom-list-properties typename=colo-compare: the question crashed QEMU: it was" in (
        outcome.stderr
    )
    assert "its last words: " in outcome.stderr
    share = re.search(r"of \d+ \((\d+\.\d) %\) properties of devices", outcome.stderr)
    assert share
    assert float(share[1]) >= 98
    share = re.search(r"of \d+ \((\d+\.\d) %\) of devices that a user may", outcome.stderr)
    assert share
    assert float(share[1]) >= 87
    assert "no more than str: romfile (" in outcome.stderr


def test_interrupted(runner, qemu):
    with runner.start(sys.executable, "-m", "qscope", "probe", "--no-cache", qemu) as process:
        time.sleep(0.12)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=_TIMEOUT)
    assert runner.find_left() == []


async def ask_by_qemu_qmp(address):
    session = QemuSession("qscope")
    await session.connect(str(address))
    try:
        return await from_session(session, timeout=_TIMEOUT)
    finally:
        await session.disconnect()


def test_session_of_qemu_qmp(running, probed):
    snapshot = asyncio.run(ask_by_qemu_qmp(running))
    assert hash_of(snapshot) == hash_of(probed)
    asked = [(each.execute, each.arguments) for each in list_basic(probed)]
    assert [(each.execute, each.arguments) for each in snapshot.exchanges] == asked


async def ask_after_disconnect(address):
    session = QemuSession("qscope")
    await session.connect(str(address))
    await session.disconnect()
    await from_session(session, timeout=_TIMEOUT)


def test_session_of_qemu_qmp_that_is_closed(running):
    with pytest.raises(ProbeError, match="query-version: the session failed"):
        asyncio.run(ask_after_disconnect(running))


async def refuse_by_qemu_qmp(address):
    session = QemuSession("qscope")
    await session.connect(str(address))

    class OldServer:
        async def execute(self, cmd, arguments=None, /):
            return await session.execute("no-such-command" if cmd == "query-target" else cmd)

    try:
        with pytest.raises(ExecuteError):
            await session.execute("no-such-command")
        return await from_session(OldServer(), timeout=_TIMEOUT)
    finally:
        await session.disconnect()


def test_session_of_qemu_qmp_that_lacks_a_command(running):
    snapshot = asyncio.run(refuse_by_qemu_qmp(running))
    lacking = [each.execute for each in snapshot.exchanges if each.lacks_command]
    assert lacking[0] == "query-target"


@pytest.mark.skipif(_AGENT is None, reason="no qemu-ga: apt-get install qemu-guest-agent")
@pytest.mark.parametrize("timeout", [1, _TIMEOUT])
def test_guest_agent(tmp_path, timeout):
    place, log = tmp_path / "agent.sock", tmp_path / "agent.pid"
    words = [_AGENT, "-m", "unix-listen", "-p", place, "--statedir", tmp_path, "-f", log]
    with run(words, place) as address:
        interface = Interface.from_snapshot(probe_address(address, timeout=timeout))
    assert interface.entities is None
    verdicts = {
        path: ask(interface, path).verdict
        for path in ("guest-info", "guest-info/ret-type", "guest-foo")
    }
    assert verdicts == {
        "guest-info": Verdict.YES,
        "guest-info/ret-type": Verdict.UNKNOWN,
        "guest-foo": Verdict.NO,
    }

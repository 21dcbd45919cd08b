"""Probing what is real: a QEMU, one behind a wrapper, one that runs, and a guest agent."""

import asyncio
import contextlib
import json
import os
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
from qscope.model.canonical import interface_hash, schema_hash
from qscope.model.interface import Interface
from qscope.probe import from_session, probe_address, probe_binary
from qscope.probe.process import ARGUMENTS
from qscope.qmp.address import Address
from tests.fake_qemu import make_script

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


@pytest.mark.parametrize("wrapped", [False, True], ids=["binary", "wrapper"])
def test_command_line(runner, qemu, tmp_path, probed, wrapped):
    wrapper = make_script(tmp_path, f'#!/bin/sh\nexec {qemu} "$@"\n')
    outcome = runner.run(
        sys.executable, "-m", "qscope", "probe", wrapper if wrapped else qemu, "--format", "json"
    )
    assert (outcome.status, outcome.stderr) == (0, "")
    report = json.loads(outcome.stdout)
    assert report["commands"] >= 216
    assert report["unanswered"] == 0
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
    assert first.exchanges == second.exchanges
    assert interface_hash(Interface.from_snapshot(first)) == interface_hash(
        Interface.from_snapshot(probed)
    )


def test_every_question_has_an_answer(probed):
    assert [each.outcome() for each in probed.exchanges if each.outcome()] == []
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
    asked = [(each.execute, each.arguments) for each in probed.exchanges]
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
    assert lacking == ["query-target"]


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

"""The executable mock beside a real QEMU: the same lines, the same ends, the same runs."""

import contextlib
import os
import signal
import socket
import subprocess
from pathlib import Path

import msgspec
import pytest

from qscope.model.snapshot import encode_snapshot
from qscope.model.transcript import normalise
from qscope.probe import probe_binary
from tests.mock_executable import Client, connect, listening, run, started, write_program
from tests.running import DEADLINE, wait_for

pytestmark = pytest.mark.live

NO_MACHINE = ("-S", "-machine", "none", "-nodefaults", "-display", "none")


@pytest.fixture(scope="module")
def snapshot(qemu, tmp_path_factory):
    """Return a file with the snapshot of the QEMU, and the snapshot."""
    path = tmp_path_factory.mktemp("snapshot") / "snapshot.json"
    probed = probe_binary(Path(qemu))
    path.write_bytes(encode_snapshot(probed))
    return path, probed


@pytest.fixture
def mock(snapshot, tmp_path):
    return write_program(tmp_path, "--mock-snapshot", snapshot[0])


def _read_errors(program, words):
    """Return what a program says that refuses a line, without its name."""
    outcome = run(program, *NO_MACHINE, *words)
    assert outcome.status == 1
    return [line.partition(": ")[2] for line in outcome.stderr.splitlines()]


@pytest.mark.parametrize(
    "line",
    [
        "-qmp",
        "-qmp unix:/no/such/socket",
        "-qmp tcp:127.0.0.1:1",
        "-mon chardev=c,mode=control",
        "-mon c,mode=control",
        "-mon mode=control",
        "-qmp chardev:c",
        "-chardev null,id=c -mon c,mode=control,pretty=perhaps",
        "-chardev null,id=c -chardev null,id=c",
        "-chardev null",
        "-chardev socket,id=c,fd=abc,server=on,wait=off -mon c,mode=control",
        "-chardev socket,id=c,host=localhost -mon c,mode=control",
        "-chardev socket,id=c,path=/no/such -mon c,mode=control",
        "-qmp stdio -qmp stdio",
        "-qmp stdio -daemonize",
        "-uuid 1-2-3",
    ],
)
def test_refusals_in_the_same_words(qemu, mock, line):
    said = _read_errors(mock, line.split())
    assert len(said) == 1
    assert said[0] in _read_errors(qemu, line.split())


@pytest.mark.parametrize(
    "line",
    [
        "-qmp foo",
        "-qmp none",
        "-qmp tcp:127.0.0.1",
        "-qmp unix:",
        "-qmp unix:/a,server=perhaps",
        "-qmp unix:/no/such/folder/a,server=on,wait=off",
        "-chardev socket,id=c -mon c,mode=control",
        "-chardev socket,id=c,path=/a,host=b -mon c,mode=control",
        "-chardev socket,id=c,fd=77,server=on,wait=off -mon c,mode=control",
        "-chardev null,id=1c",
        "-compat deprecated-input=nonsense",
        "-compat nonsense=reject",
        "-chardev null,id=c -mon c,mode=foo",
        "-chardev socket,id=c,path=/a,wait=off -mon c,mode=control",
        "-chardev socket,id=c,path=/a,server=on,reconnect=1 -mon c,mode=control",
        "-pidfile /no/such/folder/pid",
        "-chardev ringbuf,id=c -mon c,mode=control -mon c,mode=control",
        "-readconfig /no/such/file",
    ],
)
def test_refusals_in_other_words(qemu, mock, line):
    assert len(_read_errors(mock, line.split())) == 1
    assert _read_errors(qemu, line.split())


@pytest.fixture(params=["qemu", "mock"])
def program(request, qemu, mock):
    """Return the QEMU, then the mock: what one does the other does."""
    return qemu if request.param == "qemu" else mock


def test_a_monitor_that_listens(program, tmp_path):
    path, pidfile = tmp_path / "qmp", tmp_path / "pid"
    words = ["-qmp", f"unix:{path},server,nowait", "-pidfile", pidfile, "-name", "vm"]
    with started(program, *NO_MACHINE, *words) as process, connect(path) as client:
        assert client.ask("query-name") == {"return": {"name": "vm"}}
        assert client.ask("query-status")["return"]["status"] == "prelaunch"
        assert pidfile.read_text() == f"{process.pid}\n"
        mode = path.stat().st_mode
        assert mode & 0o777 == 0o777 & ~_read_umask()
        assert client.ask("quit") == {"return": {}}
        assert process.wait(DEADLINE) == 0
    assert (path.exists(), pidfile.exists()) == (False, False)


def _read_umask():
    umask = os.umask(0)
    os.umask(umask)
    return umask


def test_a_monitor_that_connects(program, tmp_path):
    path = tmp_path / "qmp"
    with listening(path) as sock, started(program, *NO_MACHINE, "-qmp", f"unix:{path}") as process:
        Client(sock.accept()[0]).negotiate().__exit__()
        # The client has gone, and it goes on.
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.3)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal(program, tmp_path, number):
    path = tmp_path / "qmp"
    words = ["-qmp", f"unix:{path},server=on,wait=off"]
    with started(program, *NO_MACHINE, *words) as process, connect(path) as client:
        process.send_signal(number)
        event = client.read()
        assert (event["event"], event["data"]) == (
            "SHUTDOWN",
            {"guest": False, "reason": "host-signal"},
        )
        assert client.read() is None
        assert process.wait(DEADLINE) == 0
    assert not path.exists()


def test_a_descriptor(program):
    ours, theirs = socket.socketpair()
    chardev = f"socket,id=mon,fd={theirs.fileno()}"
    words = ["-chardev", chardev, "-mon", "chardev=mon,mode=control"]
    with (
        theirs,
        started(program, *NO_MACHINE, *words, pass_fds=(theirs.fileno(),)) as process,
        Client(ours).negotiate() as client,
    ):
        theirs.close()
        client.ask("quit")
        assert process.wait(DEADLINE) == 0


def test_a_descriptor_that_listens(program, tmp_path):
    path = tmp_path / "qmp"
    with listening(path) as sock:
        chardev = f"socket,id=charmonitor,fd={sock.fileno()},server=on,wait=off"
        words = ["-chardev", chardev, "-mon", "chardev=charmonitor,id=monitor,mode=control"]
        with started(program, *NO_MACHINE, *words, pass_fds=(sock.fileno(),)) as process:
            with connect(path) as client:
                client.ask("quit")
            assert process.wait(DEADLINE) == 0


def test_a_file_of_options(program, tmp_path):
    """As Incus starts a QEMU."""
    path, config = tmp_path / "qmp", tmp_path / "qemu.conf"
    config.write_text(
        f'# Options\n[chardev "monitor"]\nbackend = "socket"\npath = "{path}"\n'
        'server = "on"\nwait = "off"\n\n[mon]\nchardev = "monitor"\nmode = "control"\n'
    )
    with started(program, *NO_MACHINE, "-readconfig", config) as process:
        with connect(path) as client:
            client.ask("quit")
        assert process.wait(DEADLINE) == 0


MADE = """-machine pc -S -nodefaults -display none -object iothread,id=io
-object memory-backend-ram,id=m0,size=1M
-blockdev null-co,node-name=n0 -blockdev {"driver":"raw","node-name":"n1","file":"n0"}
-netdev hubport,id=h0,hubid=1 -chardev null,id=c0 -chardev ringbuf,id=c1,size=64K
-device virtio-serial-pci,id=vs -device virtserialport,bus=vs.0,chardev=c0,id=port
-device virtio-net-pci,netdev=h0,id=nic
-drive if=none,id=d0,driver=null-co -device virtio-blk-pci,drive=d0,id=old
-device virtio-blk-pci,drive=n1,id=disk,addr=0x8"""


def test_what_a_line_makes_is_there(qemu, mock, tmp_path):
    """Both remember the same of what is on the line, and what uses what."""
    answers = []
    for number, program in enumerate((qemu, mock)):
        path = tmp_path / f"qmp{number}"
        words = [*MADE.split(), "-qmp", f"unix:{path},server=on,wait=off"]
        with started(program, *words) as process, connect(path) as client:
            answers.append(list(_ask_for_made(client)))
            client.ask("quit")
            process.wait(DEADLINE)
    assert answers[0] == answers[1]


def _ask_for_made(client):
    for command, arguments in (
        ("device_add", {"driver": "virtio-rng-pci", "id": "nic"}),
        ("device_add", {"driver": "virtio-rng-pci", "id": "new"}),
        ("device_del", {"id": "nope"}),
        ("device_del", {"id": "nic"}),
        ("object-add", {"qom-type": "iothread", "id": "io"}),
        ("object-del", {"id": "io"}),
        ("object-del", {"id": "io"}),
        ("object-del", {"id": "m0"}),
        ("blockdev-add", {"driver": "null-co", "node-name": "n1"}),
        ("device_add", {"driver": "virtio-rng-pci", "id": "old"}),
        ("device_del", {"id": "old"}),
        ("blockdev-del", {"node-name": "n0"}),
        ("blockdev-del", {"node-name": "n1"}),
        ("chardev-remove", {"id": "c0"}),
        ("chardev-remove", {"id": "c1"}),
        ("netdev_del", {"id": "h0"}),
        ("netdev_del", {"id": "nope"}),
    ):
        # Releases word their refusals each in its own way; that is the state's own test.
        refusal = client.ask(command, **arguments).get("error", {})
        yield command, arguments, refusal.get("class")
    nodes = client.ask("query-named-block-nodes", flat=True)["return"]
    named = [each for each in nodes if each["node-name"] in ("n0", "n1")]
    yield sorted((each["node-name"], each["drv"], each["ro"]) for each in named)
    yield sorted(each["label"] for each in client.ask("query-chardev")["return"])


@pytest.mark.parametrize("waits", ["", ",wait=off"])
def test_a_daemon(program, tmp_path, waits):
    path, pidfile = tmp_path / "qmp", tmp_path / "pid"
    words = ["-daemonize", "-qmp", f"unix:{path},server=on{waits}", "-pidfile", pidfile]
    with started(program, *NO_MACHINE, *words) as process:
        if waits:
            assert process.wait(DEADLINE) == 0
        with connect(path) as client:
            assert process.wait(DEADLINE) == 0
            number = int(pidfile.read_text())
            try:
                assert os.getsid(number) != os.getsid(0)
                client.ask("quit")
                wait_for(lambda: not pidfile.exists())
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(number, signal.SIGKILL)


def test_the_mock_of_this_qemu_is_probed_as_it_is(mock, snapshot):
    recorded = snapshot[1]
    probed = probe_binary(mock)
    assert [*map(_normalise, probed.exchanges)] == [*map(_normalise, recorded.exchanges)]
    assert probed.greeting == recorded.greeting
    assert probed.runs == recorded.runs


def _normalise(exchange):
    if exchange.result is msgspec.UNSET:
        return exchange
    return msgspec.structs.replace(exchange, result=normalise(exchange.result))

"""The executable mock: which monitors a line asks for, what it refuses, and sessions with it."""

import contextlib
import json
import os
import pathlib
import signal
import socket
import stat
import subprocess
import sys

import msgspec
import pytest

from qscope.cli.mock_qemu import split_own
from qscope.errors import ArgumentError
from qscope.load.opening import EMBEDDED
from qscope.model.snapshot import Snapshot, decode_snapshot, encode_snapshot
from qscope.model.transcript import ErrorInfo, Exchange, Run, Transcript, normalise
from qscope.probe import probe_binary
from qscope.serve.mock import mock_snapshot
from qscope.serve.mock.qemu_line.asked import read_line
from qscope.serve.mock.qemu_line.config import expand
from qscope.serve.mock.qemu_line.fate import find_status
from qscope.serve.mock.qemu_line.given import list_given
from qscope.serve.mock.qemu_line.words import split_line
from tests.mock_executable import Client, connect, listening, run, started, write_program
from tests.running import DEADLINE, wait_for

UUID = "8bd53789-adab-484f-8c53-a6df9d5f1dbf"


def read(line):
    return read_line(split_line(line.split(), ()))


def show(monitor):
    """Return a monitor in one line: `ID PLACE`, and what is special about it."""
    place = monitor.place
    marks = {
        "server": place.server,
        "waits": place.waits,
        f"again after {place.reconnect:g} s": place.reconnect,
        "pretty": monitor.pretty,
    }
    return " ".join([monitor.id, str(place), *(mark for mark, is_so in marks.items() if is_so)])


@pytest.mark.parametrize(
    ("line", "monitors"),
    [
        ("", []),
        ("-S -m 2G disk.img", []),
        ("-qmp stdio", ["compat_monitor0 stdio"]),
        ("--qmp stdio", ["compat_monitor0 stdio"]),
        ("-qmp mon:stdio", ["compat_monitor0 stdio"]),
        ("-qmp-pretty stdio", ["compat_monitor0 stdio pretty"]),
        ("-qmp unix:/a", ["compat_monitor0 unix:/a"]),
        ("-qmp unix:/a,server=on", ["compat_monitor0 unix:/a server waits"]),
        ("-qmp unix:/a,server,nowait", ["compat_monitor0 unix:/a server"]),
        ("-qmp unix:/a,server=on,wait=off", ["compat_monitor0 unix:/a server"]),
        ("-qmp unix:/a,,b,server=on,wait=off", ["compat_monitor0 unix:/a,b server"]),
        ("-qmp unix:path=/a,server=yes,wait=n", ["compat_monitor0 unix:/a server"]),
        ("-qmp tcp:localhost:4444,server=on", ["compat_monitor0 tcp:localhost:4444 server waits"]),
        ("-qmp tcp::4444,server,nowait", ["compat_monitor0 tcp::4444 server"]),
        ("-qmp unix:/a,reconnect=2", ["compat_monitor0 unix:/a again after 2 s"]),
        ("-qmp unix:/a,reconnect-ms=500", ["compat_monitor0 unix:/a again after 0.5 s"]),
        # -monitor has a number, too, -mon has none.
        ("-monitor stdio -qmp unix:/a", ["compat_monitor1 unix:/a"]),
        ("-monitor none -qmp unix:/a", ["compat_monitor0 unix:/a"]),
        ("-qmp unix:/a -qmp unix:/b", ["compat_monitor0 unix:/a", "compat_monitor1 unix:/b"]),
        ("-chardev socket,id=c,fd=3 -mon chardev=c,mode=control", ["c fd:3"]),
        ("-chardev socket,id=c,fd=9,server=on -mon c,mode=control", ["c fd:9 server waits"]),
        ("-mon c,mode=control,pretty=on -chardev stdio,id=c", ["c stdio pretty"]),
        ("-chardev stdio,id=c -qmp chardev:c", ["c stdio"]),
        (
            "-chardev socket,id=c,host=::1,port=1 -mon c,mode=control",
            ["c tcp:::1:1"],
        ),
        ("-object monitor-qmp,id=m,chardev=c -chardev stdio,id=c", ["c stdio"]),
        (
            '-chardev stdio,id=c -object {"qom-type":"monitor-qmp","id":"m","chardev":"c"}',
            ["c stdio"],
        ),
        (
            "-object monitor-qmp,id=m,chardev=c,pretty=on -qmp stdio -chardev socket,id=c,fd=3",
            ["compat_monitor0 stdio", "c fd:3 pretty"],
        ),
        ("-chardev stdio,id=c -object iothread,id=monitor-qmp", []),
        # In the order of the character devices.
        (
            "-chardev stdio,id=b -chardev socket,id=a,path=/a -mon a,mode=control -qmp chardev:b",
            ["b stdio", "a unix:/a"],
        ),
        # Of several values the last counts, of IDs the first.
        ("-chardev socket,id=c,id=d,path=/a,path=/b -mon c,mode=control", ["c unix:/b"]),
        # The human monitor, and what no monitor has.
        ("-chardev stdio,id=c -mon c", []),
        ("-chardev stdio,id=c -mon c,mode=readline", []),
        ("-chardev socket,id=c,websocket=on,path=/a", []),
        ("-chardev socket,id=c -serial chardev:c -monitor tcp:nonsense", []),
        ("-serial stdio -parallel none -display none -nographic", []),
        # What an option takes is none itself.
        ("-append -qmp", []),
        ("-name -qmp -qmp stdio", ["compat_monitor0 stdio"]),
    ],
)
def test_monitors_of_a_line(line, monitors):
    assert list(map(show, read(line).monitors)) == monitors


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("-qmp", "-qmp: requires an argument"),
        ("-S --m", "--m: requires an argument"),
        ("-qmp foo", "-qmp foo: 'foo' is no character device"),
        ("-qmp none", "-qmp none: 'none' is no character device"),
        ("-qmp tcp:127.0.0.1", "-qmp tcp:127.0.0.1: '127.0.0.1' is no address"),
        ("-qmp unix:/a,server=perhaps", "Parameter 'server' expects 'on' or 'off'"),
        ("-qmp unix:/a,server,wait=x", "Parameter 'wait' expects 'on' or 'off'"),
        ("-qmp unix:/a,wait=off", "'wait' option is incompatible"),
        ("-qmp unix:/a,server=on,reconnect=1", "'reconnect' option is incompatible"),
        ("-qmp unix:/a,reconnect=x", "Parameter 'reconnect' expects a number"),
        ("-qmp unix:,server=on", "the path is empty"),
        ("-qmp unix:/a,abstract=on,server=on", "no abstract sockets"),
        ("-qmp telnet:localhost:1,server=on", "telnet: a mock speaks QMP without"),
        ("-qmp websocket:localhost:1,server=on", "websocket: a mock speaks QMP without"),
        ("-chardev socket,id=c,path=/a,tls-creds=t -mon c,mode=control", "without TLS"),
        ("-chardev null,id=c -chardev null,id=c", "Duplicate ID 'c' for chardev"),
        ("-chardev null", "-chardev null: chardev: no id specified"),
        ("-chardev null,id=1c", "Parameter 'id' expects an identifier"),
        ("-chardev socket,id=c -mon c,mode=control", "one of 'path', 'fd' and 'host' is right"),
        ("-chardev socket,id=c,path=/a,fd=3 -mon c,mode=control", "one of 'path', 'fd' and"),
        ("-chardev socket,id=c,fd=x -mon c,mode=control", "Unable to parse FD number x"),
        ("-chardev socket,id=c,fd=-1 -mon c,mode=control", "Unable to parse FD number -1"),
        ("-chardev socket,id=c,host=h -mon c,mode=control", "no port given"),
        ("-mon c,mode=control", '-mon c,mode=control: chardev "c" not found'),
        ("-qmp chardev:c", '-qmp chardev:c: chardev "c" not found'),
        ("-mon mode=control", "Parameter 'chardev' is missing"),
        ("-object monitor-qmp,id=m", "-object monitor-qmp,id=m: Parameter 'chardev' is missing"),
        ("-object monitor-qmp,chardev=c", "Parameter 'id' is missing"),
        ("-object monitor-qmp,id=m,chardev=c", 'chardev "c" not found'),
        ('-object {"qom-type":"monitor-qmp"', "-object {"),
        ("-chardev null,id=c -mon c,mode=foo", "'mode' does not accept value 'foo'"),
        ("-chardev null,id=c -mon c,mode=control,pretty=1", "Parameter 'pretty' expects"),
        ("-chardev stdio,id=c -mon c,mode=control -qmp chardev:c", "Device 'c' is in use"),
        ("-qmp stdio -qmp-pretty stdio", "cannot use stdio by multiple character devices"),
        ("-daemonize -qmp stdio", "-qmp stdio: cannot use stdio with -daemonize"),
        ("-uuid 1-2-3", "-uuid 1-2-3: failed to parse UUID string: wrong format"),
        ("-compat deprecated-input=x", "-compat deprecated-input=x: deprecated-input is 'x'"),
        ("-compat nonsense=reject", "-compat nonsense=reject: no switch 'nonsense'"),
    ],
)
def test_a_line_is_refused(line, message):
    with pytest.raises(ArgumentError) as caught:
        read(line)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["null", "vc", "pty", "file:/a", "pipe:/a", "udp::1"])
def test_monitors_that_a_mock_has_not_are_left_out(kind):
    asked = read(f"-qmp {kind} -qmp stdio")
    assert [each.id for each in asked.monitors] == ["compat_monitor1"]
    assert len(asked.notes) == 1
    assert asked.notes[0].startswith(f"-qmp {kind}: ")


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("", "paused", False),
        ("-S", "paused", True),
        ("--S", "paused", True),
        ("-name -S", "paused", False),
        ("-incoming defer", "paused", True),
        ("-name vm", "name", "vm"),
        ("-name guest=vm,debug-threads=on", "name", "vm"),
        ("-name debug-threads=on", "name", None),
        ("-name a -name b", "name", "b"),
        (f"-uuid {UUID.upper()}", "uuid", UUID),
        ("-pidfile /a -pidfile /b", "pidfile", "/b"),
        ("-daemonize", "daemonize", True),
    ],
)  # fmt: skip
def test_what_else_a_line_asks_for(line, name, value):
    assert getattr(read(line), name) == value


CONFIG = """
# Options
[chardev "m"]
  backend = "socket"
path = "/a,b"

[mon]
chardev = "m"
mode = "control"
[name]
guest = "vm"
"""


def test_a_file_of_options():
    words = split_line(["-S", "-readconfig", "f", "-qmp", "stdio"], ())
    asked = read_line([*expand(words, {"f": CONFIG}.__getitem__)])
    assert list(map(show, asked.monitors)) == ["m unix:/a,b", "compat_monitor0 stdio"]
    assert (asked.name, asked.paused) == ("vm", True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('backend = "null"\n', "f:1: no group defined"),
        ('\n[chardev "x"\n', "f:2: [GROUP"),
        ("[chardev]\nbackend = null\n", "f:2: [GROUP"),
        ('[chardev]\nbackend="null"\n', "f:2: [GROUP"),
        ('[chardev]\nbackend = "null"\n', "chardev: no id specified"),
        ('[mon]\nmode = "control"\n', "Parameter 'chardev' is missing"),
    ],
)
def test_a_file_of_options_is_refused(text, message):
    with pytest.raises(ArgumentError) as caught:
        read_line([*expand(split_line(["-readconfig", "f"], ()), lambda _: text)])
    assert message in str(caught.value)


def test_recorded_runs_tell_which_options_take_an_argument():
    runs = (
        Run(("-version",), 0, "v\n"),
        Run(("-version", "-qscope-no-such-option"), 1, "-qscope-no-such-option: invalid option\n"),
        Run(("-version", "-new"), 1, "-new: requires an argument\n"),
    )
    assert [each.name for each in split_line(["-new", "-S"], runs)] == ["new"]
    assert [each.name for each in split_line(["-new", "-S"], ())] == ["new", "S"]


@pytest.mark.parametrize(
    ("argv", "given", "words"),
    [
        ([], {}, []),
        (["-S", "-snapshot"], {}, ["-S", "-snapshot"]),
        (["--mock-seed", "3", "-S"], {"--mock-seed": "3"}, ["-S"]),
        (["--mock-seed=3", "--strict", "-S"], {"--mock-seed": "3", "--strict": "1"}, ["-S"]),
        (["-S", "--strict"], {}, ["-S", "--strict"]),
        (["-mock-seed", "3"], {}, ["-mock-seed", "3"]),
    ],
)
def test_own_options_come_first(argv, given, words):
    own = split_own(argv)
    assert (own.given, list(own.words)) == (given, words)


@pytest.mark.parametrize(
    ("exchange", "status"),
    [
        (Exchange("x", crashed=True, ended="it was killed by SIGABRT"), -signal.SIGABRT),
        (Exchange("x", crashed=True, ended="it was killed by signal 34"), -34),
        (Exchange("x", crashed=True, ended="it exited with status 1"), 1),
        (Exchange("x", crashed=True, ended="it did not answer within 15 s"), None),
        (Exchange("x", crashed=True), None),
        (Exchange("x", error=ErrorInfo("CRASH", "rc=-11 (null) is no PCI device\n")), -11),
        (Exchange("x", error=ErrorInfo("GenericError", "rc=-11")), None),
        (Exchange("x", result=msgspec.Raw(b"{}")), None),
    ],
)
def test_how_a_qemu_ended(exchange, status):
    assert find_status(exchange) == status


# The program itself.


@pytest.fixture
def mock(tmp_path):
    """Return a program that stands for the QEMU that ships with qscope."""
    return write_program(tmp_path, "--mock-snapshot", EMBEDDED)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-qmp"], "-qmp: requires an argument"),
        (["-qmp", "unix:/no/such/folder/a,server=on"], "-qmp unix:/no/such/folder/a,server=on: "),
        (["-qmp", "unix:/no/such/socket"], "Failed to connect to '/no/such/socket': No such file"),
        (["-qmp", "tcp:127.0.0.1:1"], "Failed to connect to '127.0.0.1:1': Connection refused"),
        (["-qmp", "tcp:127.0.0.1:nonsense,server=on"], "'nonsense' is no port"),
        (["-chardev", "socket,id=c,fd=77", "-mon", "c,mode=control"], "fd:77: Bad file descriptor"),
        (["-pidfile", "/no/such/folder/pid"], "cannot create PID file: Could not create"),
        (["-netdev", "user,help"], "-netdev user,help: nothing recorded tells what it prints"),
        (["-S", "--strict"], "--strict: the mock's own options come before QEMU's"),
        (["-S", "--mock-seed=1"], "--mock-seed=1: the mock's own options come before QEMU's"),
    ],
)
def test_the_program_refuses_as_a_qemu_does(mock, words, message):
    outcome = run(mock, *words)
    assert (outcome.status, outcome.stdout) == (1, "")
    assert outcome.stderr.startswith("mock_qemu.py: ")
    assert message in outcome.stderr
    assert outcome.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("own", "message"),
    [
        (["--mock-seed"], "--mock-seed: requires an argument"),
        (["--mock-seed", "x"], "--mock-seed x: an integer is right"),
        (["--mock-snapshot", "/no/such/file"], "no such file"),
        (["--mock-snapshot", __file__], "not a snapshot"),
        (["--mock-answers", "/no/such/file"], "/no/such/file"),
        (["--mock-record", "/no/such/folder/x"], "/no/such/folder/x"),
    ],
)
def test_its_own_options_are_refused(tmp_path, monkeypatch, own, message):
    monkeypatch.setenv("QSCOPE_SNAPSHOT", EMBEDDED)
    outcome = run(write_program(tmp_path), *own)
    assert (outcome.status, outcome.stdout) == (1, "")
    assert message in outcome.stderr
    assert outcome.stderr.count("\n") == 1


def test_a_session_over_a_socket_file(mock, tmp_path):
    path, pidfile = tmp_path / "qmp", tmp_path / "pid"
    words = ["-S", "-name", "vm", "-uuid", UUID]
    words += ["-qmp", f"unix:{path},server=on,wait=off", "-pidfile", pidfile, "-device", "nonsense"]
    with started(mock, *words) as process, connect(path) as client:
        assert stat.S_IMODE(path.stat().st_mode) == 0o777 & ~_read_umask()
        assert client.greeting["QMP"]["version"]["qemu"]["minor"] == 2
        assert client.ask("query-status")["return"]["status"] == "prelaunch"
        assert client.ask("query-name") == {"return": {"name": "vm"}}
        assert client.ask("query-uuid") == {"return": {"UUID": UUID}}
        assert client.ask("query-nope")["error"]["class"] == "CommandNotFound"
        assert int(pidfile.read_text()) == process.pid
        assert client.ask("quit") == {"return": {}}
        assert process.communicate(timeout=DEADLINE) == ("", "")
    assert process.returncode == 0
    assert not path.exists()
    assert not pidfile.exists()


def _read_umask():
    umask = os.umask(0)
    os.umask(umask)
    return umask


def test_clients_that_leave_do_not_end_it(mock, tmp_path):
    path = tmp_path / "qmp"
    with started(mock, "-qmp", f"unix:{path},server=on,wait=off") as process:
        connect(path).__exit__()
        with connect(path) as client:
            assert client.ask("query-status")["return"]["status"] == "running"
        assert process.poll() is None


def test_stdio_that_ends_does_not_end_it(mock):
    with started(mock, "-qmp-pretty", "stdio") as process:
        assert process.stdout.readline() == "{\n"
        process.stdin.close()
        _expect_life(process)


def _expect_life(process):
    """Expect that a mock goes on, and that a signal ends it."""
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.3)
    process.terminate()
    assert process.wait(DEADLINE) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_end_it_in_order(mock, tmp_path, number):
    path = tmp_path / "qmp"
    with (
        started(mock, "-qmp", f"unix:{path},server=on,wait=off") as process,
        connect(path) as client,
    ):
        process.send_signal(number)
        event = client.read()
        assert event["event"] == "SHUTDOWN"
        assert event["data"] == {"guest": False, "reason": "host-signal"}
        assert process.communicate(timeout=DEADLINE) == ("", "")
    assert process.returncode == 0
    assert not path.exists()


def test_it_waits_for_a_signal_without_a_monitor(mock, tmp_path):
    pidfile = tmp_path / "pid"
    with started(mock, "-S", "-qmp", "null", "-pidfile", pidfile) as process:
        assert "a mock has no QMP monitor on 'null'" in process.stderr.readline()
        wait_for(pidfile.exists)
        _expect_life(process)


def test_it_connects_to_an_application(mock, tmp_path):
    path = tmp_path / "qmp"
    with listening(path) as sock, started(mock, "-qmp", f"unix:{path}") as process:
        with Client(sock.accept()[0]).negotiate() as client:
            client.ask("quit")
        assert process.wait(DEADLINE) == 0
    assert path.exists()


def test_it_connects_again(mock, tmp_path):
    path = tmp_path / "qmp"
    with started(mock, "-qmp", f"unix:{path},reconnect-ms=50"), listening(path) as sock:
        for _ in range(2):
            Client(sock.accept()[0]).negotiate().__exit__()


@pytest.mark.parametrize("words", [(), ("server=off",)])
def test_an_inherited_connection(mock, words):
    """As qemu.machine starts a QEMU."""
    ours, theirs = socket.socketpair()
    chardev = ",".join(["socket", "id=mon", f"fd={theirs.fileno()}", *words])
    line = ["-display", "none", "-vga", "none", "-chardev", chardev, "-mon", "mon,mode=control"]
    with theirs, started(mock, *line, pass_fds=(theirs.fileno(),)) as process:
        theirs.close()
        with Client(ours).negotiate() as client:
            client.ask("quit")
            assert process.wait(DEADLINE) == 0
            assert client.read() is None


def test_an_inherited_socket_that_listens(mock, tmp_path):
    """As libvirt starts a QEMU."""
    path = tmp_path / "qmp"
    with listening(path) as sock:
        chardev = f"socket,id=charmonitor,fd={sock.fileno()},server=on,wait=off"
        line = ["-chardev", chardev, "-mon", "chardev=charmonitor,id=monitor,mode=control"]
        with started(mock, *line, pass_fds=(sock.fileno(),)) as process:
            with connect(path) as client:
                client.ask("quit")
            assert process.wait(DEADLINE) == 0
    assert path.exists()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", ""])
def test_a_port(mock, host):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with started(mock, "-qmp", f"tcp:{host}:{port},server=on,wait=off") as process:
        with connect(port) as client:
            client.ask("quit")
        assert process.wait(DEADLINE) == 0


def test_what_its_line_makes_is_there(mock, tmp_path):
    path, answers, record = (tmp_path / name for name in ("qmp", "a.toml", "record"))
    answers.write_text('[[answer]]\ncommand = "device_add"\ntimes = 1\nreturn = {}\n')
    words = ["--mock-answers", answers, "--mock-record", record]
    words += ["-qmp", f"unix:{path},server=on,wait=off", "-object", "iothread,id=io"]
    words += ["-drive", "if=none,id=d0", "-device", "virtio-blk-pci,drive=d0,id=disk,iothread=io"]
    words += ["-device", "nonsense,id=x", "-device", "", "-netdev", "user,,", "-object", "{"]
    program = write_program(tmp_path, "--mock-snapshot", EMBEDDED)
    with started(program, *words) as process, connect(path) as client:
        # The rule of the file has not been used up by the line.
        assert client.ask("device_add", driver="e1000", id="disk") == {"return": {}}
        assert "Duplicate" in client.ask("device_add", driver="e1000", id="disk")["error"]["desc"]
        assert client.ask("device_del", id="x")["error"]["class"] == "DeviceNotFound"
        assert client.ask("device_del", id="disk") == {"return": {}}
        assert client.ask("object-del", id="io") == {"return": {}}
        client.ask("quit")
        assert process.communicate(timeout=DEADLINE) == ("", "")
    assert len(record.read_text().splitlines()) == 7


@pytest.mark.parametrize(
    ("line", "given"),
    [
        ("", []),
        ("-append -device -name vm", []),
        ("-drive if=none,file=x -hda x -serial stdio", []),
        ("-drive if=none,id=d", [("blockdev-add", {"driver": "null-co", "node-name": "d"})]),
        ("-device {", []),
        ("-device []", [("device_add", {"driver": "[]"})]),
        ("-device e1000,addr=5", [("device_add", {"driver": "e1000", "addr": "5"})]),
        ('-device {"driver":"e1000","addr":5}', [("device_add", {"driver": "e1000", "addr": 5})]),
        ("-netdev user,id=n", [("netdev_add", {"type": "user", "id": "n"})]),
        # QemuOpts has lists in a way of its own: what it is called is what is left.
        ("-netdev user,id=n,hostfwd=tcp::1-:2", [("netdev_add", {"type": "user", "id": "n"})]),
        (
            "-object memory-backend-ram,id=m,size=1G,share=on",
            [("object-add", {"qom-type": "memory-backend-ram", "id": "m", "size": 1 << 30,
                             "share": True})],
        ),
        ("-object nonsense,id=m", [("object-add", {"qom-type": "nonsense", "id": "m"})]),
        (
            "-blockdev file,filename=/x,node-name=n,cache.direct=on",
            [("blockdev-add", {"driver": "file", "filename": "/x", "node-name": "n",
                               "cache": {"direct": True}})],
        ),
        (
            "-chardev pty,id=c -chardev socket,id=m,path=/x -mon m,mode=control",
            [("chardev-add", {"id": "c", "backend": {"type": "pty", "data": {}}})],
        ),
        (
            "-device e1000,netdev=n -netdev user,id=n",
            [("netdev_add", {"type": "user", "id": "n"}),
             ("device_add", {"driver": "e1000", "netdev": "n"})],
        ),
    ],
)  # fmt: skip
def test_what_a_line_makes(schema, line, given):
    found = list_given(split_line(line.split(), ()), schema, {"m"})
    assert [(each.command, each.choices[0]) for each in found if each.choices] == given


@pytest.fixture(scope="module")
def schema():
    return mock_snapshot(decode_snapshot(pathlib.Path(EMBEDDED).read_bytes())).schema


def test_several_monitors(mock, tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    words = ["-qmp-pretty", f"unix:{first},server,nowait", "-qmp", f"unix:{second},server,nowait"]
    with started(mock, *words), connect(first) as client, connect(second) as other:
        assert client.ask("stop") == {"return": {}}
        assert other.read()["event"] == "STOP"
        labels = {each["label"] for each in client.ask("query-chardev")["return"]}
        assert labels == {"compat_monitor0", "compat_monitor1"}


def test_a_daemon(mock, tmp_path):
    path, pidfile = tmp_path / "qmp", tmp_path / "pid"
    words = ["-qmp", f"unix:{path},server=on,wait=off", "-daemonize", "-pidfile", pidfile]
    outcome = run(mock, *words)
    number = int(pidfile.read_text())
    try:
        assert tuple(outcome) == (0, "", "")
        assert os.getsid(number) != os.getsid(0)
        again = run(mock, "-pidfile", pidfile)
        assert (again.status, "Cannot lock pid file" in again.stderr) == (1, True)
        with connect(path) as client:
            client.ask("quit")
        wait_for(lambda: not pidfile.exists())
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
    assert not path.exists()


def test_a_daemon_waits_for_its_client(mock, tmp_path):
    path, pidfile = tmp_path / "qmp", tmp_path / "pid"
    words = ["-daemonize", "-qmp", f"unix:{path},server=on", "-pidfile", pidfile]
    with started(mock, *words) as process:
        assert "QEMU waiting for connection on: " in process.stderr.readline()
        assert process.poll() is None
        with connect(path) as client:
            assert process.wait(DEADLINE) == 0
            client.ask("quit")
    wait_for(lambda: not pidfile.exists())


def test_a_daemon_that_cannot_start(mock):
    outcome = run(mock, "-daemonize", "-pidfile", "/no/such/folder/pid")
    assert outcome.status == 1
    assert "cannot create PID file" in outcome.stderr


def test_it_dies_of_what_its_qemu_died_of(mock, tmp_path):
    path = tmp_path / "qmp"
    with (
        started(mock, "-qmp", f"unix:{path},server=on,wait=off") as process,
        connect(path) as client,
    ):
        client.send("query-status")
        client.send("qom-list-properties", typename="colo-compare")
        assert "return" in client.read()
        assert client.read() is None
        assert process.wait(DEADLINE) == -signal.SIGABRT


def test_options_of_its_own(tmp_path, monkeypatch):
    answers, record, path = (tmp_path / name for name in ("a.toml", "record", "qmp"))
    answers.write_text('[[answer]]\ncommand = "query-name"\nreturn = { name = "mine" }\n')
    monkeypatch.setenv("QSCOPE_SNAPSHOT", EMBEDDED)
    monkeypatch.setenv("QSCOPE_MOCK_ANSWERS", str(answers))
    monkeypatch.setenv("QSCOPE_MOCK_RECORD", str(record))
    program = write_program(tmp_path, "--mock-seed", "7", "--mock-full")
    words = ["-name", "vm", "-qmp", f"unix:{path},server=on,wait=off"]
    with started(program, *words) as process, connect(path) as client:
        assert client.ask("query-name") == {"return": {"name": "mine"}}
        client.ask("quit")
        assert process.wait(DEADLINE) == 0
    last = json.loads(record.read_text().splitlines()[-1])
    assert last == {"execute": "quit", "return": {}}


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["-device", "nonsense"], 1, "-device driver: "),
        (["-nonsense"], 1, "-nonsense"),
        (["-machine", "none", "-version"], 0, ""),
    ],
)
def test_strict(tmp_path, monkeypatch, words, status, message):
    monkeypatch.setenv("QSCOPE_MOCK_STRICT", "1")
    outcome = run(write_program(tmp_path, "--mock-snapshot", EMBEDDED), *words)
    assert outcome.status == status
    assert message in outcome.stderr


@pytest.mark.parametrize(
    ("words", "status", "line"),
    [
        (["-version"], 0, "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)"),
        (["--version", "-S"], 0, "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)"),
        (["-help"], 0, "-machine"),
        (["-machine", "help"], 0, "pc-i440fx-7.2        (default)"),
        (["-M", "?"], 0, "pc                   (alias of pc-i440fx-7.2)"),
        (["-device", "help"], 0, 'name "e1000", bus PCI'),
        (["-device", "e1000,help"], 0, "  addr=<int32>"),
        (["-cpu", "help"], 0, "x86 486-v1"),
        (["-accel", "help"], 0, "tcg"),
        (["-object", "help"], 0, "  iothread"),
        (["-object", "iothread,help"], 0, "  poll-grow=<int>"),
        (["-machine", "pc,help"], 0, "  acpi=<OnOffAuto>"),
        (["-version", "-alt-grab"], 1, "mock_qemu.py: -alt-grab: invalid option"),
        (["-tpmdev", "help"], 1, "passthrough"),
    ],
)
def test_what_it_prints(mock, words, status, line):
    outcome = run(mock, *words)
    assert outcome.status == status
    printed, other = outcome.stdout, outcome.stderr
    printed, other = (other, printed) if status else (printed, other)
    assert other == ""
    assert any(each.startswith(line) for each in printed.splitlines())


def test_it_never_asks_itself(tmp_path, monkeypatch):
    """Where the QEMU on PATH is this program, it stands for the one that ships with qscope."""
    program = tmp_path / "qscope-mock-qemu"
    program.write_text(f"#!{sys.executable}\nfrom qscope.cli.mock_qemu import main\nmain()\n")
    program.chmod(0o755)
    (tmp_path / "qemu-system-x86_64").symlink_to(program)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    for target in ("", str(program), "qemu-system-x86_64"):
        monkeypatch.setenv("QSCOPE_SNAPSHOT", target)
        outcome = run("qemu-system-x86_64", "-version", "-alt-grab")
        assert outcome.stderr == "qemu-system-x86_64: -alt-grab: invalid option\n"
    assert not any(pathlib.Path(os.environ["QSCOPE_CACHE_DIR"]).iterdir())


@pytest.mark.parametrize("target", ["", "qemu-system-x86_64", "/no/such/file"])
def test_a_mock_that_a_mock_asks_asks_nobody(tmp_path, monkeypatch, target):
    write_program(tmp_path, "--mock-snapshot", target)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("QSCOPE_MOCK_PROBING", "1")
    outcome = run("qemu-system-x86_64", "-version")
    assert outcome.stdout.startswith("QEMU emulator version 7.2.22")


def test_probing_it_gives_back_the_snapshot(mock):
    """The law of the mock: exchanges, greeting and runs, and every crash as it was."""
    recorded = decode_snapshot(pathlib.Path(EMBEDDED).read_bytes())
    probed = probe_binary(mock)
    assert [*map(_normalise, probed.exchanges)] == [*map(_normalise, recorded.exchanges)]
    assert probed.runs == recorded.runs
    assert probed.greeting == recorded.greeting


def test_probing_it_gives_back_what_a_transcript_has(shared, tmp_path):
    path = next(shared.glob("snapshots/qemu-10.0.13-*"))
    recorded = Transcript(decode_snapshot(path.read_bytes()).exchanges)
    probed = probe_binary(write_program(tmp_path, "--mock-snapshot", path)).exchanges
    questions = [(each.execute, each.arguments or {}) for each in probed]
    pairs = [
        (_normalise(each), _normalise(found))
        for each, (name, arguments) in zip(probed, questions, strict=True)
        if (found := recorded.find(name, **arguments))
    ]
    assert len(pairs) > 500
    assert [a for a, b in pairs if a != b and not (a.crashed and b.fatal)] == []


def _normalise(exchange):
    if exchange.result is msgspec.UNSET:
        return exchange
    return msgspec.structs.replace(exchange, result=normalise(exchange.result))


def test_a_line_of_libvirt(mock, shared, tmp_path):
    """All that libvirt gave a QEMU of 2014, but for where the monitor is."""
    path = tmp_path / "qmp"
    words = (shared / "talk-line.txt").read_text().split()[1:]
    at = next(number for number, word in enumerate(words) if "id=charmonitor" in word)
    words[at] = f"socket,id=charmonitor,path={path},server,nowait"
    with started(mock, *words) as process, connect(path) as client:
        assert client.ask("query-name") == {"return": {"name": "boxes-unknown"}}
        assert client.ask("query-status")["return"]["status"] == "prelaunch"
        client.ask("quit")
        assert process.communicate(timeout=DEADLINE) == ("", "")


def test_what_ends_a_run_ends_the_mock(tmp_path):
    path = tmp_path / "snapshot.json"
    snapshot = decode_snapshot(pathlib.Path(EMBEDDED).read_bytes())
    run_of = Run(("-version", "-x"), -signal.SIGSEGV, "oh\n", "it was killed by SIGSEGV")
    changed = Snapshot(snapshot.identity, snapshot.exchanges, runs=(run_of,))
    path.write_bytes(encode_snapshot(changed))
    outcome = run(write_program(tmp_path, "--mock-snapshot", path), "-version", "-x")
    assert tuple(outcome) == (-signal.SIGSEGV, "", "oh\n")

"""The example storaged as a process, and the clients that people use, unchanged."""

import asyncio
import contextlib
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import qmp
from qemu.qmp import EventListener, ExecuteError, QMPClient
from qemu.qmp.legacy import QEMUMonitorProtocol

from tests.running import DEADLINE
from tests.storaged import FOLDER, ROOT, Relay, mask_times, run_shell, start

MEMORY = {"driver": "memory", "id": "a", "size": 1 << 20}
OVERLAY = {"driver": "overlay", "id": "o", "backing": "a"}


@pytest.fixture
def storaged(tmp_path):
    with start(tmp_path / "s") as storaged:
        yield storaged


@contextlib.asynccontextmanager
async def connect(storaged):
    client = QMPClient("test")
    await client.connect(storaged.path)
    try:
        yield client
    finally:
        await client.disconnect()


def run(*words, env=None):
    return subprocess.run(
        [sys.executable, "-m", "qscope", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        env=env,
    )


def run_storaged(*words, stdin=""):
    command = [sys.executable, FOLDER / "storaged.py", *words]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=DEADLINE)


# qemu.qmp.


def test_qemu_qmp_executes_and_gets_events(storaged):
    async def talk():
        async with connect(storaged) as client:
            await client.execute("disk-add", MEMORY)
            names = ["JOB_PROGRESS", "JOB_COMPLETED"]
            with client.listener(names) as events:
                arguments = {"job-id": "j", "disk": "a", "name": "s", "speed": 0}
                assert await client.execute("snapshot-create", arguments) == {}
                end = await client.execute("job-wait", {"id": "j"})
                assert [(await events.get())["event"] for _ in names] == names
            assert end == {"id": "j", "result": "done"}
            found = await client.execute("query-snapshots", {"disk": "a"})
            assert found == [{"disk": "a", "name": "s", "size": 1 << 20}]
            assert await client.execute("query-jobs") == []

    asyncio.run(asyncio.wait_for(talk(), DEADLINE))


def test_qemu_qmp_is_told_what_is_refused_and_why(storaged):
    async def talk():
        async with connect(storaged) as client:
            with pytest.raises(ExecuteError) as caught:
                await client.execute("disk-remove", {"id": "a"})
            assert caught.value.error_class == "DeviceNotFound"
            assert str(caught.value) == "Disk 'a' not found"
            with pytest.raises(ExecuteError) as caught:
                await client.execute("nosuch")
            assert caught.value.error_class == "CommandNotFound"

    asyncio.run(asyncio.wait_for(talk(), DEADLINE))


def test_out_of_band_a_job_is_cancelled_that_is_waited_for(storaged):
    async def talk():
        async with connect(storaged) as client:
            await client.execute("disk-add", MEMORY)
            arguments = {"job-id": "j", "disk": "a", "name": "s", "speed": 1000}
            await client.execute("snapshot-create", arguments)
            waiting = asyncio.create_task(client.execute("job-wait", {"id": "j"}))
            behind = asyncio.create_task(client.execute("query-jobs"))
            # In band it would wait for the end of the job: 17 minutes.
            await client.execute("job-cancel", {"id": "j"}, oob=True)
            assert await waiting == {"id": "j", "result": "cancelled"}
            assert await behind == []
            assert await client.execute("query-snapshots") == []
            with pytest.raises(ExecuteError, match="does not support OOB"):
                await client.execute("query-jobs", oob=True)

    asyncio.run(asyncio.wait_for(talk(), DEADLINE))


def test_progress_is_told_once_a_second_and_job_at_most(storaged):
    async def talk():
        async with connect(storaged) as client:
            events = EventListener(["JOB_PROGRESS", "JOB_COMPLETED"])
            client.register_listener(events)
            for each in ("a", "b"):
                await client.execute("disk-add", MEMORY | {"id": each})
                # Ten steps of 50 ms.
                arguments = {"job-id": each, "disk": each, "name": "s", "speed": 2 << 20}
                await client.execute("snapshot-create", arguments)
            for each in ("a", "b"):
                await client.execute("job-wait", {"id": each})
            found = [await events.get()]
            while [each["event"] for each in found].count("JOB_COMPLETED") < 2:
                found.append(await events.get())
            return found

    events = asyncio.run(asyncio.wait_for(talk(), DEADLINE))
    told = [each["data"]["id"] for each in events if each["event"] == "JOB_PROGRESS"]
    assert set(told) == {"a", "b"}
    assert len(told) < 10


@pytest.fixture
def event_loop_at_hand():
    """Leave a loop to who takes the current one, and closes none."""
    with contextlib.closing(asyncio.new_event_loop()) as loop:
        asyncio.set_event_loop(loop)
        yield
        asyncio.set_event_loop(None)


@pytest.mark.usefixtures("event_loop_at_hand")
def test_the_older_interface_of_qemu_qmp_works(storaged):
    with QEMUMonitorProtocol(storaged.path) as session:
        session.settimeout(DEADLINE)
        greeting = session.connect()
        assert greeting is not None
        assert greeting["QMP"]["version"]["package"] == "qscope's example"
        added = MEMORY | {"access": "read-write", "where": "memory"}
        assert session.cmd("disk-add", **MEMORY) == added
        session.cmd("disk-remove", id="a")
        event = session.pull_event(wait=float(DEADLINE))
        assert event is not None
        assert (event["event"], event["data"]) == ("DISK_GONE", {"id": "a", "reason": "removed"})


# qmp-shell, and PyPI's qmp.


def test_qmp_shell_is_a_terminal_for_it(storaged):
    said = run_shell(
        storaged.path,
        'disk-add driver=overlay id=o backing={"driver":"memory","id":"m","size":512}',
        "query-disks",
        "disk-add driver=overlay id=p backing=m",
        "disk-remove id=m",
        "query-version",
    )
    overlay = {"id": "o", "driver": "overlay", "size": 512, "access": "read-write"}
    overlay |= {"where": "over m", "backing": "m"}
    below = {"id": "m", "driver": "memory", "size": 512, "access": "read-write", "where": "memory"}
    replies = [json.loads(each) for each in re.findall(r"\(QEMU\) (\{.*)", said)]
    assert "Connected to QEMU 1.1.0" in said
    assert replies == [
        {"return": overlay},
        {"return": [below, overlay]},
        {"return": overlay | {"id": "p"}},
        {"error": {"class": "GenericError", "desc": "Disk 'm' backs 'o'"}},
        {
            "return": {
                "qemu": {"micro": 0, "minor": 1, "major": 1},
                "package": "qscope's example",
            }
        },
    ]


def test_qmp_shell_prints_prettily(storaged):
    assert '(QEMU) {\n    "return": []\n}' in run_shell(storaged.path, "query-disks", words=("-p",))


def test_qmp_of_qemu_5_0_works(storaged):
    with qmp.QEMUMonitorProtocol(storaged.path) as session:
        greeting = session.connect()
        session.settimeout(DEADLINE)
        assert greeting["QMP"]["capabilities"] == ["oob", "schema-changed"]
        assert session.command("disk-add", **MEMORY)["id"] == "a"
        assert session.cmd("query-disks", cmd_id=[1, None])["id"] == [1, None]
        assert session.cmd("disk-remove", {"id": "b"}, cmd_id=7) == {
            "error": {"class": "DeviceNotFound", "desc": "Disk 'b' not found"},
            "id": 7,
        }
        session.command("disk-remove", id="a")
        assert session.pull_event(wait=float(DEADLINE))["event"] == "DISK_GONE"


def test_asked_to_it_ends_and_so_do_its_jobs(tmp_path):
    with start(tmp_path / "s") as storaged:
        with qmp.QEMUMonitorProtocol(storaged.path) as session:
            session.connect()
            session.settimeout(DEADLINE)
            session.command("disk-add", **MEMORY)
            session.cmd("snapshot-create", _SNAPSHOT)
            assert session.command("storaged-quit") == {}
            event = session.pull_event(wait=float(DEADLINE))
            assert event["event"] == "JOB_COMPLETED"
            assert event["data"] == {"id": "j", "result": "cancelled"}
        assert storaged.finish() == (0, "", "")


def test_a_signal_ends_it_though_a_client_waits_for_a_job(tmp_path):
    with start(tmp_path / "s") as storaged:
        with qmp.QEMUMonitorProtocol(storaged.path) as session, connected(storaged) as waiting:
            session.connect()
            session.settimeout(DEADLINE)
            session.command("disk-add", **MEMORY)
            session.cmd("snapshot-create", _SNAPSHOT)
            replies = waiting.makefile()
            waiting.sendall(b'{"execute": "qmp_capabilities"}')
            assert "QMP" in replies.readline()
            assert replies.readline() == '{"return": {}}\n'
            waiting.sendall(b'{"execute": "job-wait", "arguments": {"id": "j"}}')
            # What was sent before this has arrived when this is answered.
            session.command("query-jobs")
            storaged.process.send_signal(signal.SIGTERM)
            *_, last = replies
        assert json.loads(last)["return"] == {"id": "j", "result": "cancelled"}
        assert storaged.finish() == (0, "", "")


@contextlib.contextmanager
def connected(storaged):
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(DEADLINE)
        client.connect(storaged.path)
        yield client


# qscope.


def test_qscope_asks_it_as_it_asks_qemu(storaged, tmp_path):
    snapshot = tmp_path / "snapshot.json"
    done = run("probe", storaged.address, "-o", snapshot)
    assert (done.returncode, done.stderr) == (0, "")
    assert "qscope's example 1.1.0" in done.stdout
    for source in (storaged.address, snapshot):
        assert "+overlay: object" in run("show", "-s", source, "disk-add").stdout
        assert "implied key  driver" in run("show", "-s", source, "option:disk").stdout
        assert run("list", "-s", source, "--events").stdout.split() == [
            "DISK_GONE",
            "JOB_COMPLETED",
            "JOB_PROGRESS",
            "SCHEMA_CHANGED",
        ]
        options = json.loads(run("list", "-s", source, "--options", "--format", "json").stdout)
        assert {each["name"] for each in options} >= {"disk", "job-speed", "compat", "pretty"}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("disk-add/arg-type/+memory/size/!int", 0),
        ("disk-add/arg-type/+overlay/backing/+memory/size", 0),
        ("disk-add/arg-type/read-only/$$deprecated", 0),
        ("snapshot-create/arg-type/speed/$$unstable", 0),
        ("option:compat/deprecated-input/^reject", 0),
        ("option:disk/+overlay/backing/+memory", 0),
        ("DISK_GONE/arg-type/reason/^forced", 0),
        ("disk-add/arg-type/+nbd", 1),
        ("disk-add/arg-type/access/$$deprecated", 1),
        ("option:disk/+nbd", 1),
        ("option:load", 1),
        ("DISK_LOST", 1),
    ],
)
def test_query_knows_what_it_has(path, status, session_of_all):
    done = run("query", "-s", session_of_all.address, path)
    assert (done.returncode, done.stderr) == (status, "")


@pytest.fixture(scope="module")
def session_of_all(tmp_path_factory):
    """Return a storaged for tests that change nothing."""
    with start(tmp_path_factory.mktemp("storaged") / "s") as storaged:
        yield storaged


@pytest.mark.parametrize(
    ("command", "arguments", "right"),
    [
        ("disk-add", MEMORY, True),
        ("disk-add", OVERLAY, True),
        ("disk-add", OVERLAY | {"backing": MEMORY}, True),
        ("disk-add", OVERLAY | {"backing": MEMORY | {"size": "1"}}, False),
        ("disk-add", MEMORY | {"size": 1.0}, False),
        ("disk-add", MEMORY | {"access": "write-only"}, False),
        ("disk-add", MEMORY | {"backing": "b"}, False),
        ("disk-add", MEMORY | {"driver": "nbd"}, False),
        ("disk-add", {"driver": "memory", "size": 1}, False),
        ("disk-remove", {"id": "a", "force": None}, False),
        ("query-disks", {"id": "a"}, False),
        ("nosuch", {}, False),
    ],
)
def test_validate_says_what_it_says(command, arguments, right, session_of_all):
    message = json.dumps({"execute": command, "arguments": arguments})
    done = run("validate", "-s", session_of_all.address, message)
    assert done.returncode == (0 if right else 1)
    replies = run_storaged("stdio", stdin='{"execute": "qmp_capabilities"}' + message).stdout
    reply = json.loads(replies.splitlines()[2])
    if right:
        assert "error" not in reply or reply["error"]["class"] == "DeviceNotFound"
    else:
        assert reply["error"]["class"] in ("GenericError", "CommandNotFound")


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["--disk", "memory,id=a,size=1048576"], 0),
        (["--disk", "overlay,id=o,backing.driver=memory,backing.id=a,backing.size=1"], 0),
        (["--job-speed", "1000", "--pretty", "--compat", "unstable-output=hide"], 0),
        (["--disk", "memory,id=a,sise=1"], 1),
        (["--disk", "nbd,id=a,size=1"], 1),
        (["--compat", "unstable-output=hid"], 1),
        (["--job-sped", "1"], 1),
    ],
)
def test_check_cli_says_what_it_says(words, status, session_of_all):
    assert run("check-cli", "-s", session_of_all.address, "--", *words).returncode == status
    done = run_storaged("stdio", *words)
    assert (done.returncode == 0) == (status == 0)
    assert "Traceback" not in done.stderr


# A schema that changes.


def test_the_schema_is_downloaded_once_and_once_more_when_it_has_changed(storaged, tmp_path):
    def ask_for_nbd(name):
        """Return whether it is there, and whether the schema was asked for."""
        with Relay(tmp_path / name, storaged.path) as relay:
            done = run("query", "-s", relay.address, "disk-add/arg-type/+nbd")
        assert done.returncode in (0, 1), done.stderr
        assert b"query-command-line" in relay.sent
        return done.returncode == 0, b"query-qmp-schema" in relay.sent

    assert ask_for_nbd("1") == (False, True)
    assert ask_for_nbd("2") == (False, False)
    run_shell(storaged.path, "driver-load name=nbd")
    assert ask_for_nbd("3") == (True, True)
    assert ask_for_nbd("4") == (True, False)
    run_shell(storaged.path, "driver-unload name=nbd")
    # Equal schemas have equal hashes, however they came about.
    assert ask_for_nbd("5") == (False, False)


def test_who_wants_to_know_is_told_of_a_changed_schema(storaged):
    async def take(reader):
        return json.loads(await reader.readline())

    async def talk():
        reader, writer = await asyncio.open_unix_connection(storaged.path)
        greeting = await take(reader)
        writer.write(
            b'{"execute": "qmp_capabilities", "arguments": {"enable": ["schema-changed"]}}'
        )
        assert await take(reader) == {"return": {}}
        async with connect(storaged) as client:
            with client.listener() as others:
                await client.execute("driver-load", {"name": "file"})
                assert others.empty()
        event = await take(reader)
        writer.close()
        return greeting["QMP"]["schema"], event

    before, event = asyncio.run(asyncio.wait_for(talk(), DEADLINE))
    assert (before["serial"], event["event"]) == (1, "SCHEMA_CHANGED")
    assert event["data"]["added"] == ["disk-add/arg-type/+file"]
    assert (event["data"]["removed"], event["data"]["serial"]) == ([], 2)
    assert event["data"]["hash"] != before["hash"]
    told = json.loads(run("list", "-s", storaged.address, "--summary", "--format", "json").stdout)
    assert told["schema-hash"] == event["data"]["hash"]


# What storaged refuses.

_LOAD = ("driver-load", {"name": "nbd"})
_NBD = {"driver": "nbd", "id": "n", "host": "h", "size": 1}
_SNAPSHOT = {"job-id": "j", "disk": "a", "name": "s", "speed": 1}


@pytest.mark.parametrize(
    ("before", "command", "arguments", "expected"),
    [
        ([], "disk-add", MEMORY | {"id": "b", "access": "read-only"}, None),
        ([], "disk-add", MEMORY | {"id": "b", "read-only": False}, None),
        ([], "disk-add", MEMORY, "Disk 'a' is there already"),
        (
            [],
            "disk-add",
            MEMORY | {"id": "b", "read-only": True, "access": "read-only"},
            "'access' and 'read-only' exclude each other",
        ),
        ([], "disk-add", OVERLAY | {"backing": "b"}, "DeviceNotFound: Disk 'b' not found"),
        ([], "disk-add", OVERLAY | {"backing": MEMORY}, "Disk 'a' is there already"),
        (
            [],
            "disk-add",
            OVERLAY | {"backing": OVERLAY | {"id": "p", "backing": MEMORY | {"id": "o"}}},
            "Disk 'o' cannot lie over itself",
        ),
        ([], "disk-remove", {"id": "b"}, "DeviceNotFound: Disk 'b' not found"),
        ([("disk-add", OVERLAY)], "disk-remove", {"id": "a"}, "Disk 'a' backs 'o'"),
        ([("disk-add", OVERLAY)], "disk-remove", {"id": "a", "force": True}, "Disk 'a' backs 'o'"),
        ([("snapshot-create", _SNAPSHOT)], "disk-remove", {"id": "a"}, "Job 'j' copies disk 'a'"),
        ([("snapshot-create", _SNAPSHOT)], "disk-remove", {"id": "a", "force": True}, None),
        ([], "disk-resize", {"id": "a", "size": 1 << 30}, None),
        (
            [],
            "disk-resize",
            {"id": "a", "size": 1},
            "Disk 'a' would lose data: 'shrink' allows that",
        ),
        ([], "disk-resize", {"id": "a", "size": 1, "shrink": True}, None),
        (
            [("disk-add", MEMORY | {"id": "r", "access": "read-only"})],
            "disk-resize",
            {"id": "r", "size": 1 << 30},
            "Disk 'r' is read-only",
        ),
        ([], "snapshot-create", _SNAPSHOT | {"disk": "b"}, "DeviceNotFound: Disk 'b' not found"),
        (
            [("snapshot-create", _SNAPSHOT)],
            "snapshot-create",
            _SNAPSHOT,
            "Job 'j' is there already",
        ),
        (
            [("snapshot-create", _SNAPSHOT)],
            "snapshot-create",
            _SNAPSHOT | {"job-id": "k"},
            "Job 'j' copies disk 'a'",
        ),
        (
            [("snapshot-create", _SNAPSHOT | {"speed": 0}), ("job-wait", {"id": "j"})],
            "snapshot-create",
            _SNAPSHOT,
            "Disk 'a' has a snapshot 's' already",
        ),
        ([], "query-snapshots", {"disk": "b"}, "DeviceNotFound: Disk 'b' not found"),
        ([], "job-wait", {"id": "j"}, "DeviceNotFound: Job 'j' not found"),
        ([], "job-cancel", {"id": "j"}, "DeviceNotFound: Job 'j' not found"),
        ([], "driver-load", {"name": "ftp"}, "There is no driver 'ftp'; there are file, nbd"),
        (
            [],
            "driver-load",
            {"name": "../disks"},
            "There is no driver '../disks'; there are file, nbd",
        ),
        ([_LOAD], "driver-load", {"name": "nbd"}, "Driver 'nbd' is loaded already"),
        ([], "driver-unload", {"name": "nbd"}, "Driver 'nbd' is not loaded"),
        ([], "driver-unload", {"name": "memory"}, "Driver 'memory' is not loaded"),
        ([_LOAD], "driver-unload", {"name": "nbd"}, None),
        (
            [_LOAD, ("disk-add", _NBD)],
            "driver-unload",
            {"name": "nbd"},
            "Driver 'nbd' keeps the data of disk 'n'",
        ),
        (
            [("driver-load", {"name": "file"})],
            "disk-add",
            {"driver": "file", "id": "f", "filename": "/nonexistent/x"},
            "Could not open '/nonexistent/x': No such file or directory",
        ),
        (
            [("driver-load", {"name": "file"})],
            "disk-add",
            {"driver": "file", "id": "f", "filename": str(FOLDER / "storaged.json")},
            None,
        ),
    ],
)
def test_what_no_schema_says_is_refused(before, command, arguments, expected):
    calls = [("qmp_capabilities", {}), ("disk-add", MEMORY), *before, (command, arguments)]
    sent = [{"execute": name, "arguments": given, "id": 0} for name, given in calls]
    done = run_storaged("stdio", stdin="".join(map(json.dumps, sent)))
    replies = [json.loads(each) for each in done.stdout.splitlines()]
    *earlier, last = [each for each in replies if "id" in each]
    assert done.returncode == 0
    assert not any("error" in each for each in earlier)
    error = last.get("error")
    said = error and f"{error['class']}: {error['desc']}".removeprefix("GenericError: ")
    assert said == expected


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ([], 2, "Missing argument 'ADDRESS...'"),
        (["nonsense"], 1, "unix:PATH, tcp:HOST:PORT, fd:N or stdio is right"),
        (["tcp:0.0.0.0:0"], 1, "0.0.0.0"),
        (["stdio", "--disk", "memory,id=a"], 2, "size: it is missing"),
        (["stdio", "--disk", "overlay,id=a,backing=b"], 1, "Error: Disk 'b' not found"),
        (["stdio", "--job-speed", "fast"], 2, "--job-speed"),
        (["stdio", "--compat", "deprecated-input=crash"], 2, "accept | reject"),
        (["stdio", "--disk", "memory,id=a,size=1,read-only=on"], 0, "read-only is deprecated"),
        (["--disk", "help"], 0, ""),
    ],
)
def test_its_command_line_says_what_is_wrong(words, status, said):
    done = run_storaged(*words)
    assert done.returncode == status
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("compat", "command", "arguments", "said"),
    [
        (
            "deprecated-input=reject",
            "disk-add",
            MEMORY | {"read-only": True},
            "Deprecated parameter read-only disabled by policy",
        ),
        (
            "unstable-input=reject",
            "snapshot-create",
            _SNAPSHOT,
            "Unstable parameter speed disabled by policy",
        ),
        ("deprecated-input=reject", "disk-add", MEMORY, None),
    ],
)
def test_its_policy_is_what_the_command_line_says(compat, command, arguments, said):
    message = json.dumps({"execute": command, "arguments": arguments})
    stdin = '{"execute": "qmp_capabilities"}' + message
    done = run_storaged("stdio", "--compat", compat, stdin=stdin)
    reply = json.loads(done.stdout.splitlines()[2])
    assert reply.get("error", {}).get("desc") == said


def test_what_is_hidden_is_in_no_introspection(tmp_path):
    words = ("--compat", "deprecated-output=hide,unstable-output=hide")
    with start(tmp_path / "s", *words) as storaged:
        for path in ("disk-add/arg-type/read-only", "snapshot-create/arg-type/speed"):
            assert run("query", "-s", storaged.address, path).returncode == 1
        assert run("query", "-s", storaged.address, "disk-add/arg-type/access").returncode == 0


# Documents.


def test_its_schema_keeps_the_rules_for_documentation():
    schema = FOLDER / "storaged.json"
    done = run("compile", "--docs", "check", schema, "-o", os.devnull)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_readme_shows_a_session_as_it_is(tmp_path):
    """Every command of the README's section, in order, character by character."""
    section = (ROOT / "README.md").read_text().partition("\n## Serving\n")[2].partition("\n## ")[0]
    shown = re.findall(r"^    \$ (.*)\n((?:    (?!\$ ).*\n|\n(?=    ))*)", section, re.MULTILINE)
    assert len(shown) == 5
    path = tmp_path / "s"
    started = shlex.split(shown[0][0])
    assert started[:3] == ["python", "examples/storaged/storaged.py", "unix:/tmp/storaged.sock"]
    with start(path, *started[3:-1]):
        for words, output in shown[1:]:
            expected = re.sub(r"^    ", "", output, flags=re.MULTILINE)
            if words.startswith("qmp-shell"):
                typed = re.findall(r"^\(QEMU\) ?(.*)\n", expected, re.MULTILINE)
                # A terminal shows what is typed; at the end of input comes one prompt more.
                expected = re.sub(r"^\(QEMU\).*\n", "(QEMU) ", expected, flags=re.MULTILINE)
                said = run_shell(str(path), *typed).removesuffix("(QEMU) \n")
            else:
                name, *rest = shlex.split(words.replace("/tmp/storaged.sock", str(path)))
                assert name == "qscope"
                said = run(*rest, env={**os.environ, "COLUMNS": "100"}).stdout
            assert mask_times(said) == mask_times(expected), words


def test_the_tutorial_works_as_it_says(tmp_path):
    text = (ROOT / "docs" / "serving.md").read_text()
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    for each in blocks:
        compile(each, "serving.md", "exec")
    program = tmp_path / "lamps.py"
    program.write_text(blocks[0])
    sent = re.findall(r"^    -> (.*\n)", text, re.MULTILINE)
    told = re.findall(r"^    <- (.*\n)", text, re.MULTILINE)
    done = subprocess.run(
        [sys.executable, program, "stdio"],
        input="".join(sent),
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert mask_times(done.stdout) == mask_times("".join(told))


@pytest.mark.parametrize(
    "words",
    [
        ["--disk", "overlay,id=o,backing.driver=memory,backing.size=1"],
        ["--job-speed", "fast"],
        ["--disk", '{"id":'],
    ],
)
def test_mistakes_are_told_as_the_document_says(words):
    said = run_storaged("stdio", *words).stderr.splitlines()[-1]
    shown = said.replace("Error: Invalid value for '", "storaged: argument ").replace("':", ":", 1)
    text = (ROOT / "docs" / "serving.md").read_text()
    assert f"    {shown}\n" in text


def test_its_readme_names_files_that_are_there():
    text = (FOLDER / "README.md").read_text()
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert len(links) > 4
    assert [each for each in links if not (FOLDER / Path(each)).exists()] == []

"""A mock in a test of somebody else's program: `run_mock_qemu`, and pytest's fixture."""

import asyncio
import contextlib
import importlib.metadata
import itertools
import json
import os
import re
import socket
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest
from msgspec.structs import replace
from qemu.qmp import QMPClient

import qscope.testing
from qscope.errors import DeadlineError, SchemaError, ServeError, SnapshotError, TargetError
from qscope.load.opening import EMBEDDED, load_snapshot
from qscope.model.snapshot import encode_snapshot
from qscope.serve import Policy
from qscope.serve.mock import parse_answers
from qscope.testing import run_mock_qemu
from tests.running import DEADLINE

pytest_plugins = ["pytester"]

PAPER = """
{ 'struct': 'Lamp', 'data': { 'level': 'int', '*colour': 'str' } }
{ 'command': 'lamp-on', 'data': { 'id': 'str', '*level': 'int' }, 'returns': 'Lamp' }
{ 'command': 'lamp-off', 'if': 'LAMP_OFF' }
{ 'event': 'LAMP_BROKEN', 'data': { 'lamp-id': 'str' } }
"""
BUSY = """
[[answer]]
command = "stop"
times = 1
error = "busy"
"""


class Client:
    """A client in the test's own thread, as a program under test is."""

    def __init__(self, path, *, negotiates=True):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(DEADLINE)
        try:
            self._socket.connect(path)
        except OSError:
            self._socket.close()
            raise
        self._file = self._socket.makefile("rb")
        self.events = []
        if negotiates:
            self.greeting = self.read()["QMP"]
            assert self.ask("qmp_capabilities") == {"return": {}}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()
        self._socket.close()

    def read_line(self):
        return self._file.readline()

    def read(self):
        return json.loads(self.read_line())

    def send(self, data):
        self._socket.sendall(data)

    def ask(self, command, arguments=None):
        self.send(json.dumps({"execute": command, "arguments": arguments or {}}).encode())
        while "event" in (message := self.read()):
            self.events.append((message["event"], message.get("data")))
        return message

    def take_event(self):
        message = self.read()
        return message["event"], message.get("data")

    def is_cut_off(self):
        return self.read_line() == b""


@pytest.fixture
def mock():
    with run_mock_qemu(running=True) as mock:
        yield mock


@pytest.fixture
def client(mock):
    with Client(mock.path) as client:
        yield client


@pytest.fixture(scope="module")
def snapshot():
    return load_snapshot(EMBEDDED).snapshot


def make_release(snapshot, major, minor):
    """Return the snapshot of a QEMU that says that it is another release."""
    version = {"qemu": {"major": major, "minor": minor, "micro": 0}, "package": ""}
    return replace(snapshot, greeting={"version": version, "capabilities": ["oob"]})


# What it stands for.


def greet(**words):
    with run_mock_qemu(**words) as mock, Client(mock.path) as client:
        version = client.greeting["version"]["qemu"]
        return version["major"], version["minor"]


def test_without_a_snapshot_it_is_that_in_qscope_wherever_it_runs(snapshot, tmp_path, monkeypatch):
    other = tmp_path / "qemu-99.1.json"
    other.write_bytes(encode_snapshot(make_release(snapshot, 99, 1)))
    monkeypatch.setenv("QSCOPE_SNAPSHOT", str(other))
    assert greet() == (7, 2)
    assert greet(snapshot=other) == (99, 1)


@pytest.mark.parametrize("form", [os.fspath, Path, Path.read_bytes], ids=["str", "Path", "bytes"])
def test_a_snapshot_is_a_file_or_what_is_in_it(form, snapshot, tmp_path):
    path = tmp_path / "qemu-11.1.json.gz"
    path.write_bytes(encode_snapshot(make_release(snapshot, 11, 1), compress=True))
    assert greet(snapshot=form(path)) == (11, 1)
    assert greet(snapshot=make_release(snapshot, 5, 2)) == (5, 2)


@pytest.mark.parametrize("is_file", [True, False])
def test_a_schema_on_paper_is_enough(is_file, tmp_path):
    path = tmp_path / "paper.json"
    path.write_text(PAPER)
    schema = path if is_file else PAPER
    with run_mock_qemu(schema=schema, seed=1) as mock, Client(mock.path) as client:
        assert client.ask("lamp-off")["error"]["class"] == "CommandNotFound"
        assert client.ask("lamp-on", {"level": 1})["error"]["desc"] == "Parameter 'id' is missing"
        assert client.ask("lamp-on", {"id": "a"})["return"].keys() == {"level"}
        mock.answer("lamp-on", {"id": "a"}, result={"level": 7})
        mock.emit("LAMP_BROKEN", lamp_id="b")
        assert client.take_event() == ("LAMP_BROKEN", {"lamp-id": "b"})
        assert client.ask("lamp-on", {"id": "a"}) == {"return": {"level": 7}}
    with run_mock_qemu(schema=schema, defines={"LAMP_OFF"}) as mock, Client(mock.path) as client:
        assert client.ask("lamp-off") == {"return": {}}


@pytest.mark.parametrize(("running", "status"), [(False, "prelaunch"), (True, "running")])
def test_the_guest_runs_if_it_is_said_so(running, status):
    with run_mock_qemu(running=running) as mock, Client(mock.path) as client:
        assert client.ask("query-status")["return"]["status"] == status


def test_made_up_results_are_as_seed_and_full_say():
    def ask(**words):
        with run_mock_qemu(schema=PAPER, **words) as mock, Client(mock.path) as client:
            return client.ask("lamp-on", {"id": "a"})["return"]

    assert ask() == ask(seed=0) == {"level": 0}
    assert ask(full=True) == {"level": 0, "colour": ""}
    assert ask() != ask(seed=1) == ask(seed=1)


@pytest.mark.parametrize(
    "compat",
    ["unstable-input=reject", '{"unstable-input": "reject"}', Policy(unstable_input="reject")],
)
def test_policies_are_qemus(compat):
    with run_mock_qemu(compat=compat) as mock, Client(mock.path) as client:
        reply = client.ask("x-query-profile")
        assert reply["error"]["desc"] == "Unstable command x-query-profile disabled by policy"


@pytest.mark.parametrize("form", [str, parse_answers, Path], ids=["text", "Answers", "file"])
def test_answers_are_those_of_a_file_and_count_anew_for_each_mock(form, tmp_path):
    if form is Path:
        answers = tmp_path / "answers.toml"
        answers.write_text(BUSY)
    else:
        answers = BUSY if form is str else parse_answers(BUSY, "busy")
    for _ in range(2):
        with run_mock_qemu(answers=answers) as mock, Client(mock.path) as client:
            assert client.ask("stop")["error"] == {"class": "GenericError", "desc": "busy"}
            assert client.ask("stop") == {"return": {}}


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        ({"snapshot": "no-such-file"}, TargetError, "'no-such-file': no such file, and no QEMU"),
        ({"snapshot": b"no snapshot"}, SnapshotError, "neither JSON nor gzip"),
        ({"snapshot": b"[]"}, SnapshotError, "query-qmp-schema"),
        ({"snapshot": b"[]", "schema": PAPER}, ServeError, "snapshot and schema exclude"),
        ({"schema": "no-such-file.json"}, SchemaError, "can't read|no such file"),
        ({"schema": "{ 'command': 'x'"}, SchemaError, "<schema>:1"),
        ({"defines": ["A"]}, ServeError, "defines are for a schema"),
        ({"answers": "no-such-file"}, TargetError, "no-such-file: No such file"),
        ({"answers": ""}, ServeError, "answers: no answer in it"),
        ({"answers": '[[answer]]\ncommand = "stopp"\ndrop = true'}, ServeError, "mean 'stop'"),
        (
            {"answers": '[[answer]]\ncommand = "stop"\nreturn = 1'},
            ServeError,
            "answer 1 .stop.: re",
        ),
        ({"compat": "deprecated-input=crash"}, ServeError, "compat: crash aborts the process"),
        ({"compat": "unstable-input=crash"}, ServeError, "compat: crash aborts the process"),
        ({"compat": Policy(unstable_input="crash")}, ServeError, "reject is right"),
        ({"compat": "unstable-input"}, ServeError, "compat: "),
        ({"compat": "unstable-inputs=hide"}, ServeError, "compat: no switch 'unstable-inputs'"),
        ({"clients": 0}, ServeError, "clients is 0: 1 or more is right"),
    ],
)
def test_what_cannot_be_is_refused_before_there_is_a_mock(words, error, said):
    threads = threading.active_count()
    with pytest.raises(error, match=said), run_mock_qemu(**words):
        pytest.fail("it runs")
    assert threading.active_count() == threads


# What came.


def test_what_came_is_there_with_what_was_answered(mock, client):
    device = {"driver": "nosuch", "id": "d"}
    client.ask("query-name")
    client.ask("device_add", device)
    client.ask("nosuch")
    client.send(b"]\n")
    client.read()
    mock.answer("stop", garbage=b"\xff\n")
    client.send(b'{"execute": "stop", "id": 1}\n')
    assert client.read_line() == b"\xff\n"
    mock.answer("stop", drop=True)
    client.send(b'{"execute": "stop"}\n')
    assert client.is_cut_off()
    refusal = {"class": "GenericError", "desc": "'nosuch' is not a valid device model name"}
    unknown = {"class": "CommandNotFound", "desc": "The command nosuch has not been found"}
    assert mock.received[1:4] == [
        {"execute": "query-name", "return": {}},
        {"execute": "device_add", "arguments": device, "error": refusal},
        {"execute": "nosuch", "error": unknown},
    ]
    assert mock.received[4].keys() == {"error"}
    assert mock.received[5:] == [{"execute": "stop"}, {"execute": "stop"}]


def test_what_came_is_a_copy(mock, client):
    client.ask("device_add", {"driver": "nosuch"})
    mock.received[-1]["arguments"]["driver"] = "another"
    mock.received.clear()
    assert mock.received[-1]["arguments"] == {"driver": "nosuch"}


@pytest.mark.parametrize(
    ("arguments", "ids"),
    [
        (None, ["a", "b", "c"]),
        ({}, ["a", "b", "c"]),
        ({"qom-type": "iothread"}, ["a", "c"]),
        ({"qom-type": "iothread", "id": "c"}, ["c"]),
        ({"id": "d"}, []),
    ],
)
def test_a_command_is_found_by_what_its_arguments_contain(arguments, ids, mock, client):
    client.ask("object-add", {"qom-type": "iothread", "id": "a"})
    client.ask("object-add", {"qom-type": "rng-builtin", "id": "b"})
    client.ask("object-add", {"qom-type": "iothread", "id": "c"})
    found = mock.find_received("object-add", arguments)
    assert [each["arguments"]["id"] for each in found] == ids


@pytest.mark.parametrize("look", ["find_received", "wait_received"])
@pytest.mark.parametrize(
    ("command", "arguments", "said"),
    [
        ("blockdev_add", {}, "no command 'blockdev_add' .did you mean 'blockdev-add'"),
        ("", {}, "no command ''"),
        ("stop", {"now": True}, "stop takes none, so that the rule never fits"),
        ("object-add", {"qom-type": "iothreads"}, "does not accept value 'iothreads'"),
        ("object-add", {"id": {1, 2}}, "arguments: no JSON"),
    ],
)
def test_nobody_looks_for_what_can_never_come(look, command, arguments, said, mock):
    with pytest.raises(ServeError, match=said):
        getattr(mock, look)(command, arguments)


def test_what_is_no_command_is_found_if_it_came(mock, client):
    client.ask("blockdev_add", {"x": 1})
    assert len(mock.find_received("blockdev_add")) == 1
    assert mock.wait_received("blockdev_add", {"x": 1})["arguments"] == {"x": 1}


def test_a_test_waits_for_what_comes_from_elsewhere(mock):
    def talk():
        with Client(mock.path) as client:
            for number in itertools.count():
                client.ask("object-del", {"id": f"o{number}"})
                if number == 50:
                    return

    thread = threading.Thread(target=talk)
    thread.start()
    try:
        found = mock.wait_received("object-del", {"id": "o50"}, timeout=DEADLINE)
    finally:
        thread.join()
    assert found["error"]["desc"] == "object 'o50' not found"
    assert mock.wait_received("object-del")["arguments"] == {"id": "o0"}


def test_a_test_waits_no_longer_than_it_says(mock, client):
    client.ask("query-name")
    begun = time.monotonic()
    said = (
        "no client sent stop within 0.1 s; 2 commands came, the last qmp_capabilities, query-name"
    )
    with pytest.raises(DeadlineError, match=re.escape(said)):
        mock.wait_received("stop", timeout=0.1)
    assert 0.1 <= time.monotonic() - begun < 5


# What goes out.

# The mock's own answer to query-balloon.
NO_BALLOON = {"class": "DeviceNotActive", "desc": "No balloon device has been activated"}


@pytest.mark.parametrize(
    ("reply", "messages"),
    [
        ({"result": {"actual": 1 << 62}}, [{"return": {"actual": 1 << 62}}]),
        ({"error": "no"}, [{"error": {"class": "GenericError", "desc": "no"}}]),
        (
            {"error": {"class": "DeviceNotActive", "desc": "no"}},
            [{"error": {"class": "DeviceNotActive", "desc": "no"}}],
        ),
        ({"garbage": "{}\n"}, [{}]),
        ({"garbage": b"[]\n"}, [[]]),
        ({"result": {"x": 1}, "unchecked": True}, [{"return": {"x": 1}}]),
        ({"result": None, "unchecked": True}, [{"return": None}]),
        ({"delay": 0}, [{"error": NO_BALLOON}]),
        (
            {"delay": 0.01, "events": ["STOP", {"event": "RESUME", "delay": 0.01}]},
            [{"event": "STOP"}, {"event": "RESUME"}, {"error": NO_BALLOON}],
        ),
        (
            {
                "result": {"actual": 2},
                "events_after": [{"event": "BALLOON_CHANGE", "data": {"actual": 2}}],
            },
            [{"return": {"actual": 2}}, {"event": "BALLOON_CHANGE", "data": {"actual": 2}}],
        ),
        ({"error": "no", "drop": True}, [{"error": {"class": "GenericError", "desc": "no"}}, None]),
        ({"drop": True}, [None]),
    ],
)
def test_a_command_is_answered_as_the_test_says(reply, messages, mock, client):
    mock.answer("query-balloon", **reply)
    client.send(b'{"execute": "query-balloon"}\n')
    for expected in messages:
        if expected is None:
            assert client.is_cut_off()
        else:
            message = client.read()
            if isinstance(message, dict):
                message.pop("timestamp", None)
            assert message == expected


def test_what_is_said_last_comes_first(mock, client):
    def ask():
        return client.ask("query-name")["return"].get("name")

    mock.answer("query-name", result={"name": "1"})
    mock.answer("query-name", result={"name": "2"}, times=2)
    assert [ask() for _ in range(3)] == ["2", "2", "1"]
    mock.answer("query-name", result={"name": "3"}, skip=1, times=1)
    assert [ask() for _ in range(3)] == ["1", "3", "1"]


def test_arguments_decide_which_answer_it_is(mock, client):
    def ask(**arguments):
        return client.ask("object-del", arguments).get("error", {}).get("desc")

    mock.answer("object-del", {"id": "a"}, error="not a")
    assert [ask(id="a"), ask(id="b")] == ["not a", "object 'b' not found"]
    mock.answer("query-command-line-options", {}, exactly=True, error="which?")
    assert "error" in client.ask("query-command-line-options")
    assert "return" in client.ask("query-command-line-options", {"option": "smp-opts"})


def test_what_a_test_gave_is_the_tests(mock, client):
    result = {"name": "before"}
    mock.answer("query-name", result=result)
    result["name"] = "after"
    assert client.ask("query-name") == {"return": {"name": "before"}}


@pytest.mark.parametrize(
    ("command", "reply", "said"),
    [
        ("query-nam", {"result": {}}, "no command 'query-nam' .did you mean 'query-name'"),
        ("query-name", {}, "it answers nothing"),
        ("query-name", {"unchecked": True}, "it answers nothing"),
        ("query-name", {"times": 1}, "it answers nothing"),
        ("query-name", {"result": 1}, "'return', expected: object"),
        ("query-name", {"result": {"name": 1}}, "'return.name', expected: string"),
        ("query-name", {"result": {"nam": "x"}}, "'return.nam' is unexpected .did you mean 'name'"),
        ("query-name", {"result": {"name": None}}, "return.name"),
        ("query-name", {"result": {"name": object()}}, "result: no JSON: Object of type object"),
        ("query-name", {"result": {"name": {1}}}, "result: no JSON"),
        ("query-name", {"result": float("nan"), "unchecked": True}, "result: no JSON"),
        ("query-name", {"result": 1 << 64, "unchecked": True}, "result: an integer has 64 bits"),
        ("query-name", {"result": {}, "error": "no"}, "return and error contradict"),
        ("query-name", {"error": 1}, "error: takes a text"),
        ("query-name", {"error": {"desc": "no", "class": "Nosuch"}}, "'Nosuch' is no class"),
        ("query-name", {"error": {"class": "GenericError"}}, "error: it needs desc"),
        ("query-name", {"error": {"desc": "", "clas": ""}}, "did you mean class"),
        ("query-name", {"garbage": 1}, "garbage: takes bytes or a text"),
        ("query-name", {"delay": -1}, "delay is -1.0: seconds are right"),
        ("query-name", {"delay": "1"}, "delay: takes seconds"),
        ("query-name", {"drop": 1}, "drop: takes true or false"),
        ("query-name", {"drop": True, "times": 0}, "times is 0: 1 or more is right"),
        ("query-name", {"drop": True, "times": "1"}, "times: takes a whole number"),
        ("query-name", {"drop": True, "skip": -1}, "skip is -1: 0 or more is right"),
        ("query-name", {"events": "STOP"}, "events: takes an array"),
        ("query-name", {"events": ["STOPP"]}, "no event 'STOPP' .did you mean 'STOP'"),
        ("query-name", {"events": [1]}, "events.0.: takes an array"),
        ("query-name", {"events": [{"data": {}}]}, "it needs event"),
        ("query-name", {"events": ["RESET"]}, "events.0..*'data.guest' is missing"),
        ("query-name", {"events_after": ["STOP"], "drop": True}, "drop leaves none"),
        ("query-name", {"retrun": {}}, "retrun: no such key"),
        ("query-name", {"resul": {}}, "resul: no such key; did you mean result"),
        ("query-name", {"command": "stop"}, "multiple values"),
        ("object-del", {"arguments": {"ID": "a"}, "drop": True}, "'arguments.ID' is unexpected"),
        ("object-del", {"arguments": {"id": 1}, "drop": True}, "expected: string"),
        ("stop", {"arguments": {"id": "a"}, "drop": True}, "stop takes none"),
        (
            "object-del",
            {"arguments": {}, "exactly": True, "drop": True},
            "'arguments.id' is missing",
        ),
    ],
)
def test_a_wrong_answer_is_refused_where_it_is_given(command, reply, said, mock, client, caplog):
    with pytest.raises((ServeError, TypeError), match=said):
        mock.answer(command, **reply)
    assert client.ask("query-name") == {"return": {}}
    assert not caplog.records


def test_events_are_for_those_who_have_negotiated(mock):
    mock.emit("STOP")
    with Client(mock.path, negotiates=False) as client:
        client.read()
        mock.emit("STOP")
        client.ask("qmp_capabilities")
        mock.emit("RESUME")
        mock.emit(
            "BLOCK_IO_ERROR", device="d", operation="read", action="stop", reason="r", node_name="n"
        )
        mock.emit("DEVICE_DELETED", {"path": "/machine/x", "device": "x"})
        assert [client.take_event() for _ in range(3)] == [
            ("RESUME", None),
            (
                "BLOCK_IO_ERROR",
                {
                    "device": "d",
                    "operation": "read",
                    "action": "stop",
                    "reason": "r",
                    "node-name": "n",
                },
            ),
            ("DEVICE_DELETED", {"path": "/machine/x", "device": "x"}),
        ]


@pytest.mark.parametrize(
    ("event", "data", "said"),
    [
        ("STOPP", {}, "no event 'STOPP' .did you mean 'STOP'"),
        ("stop", {}, "no event 'stop'"),
        ("STOP", {"x": 1}, "'x' is unexpected"),
        ("DEVICE_DELETED", {}, "'path' is missing"),
        ("DEVICE_DELETED", {"path": 1}, "'path', expected: string"),
        ("DEVICE_DELETED", {"path": object()}, "no JSON"),
        ("BLOCK_IO_ERROR", {"device": "d", "operation": "erase"}, "'erase'|missing"),
    ],
)
def test_a_wrong_event_is_refused_and_not_sent(event, data, said, mock, client, caplog):
    for send in (lambda: mock.emit(event, data), lambda: mock.emit(event, **data)):
        with pytest.raises(ServeError, match=said):
            send()
    mock.emit("RESUME")
    assert client.take_event() == ("RESUME", None)
    assert not caplog.records


# How it ends.


@pytest.fixture
def folders():
    """Return what finds the folders of mocks; none may be left by the test."""
    import tempfile

    def find():
        return {each for each in os.listdir(tempfile.gettempdir()) if each.startswith("qscope-")}

    before = find()
    yield lambda: find() - before
    assert find() <= before


USES = [
    lambda mock: mock.answer("stop", drop=True),
    lambda mock: mock.emit("STOP"),
]


def test_nothing_is_left_of_it(folders):
    threads = set(threading.enumerate())
    with run_mock_qemu() as mock, Client(mock.path):
        assert mock.address == f"unix:{mock.path}"
        folder = Path(mock.path).parent
        assert folder.name in folders()
        assert folder.stat().st_mode & 0o777 == 0o700
    assert set(threading.enumerate()) == threads
    assert not folder.exists()
    assert [each["execute"] for each in mock.received] == ["qmp_capabilities"]
    mock.stop()


def test_it_ends_when_the_test_fails(folders):
    threads = set(threading.enumerate())

    def fail():
        with run_mock_qemu() as mock, Client(mock.path):
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert set(threading.enumerate()) == threads
    assert not folders()


def test_a_test_may_end_it_as_a_qemu_ends(mock, client):
    mock.stop()
    mock.stop()
    assert client.is_cut_off()
    with pytest.raises(OSError, match=r"No such file"):
        Client(mock.path)
    for use in USES:
        with pytest.raises(ServeError, match=r"^the mock has ended$"):
            use(mock)


def test_a_client_may_end_it(mock, client):
    assert client.ask("quit") == {"return": {}}
    assert client.events == [("SHUTDOWN", {"guest": False, "reason": "host-qmp-quit"})]
    assert client.is_cut_off()
    assert mock.find_received("quit")


def test_a_command_that_runs_is_not_waited_for_at_the_end():
    begun = time.monotonic()
    with run_mock_qemu() as mock, Client(mock.path) as client:
        mock.answer("stop", delay=600)
        client.send(b'{"execute": "stop"}\n')
        mock.answer("query-name", garbage="[" * 10_000_000)
        client.send(b'{"execute": "query-name"}\n')
    assert time.monotonic() - begun < DEADLINE


def test_a_client_that_does_not_read_does_not_keep_it():
    begun = time.monotonic()
    with run_mock_qemu() as mock, Client(mock.path) as client:
        mock.answer("query-name", garbage=b"x" * 50_000_000)
        client.send(b'{"execute": "query-name"}\n')
        mock.wait_received("query-name", timeout=DEADLINE)
    assert time.monotonic() - begun < DEADLINE


@pytest.mark.parametrize("length", [60, 85, 120, 200])
def test_a_long_name_of_the_temporary_folder_is_no_matter(length, tmp_path, monkeypatch):
    import tempfile

    folder = tmp_path / ("x" * max(length - len(str(tmp_path)), 1))
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    with run_mock_qemu() as mock, Client(mock.path) as client:
        assert client.ask("query-name") == {"return": {}}
        assert len(mock.path) < 108
    assert not os.listdir(folder)


def test_several_run_at_once():
    with contextlib.ExitStack() as stack:
        mocks = [stack.enter_context(run_mock_qemu()) for _ in range(5)]
        for number, mock in enumerate(mocks):
            mock.answer("query-name", result={"name": str(number)})
        clients = [stack.enter_context(Client(mock.path)) for mock in mocks]
        names = [client.ask("query-name")["return"]["name"] for client in clients]
    assert names == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize("clients", [1, 3])
def test_so_many_clients_are_greeted_at_once(clients):
    with run_mock_qemu(clients=clients) as mock, contextlib.ExitStack() as stack:
        for _ in range(clients):
            stack.enter_context(Client(mock.path))
        with Client(mock.path, negotiates=False) as waiting:
            waiting._socket.settimeout(0.2)
            with pytest.raises(TimeoutError):
                waiting.read()
            stack.close()
        # Who comes when others have gone is greeted.
        with Client(mock.path) as client:
            assert client.ask("query-name") == {"return": {}}


def test_it_runs_beside_a_coroutine():
    async def talk():
        with run_mock_qemu(running=True) as mock:
            client = QMPClient("test")
            await client.connect(mock.path)
            with client.listener(["STOP", "GUEST_PANICKED"]) as events:
                await client.execute("stop")
                mock.emit("GUEST_PANICKED", action="pause")
                told = [(await events.get())["event"] for _ in range(2)]
            mock.stop()
            # It may have heard of the end, or not yet.
            with contextlib.suppress(EOFError):
                await client.disconnect()
            return told

    told = asyncio.run(asyncio.wait_for(talk(), DEADLINE))
    assert told == ["STOP", "GUEST_PANICKED"]


def test_it_is_used_by_many_threads(mock):
    def use(number):
        for _ in range(20):
            mock.answer("query-name", {}, result={"name": str(number)})
            mock.emit("STOP")

    threads = [threading.Thread(target=use, args=[each]) for each in range(8)]
    with Client(mock.path) as client:
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert client.ask("query-name")["return"]["name"] in map(str, range(8))
        assert client.events == [("STOP", None)] * 160


# pytest's fixture.

_HAS_ENTRY_POINT = any(
    each.value == "qscope.testing.plugin"
    for each in importlib.metadata.entry_points(group="pytest11")
)
_PLUGIN = () if _HAS_ENTRY_POINT else ("-p", "qscope.testing.plugin")
_STRICT = """
[pytest]
addopts = --strict-markers --strict-config -p no:cacheprovider
filterwarnings = error
"""
_VERSION = """
import json, socket

def read_version(path):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
        version = json.loads(client.makefile().readline())["QMP"]["version"]["qemu"]
        return f"{version['major']}.{version['minor']}"
"""


@pytest.fixture
def project(pytester, snapshot):
    """Return a project with tests; their snapshots lie beside them."""
    pytester.makeini(_STRICT)
    pytester.makepyfile(versions=_VERSION)
    pytester.syspathinsert()
    for major, minor in ((5, 2), (11, 1)):
        path = pytester.path / f"qemu-{major}.{minor}.json.gz"
        path.write_bytes(encode_snapshot(make_release(snapshot, major, minor), compress=True))
    return pytester


def run_tests(project, *words):
    return project.runpytest_subprocess(*_PLUGIN, *words, timeout=60)


def test_the_example_is_a_test(project):
    """The module's own, as a document has it."""
    documented = qscope.testing.__doc__.partition("\n\n    ")[2]
    example = textwrap.dedent(f"    {documented}")
    assert len([line for line in example.splitlines() if line]) <= 10
    program = """
import json, socket

def stop_guest(path):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
        replies = client.makefile()
        for command in ("qmp_capabilities", "stop"):
            client.sendall(json.dumps({"execute": command}).encode())
            replies.readline()
        if "error" in (reply := json.loads(replies.readline())):
            raise RuntimeError(reply["error"]["desc"])
"""
    project.makepyfile(my_program=program, test_example=example)
    run_tests(project).assert_outcomes(passed=2)


def test_a_mark_says_what_the_fixture_is(project):
    project.makepyfile(
        """
        import pytest
        from versions import read_version
        from qscope.errors import ServeError

        def test_plain(mock_qemu):
            assert read_version(mock_qemu.path) == "7.2"

        @pytest.mark.mock_qemu(snapshot="qemu-11.1.json.gz")
        class TestMarked:
            def test_class(self, mock_qemu):
                assert read_version(mock_qemu.path) == "11.1"

            @pytest.mark.mock_qemu(snapshot="qemu-5.2.json.gz")
            def test_method(self, mock_qemu):
                assert read_version(mock_qemu.path) == "5.2"

            @pytest.mark.mock_qemu(answers="busy.toml", clients=2, running=True)
            def test_both(self, mock_qemu):
                assert read_version(mock_qemu.path) == "11.1"

        @pytest.mark.mock_qemu(schema="{ 'command': 'lamp-on' }")
        def test_schema(mock_qemu):
            mock_qemu.answer("lamp-on", error="no")
            with pytest.raises(ServeError):
                mock_qemu.answer("stop", error="no")

        @pytest.mark.usefixtures("mock_qemu")
        def test_used():
            pass

        def test_found(request):
            assert read_version(request.getfixturevalue("mock_qemu").path) == "7.2"
        """
    )
    project.makefile(".toml", busy=BUSY)
    run_tests(project).assert_outcomes(passed=7)


WRONG = {
    "snapshot='qemu-12.json.gz'": "*'qemu-12.json.gz': no such file, and no QEMU*",
    "snapshots='qemu-11.1.json.gz'": "*unexpected keyword argument 'snapshots'*",
    "'qemu-11.1.json.gz'": "*mock_qemu('qemu-11.1.json.gz'): it needs a key*",
    "answers='stop'": "*stop: No such file*",
    "snapshot='qemu-5.2.json.gz', schema='{}'": "*snapshot and schema exclude each other*",
    "compat='unstable-input=crash'": "*crash aborts the process*",
}


def test_a_wrong_mark_is_an_error_that_says_so(project):
    tests = [
        f"@pytest.mark.mock_qemu({mark})\ndef test_{number}(mock_qemu):\n    pass\n"
        for number, mark in enumerate(WRONG)
    ]
    project.makepyfile("\n".join(["import pytest", *tests]))
    done = run_tests(project)
    done.assert_outcomes(errors=len(WRONG))
    done.stdout.fnmatch_lines_random(list(WRONG.values()))


MANY = """
    import pytest
    from versions import read_version

    def test_it(mock_qemu):
        print("seen", read_version(mock_qemu.path))

    @pytest.fixture
    def version(mock_qemu):
        return read_version(mock_qemu.path)

    @pytest.mark.parametrize("number", [1, 2])
    def test_through_another(version, number):
        print("seen", version)

    @pytest.mark.mock_qemu(snapshot=None)
    def test_marked(mock_qemu):
        assert read_version(mock_qemu.path) == "7.2"

    def test_none():
        pass
"""


def list_seen(done):
    return sorted(re.findall(r"seen (\d+\.\d+)", done.stdout.str()))


@pytest.mark.parametrize("place", ["option", "file"])
def test_each_test_is_run_for_each_snapshot(place, project):
    project.makepyfile(MANY)
    names = ["qemu-5.2.json.gz", "qemu-11.1.json.gz"]
    if place == "option":
        words = [f"--mock-qemu-snapshot={each}" for each in names]
    else:
        project.makeini(f"{_STRICT}mock_qemu_snapshot =\n  {names[0]}\n  {names[1]}\n")
        words = []
    done = run_tests(project, "-v", "-s", *words)
    done.assert_outcomes(passed=8)
    done.stdout.fnmatch_lines_random(
        ["*test_it?qemu-5.2? *", "*test_it?qemu-11.1? *", "*test_marked *", "*test_none *"]
    )
    assert list_seen(done) == ["11.1"] * 3 + ["5.2"] * 3


def test_the_option_comes_before_the_file_and_both_before_a_fixture(project):
    project.makepyfile("""
        from versions import read_version

        def test_it(mock_qemu):
            print("seen", read_version(mock_qemu.path))
    """)
    project.makeconftest(
        f"""
        import pytest

        @pytest.fixture
        def mock_qemu_snapshot():
            return {str(project.path / "qemu-11.1.json.gz")!r}
        """
    )
    assert list_seen(run_tests(project, "-s")) == ["11.1"]
    project.makeini(f"{_STRICT}mock_qemu_snapshot = qemu-5.2.json.gz\n")
    assert list_seen(run_tests(project, "-s")) == ["5.2"]
    assert list_seen(run_tests(project, "-s", "--mock-qemu-snapshot", EMBEDDED)) == ["7.2"]


def test_who_asks_late_cannot_be_run_for_many(project):
    project.makepyfile("""
        def test_it(request):
            request.getfixturevalue("mock_qemu")
    """)
    options = ["--mock-qemu-snapshot=qemu-5.2.json.gz", "--mock-qemu-snapshot=qemu-11.1.json.gz"]
    done = run_tests(project, *options)
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["*this test cannot be run for more than one of them*"])
    run_tests(project, options[0]).assert_outcomes(passed=1)


def test_unittests_may_use_it(project):
    project.makepyfile("""
        import unittest
        import pytest
        from qscope.testing import run_mock_qemu
        from versions import read_version

        class TestIt(unittest.TestCase):
            def setUp(self):
                self.mock = self.enterContext(run_mock_qemu())

            def test_context(self):
                self.assertEqual(read_version(self.mock.path), "7.2")

            @pytest.mark.usefixtures("mock_qemu")
            def test_fixture(self):
                pass
    """)
    run_tests(project).assert_outcomes(passed=2)


def test_pytest_tells_what_there_is(project):
    done = run_tests(project, "--help")
    done.stdout.fnmatch_lines(["*--mock-qemu-snapshot=S*", "*mock_qemu_snapshot (linelist)*"])
    run_tests(project, "--markers").stdout.fnmatch_lines(["@pytest.mark.mock_qemu(*"])
    told = run_tests(project, "--fixtures").stdout
    told.fnmatch_lines_random(["mock_qemu -- *", "mock_qemu_snapshot *"])


def test_who_does_not_use_it_does_not_pay_for_it():
    program = """
import sys
import pytest
before = set(sys.modules)
import qscope.testing.plugin
print(*sorted(each for each in set(sys.modules) - before))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=DEADLINE
    )
    assert done.stdout.split() == [
        "qscope",
        "qscope._version",
        "qscope.errors",
        "qscope.testing",
        "qscope.testing.plugin",
    ]


def test_the_context_manager_needs_no_pytest():
    program = """
import sys
sys.modules["pytest"] = None
from qscope.testing import run_mock_qemu
with run_mock_qemu() as mock:
    print(mock.received)
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")

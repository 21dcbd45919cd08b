"""`qscope serve` as a user meets it."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from qscope.load import load_snapshot
from qscope.load.opening import EMBEDDED
from tests.running import DEADLINE

OPEN = '{"execute": "qmp_capabilities"}'
PAPER = """
{ 'enum': 'Colour', 'data': ['red', 'blue'] }
{ 'struct': 'Paint', 'data': {'colour': 'Colour', '*litres': 'uint8'} }
{ 'command': 'paint', 'data': 'Paint', 'returns': 'Paint' }
{ 'command': 'list-paint', 'returns': ['Paint'] }
{ 'command': 'dry', 'data': {'hours': 'int'}, 'features': ['deprecated'], 'if': 'CONFIG_SUN' }
{ 'event': 'DRIED', 'data': {'colour': 'Colour'} }
"""


def start(*words, **options):
    return subprocess.Popen(
        [sys.executable, "-m", "qscope", "serve", *map(str, words)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def run(*words, stdin=""):
    """Run it; return status, the messages on stdout, and stderr."""
    with start(*words) as process:
        try:
            stdout, stderr = process.communicate(stdin, timeout=DEADLINE)
        finally:
            process.kill()
    assert "Traceback" not in stderr
    return process.returncode, [json.loads(line) for line in stdout.splitlines()], stderr


def write(commands):
    """Return what a client sends; commands are names or whole messages."""
    messages = [each if each[0] in "{[" else json.dumps({"execute": each}) for each in commands]
    return "\n".join([OPEN, *messages])


def talk(*words, commands=()):
    """Return what comes behind greeting and negotiation."""
    status, found, _ = run(*words, stdin=write(commands))
    assert status == 0
    assert "QMP" in found[0]
    assert found[1] == {"return": {}}
    return [{k: v for k, v in each.items() if k != "timestamp"} for each in found[2:]]


def refuse(error_class, desc):
    return {"error": {"class": error_class, "desc": desc}}


@pytest.fixture
def paper(tmp_path):
    path = tmp_path / "paper.json"
    path.write_text(PAPER)
    return path


def test_a_session_on_stdin_and_stdout():
    status, messages, stderr = run(
        "-s", EMBEDDED, stdin=f'{OPEN}{{"execute": "query-version", "id": 7}}'
    )
    assert (status, stderr) == (0, "")
    assert messages[0]["QMP"]["version"]["qemu"] == {"major": 7, "minor": 2, "micro": 22}
    assert messages[2]["id"] == 7
    assert messages[2]["return"]["qemu"]["major"] == 7


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        ("query-block", {"return": []}),
        ("nosuch", refuse("CommandNotFound", "The command nosuch has not been found")),
        (
            '{"execute": "eject", "arguments": {"device": 1}}',
            refuse("GenericError", "Invalid parameter type for 'device', expected: string"),
        ),
        (
            '{"execute": "device_del", "arguments": {"id": "x"}}',
            refuse("DeviceNotFound", "Device 'x' not found"),
        ),
        ("[]", refuse("GenericError", "QMP input must be a JSON object")),
        (
            '{"execute": "device-list-properties", "arguments": {"typename": "x"}}',
            refuse("DeviceNotFound", "Device 'x' not found"),
        ),
    ],
)
def test_a_command_and_its_reply(command, reply):
    assert talk("-s", EMBEDDED, commands=[command]) == [reply]


def test_the_guest_runs_if_it_is_said_to():
    commands = ["query-status", "cont", "query-status"]
    paused, *_, running = talk("-s", EMBEDDED, commands=commands)
    assert (paused["return"]["status"], running["return"]["status"]) == ("prelaunch", "running")
    (status,) = talk("-s", EMBEDDED, "--running", commands=["query-status"])
    assert status["return"] == {"status": "running", "singlestep": False, "running": True}


def test_a_question_that_qemu_did_not_survive_ends_the_connection():
    crashing = {"execute": "qom-list-properties", "arguments": {"typename": "colo-compare"}}
    assert talk("-s", EMBEDDED, commands=[json.dumps(crashing), "query-status"]) == []


def test_seeds_and_full_results():
    def ask(*words):
        return talk("-s", EMBEDDED, *words, commands=["query-block-jobs", "query-kvm"])

    plain = [{"return": []}, {"return": {"enabled": False, "present": False}}]
    assert ask() == ask("--seed", "0") == plain
    made = [ask("--seed", str(seed)) for seed in range(1, 9)]
    assert made[2] == ask("--seed", "3")
    assert len({str(each) for each in made}) > 2
    assert ask("--full")[0]["return"][0]["device"] == ""


@pytest.mark.parametrize(
    ("compat", "command", "reply"),
    [
        (
            "deprecated-input=reject",
            '{"execute": "nbd-server-remove", "arguments": {"name": "x"}}',
            refuse("CommandNotFound", "Deprecated command nbd-server-remove disabled by policy"),
        ),
        (
            "unstable-input=reject",
            "x-query-jit",
            refuse("CommandNotFound", "Unstable command x-query-jit disabled by policy"),
        ),
        (
            '{"deprecated-input": "reject"}',
            '{"execute": "eject", "arguments": {"device": "x"}}',
            refuse("GenericError", "Deprecated parameter device disabled by policy"),
        ),
        ("deprecated-input=accept", "x-query-jit", {"return": {"human-readable-text": ""}}),
    ],
)
def test_policies_are_qemus(compat, command, reply):
    assert talk("-s", EMBEDDED, "--compat", compat, commands=[command]) == [reply]


def test_pretty_is_qemus_pretty():
    with start("-s", EMBEDDED, "--pretty") as process:
        stdout, _ = process.communicate(OPEN, timeout=DEADLINE)
    assert stdout.startswith('{\n    "QMP": {\n        "version": {\n')
    assert stdout.endswith('{\n    "return": {\n    }\n}\n')


# A schema on paper.


def test_a_schema_that_exists_only_on_paper(paper):
    commands = [
        '{"execute": "paint", "arguments": {"colour": "green"}}',
        '{"execute": "paint", "arguments": {"colour": "blue", "litres": 256}}',
        '{"execute": "paint", "arguments": {"colour": "blue"}}',
        "list-paint",
        "dry",
        "stop",
        "query-commands",
    ]
    *replies, listed = talk(paper, commands=commands)
    assert replies == [
        refuse("GenericError", "Parameter 'colour' does not accept value 'green'"),
        refuse("GenericError", "Parameter 'litres' expects uint8_t"),
        {"return": {"colour": "red"}},
        {"return": []},
        refuse("CommandNotFound", "The command dry has not been found"),
        refuse("CommandNotFound", "The command stop has not been found"),
    ]
    assert {"name": "paint"} in listed["return"]


def test_a_schema_from_stdin_at_a_socket(connect, tmp_path):
    place = tmp_path / "qmp"
    with start("-", "--unix", place) as process:
        process.stdin.write(PAPER)
        process.stdin.close()
        assert process.stdout.readline() == f"unix:{place}\n"
        assert b'"schema"' in connect(place)[1]
        process.terminate()
        assert process.wait(DEADLINE) == 0


def test_what_is_defined_is_there(paper):
    (reply,) = talk(paper, "--define", "CONFIG_SUN", commands=["dry"])
    assert reply == refuse("GenericError", "Parameter 'hours' is missing")


def test_qemus_own_schema_has_what_it_has_and_no_more(shared):
    path = shared / "schemas" / "qemu-7.2" / "qapi" / "qapi-schema.json"
    (reply, status) = talk(path, commands=["query-command-line", "query-status"])
    assert reply["error"]["class"] == "CommandNotFound"
    assert status["return"]["status"] == "prelaunch"


# What is kept.


def test_what_clients_send_is_kept_as_a_transcript(tmp_path):
    file = tmp_path / "sent.jsonl"
    commands = ["cont", '{"execute": "device_del", "arguments": {"id": "x"}}', "[]", "nosuch"]
    run("-s", EMBEDDED, "--record", file, stdin=write(commands))
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [each.get("execute") for each in lines] == [
        "qmp_capabilities",
        "cont",
        "device_del",
        None,
        "nosuch",
    ]
    assert lines[2]["arguments"] == {"id": "x"}
    assert lines[3]["error"]["desc"] == "QMP input must be a JSON object"
    found = load_snapshot(str(file)).snapshot.exchanges
    assert [each.execute for each in found] == ["qmp_capabilities", "cont", "device_del", "nosuch"]
    assert found[2].error_class == "DeviceNotFound"


def test_a_recording_can_be_served_again(tmp_path):
    file = tmp_path / "sent.jsonl"
    run("-s", EMBEDDED, "--record", file, stdin=OPEN + '{"execute": "query-qmp-schema"}')
    (reply,) = talk("-s", file, commands=['{"execute": "eject", "arguments": {"id": []}}'])
    assert reply == refuse("GenericError", "Invalid parameter type for 'id', expected: string")


def test_a_recording_of_one_exchange_is_one(tmp_path):
    file = tmp_path / "one.json"
    file.write_text('{"execute": "query-version", "return": {"package": ""}}\n')
    (exchange,) = load_snapshot(str(file)).snapshot.exchanges
    assert exchange.execute == "query-version"


def test_faults_come_from_a_file(tmp_path):
    file = tmp_path / "faults.toml"
    file.write_text(
        '[[answer]]\ncommand = "query-name"\ntimes = 1\nerror = "Too late"\n'
        'events = [{ event = "STOP" }]\n'
        '[[answer]]\ncommand = "query-uuid"\ndrop = true\n'
    )
    commands = ["query-name", "query-name", "query-uuid", "query-name"]
    assert talk("-s", EMBEDDED, "--answers", file, commands=commands) == [
        {"event": "STOP"},
        refuse("GenericError", "Too late"),
        {"return": {}},
    ]


# Sockets.


@pytest.fixture
def connect():
    """Return what connects and returns the connection and the greeting."""
    with contextlib.ExitStack() as stack:

        def connect(path):
            connection = stack.enter_context(socket.socket(socket.AF_UNIX))
            connection.settimeout(DEADLINE)
            connection.connect(str(path))
            return connection, connection.recv(1 << 16)

        yield connect


def test_each_address_is_a_monitor_for_one_client(connect, tmp_path):
    one, other = tmp_path / "a", tmp_path / "b"
    words = ["-s", EMBEDDED, "--unix", one, "--unix", other, "--tcp", "127.0.0.1:0"]
    with start(*words) as process:
        bound = [process.stdout.readline().strip() for _ in range(3)]
        assert bound[:2] == [f"unix:{one}", f"unix:{other}"]
        assert bound[2].startswith("tcp:127.0.0.1:")
        first, greeting = connect(one)
        assert greeting.startswith(b'{"QMP"')
        assert connect(other)[1] == greeting
        with socket.socket(socket.AF_UNIX) as waiting:
            waiting.connect(str(one))
            waiting.settimeout(0.2)
            with pytest.raises(TimeoutError):
                waiting.recv(1)
            first.close()
            waiting.settimeout(DEADLINE)
            assert waiting.recv(1 << 16) == greeting
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE) == 0
    assert not one.exists()


def test_more_clients_if_it_is_said_so(connect, tmp_path):
    with start("-s", EMBEDDED, "--unix", tmp_path / "a", "--clients", "2") as process:
        process.stdout.readline()
        assert connect(tmp_path / "a")[1] == connect(tmp_path / "a")[1]
        process.terminate()
        assert process.wait(DEADLINE) == 0


def test_quit_ends_it(connect, tmp_path):
    with start("-s", EMBEDDED, "--unix", tmp_path / "a") as process:
        process.stdout.readline()
        connection, _ = connect(tmp_path / "a")
        # Nothing is answered behind it, by a mock as by a QEMU that has gone.
        connection.sendall(f'{OPEN}{{"execute": "quit"}}{{"execute": "query-name"}}'.encode())
        data = b""
        while more := connection.recv(1 << 16):
            data += more
        assert process.wait(DEADLINE) == 0
    messages = [json.loads(line) for line in data.splitlines()]
    assert messages[1]["event"] == "SHUTDOWN"
    assert messages[1]["data"] == {"guest": False, "reason": "host-qmp-quit"}
    assert messages[2:] == [{"return": {}}]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_it_in_order(tmp_path, number):
    with start("-s", EMBEDDED, "--unix", tmp_path / "a") as process:
        process.stdout.readline()
        process.send_signal(number)
        assert process.wait(DEADLINE) == 0
        assert process.stderr.read() == ""
    assert not (tmp_path / "a").exists()


# Refusals.


@pytest.fixture
def files(tmp_path):
    """Return a folder in which there is something of everything that is wrong."""
    (tmp_path / "bad.json").write_text("{ 'command': 'x', 'data': 'Nosuch' }")
    (tmp_path / "plain.txt").write_text("hello")
    (tmp_path / "no-schema.json").write_text('[{"execute": "query-version", "return": {}}]')
    odd = {"name": "1", "meta-type": "object", "members": [], "tag": "t", "variants": []}
    (tmp_path / "odd.json").write_text(json.dumps([odd]))
    (tmp_path / "typo.toml").write_text('[[answer]]\ncommand = "query-statos"\nreturn = {}')
    (tmp_path / "wrong.toml").write_text('[[answer]]\ncommand = "query-kvm"\nreturn = {}')
    (tmp_path / "broken.toml").write_text("[[answer]\n")
    (tmp_path / "taken").write_text("")
    return tmp_path


@pytest.mark.parametrize(
    ("words", "line"),
    [
        pytest.param(["SCHEMA", "-s", "x"], "exclude each other", id="two sources"),
        pytest.param(["-s", "nosuch"], "'nosuch': no such file", id="no snapshot"),
        pytest.param(["-s", "@plain.txt"], "neither JSON nor gzip", id="no snapshot in it"),
        pytest.param(["-s", "@no-schema.json"], "no query-qmp-schema reply in it", id="no schema"),
        pytest.param(["-s", "@odd.json"], "odd.json: schema entry 1: its tag 't' is no enum",
                     id="a schema that cannot be"),
        pytest.param(["@nosuch.json"], "no such file", id="no file"),
        pytest.param(["@bad.json"], "bad.json:1", id="a mistake in a schema"),
        pytest.param(["-s", "-"], "cannot both be stdin", id="two readers of stdin"),
        pytest.param(["-s", EMBEDDED, "--answers", "-"], "cannot both be stdin", id="likewise"),
        pytest.param(["-s", EMBEDDED, "--answers", "@typo.toml"],
                     "answer 1 (query-statos): the schema has no command 'query-statos' "
                     "(did you mean 'query-stats'?)", id="an answer to no command"),
        pytest.param(["-s", EMBEDDED, "--answers", "@wrong.toml"],
                     "wrong.toml: answer 1 (query-kvm): ", id="an answer of another type"),
        pytest.param(["-s", EMBEDDED, "--answers", "@broken.toml"], "broken.toml", id="no TOML"),
        pytest.param(["-s", EMBEDDED, "--answers", "@nosuch"], "nosuch", id="no answers"),
        pytest.param(["-s", EMBEDDED, "--compat", "deprecated=hide"],
                     "no switch 'deprecated': deprecated-", id="no switch"),
        pytest.param(["-s", EMBEDDED, "--compat", "unstable-input=hide"],
                     "unstable-input is 'hide': accept or reject or crash is right", id="no word"),
        pytest.param(["-s", EMBEDDED, "--compat", "{"], "--compat", id="no JSON"),
        pytest.param(["-s", EMBEDDED, "--compat", "help"], "--compat", id="no help"),
        pytest.param(["-s", EMBEDDED, "--record", "@nosuch/x"], "folder does not exist",
                     id="nowhere to keep it"),
        pytest.param(["-s", EMBEDDED, "--record", "@."], "a folder", id="a folder to keep it"),
        pytest.param(["-s", EMBEDDED, "--unix", "@taken"], "taken", id="a file in the way"),
        pytest.param(["-s", EMBEDDED, "--unix", "@nosuch/x"], "nosuch/x", id="no folder"),
        pytest.param(["-s", EMBEDDED, "--tcp", "8.8.8.8:1"], "8.8.8.8", id="no loopback address"),
        pytest.param(["-s", EMBEDDED, "--tcp", "x"], "tcp:x", id="no port"),
        pytest.param(["-s", EMBEDDED, "--define", "X"], "need SCHEMA", id="nothing to define for"),
        pytest.param(["-s", EMBEDDED, "--clients", "0"], "--clients", id="no clients"),
        pytest.param(["-s", EMBEDDED, "--seed", "x"], "--seed", id="no seed"),
    ],
)  # fmt: skip
def test_what_cannot_be_served_is_one_line(files, words, line):
    words = [each.replace("@", f"{files}/") if each.startswith("@") else each for each in words]
    status, messages, stderr = run(*words)
    assert (status, messages) == (2, [])
    *usage, last = stderr.splitlines()
    assert line in last
    assert all(each.startswith(("Usage: ", "Try '", str(files))) or not each for each in usage)


def test_a_full_disk_does_not_end_the_session():
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full")
    status, messages, stderr = run("-s", EMBEDDED, "--record", "/dev/full", stdin=OPEN * 2)
    assert (status, len(messages)) == (0, 3)
    assert stderr.count("No space left on device") == 1


def test_an_answer_that_is_delayed_does_not_delay_the_end(connect, tmp_path):
    file = tmp_path / "slow.toml"
    file.write_text('[[answer]]\ncommand = "query-name"\ndelay = 60\n')
    words = ["-s", EMBEDDED, "--answers", file, "--unix", tmp_path / "a"]
    with start(*words) as process:
        process.stdout.readline()
        connection, _ = connect(tmp_path / "a")
        connection.sendall(f'{OPEN}{{"execute": "query-name"}}'.encode())
        assert json.loads(connection.recv(1 << 16)) == {"return": {}}
        before = time.monotonic()
        process.terminate()
        assert process.wait(DEADLINE) == 0
    # The usual five seconds are a program's.
    assert time.monotonic() - before < 4

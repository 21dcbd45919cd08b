"""`qscope call`: what to try, which of it is taken, and what can be told of how it ended."""

import contextlib
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qscope.ask.finding import Finding, Severity
from qscope.ask.validation import validate
from qscope.errors import ArgumentError, DisconnectError, ProtocolError
from qscope.model.interface import Interface
from qscope.model.schema_info import decode_entities
from qscope.probe.attempts import Attempt, parse_attempt
from qscope.probe.calling import Ending, call, fetch_interface
from qscope.probe.process import ARGUMENTS
from tests.test_cli import run
from tests.test_live import run as run_server
from tests.test_qmp import GREETING, serve_at, talk

_SCHEMA: list[dict[str, object]] = [
    {"name": "query-qmp-schema", "meta-type": "command", "arg-type": "0", "ret-type": "0"},
    {"name": "old", "meta-type": "command", "arg-type": "0", "ret-type": "0"},
    {"name": "new", "meta-type": "command", "arg-type": "1", "ret-type": "0"},
    {"name": "human-monitor-command", "meta-type": "command", "arg-type": "2", "ret-type": "str"},
    {"name": "later", "meta-type": "command", "arg-type": ["not", "understood"]},
    {"name": "STOP", "meta-type": "event", "arg-type": "0"},
    {"name": "0", "meta-type": "object", "members": []},
    {"name": "1", "meta-type": "object", "members": [
        {"name": "number", "type": "int", "default": None},
        {"name": "word", "type": "3", "default": None},
    ]},
    {"name": "2", "meta-type": "object", "members": [{"name": "command-line", "type": "str"}]},
    {"name": "3", "meta-type": "enum", "values": ["a", "b"], "members": [
        {"name": "a"}, {"name": "b"}]},
    {"name": "str", "meta-type": "builtin", "json-type": "string"},
    {"name": "int", "meta-type": "builtin", "json-type": "int"},
]  # fmt: skip
_HELP = {
    "nmi": "nmi  -- inject an NMI\r\n",
    "s": "stop|s  -- stop emulation\r\n",
    "x": "x /fmt addr -- virtual memory dump\r\n",
    "print": "print|p/fmt expr -- print expression value\r\n",
    "info version": "info version  -- show the version of QEMU\r\n",
}


@pytest.fixture(scope="module")
def interface():
    entities, _ = decode_entities(json.dumps(_SCHEMA).encode())
    return Interface(entities)


class TestParsing:
    @pytest.mark.parametrize(
        ("words", "attempt"),
        [
            (["stop"], Attempt("stop")),
            ([" stop "], Attempt("stop")),
            (["__com.redhat_x"], Attempt("__com.redhat_x")),
            (["eject", '{"id": "x"}'], Attempt("eject", {"id": "x"})),
            (["eject", "{'id': 'x'}"], Attempt("eject", {"id": "x"})),
            (['eject {"id": "x"}'], Attempt("eject", {"id": "x"})),
            (["eject  {}", "{}"], Attempt("eject")),
            (['{"execute": "stop"}'], Attempt("stop")),
            (
                ['{"execute": "eject", "id": 3}', '{"force": true}'],
                Attempt("eject", {"force": True}),
            ),
            (['{"execute": "eject", "arguments": {"id": "x"}}'], Attempt("eject", {"id": "x"})),
        ],
    )
    def test_what_a_command_may_look_like(self, words, attempt):
        assert parse_attempt(*words) == attempt

    @pytest.mark.parametrize(
        ("line", "topic"),
        [
            ("nmi", "nmi"),
            (" stop  now ", "stop"),
            ("x/4i 0", "x"),
            ("info version", "info version"),
            ("info", "info"),
            ("infos version", "infos"),
            ("/x", "/x"),
        ],
    )
    def test_what_a_line_is_about(self, line, topic):
        attempt = parse_attempt(f"hmp:{line}")
        assert (attempt.topic, attempt.is_hmp) == (topic, True)
        assert attempt.arguments == {"command-line": line.strip()}

    @pytest.mark.parametrize(
        ("words", "says"),
        [
            pytest.param([""], "nothing: no name of a command", id="nothing"),
            pytest.param(["  "], "nothing: no name of a command", id="spaces"),
            pytest.param(["sto p"], "the arguments of sto: ", id="a space in a name"),
            pytest.param(["stop;quit"], "stop;quit: no name of a command", id="two"),
            pytest.param(["-x"], "-x: no name", id="an option"),
            pytest.param(["\udcff"], "no name of a command", id="no UTF-8"),
            pytest.param(["hmp:"], "not one line", id="an empty line"),
            pytest.param(["hmp:a\nb"], "not one line", id="two lines"),
            pytest.param(["hmp:\x1b"], "not one line", id="a control character"),
            pytest.param(["hmp:nmi", "{}"], "hmp: takes its arguments in the line", id="hmp, JSON"),
            pytest.param(["stop", ""], "the arguments of stop: ", id="empty JSON"),
            pytest.param(["stop", "{"], "the arguments of stop: ", id="half of JSON"),
            pytest.param(["stop", "{} {}"], "the arguments of stop: ", id="two objects"),
            pytest.param(["stop", "[]"], "takes an object, {…}, not []", id="an array"),
            pytest.param(["stop", "null"], "takes an object, {…}, not null", id="null"),
            pytest.param(["stop", '"x"'], "takes an object", id="a string"),
            pytest.param(["stop", '{"a": 1, "a": 2}'], "the arguments of stop: ", id="twice"),
            pytest.param(["stop", '{"a": NaN}'], "the arguments of stop: ", id="NaN"),
            pytest.param(["stop", '{"a": 1e999}'], "the arguments of stop: ", id="infinity"),
            pytest.param(["stop", '{"a": "\\ud800"}'], "the arguments of stop: ", id="a surrogate"),
            pytest.param(["stop", '{"a": "\udcff"}'], "the arguments of stop: ", id="no UTF-8"),
            pytest.param(["stop", "[" * 99999], "the arguments of stop: ", id="brackets"),
            pytest.param(["stop", '{"a":' * 1000 + "1" + "}" * 1000], "too deep", id="deep"),
            pytest.param(['eject {"a": 1}', '{"a": 1}'], "it has arguments", id="arguments twice"),
            pytest.param(["{}"], "execute: a QMP command has the name", id="no execute"),
            pytest.param(['{"execute": 1}'], "execute: a QMP command has the name", id="a number"),
            pytest.param(['{"execute": ""}'], "nothing: no name", id="an empty name"),
            pytest.param(['{"execute": "x", "arguments": 1}'], '"arguments" takes an object',
                         id="arguments are a number"),
            pytest.param(['{"execute": "x", "argumets": {}}'], "argumets: a QMP command has",
                         id="another member"),
            pytest.param(['{"exec-oob": "x"}'], "commands are sent in band", id="out of band"),
            pytest.param(["{execute: x}"], "the command: ", id="no JSON"),
        ],
    )  # fmt: skip
    def test_what_is_wrong_with_a_command(self, words, says):
        with pytest.raises(ArgumentError) as caught:
            parse_attempt(*words)
        assert says in str(caught.value)


@given(
    st.text(st.sampled_from("{}[]\"':, hmp:executargsid\\u1.e-\n\udcff")),
    st.none() | st.text(st.sampled_from("{}[]\"':, a1.e-\\")),
)
def test_any_words_are_an_attempt_or_refused(text, arguments):
    with contextlib.suppress(ArgumentError):
        attempt = parse_attempt(text, arguments)
        assert json.dumps(attempt.arguments, allow_nan=False)
        assert attempt.topic or not attempt.is_hmp


def serve_hmp(answers):
    """Return a script of a server whose human monitor has the commands in _HELP."""

    def script(peer):
        while command := peer.read():
            line = command.get("arguments", {}).get("command-line", "")
            topic = line.removeprefix("help ")
            text = _HELP.get(topic, f"unknown command: '{topic}'\r\n")
            if not line.startswith("help "):
                text = answers.get(line, f"unknown command: '{line}'\r\n")
            peer.reply(**{"return": text}, id=command["id"])

    return script


def refuse(error_class):
    """Return a script that refuses `old` with an error class, and does everything else."""

    def script(peer):
        while command := peer.read():
            if command["execute"] == "old":
                peer.reply(error={"class": error_class, "desc": "no \x1b"}, id=command["id"])
            else:
                peer.reply(event="STOP", timestamp={})
                peer.reply(**{"return": {"done": command["execute"]}}, id=command["id"])

    return script


def attempt_all(script, *texts, interface=None, judge=None):
    with talk(script, timeout=5) as client:
        outcomes = call(client, [parse_attempt(text) for text in texts], interface, judge)
    return [(each.attempt.name, each.ending.value) for each in outcomes]


class TestTaking:
    @pytest.mark.parametrize(
        ("error_class", "taken"),
        [
            pytest.param("CommandNotFound", [("old", "absent"), ("new", "done")], id="not there"),
            pytest.param("GenericError", [("old", "failed")], id="failed"),
            pytest.param("DeviceNotFound", [("old", "failed")], id="a device is not there"),
            pytest.param("commandnotfound", [("old", "failed")], id="another class"),
        ],
    )
    def test_the_class_decides(self, error_class, taken):
        assert attempt_all(refuse(error_class), "old", "new", "newer") == taken

    def test_nothing_is_there(self):
        def script(peer):
            peer.serve()

        assert attempt_all(script, "a", "b") == [("a", "absent"), ("b", "absent")]

    def test_what_the_schema_lacks_is_not_sent(self, interface):
        sent = []

        def script(peer):
            while command := peer.read():
                sent.append(command["execute"])
                peer.reply(**{"return": {}}, id=command["id"])

        taken = attempt_all(script, "nosuch", "STOP", "0", "old", interface=interface)
        assert taken == [("nosuch", "absent"), ("STOP", "absent"), ("0", "absent"), ("old", "done")]
        assert sent == ["old"]

    def test_what_the_schema_has_in_a_form_of_later_is_sent(self, interface):
        taken = attempt_all(refuse(""), "later", "old", interface=interface, judge=validate)
        assert taken == [("later", "done")]

    @pytest.mark.parametrize(
        ("rule", "severity", "ending"),
        [
            ("member-unknown", Severity.ERROR, "absent"),
            ("value-unknown", Severity.ERROR, "absent"),
            ("member-of-branch", Severity.ERROR, "absent"),
            ("wrong-type", Severity.ERROR, "failed"),
            ("member-missing", Severity.ERROR, "failed"),
            ("type-unknown", Severity.UNKNOWN, "done"),
            ("deprecated", Severity.WARNING, "done"),
        ],
    )
    def test_what_validation_finds(self, interface, rule, severity, ending):
        def judge(*_):
            return [Finding(rule, "it", "is so", severity)]

        taken = attempt_all(refuse(""), "new", interface=interface, judge=judge)
        assert taken == [("new", ending)]

    def test_events_between_do_not_disturb(self):
        def script(peer):
            command = peer.read()
            peer.reply(event="STOP", timestamp={})
            peer.reply(**{"return": 1}, id="somebody else's")
            peer.reply(event="RESUME", timestamp={}, data={"return": 3})
            peer.reply(**{"return": 2}, id=command["id"])

        with talk(script, timeout=5) as client:
            [outcome] = call(client, [Attempt("old")])
        assert outcome.result is not None
        assert bytes(outcome.result) == b"2"

    @pytest.mark.parametrize(
        ("data", "says"),
        [
            pytest.param(b"", "closed the connection", id="nothing"),
            pytest.param(b'{"return": {', "in the middle of a message", id="half an answer"),
            pytest.param(b'{"event": "SHUTDOWN"}\n', "closed the connection", id="an event"),
            pytest.param(b"hello\n", "expected QMP", id="something else"),
        ],
    )
    def test_a_server_that_dies_after_it_got_it(self, data, says):
        def script(peer):
            peer.read()
            peer.send(data)

        with talk(script, timeout=5) as client:
            [outcome] = call(client, [Attempt("old")])
        assert (outcome.ending, outcome.sent) == (Ending.UNKNOWN, True)
        assert says in outcome.why
        assert outcome.why.endswith("whether it was done cannot be told")

    def test_a_server_that_dies_before_it_got_it(self):
        with talk(lambda peer: peer.read(), timeout=5) as client, pytest.raises(DisconnectError):
            call(client, [parse_attempt("hmp:nmi")])


class TestHumanMonitor:
    @pytest.mark.parametrize(
        ("line", "answer", "ending"),
        [
            pytest.param("nmi", "", "done", id="silence"),
            pytest.param("nmi", "\r\n", "done", id="an empty line"),
            pytest.param("nmi", "Error: not supported\r\n", "failed", id="an error"),
            pytest.param("nmi x", 'nmi: extraneous\r\nTry "help nmi" for more information\r\n',
                         "failed", id="arguments"),
            pytest.param("nmi", "some text\r\n", "unknown", id="a text"),
            pytest.param("nmi", "an Error: inside\r\n", "unknown", id="an error inside"),
            pytest.param("print 1", "0x1\r\n", "unknown", id="a value"),
            pytest.param("s", "", "done", id="an alias"),
            pytest.param("x/4i 0", "", "done", id="a format"),
            pytest.param("info version", "7.2\r\n", "done", id="information"),
            pytest.param("info version x", 'Try "help info version" for more information\r\n',
                         "failed", id="information, too much of it"),
            pytest.param("nosuch", "", "absent", id="no command"),
            pytest.param("info nosuch", "", "absent", id="no information"),
            pytest.param("stop", "", "absent", id="not listed by that name"),
            pytest.param("nm", "", "absent", id="half a name"),
        ],
    )  # fmt: skip
    def test_what_can_be_told(self, line, answer, ending):
        taken = attempt_all(serve_hmp({line: answer}), f"hmp:{line}")
        assert taken == [(f"hmp:{line}", ending)]

    def test_what_is_not_listed_is_not_sent(self):
        sent = []

        def script(peer):
            while command := peer.read():
                sent.append(command["arguments"]["command-line"])
                peer.reply(**{"return": ""}, id=command["id"])

        assert attempt_all(script, "hmp:nosuch now") == [("hmp:nosuch now", "absent")]
        assert sent == ["help nosuch"]

    def test_a_server_without_one(self, interface):
        def script(peer):
            peer.serve(new={})

        assert attempt_all(script, "hmp:nmi", "new") == [("hmp:nmi", "absent"), ("new", "done")]

    @pytest.mark.parametrize("result", [None, 1, {}, []])
    def test_one_that_returns_no_text(self, result):
        def script(peer):
            peer.serve(human_monitor_command=result)

        assert attempt_all(script, "hmp:nmi") == [("hmp:nmi", "absent")]


class TestInterface:
    def test_only_the_schema_is_asked(self):
        asked = []

        def script(peer):
            while command := peer.read():
                asked.append(command["execute"])
                peer.reply(**{"return": _SCHEMA}, id=command["id"])

        with talk(script) as client:
            found = fetch_interface(client)
        assert found is not None
        assert set(found.by_name) == {str(each["name"]) for each in _SCHEMA}
        assert asked == ["query-qmp-schema"]

    def test_a_server_without_a_schema(self):
        with talk(lambda peer: peer.serve()) as client:
            assert fetch_interface(client) is None

    @pytest.mark.parametrize("result", [{}, None, "x", 3])
    def test_a_schema_that_is_none(self, result):
        with (
            talk(lambda peer: peer.serve(query_qmp_schema=result)) as client,
            pytest.raises(ProtocolError, match="makes no sense"),
        ):
            fetch_interface(client)

    @pytest.mark.parametrize("entry", [3, {}, {"name": "x"}, {"name": "x", "meta-type": "y"}])
    def test_entries_that_make_no_sense(self, entry):
        def script(peer):
            peer.serve(query_qmp_schema=[*_SCHEMA, entry], old={})

        with talk(script) as client:
            interface = fetch_interface(client)
            [outcome] = call(client, [Attempt("old")], interface)
        assert outcome.ending is Ending.DONE


def speak(script):
    """Return a script that greets, negotiates, and goes on."""

    def whole(peer):
        peer.send(GREETING)
        peer.reply(**{"return": {}}, id=peer.read()["id"])
        script(peer)

    return whole


@pytest.fixture
def serve(tmp_path):
    """Return a function that serves one client, and the words that name the server."""

    @contextlib.contextmanager
    def serve(script):
        with serve_at(str(tmp_path / "qmp"), speak(script)) as address:
            yield f"unix:{address.path}"

    return serve


class TestCommand:
    def test_done(self, serve):
        with serve(lambda peer: peer.serve(query_qmp_schema=_SCHEMA, new={"a": [1]})) as target:
            done = run("call", target, "new", '{"number": 1}')
        assert (done.returncode, json.loads(done.stdout), done.stderr) == (0, {"a": [1]}, "")

    @pytest.mark.parametrize(
        ("words", "status", "stdout", "stderr"),
        [
            pytest.param(["old"], 1, "old: failed: GenericError: no ?\n", "", id="failed"),
            pytest.param(["old", "--or", "new"], 1, "old: failed: GenericError: no ?\n",
                         "qscope: note: took old\n", id="no way back from failure"),
            pytest.param(["old", "--or", "new", "-q"], 1, "old: failed: GenericError: no ?\n", "",
                         id="quiet"),
        ],
    )  # fmt: skip
    def test_a_failure_is_one_line(self, serve, words, status, stdout, stderr):
        with serve(refuse("GenericError")) as target:
            done = run("call", target, *words, "--no-validate")
        assert (done.returncode, done.stdout, done.stderr) == (status, stdout, stderr)

    def test_the_next_is_taken_and_that_is_said(self, serve):
        with serve(refuse("CommandNotFound")) as target:
            done = run("call", target, "old", "--or", 'new {"a": 1}', "--no-validate")
        assert (done.returncode, json.loads(done.stdout)) == (0, {"done": "new"})
        assert done.stderr.splitlines() == [
            "qscope: note: passed over old: CommandNotFound: no ?",
            "qscope: note: took new",
        ]

    def test_json(self, serve):
        with serve(refuse("CommandNotFound")) as target:
            done = run("call", target, "old", "--no-validate", "--format", "json")
        told = json.loads(done.stdout)
        assert (done.returncode, told["outcome"], told["sent"]) == (1, "absent", True)
        assert told["error"] == {"class": "CommandNotFound", "desc": "no \x1b"}

    def test_findings_in_json_are_those_of_validate(self, serve):
        with serve(lambda peer: peer.serve(query_qmp_schema=_SCHEMA)) as target:
            done = run("call", target, "new", '{"word": "c"}', "--format", "json")
        [finding] = json.loads(done.stdout)["findings"]
        assert (finding["member"], finding["severity"]) == ("word", "error")
        assert (finding["rule"], finding["did-you-mean"]) == ("value-unknown", [])

    def test_what_is_refused_is_not_sent(self, serve):
        with serve(lambda peer: peer.serve(query_qmp_schema=_SCHEMA)) as target:
            done = run("call", target, "new", '{"number": "1", "word": 2}', "--or", "old")
        assert (done.returncode, done.stderr) == (1, "")
        assert done.stdout.count("new: refused before it was sent: ") == 2

    def test_arguments_that_it_does_not_know_make_way(self, serve):
        with serve(lambda peer: peer.serve(query_qmp_schema=_SCHEMA, old={})) as target:
            done = run("call", target, "new", '{"numbr": 1}', "--or", "old")
        assert (done.returncode, done.stdout) == (0, "{}\n")
        assert "passed over new: numbr: " in done.stderr

    def test_a_server_without_a_schema(self, serve):
        with serve(lambda peer: peer.serve(anything=[])) as target:
            done = run("call", target, "anything", '{"a": 1}')
        assert (done.returncode, done.stdout) == (0, "[]\n")
        assert "nothing is validated" in done.stderr

    def test_a_snapshot_may_be_asked_in_place_of_the_server(self, serve):
        from qscope.load.opening import EMBEDDED

        with serve(lambda peer: peer.serve(new={})) as target:
            done = run("call", target, "new", "-s", EMBEDDED)
        assert (done.returncode, done.stdout) == (
            1,
            "new: does not exist: new is not in query-qmp-schema\n",
        )

    def test_what_cannot_be_told(self, serve):
        with serve(serve_hmp({"nmi": "a text\r\n"})) as target:
            done = run("call", target, "hmp:nmi", "--no-validate")
        assert (done.returncode, json.loads(done.stdout)) == (3, "a text\r\n")
        assert "whether it failed cannot be told" in done.stderr

    def test_a_server_that_dies_with_it(self, serve):
        with serve(lambda peer: peer.read()) as target:
            done = run("call", target, "old", "--no-validate")
        assert (done.returncode, done.stderr) == (3, "")
        assert done.stdout.startswith("old: cannot tell: ")
        assert done.stdout.count("\n") == 1

    def test_a_server_that_dies_before(self, serve):
        with serve(lambda peer: peer.read()) as target:
            done = run("call", target, "old")
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.count("\n") == 1
        assert "closed the connection" in done.stderr

    @pytest.mark.parametrize("script", [lambda peer: None, lambda peer: peer.read() or peer.read()])
    def test_a_server_that_falls_silent(self, tmp_path, script):
        start = time.monotonic()
        with serve_at(str(tmp_path / "qmp"), script) as address:
            done = run("call", str(address), "old", "--timeout", "0.3")
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert time.monotonic() - start < 10

    @pytest.mark.parametrize(
        ("words", "says"),
        [
            pytest.param([], "Missing argument 'TARGET'", id="nothing"),
            pytest.param(["unix:/x"], "Missing argument 'COMMAND'", id="no command"),
            pytest.param(["/nonexistent", "stop"], "no address of a QMP server", id="no socket"),
            pytest.param(["/etc/passwd", "stop"], "no address of a QMP server", id="a file"),
            pytest.param(["unix:", "stop"], "no address of a QMP server", id="no path"),
            pytest.param(["localhost:0", "stop"], "no address", id="no port"),
            pytest.param(["localhost:99999", "stop"], "no address", id="a port too high"),
            pytest.param(["unix:/nonexistent", "stop"], "No such file", id="nobody"),
            pytest.param(["localhost:1", "stop"], "refused", id="nobody listens"),
            pytest.param(["unix:/" + "x" * 200, "stop"], "too long", id="a long path"),
            pytest.param(["unix:/x", "stop", "{"], "the arguments of stop", id="half JSON"),
            pytest.param(["unix:/x", "stop", "{}", "{}"], "unexpected extra", id="too much"),
            pytest.param(["unix:/x", "stop", "--or", ""], "no name of a command", id="or nothing"),
            pytest.param(["unix:/x", "stop", "--or", "x y"], "the arguments of x", id="or no JSON"),
            pytest.param(["unix:/x", "stop", "--timeout", "0"], "range", id="no time"),
            pytest.param(["unix:/x", "stop", "-s", "x", "--no-validate"], "exclude", id="both"),
            pytest.param(["unix:/x", "stop", "-s", "/nonexistent"], "no such file", id="no S"),
        ],
    )
    def test_what_cannot_be_done_is_one_line(self, words, says):
        done = run("call", *words)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("qscope: ")
        assert done.stderr.count("\n") == 1
        assert says in done.stderr


@pytest.fixture(scope="module")
def target(qemu, tmp_path_factory):
    place = tmp_path_factory.mktemp("call") / "qmp.sock"
    words = [qemu, *ARGUMENTS, "-qmp", f"unix:{place},server=on,wait=off"]
    with run_server(words, place) as address:
        yield f"unix:{address.path}"


@pytest.mark.live
class TestLive:
    def test_a_command_that_fails_has_no_way_back(self, target):
        done = run("call", target, "inject-nmi", "--or", "hmp:nmi")
        assert done.returncode == 1
        assert done.stdout.startswith("inject-nmi: failed: GenericError: ")

    def test_one_that_does_not_exist_has(self, target):
        done = run("call", target, "inject-nmi-please", "--or", "hmp:nosuch", "--or", "hmp:stop")
        assert (done.returncode, done.stdout) == (0, '""\n')
        assert done.stderr.splitlines()[-1] == "qscope: note: took hmp:stop"

    @pytest.mark.parametrize(
        ("words", "status"),
        [
            (["query-status"], 0),
            (['{"execute": "query-name", "arguments": {}}'], 0),
            (["qom-list", "{'path': '/'}"], 0),
            (["qom-list", '{"path": "/nosuch"}'], 1),
            (["qom-list", '{"path": 1}'], 1),
            (["qom-list"], 1),
            (["qom-list", '{"path": 1}', "--no-validate"], 1),
            (["nosuch"], 1),
            (["nosuch", "--no-validate"], 1),
            (["hmp:info version"], 0),
            (["hmp:print 1"], 3),
            (["hmp:device_del x"], 1),
            (["hmp:nmi x y"], 1),
            (["hmp:nosuch"], 1),
            (["hmp:info nosuch"], 1),
        ],
    )
    def test_exit_status(self, target, words, status):
        done = run("call", target, *words)
        assert (done.returncode, "Traceback" in done.stderr) == (status, False)
        assert done.stdout.strip()

    def test_the_last_command(self, qemu, tmp_path):
        place = tmp_path / "qmp.sock"
        words = [qemu, *ARGUMENTS, "-qmp", f"unix:{place},server=on,wait=off"]
        with run_server(words, place) as address:
            done = run("call", str(address), "quit")
        assert (done.returncode, done.stdout) == (0, "{}\n")

    def test_the_class_is_told(self, target):
        done = run("call", target, "nosuch", "--no-validate", "--format", "json")
        assert json.loads(done.stdout)["error"]["class"] == "CommandNotFound"

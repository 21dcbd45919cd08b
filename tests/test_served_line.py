"""Programs that describe their command line by QMP: what is asked, answered, judged, hashed."""

import json
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from qscope.ask.answer import Verdict
from qscope.ask.finding import Severity, conclude
from qscope.ask.line import check_line
from qscope.ask.options import find_option, is_listable, list_options
from qscope.ask.query import ask
from qscope.ask.versions import read_release
from qscope.cli.main import qscope as program
from qscope.load import load, record
from qscope.model.canonical import interface_hash, schema_hash
from qscope.model.index import decode_index, encode_index, make_index
from qscope.model.interface import Interface
from qscope.model.option import Option
from qscope.model.schema_info import EnumType
from qscope.model.served import ServedLine, decode_served
from qscope.model.snapshot import Identity, Snapshot, decode_snapshot, encode_snapshot
from qscope.model.transcript import ErrorInfo, Exchange
from tests.fake_server import FakeServer, make_schema

QUERY = "query-command-line"
PLAIN: dict[str, Any] = {"meta-type": "option", "completeness": "exact"}
OPTIONS: list[dict[str, Any]] = [
    {**PLAIN, "name": "disk", "arg": True, "arg-type": "1", "syntax": ["keyval", "json"],
     "implied-key": "driver", "repeat": "list", "closed": True},
    {**PLAIN, "name": "level", "arg": True, "arg-type": "int", "syntax": ["number"],
     "repeat": "last", "aliases": ["l"]},
    {**PLAIN, "name": "mode", "arg": True, "arg-type": "2", "syntax": ["words"],
     "words": ["fast", "safe"], "deprecated": True},
    {**PLAIN, "name": "name", "arg": True, "arg-type": "str", "syntax": ["string"]},
    {**PLAIN, "name": "tags", "arg": True, "arg-type": "[int]", "syntax": ["json"]},
    {**PLAIN, "name": "any", "arg": True, "arg-type": "any", "syntax": ["json"]},
    {**PLAIN, "name": "ref", "arg": True, "arg-type": "5",
     "syntax": ["number", "keyval", "json"], "implied-key": "driver"},
    {**PLAIN, "name": "open", "arg": True, "arg-type": "4", "syntax": ["keyval"],
     "completeness": "partial"},
    {**PLAIN, "name": "device", "arg": True, "arg-type": "4", "syntax": ["keyval", "json"]},
    {**PLAIN, "name": "bare", "arg": True, "completeness": "unknown", "syntax": ["string"]},
    {**PLAIN, "name": "lost", "arg": True, "arg-type": "99", "syntax": ["keyval"]},
    {**PLAIN, "name": "old", "arg": True, "arg-type": "4", "syntax": ["qemuopts"]},
    {**PLAIN, "name": "verbose", "arg": False, "syntax": ["flag"]},
    {**PLAIN, "name": "no-verbose", "arg": False, "syntax": ["flag"],
     "sugar": "--verbose=off"},
]  # fmt: skip
TYPES: list[dict[str, Any]] = [
    {"meta-type": "object", "name": "1", "tag": "driver",
     "members": [{"name": "driver", "type": "2"}, {"name": "size", "type": "int", "default": None}],
     "variants": [{"case": "fast", "type": "3"}]},
    {"meta-type": "enum", "name": "2", "members": [{"name": "fast"}, {"name": "safe"}]},
    {"meta-type": "object", "name": "3", "members": [{"name": "path", "type": "str"}]},
    {"meta-type": "object", "name": "4", "members": [{"name": "on", "type": "bool"}]},
    {"meta-type": "alternate", "name": "5", "members": [{"type": "int"}, {"type": "1"}]},
    {"meta-type": "array", "name": "[int]", "element-type": "int"},
    {"meta-type": "builtin", "name": "int", "json-type": "int"},
    {"meta-type": "builtin", "name": "str", "json-type": "string"},
    {"meta-type": "builtin", "name": "bool", "json-type": "boolean"},
    {"meta-type": "builtin", "name": "any", "json-type": "value"},
]  # fmt: skip
REPLY = [*OPTIONS, *TYPES]
SCHEMA = make_schema("query-commands", QUERY)


def name_commands(schema):
    return [{"name": each["name"]} for each in schema if each["meta-type"] == "command"]


def learn(reply=REPLY, **outcome):
    """Return the interface of a server that answered with `reply`, or had another outcome."""
    raw = outcome or {"result": Raw(json.dumps(reply).encode())}
    exchanges = (
        Exchange("query-qmp-schema", result=Raw(json.dumps(SCHEMA).encode())),
        Exchange(QUERY, **raw),
    )
    return Interface.from_snapshot(Snapshot(Identity(version="7.2.0"), exchanges))


@pytest.fixture(scope="module")
def told():
    return learn()


@pytest.mark.parametrize(
    ("path", "verdict"),
    [
        ("option:disk", "yes"),
        ("option:disk/driver", "yes"),
        ("option:disk/*size", "yes"),
        ("option:disk/+fast/path", "yes"),
        ("option:disk/path", "yes"),
        ("option:disk/path/!string", "yes"),
        ("option:disk/driver/^safe", "yes"),
        ("option:mode/^fast", "yes"),
        ("option:device/on", "yes"),
        ("option:l", "yes"),
        ("option:verbose", "yes"),
        ("option:bare", "yes"),
        ("option:ref/path", "no"),
        ("option:disk/nope", "no"),
        ("option:disk/*driver", "no"),
        ("option:disk/+slow", "no"),
        ("option:disk/+safe/path", "no"),
        ("option:mode/^slow", "no"),
        ("option:verbose/on", "no"),
        ("option:level/x", "no"),
        # QEMU 7.2 has these, and the server says it is of that version.
        ("option:m", "no"),
        ("option:machine", "no"),
        ("option:chardev/+socket", "no"),
        ("option:device/+e1000", "no"),
        ("option:open/nope", "unknown"),
        ("option:bare/x", "unknown"),
        ("option:lost/x", "unknown"),
    ],
)
def test_paths(told, path, verdict):
    answer = ask(told, path)
    assert answer.verdict.value == verdict, answer
    assert answer.evidence == QUERY


def test_options_are_those_that_are_told(told):
    options = list_options(told)
    assert [each.name for each in options] == sorted(each["name"] for each in OPTIONS)
    assert {str(evidence) for each in options for evidence in each.evidence} == {f"served {QUERY}"}
    alias = find_option(told, "l")
    assert alias is not None
    assert (alias.name, alias.aliases, alias.arg_type) == ("l", ("level",), "served:int")


def test_types_meet_none_of_the_schema(told):
    """Both namespaces have a type "0" or "1", and neither answers for the other."""
    schema = make_schema(QUERY, types=[{"name": "0", "meta-type": "object", "members": [
        {"name": "disk", "type": "1"}]}, {"name": "1", "meta-type": "builtin",
        "json-type": "string"}])  # fmt: skip
    exchanges = (
        Exchange("query-qmp-schema", result=Raw(json.dumps(schema).encode())),
        Exchange(QUERY, result=Raw(json.dumps(REPLY).encode())),
    )
    interface = Interface.from_snapshot(Snapshot(Identity(), exchanges))
    assert ask(interface, f"{QUERY}/arg-type/disk/!string").verdict is Verdict.YES
    assert ask(interface, "option:disk/+fast/path").verdict is Verdict.YES
    assert interface.find("1") is not interface.find("served:1")
    found = interface.find("served:2")
    assert isinstance(found, EnumType)
    assert found.values == ("fast", "safe")


# A line, and how it is judged: yes, no, unknown.
LINES = [
    ([], "yes"),
    (["--disk", "fast,path=a"], "yes"),
    (["--disk=fast,path=a,size=5"], "yes"),
    (["--disk", '{"driver": "safe", "size": 7}'], "yes"),
    (["--disk", "safe", "--disk", "safe"], "yes"),
    (["--level", "5", "--l", "-7"], "yes"),
    (["--level=-7"], "yes"),
    (["--name", ""], "yes"),
    (["--name=", "--name=--x", "--name=a=b"], "yes"),
    (["--name", "-"], "yes"),
    (["--tags", "[1, 2]", "--any", "null", "--any", "[[{}]]"], "yes"),
    (["--ref", "5", "--ref", "safe", "--ref", "driver=safe", "--ref", "7"], "yes"),
    (["--verbose", "--no-verbose", "--verbose=off", "--verbose=yes"], "yes"),
    (["--mode", "fast"], "yes"),
    (["--device", "on=yes"], "yes"),
    (["--nope"], "no"),
    (["--nope", "x", "--verbose"], "no"),
    (["--m", "5"], "no"),
    (["--help"], "no"),
    (["--", "--nope"], "no"),
    (["---disk", "safe"], "no"),
    (["--=5"], "no"),
    (["--Disk", "safe"], "no"),
    (["--dis", "safe"], "no"),
    (["--disk"], "no"),
    (["--disk", ""], "no"),
    (["--disk", "fast"], "no"),
    (["--disk", "safe,path=a"], "no"),
    (["--disk", "fast,path=a,nope=1"], "no"),
    (["--disk", "slow"], "no"),
    (["--disk", "safe,size=many"], "no"),
    (["--disk", "safe,,"], "no"),
    (["--disk", "path=a,fast"], "no"),
    (["--disk", "{"], "no"),
    (["--disk", '{"driver": "safe"'], "no"),
    (["--disk", '{"driver": "safe", "size": "7"}'], "no"),
    (["--disk", '["safe"]'], "no"),
    (["--disk", "help"], "no"),
    (["--disk", "fast,help"], "no"),
    (["--level", "five"], "no"),
    (["--level", ""], "no"),
    (["--level", "18446744073709551616"], "no"),
    (["--mode", "slow"], "no"),
    (["--mode", "help"], "no"),
    (["--tags", "1"], "no"),
    (["--tags", "[true]"], "no"),
    (["--tags", "[" * 5000], "no"),
    (["--any", "word"], "no"),
    (["--ref", "many"], "no"),
    (["--ref", "help"], "no"),
    (["--ref", '"safe"'], "no"),
    (["--ref", "driver=safe,x=1"], "no"),
    (["--device", "on=maybe"], "no"),
    (["--device", "e1000"], "no"),
    (["--name", "a\0b"], "no"),
    (["--name", "\udcff"], "no"),
    (["--verbose=maybe"], "no"),
    (["--verbose="], "no"),
    (["--no-verbose=on"], "no"),
    (["--disk", "safe", "extra"], "unknown"),
    (["-"], "unknown"),
    (["--"], "unknown"),
    (["-name", "x"], "unknown"),
    (["--name", "--verbose"], "unknown"),
    (["--level", "64K"], "unknown"),
    (["--open", "on=on,more=1"], "unknown"),
    (["--bare", "x"], "unknown"),
    (["--lost", "x=1"], "unknown"),
    (["--old", "on=on"], "unknown"),
]


@pytest.mark.parametrize(("words", "verdict"), LINES, ids=lambda each: str(each)[:60])
def test_lines(told, words, verdict):
    findings = check_line(told, words)
    assert conclude(findings).value == verdict, findings


def test_findings_say_where_and_what_is_right(told):
    words = ["--disk", "fast,path=a,sise=1", "--lvel", "5", "--mode", "safe"]
    found = [(each.position, each.severity, str(each)) for each in check_line(told, words)]
    member = "--disk sise: there is no such member (did you mean 'size'?)"
    assert found == [
        (0, Severity.ERROR, member),
        (2, Severity.ERROR, "--lvel: no such option (did you mean '--level'?)"),
        (4, Severity.WARNING, "--mode: it is deprecated"),
    ]


@given(st.lists(st.text(max_size=8) | st.sampled_from([f"--{each['name']}" for each in OPTIONS])))
def test_any_line_has_a_verdict(told, words):
    findings = check_line(told, words)
    assert {each.position for each in findings} <= set(range(len(words)))


# Replies of which something is not understood: what the option "a" then is.
ODD = [
    pytest.param({"arg": True, "new-key": 1}, "yes", "known", id="unknown key"),
    pytest.param({"arg": True, "evidence": [{"kind": "new"}]}, "yes", "known", id="evidence"),
    pytest.param({"arg": True, "evidence": 5}, "yes", "known", id="evidence that is none"),
    pytest.param({"arg": True, "repeat": "often"}, "yes", "opaque", id="unknown repeat"),
    pytest.param({"arg": True, "syntax": ["new"]}, "yes", "opaque", id="unknown syntax"),
    pytest.param({"arg": True, "syntax": "string"}, "yes", "opaque", id="syntax no array"),
    pytest.param({"arg": True, "completeness": 1}, "yes", "opaque", id="completeness a number"),
    pytest.param({"arg": True, "arg-type": 1}, "yes", "opaque", id="type a number"),
    pytest.param({"arg": 1}, "yes", "opaque", id="arg a number"),
    pytest.param({}, "yes", "opaque", id="no arg"),
    pytest.param({"arg": True, "meta-type": "object", "members": []}, "no", "", id="a type"),
    pytest.param({"arg": True, "meta-type": "option2"}, "no", "", id="unknown meta-type"),
    pytest.param({"arg": True, "meta-type": None}, "no", "", id="no meta-type"),
]


@pytest.mark.parametrize(("entry", "verdict", "how"), ODD)
def test_what_is_not_understood(entry, verdict, how):
    interface = learn([{"name": "a", "meta-type": "option", **entry}, *REPLY])
    assert ask(interface, "option:a").verdict.value == verdict
    assert (find_option(interface, "a") is not None) is (how == "known")
    if how == "opaque":
        assert ask(interface, "option:a/x").verdict is Verdict.UNKNOWN
        assert conclude(check_line(interface, ["--a", "x"])) is Verdict.UNKNOWN
    assert ask(interface, "option:disk/driver").verdict is Verdict.YES
    assert ask(interface, "option:zzz").verdict is Verdict.NO
    expected = 0 if "evidence" in entry else 1
    assert len(interface.served.oddities) == expected


def test_the_first_of_two_options_counts():
    other = {"name": "level", "meta-type": "option", "arg": False}
    interface = learn([*REPLY, other])
    option = find_option(interface, "level")
    assert option is not None
    assert option.arg
    assert [each.what for each in interface.served.oddities] == ["the option occurs twice"]


# Outcomes that tell nothing: nobody knows then, whatever QEMU of that version has.
NOTHING = [
    pytest.param({"result": Raw(b"{}")}, "unexpected form", id="an object"),
    pytest.param({"result": Raw(b"null")}, "unexpected form", id="null"),
    pytest.param({"result": Raw(b'"text"')}, "unexpected form", id="a text"),
    pytest.param({"result": Raw(b"[5]")}, "unexpected form: entry 0", id="no entry"),
    pytest.param({"result": Raw(b'[{"name": 5}]')}, "entry 0", id="name a number"),
    pytest.param({"result": Raw(b'[{"name": ""}]')}, "entry 0", id="name empty"),
    pytest.param({"result": Raw(b'[{"meta-type": "option"}]')}, "entry 0", id="no name"),
    pytest.param({"result": Raw(b"[" * 100_000 + b"]" * 100_000)}, "makes no sense", id="nested"),
    pytest.param({"error": ErrorInfo("GenericError", "later")}, "later", id="an error"),
    pytest.param({"crashed": True}, "crashed", id="a crash"),
]


@pytest.mark.parametrize(("outcome", "why"), NOTHING)
def test_a_server_that_tells_nothing(outcome, why):
    interface = learn(**outcome)
    assert not is_listable(interface)
    assert list_options(interface) == ()
    for path in ("option:m", "option:disk"):
        answer = ask(interface, path)
        assert (answer.verdict, answer.evidence) == (Verdict.UNKNOWN, QUERY)
        assert why in answer.why
    assert conclude(check_line(interface, ["--m", "5"])) is Verdict.UNKNOWN
    assert interface_hash(interface) == interface_hash(learn(error=NOT_FOUND))


NOT_FOUND = ErrorInfo("CommandNotFound", "The command query-command-line has not been found")


@pytest.mark.parametrize("outcome", [{"result": Raw(b"[]")}, {"crashed": True}])
def test_a_program_is_no_release_of_qemu(outcome):
    interface = learn(**outcome)
    assert interface.identity.program
    assert "QEMU" not in interface.identity.describe()
    assert read_release(interface) is None


def test_a_qemu_that_has_no_such_command_is_a_qemu():
    interface = learn(error=NOT_FOUND)
    assert interface.served is None
    assert not interface.identity.program
    assert read_release(interface) is not None
    assert ask(interface, "option:m").verdict is Verdict.YES


def test_no_options_at_all_is_an_answer():
    interface = learn([])
    assert is_listable(interface)
    assert ask(interface, "option:m").verdict is Verdict.NO
    assert conclude(check_line(interface, ["--m"])) is Verdict.NO


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["name", "meta-type", "arg", "members", "type"]), inner)
    ),
    max_leaves=8,
)


@given(st.lists(json_values | st.sampled_from(REPLY)))
def test_any_reply_is_read_without_error(items):
    line = decode_served(msgspec.json.encode(items))
    assert line is not None
    assert bool(line.silence) == any(
        not isinstance(each, dict) or not isinstance(each.get("name"), str) or not each["name"]
        for each in items
    )
    interface = Interface([], served=line)
    interface_hash(interface)
    for name in (*line.options, *line.opaque, "zzz"):
        ask(interface, f"option:{name}") if name.isalpha() else None


# What changes a hash. Each changes a copy of the reply.
def rename(reply):
    text = json.dumps(reply)
    for number in "12345":
        text = text.replace(f'"{number}"', f'"x{number}"')
    return json.loads(text)


def change(name, **members):
    return lambda reply: [each | members if each["name"] == name else each for each in reply]


HASHES = [
    pytest.param(rename, True, id="other names of types"),
    pytest.param(lambda reply: reply[::-1], True, id="other order"),
    pytest.param(change("disk", sugar="x"), True, id="words for people"),
    pytest.param(change("disk", evidence=[]), True, id="evidence"),
    pytest.param(lambda reply: [*reply, {**TYPES[0], "name": "new"}], True, id="unused type"),
    pytest.param(lambda reply: reply[1:], False, id="an option less"),
    pytest.param(change("disk", **{"implied-key": "size"}), False, id="implied key"),
    pytest.param(change("disk", repeat="last"), False, id="repeat"),
    pytest.param(change("disk", **{"arg-type": "3"}), False, id="another type"),
    pytest.param(change("2", members=[{"name": "fast"}]), False, id="an enum's value"),
    pytest.param(change("str", **{"json-type": "int"}), False, id="another scalar"),
    pytest.param(change("mode", deprecated=False), False, id="deprecated"),
    pytest.param(change("level", arg=1), False, id="not understood"),
    pytest.param(lambda reply: [], False, id="no options"),
]


@pytest.mark.parametrize(("changed", "same"), HASHES)
def test_options_count_in_the_interface_hash_alone(told, changed, same):
    other = learn(changed(REPLY))
    assert (interface_hash(told) == interface_hash(other)) is same
    assert schema_hash(told) == schema_hash(other)


def test_the_hash_tells_no_options_from_no_description():
    assert interface_hash(learn([])) != interface_hash(learn(error=NOT_FOUND))


def test_the_index_has_it(told):
    exchange = Exchange(QUERY, result=Raw(json.dumps(REPLY).encode()))
    index = make_index(Snapshot(Identity(), (exchange,)))
    assert decode_index(encode_index(index, {}))[1] == index
    assert index.served_line == told.served
    older = msgspec.structs.replace(index, served=Raw(b"null"))
    assert older.served_line is None
    damaged = decode_served(b"{")
    assert damaged is not None
    assert damaged == ServedLine(silence=damaged.silence)


# --- over a socket


def make_answers(schema=SCHEMA, commands=None, reply=REPLY):
    listed = name_commands(schema or []) if commands is None else commands
    return {"query-qmp-schema": schema, "query-commands": listed or None, QUERY: reply}


@pytest.mark.parametrize(
    ("answers", "asked"),
    [
        pytest.param(make_answers(), 1, id="both list it"),
        pytest.param(make_answers(commands=[]), 1, id="the schema lists it"),
        pytest.param(make_answers(None, [{"name": QUERY}]), 1, id="query-commands lists it"),
        pytest.param(make_answers(make_schema("stop"), [{"name": "stop"}]), 0, id="nobody does"),
        pytest.param(make_answers(None, []), 0, id="nobody lists anything"),
        pytest.param(make_answers(make_schema(), [{"name": QUERY + "s"}]), 0, id="longer name"),
        pytest.param(make_answers(make_schema(), [{"id": QUERY}, 5]), 0, id="no names"),
        pytest.param(make_answers(make_schema(), QUERY), 0, id="an error that names it"),
        pytest.param(make_answers([{"name": QUERY, "meta-type": "enum", "members": []}], []), 0,
                     id="a type of that name"),
    ],
)  # fmt: skip
def test_it_is_asked_only_where_it_is_listed(tmp_path, answers, asked):
    with FakeServer(tmp_path, answers) as server:
        load(server.address, timeout=10)
        assert server.count(QUERY) == asked


def run(words):
    """Return the exit status and what was printed."""
    done = CliRunner().invoke(program, words, standalone_mode=False)
    return (2, str(done.exception)) if done.exception else (done.return_value, done.output)


def test_a_probed_server_answers_as_qemu_does(tmp_path):
    with FakeServer(tmp_path, make_answers()) as server:
        file = tmp_path / "s.json.gz"
        lines = [
            (["probe", server.address, "-o", str(file)], 0, "options          14\n"),
            (["list", "--options", "-s", "S"], 0, "--disk       ARG  exact    served\n"),
            (["list", "--options", "nope", "-s", "S"], 1, ""),
            (["show", "-s", "S", "option:disk"], 0, "+fast: object"),
            (["show", "-s", "S", "option:diks"], 1, "did you mean option:disk?"),
            (["show", "-s", "S", "option:verbose"], 0, "served query-command-line"),
            (["query", "-s", "S", "option:disk/driver", "option:disk/size"], 0, "yes"),
            (["query", "-s", "S", "option:disk", "option:m"], 1, "no       option:m"),
            (["check-cli", "-s", "S", "--", "--disk", "safe"], 0, "accepted"),
            (["check-cli", "-s", "S", "--", "--disk", "slow"], 1, "--disk driver: "),
            (["check-cli", "-s", "S", "--", "word"], 3, "[cannot tell]"),
            (["show", "-s", "S", "--parse", "--", "--disk", "safe"], 2, "check-cli"),
        ]
        for target in (server.address, str(file)):
            for words, status, text in lines:
                found, output = run([target if each == "S" else each for each in words])
                assert found == status, (words, output)
                assert text in output, (words, output)


def test_a_snapshot_keeps_the_answer_as_it_came(tmp_path):
    with FakeServer(tmp_path, make_answers()) as server:
        snapshot = record(server.address, timeout=10).snapshot
    kept = decode_snapshot(encode_snapshot(snapshot, compress=True))
    told = next(each for each in kept.exchanges if each.execute == QUERY)
    assert isinstance(told.result, Raw)
    assert json.loads(bytes(told.result)) == REPLY
    assert Interface.from_snapshot(kept).served == Interface.from_snapshot(snapshot).served


def test_an_option_on_the_wire_is_an_option():
    """What an `Option` is encoded as is read as the same one, whose evidence is the server."""
    option = Option(name="x", arg=True, arg_type="1", syntax=("keyval",), words=("a",), closed=True)
    line = decode_served(msgspec.json.encode([option]))
    assert line is not None
    found = line.options["x"]
    assert msgspec.structs.replace(found, arg_type="1", evidence=()) == option

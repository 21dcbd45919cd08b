"""Command lines made of a struct: what is read, what is refused, and what is told of them."""

import argparse
import json
import re
import subprocess
import sys

import click
import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from qscope import qapi
from qscope.ask.syntax.json_text import render_json_text
from qscope.ask.syntax.keyval import render_keyval
from qscope.ask.syntax.scalars import parse_bool
from qscope.errors import ServeError, UnknownNameError
from qscope.model.interface import find_references
from qscope.model.option import Option
from qscope.model.schema_info import decode_entities
from qscope.qapi.conditions import holds
from qscope.serve.command_line import (
    CommandLine,
    add_options,
    build_argparse,
    build_click,
    collect,
    describe,
)
from qscope.serve.command_line.options import list_flag_words
from qscope.serve.types import Reading, Types
from qscope.serve.types.nodes import Alternate, Array, Enum, Object, Scalar
from tests.source_strategies import DEFINES, sources

SOURCE = """
##
# @Driver:
#
# What drives a disk.
#
# @file: a file of the host
# @null: nothing, 100% of it
# @old: as before
#
# Features:
#
# @deprecated: Use @file.
##
{ 'enum': 'Driver',
  'data': [ 'file', 'null', { 'name': 'old', 'features': [ 'deprecated' ] } ] }
{ 'enum': 'Long', 'data': [ 'one-long-value', 'another-long-value', 'a-third-long-value' ] }
{ 'enum': 'Helpful', 'data': [ 'help', 'hinder' ] }
{ 'enum': 'Auto', 'data': [ 'auto', 'never' ] }
{ 'struct': 'Cache', 'data': { '*direct': 'bool', '*no-flush': 'bool', '*class': 'Auto' } }
{ 'struct': 'File', 'data': {
    'filename': 'str', '*offset': 'size', '*backing': 'Ref', '*locks': [ 'Cache' ] } }
{ 'struct': 'Null', 'data': {
    '*size': 'size', '*bytes': [ 'int8' ],
    '*x-slow': { 'type': 'int', 'features': [ 'unstable' ] } } }
##
# @Disk:
#
# @driver: what drives it
# @name: its name
# @cache: how it is
#     cached
##
{ 'union': 'Disk', 'base': { 'driver': 'Driver', '*name': 'str', '*cache': 'Cache' },
  'discriminator': 'driver', 'data': { 'file': 'File', 'null': 'Null' } }
{ 'alternate': 'Ref', 'data': { 'name': 'str', 'disk': 'Disk' } }
{ 'alternate': 'Count', 'data': { 'n': 'int', 'all': 'bool', 'list': [ 'int' ] } }
{ 'alternate': 'Switch', 'data': { 'on': 'bool', 'cache': 'Cache' } }
##
# @Options:
#
# The storage daemon.
#
# More about it.
#
# @disk-dir: where disks are kept, `100%` of them
# @size: how
#     large they are (see @disk-dir, ``du``)
# @daemonize: go to the background
# @disk: a disk
##
{ 'struct': 'Options', 'data': {
    'disk-dir': 'str', '*size': 'size', '*port': 'uint16', '*level': 'int', '*big': 'uint64',
    '*tiny': 'int8', '*ratio': 'number', '*daemonize': 'bool', '*driver': 'Driver',
    '*long': 'Long', '*helpful': 'Helpful', '*disk': [ 'Disk' ], '*root': 'Disk',
    '*cache': 'Cache', '*ref': 'Ref', '*count': 'Count', '*switch': 'Switch',
    '*any': 'any', '*nothing': 'null', '*id': [ 'int' ], '*ask': [ 'bool' ], '*word': [ 'str' ],
    '*import': 'str',
    '*shiny': { 'type': 'bool', 'features': [ 'unstable' ] },
    '*legacy': { 'type': 'str', 'features': [ 'deprecated' ] },
    '*only-a': { 'type': 'int', 'if': 'A' } } }
{ 'struct': 'Flags', 'data': { 'must': 'bool', '*may': 'bool' } }
{ 'struct': 'Loop', 'data': { '*loop': 'Loop', '*loops': [ 'Loop' ], '*any': 'any' } }
{ 'struct': 'Deep', 'data': { '*top': 'Loop' } }
{ 'struct': 'Base', 'data': { '*base-first': 'int' } }
{ 'struct': 'Derived', 'base': 'Base', 'data': { '*own': 'int' } }
{ 'struct': 'HasHelp', 'data': { 'help': 'str' } }
{ 'struct': 'Negated', 'data': { '*x': 'bool', '*no-x': 'str' } }
"""
SCHEMA = qapi.parse(SOURCE, docs="ignore")
TYPES = Types(SCHEMA)
DIR = ["--disk-dir", "d"]


class Outcome(msgspec.Struct):
    """What a run came to."""

    status: int
    value: object
    out: str
    err: str


def run_argparse(words, name="Options", schema=SCHEMA, **settings):
    code = _Streams()
    with code:
        parser = build_argparse(schema, name, prog="prog", **settings)
        code.value = parser.parse_args(words).options
    return code.outcome


class _Streams:
    """Takes what is printed, and the exit."""

    value = None

    def __enter__(self):
        self._patch = pytest.MonkeyPatch()
        self._patch.setattr(sys, "stdout", _Text())
        self._patch.setattr(sys, "stderr", _Text())

    def __exit__(self, kind, error, _):
        out, err = str(sys.stdout), str(sys.stderr)
        self._patch.undo()
        status = error.code if kind is SystemExit else 0
        self.outcome = Outcome(status or 0, self.value, out, err)
        return kind is SystemExit


class _Text:
    def __init__(self):
        self._parts = []

    def write(self, text):
        self._parts.append(text)

    def flush(self):
        pass

    def __str__(self):
        return "".join(self._parts)


def run_click(words, name="Options", schema=SCHEMA, **settings):
    seen = []

    @click.command()
    @build_click(schema, name, **settings)
    def command(options):
        seen.append(options)

    result = CliRunner().invoke(command, words, prog_name="prog")
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Outcome(result.exit_code, seen[0] if seen else None, result.stdout, result.stderr)


RUNS = pytest.mark.parametrize("run", [run_argparse, run_click])


# Typed values


def read(name, value):
    """Return the typed value of plain data."""
    return TYPES.read(TYPES.find(name), value, Reading.JSON)


FILE = {"driver": "file", "filename": "a"}


@RUNS
@pytest.mark.parametrize(
    ("words", "value"),
    [
        pytest.param([], {}, id="nothing"),
        pytest.param(["--disk-dir", "e"], {"disk-dir": "e"}, id="the last one"),
        pytest.param(["--disk-dir="], {"disk-dir": ""}, id="an empty string"),
        pytest.param(["--disk-dir=--size"], {"disk-dir": "--size"}, id="one like an option"),
        pytest.param(["--disk-dir", "{a"], {"disk-dir": "{a"}, id="a string is no JSON"),
        pytest.param(["--disk-dir", "a,b=c"], {"disk-dir": "a,b=c"}, id="a string is no keyval"),
        pytest.param(["--disk-dir", "help"], {"disk-dir": "help"}, id="a string is no help"),
        pytest.param(["--disk-dir", "é€😀"], {"disk-dir": "é€😀"}, id="beyond ASCII"),
        pytest.param(["--size", "64K"], {"size": 65536}, id="suffix"),
        pytest.param(["--size", "1.5k"], {"size": 1536}, id="fraction"),
        pytest.param(["--size", "0x10"], {"size": 16}, id="hex size"),
        pytest.param(["--port", "0xffff"], {"port": 65535}, id="hex"),
        pytest.param(["--level", "-010"], {"level": -8}, id="octal"),
        pytest.param(["--level=-5"], {"level": -5}, id="negative"),
        pytest.param(["--level", "-5"], {"level": -5}, id="negative word"),
        pytest.param(["--big", "18446744073709551615"], {"big": 2**64 - 1}, id="64 bits"),
        pytest.param(["--big=-1"], {"big": 2**64 - 1}, id="wraps as strtoull does"),
        pytest.param(["--ratio", "1e3"], {"ratio": 1000.0}, id="number"),
        pytest.param(["--daemonize"], {"daemonize": True}, id="flag"),
        pytest.param(["--no-daemonize"], {"daemonize": False}, id="negation"),
        pytest.param(["--daemonize=on"], {"daemonize": True}, id="on"),
        pytest.param(["--daemonize=off"], {"daemonize": False}, id="off"),
        pytest.param(["--daemonize", "--no-daemonize"], {"daemonize": False}, id="last flag"),
        pytest.param(["--daemonize=n", "--daemonize"], {"daemonize": True}, id="last of spellings"),
        pytest.param(["--driver", "null"], {"driver": "null"}, id="enum"),
        pytest.param(["--helpful", "help"], {"helpful": "help"}, id="a value called help"),
        pytest.param(["--id", "1", "--id", "0x2"], {"id": [1, 2]}, id="array"),
        pytest.param(["--ask", "on", "--ask=n"], {"ask": [True, False]}, id="array of bool"),
        pytest.param(["--word=a,b", "--word="], {"word": ["a,b", ""]}, id="array of str"),
        pytest.param(["--import", "x"], {"import": "x"}, id="a keyword of Python's"),
        pytest.param(["--any", "[1, 'x', null]"], {"any": [1, "x", None]}, id="any"),
        pytest.param(["--any", '"x"'], {"any": "x"}, id="any string"),
        pytest.param(["--any", "5"], {"any": 5}, id="any number"),
        pytest.param(["--nothing", "null"], {"nothing": None}, id="null"),
        pytest.param(["--cache", ""], {"cache": {}}, id="empty keyval"),
        pytest.param(["--cache", "{}"], {"cache": {}}, id="empty JSON"),
        pytest.param(["--cache", "direct=on"], {"cache": {"direct": True}}, id="keyval"),
        pytest.param(["--cache", "class=auto"], {"cache": {"class": "auto"}}, id="keyword member"),
        pytest.param(
            ["--cache", "direct=on,direct=off"], {"cache": {"direct": False}}, id="last of keyval"
        ),
        pytest.param(["--disk", "driver=null"], {"disk": [{"driver": "null"}]}, id="union"),
        pytest.param(["--disk", "null"], {"disk": [{"driver": "null"}]}, id="implied key"),
        pytest.param(["--disk", "file,filename=a"], {"disk": [FILE]}, id="implied key and more"),
        pytest.param(["--root", "filename=a,driver=file"], {"root": FILE}, id="tag behind"),
        pytest.param(
            ["--disk", "file,filename=a,,b"], {"disk": [FILE | {"filename": "a,b"}]}, id="comma"
        ),
        pytest.param(
            ["--disk", "null", "--disk", json.dumps(FILE)],
            {"disk": [{"driver": "null"}, FILE]},
            id="keyval and JSON",
        ),
        pytest.param(
            ["--root", "null,bytes.0=-1,bytes.1=0x7f,size=1M,cache.direct=on"],
            {
                "root": {
                    "driver": "null",
                    "bytes": [-1, 127],
                    "size": 1 << 20,
                    "cache": {"direct": True},
                }
            },
            id="dotted keys",
        ),
        pytest.param(
            ["--root", "file,filename=a,backing.driver=file,backing.filename=b,backing.backing=c"],
            {"root": FILE | {"backing": {"driver": "file", "filename": "b", "backing": "c"}}},
            id="alternates within",
        ),
        pytest.param(["--ref", "node0"], {"ref": "node0"}, id="alternate: a string"),
        pytest.param(["--ref", "null"], {"ref": "null"}, id="alternate: a name, no driver"),
        pytest.param(["--ref", "driver=null"], {"ref": {"driver": "null"}}, id="alternate: keyval"),
        pytest.param(["--ref", "file,filename=a"], {"ref": FILE}, id="alternate: implied key"),
        pytest.param(["--ref", json.dumps(FILE)], {"ref": FILE}, id="alternate: JSON"),
        pytest.param(["--ref", '"a=b"'], {"ref": "a=b"}, id="alternate: JSON string"),
        pytest.param(["--count", "0x10"], {"count": 16}, id="alternate: number"),
        pytest.param(["--count", "on"], {"count": True}, id="alternate: bool"),
        pytest.param(["--count", "[1, 2]"], {"count": [1, 2]}, id="alternate: array"),
        pytest.param(["--switch", "off"], {"switch": False}, id="alternate: bool or object"),
        pytest.param(["--switch", "direct=on"], {"switch": {"direct": True}}, id="or object"),
    ],
)
def test_reads(run, words, value):
    got = run([*DIR, *words], types=TYPES)
    assert (got.status, got.err, got.out) == (0, "", "")
    assert got.value == read("Options", {"disk-dir": "d", **value})


@RUNS
def test_absent_members_are_unset(run):
    value = run(DIR).value
    assert value.disk_dir == "d"
    others = [name for name in value.__struct_fields__ if name != "disk_dir"]
    assert {getattr(value, name) for name in others} == {UNSET}


@RUNS
@pytest.mark.parametrize("words", [["--must"], ["--no-must"], ["--must=y"]])
def test_a_mandatory_flag_is_given_in_any_form(run, words):
    got = run(words, "Flags")
    assert (got.status, got.value.may) == (0, UNSET)
    assert got.value.must is (words != ["--no-must"])


@RUNS
def test_members_of_the_base_are_options(run):
    value = run(["--own", "2", "--base-first", "1"], "Derived").value
    assert (value.base_first, value.own) == (1, 2)


@RUNS
def test_conditions_are_those_of_the_build(run):
    assert run([*DIR, "--only-a", "1"], defines=["A"]).value.only_a == 1
    assert run([*DIR, "--only-a", "1"]).status == 2


@RUNS
def test_implied_keys_are_configured(run):
    keys = {"cache": "direct", "root": "name", "disk": None, "ref": "filename"}
    words = ["--cache", "on", "--root", "n,driver=null", "--ref", "f,driver=file"]
    value = run([*DIR, *words], implied_keys=keys).value
    assert (value.cache.direct, value.root.name, value.ref.filename) == (True, "n", "f")
    refused = run([*DIR, "--disk", "null"], implied_keys=keys)
    assert "parameter 'null' has no value: null=VALUE is right" in refused.err


def test_flag_words_are_booleans():
    line = CommandLine(SCHEMA, "Flags")
    words = list_flag_words(line.options[0])
    assert words.pop("--no-must") == "off"
    assert all(parse_bool(text) in (True, False) for text in words.values())
    for text in ("on", "yes", "true", "y", "off", "no", "false", "n"):
        assert words[f"--must={text}"] == text


# Refusals


@RUNS
@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(["--size", "x"], '--size: the string "x" was given; takes a size', id="size"),
        pytest.param(["--size", ""], '--size: the string "" was given; takes a size', id="empty"),
        pytest.param(["--size", "-1"], 'the string "-1" was given; takes a size', id="negative"),
        pytest.param(["--size", "16E"], '"16E" was given; takes a size', id="size of 2^64"),
        pytest.param(["--port", "65536"], '"65536" was given; takes 0..65535', id="uint16"),
        pytest.param(["--port=-1"], '"-1" was given; takes 0..65535', id="negative uint16"),
        pytest.param(["--port", "64K"], '"64K" was given; takes 0..65535', id="no size"),
        pytest.param(["--tiny", "128"], '"128" was given; takes -128..127', id="int8"),
        pytest.param(["--level", "1.0"], '"1.0" was given; takes an integer', id="no integer"),
        pytest.param(["--level", "9" * 5000], "99… was given; takes an integer", id="huge"),
        pytest.param(["--big", "18446744073709551616"], "takes 0..2^64-1", id="65 bits"),
        pytest.param(["--level", "٣"], "takes an integer", id="digits of another script"),
        pytest.param(
            ["--ratio", "x"], '--ratio: the string "x" was given; takes a number', id="nr"
        ),
        pytest.param(["--daemonize=maybe"], "'maybe'", id="flag"),
        pytest.param(["--daemonize="], "''", id="flag with nothing"),
        pytest.param(["--no-daemonize=on"], "no-daemonize", id="negated flag with a value"),
        pytest.param(["--daemonize", "on"], "on", id="a flag never takes the next word"),
        pytest.param(
            ["--driver", "fil"],
            "--driver: the string \"fil\" was given (did you mean 'file'?); takes file | null",
            id="enum",
        ),
        pytest.param(["--driver", ""], "takes file | null | old", id="empty enum"),
        pytest.param(["--id", "1", "--id", "x"], '--id: the string "x" was given', id="an element"),
        pytest.param(["--id", "[1]"], "takes an integer", id="no array at once"),
        pytest.param(["--any", "x"], "--any: JSON, line 1, column 1", id="any is JSON"),
        pytest.param(["--any", ""], "the text ends; a value is right", id="no JSON"),
        pytest.param(["--any", "1 2"], "something behind the value", id="two values"),
        pytest.param(["--nothing", "0"], "the number 0 was given; takes null", id="null"),
        pytest.param(["--disk", "{"], "--disk: JSON, line 1, column 2: the text ends", id="JSON"),
        pytest.param(["--disk", "{]"], "JSON, line 1, column 2: unexpected ']'", id="brackets"),
        pytest.param(
            ["--disk", '{"driver":"null","driver":"null"}'],
            "member 'driver' for the second time; once is right",
            id="a key twice",
        ),
        pytest.param(["--disk", '{"a":"\\ud800"}'], "U+D800 in a string", id="lone surrogate"),
        pytest.param(["--disk", '{"a":"\ud800"}'], "no UTF-8", id="plain surrogate"),
        pytest.param(["--disk", "null,name=\udcff"], "a byte that is no UTF-8", id="escaped byte"),
        pytest.param(["--disk-dir", "a\0b"], "'a\\x00b' has a NUL", id="NUL"),
        pytest.param(["--disk", '{"a":1'], "the text ends", id="unclosed"),
        pytest.param(
            ["--any", "[" * 5000], "nested too deep; 100 levels are right", id="deep JSON"
        ),
        pytest.param(
            ["--disk", "null,name" + ".a" * 300 + "=1"], "nested too deep", id="deep keyval"
        ),
        pytest.param(["--disk", "bogus"], 'driver: the string "bogus" was given', id="tag"),
        pytest.param(
            ["--disk", "name=a"], "driver: it is missing; takes file | null | old", id="no"
        ),
        pytest.param(["--disk", ""], "driver: it is missing", id="no parameters"),
        pytest.param(["--disk", "file"], "filename: it is missing; takes a string", id="missing"),
        pytest.param(["--disk", "null,"], None, id="a trailing comma is fine"),
        pytest.param(["--disk", "null,,size=1"], "an empty parameter", id="doubled comma"),
        pytest.param(["--disk", "null,size"], "size=VALUE is right", id="no value"),
        pytest.param(["--disk", "null,=1"], "a parameter without a name", id="no name"),
        pytest.param(
            ["--disk", "null,size=x"], 'size: the string "x" was given; takes a size', id="member"
        ),
        pytest.param(
            ["--disk", '{"driver":"null","size":"1"}'],
            'size: the string "1" was given; takes a number of bytes',
            id="a string is no number in JSON",
        ),
        pytest.param(
            ["--disk", '{"driver":"null","cache":{"direct":"on"}}'],
            'cache.direct: the string "on" was given; takes true | false',
            id="JSON bool",
        ),
        pytest.param(
            ["--disk", '{"driver":"null","bytes":[1,200]}'],
            "bytes[1]: the number 200 was given; takes -128..127",
            id="element in JSON",
        ),
        pytest.param(
            ["--disk", "null,bytes.0=1,bytes.1=x"],
            'bytes.1: the string "x" was given; takes -128..127',
            id="element in keyval",
        ),
        pytest.param(
            ["--disk", "null,bytes=1"], 'bytes: the string "1" was given; takes an array', id="list"
        ),
        pytest.param(["--disk", "null,bytes.1=1"], "'bytes.0' is missing from the list", id="gap"),
        pytest.param(
            ["--disk", "null,cache=on"],
            'cache: the string "on" was given; takes param',
            id="scalar",
        ),
        pytest.param(["--disk", "null,cache=on,cache.direct=on"], "and has members", id="both"),
        pytest.param(
            ["--disk", "null,siz=1"],
            "siz: there is no such member (did you mean 'size'?)",
            id="near",
        ),
        pytest.param(
            ["--disk", "null,filename=a"],
            "filename: there is no such member here; only with driver=file",
            id="of another branch",
        ),
        pytest.param(
            ["--disk", "file,filename=a,backing.driver=file"],
            "backing.filename: it is missing",
            id="in an alternate",
        ),
        pytest.param(
            ["--disk", '{"driver":"file","filename":"a","locks":[{"direct":true},{"x":1}]}'],
            "locks[1].x: there is no such member",
            id="in an array of objects",
        ),
        pytest.param(
            ["--disk", '{"driver":null}'], "driver: null was given; takes file", id="null"
        ),
        pytest.param(["--disk", '{"driver":["a"]}'], "driver: an array was given", id="array"),
        pytest.param(
            ["--ref", "driver=bogus"], '--ref: driver: the string "bogus" was given', id="alternate"
        ),
        pytest.param(["--count", "x"], 'the string "x" was given; takes an integer or', id="none"),
        pytest.param(["--count", "{}"], "an object was given; takes an integer or", id="no object"),
        pytest.param(
            ["--count", "[1,true]"], "[1]: true was given; takes an integer", id="array of"
        ),
        pytest.param(["--switch", "x"], "x=VALUE is right", id="neither"),
        pytest.param(["--cache", "direct"], "direct=VALUE is right", id="no implied key"),
        pytest.param(["--cache", '"x"'], "'\"x\"'", id="a JSON string is no keyval"),
        pytest.param(["--size"], "--size", id="no argument"),
        pytest.param(["--sise", "1"], "--sise", id="no such option"),
        pytest.param(["--siz", "1"], "--siz", id="no abbreviation"),
        pytest.param(["stray"], "stray", id="stray word"),
        pytest.param(["--only-a", "1"], "--only-a", id="configured out"),
    ],
)
def test_refuses(run, words, message):
    got = run([*DIR, *words])
    if message is None:
        assert (got.status, got.err) == (0, "")
        return
    assert (got.status, got.value, got.out) == (2, None, "")
    *usage, error = got.err.splitlines()
    assert message in re.sub(r"Invalid value for '(.*?)':", r"\1:", error)
    assert "Traceback" not in got.err
    assert usage == [] if run is run_argparse else len(usage) in (0, 3)


@RUNS
def test_a_mandatory_member_is_demanded(run):
    got = run(["--size", "1"])
    assert got.status == 2
    assert "--disk-dir" in got.err.splitlines()[-1]


def test_an_error_of_argparse_guesses():
    assert "no such option '--sizs' (did you mean --size" in run_argparse([*DIR, "--sizs"]).err
    assert "on or off is right" in run_argparse([*DIR, "--daemonize=1"]).err


def test_errors_are_one_line_of_a_real_process():
    """Bytes that are no UTF-8 come as surrogates, and leave again as escapes."""
    script = "\n".join(
        [
            "from qscope import qapi",
            "from qscope.serve.command_line import build_argparse",
            f"schema = qapi.parse({SOURCE!r}, docs='ignore')",
            "build_argparse(schema, 'Options', prog='prog').parse_args()",
        ]
    )
    words = [sys.executable, "-c", script, "--disk-dir", "a\udcff\n"]
    run = subprocess.run(words, capture_output=True, timeout=60)
    assert run.returncode == 2
    assert run.stdout == b""
    assert run.stderr.count(b"\n") == 1
    assert rb"'a\udcff\n' has a byte that is no UTF-8" in run.stderr


@pytest.mark.parametrize("text", ['{"loop":' * 99 + "{}" + "}" * 99, "loop." * 199 + "any=1"])
def test_deep_values_are_read_or_refused(text):
    got = run_argparse(["--top", text], "Deep")
    assert got.status in (0, 2)
    assert got.err.count("\n") == (got.status == 2)


def test_deep_errors_are_found():
    got = run_argparse(["--top", '{"loop":' * 30 + '{"x":1}' + "}" * 30], "Deep")
    assert "loop.loop.x: there is no such member" in got.err


TEXTS = st.text(alphabet=st.sampled_from('abdr{}[]"\\=,.:01-+ \n\0\udc80é€on'), max_size=20)
NAMES = [each.name for each in CommandLine(SCHEMA, "Options").options]


@given(st.sampled_from(NAMES), st.one_of(TEXTS, st.text(max_size=10)))
@settings(max_examples=300, deadline=None)
def test_garbage_is_read_or_refused_in_one_line(name, text):
    got = run_argparse([*DIR, f"--{name}={text}"])
    assert got.status in (0, 2)
    errors = [line for line in got.err.split("\n") if line and not line.startswith("prog: w")]
    assert len(errors) == (got.status == 2)
    assert (got.value is None) == (got.status == 2 or bool(got.out))


# Help and warnings


@RUNS
def test_help_is_what_the_schema_says(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "500")
    got = run(["--help"])
    text = " ".join(got.out.split())
    assert got.status == 0
    assert "where disks are kept, `100%` of them." in text
    assert "how large they are (see disk-dir, du)." in text
    assert "[unstable]" in text
    assert "[deprecated]" in text
    assert "One of one-long-value, another-long-value, a-third-long-value." in text
    assert "--driver file|null|old" in text
    assert "--disk DRIVER,NAME=VALUE,..." in text
    assert "May be repeated." in text


def test_the_parser_describes_the_struct():
    assert "\nThe storage daemon.\n" in run_argparse(["--help"]).out


@RUNS
@pytest.mark.parametrize(
    ("words", "lines", "absent"),
    [
        pytest.param(
            ["--disk", "help"],
            [
                "driver=file|null|old [mandatory] what drives it",
                "name=STRING its name",
                "cache.… how it is cached",
                "cache.direct=on | off",
                "with driver=file:",
                "filename=STRING [mandatory]",
                "locks.0.direct=on | off",
                "with driver=null:",
                "bytes.0=-128..127",
                "x-slow=an integer [unstable]",
            ],
            ["old:"],
            id="union",
        ),
        pytest.param(["--disk", "null,?"], ["size=a size", "name="], ["filename"], id="a branch"),
        pytest.param(["--disk", "help,driver=file"], ["filename"], ["x-slow"], id="help first"),
        pytest.param(["--disk", "bogus=1,help"], ["with driver=null:"], [], id="with an error"),
        pytest.param(["--cache", "?"], ["direct=on | off"], ["implied"], id="struct"),
        pytest.param(["--driver", "help"], ["file a file of", "old [deprecated]"], [], id="enum"),
        pytest.param(["--driver", "?"], ["null nothing, 100% of it"], [], id="question mark"),
        pytest.param(["--ref", "null,size=1,help"], ["size="], [], id="alternate"),
        pytest.param(["--switch", "help"], ["direct=on | off"], [], id="alternate without string"),
        pytest.param(["--count", "help"], ["an integer or on | off or an array"], [], id="scalars"),
    ],
)
def test_help_lists_parameters(run, words, lines, absent):
    got = run(words)
    assert (got.status, got.err, got.value) == (0, "", None)
    text = " ".join(got.out.split())
    assert [line for line in lines if line not in text] == []
    assert [line for line in absent if line in text] == []


@RUNS
@pytest.mark.parametrize(
    "words",
    [["--word", "help"], ["--ref", "help"], ["--helpful", "help"], ["--disk-dir", "?"]],
)
def test_help_may_be_a_value(run, words):
    assert run([*DIR, *words]).status == 0


@RUNS
@pytest.mark.parametrize("words", [["--size", "help"], ["--id", "?"], ["--any", "help"]])
def test_scalars_have_no_help(run, words):
    assert run([*DIR, *words]).status == 2


def test_large_unions_are_not_spelled_out():
    names = [f"d{number}" for number in range(20)]
    source = f"""
    {{ 'enum': 'Name', 'data': {names} }}
    {{ 'struct': 'Sub', 'data': {{ '*inner': 'int' }} }}
    {{ 'union': 'Uni', 'base': {{ 'd': 'Name' }}, 'discriminator': 'd',
      'data': {{ {", ".join(f"'{name}': 'Sub'" for name in names)} }} }}
    {{ 'struct': 'Opts', 'data': {{ 'uni': 'Uni' }} }}"""
    schema = qapi.parse(source, docs="ignore")
    out = run_argparse(["--uni", "help"], "Opts", schema).out
    assert "'d=VALUE,help' lists what else one of them takes." in out
    assert "inner" not in out
    assert "inner=an integer" in run_argparse(["--uni", "d3,help"], "Opts", schema).out


def test_help_of_recursive_types_ends():
    out = run_argparse(["--top", "help"], "Deep").out
    assert "loop=an object, Loop" in out
    assert len(out.splitlines()) < 20


@RUNS
@pytest.mark.parametrize(
    ("words", "warnings"),
    [
        pytest.param(["--size", "1"], [], id="nothing"),
        pytest.param(["--legacy", "x"], ["--legacy is deprecated"], id="option"),
        pytest.param(["--no-shiny"], ["--shiny is unstable"], id="flag"),
        pytest.param(["--driver", "old"], ["--driver: old is deprecated"], id="value"),
        pytest.param(["--disk", "old"], ["--disk: driver=old is deprecated"], id="value of a tag"),
        pytest.param(["--disk", "null,x-slow=1"], ["--disk: x-slow is unstable"], id="member"),
        pytest.param(
            ["--ref", '{"driver":"null","x-slow":1}'], ["--ref: x-slow is unstable"], id="alternate"
        ),
        pytest.param(
            ["--root", "file,filename=a,backing.driver=old"],
            ["--root: backing.driver=old is deprecated"],
            id="inside",
        ),
    ],
)
def test_warns_of_features(run, words, warnings):
    got = run([*DIR, *words])
    assert got.status == 0
    assert got.err.splitlines() == [f"prog: warning: {each}" for each in warnings]


# In programs that have a command line already


def test_options_are_added_to_a_parser():
    line = CommandLine(SCHEMA, "Flags")
    parser = argparse.ArgumentParser(prog="prog")
    parser.add_argument("file")
    parser.add_argument("--other", action="store_true")
    add_options(line, parser, "qapi")
    found = parser.parse_args(["--must", "a", "--other"])
    assert (found.file, found.other) == ("a", True)
    assert msgspec.to_builtins(collect(line, found, "qapi")) == {"must": True}
    with pytest.raises(SystemExit):
        parser.parse_args(["a"])


def test_a_parser_can_be_used_again():
    parser = build_argparse(SCHEMA, "Derived")
    assert parser.parse_args(["--own", "1"]).options.own == 1
    assert parser.parse_args([]).options.own is UNSET


def test_an_option_that_a_parser_has_already():
    parser = argparse.ArgumentParser()
    parser.add_argument("--may")
    with pytest.raises(ServeError, match=r"Flags: argument --may.*conflicting option"):
        add_options(CommandLine(SCHEMA, "Flags"), parser)


def test_a_flag_leaves_the_words_of_a_click_command_alone():
    seen = []

    @click.command()
    @click.argument("files", nargs=-1)
    @build_click(SCHEMA, "Flags", dest="flags")
    @click.option("--must-not", is_flag=True)
    @click.pass_context
    def command(context, files, must_not, flags):
        seen.append((files, must_not, flags.must, flags.may))

    words = ["--must", "on", "--must-not", "--may=off", "--", "--may"]
    assert CliRunner().invoke(command, words).exit_code == 0
    assert seen == [(("on", "--may"), True, True, False)]


def test_two_structs_in_one_click_command():
    seen = []

    @click.command()
    @build_click(SCHEMA, "Flags", dest="flags")
    @build_click(SCHEMA, "Derived", dest="derived")
    def command(flags, derived):
        seen.append((flags.must, derived.own))

    assert CliRunner().invoke(command, ["--must", "--own=3"]).exit_code == 0
    assert seen == [(True, 3)]


def test_a_chain_of_commands_keeps_values_apart():
    seen = []

    @click.group(chain=True)
    def group():
        pass

    @group.command()
    @build_click(SCHEMA, "Derived")
    def make(options):
        seen.append(msgspec.to_builtins(options))

    words = ["make", "--own=1", "make", "--base-first=2", "make"]
    assert CliRunner().invoke(group, words).exit_code == 0
    assert seen == [{"own": 1}, {"base-first": 2}, {}]


def test_click_is_imported_when_it_is_used():
    script = "import sys, qscope.serve.command_line; sys.exit('click' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], timeout=60).returncode == 0


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("Nothing", UnknownNameError, "no type 'Nothing'"),
        ("Disk", ServeError, "'Disk' is not"),
        ("Driver", ServeError, "'Driver' is not"),
        ("Ref", ServeError, "'Ref' is not"),
        ("str", ServeError, "'str' is not"),
        ("HasHelp", ServeError, "member 'help' of HasHelp .* --help is there already"),
        ("Negated", ServeError, "member 'no-x' of Negated .* --no-x is there already"),
    ],
)
def test_types_that_make_no_command_line(name, error, message):
    with pytest.raises(error, match=message):
        CommandLine(SCHEMA, name)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"bogus": "x"}, "Options has no member 'bogus'"),
        ({"help": None}, "Options has no member 'help'"),
        ({"no-daemonize": None}, "Options has no member 'no-daemonize'"),
        ({"size": "x"}, "'size' cannot imply the key 'x': it takes no parameters"),
        ({"cache": "x"}, r"'cache' cannot imply the key 'x': it takes direct \| no-flush"),
    ],
)
def test_implied_keys_that_are_none(keys, message):
    with pytest.raises(ServeError, match=message):
        CommandLine(SCHEMA, "Options", implied_keys=keys)


# As data


def split(reply):
    """Return the options by name, and the entities by name, as a client has them."""
    options = [each for each in reply if each["meta-type"] == "option"]
    others = [each for each in reply if each["meta-type"] != "option"]
    entities, oddities = decode_entities(msgspec.json.encode(others))
    assert oddities == ()
    found = {each["name"]: msgspec.convert(each, Option) for each in options}
    assert len(found) == len(options)
    return found, {each.name: each for each in entities}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("disk-dir", {"arg": True, "arg-type": "str", "syntax": ["string"], "repeat": "last"}),
        ("port", {"arg": True, "arg-type": "int", "syntax": ["number"], "repeat": "last"}),
        ("daemonize", {"arg": False, "syntax": ["flag"], "repeat": "last"}),
        (
            "no-daemonize",
            {"arg": False, "syntax": ["flag"], "repeat": "last", "sugar": "--daemonize=off"},
        ),
        (
            "driver",
            {
                "arg": True,
                "arg-type": "Driver",
                "syntax": ["words"],
                "repeat": "last",
                "words": ["file", "null", "old"],
            },
        ),
        (
            "disk",
            {
                "arg": True,
                "arg-type": "Disk",
                "syntax": ["keyval", "json"],
                "implied-key": "driver",
                "repeat": "list",
                "closed": True,
            },
        ),
        ("id", {"arg": True, "arg-type": "int", "syntax": ["number"], "repeat": "list"}),
        (
            "legacy",
            {
                "arg": True,
                "arg-type": "str",
                "syntax": ["string"],
                "repeat": "last",
                "deprecated": True,
            },
        ),
    ],
)
def test_describes(name, expected):
    found = {each["name"]: each for each in describe(SCHEMA, "Options", unmask=True)}
    common = {"meta-type": "option", "name": name, "completeness": "exact"}
    assert found[name] == common | expected


def test_masked_names_say_nothing():
    options, entities = split(describe(SCHEMA, "Options"))
    assert options["disk"].arg_type.isdecimal()
    assert entities[options["disk"].arg_type].tag == "driver"
    assert not [name for name in entities if name[:1].isupper()]


@pytest.mark.parametrize("unmask", [True, False])
def test_a_description_is_complete_and_no_more(unmask):
    options, entities = split(describe(SCHEMA, "Options", unmask=unmask))
    mentioned = {each.arg_type for each in options.values() if each.arg_type}
    mentioned |= {name for each in entities.values() for name in find_references(each)}
    assert mentioned == set(entities)


def test_a_struct_that_is_configured_out():
    source = "{ 'struct': 'Opts', 'data': {}, 'if': { 'any': [ 'A', 'B' ] } }"
    schema = qapi.parse(source, docs="ignore")
    assert describe(schema, "Opts", defines=["B"]) == []
    with pytest.raises(ServeError, match="'Opts' is there only with A or B"):
        describe(schema, "Opts")


def test_types_that_are_configured_out():
    source = """
    { 'enum': 'Kind', 'data': [ 'x' ], 'if': 'A' }
    { 'struct': 'Opts', 'data': { 'kind': 'Kind', 'kinds': [ 'Kind' ] } }"""
    options, entities = split(describe(qapi.parse(source, docs="ignore"), "Opts"))
    assert [each.completeness for each in options.values()] == ["unknown", "unknown"]
    assert entities == {}


def test_a_description_is_of_the_build():
    assert "only-a" in split(describe(SCHEMA, "Options", defines=["A"]))[0]
    assert "only-a" not in split(describe(SCHEMA, "Options"))[0]


# Laws

PLAIN_TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0", max_codepoint=0xFDCF),
    max_size=8,
)
STRINGS = st.one_of(PLAIN_TEXT, st.sampled_from(["", "a=b", "{", "[", '"', "a,,b", "help", "on"]))
JSON_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), STRINGS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(STRINGS, inner, max_size=2)
    ),
    max_leaves=4,
)
INTEGERS = {"int": (-(2**63), 2**63 - 1), "size": (0, 2**64 - 1), "uint64": (0, 2**64 - 1)}
INTEGERS |= {f"uint{bits}": (0, 2**bits - 1) for bits in (8, 16, 32)}
INTEGERS |= {f"int{bits}": (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (8, 16, 32, 64)}
SCALARS = {
    "str": STRINGS,
    "bool": st.booleans(),
    "null": st.none(),
    "any": JSON_VALUES,
    "number": st.floats(allow_nan=False, allow_infinity=False),
}
SCALARS |= {name: st.integers(low, high) for name, (low, high) in INTEGERS.items()}


def draw_value(draw, node, depth=0):
    """Return plain data of a type."""
    assume(depth < 8)
    match node:
        case Scalar(name=name):
            return draw(SCALARS[name])
        case Enum(values=values):
            assume(values)
            return draw(st.sampled_from(sorted(values)))
        case Array(element=element):
            count = draw(st.integers(0, 2 if depth < 3 else 0))
            return [draw_value(draw, element, depth + 1) for _ in range(count)]
        case Alternate(branches=branches):
            assume(branches)
            return draw_value(draw, draw(st.sampled_from(branches)), depth + 1)
        case Object():
            value = {}
            part: Object | None = node
            while part is not None:
                for member in part.members:
                    if not member.optional or (depth < 3 and draw(st.booleans())):
                        value[member.name] = draw_value(draw, member.type, depth + 1)
                part = part.branches[value[part.tag]] if part.tag else None
            return value


def is_text(node, value):
    """Whether keyval can say it: it has no null, nothing empty, and nothing of any type."""
    match node, value:
        case (Scalar(name="any" | "null"), _) | (_, {} | [] | None):
            return not isinstance(value, dict | list | None) and node.name not in ("any", "null")
        case Array(element=element), list():
            return bool(value) and all(is_text(element, each) for each in value)
        case Alternate(branches=branches), _:
            is_object, is_array = isinstance(value, dict), isinstance(value, list)
            kind = Object if is_object else Array if is_array else Scalar | Enum
            return all(is_text(each, value) for each in branches if isinstance(each, kind))
        case Object(), dict():
            members = {each.name: each.type for each in node.members}
            part = node
            while part.tag:
                part = part.branches[value[part.tag]]
                members |= {each.name: each.type for each in part.members}
            return bool(value) and all(is_text(members[name], value[name]) for name in value)
        case _:
            return True


def render(draw, option, value, *, keyval):
    """Return the words that give an option this value."""
    name, node = f"--{option.name}", option.type
    if option.is_flag:
        spelled = {True: [name, f"{name}=on"], False: [f"--no-{option.name}", f"{name}=n"]}
        return draw(st.sampled_from(spelled[value]))
    match node:
        case Scalar(name="any" | "null"):
            text = render_json_text(value)
        case Scalar(name="bool"):
            text = "on" if value else "off"
        case Scalar() | Enum():
            text = str(value)
        case _ if keyval and isinstance(value, dict) and is_text(node, value):
            text = render_keyval(value)
        case _ if isinstance(value, dict | list | str):
            text = render_json_text(value)
        case _:
            text = "on" if value is True else "off" if value is False else str(value)
    return f"{name}={text}"


@st.composite
def cases(draw):
    """A schema, a struct's command line, and a value of the struct in plain data."""
    schema = qapi.parse(draw(sources()), docs="ignore")
    defines = draw(DEFINES)
    types = Types(schema, defines)
    name = draw(st.sampled_from(["Obj0x", "Obj1x", "Obj2x"]))
    assume(holds(schema.by_name[name].condition, set(defines)))
    line = CommandLine(schema, name, types=types, defines=defines)
    value = draw_value(draw, line.types.find(name))
    # An option that is not given is an absent member, whatever its type.
    assume(all(value.get(option.name) != [] for option in line.options))
    return line, value


def run_line(line, words):
    return run_argparse(words, line.type_name, line.schema, types=line.types, defines=line.defines)


@given(cases(), st.data())
@settings(max_examples=200, deadline=None)
def test_a_rendered_value_is_read_back(case, data):
    line, value = case
    expected = line.types.read(line.types.find(line.type_name), value, Reading.JSON)
    spelled = []
    for keyval in (False, True):
        words = []
        for option in line.options:
            given_values = value.get(option.name, UNSET)
            if given_values is not UNSET:
                elements = given_values if option.repeats else [given_values]
                words += [render(data.draw, option, each, keyval=keyval) for each in elements]
        got = run_line(line, words)
        assert got.err == ""
        spelled.append(got.value)
    assert spelled == [expected, expected]


@given(cases())
@settings(max_examples=50, deadline=None)
def test_a_description_says_what_the_parser_does(case):
    line, _ = case
    reply = describe(line.schema, line.type_name, types=line.types, defines=line.defines)
    options, entities = split(reply)
    known = [each for each in options.values() if each.arg and each.completeness == "exact"]
    assert all(each.arg_type in entities for each in known)
    for option in options.values():
        got = run_line(line, [f"--{option.name}"])
        assert ("expected one argument" in got.err) is option.arg
    for name in {"a", "b", "c-d", "e", "no-a", "no-b", "no-c-d", "no-e"} - set(options):
        assert run_line(line, [f"--{name}"]).status == 2


@pytest.mark.parametrize("option", describe(SCHEMA, "Options"), ids=lambda each: each["name"])
def test_a_second_one_does_what_the_description_says(option):
    if option["meta-type"] != "option" or not option["arg"]:
        return
    texts = {"disk": ["null", "old"], "root": ["null", "old"], "nothing": ["null"] * 2}
    texts |= {"driver": ["file", "null"], "cache": ["direct=on", "direct=off"]}
    texts |= {"long": ["one-long-value", "another-long-value"], "helpful": ["help", "hinder"]}
    texts |= {"ask": ["on", "off"], "switch": ["on", "off"]}
    first, second = texts.get(option["name"], ["1", "2"])
    name = option["name"]
    got = run_argparse([*DIR, f"--{name}={first}", f"--{name}={second}"])
    value = msgspec.to_builtins(got.value)[name]
    alone = msgspec.to_builtins(run_argparse([*DIR, f"--{name}={second}"]).value)[name]
    if option["repeat"] == "list":
        assert value[1:] == alone
        assert len(value) == 2
    else:
        assert value == alone


@given(st.sampled_from(NAMES), TEXTS)
@settings(max_examples=200, deadline=None)
def test_argparse_and_click_agree(name, text):
    words = [*DIR, f"--{name}={text}"]
    one, other = run_argparse(words, types=TYPES), run_click(words, types=TYPES)
    assert (one.status, one.value, one.out) == (other.status, other.value, other.out)

"""A verdict on a described command line is what the program itself says, as far as types tell."""

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qscope import qapi
from qscope.ask.answer import Verdict
from qscope.ask.finding import conclude
from qscope.ask.line import check_line
from qscope.ask.options import list_options
from qscope.ask.query import ask
from qscope.errors import ArgumentError
from qscope.model.interface import Interface
from qscope.model.served import decode_served
from qscope.serve.command_line import CommandLine, build_argparse, describe
from qscope.serve.command_line.options import list_spellings

SOURCE = """
{ 'enum': 'Driver', 'data': [ 'file', 'null' ] }
{ 'struct': 'Cache', 'data': { '*direct': 'bool', '*size': 'int' } }
{ 'struct': 'File', 'data': { 'filename': 'str', '*backing': 'Ref', '*locks': [ 'Cache' ] } }
{ 'struct': 'Null', 'data': { '*count': 'Count', '*any': 'any' } }
{ 'union': 'Disk', 'base': { 'driver': 'Driver', '*cache': 'Cache' },
  'discriminator': 'driver', 'data': { 'file': 'File', 'null': 'Null' } }
{ 'alternate': 'Ref', 'data': { 'name': 'str', 'disk': 'Disk' } }
{ 'alternate': 'Count', 'data': { 'n': 'int', 'all': 'bool', 'list': [ 'int' ] } }
{ 'alternate': 'Switch', 'data': { 'on': 'bool', 'cache': 'Cache' } }
{ 'struct': 'Options', 'data': {
    '*name': 'str', '*level': 'int', '*ratio': 'number', '*driver': 'Driver', '*verbose': 'bool',
    '*disk': [ 'Disk' ], '*cache': 'Cache', '*ref': 'Ref', '*count': 'Count',
    '*switch': 'Switch', '*any': 'any', '*id': [ 'int' ], '*ask': [ 'bool' ], '*deep': [ 'Deep' ],
    '*nothing': 'null' } }
{ 'struct': 'Deep', 'data': { '*deep': 'Deep', '*list': [ 'Deep' ] } }
"""
SCHEMA = qapi.parse(SOURCE, docs="ignore")
LINE = CommandLine(SCHEMA, "Options")
TAKING = {each.name: each for each in LINE.options if not each.is_flag}
TOLD = Interface([], served=decode_served(msgspec.json.encode(describe(SCHEMA, "Options"))))

PIECES = st.sampled_from((
    "file", "null", "driver=file", "driver=", "filename=a", "backing=x", "backing.driver=null",
    "cache.direct=on", "cache.size=1", "locks.0.direct=off", "locks.1.direct=on", "count=5",
    "count=all", "count.0=5", "any=x", "any.b=c", "direct=on", "size=x", "deep.deep.list.0.deep=1",
    "list.0.list=x", "help", "?", "=", ",", ",,", "on", "off", "yes", "5", "-1", "1.5", "1e3",
    "0x10", "", "true", "null", "x", "nope=1", '{"driver":"null"}', "{}", "[1]", '["x"]', '"s"',
    '{"driver":"file","filename":"a","backing":null}', '{"direct":true}', "[", "{", "'s'",
    '{"driver":"null","count":[1]}', '{"deep":{"list":[{}]}}',
))  # fmt: skip
TEXTS = st.lists(PIECES, max_size=4).map(",".join) | PIECES | st.text(max_size=6)


def takes(name, text):
    """Return whether the program takes a text: None where it prints help."""
    if LINE.find_help(TAKING[name], text) is not None:
        return None
    try:
        LINE.read(TAKING[name], text)
    except ArgumentError:
        return False
    return True


def is_size(findings):
    """Whether all that is doubtful is whether an integer may have a suffix."""
    return {each.rule for each in findings} == {"size-unknown"}


@given(st.sampled_from(sorted(TAKING)), TEXTS)
@example("switch", "help")
@example("ref", "help")
@example("count", "help")
@example("level", "64K")
def test_verdicts_are_the_programs(name, text):
    findings = check_line(TOLD, [f"--{name}={text}"])
    taken = takes(name, text)
    if is_size(findings):
        # As a size it would be taken; these are ints.
        assert not taken
        return
    # Python takes `nan`, underscores and blanks for numbers.
    if name == "ratio" and text.strip("+-0123456789.e"):
        return
    verdict = conclude(findings)
    assert verdict is (Verdict.YES if taken else Verdict.NO), findings


@given(st.sampled_from(sorted(TAKING)), TEXTS)
def test_a_word_of_its_own_is_as_one_that_is_joined(name, text):
    joined = check_line(TOLD, [f"--{name}={text}"])
    apart = [each for each in check_line(TOLD, [f"--{name}", text]) if each.rule != "argument-dash"]
    assert tuple(apart) == joined


def test_every_spelling_is_an_option():
    spellings = {name for option in LINE.options for name in list_spellings(option)}
    assert {each.name for each in list_options(TOLD)} == spellings


@pytest.mark.parametrize("words", [
    [], ["--verbose"], ["--no-verbose"], ["--verbose=off"], ["--verbose=x"], ["--no-verbose=on"],
    ["--verbos"], ["--level", "5", "--level", "-6"], ["--level"], ["--disk", "null", "--disk=null"],
    ["--nope", "5"], ["--name=--x"],
])  # fmt: skip
def test_lines_are_taken_apart_as_argparse_does(words, capsys):
    try:
        build_argparse(SCHEMA, "Options").parse_args(words)
        taken = True
    except SystemExit:
        taken = False
        capsys.readouterr()
    assert conclude(check_line(TOLD, words)) is (Verdict.YES if taken else Verdict.NO)


@pytest.mark.parametrize(
    ("path", "verdict"),
    [
        ("option:disk/+file/backing/filename", "no"),
        ("option:disk/+file/backing/+file/filename", "yes"),
        ("option:disk/+file/locks/direct/!boolean", "yes"),
        ("option:deep/deep/list/deep", "yes"),
        ("option:switch/size", "yes"),
        ("option:verbose", "yes"),
        ("option:no-verbose", "yes"),
        ("option:no-level", "no"),
    ],
)
def test_paths_lead_through_what_is_described(path, verdict):
    assert ask(TOLD, path).verdict.value == verdict

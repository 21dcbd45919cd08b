"""Documentation comments: what they say becomes data, and what they must not say is refused."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qscope import qapi
from qscope.errors import DocError, Location, SchemaError
from qscope.qapi.annotate import find_doc
from qscope.qapi.doc_reader import _check_lines
from qscope.qapi.docs import Doc
from qscope.qapi.lexer import tokenize
from qscope.qapi.skim import skim
from qscope.qapi.source import Place, Source
from tests.schemas import mutate, parse_example

# A comment of the struct Foo (members a and b, feature f) is put around each body.
STRUCT = "{ 'struct': 'Foo', 'features': [ 'f' ], 'data': { 'a': 'int', 'b': 'int' } }\n"
WHOLE = ["#", "# @a: one", "#", "# @b: two", "#", "# Features:", "#", "# @f: three"]
LONG = "x" * 68


def comment(*lines, symbol="# @Foo:"):
    return "\n".join(["##", symbol, *lines, "##", ""])


RIGHT = [
    pytest.param(WHOLE, id="usual"),
    pytest.param([*WHOLE, "#", "# Since: 1.0"], id="since"),
    pytest.param(["#", "# Text.", "#", "# More.  Text.", *WHOLE], id="text first"),
    pytest.param([*WHOLE, "# Text at once"], id="text at once"),
    pytest.param(["# Text at once", *WHOLE], id="text below the name"),
    pytest.param(["# @a: one", "# @b: two", "# Features:", "# @f: three"], id="no blank lines"),
    pytest.param(["", *WHOLE, ""], id="lines that are no comments"),
    pytest.param(["  # @a: one", "# @b: two", "\t# Features:", "# @f: three"], id="indented"),
    pytest.param(
        ["# @a: one", "#     more", "#", "#     and more", *WHOLE[3:]], id="indented text"
    ),
    pytest.param(["# @a:", "#     one", *WHOLE[3:]], id="text on the next line"),
    pytest.param(["# @a: one", "#  by one", *WHOLE[3:]], id="indented by one"),
    pytest.param([*WHOLE, "#     more", "#     and", "#   less"], id="less later"),
    pytest.param([*WHOLE, "#", "# Text", "# Since: in it"], id="no tag in a paragraph"),
    pytest.param([*WHOLE, "#", "# Since:: x"], id="directive"),
    pytest.param([*WHOLE, "#", "# since: x"], id="small letters"),
    pytest.param([*WHOLE, "#", "# TODO: x", "#", "# TODO: y"], id="two to-dos"),
    pytest.param([*WHOLE, "#", "# a: https://x.org/", "# https://x.org/" + LONG], id="long URL"),
    pytest.param([*WHOLE, "#", "# .. qmp-example::", "#", "#    " + LONG], id="long in literal"),
    pytest.param(
        [*WHOLE, "#", "# ::", "#", "#   a. B" + LONG, "#", "#   c. D"], id="literal goes on"
    ),
    pytest.param([*WHOLE[:4], "# Features:\t", *WHOLE[6:]], id="features, then a tab"),
    pytest.param([*WHOLE, "#", "# e.g. FOO, i.e. bar."], id="abbreviations"),
    pytest.param([*WHOLE, "#", "# 1. First", "# 2. Second"], id="numbers"),
]
WRONG = [
    pytest.param(["# @z: no", *WHOLE], 3, "'z'", id="no such member"),
    pytest.param([*WHOLE, "# @z: no"], 11, "'z'", id="no such feature"),
    pytest.param(["# @z: no", "# @y: no", *WHOLE], 3, "'z', 'y'", id="no such members"),
    pytest.param(["# @a: one", "# @a: one"], 4, "twice", id="member twice"),
    pytest.param([*WHOLE, "# @f: three"], 11, "twice", id="feature twice"),
    pytest.param(["# @: one"], 3, "no name", id="member without a name"),
    pytest.param(["# @a:", "#", "# @b: two"], 3, "'@a:'", id="member without text"),
    pytest.param([*WHOLE, "#", "# Since:"], 12, "'Since:'", id="since without text"),
    pytest.param([*WHOLE, "# Since: 1", "# Since: 2"], 12, "'Since'", id="since twice"),
    pytest.param([*WHOLE, "# Features:", "# @g: x"], "11:1", "'Features:'", id="features twice"),
    pytest.param([*WHOLE[:4], "# Features:", "# none"], "8:1", "feature", id="no features"),
    pytest.param(["# Since: 1", *WHOLE], "5:1", "'@a:'", id="members behind a section"),
    pytest.param([*WHOLE[:2], "# text", *WHOLE[2:]], "7:1", "'@b:'", id="members apart"),
    pytest.param(["# Returns: x", "#", "# @a: one"], "5:1", "'@a:'", id="members behind returns"),
    pytest.param([*WHOLE, "#", "# Returns: x"], 12, "'Returns'", id="returns of a struct"),
    pytest.param([*WHOLE, "#", "# Errors: x"], 12, "'Errors'", id="errors of a struct"),
    pytest.param([*WHOLE, "#", "# Note: x"], "12:1", "'Note'", id="note"),
    pytest.param([*WHOLE, "#", "# Examples:"], "12:1", "'Examples'", id="examples"),
    pytest.param(["#text"], "3:1", "space", id="no space"),
    pytest.param(["#\ttext"], "3:1", "space", id="tab"),
    pytest.param(["  #text"], "3:3", "space", id="no space, indented"),
    pytest.param(["## text"], "3:1", "'##'", id="more behind the end"),
    pytest.param(["{}"], "3:1", "'##'", id="code before the end"),
    pytest.param([";"], "3:1", "';'", id="stray character before the end"),
    pytest.param(["# @a: one", "#     more", "# text"], "5:1", "4", id="less at once"),
    pytest.param(["# @a: one", "#     C#", "# text"], "5:1", "4", id="less below a sharp"),
    pytest.param([*WHOLE, "#", "# Since:\t"], 12, "'Since:'", id="since, then a tab"),
    pytest.param(["# " + LONG + "y"], "3:1", "70", id="long line"),
    pytest.param(["# One. Two"], "3:7", "two", id="one space"),
    pytest.param(["# One! (two)"], "3:7", "two", id="one space, bracket"),
    pytest.param(["# Is it? 1"], "3:9", "two", id="one space, digit"),
    pytest.param(["# ::", "#", "#   a. B", "# c. D"], "6:5", "two", id="literal ends"),
    pytest.param(["# not literal::", "#", "#   c. D"], "5:7", "two", id="only directives"),
]


@pytest.mark.parametrize("lines", RIGHT)
def test_right(lines):
    assert qapi.parse(comment(*lines) + STRUCT).by_name["Foo"]


@pytest.mark.parametrize(("lines", "place", "names"), WRONG)
def test_wrong(lines, place, names):
    with pytest.raises(SchemaError) as caught:
        qapi.parse(comment(*lines) + STRUCT)
    assert str(caught.value.location) == f"<schema>:{place}"
    assert names in caught.value.message


@pytest.mark.parametrize(
    ("lines", "names"),
    [(WHOLE[:2] + WHOLE[4:], "'b'"), (WHOLE[:4], "'f'"), (WHOLE[2:], "'a'")],
)
def test_what_is_not_described(lines, names):
    """That is an error of the definition."""
    with pytest.raises(DocError) as caught:
        qapi.parse(comment(*lines) + STRUCT)
    assert str(caught.value.location) == f"<schema>:{len(lines) + 4}"
    assert names in caught.value.message


# These are no comments to their end, whatever is ignored.
BROKEN = (["{}"], [";"], ["## text"])


@pytest.mark.parametrize(
    "lines", [each.values[0] for each in WRONG if each.values[0] not in BROKEN]
)
def test_ignored(lines):
    """Whatever the comment says, the schema is read."""
    text = comment(*lines) + STRUCT
    schema = qapi.parse(text, docs="ignore")
    assert [each.name for each in schema.shapes["Foo"].members] == ["a", "b"]


OTHERS = [
    pytest.param("##\n# @foo:\n##\n{ 'command': 'bar' }", 4, "'foo'", id="another name"),
    pytest.param("##\n# @foo\n##\n{ 'command': 'foo' }", "2:1", "':'", id="no colon"),
    pytest.param("##\n# @:\n##\n{ 'command': 'foo' }", "2:1", "name", id="no name"),
    pytest.param("## x\n# @foo:\n##\n", "1:1", "'##'", id="more behind the beginning"),
    pytest.param("##\n# @foo:\n##\n", 1, "'foo'", id="end of file follows"),
    pytest.param("##\n# @foo:\n##\n##\n# x\n##\n", 1, "'foo'", id="another comment follows"),
    pytest.param("##\n# @foo:\n##\n{ 'include': 'x' }", 1, "'foo'", id="include follows"),
    pytest.param("##\n# @foo:\n##\n{ 'pragma': {} }", 1, "'foo'", id="pragma follows"),
    pytest.param("##\n# foo\n##\n{ 'command': 'foo' }", 1, "'@NAME:'", id="free-form"),
    pytest.param("##\n# foo\n# @bar: x\n##\n", "3:1", "'@bar:'", id="description in free-form"),
    pytest.param("##\n# foo\n", "2:6", "'##'", id="no end"),
    pytest.param("##\n# One. Two\n##\n", "2:7", "two", id="style of free-form"),
    pytest.param(
        "##\n# @foo:\n#\n# Returns: x\n##\n{ 'command': 'foo' }", 4, "nothing", id="returns nothing"
    ),
    pytest.param(
        "{ 'pragma': { 'doc-required': true } }\n{ 'command': 'foo' }", 2, "no doc", id="required"
    ),
    pytest.param(
        "##\n# @foo:\n##\n{ 'command': 'foo', 'data': { 'a': 'int' } }", 4, "'a'", id="argument"
    ),
    pytest.param("##\n# @Foo:\n##\n{ 'enum': 'Foo', 'data': [ 'a' ] }", 4, "'a'", id="value"),
    pytest.param(
        "##\n# @Foo:\n##\n{ 'alternate': 'Foo', 'data': { 'a': 'int' } }", 4, "'a'", id="branch"
    ),
    pytest.param(
        "##\n# @Foo:\n#\n# @e: x\n# @a: not here\n##\n"
        "{ 'union': 'Foo', 'base': { 'e': 'Bar' }, 'discriminator': 'e', 'data': {} }\n"
        "{ 'enum': 'Bar', 'data': [ 'a' ] }", 5, "'a'", id="branches of unions are not described",
    ),
    pytest.param(
        "##\n# @foo:\n#\n# @a: not here\n##\n{ 'command': 'foo', 'data': 'Bar' }\n"
        "{ 'struct': 'Bar', 'data': { 'a': 'int' } }", 4, "'a'", id="nor members of a named type",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "place", "names"), OTHERS)
def test_other_rules(text, place, names):
    with pytest.raises(DocError) as caught:
        qapi.parse(text)
    assert str(caught.value.location) == f"<schema>:{place}"
    assert names in caught.value.message


@pytest.mark.parametrize(
    "text",
    [
        "##\n##\n",
        "##\n# = x\n##\n##\n# y\n##\n{ 'pragma': {} }",
        "##\n# text\n##\n##\n# @foo:\n##\n{ 'command': 'foo' }",
        "##\n# @foo:\n##\n# a plain comment between\n{ 'command': 'foo' }",
        "{ 'command': 'foo' }\n##\n# the last word\n##",
        (
            "{ 'pragma': { 'documentation-exceptions': [ 'Foo' ] } }\n"
            "##\n# @Foo:\n##\n{ 'enum': 'Foo', 'data': [ 'a' ] }"
        ),
        (
            "##\n# @foo:\n##\n{ 'command': 'foo', 'data': 'Bar' }\n"
            "{ 'struct': 'Bar', 'data': { 'a': 'int' } }"
        ),
    ],
)
def test_other_comments_that_are_right(text):
    assert qapi.parse(text)


def test_what_a_comment_says():
    doc = find_doc(parse_example(), "DiskOptions")
    assert doc is not None
    assert doc.text == "What it takes to add a disk."
    assert list(doc.members) == ["id", "driver", "read-only", "geometry"]
    assert doc.members["id"] == "the disk's name, which no other disk has"
    assert doc.features == {"deprecated": "Member @geometry means nothing to today's clients."}


def test_what_a_comment_says_of_a_command():
    schema = parse_example()
    doc = find_doc(schema, "query-disks")
    assert doc is not None
    assert (doc.returns, doc.since) == ("a list of disks, in no particular order", "1.0")
    assert doc.text.startswith("List all disks.\n\n.. qmp-example::\n\n    -> {")
    remove = find_doc(schema, "disk-remove")
    arguments = find_doc(schema, "q_obj_disk-remove-arg")
    assert remove is not None
    assert arguments is not None
    assert arguments.members == remove.members
    assert remove.errors == "- If there is no such disk, DeviceNotFound"


def test_inherited_members_are_described_by_their_base():
    doc = find_doc(parse_example(), "DiskInfo")
    assert doc is not None
    assert list(doc.members) == ["id", "size", "history"]
    assert doc.members["history"].endswith("the latest\nfirst")


@pytest.mark.parametrize("name", ["nosuch", "int", "q_empty", "intList"])
def test_what_nobody_describes(name):
    assert find_doc(parse_example(), name) is None


def read_strictly(doc):
    """Read as the slow way does; None for what breaks a rule."""

    def require_end(wanted):
        if wanted:
            raise SchemaError(wanted, Location("x"))

    try:
        return _check_lines(doc, require_end)
    except SchemaError:
        return None


BODIES: list[Any] = [each.values[0] for each in RIGHT + WRONG]
EXAMPLE_COMMENTS = [doc.raw for doc in parse_example().docs]
EXAMPLE_COMMENTS += [comment(*body).rstrip() for body in BODIES]


@settings(max_examples=1500, deadline=None)
@given(raw=st.sampled_from(EXAMPLE_COMMENTS), seed=st.integers(0, 1 << 32))
def test_skimming_agrees_with_reading(raw, seed):
    """What is skimmed keeps all rules, and describes what reading finds."""
    text = mutate(raw, seed) if seed % 8 else raw
    skimmed = skim(text)
    if skimmed is None or tokenize(f"{text}\n")[0] != text:
        return
    doc = Doc(Place(Source("x", text + "\n"), 0), text)
    read = read_strictly(doc)
    assert read is not None
    assert (skimmed.symbol, skimmed.members, skimmed.features) == (
        read.symbol,
        read.members,
        read.features,
    )
    assert sorted(skimmed.tags) == sorted(read.tags)


def test_usual_comments_are_skimmed():
    comments = [doc.raw for doc in parse_example().docs]
    assert [raw for raw in comments if skim(raw) is None] == []
    assert len(comments) > 15

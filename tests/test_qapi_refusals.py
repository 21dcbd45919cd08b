"""What a schema must not say: the place is QEMU's, and the sentence names the thing."""

from pathlib import PurePosixPath

import pytest

from qscope import qapi
from qscope.errors import SchemaError
from tests.schemas import parse_files

EXPRESSIONS = [
    pytest.param("{ 'command': 'a' } ;", "1:20", "';'", id="stray character"),
    pytest.param("{ 'command': 'a' }\n nonsense", "2:2", "'nonsense'", id="stray word"),
    pytest.param('{ "command": 1 }', "1:3", '"command"', id="double quotes"),
    pytest.param("{ 'command': truex }", "1:18", "'x'", id="true is cut off"),
    pytest.param("{ 'command': null }", "1:14", "'null'", id="null"),
    pytest.param("{ 'command': 1 }", "1:14", "'1'", id="number"),
    pytest.param(
        "{ 'command':\n\t'a }", "2:1", "does not end", id="string without end, QEMU's tab"
    ),
    pytest.param("{ 'a\\n': 'b' }", "1:3", "no escape", id="escape"),
    pytest.param("{ 'a\\\n': 'b' }", "1:3", "does not end", id="escaped newline"),
    pytest.param("{ 'caf\u00e9': 'b' }", "1:3", "\u00e9", id="not ASCII"),
    pytest.param("{ 'a\tb': 'b' }", "1:3", "\\t", id="tab in a string"),
    pytest.param("{ 'command' 'a' }", "1:13", "':'", id="no colon"),
    pytest.param("{ 'command': 'a'", "1:17", "'}'", id="object without end"),
    pytest.param("{ 'command': 'a'\n\n\n", "3:1", "'}'", id="end is the last newline"),
    pytest.param("{ 'command': 'a', }", "1:19", "key", id="trailing comma"),
    pytest.param("{ , 'command': 'a' }", "1:3", "key", id="leading comma"),
    pytest.param("{ 'command': }", "1:14", "value", id="no value"),
    pytest.param("{ 'enum': 'A', 'data': [ , ] }", "1:26", "']'", id="leading comma in array"),
    pytest.param("{ 'enum': 'A', 'data': [ 'a', ] }", "1:31", "value", id="trailing in array"),
    pytest.param("{ 'enum': 'A', 'data': [ 'a' 'b' ] }", "1:30", "','", id="no comma in array"),
    pytest.param("{ 'enum': 'A', 'data': [ 'a'", "1:29", "']'", id="array without end"),
    pytest.param("{ 'command': 'a',\n  'command': 'b' }", "2:14", "'command'", id="key twice"),
    pytest.param("[ 'a' ]", "1", "objects", id="array"),
    pytest.param("'a'", "1", "objects", id="string"),
    pytest.param("}", "1:1", "value", id="closed before open"),
    pytest.param("{ 'command': 'a',\n##\n# doc\n##\n 'data': 'B' }", "2:1", "key", id="doc inside"),
    pytest.param("{}", "1", "'enum'", id="empty object"),
    pytest.param("{ 'enum': 'A', 'struct': 'B', 'data': {} }", "1", "'enum'", id="two kinds"),
    pytest.param("{ 'type': 'A', 'data': {} }", "1", "'struct'", id="kind of 2.3"),
    pytest.param("\n\n{ 'struct': {}, 'data': {} }", "3", "'struct'", id="name no string"),
    pytest.param("{ 'include': 'x', 'a': 'b' }", "1", "'include'", id="include and more"),
    pytest.param("{ 'include': [] }", "1", "'include'", id="include no string"),
    pytest.param("{ 'include': 'nosuch.json' }", "1", "nosuch.json", id="include nothing"),
    pytest.param("{ 'include': './root.json' }", "1", "root.json", id="include itself"),
    pytest.param("{ 'pragma': {}, 'a': 'b' }", "1", "'pragma'", id="pragma and more"),
    pytest.param("{ 'pragma': [] }", "1", "'pragma'", id="pragma no object"),
    pytest.param("{ 'pragma': { 'x': true } }", "1", "'x'", id="unknown pragma"),
    pytest.param("{ 'pragma': { 'doc-required': 'y' } }", "1", "doc-required", id="no boolean"),
    pytest.param(
        "{ 'pragma': { 'command-name-exceptions': [ true ] } }", "1", "array", id="no names"
    ),
    pytest.param("[" * 10_000, "1:101", "deep", id="nested ten thousand times"),
    pytest.param("{ 'a':" * 10_000, "1:601", "deep", id="objects nested as often"),
]

DEFINITIONS = [
    # Names.
    ("{ 'struct': 'foo', 'data': {} }", "CamelCase"),
    ("{ 'struct': 'FOO', 'data': {} }", "CamelCase"),
    ("{ 'struct': 'Foo_Bar', 'data': {} }", "CamelCase"),
    ("{ 'struct': 'FooList', 'data': {} }", "'List'"),
    ("{ 'enum': '*Foo', 'data': [] }", "'*Foo'"),
    ("{ 'command': 'foo_bar' }", "'_'"),
    ("{ 'command': 'Foo' }", "capital"),
    ("{ 'command': 'q-foo' }", "'q_'"),
    ("{ 'command': '' }", "letter"),
    ("{ 'event': 'foo' }", "lowercase"),
    ("{ 'event': 'FOO-BAR' }", "'-'"),
    ("{ 'struct': 'A1b', 'data': { 'X': 'int' } }", "'X'"),
    ("{ 'struct': 'A1b', 'data': { 'a_b': 'int' } }", "'a_b'"),
    ("{ 'struct': 'A1b', 'data': { '**a': 'int' } }", "'**a'"),
    ("{ 'struct': 'A1b', 'data': { 'u': 'int' } }", "reserved"),
    ("{ 'struct': 'A1b', 'data': { '*has-a': 'int' } }", "reserved"),
    ("{ 'enum': 'A1b', 'data': [ 'q-a' ] }", "'q-a'"),
    ("{ 'enum': 'A1b', 'data': [ '' ] }", "''"),
    ("{ 'alternate': 'A1b', 'data': { 'A': 'int' } }", "'A'"),
    ("{ 'command': 'a', 'features': [ 'A' ] }", "'A'"),
    # Keys.
    ("{ 'struct': 'A1b' }", "'data'"),
    ("{ 'union': 'A1b', 'data': {} }", "'base', 'discriminator'"),
    ("{ 'struct': 'A1b', 'data': {}, 'x': 'y', 'z': 'y' }", "'x', 'z'"),
    ("{ 'struct': 'A1b', 'data': { 'a': { 'if': 'A' } } }", "'type'"),
    ("{ 'struct': 'A1b', 'data': { 'a': { 'type': 'int', 'x': 'y' } } }", "'x'"),
    ("{ 'enum': 'A1b', 'data': [ { 'if': 'A' } ] }", "'name'"),
    ("{ 'command': 'a', 'features': [ { 'if': 'A' } ] }", "'name'"),
    (("{ 'union': 'A1b', 'base': {}, 'discriminator': 'a',"
     " 'data': { 'a': { 'type': 'B', 'features': [] } } }"), "'features'"),
    # Shapes.
    ("{ 'struct': 'A1b', 'data': 'int' }", "'data'"),
    ("{ 'struct': 'A1b', 'data': {}, 'base': {} }", "'base'"),
    ("{ 'struct': 'A1b', 'data': { 'a': [] } }", "'a'"),
    ("{ 'struct': 'A1b', 'data': { 'a': [ 'int', 'int' ] } }", "'a'"),
    ("{ 'struct': 'A1b', 'data': { 'a': [ [ 'int' ] ] } }", "'a'"),
    ("{ 'struct': 'A1b', 'data': { 'a': true } }", "'a'"),
    ("{ 'struct': 'A1b', 'data': { 'a': { 'b': 'int' } } }", "'type'"),
    ("{ 'enum': 'A1b', 'data': {} }", "'data'"),
    ("{ 'enum': 'A1b', 'data': [ true ] }", "string"),
    ("{ 'enum': 'A1b', 'data': [], 'prefix': [] }", "'prefix'"),
    ("{ 'union': 'A1b', 'base': {}, 'discriminator': [], 'data': {} }", "'discriminator'"),
    ("{ 'union': 'A1b', 'base': [], 'discriminator': 'a', 'data': {} }", "'base'"),
    ("{ 'union': 'A1b', 'base': {}, 'discriminator': 'a', 'data': [] }", "'data'"),
    ("{ 'alternate': 'A1b', 'data': {} }", "branch"),
    ("{ 'alternate': 'A1b', 'data': 'int' }", "'data'"),
    ("{ 'command': 'a', 'data': [ 'int' ] }", "'data'"),
    ("{ 'command': 'a', 'returns': {} }", "'returns'"),
    ("{ 'command': 'a', 'boxed': true }", "'boxed'"),
    ("{ 'command': 'a', 'boxed': true, 'data': {} }", "'data'"),
    ("{ 'command': 'a', 'boxed': false }", "'boxed'"),
    ("{ 'command': 'a', 'gen': true }", "'gen'"),
    ("{ 'command': 'a', 'success-response': true }", "'success-response'"),
    ("{ 'command': 'a', 'allow-oob': 'yes' }", "'allow-oob'"),
    ("{ 'command': 'a', 'allow-preconfig': false }", "'allow-preconfig'"),
    ("{ 'command': 'a', 'coroutine': [] }", "'coroutine'"),
    ("{ 'command': 'a', 'coroutine': true, 'allow-oob': true }", "'coroutine'"),
    ("{ 'command': 'a', 'features': 'a' }", "'features'"),
    ("{ 'command': 'a', 'features': [ true ] }", "string"),
    # Conditions.
    ("{ 'command': 'a', 'if': '' }", "symbol"),
    ("{ 'command': 'a', 'if': 'a' }", "'a'"),
    ("{ 'command': 'a', 'if': 'defined(A)' }", "defined(A)"),
    ("{ 'command': 'a', 'if': [ 'A' ] }", "'all'"),
    ("{ 'command': 'a', 'if': true }", "'all'"),
    ("{ 'command': 'a', 'if': {} }", "'all'"),
    ("{ 'command': 'a', 'if': { 'not': 'A', 'all': [ 'A' ] } }", "exactly one"),
    ("{ 'command': 'a', 'if': { 'nor': [ 'A' ] } }", "'nor'"),
    ("{ 'command': 'a', 'if': { 'any': 'A' } }", "array"),
    ("{ 'command': 'a', 'if': { 'any': [] } }", "empty"),
    ("{ 'command': 'a', 'if': { 'not': { 'all': [ 'A', 'b' ] } } }", "'b'"),
    # Types.
    ("{ 'struct': 'A1b', 'data': { 'a': 'Nosuch' } }", "'Nosuch'"),
    ("{ 'struct': 'A1b', 'data': { 'a': [ 'Nosuch' ] } }", "'Nosuch'"),
    ("{ 'struct': 'A1b', 'data': { 'a': 'cmd' } }", "'cmd'"),
    ("{ 'struct': 'A1b', 'data': { 'a': [ 'intList' ] } }", "arrays do not nest"),
    ("{ 'struct': 'A1b', 'data': { 'a': 'EnumTypList' } }", "'EnumTypList'"),
    ("{ 'struct': 'A1b', 'data': {}, 'base': 'int' }", "built-in type 'int'"),
    ("{ 'struct': 'A1b', 'data': {}, 'base': 'Union1x' }", "union type 'Union1x'"),
    ("{ 'struct': 'A1b', 'data': {}, 'base': 'A1b' }", "contains itself"),
    ("{ 'struct': 'A1b', 'data': { 'a': 'int' }, 'base': 'Base1x' }", "'Base1x'"),
    ("{ 'struct': 'A1b', 'data': { 'b-c': 'int', 'B-c': 'int' } }", "'B-c'"),
    ("{ 'enum': 'A1b', 'data': [ 'a', 'b', 'a' ] }", "twice"),
    ("{ 'command': 'a', 'features': [ 'b', 'b' ] }", "twice"),
    ("{ 'struct': 'A1b', 'data': { 'b': { 'type': 'int', 'features': [ 'c', 'c' ] } } }", "'c'"),
    ("{ 'struct': 'A1b', 'data': {}, 'features': [ 'deprecated' ] }", "'deprecated'"),
    ("{ 'enum': 'A1b', 'data': [], 'features': [ 'unstable' ] }", "'unstable'"),
    ("{ 'command': 'cmd' }", "second time"),
    ("{ 'command': 'int' }", "built-in type 'int'"),
    ("{ 'enum': 'QType', 'data': [] }", "'QType'"),
    # Unions.
    ("{ 'union': 'A1b', 'base': 'Base1x', 'discriminator': 'x', 'data': {} }", "'x'"),
    ("{ 'union': 'A1b', 'base': {}, 'discriminator': 'x', 'data': {} }", "'x'"),
    ("{ 'union': 'A1b', 'base': 'Base1x', 'discriminator': 'a', 'data': {} }", "enum"),
    ("{ 'union': 'A1b', 'base': { '*e': 'Enum1x' }, 'discriminator': 'e', 'data': {} }",
     "optional"),
    (("{ 'union': 'A1b', 'base': { 'e': { 'type': 'Enum1x', 'if': 'A' } }, 'discriminator': 'e',"
     " 'data': {} }"), "conditional"),
    ("{ 'union': 'A1b', 'base': 'Base1x', 'discriminator': 'e', 'data': { 'z': 'Arm1x' } }",
     "'z'"),
    ("{ 'union': 'A1b', 'base': 'Base1x', 'discriminator': 'e', 'data': { 'x': 'int' } }",
     "built-in type 'int'"),
    ("{ 'union': 'A1b', 'base': 'Base1x', 'discriminator': 'e', 'data': { 'x': 'Nosuch' } }",
     "'Nosuch'"),
    ("{ 'union': 'A1b', 'base': 'Base1x', 'discriminator': 'e', 'data': { 'x': [ 'Arm1x' ] } }",
     "name of a type"),
    ("{ 'union': 'A1b', 'base': 'Base1x', 'discriminator': 'e', 'data': { 'x': 'Base1x' } }",
     "meets"),
    ("{ 'union': 'A1b', 'base': 'Base1x', 'discriminator': 'e', 'data': { 'x': 'A1b' } }",
     "contains itself"),
    ("{ 'union': 'A1b', 'base': { 'f': 'EnumTyp' }, 'discriminator': 'f', 'data': {} }",
     "needs a branch"),
    # Alternates.
    ("{ 'alternate': 'A1b', 'data': { 'a': 'any' } }", "'any'"),
    ("{ 'alternate': 'A1b', 'data': { 'a': 'Alt1x' } }", "'Alt1x'"),
    ("{ 'alternate': 'A1b', 'data': { 'a': 'str', 'b': 'bool' } }", "'b'"),
    ("{ 'alternate': 'A1b', 'data': { 'a': 'number', 'b': 'str' } }", "'b'"),
    ("{ 'alternate': 'A1b', 'data': { 'a': 'int', 'b': 'number' } }", "'b'"),
    ("{ 'alternate': 'A1b', 'data': { 'a': 'str', 'b': 'Enum1x' } }", "'b'"),
    ("{ 'alternate': 'A1b', 'data': { 'a': 'bool', 'b': 'Switch1x' } }", "'b'"),
    ("{ 'alternate': 'A1b', 'data': { 'a': 'int', 'b': 'Digit1x' } }", "'b'"),
    ("{ 'alternate': 'A1b', 'data': { 'a': 'Base1x', 'b': 'Union1x' } }", "'b'"),
    ("{ 'alternate': 'A1b', 'data': { 'a': [ 'int' ], 'b': [ 'str' ] } }", "'b'"),
    # Commands and events.
    ("{ 'command': 'a', 'data': 'Enum1x' }", "enum type 'Enum1x'"),
    ("{ 'command': 'a', 'data': 'Alt1x' }", "alternate type 'Alt1x'"),
    ("{ 'command': 'a', 'data': 'intList' }", "array type 'intList'"),
    ("{ 'command': 'a', 'data': 'Union1x' }", "'boxed'"),
    ("{ 'command': 'a', 'data': 'Cond1x' }", "'boxed'"),
    ("{ 'command': 'a', 'data': { 'b': { 'type': 'int', 'if': 'A' } } }", "'boxed'"),
    ("{ 'command': 'a', 'returns': 'str' }", "built-in type 'str'"),
    ("{ 'command': 'a', 'returns': [ 'Enum1x' ] }", "'Enum1xList'"),
    ("{ 'command': 'a', 'returns': 'Alt1x' }", "alternate type 'Alt1x'"),
    ("{ 'command': 'a', 'returns': 'Nosuch' }", "'Nosuch'"),
    ("{ 'command': 'a', 'data': { 'b': [ 'Nosuch' ] } }", "[ 'Nosuch' ]"),
    ("{ 'event': 'A', 'data': 'int' }", "built-in type 'int'"),
    ("{ 'event': 'A', 'data': 'Union1x' }", "'boxed'"),
    ("{ 'event': 'A', 'data': { 'b': { 'type': 'int', 'if': 'A' } } }", "'boxed'"),
    ("{ 'event': 'A', 'boxed': true }", "'boxed'"),
]  # fmt: skip

KNOWN = """
{ 'command': 'cmd' }
{ 'enum': 'Enum1x', 'data': [ 'x', 'y' ] }
{ 'enum': 'EnumTyp', 'data': [] }
{ 'enum': 'Switch1x', 'data': [ 'on', 'off' ] }
{ 'enum': 'Digit1x', 'data': [ '1st' ] }
{ 'struct': 'Base1x', 'data': { 'a': 'int', 'e': 'Enum1x' } }
{ 'struct': 'Arm1x', 'data': { 'b': 'int' } }
{ 'struct': 'Cond1x', 'data': { 'b': { 'type': 'int', 'if': 'A' } } }
{ 'union': 'Union1x', 'base': 'Base1x', 'discriminator': 'e', 'data': { 'x': 'Arm1x' } }
{ 'alternate': 'Alt1x', 'data': { 'a': 'int' } }
"""


def refuse(text, **options):
    with pytest.raises(SchemaError) as caught:
        parse_files({"root.json": text}, **options)
    return caught.value


@pytest.mark.parametrize(("text", "place", "names"), EXPRESSIONS)
def test_expressions(text, place, names):
    error = refuse(text)
    assert str(error.location) == f"root.json:{place}"
    assert names in error.message


@pytest.mark.parametrize(("text", "names"), DEFINITIONS)
def test_definitions(text, names):
    """The place is the line of the definition's brace, whatever in it is wrong."""
    lines = KNOWN.count("\n") + 1
    error = refuse(f"{KNOWN}{text}\n")
    assert str(error.location) == f"root.json:{lines}"
    assert names in error.message
    assert str(error).endswith(f"root.json:{lines}: {error.message}")


def test_what_the_definitions_know_is_right():
    assert parse_files({"root.json": KNOWN}).by_name["Union1x"]


@pytest.mark.parametrize(
    ("text", "context"),
    [
        ("{ 'struct': [], 'data': {} }", None),
        ("{ 'struct': 'Foo', 'data': [] }", "struct 'Foo'"),
        ("{ 'command': 'foo', 'data': { 'a': 'Nosuch' } }", "command 'foo'"),
        ("{ 'event': 'FOO', 'data': { 'a': [ 'Nosuch' ] } }", "event 'FOO'"),
        ("{ 'union': 'Foo', 'base': {}, 'discriminator': 'a', 'data': {} }", "union 'Foo'"),
    ],
)
def test_context(text, context):
    error = refuse(text)
    assert error.context == context
    assert (f"root.json: In {context}:\n" in str(error)) is (context is not None)


def test_a_second_definition_notes_the_first():
    error = refuse("{ 'event': 'A' }\n\n{ 'event': 'A' }")
    (place, note), *more = error.notes
    assert (str(place), str(error.location), more) == ("root.json:1", "root.json:3", [])
    assert "'A'" in note
    # The error's own place comes last.
    assert [line.split(": ")[0] for line in str(error).split("\n")] == [
        "root.json:1",
        "root.json",
        "root.json:3",
    ]


def test_the_chain_of_includes():
    files = {
        "d/root.json": "\n{ 'include': 'sub/a.json' }",
        "d/sub/a.json": "# a\n\n{ 'include': '../b.json' }",
        "d/b.json": "{ 'command': 1 }",
    }
    with pytest.raises(SchemaError) as caught:
        parse_files(files, "d/root.json")
    assert str(caught.value).split("\n")[:2] == [
        "In file included from d/root.json:2:",
        "In file included from d/sub/a.json:3:",
    ]
    assert str(caught.value.location) == "d/sub/../b.json:1:14"


@pytest.mark.parametrize(
    ("files", "place", "names"),
    [
        pytest.param(
            {"root.json": "{ 'include': 'a.json' }", "a.json": "{ 'include': 'root.json' }"},
            "a.json:1", "root.json", id="loop of two",
        ),
        pytest.param(
            {"root.json": "{ 'include': 'a.json' }\n{", "a.json": "{ 'command': 'A' }"},
            "root.json:2:2", "key", id="syntax before meaning",
        ),
        pytest.param(
            {"root.json": "{ 'include': 'a.json' }\n{ 'command': 'A' }", "a.json": "{ 'x': 'y' }"},
            "a.json:1", "'enum'", id="includes first",
        ),
        pytest.param(
            {"root.json": "{ 'struct': 'A1b', 'data': { 'a': 'Nosuch' } }\n{ 'command': 'A' }"},
            "root.json:2", "capital", id="names before types",
        ),
        pytest.param(
            {"root.json": "{ 'struct': 'A1b', 'data': { 'a': 'Nosuch' } }\n"
                          "{ 'command': 'a' }\n{ 'command': 'a' }"},
            "root.json:3", "second time", id="second definitions before types",
        ),
        pytest.param(
            {"root.json": "{ 'include': 'a.json' }", "a.json": b"{ 'command':\n 'a\xff' }"},
            "a.json:2:4", "0xff", id="not UTF-8",
        ),
        pytest.param({"root.json": b"\xff"}, "root.json:1:1", "0xff", id="root not UTF-8"),
        pytest.param({}, "root.json", "No such file", id="no root"),
    ],
)  # fmt: skip
def test_which_error_wins(files, place, names):
    with pytest.raises(SchemaError) as caught:
        parse_files(files)
    assert str(caught.value.location) == place
    assert names in caught.value.message


def test_an_array_used_before_it_is_checked():
    """Its name is known as soon as somebody mentions it in brackets."""
    text = "{ 'command': 'a', 'returns': 'NosuchList' }\n"
    text += "{ 'struct': 'Foo', 'data': { 'a': [ 'Nosuch' ] } }"
    assert "'Nosuch', which does not exist" in refuse(text).message


def test_a_text_that_includes_needs_a_reader():
    with pytest.raises(SchemaError, match=r"(?s)a\.json.*no reader"):
        qapi.parse("{ 'include': 'a.json' }")


def test_a_path_needs_a_reader(tmp_path):
    with pytest.raises(TypeError, match="read="):
        qapi.parse(tmp_path)


@pytest.mark.parametrize("count", [64, 65])
def test_no_more_features_than_bits(count):
    """Deprecated and unstable are always among them (QEMU 10.0's features.py)."""
    names = ", ".join(f"'f{number}'" for number in range(count - 2))
    text = f"{{ 'command': 'a' }}\n{{ 'command': 'b', 'features': [ {names} ] }}"
    if count == 64:
        assert parse_files({"root.json": text}).by_name["b"]
    else:
        assert str(refuse(text).location) == "root.json:2"


def test_a_chain_of_bases_longer_than_the_interpreter_can_follow():
    names = [f"A{number}z" for number in range(20_000)]
    text = "".join(
        f"{{ 'struct': '{name}', 'base': '{base}', 'data': {{}} }}\n"
        for name, base in zip(names, [*names[1:], "A0z"], strict=True)
    )
    error = refuse(text)
    assert "too long a chain" in error.message
    assert str(error.location) == "root.json:1"


def test_a_chain_of_includes_longer_than_anybody_writes():
    files = {f"{n}.json": f"{{ 'include': '{n + 1}.json' }}" for n in range(500)}
    files["root.json"] = "{ 'include': '0.json' }"
    with pytest.raises(SchemaError, match="in turn"):
        parse_files(files)


def test_what_a_hint_suggests():
    error = refuse(
        "{ 'struct': 'DiskOptions', 'data': {} }\n{ 'command': 'a', 'data': 'DiskOption' }"
    )
    assert "did you mean 'DiskOptions'?" in error.message


def test_arguments_that_are_none():
    with pytest.raises(ValueError, match="'Check'"):
        qapi.parse("", docs="Check")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="collection"):
        qapi.parse("").introspect("CONFIG_A")


def test_a_path_may_be_a_string_and_a_file_a_text():
    schema = qapi.parse("some/file.json", read=lambda path: f"{{ 'command': 'x{len(path)}' }}")
    assert "x14" in schema.by_name


def test_a_folder_that_is_gone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tmp_path.rmdir()
    assert "a" in qapi.parse("{ 'command': 'a' }").by_name


def test_what_the_reader_says_is_passed_on():
    def read(path):
        raise PermissionError(13, "Permission denied", path)

    with pytest.raises(SchemaError, match="Permission denied"):
        qapi.parse(PurePosixPath("x"), read=read)

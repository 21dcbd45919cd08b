"""What a schema becomes: QEMU's order and numbers, conditions, round trips, inference."""

import json
import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qscope import qapi
from qscope.model.canonical import schema_hash
from qscope.model.interface import Interface
from qscope.model.schema_info import decode_entities, encode_entity
from qscope.qapi.annotate import annotate, annotate_source
from qscope.qapi.conditions import build_condition, find_symbols, holds, render_condition
from qscope.qapi.infer import evaluate, infer
from qscope.qapi.match import match
from tests.schemas import SYMBOLS, introspect, parse_example, parse_files
from tests.source_strategies import DEFINES, sources

COMMAND = {"meta-type": "command", "name": "a", "arg-type": "0", "ret-type": "0"}
EMPTY = {"meta-type": "object", "name": "0", "members": []}
INT = {"meta-type": "builtin", "name": "int", "json-type": "int"}


def names_of(text, defines=(), *, unmask=True):
    entities = introspect(qapi.parse(text), defines, unmask=unmask)
    return [entity["name"] for entity in entities]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("# nothing\n{ 'struct': 'Unused', 'data': { 'a': 'int' } }", []),
        ("{ 'command': 'a' }", [COMMAND, EMPTY]),
        ("{ 'command': 'a', 'data': {} }", [COMMAND, EMPTY]),
        (
            "{ 'command': 'a', 'allow-oob': true, 'features': [ 'f' ] }",
            [COMMAND | {"allow-oob": True, "features": ["f"]}, EMPTY],
        ),
        ("{ 'command': 'a', 'features': [] }", [COMMAND, EMPTY]),
        (
            "{ 'command': 'a', 'features': [ { 'name': 'f', 'if': 'NEVER' } ] }",
            [COMMAND | {"features": []}, EMPTY],
        ),
        ("{ 'command': 'a', 'if': 'NEVER' }", [EMPTY]),
        (
            # A named type without members is another than nothing.
            "{ 'struct': 'None1', 'data': {} }\n{ 'command': 'a', 'data': 'None1' }".replace(
                "None1", "Nobody"
            ),
            [COMMAND | {"ret-type": "1"}, EMPTY, EMPTY | {"name": "1"}],
        ),
        (
            (
                "{ 'event': 'E', 'data': { '*a': 'size',"
                " 'b': { 'type': 'int8', 'features': ['f'] } } }"
            ),
            [
                {"meta-type": "event", "name": "E", "arg-type": "0"},
                EMPTY
                | {
                    "members": [
                        {"name": "a", "type": "int", "default": None},
                        {"name": "b", "type": "int", "features": ["f"]},
                    ]
                },
                INT,
            ],
        ),
        (
            "{ 'event': 'E', 'data': { 'a': [ 'uint64' ], 'b': [ 'int' ] } }",
            [
                {"meta-type": "event", "name": "E", "arg-type": "0"},
                EMPTY
                | {"members": [{"name": "a", "type": "[int]"}, {"name": "b", "type": "[int]"}]},
                {"meta-type": "array", "name": "[int]", "element-type": "int"},
                INT,
            ],
        ),
        (
            (
                "{ 'event': 'E', 'data': { 'a': 'Enum1x' } }\n"
                "{ 'enum': 'Enum1x', 'data': [ 'x', { 'name': 'y', 'if': 'NEVER' },"
                " { 'name': 'z', 'features': [ 'f' ] } ] }"
            ),
            [
                {"meta-type": "event", "name": "E", "arg-type": "0"},
                EMPTY | {"members": [{"name": "a", "type": "1"}]},
                {
                    "meta-type": "enum",
                    "name": "1",
                    "members": [{"name": "x"}, {"name": "z", "features": ["f"]}],
                    "values": ["x", "z"],
                },
            ],
        ),
        (
            (
                "{ 'event': 'E', 'boxed': true, 'data': 'Union1x' }\n"
                "{ 'enum': 'Enum1x', 'data': [ 'x', 'y', { 'name': 'z', 'if': 'NEVER' } ] }\n"
                "{ 'union': 'Union1x', 'base': { 'e': 'Enum1x' }, 'discriminator': 'e',"
                " 'data': { 'y': 'Arm1x' } }\n{ 'struct': 'Arm1x', 'data': {} }"
            ),
            [
                {"meta-type": "event", "name": "E", "arg-type": "0"},
                EMPTY
                | {
                    "members": [{"name": "e", "type": "1"}],
                    "tag": "e",
                    "variants": [{"case": "y", "type": "2"}, {"case": "x", "type": "3"}],
                },
                {
                    "meta-type": "enum",
                    "name": "1",
                    "members": [{"name": "x"}, {"name": "y"}],
                    "values": ["x", "y"],
                },
                EMPTY | {"name": "2"},
                EMPTY | {"name": "3"},
            ],
        ),
        (
            (
                "{ 'event': 'E', 'data': { 'a': 'Alt1x' } }\n"
                "{ 'alternate': 'Alt1x', 'data': { 's': 'str',"
                " 'n': { 'type': 'null', 'if': 'NO' } } }"
            ),
            [
                {"meta-type": "event", "name": "E", "arg-type": "0"},
                EMPTY | {"members": [{"name": "a", "type": "1"}]},
                {"meta-type": "alternate", "name": "1", "members": [{"type": "str"}]},
                {"meta-type": "builtin", "name": "str", "json-type": "string"},
                {"meta-type": "builtin", "name": "null", "json-type": "null"},
            ],
        ),
    ],
)
def test_introspection(text, expected):
    assert introspect(qapi.parse(text)) == expected


def test_commands_of_the_root_come_before_those_it_includes():
    files = {
        "root.json": "{ 'include': 'b.json' }\n{ 'command': 'root1' }\n{ 'include': 'a.json' }\n"
        "{ 'command': 'root2' }",
        "a.json": "{ 'command': 'a' }",
        "b.json": "{ 'command': 'b' }\n{ 'include': 'a.json' }\n{ 'include': 'c.json' }",
        "c.json": "{ 'event': 'C' }",
    }
    names = [entity["name"] for entity in introspect(parse_files(files))]
    assert names == ["root1", "root2", "b", "a", "C", "0"]


def test_types_come_as_they_are_used_first():
    text = """
    { 'struct': 'Last', 'data': {} }
    { 'struct': 'Second', 'data': { 'l': 'Last' } }
    { 'struct': 'First', 'data': { 's': [ 'Second' ] } }
    { 'command': 'a', 'data': { 'f': 'First' }, 'returns': 'Second' }
    """
    order = ["a", "q_obj_a-arg", "Second", "First", "Last", "[Second]"]
    assert names_of(text) == order
    # A number is given where a type is mentioned first.
    assert names_of(text, unmask=False) == ["a", "0", "1", "2", "3", "[1]"]


def test_a_reference_may_dangle():
    text = "{ 'struct': 'Gone', 'if': 'NEVER', 'data': {} }\n{ 'event': 'E', 'data': 'Gone' }"
    entities = introspect(qapi.parse(text))
    assert entities == [{"meta-type": "event", "name": "E", "arg-type": "0"}]


@pytest.mark.parametrize(
    ("defines", "expected"),
    [
        ((), []),
        (("CONFIG_TRACE",), ["disk-trace"]),
        (("CONFIG_TRACE", "CONFIG_RELEASE"), []),
        (("CONFIG_RELEASE",), []),
    ],
)
def test_conditions(defines, expected):
    entities = introspect(parse_example(), defines)
    assert [each["name"] for each in entities if each["name"] == "disk-trace"] == expected


def test_symbols():
    assert parse_example().symbols == tuple(sorted(SYMBOLS))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("A", "A"),
        ({"not": "A"}, "not A"),
        ({"not": {"any": ["A", "B"]}}, "not (A or B)"),
        ({"all": ["A", {"any": ["B", {"not": "C"}]}]}, "A and (B or not C)"),
        ({"any": [{"all": ["A"]}, "B"]}, "A or B"),
    ],
)
def test_conditions_in_words(value, text):
    condition = build_condition(value)
    assert render_condition(condition) == text
    # The words mean what the condition does.
    for number in range(8):
        defines = {each for bit, each in enumerate("ABC") if number >> bit & 1}
        meaning = eval(text, {each: each in defines for each in "ABC"})
        known = {each: each in defines for each in find_symbols(condition)}
        assert holds(condition, defines) == meaning == evaluate(condition, known)


# Laws.


@settings(max_examples=200, deadline=None)
@given(sources(), DEFINES)
def test_round_trip(text, defines):
    """Source to SchemaInfo to Interface to SchemaInfo is the identity."""
    entities = qapi.parse(text).introspect(defines)
    wire = msgspec.json.encode(entities)
    decoded, oddities = decode_entities(wire)
    assert (decoded, oddities) == (entities, ())
    interface = Interface(decoded)
    assert [encode_entity(each) for each in interface.entities or ()] == json.loads(wire)
    assert interface.oddities == ()


@settings(max_examples=200, deadline=None)
@given(sources(), DEFINES)
def test_numbers_do_not_depend_on_symbols(text, defines):
    schema = qapi.parse(text)
    masked = [each.name for each in schema.introspect(defines)]
    names = [each.name for each in schema.introspect(defines, unmask=True)]
    everything = [each.name for each in schema.introspect(DEFINED)]
    assert len(set(masked)) == len(masked) == len(names)
    all_names = [each.name for each in schema.introspect(DEFINED, unmask=True)]
    number = dict(zip(all_names, everything, strict=True))
    assert all(number.get(name, mask) == mask for name, mask in zip(names, masked, strict=True))


DEFINED = ("A", "B", "C")


@settings(max_examples=200, deadline=None)
@given(sources(), DEFINES)
def test_inferring_gives_the_symbols_back(text, defines):
    schema = qapi.parse(text)
    interface = Interface(schema.introspect(defines))
    found = infer(schema, interface)
    assert set(found.on) <= set(defines)
    assert not set(found.off) & set(defines)
    assert found.differences == ()
    decided = {*found.on, *found.off, *found.without_effect, *found.undecided}
    assert decided == set(schema.symbols)
    assert found.exact or found.undecided


@settings(max_examples=100, deadline=None)
@given(sources(), DEFINES, st.randoms())
def test_layout_means_nothing(text, defines, dice):
    spaced = "".join(
        character + dice.choice(["", "\n", " # it's\n", "\t"])
        if character in "{}[],:"
        else character
        for character in text
    )
    assert qapi.parse(spaced).introspect(defines) == qapi.parse(text).introspect(defines)


@settings(max_examples=100, deadline=None)
@given(sources(), DEFINES)
def test_matching_names_types_as_the_source_does(text, defines):
    schema = qapi.parse(text)
    entities = schema.introspect(defines)
    own = annotate_source(schema, "x")
    found = annotate(schema, match(schema, Interface(entities)).names, "y")
    reached = set(found.type_names)
    assert {name: own.type_names[name] for name in reached} == found.type_names
    integers = {name: facts for name, facts in own.integer_types.items() if name in reached}
    assert {name: dict(facts) for name, facts in found.integer_types.items()} == integers


# Inference from what the source does not explain.


def change(entities, name, **changes):
    return [
        msgspec.structs.replace(each, **changes) if each.name == name else each for each in entities
    ]


def infer_from(entities):
    return infer(parse_example(), Interface(entities))


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("{ 'command': 'b' }", "a"),
        ("{ 'command': 'a', 'returns': [ 'B1b' ] }\n{ 'struct': 'B1b', 'data': {} }", "a/ret-type"),
        ("{ 'command': 'a', 'data': { 'c': 'int' } }", "a/arg-type/b"),
        ("{ 'command': 'a', 'data': { '*b': 'int' } }", "a/arg-type/b"),
        ("{ 'command': 'a', 'data': { 'b': 'str' } }", "a/arg-type/b"),
        ("{ 'command': 'a', 'data': { 'b': [ 'int' ] } }", "a/arg-type/b"),
        ("{ 'command': 'a', 'data': { 'b': 'int', 'c': 'int' } }", "a/arg-type/c"),
        ("{ 'command': 'a', 'data': { 'b': 'int' }, 'features': [ 'f' ] }", "a/$f"),
        ("{ 'command': 'a', 'data': { 'b': 'int' }, 'allow-oob': true }", "a"),
        (
            "{ 'command': 'a', 'data': { 'b': { 'type': 'int', 'features': [ 'f' ] } } }",
            "a/arg-type/b/$$f",
        ),
    ],
)
def test_differences(text, path):
    schema = qapi.parse("{ 'command': 'a', 'data': { 'b': 'int' } }")
    found = infer(schema, Interface(qapi.parse(text).introspect()))
    assert path in [difference.path for difference in found.differences]
    assert not found.exact
    same = infer(schema, Interface(schema.introspect()))
    assert (same.differences, same.exact) == ((), True)


def test_a_contradiction_is_reported_where_it_is():
    """The majority decides a symbol; what speaks against it is a difference."""
    text = "".join(f"{{ 'command': 'c{number}', 'if': 'A' }}\n" for number in range(4))
    schema = qapi.parse(text)
    entities = [each for each in schema.introspect(["A"]) if each.name != "c2"]
    found = infer(schema, Interface(entities))
    assert (found.on, found.exact) == (("A",), False)
    assert [each.path for each in found.differences] == ["c2"]


def test_what_nothing_decides():
    text = (
        "{ 'command': 'a', 'if': { 'any': [ 'A', 'B' ] } }\n"
        "{ 'command': 'b', 'if': { 'all': [ 'A', 'C' ] } }"
    )
    schema = qapi.parse(text)
    found = infer(schema, Interface(schema.introspect(["A"])))
    assert (found.on, found.off, found.undecided) == ((), (), ("A", "B", "C"))
    assert found.differences == ()


def test_a_condition_is_forced_by_what_others_decide():
    text = "{ 'command': 'a', 'if': { 'any': [ 'A', 'B' ] } }\n{ 'command': 'b', 'if': 'A' }"
    schema = qapi.parse(text)
    found = infer(schema, Interface(schema.introspect(["B"])))
    assert (found.on, found.off, found.exact) == (("B",), ("A",), True)


def test_names_play_no_part():
    schema = parse_example()
    entities = list(schema.introspect(SYMBOLS[:1]))
    random.Random(1).shuffle(entities)
    found = infer(schema, Interface(entities))
    assert found.on == ("CONFIG_RING",)
    assert found.exact
    assert schema_hash(Interface(entities)) == schema_hash(
        Interface(schema.introspect(SYMBOLS[:1]))
    )


def test_a_backported_member_is_a_difference():
    entities = parse_example().introspect(SYMBOLS[:1])
    sizes = [
        each for each in entities if getattr(each, "members", ()) and each.meta_type == "object"
    ]
    target = next(each for each in sizes if [m.name for m in each.members] == ["size"])
    more = (*target.members, msgspec.structs.replace(target.members[0], name="huge-pages"))
    found = infer_from(change(entities, target.name, members=more))
    assert [each.path for each in found.differences] == ["disk-add/arg-type/+memory/huge-pages"]
    assert found.on == ("CONFIG_RING",)

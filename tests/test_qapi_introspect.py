"""What a schema becomes: QEMU's order and numbers, conditions, round trips, inference."""

import itertools
import json
import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qscope import qapi
from qscope.model.canonical import schema_hash
from qscope.model.interface import Interface, find_references
from qscope.model.schema_info import decode_entities, encode_entity, encode_known
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
            # All branches are out: the list of them stays.
            (
                "{ 'event': 'E', 'boxed': true, 'data': 'Union1x' }\n"
                "{ 'enum': 'Enum1x', 'data': [ { 'name': 'x', 'if': 'NEVER' } ] }\n"
                "{ 'union': 'Union1x', 'base': { 'e': 'Enum1x' }, 'discriminator': 'e',"
                " 'data': {} }"
            ),
            [
                {"meta-type": "event", "name": "E", "arg-type": "0"},
                EMPTY | {"members": [{"name": "e", "type": "1"}], "tag": "e", "variants": []},
                {"meta-type": "enum", "name": "1", "members": [], "values": []},
                EMPTY | {"name": "2"},
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
    wire = b"[%s]" % b",".join(map(encode_known, entities))
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
def test_inference_is_sound(text, defines):
    """What is decided is so in every build that no client could tell from this one."""
    schema = qapi.parse(text)
    interface = Interface(schema.introspect(defines))
    found = infer(schema, interface)
    made = {build: schema.introspect(build) for build in BUILDS}
    same = [build for build, entities in made.items() if entities == interface.entities]
    assert all(set(found.on) <= build for build in same)
    assert not any(set(found.off) & build for build in same)
    # Without effect is what no path tells, though unused types may come and go.
    hashes = {build: schema_hash(Interface(entities)) for build, entities in made.items()}
    alike = [build for build, value in hashes.items() if value == schema_hash(interface)]
    for symbol in found.without_effect:
        assert all(build ^ {symbol} in alike for build in alike)
    assert found.differences == ()
    decided = {*found.on, *found.off, *found.without_effect, *found.undecided}
    assert decided == set(schema.symbols)
    assert found.exact or found.undecided


BUILDS = [frozenset(each) for size in range(4) for each in itertools.combinations("ABC", size)]


@pytest.mark.parametrize(
    ("text", "defines", "expected"),
    [
        pytest.param(
            "{ 'command': 'a', 'if': { 'all': [ 'A', 'B', { 'not': 'C' } ] } }\n{ 'command': 'b' }",
            [], ((), (), (), ("A", "B", "C")), id="any of three may be why",
        ),
        pytest.param(
            "{ 'command': 'a', 'if': 'A' }\n{ 'command': 'b', 'if': { 'all': [ 'A', 'B' ] } }\n"
            "{ 'command': 'c' }", [], ((), ("A",), ("B",), ()), id="what another hides",
        ),
        pytest.param(
            "{ 'command': 'a', 'if': { 'all': [ 'A', 'B' ] } }",
            ["A", "B"], (("A", "B"), (), (), ()), id="both must be",
        ),
        pytest.param(
            "{ 'command': 'a', 'data': { 'x': 'Alt0x' } }\n{ 'alternate': 'Alt0x', 'data': {"
            " 'o': { 'type': 'Obj0x', 'if': 'B' }, 'e': { 'type': 'Enum0x', 'if': 'C' } } }\n"
            "{ 'struct': 'Obj0x', 'data': {}, 'if': 'A' }\n"
            "{ 'enum': 'Enum0x', 'data': [ 'x' ], 'if': 'A' }",
            ["C"], ((), (), (), ("A", "B", "C")), id="a branch whose type is out",
        ),
    ],
)  # fmt: skip
def test_what_is_decided(text, defines, expected):
    schema = qapi.parse(text)
    found = infer(schema, Interface(schema.introspect(defines)))
    assert (found.on, found.off, found.without_effect, found.undecided) == expected


@pytest.mark.parametrize(
    ("source", "older", "undecided"),
    [
        pytest.param(
            # An older release lacks the whole list of newer things, conditional or not.
            "{ 'enum': 'Enum0x', 'data': [ 'old', 'new', { 'name': 'newer', 'if': 'A' } ] }",
            "{ 'enum': 'Enum0x', 'data': [ 'old' ] }", ("A",), id="absent beside what is missing",
        ),
        pytest.param(
            # What is there under a condition now was there always then.
            "{ 'enum': 'Enum0x', 'data': [ { 'name': 'old', 'if': 'A' },"
            " { 'name': 'new', 'if': 'A' } ] }",
            "{ 'enum': 'Enum0x', 'data': [ 'old' ] }", ("A",), id="a tie",
        ),
        pytest.param(
            "{ 'enum': 'Enum0x', 'data': [ 'x' ], 'if': 'A' }",
            "{ 'struct': 'Enum0x', 'data': {} }", ("A",), id="another kind of type",
        ),
    ],
)  # fmt: skip
def test_another_release_proves_little(source, older, undecided):
    command = "{ 'command': 'a', 'data': { 'x': 'Enum0x' } }\n"
    found = infer(qapi.parse(command + source), Interface(qapi.parse(command + older).introspect()))
    assert (found.on, found.off, found.undecided) == ((), (), undecided)
    assert found.differences


def test_nothing_in_common():
    schema = qapi.parse("{ 'command': 'a', 'if': 'A' }\n{ 'command': 'b' }")
    found = infer(schema, Interface(qapi.parse("{ 'command': 'c' }").introspect()))
    assert (found.on, found.off, found.undecided) == ((), (), ("A",))


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
    # Everything that commands and events lead to is named.
    interface = Interface(entities)
    assert reached >= {name for name in reach(interface) if name.isdigit()}
    assert {name: own.type_names[name] for name in reached} == found.type_names
    integers = {name: facts for name, facts in own.integer_types.items() if name in reached}
    assert {name: dict(facts) for name, facts in found.integer_types.items()} == integers


def reach(interface):
    """Yield every entity that commands and events lead to."""
    waiting = [each.name for each in (*interface.commands, *interface.events)]
    for name in waiting:  # grows while it is read
        if name in interface.by_name:
            yield name
            waiting += [
                each for each in find_references(interface.by_name[name]) if each not in waiting
            ]


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

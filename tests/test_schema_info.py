"""All wire forms of SchemaInfo since QEMU 2.5, and what comes from a QEMU of the future."""

import json

import pytest

from qscope.model.decoding import UNREADABLE
from qscope.model.interface import Interface
from qscope.model.schema_info import (
    Command,
    EnumType,
    ObjectType,
    OpaqueEntity,
    decode_entities,
    encode_entity,
)


def decode_one(entry):
    entities, oddities = decode_entities(json.dumps([entry]).encode())
    return entities[0], [oddity.what for oddity in oddities]


COMMAND = {"meta-type": "command", "name": "c", "arg-type": "0", "ret-type": "0"}
OBJECT = {"meta-type": "object", "name": "0", "members": []}


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param({**COMMAND, "allow-oob": True}, id="command, out of band"),
        pytest.param({**COMMAND, "features": ["deprecated"]}, id="command with a feature"),
        pytest.param({**COMMAND, "features": []}, id="features that are all configured out"),
        pytest.param({"meta-type": "event", "name": "E", "arg-type": "0"}, id="event"),
        pytest.param({"meta-type": "builtin", "name": "int", "json-type": "int"}, id="builtin"),
        pytest.param({"meta-type": "array", "name": "[0]", "element-type": "0"}, id="array"),
        pytest.param(
            {"meta-type": "alternate", "name": "1", "members": [{"type": "0"}]}, id="alternate"
        ),
        pytest.param({"meta-type": "enum", "name": "2", "values": ["a"]}, id="enum before 6.2"),
        pytest.param(
            {
                "meta-type": "enum",
                "name": "2",
                "members": [{"name": "a", "features": ["unstable"]}],
                "values": ["a"],
            },
            id="enum since 6.2",
        ),
        pytest.param(
            {
                "meta-type": "object",
                "name": "3",
                "members": [{"name": "m", "type": "0", "default": None, "features": ["x"]}],
                "tag": "m",
                "variants": [{"case": "a", "type": "0"}],
            },
            id="union",
        ),
    ],
)
def test_what_qemu_sends_comes_back_as_it_was(entry):
    entity, oddities = decode_one(entry)
    assert (encode_entity(entity), oddities) == (entry, [])


def test_allow_oob_of_2_12_is_absorbed():
    entity, oddities = decode_one({**COMMAND, "allow-oob": False})
    assert entity == decode_one(COMMAND)[0]
    assert isinstance(entity, Command)
    assert oddities == []


@pytest.mark.parametrize("form", ["members", "values", "both"])
def test_both_forms_of_an_enum_read_alike(form):
    forms = {"members": [{"name": "a"}, {"name": "b"}], "values": ["a", "b"]}
    sent = forms if form == "both" else {form: forms[form]}
    entity, _ = decode_one({"meta-type": "enum", "name": "0", **sent})
    assert isinstance(entity, EnumType)
    assert entity.values == ("a", "b")
    assert [member.name for member in entity.members] == ["a", "b"]


@pytest.mark.parametrize("default", [None, 5, "x"])
def test_presence_of_default_makes_a_member_optional(default):
    member = {"name": "m", "type": "0", "default": default}
    entity, oddities = decode_one({**OBJECT, "members": [member, {"name": "n", "type": "0"}]})
    assert isinstance(entity, ObjectType)
    assert [each.optional for each in entity.members] == [True, False]
    assert oddities == []


@pytest.mark.parametrize(
    ("entry", "what"),
    [
        pytest.param({**COMMAND, "new": 1}, "unknown key new", id="key of an entry"),
        pytest.param(
            {**OBJECT, "members": [{"name": "m", "type": "0", "new": 1}]},
            "unknown key members/new",
            id="key of a member",
        ),
        pytest.param(
            {**OBJECT, "tag": "t", "variants": [{"case": "m", "type": "0", "if": 1}]},
            "unknown key variants/if",
            id="key of a variant",
        ),
        pytest.param(
            {"meta-type": "enum", "name": "0", "members": [{"name": "m", "new": 1}]},
            "unknown key members/new",
            id="key of an enum value",
        ),
    ],
)
def test_an_unknown_key_is_reported_and_the_rest_understood(entry, what):
    entity, oddities = decode_one(entry)
    assert oddities == [what]
    assert not isinstance(entity, OpaqueEntity)


@pytest.mark.parametrize(
    ("entry", "what"),
    [
        pytest.param({"meta-type": "map", "name": "m"}, "unknown meta-type 'map'", id="meta-type"),
        pytest.param(
            {"meta-type": 5, "name": "m"}, "unknown meta-type 5", id="meta-type no string"
        ),
        pytest.param({"name": "m"}, "unknown meta-type None", id="no meta-type"),
        pytest.param({**COMMAND, "arg-type": 5}, "not a valid command", id="wrong type"),
        pytest.param({"meta-type": "array", "name": "a"}, "not a valid array", id="missing key"),
        pytest.param({**OBJECT, "members": 5}, "not a valid object", id="members no list"),
        pytest.param({**OBJECT, "members": [5]}, "not a valid object", id="member no object"),
    ],
)
def test_what_is_not_understood_is_kept_as_it_came(entry, what):
    entity, oddities = decode_one(entry)
    assert isinstance(entity, OpaqueEntity)
    assert encode_entity(entity) == entry
    assert what in oddities[0]


@pytest.mark.parametrize("entry", [5, None, [], {}, {"name": 5}, "x"])
def test_an_entry_without_a_name_is_kept_as_an_oddity(entry):
    entities, oddities = decode_entities(json.dumps([COMMAND, entry]).encode())
    assert len(entities) == 1
    assert [(oddity.name, oddity.raw) for oddity in oddities] == [("#1", entry)]


@pytest.mark.parametrize("reply", [b"", b"{", b"[", b'{"a": 1}', b"5", b'[{"name": "\xff"}]'])
def test_what_is_no_array_is_refused(reply):
    with pytest.raises(UNREADABLE):
        decode_entities(reply)


def test_a_name_that_occurs_twice_is_reported_and_the_first_counts():
    first, second = decode_one(COMMAND)[0], decode_one({**OBJECT, "name": "c"})[0]
    interface = Interface([first, second])
    assert interface.by_name["c"] is first
    assert [oddity.what for oddity in interface.oddities] == ["the name occurs twice"]


def test_dangling_references_are_found_and_kept():
    interface = Interface([decode_one(COMMAND)[0]])
    assert list(interface.find_dangling()) == [("c", "0"), ("c", "0")]
    assert Interface([decode_one(COMMAND)[0], decode_one(OBJECT)[0]]).oddities == ()

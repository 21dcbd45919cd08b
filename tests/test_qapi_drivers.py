"""Branches that are added to a union and taken away again: as if the source had them."""

import contextlib
import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qscope import qapi
from qscope.errors import QscopeError, SchemaError, UnknownNameError
from qscope.qapi.annotate import find_doc
from qscope.qapi.definitions import Object
from qscope.qapi.drivers import add_branch, remove_branch
from tests.schemas import SYMBOLS, hash_of, introspect, parse_example, parse_files

SCHEMA = """\
{ 'pragma': { 'command-name-exceptions': [ 'device_add' ],
              'command-returns-exceptions': [ 'query-level' ],
              'member-name-exceptions': [ 'Loud' ] } }
{ 'enum': 'Driver', 'data': [ 'null', 'old' ] }
{ 'struct': 'Disk', 'data': { 'file': 'str' } }
{ 'union': 'Device', 'base': { 'driver': 'Driver', '*id': 'str' }, 'discriminator': 'driver',
  'data': { 'old': 'Disk' } }
{ 'command': 'device_add', 'data': 'Device', 'boxed': true }
{ 'command': 'device-get', 'returns': [ 'Device' ] }

{ 'enum': 'Shared', 'data': [ 'a' ] }
{ 'union': 'One', 'base': { 'kind': 'Shared' }, 'discriminator': 'kind', 'data': { 'a': 'Disk' } }
{ 'command': 'query-shared', 'returns': [ 'SharedInfo' ] }
{ 'struct': 'SharedInfo', 'data': { 'kinds': [ 'Shared' ] } }

{ 'enum': 'Twice', 'data': [ 'a' ] }
{ 'union': 'Two', 'base': { 'kind': 'Twice', '*other': 'Twice' }, 'discriminator': 'kind',
  'data': {} }

{ 'enum': 'Based', 'data': [ 'a' ] }
{ 'struct': 'BasedBase', 'data': { 'kind': 'Based' } }
{ 'struct': 'Between', 'base': 'BasedBase', 'data': { 'id': 'str' } }
{ 'union': 'Three', 'base': 'Between', 'discriminator': 'kind', 'data': {} }
{ 'struct': 'Elsewhere', 'base': 'BasedBase', 'data': {} }

{ 'enum': 'Alone', 'data': [ 'a' ] }
{ 'struct': 'AloneBase', 'data': { 'kind': 'Alone' } }
{ 'union': 'Four', 'base': 'AloneBase', 'discriminator': 'kind', 'data': {} }
{ 'event': 'FOUR', 'data': 'Four', 'boxed': true }

{ 'union': 'Typed', 'base': { 'type': 'QType' }, 'discriminator': 'type', 'data': {} }
{ 'alternate': 'Ref', 'data': { 'name': 'str', 'disk': 'Disk' } }
{ 'struct': 'Loud', 'data': { 'LOUD_member': 'Ref' } }
{ 'command': 'make-loud', 'data': 'Loud' }
{ 'command': 'query-level', 'returns': 'int' }
{ 'command': 'plain', 'data': { 'a': 'int' } }
{ 'command': 'nothing' }
"""
BASE = qapi.parse(SCHEMA)


def write(case, branch, types="", *, text=SCHEMA):
    """Return the schema with a branch of Device in its text."""
    text = text.replace("'old' ]", f"'old', '{case}' ]")
    return text.replace("{ 'old': 'Disk' }", f"{{ 'old': 'Disk', '{case}': '{branch}' }}") + types


# As if it were written in the source.


@pytest.mark.parametrize(
    ("given", "branch", "types"),
    [
        pytest.param("Disk", "Disk", "", id="a struct that is there"),
        pytest.param({}, "Nic", "{ 'struct': 'Nic', 'data': {} }", id="no members"),
        pytest.param(
            {"mac": "str", "*vlan": "int16", "*of": ["Disk"]},
            "Nic",
            "{ 'struct': 'Nic', 'data': { 'mac': 'str', '*vlan': 'int16', '*of': [ 'Disk' ] } }",
            id="members",
        ),
        pytest.param(
            {"a": {"type": "int", "if": {"not": "A"}, "features": ["unstable"]}},
            "Nic",
            "{ 'struct': 'Nic', 'data': { 'a': { 'type': 'int', 'if': { 'not': 'A' },"
            " 'features': [ 'unstable' ] } } }",
            id="a member with all there is",
        ),
        pytest.param(
            "{ 'struct': 'Nic', 'base': 'Disk', 'data': { 'more': [ 'Device' ] } }",
            "Nic",
            "{ 'struct': 'Nic', 'base': 'Disk', 'data': { 'more': [ 'Device' ] } }",
            id="a struct on one that is there, and back to the union",
        ),
        pytest.param(
            "{ 'enum': 'Mode', 'data': [ 'x', '2' ] }\n"
            "{ 'struct': 'Nic', 'data': { 'modes': [ 'Mode' ], 'tail': 'Tail' } }\n"
            "{ 'struct': 'Tail', 'data': { '*next': 'Tail', 'loud': 'Loud' } }",
            "Nic",
            "{ 'enum': 'Mode', 'data': [ 'x', '2' ] }\n"
            "{ 'struct': 'Nic', 'data': { 'modes': [ 'Mode' ], 'tail': 'Tail' } }\n"
            "{ 'struct': 'Tail', 'data': { '*next': 'Tail', 'loud': 'Loud' } }",
            id="types it needs, before and after it",
        ),
        pytest.param(
            "{ 'struct': 'Nic', 'data': { '*o': 'Other' } }\n"
            "{ 'struct': 'Other', 'data': { '*n': 'Nic' } }",
            "Nic",
            "{ 'struct': 'Nic', 'data': { '*o': 'Other' } }\n"
            "{ 'struct': 'Other', 'data': { '*n': 'Nic' } }",
            id="of two that need each other the first",
        ),
        pytest.param(
            "{ 'enum': 'Sub', 'data': [ 'a', 'b' ] }\n"
            "{ 'union': 'Nic', 'base': { 'sub': 'Sub' }, 'discriminator': 'sub',"
            " 'data': { 'a': 'Disk' } }",
            "Nic",
            "{ 'enum': 'Sub', 'data': [ 'a', 'b' ] }\n"
            "{ 'union': 'Nic', 'base': { 'sub': 'Sub' }, 'discriminator': 'sub',"
            " 'data': { 'a': 'Disk' } }",
            id="a union with an enum of its own",
        ),
        pytest.param(
            "{ 'struct': 'Nic', 'data': { 'a': 'int' }, 'if': 'A', 'features': [ 'f' ] }",
            "Nic",
            "{ 'struct': 'Nic', 'data': { 'a': 'int' }, 'if': 'A', 'features': [ 'f' ] }",
            id="a conditional struct",
        ),
    ],
)
@pytest.mark.parametrize("case", ["nic", "9p", "virtio-net.pci"[:10], "x-list"])
def test_a_branch_added_is_as_one_written(given, branch, types, case):
    added = add_branch(BASE, "Device", case, given)
    written = qapi.parse(write(case, branch, types))
    for defines in ([], ["A"]):
        assert introspect(added, defines) == introspect(written, defines)
        assert hash_of(added, defines) == hash_of(written, defines)
    assert hash_of(added) != hash_of(BASE)
    assert added.symbols == written.symbols
    removed = remove_branch(added, "Device", case)
    assert removed.entities == BASE.entities
    assert removed.shapes == BASE.shapes
    assert removed.added == BASE.added
    assert introspect(removed) == introspect(BASE)


def test_the_schema_that_is_added_to_stays_as_it_was():
    before = introspect(BASE)
    entities = BASE.entities
    add_branch(BASE, "Device", "nic", {"mac": "str"})
    assert introspect(BASE) == before
    assert BASE.entities is entities


def test_a_command_stands_for_the_union_it_takes():
    by_command = add_branch(BASE, "device_add", "nic", {"mac": "str"})
    assert introspect(by_command) == introspect(add_branch(BASE, "Device", "nic", {"mac": "str"}))
    assert introspect(remove_branch(by_command, "Device", "nic")) == introspect(BASE)
    by_type = add_branch(BASE, "Device", "nic", "Disk")
    assert introspect(remove_branch(by_type, "device_add", "nic")) == introspect(BASE)


def test_the_tag_may_be_inherited_from_a_base_that_nothing_else_uses():
    added = add_branch(BASE, "Four", "b", "Disk")
    by_name = {entity["name"]: entity for entity in introspect(added)}
    union = by_name[by_name["FOUR"]["arg-type"]]
    assert [variant["case"] for variant in union["variants"]] == ["b", "a"]


def test_the_pragmas_hold_for_what_is_added():
    text = "{ 'struct': 'Nic', 'data': { 'shout': 'Loud', 'again': [ 'Loud' ] } }"
    add_branch(BASE, "Device", "nic", text)
    again = "{ 'struct': 'Nic', 'data': { 'LOUD_member': 'int' } }"
    with pytest.raises(SchemaError, match="no capital letter"):
        add_branch(BASE, "Device", "nic", again)
    loud = qapi.parse(SCHEMA.replace("'Loud' ]", "'Loud', 'Nic', 'Driver' ]"))
    assert "Nic" in add_branch(loud, "Device", "BIG_one", again).by_name


def test_comments_are_nobodys_duty_but_kept():
    """Also where the schema's own are checked, and no comment describes the new value."""
    example = parse_example(docs="check")
    text = "##\n# @DiskTape:\n#\n# A tape.\n#\n# @reel: which one\n##\n"
    text += "{ 'struct': 'DiskTape', 'data': { 'reel': 'str' } }"
    added = add_branch(example, "disk-add", "tape", text)
    doc = find_doc(added, "DiskTape")
    assert doc is not None
    assert doc.members == {"reel": "which one"}
    assert find_doc(added, "DiskOptions") == find_doc(example, "DiskOptions")
    for defines in ([], SYMBOLS):
        assert hash_of(added, defines) != hash_of(example, defines)
        removed = remove_branch(added, "disk-add", "tape")
        assert introspect(removed, defines) == introspect(example, defines)
    assert removed.docs == example.docs


def test_commands_stay_in_the_order_of_the_files():
    files = {
        "root.json": "{ 'include': 'sub.json' }\n{ 'command': 'z-last' }",
        "sub.json": SCHEMA + "{ 'include': 'deep/more.json' }",
        "deep/more.json": "{ 'command': 'a-first' }",
    }
    base = parse_files(files)
    added = add_branch(base, "Device", "nic", {"mac": "str"})
    assert [each.name for each in added.find_commands_and_events()] == [
        each.name for each in base.find_commands_and_events()
    ]
    with pytest.raises(SchemaError) as caught:
        add_branch(base, "Device", "old", "Disk")
    assert str(caught.value).startswith("In file included from root.json:1:\nsub.json:6: ")


# Names of inline members' types.


@pytest.mark.parametrize(
    ("case", "name"),
    [
        ("nic", "DeviceNic"),
        ("virtio-net-pci", "DeviceVirtioNetPci"),
        ("9p", "Device9p"),
        ("list", "DeviceListBranch2"),
        ("x-list", "DeviceXListBranch2"),
        ("__org.example_a-b", "DeviceOrgExampleAB"),
    ],
)
def test_inline_members_get_a_name(case, name):
    added = add_branch(BASE, "Device", case, {})
    assert added.added.types == {name}
    assert isinstance(added.by_name[name], Object)


def test_names_that_are_taken_are_left():
    text = "{ 'struct': 'DeviceNic', 'data': {} }\n{ 'event': 'E', 'data': 'DeviceNic' }"
    schema = add_branch(qapi.parse(SCHEMA + text), "Device", "nic", {"a": "int"})
    schema = add_branch(schema, "Device", "a-b", {"a": "int"})
    schema = add_branch(schema, "Device", "a--b", {"b": "int"})
    assert schema.added.types == {"DeviceNicBranch2", "DeviceAB", "DeviceABBranch2"}


# Refusals.


@pytest.mark.parametrize(
    ("union", "message"),
    [
        ("Devise", "has no union and no command 'Devise'; did you mean 'Device'?"),
        ("device-add", "did you mean 'device_add'?"),
        ("", "has no union and no command ''"),
        ("DeviceList", "a branch cannot be added to array type 'DeviceList', which is no union"),
        ("Disk", "<schema>:5: a branch cannot be added to struct type 'Disk', which is no union"),
        ("Driver", "enum type 'Driver', which is no union"),
        ("Ref", "alternate type 'Ref', which is no union"),
        ("FOUR", "event 'FOUR', which is no union"),
        ("str", "built-in type 'str', which is no union"),
        ("q_empty", "object type 'q_empty', which is no union"),
        ("q_obj_Device-base", "object type 'q_obj_Device-base', which is no union"),
        ("plain", "command 'plain', which does not take a union"),
        ("nothing", "command 'nothing', which does not take a union"),
        ("device-get", "command 'device-get', which does not take a union"),
        ("Typed", "a branch cannot be added where the tag is of enum type 'QType'"),
        ("One", "enum type 'Shared' is used by struct 'SharedInfo', too: a branch 'new' of union"),
        ("Two", "enum type 'Twice' is used by union 'Two', too"),
        ("Three", "struct type 'BasedBase' is used by struct 'Elsewhere', too"),
    ],
)
def test_unions_that_take_no_branch(union, message):
    with pytest.raises((SchemaError, UnknownNameError)) as caught:
        add_branch(BASE, union, "new", "Disk")
    assert message in str(caught.value)
    with pytest.raises((SchemaError, UnknownNameError)):
        remove_branch(BASE, union, "new")


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("old", "union type 'Device' has a branch 'old' already"),
        ("null", "an empty branch 'null' already in union type 'Device', since enum type 'Driver'"),
        ("", "is no name"),
        ("Nic", "must have no capital letter"),
        ("a_b", "must have no capital letter and no '_'"),
        ("a b", "is no name"),
        ("a\n", "is no name"),
        ("-a", "is no name"),
        ("*a", "is no name"),
        ("q-a", "begins with 'q_'"),
        ("n\u00efc", "is no name"),
        (None, "must be a string"),
        (["nic"], "must be a string"),
        ({"name": "nic"}, "must be a string"),
    ],
)
def test_cases_that_cannot_be_added(case, message):
    with pytest.raises(SchemaError) as caught:
        add_branch(BASE, "Device", case, "Disk")
    assert message in caught.value.message
    assert caught.value.location.file == "<schema>"


ORIGIN = "<Device/+nic>"
ENDLESS: dict[str, Any] = {"a": {"if": {}}}
ENDLESS["a"]["if"]["not"] = ENDLESS["a"]["if"]


@pytest.mark.parametrize(
    ("given", "message", "place"),
    [
        ("Dusk", "'Dusk', which does not exist; did you mean 'Disk'?", "<schema>:6"),
        ("", "is of type '', which does not exist", "<schema>:6"),
        ("plain", "is of type 'plain', which does not exist", "<schema>:6"),
        ("str", "must be a struct or a union, not built-in type 'str'", "<schema>:6"),
        ("Ref", "must be a struct or a union, not alternate type 'Ref'", "<schema>:6"),
        ("Driver", "must be a struct or a union, not enum type 'Driver'", "<schema>:6"),
        ("SharedList", "must be a struct or a union, not array type", "<schema>:6"),
        ("Device", "'Device' contains itself", "<schema>:6"),
        ("q_obj_Device-base", "one name in C", "<schema>:6"),
        ({"driver": "str"}, "member 'driver' of type 'DeviceNic' meets base member", "<schema>:6"),
        ({"id": "str"}, "one name in C", "<schema>:6"),
        ({"a-b": "str", "a.b": "int"}, "is no name", f"{ORIGIN}:1"),
        ({"a": "Dusk"}, "is of type 'Dusk', which does not exist", f"{ORIGIN}:1"),
        ({"a": ["Dusk"]}, "the array [ 'Dusk' ] is of type 'Dusk', which", f"{ORIGIN}:1"),
        ({"a": 1}, "no schema can have 1 among members", f"{ORIGIN}:1"),
        ({"a": None}, "no schema can have None among members", f"{ORIGIN}:1"),
        ({"a": {"type": None}}, "no schema can have None among members", f"{ORIGIN}:1"),
        ({"a": {"type": "int", "if": {"all": [0.5]}}}, "no schema can have 0.5", f"{ORIGIN}:1"),
        ({"a": [b"int"]}, "no schema can have b'int'", f"{ORIGIN}:1"),
        ({1: "int"}, "no schema can have {1: 'int'}", f"{ORIGIN}:1"),
        ({"a": {"type": "int", None: "b"}}, "no schema can have {'type'", f"{ORIGIN}:1"),
        ({"a": True}, "takes the name of a type", f"{ORIGIN}:1"),
        (ENDLESS, "nested more than 100 levels deep", f"{ORIGIN}:1"),
        ({"a": ["int", "str"]}, "the name of one type in brackets", f"{ORIGIN}:1"),
        ({"a": [["int"]]}, "the name of one type in brackets", f"{ORIGIN}:1"),
        ({"a": {}}, "lacks the key 'type'", f"{ORIGIN}:1"),
        ({"a": {"type": "int", "default": "x"}}, "unknown key 'default'", f"{ORIGIN}:1"),
        ({"a": {"type": "int", "if": "a"}}, "is no symbol", f"{ORIGIN}:1"),
        ({"": "int"}, "is no name", f"{ORIGIN}:1"),
        ({"**a": "int"}, "is no name", f"{ORIGIN}:1"),
        ({"A": "int"}, "no capital letter", f"{ORIGIN}:1"),
        ({"u": "int"}, "is reserved", f"{ORIGIN}:1"),
        ({"*has-x": "int"}, "is reserved", f"{ORIGIN}:1"),
        ({"a": "int", "*a": "int"}, "one name in C", f"{ORIGIN}:1"),
        ("{", "a key in quotes must stand here", f"{ORIGIN}:1:2"),
        ("# nothing", "defines a struct or a union; there is none in it", f"{ORIGIN}:1"),
        ("\n", "defines a struct or a union; there is none in it", f"{ORIGIN}:1"),
        ("{}", "exactly one of the keys", f"{ORIGIN}:1"),
        ("{ 'enum': 'Mode', 'data': [ 'a' ] }", "there is none in it", f"{ORIGIN}:1"),
        ("{ 'mac': 'str' }", "exactly one of the keys", f"{ORIGIN}:1"),
        ("\n{ 'struct': 'nic', 'data': {} }", "must be in CamelCase", f"{ORIGIN}:2"),
        ("{ 'struct': 'Nic' }", "lacks the key 'data'", f"{ORIGIN}:1"),
        ("{ 'struct': 'Disk', 'data': {} }", "is defined a second time", f"{ORIGIN}:1"),
        ("{ 'struct': 'Nic', 'data': { 'id': 'str' } }", "one name in C", "<schema>:6"),
        ("{ 'struct': 'Nic', 'base': 'Device', 'data': {} }", "must be a struct", f"{ORIGIN}:1"),
        (
            "{ 'struct': 'Nic', 'data': {} }\n{ 'struct': 'Nic', 'data': {} }",
            "is defined a second time",
            f"{ORIGIN}:2",
        ),
        (
            "{ 'struct': 'Nic', 'data': {} }\n{ 'struct': 'Nac', 'data': {} }",
            "none of 'Nic', 'Nac' leads to all that is defined",
            f"{ORIGIN}:1",
        ),
        (
            "{ 'struct': 'Nic', 'data': {} }\n{ 'enum': 'Mode', 'data': [] }",
            "none of 'Nic' leads to all that is defined",
            f"{ORIGIN}:1",
        ),
        (
            "{ 'struct': 'Nic', 'data': {} }\n{ 'command': 'nic', 'data': 'Nic' }",
            "brings types along, not command 'nic'",
            f"{ORIGIN}:2",
        ),
        ("{ 'event': 'NIC', 'data': {'a': 'int'} }", "not event 'NIC'", f"{ORIGIN}:1"),
        ("{ 'include': 'nic.json' }", "no reader was handed in", f"{ORIGIN}:1"),
        pytest.param(
            "{ 'pragma': { 'member-name-exceptions': [ 'Nic' ] } }\n"
            "{ 'struct': 'Nic', 'data': { 'A': 'int' } }",
            "cannot bring pragmas along",
            f"{ORIGIN}:1",
        ),
    ],
)
def test_types_that_no_branch_can_have(given, message, place):
    with pytest.raises(SchemaError) as caught:
        add_branch(BASE, "Device", "nic", given)
    assert message in caught.value.message
    assert str(caught.value.location) == place
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("given", [None, 1, ["str"], b"Disk", True])
def test_what_is_no_type_at_all(given):
    with pytest.raises(TypeError, match="a branch's type is"):
        add_branch(BASE, "Device", "nic", given)


def test_a_case_that_was_added_is_there():
    added = add_branch(BASE, "Device", "nic", "Disk")
    with pytest.raises(SchemaError, match="has a branch 'nic' already"):
        add_branch(added, "Device", "nic", "Disk")


def test_a_feature_too_many():
    features = ", ".join(f"'f{number}'" for number in range(62))
    text = f"{{ 'struct': 'Nic', 'data': {{}}, 'features': [ {features} ] }}"
    added = add_branch(BASE, "Device", "nic", text)
    with pytest.raises(SchemaError, match="more than 64"):
        add_branch(added, "Device", "nac", {"a": {"type": "int", "features": ["f62"]}})


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("old", "stands in the schema itself: only one that was added can be removed"),
        ("null", "stands in the schema itself"),
        ("nic", "union type 'Device' has no branch 'nic'"),
        ("", "has no branch ''"),
        (None, "has no branch 'None'"),
    ],
)
def test_branches_that_cannot_be_removed(case, message):
    schema = add_branch(BASE, "Device", "other", "Disk")
    with pytest.raises(QscopeError) as caught:
        remove_branch(schema, "Device", case)
    assert message in str(caught.value)


def test_a_branch_is_removed_once():
    added = add_branch(BASE, "Device", "nic", "Disk")
    with pytest.raises(UnknownNameError, match="has no branch 'nic'"):
        remove_branch(remove_branch(added, "Device", "nic"), "Device", "nic")


# Types that several branches need.


HELPER = "{ 'struct': 'Helper', 'data': { 'a': [ 'int' ], '*c': [ 'Disk' ] } }"
FIRST = "{ 'struct': 'First', 'data': { 'h': 'Helper', 'i': [ 'Helper' ] } }\n" + HELPER
SECOND = "##\n# @Helper:\n##\n" + HELPER + "{ 'struct': 'Second', 'data': { 'x': [ 'Helper' ] } }"


def test_two_branches_may_bring_the_same_type():
    both = add_branch(add_branch(BASE, "Device", "one", FIRST), "Device", "two", SECOND)
    assert {"First", "Second", "Helper"} <= both.added.types
    one = remove_branch(both, "Device", "two")
    two = remove_branch(both, "Device", "one")
    assert introspect(one) == introspect(add_branch(BASE, "Device", "one", FIRST))
    assert introspect(two) == introspect(add_branch(BASE, "Device", "two", SECOND))
    assert "First" not in two.by_name
    again = add_branch(two, "Device", "one", FIRST)
    assert hash_of(again) == hash_of(both)
    for pair in itertools.permutations(["one", "two"]):
        left = again
        for case in pair:
            left = remove_branch(left, "Device", case)
        assert left.entities == BASE.entities


def test_two_branches_do_not_bring_different_types_of_one_name():
    added = add_branch(BASE, "Device", "one", FIRST)
    other = SECOND.replace("'a': [ 'int' ]", "'a': [ 'str' ]")
    with pytest.raises(SchemaError, match="'Helper' is defined a second time"):
        add_branch(added, "Device", "two", other)
    add_branch(remove_branch(added, "Device", "one"), "Device", "two", other)


def test_a_type_that_another_branch_needs_stays():
    added = add_branch(BASE, "Device", "one", FIRST)
    added = add_branch(added, "Device", "two", "Helper")
    added = add_branch(added, "Four", "three", {"a": ["Helper"]})
    left = remove_branch(added, "Device", "one")
    assert "First" not in left.by_name
    left = remove_branch(left, "Device", "two")
    assert "Helper" in left.by_name
    left = remove_branch(left, "Four", "three")
    assert left.entities == BASE.entities


def test_a_branch_may_bring_a_union_that_gets_branches_itself():
    text = (
        "{ 'enum': 'Sub', 'data': [ 'a' ] }\n{ 'union': 'Nic', 'base': { 'sub': 'Sub' },"
        " 'discriminator': 'sub', 'data': {} }"
    )
    outer = add_branch(BASE, "Device", "nic", text)
    inner = add_branch(outer, "Nic", "b", {"mac": "str"})
    assert introspect(remove_branch(inner, "Nic", "b")) == introspect(outer)
    with pytest.raises(SchemaError, match="one name in C"):
        add_branch(outer, "Nic", "b", {"driver": "str"})
    left = remove_branch(inner, "Device", "nic")
    assert left.entities == BASE.entities
    assert left.added == BASE.added
    assert introspect(add_branch(left, "Device", "nic", text)) == introspect(outer)


def test_an_added_branch_may_make_its_enum_everybodys():
    """Then no other can be added, but all can be removed."""
    added = add_branch(BASE, "Device", "nic", {"peer": "Driver"})
    with pytest.raises(SchemaError, match="'Driver' is used by struct 'DeviceNic', too"):
        add_branch(added, "Device", "nac", "Disk")
    assert remove_branch(added, "Device", "nic").entities == BASE.entities


# Garbage.


@settings(deadline=None)
@given(
    st.text(max_size=40)
    | st.lists(st.sampled_from("{}[]:,'#\n"), max_size=12).map("".join)
    | st.dictionaries(
        st.text(max_size=5),
        st.recursive(
            st.text(max_size=5) | st.none() | st.booleans() | st.integers(),
            lambda inner: (
                st.lists(inner, max_size=2)
                | st.dictionaries(st.sampled_from(["type", "if", "features", "x"]), inner)
            ),
        ),
        max_size=3,
    ),
    st.text(max_size=5),
)
def test_garbage_is_a_branch_or_an_error_of_the_schema(given, case):
    with contextlib.suppress(SchemaError):
        added = add_branch(BASE, "Device", case, given)
        assert remove_branch(added, "Device", case).entities == BASE.entities

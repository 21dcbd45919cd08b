"""Laws of the model: round trips, and hashes that see structure and nothing else."""

from itertools import product
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qscope.ask import Verdict, ask
from qscope.ask.suggest import complete
from qscope.errors import PathError
from qscope.model.canonical import canonical_form, interface_hash, schema_hash
from qscope.model.command_line import CommandLine, ProbedOption
from qscope.model.interface import Interface
from qscope.model.listings import Listings, Machine, QomType
from qscope.model.schema_info import (
    AlternateMember,
    AlternateType,
    ArrayType,
    BuiltinType,
    Command,
    Entity,
    EnumType,
    Event,
    Member,
    ObjectType,
    OpaqueEntity,
    decode_entities,
    encode_entity,
)
from tests.strategies import TYPE_NAMES, entities, interfaces, rename_types, shuffle


def encode(found: list[Entity]) -> bytes:
    return msgspec.json.encode([encode_entity(entity) for entity in found])


@given(entities())
def test_decoding_what_was_encoded_gives_it_back(found):
    assert decode_entities(encode(found)) == (tuple(found), ())


@given(entities(), st.permutations(TYPE_NAMES), st.data())
def test_names_and_order_change_no_hash(found, names, data):
    renamed = rename_types(
        found, {old: f"t{new}" for old, new in zip(TYPE_NAMES, names, strict=True)}
    )
    other = Interface(shuffle(renamed, data.draw))
    assert schema_hash(other) == schema_hash(Interface(found))
    assert interface_hash(other) == interface_hash(Interface(found))


@given(entities(alternates=False), st.permutations(TYPE_NAMES), st.data())
def test_names_and_order_change_no_answer(found, names, data):
    """Where a path meets an alternate the order of the branches decides, as in libvirt."""
    before = Interface(found)
    renamed = rename_types(
        found, {old: f"t{new}" for old, new in zip(TYPE_NAMES, names, strict=True)}
    )
    after = Interface(shuffle(renamed, data.draw))
    for path in find_paths(before, 3):
        assert judge(before, path) == judge(after, path), path
        assert judge(before, f"{path}/^a/$deprecated") == judge(after, f"{path}/^a/$deprecated")


def find_paths(interface: Interface, depth: int) -> list[str]:
    found = level = [entity.name for entity in (*interface.commands, *interface.events)]
    for _ in range(depth):
        level = [longer for path in level for longer in complete(interface, f"{path}/")][:40]
        found = found + level
    return found


def judge(interface: Interface, path: str) -> Verdict | None:
    try:
        return ask(interface, path).verdict
    except PathError:
        return None


@settings(max_examples=100)
@given(interfaces(), interfaces())
def test_equal_hash_means_equal_structure(one, other):
    assert (schema_hash(one) == schema_hash(other)) == are_bisimilar(one, other)


@given(entities(), st.data())
def test_a_type_written_twice_is_the_same_type(found, data):
    """Unroll: some mentions of a type go to a copy of it, which changes no structure."""
    types = [entity for entity in found if not isinstance(entity, Command | Event)]
    copied: Any = data.draw(st.sampled_from(types))
    copy = msgspec.structs.replace(copied, name="copy")
    redirected = [
        rename_types([entity], {copied.name: "copy"})[0]
        if entity is not copied and data.draw(st.booleans())
        else entity
        for entity in found
    ]
    kept = [entity for entity in redirected if entity.name != "copy"]
    unrolled = Interface([*kept, copy])
    assert schema_hash(unrolled) == schema_hash(Interface(found))
    assert are_bisimilar(unrolled, Interface(found))


@given(entities(), st.data())
def test_one_fact_changed_is_another_hash_or_out_of_reach(found, data):
    position = data.draw(st.integers(0, len(found) - 1))
    changes = [change_fact(found[position]), *redirect(found[position])]
    changed = list(found)
    changed[position] = data.draw(st.sampled_from(changes))
    one, other = Interface(found), Interface(changed)
    assert (schema_hash(one) == schema_hash(other)) == are_bisimilar(one, other)


def change_fact(entity: Any) -> Any:
    if isinstance(entity, Command):
        return msgspec.structs.replace(entity, allow_oob=not entity.allow_oob)
    if isinstance(entity, BuiltinType):
        return msgspec.structs.replace(entity, json_type="null")
    if isinstance(entity, ObjectType) and entity.members:
        first = msgspec.structs.replace(entity.members[0], listed_features=("new",))
        return msgspec.structs.replace(entity, members=(first, *entity.members[1:]))
    return msgspec.structs.replace(entity, listed_features=("new",))


def redirect(entity: Any) -> list[Any]:
    """Return the entity with its mentions of one type going to another."""
    own = entity.name
    renamed: list[Any] = [rename_types([entity], names)[0] for names in ({"0": "1"}, {"1": "0"})]
    return [msgspec.structs.replace(each, name=own) for each in renamed]


def are_bisimilar(one: Interface, other: Interface) -> bool:
    """The definition, naively: the largest relation in which partners match in every fact."""
    related = {
        (left.name, right.name)
        for left, right in product(one.entities or (), other.entities or ())
        if get_facts(left) == get_facts(right)
    }
    while True:
        kept = {
            (left, right)
            for left, right in related
            if match_edges(one.by_name[left], other.by_name[right], related)
        }
        if kept == related:
            break
        related = kept
    starts = [{each.name for each in (*side.commands, *side.events)} for side in (one, other)]
    return starts[0] == starts[1] and all((name, name) in related for name in starts[0])


def get_facts(entity: Entity) -> Any:
    match entity:
        case Command() | Event():
            own: Any = (entity.name, getattr(entity, "allow_oob", None))
        case BuiltinType():
            own = entity.json_type
        case EnumType():
            own = {(member.name, frozenset(member.features)) for member in entity.members}
        case ObjectType():
            members = {
                (each.name, each.optional, frozenset(each.features)) for each in entity.members
            }
            own = (members, entity.tag, {each.case for each in entity.variants})
        case _:
            own = None
    assert isinstance(entity, msgspec.Struct)
    return type(entity), set(entity.features), own


def match_edges(left: Entity, right: Entity, related: set[tuple[str, str]]) -> bool:
    match left, right:
        case Command(), Command():
            return {(left.arg_type, right.arg_type), (left.ret_type, right.ret_type)} <= related
        case Event(), Event():
            return (left.arg_type, right.arg_type) in related
        case ArrayType(), ArrayType():
            return (left.element_type, right.element_type) in related
        case ObjectType(), ObjectType():
            members = {each.name: each.type for each in right.members}
            variants = {each.case: each.type for each in right.variants}
            pairs = {(each.type, members[each.name]) for each in left.members}
            pairs |= {(each.type, variants[each.case]) for each in left.variants}
            return pairs <= related
        case AlternateType(), AlternateType():
            lefts = {each.type for each in left.members}
            rights = {each.type for each in right.members}
            return all(any((a, b) in related for b in rights) for a in lefts) and all(
                any((a, b) in related for a in lefts) for b in rights
            )
        case _:
            return True


def make(**specs: Any) -> Interface:
    """Build types from a short notation; `c` is the command's (arg-type, ret-type)."""
    found: list[Entity] = []
    for name, spec in specs.items():
        match spec:
            case str():
                found.append(BuiltinType(name=name, json_type=spec))
            case [element]:
                found.append(ArrayType(name=name, element_type=element))
            case {**members}:
                pairs: dict[Any, Any] = members
                parts = tuple(Member(name=key, type=pairs[key]) for key in pairs)
                found.append(ObjectType(name=name, members=parts))
            case set() | frozenset():
                branches = tuple(AlternateMember(type=each) for each in sorted(spec))
                found.append(AlternateType(name=name, members=branches))
            case _:
                found.append(Command(name=name, arg_type=spec.arg, ret_type=spec.ret))
    return Interface(found)


class Uses(NamedTuple):
    arg: str
    ret: str


SCALARS = {"i": "int", "s": "string"}


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        pytest.param(
            make(c=Uses("a", "a"), a=["a"]),
            make(c=Uses("a", "b"), a=["b"], b=["a"]),
            True,
            id="a rolled recursion and an unrolled one, which components would tell apart",
        ),
        pytest.param(
            make(c=Uses("a", "i"), a={"x", "y"}, x=["i"], y=["s"], **SCALARS),
            make(c=Uses("a", "i"), a={"x", "y"}, x=["s"], y=["i"], **SCALARS),
            True,
            id="branches of an alternate in another order",
        ),
        pytest.param(
            make(c=Uses("a", "i"), a={"x"}, x=["i"], **SCALARS),
            make(c=Uses("a", "i"), a={"x", "y"}, x=["i"], y=["i"], **SCALARS),
            True,
            id="a branch of an alternate written twice",
        ),
        pytest.param(
            make(c=Uses("a", "b"), a=["x"], b=["y"], x=["i"], y=["i"], **SCALARS),
            make(c=Uses("a", "b"), a=["x"], b=["y"], x=["i"], y=["s"], **SCALARS),
            False,
            id="a difference two steps away",
        ),
        pytest.param(
            make(c=Uses("a", "b"), a=["x"], b=["y"], x=["i"], y=["s"], **SCALARS),
            make(c=Uses("a", "b"), a=["x"], b=["y"], x=["s"], y=["i"], **SCALARS),
            False,
            id="the same two steps away, the other way round",
        ),
        pytest.param(
            make(c=Uses("a", "b"), a={"m": "i"}, b={"m": "s"}, **SCALARS),
            make(c=Uses("b", "a"), a={"m": "i"}, b={"m": "s"}, **SCALARS),
            False,
            id="arguments and result exchanged",
        ),
        pytest.param(
            make(c=Uses("a", "a"), a={"m": "i", "n": "s"}, **SCALARS),
            make(c=Uses("a", "a"), a={"m": "s", "n": "i"}, **SCALARS),
            False,
            id="types of two members exchanged",
        ),
    ],
)
def test_structure_is_what_a_client_can_tell_apart(one, other, equal):
    assert are_bisimilar(one, other) is equal
    assert (schema_hash(one) == schema_hash(other)) is equal


def test_the_name_of_a_type_not_understood_counts_in_no_hash():
    def use(name: str, meta_type: str) -> Interface:
        entry = OpaqueEntity(name, meta_type, {"name": name, "meta-type": meta_type})
        return Interface([Event(name="X", arg_type=name), entry])

    assert schema_hash(use("1", "map")) == schema_hash(use("2", "map"))
    assert schema_hash(use("1", "map")) != schema_hash(use("1", "set"))


def test_what_no_command_mentions_counts_only_in_neither_hash():
    used: list[Entity] = [
        BuiltinType(name="int", json_type="int"),
        Command(name="c", arg_type="int", ret_type="int"),
    ]
    unused = BuiltinType(name="str", json_type="string")
    assert canonical_form(Interface([*used, unused])) == canonical_form(Interface(used))


def test_listings_count_in_the_interface_hash_alone_and_in_no_order():
    machines = (Machine(name="q35"), Machine(name="pc"))
    one = Interface([], listings=Listings(machines=machines))
    other = Interface([], listings=Listings(machines=machines[::-1]))
    more = Interface([], listings=Listings(machines=machines, devices=(QomType(name="d"),)))
    assert interface_hash(one) == interface_hash(other) != interface_hash(more)
    assert schema_hash(one) == schema_hash(more)


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        pytest.param({"help": "other words"}, True, id="help"),
        pytest.param({"in_help": False, "deprecated": True}, True, id="what help shows"),
        pytest.param({"arg": False}, False, id="arity"),
        pytest.param({"json": True}, False, id="JSON"),
        pytest.param({"closed": True}, False, id="closed"),
        pytest.param({"unavailable": "module-missing"}, False, id="availability"),
    ],
)
def test_options_count_in_the_interface_hash_and_prose_does_not(changed, same):
    option = ProbedOption(arg=True, json=False, closed=False, in_help=True, help="words")
    one, other = (
        Interface([], command_line=CommandLine(options={"drive": each}))
        for each in (option, msgspec.structs.replace(option, **changed))
    )
    assert (interface_hash(one) == interface_hash(other)) is same
    assert schema_hash(one) == schema_hash(other)

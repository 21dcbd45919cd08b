"""Hypothesis strategies: interfaces, small enough that equal and recursive types are common."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from hypothesis import strategies as st

from qscope.model.interface import Interface
from qscope.model.schema_info import (
    AlternateMember,
    AlternateType,
    ArrayType,
    BuiltinType,
    Command,
    Entity,
    EnumMember,
    EnumType,
    Event,
    Member,
    ObjectType,
    Variant,
)

FEATURES = st.one_of(
    st.just(msgspec.UNSET),
    st.lists(st.sampled_from(["deprecated", "unstable"]), unique=True).map(tuple),
)
NAMES = ["a", "b", "c"]
TYPE_NAMES = ["0", "1", "2", "3", "4", "5"]


def _subset(strategy: st.SearchStrategy[Callable[[str], Any]]) -> st.SearchStrategy[Any]:
    """Up to two of the names, each put into something that `strategy` makes of a name."""
    pairs = st.tuples(st.sampled_from(NAMES), strategy)
    several = st.lists(pairs, unique_by=lambda pair: pair[0], max_size=2)
    return several.map(lambda found: tuple(make(name) for name, make in found))


def _members(types: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[Member, ...]]:
    def build(parts: tuple[str, bool, Any]) -> Callable[[str], Member]:
        target, optional, features = parts
        default = None if optional else msgspec.UNSET
        return lambda name: Member(
            name=name, type=target, default=default, listed_features=features
        )

    found: st.SearchStrategy[tuple[Member, ...]] = _subset(
        st.tuples(types, st.booleans(), FEATURES).map(build)
    )
    return found


def _variants(types: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[Variant, ...]]:
    found: st.SearchStrategy[tuple[Variant, ...]] = _subset(
        types.map(lambda target: lambda name: Variant(case=name, type=target))
    )
    return found


def _types(
    name: str, targets: st.SearchStrategy[str], *, alternates: bool
) -> st.SearchStrategy[Entity]:
    values = st.lists(st.sampled_from(NAMES), unique=True, max_size=2)
    kinds: list[st.SearchStrategy[Any]] = [
        st.builds(BuiltinType, name=st.just(name), json_type=st.sampled_from(["int", "string"])),
        st.builds(ArrayType, name=st.just(name), element_type=targets),
        st.builds(
            ObjectType,
            name=st.just(name),
            members=_members(targets),
            tag=st.sampled_from([None, "a"]),
            variants=_variants(targets),
            listed_features=FEATURES,
        ),
        st.builds(
            EnumType,
            name=st.just(name),
            sent_members=values.map(lambda names: tuple(EnumMember(name=each) for each in names)),
        ),
        st.builds(EnumType, name=st.just(name), sent_values=values.map(tuple)),
    ]
    if alternates:
        branches = st.lists(targets, min_size=1, max_size=2).map(
            lambda names: tuple(AlternateMember(type=each) for each in names)
        )
        kinds.append(st.builds(AlternateType, name=st.just(name), members=branches))
    return st.one_of(kinds)


@st.composite
def entities(draw: st.DrawFn, *, alternates: bool = True) -> list[Entity]:
    """Some types that refer to each other at random, and commands and events that use them."""
    names = TYPE_NAMES[: draw(st.integers(1, len(TYPE_NAMES)))]
    targets = st.sampled_from(names)
    found: list[Entity] = [draw(_types(name, targets, alternates=alternates)) for name in names]
    commands = draw(st.lists(st.sampled_from(["query-x", "x-add"]), unique=True, min_size=1))
    found += [
        Command(
            name=name,
            arg_type=draw(targets),
            ret_type=draw(targets),
            allow_oob=draw(st.booleans()),
            listed_features=draw(FEATURES),
        )
        for name in commands
    ]
    if draw(st.booleans()):
        found.append(Event(name="X_GONE", arg_type=draw(targets)))
    return found


def interfaces(*, alternates: bool = True) -> st.SearchStrategy[Interface]:
    """Interfaces of such entities."""
    return entities(alternates=alternates).map(Interface)


def rename_types(found: Sequence[Entity], names: dict[str, str]) -> list[Entity]:
    """Give types other names, everywhere they are mentioned."""
    return [_rename(entity, names) for entity in found]


def _rename(entity: Any, names: dict[str, str]) -> Any:
    changes: dict[str, Any] = {}
    for field in ("name", "type", "arg_type", "ret_type", "element_type"):
        if isinstance(getattr(entity, field, None), str):
            old = getattr(entity, field)
            renames = field != "name" or not isinstance(entity, Command | Event | Member)
            changes[field] = names.get(old, old) if renames else old
    for field in ("members", "variants"):
        if field in type(entity).__struct_fields__:
            changes[field] = tuple(_rename(each, names) for each in getattr(entity, field))
    return msgspec.structs.replace(entity, **changes)


def shuffle(found: Sequence[Entity], draw: st.DrawFn) -> list[Entity]:
    """Put entities, members, values, variants and features in another order."""
    return draw(st.permutations([_shuffle(entity, draw) for entity in found]))


def _shuffle(part: Any, draw: st.DrawFn) -> Any:
    changes: dict[str, Any] = {}
    for field in type(part).__struct_fields__:
        value = getattr(part, field)
        if isinstance(value, tuple):
            parts = [
                _shuffle(each, draw) if isinstance(each, msgspec.Struct) else each for each in value
            ]
            changes[field] = tuple(draw(st.permutations(parts)))
    return msgspec.structs.replace(part, **changes)

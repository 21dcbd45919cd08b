"""Walk a schema along a path, exactly as libvirt does (virQEMUQAPISchemaPathGet, 9.0.0).

In: a function that finds entities, the name of one, the steps. Out: `Walk`: found or not, the
entity reached or where the path stopped. What libvirt answers with -1 is a PathError here.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias, assert_never

from qscope.ask.path import Step
from qscope.errors import PathError
from qscope.model.schema_info import (
    AlternateType,
    ArrayType,
    BuiltinType,
    Command,
    Entity,
    EnumType,
    Event,
    Featured,
    Member,
    ObjectType,
    OpaqueEntity,
)

# libvirt takes a longer chain for a loop.
_MAX_DEPTH = 1000


class Walk(NamedTuple):
    """Where a walk ended: behind the last component, or at the one that decides.

    `found` is None inside an entity of a meta-type not understood.
    """

    found: bool | None
    entity: Entity
    position: int


class _Next(NamedTuple):
    """Go on with one of these entities, tried in order, at this step."""

    names: tuple[str, ...]
    position: int


class _End(NamedTuple):
    """Nothing follows: the component at `position` is there, is not there, or cannot be told."""

    found: bool | None
    position: int


_Outcome: TypeAlias = _Next | _End


def walk(find: Callable[[str], Entity | None], name: str, steps: Sequence[Step]) -> Walk:
    """Follow `steps` from the entity `name`, which must exist; `find` returns entities by name.

    Raises PathError where a component stands after one that must be last, where the schema refers
    to a type it does not have, and for a loop.
    """
    pending = [(name, 0, 0)]
    stop: Walk | None = None
    while pending:
        name, position, depth = pending.pop()
        entity = find(name)
        if entity is None:
            raise PathError(f"the schema refers to type {name!r} and does not have it")
        if depth > _MAX_DEPTH:
            raise PathError("the path or the schema goes in a loop")
        if position == len(steps):
            return Walk(True, entity, position)
        outcome = _take_step(entity, steps, position)
        if isinstance(outcome, _Next):
            pending += [(each, outcome.position, depth + 1) for each in reversed(outcome.names)]
            continue
        ended = Walk(outcome.found, entity, outcome.position)
        if ended.found:
            return ended
        # Another branch of an alternate may still have it. What is left is what got furthest, or
        # what could not be told.
        if stop is None or (ended.found is None, ended.position) >= (
            stop.found is None,
            stop.position,
        ):
            stop = ended
    assert stop is not None
    return stop


def try_walk(find: Callable[[str], Entity | None], name: str, steps: Sequence[Step]) -> Walk | None:
    """Walk likewise where nobody asked for it; None where that is an error, or nothing is there.

    For what an answer only adds: a broken schema must not spoil the rest.
    """
    try:
        ended = walk(find, name, steps)
    except PathError:
        return None
    return ended if ended.found else None


def _take_step(entity: Entity, steps: Sequence[Step], position: int) -> _Outcome:
    match entity:
        case ObjectType():
            return _enter_object(entity, steps, position)
        case Command() | Event():
            return _enter_command(entity, steps, position)
        case EnumType():
            return _enter_enum(entity, steps, position)
        case ArrayType():
            return _Next((entity.element_type,), position)
        case BuiltinType():
            return _enter_builtin(entity, steps, position)
        case AlternateType():
            return _Next(tuple(member.type for member in entity.members), position)
        case OpaqueEntity():
            return _End(None, position)
        case _:
            assert_never(entity)


def _enter_object(entity: ObjectType, steps: Sequence[Step], position: int) -> _Outcome:
    modifier, name = steps[position].modifier, steps[position].name
    if modifier in ("^", "!"):
        return _End(False, position)
    if modifier == "$":
        return _end_at_feature(entity, steps, position)
    if modifier == "+":
        for variant in entity.variants:
            if variant.case == name:
                return _Next((variant.type,), position + 1)
        return _End(False, position)
    for member in entity.members:
        if member.name == name:
            return _enter_member(member, steps, position)
    return _End(False, position)


def _enter_member(member: Member, steps: Sequence[Step], position: int) -> _Outcome:
    if steps[position].modifier == "*" and not member.optional:
        return _End(False, position)
    following = steps[position + 1] if position + 1 < len(steps) else None
    if following and following.text.startswith("$$"):
        # qscope's own: the feature of the member itself, where `$` asks its type.
        _must_be_last(steps, position + 1)
        return _End(following.text[2:] in member.features, position + 1)
    return _Next((member.type,), position + 1)


def _enter_command(entity: Command | Event, steps: Sequence[Step], position: int) -> _Outcome:
    modifier, name = steps[position].modifier, steps[position].name
    if modifier in ("^", "!", "+", "*"):
        return _End(False, position)
    if modifier == "$":
        return _end_at_feature(entity, steps, position)
    target = _read_key(entity, name)
    return _End(False, position) if target is None else _Next((target,), position + 1)


def _read_key(entity: Command | Event, key: str) -> str | None:
    """Return the string under `key` of the entry: libvirt follows any, also `name`."""
    if key == "ret-type":
        return entity.ret_type if isinstance(entity, Command) else None
    keys = {"arg-type": entity.arg_type, "name": entity.name, "meta-type": entity.meta_type}
    return keys.get(key)


def _enter_enum(entity: EnumType, steps: Sequence[Step], position: int) -> _Outcome:
    if steps[position].modifier != "^":
        return _End(False, position)
    feature = steps[position + 1] if position + 1 < len(steps) else None
    if feature:
        if feature.modifier != "$":
            raise _misplaced(steps, position)
        _must_be_last(steps, position + 1)
    for member in entity.members:
        if member.name == steps[position].name:
            if feature is None:
                return _End(True, position)
            return _End(feature.name.removeprefix("$") in member.features, position + 1)
    return _End(False, position)


def _enter_builtin(entity: BuiltinType, steps: Sequence[Step], position: int) -> _Outcome:
    if steps[position].modifier != "!":
        return _End(False, position)
    _must_be_last(steps, position)
    return _End(steps[position].name == entity.json_type, position)


def _end_at_feature(entity: Featured, steps: Sequence[Step], position: int) -> _End:
    _must_be_last(steps, position)
    return _End(steps[position].name in entity.features, position)


def _must_be_last(steps: Sequence[Step], position: int) -> None:
    if position + 1 < len(steps):
        raise _misplaced(steps, position)


def _misplaced(steps: Sequence[Step], position: int) -> PathError:
    text, after = steps[position].text, steps[position + 1].text
    return PathError(f"malformed path: nothing can follow {text!r}, but {after!r} does")

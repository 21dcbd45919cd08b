"""A command line that a server describes itself: the reply of `query-command-line`.

In: an array of `Option` entities and of the SchemaInfo entities that their `arg-type`s lead to, in
the form of query-qmp-schema. Out: `ServedLine`. Names of types mean something in that reply alone:
they are given a prefix, so that they meet none of the schema. Next stage: interface.py.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from qscope.model.decoding import UNREADABLE
from qscope.model.option import Option, OptionEvidence
from qscope.model.schema_info import (
    AlternateType,
    ArrayType,
    BuiltinType,
    Command,
    Entity,
    EnumType,
    Event,
    ObjectType,
    Oddity,
    OpaqueEntity,
    convert_entities,
)

SOURCE = "query-command-line"
_PREFIX = "served:"
_KEYS = frozenset(Option.__struct_encode_fields__) - {"evidence"}


class ServedLine(NamedTuple):
    """Which options a server says its program has: all of them.

    `opaque` are options of which no more than the name is understood, `entities` the types of
    arguments, `oddities` what this version does not understand. Where the server was asked and did
    not tell, `silence` says why, and there is nothing else.
    """

    options: Mapping[str, Option] = {}
    opaque: frozenset[str] = frozenset()
    entities: tuple[Entity, ...] = ()
    oddities: tuple[Oddity, ...] = ()
    silence: str = ""


def decode_served(told: bytes | msgspec.Raw) -> ServedLine | None:
    """Decode what the index has: a reply, a text that says why there is none, or null."""
    try:
        reply = msgspec.json.decode(told, type=list[Any] | str | None)
    except UNREADABLE as error:
        return ServedLine(silence=f"its answer makes no sense: {error}")
    match reply:
        case None:
            return None
        case str():
            return ServedLine(silence=reply)
        case _:
            return _read(reply)


def _read(items: list[Any]) -> ServedLine:
    """Read a reply. An entry that says neither what it is nor whose leaves the list in doubt."""
    options: dict[str, Option] = {}
    opaque: set[str] = set()
    others: list[Any] = []
    oddities: list[Oddity] = []
    for number, item in enumerate(items):
        name = item.get("name") if isinstance(item, dict) else None
        if not name or not isinstance(name, str):
            return ServedLine(silence=f"its answer has an unexpected form: entry {number}")
        if item.get("meta-type") != Option.meta_type:
            others.append(item)
            continue
        if name in options or name in opaque:
            oddities.append(Oddity(name=name, what="the option occurs twice", raw=item))
            continue
        option, what = _decode_option(item)
        if option is None:
            opaque.add(name)
        else:
            options[name] = option
        if what:
            oddities.append(Oddity(name=name, what=what, raw=item))
    entities, more = convert_entities(others)
    unique = {each.name: each for each in map(_rename, reversed(entities))}
    return ServedLine(
        options, frozenset(opaque), tuple(reversed(unique.values())), (*oddities, *more)
    )


def _decode_option(item: dict[str, Any]) -> tuple[Option | None, str]:
    """Return the option and what is odd about it ("" for nothing).

    What it rests on is told anew: all of it on this reply.
    """
    known = {key: value for key, value in item.items() if key in _KEYS}
    dropped = [key for key in item if key not in (*_KEYS, "evidence", "meta-type")]
    try:
        option = msgspec.convert(known | {"meta-type": Option.meta_type}, type=Option)
    except msgspec.ValidationError as error:
        return None, f"not a valid option: {error}"
    evidence = (OptionEvidence("served", SOURCE),)
    arg_type = None if option.arg_type is None else _PREFIX + option.arg_type
    what = f"unknown key {', '.join(dropped)}" if dropped else ""
    return replace(option, arg_type=arg_type, evidence=evidence), what


def _rename(entity: Entity) -> Entity:
    """Return an entity whose own name, and those of the types it mentions, have the prefix."""
    name = _PREFIX + entity.name
    match entity:
        case ArrayType():
            return replace(entity, name=name, element_type=_PREFIX + entity.element_type)
        case ObjectType():
            members, variants = _retype(entity.members), _retype(entity.variants)
            return replace(entity, name=name, members=members, variants=variants)
        case AlternateType():
            return replace(entity, name=name, members=_retype(entity.members))
        case Command():
            arg_type, ret_type = _PREFIX + entity.arg_type, _PREFIX + entity.ret_type
            return replace(entity, name=name, arg_type=arg_type, ret_type=ret_type)
        case Event():
            return replace(entity, name=name, arg_type=_PREFIX + entity.arg_type)
        case BuiltinType() | EnumType():
            return replace(entity, name=name)
        case OpaqueEntity():
            return entity._replace(name=name)


def _retype(parts: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(replace(each, type=_PREFIX + each.type) for each in parts)

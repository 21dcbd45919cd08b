"""A command line as data: what `query-command-line` of a server answers.

In: a `CommandLine`. Out: `Option` entities (model/option.py) and the SchemaInfo entities that their
`arg-type`s lead to. As in query-qmp-schema, names of types say nothing, and mean nothing outside of
the answer.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from qscope.model.interface import find_references
from qscope.model.option import Option
from qscope.model.schema_info import ArrayType, Event, KnownEntity, ObjectType, encode_entity
from qscope.qapi import definitions
from qscope.qapi.introspect import introspect
from qscope.serve.command_line.line import CommandLine
from qscope.serve.command_line.options import TypedOption, find_object
from qscope.serve.types.nodes import Enum

# Introspection begins at commands and events; this one is not sent.
_USER = "q_command_line"


def describe_line(line: CommandLine, *, unmask: bool = False) -> list[dict[str, Any]]:
    """Return the entities as they are on the wire; `unmask` keeps the names of types."""
    entities = _introspect(line, unmask=unmask)
    options = list(_describe(line, entities))
    used = _follow(entities, [each.arg_type for each in options if each.arg_type])
    return [*map(_encode, options), *(encode_entity(entities[name]) for name in used)]


def _introspect(line: CommandLine, *, unmask: bool) -> dict[str, KnownEntity]:
    schema = line.schema
    user = definitions.Event(name=_USER, arg_type=line.type_name)
    found = introspect(schema.by_name, schema.shapes, [user], line.defines, unmask=unmask)
    return {each.name: each for each in found}


def _describe(line: CommandLine, entities: Mapping[str, KnownEntity]) -> Iterator[Option]:
    user = entities[_USER]
    assert isinstance(user, Event)
    struct = entities[user.arg_type]
    assert isinstance(struct, ObjectType)
    types = {each.name: entities.get(each.type) for each in struct.members}
    for option in line.options:
        yield from _describe_option(option, types[option.name])


def _describe_option(option: TypedOption, told: KnownEntity | None) -> Iterator[Option]:
    deprecated = "deprecated" in option.member.features
    if option.is_flag:
        for name, sugar in ((option.name, ""), (option.negation, f"--{option.name}=off")):
            yield Option(
                name=name,
                arg=False,
                syntax=option.syntax,
                repeat=option.repeat,
                sugar=sugar,
                deprecated=deprecated,
                completeness="exact",
            )
        return
    yield Option(
        name=option.name,
        arg=True,
        arg_type=told.element_type if isinstance(told, ArrayType) else told.name if told else None,
        syntax=option.syntax,
        implied_key=option.implied_key,
        repeat=option.repeat,
        closed=True if find_object(option.type) else None,
        deprecated=deprecated,
        # A type that is configured out, and its user is not.
        completeness="exact" if told else "unknown",
        words=tuple(option.type.values) if isinstance(option.type, Enum) else None,
    )


def _follow(entities: Mapping[str, KnownEntity], names: Iterable[str]) -> Iterable[str]:
    """Return the names of all entities that these lead to."""
    found = dict.fromkeys(names)
    waiting = list(found)
    for name in waiting:  # grows while it is read
        new = [each for each in find_references(entities[name]) if each not in found]
        known = dict.fromkeys(each for each in new if each in entities)
        found |= known
        waiting += known
    return found


def _encode(option: Option) -> dict[str, Any]:
    """Return an option without what is as it is with most options."""
    wire, usual = (
        msgspec.json.decode(msgspec.json.encode(each))
        for each in (option, Option(name="", arg=not option.arg))
    )
    kept = ("name", "meta-type")
    return {name: each for name, each in wire.items() if name in kept or each != usual[name]}

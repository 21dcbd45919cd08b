"""What errors call things: the words of QEMU's schema.py, which its users know."""

from typing import assert_never

from qscope.qapi.definitions import (
    IMPLICIT,
    Alternate,
    Array,
    Builtin,
    Command,
    Definition,
    Entity,
    Enum,
    Event,
    Object,
)


def describe(entity: Entity) -> str:
    """Name an entity and its kind: `struct type 'X'`."""
    return f"{_kind(entity)} '{entity.name}'"


def _kind(entity: Entity) -> str:
    match entity:
        case Builtin():
            return "built-in type"
        case Enum():
            return "enum type"
        case Array():
            return "array type"
        case Object(discriminator=None):
            return "object type" if entity.implicit or entity.place is None else "struct type"
        case Object():
            return "union type"
        case Alternate():
            return "alternate type"
        case Command():
            return "command"
        case Event():
            return "event"
        case _:
            assert_never(entity)


def describe_part(role: str, name: str, owner: str, within: Definition) -> str:
    """Name a part of `owner` for an error about the definition `within`.

    The owner is left out when it is that definition, and the implicit type of inline members is
    called what it is for.
    """
    if owner.startswith(IMPLICIT):
        owner, _, purpose = owner.removeprefix(IMPLICIT).rpartition("-")
        role = "parameter" if purpose == "arg" else f"base {role}"
    if f" '{owner}'" in within.context:
        return f"{role} '{name}'"
    return f"{role} '{name}' of type '{owner}'"

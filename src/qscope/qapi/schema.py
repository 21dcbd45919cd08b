"""The resolved schema: what a QAPI schema defines, every name in it known to mean something.

`Schema` has the definitions in the order in which they were made, arrays and the implicit types of
inline members among them. Types are mentioned by name; `Schema.types` finds them. An array of T is
the type `TList`, as in QEMU.
"""

import functools
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from msgspec import Struct

from qscope.qapi.conditions import Condition, find_symbols
from qscope.qapi.source import Place

if TYPE_CHECKING:
    from qscope.model.schema_info import KnownEntity
    from qscope.qapi.docs import Doc

# The type of arguments and results that are not there.
EMPTY = "q_empty"
IMPLICIT = "q_obj_"


class Feature(Struct, frozen=True, gc=False):
    """A feature of a definition, a member or a value."""

    name: str
    condition: Condition | None = None


Features: TypeAlias = tuple[Feature, ...]


class Value(Struct, frozen=True, gc=False):
    """A value of an enum."""

    name: str
    condition: Condition | None = None
    # None: no list of features at all, which introspection tells from an empty one.
    features: Features | None = None


class Member(Struct, frozen=True, gc=False):
    """A member of an object type: an argument, a struct's member."""

    name: str
    type: str
    optional: bool = False
    condition: Condition | None = None
    features: Features | None = None


class Branch(Struct, frozen=True, gc=False):
    """A branch of a union or of an alternate."""

    # As members and values have, but branches cannot.
    features: ClassVar[None] = None
    name: str
    type: str
    condition: Condition | None = None


class Definition(Struct, frozen=True, gc=False, kw_only=True):
    """What every definition has.

    `place` is None for what is built in. `context` names the definition in the source, as errors
    do: `struct 'X'`; for an array, the one that mentions it first.
    """

    name: str
    place: Place | None = None
    context: str = ""
    doc: "Doc | None" = None
    condition: Condition | None = None
    features: Features | None = None


class Builtin(Definition, frozen=True, gc=False, kw_only=True):
    """A built-in type; `json_type` is what it is on the wire."""

    json_type: str


class Enum(Definition, frozen=True, gc=False, kw_only=True):
    """An enum."""

    values: tuple[Value, ...]
    prefix: str | None = None


class Array(Definition, frozen=True, gc=False, kw_only=True):
    """An array type."""

    element: str


class Object(Definition, frozen=True, gc=False, kw_only=True):
    """A struct, a union (it has a discriminator), or the implicit type of inline members.

    `members` are its own, without those of `base`; `branches` those written in the schema.
    """

    members: tuple[Member, ...] = ()
    base: str | None = None
    discriminator: str | None = None
    branches: tuple[Branch, ...] = ()

    @property
    def implicit(self) -> bool:
        """Whether nobody gave it a name."""
        return self.name.startswith(IMPLICIT)


class Alternate(Definition, frozen=True, gc=False, kw_only=True):
    """An alternate."""

    branches: tuple[Branch, ...]


class Command(Definition, frozen=True, gc=False, kw_only=True):
    """A command. Types are None where nothing was written."""

    arg_type: str | None = None
    ret_type: str | None = None
    boxed: bool = False
    gen: bool = True
    success_response: bool = True
    allow_oob: bool = False
    allow_preconfig: bool = False
    coroutine: bool = False


class Event(Definition, frozen=True, gc=False, kw_only=True):
    """An event."""

    arg_type: str | None = None
    boxed: bool = False


Type: TypeAlias = Builtin | Enum | Array | Object | Alternate
Entity: TypeAlias = Type | Command | Event


class Shape(Struct, frozen=True, gc=False):
    """What resolving found out about an object type: all members, base first, and all branches."""

    members: tuple[Member, ...]
    branches: tuple[Branch, ...] = ()


class Schema:
    """A schema that keeps all rules of the language.

    `entities` are in the order of their definition, built-in ones first; `shapes` has what objects
    inherit; `modules` are the names of its files, in the order in which introspection goes through
    them; `docs` are all documentation comments, those of no definition among them.
    """

    def __init__(
        self,
        entities: Iterable[Entity],
        shapes: dict[str, Shape],
        modules: Iterable[str],
        docs: "Iterable[Doc]",
    ) -> None:
        self.entities = tuple(entities)
        self.by_name = {entity.name: entity for entity in self.entities}
        self.shapes = shapes
        self.modules = tuple(modules)
        self.docs = tuple(docs)

    def introspect(
        self, defines: Iterable[str] = (), *, unmask: bool = False
    ) -> "tuple[KnownEntity, ...]":
        """Return the SchemaInfo of a program built with these symbols defined, as QEMU has it.

        `unmask` keeps the names of types.
        """
        from qscope.qapi.introspect import introspect  # noqa: PLC0415 - it imports this module

        return introspect(self, frozenset(defines), unmask=unmask)

    def find_commands_and_events(self) -> "list[Command | Event]":
        """Return them in introspection's order: file by file, as they are defined there."""
        found = [entity for entity in self.entities if isinstance(entity, Command | Event)]
        rank = {name: number for number, name in enumerate(self.modules)}
        return sorted(found, key=lambda each: rank[each.place.source.name] if each.place else 0)

    @functools.cached_property
    def symbols(self) -> tuple[str, ...]:
        """All symbols that its conditions mention, sorted."""
        return tuple(
            sorted({name for each in self.find_conditions() for name in find_symbols(each)})
        )

    def find_conditions(self) -> Iterator[Condition]:
        """Yield every condition, in order, as often as it is written."""
        for entity in self.entities:
            for condition in _conditions(entity):
                if condition is not None:
                    yield condition


def _conditions(entity: Entity) -> Iterator[Condition | None]:
    yield from _featured(entity.condition, entity.features)
    match entity:
        case Enum(values=parts) | Object(members=parts):
            for part in parts:
                yield from _featured(part.condition, part.features)
        case _:
            pass
    if isinstance(entity, Object | Alternate):
        yield from (branch.condition for branch in entity.branches)


def _featured(condition: Condition | None, features: Features | None) -> Iterator[Condition | None]:
    yield condition
    yield from (feature.condition for feature in features or ())

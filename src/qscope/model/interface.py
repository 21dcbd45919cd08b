"""`Interface`: what one QEMU can do, indexed by name; nobody changes it once it is made.

In: an `Index` (or entities, for those who make an interface themselves). Out: what every reader in
`ask` works on.
"""

import copy
import functools
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from qscope.errors import SnapshotError
from qscope.model.annotations import Annotations
from qscope.model.decoding import UNREADABLE
from qscope.model.index import Index, make_index
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
    decode_entities,
)
from qscope.model.snapshot import Identity, Snapshot

if TYPE_CHECKING:
    from qscope.model.command_line import CommandLine
    from qscope.model.listings import Listings
    from qscope.model.properties import PropertyTable
    from qscope.model.qom import QomTypes
    from qscope.model.served import ServedLine


class Interface:
    """The interface of one QEMU.

    `entities` are those of `query-qmp-schema` as received, or None when the server cannot tell;
    `by_name` finds them; `listings` is what other commands enumerate (given whole, or as a function
    that returns it when it is needed), `properties` what types told of their properties (likewise),
    of which `qom` makes types, `command_line` what runs of the binary showed (likewise), `served`
    what a server told of its program's command line (likewise; None where it does not offer to);
    `oddities` is what this version did not understand; `identity` says which QEMU it is.
    `schema_source` is what says what the entities say; `annotations` are facts about them that are
    not on the wire.
    """

    def __init__(
        self,
        entities: Iterable[Entity] | None,
        *,
        listings: "Listings | Callable[[], Listings] | None" = None,
        properties: "PropertyTable | Callable[[], PropertyTable] | None" = None,
        command_line: "CommandLine | Callable[[], CommandLine] | None" = None,
        served: "ServedLine | Callable[[], ServedLine | None] | None" = None,
        oddities: Iterable[Oddity] = (),
        identity: Identity | None = None,
        schema_source: str = "query-qmp-schema",
        annotations: Annotations | None = None,
    ) -> None:
        self.entities = None if entities is None else tuple(entities)
        self._listings = listings
        self._properties = properties
        self._command_line = command_line
        self._served = served
        self.identity = identity or Identity()
        self.schema_source = schema_source
        self.annotations = annotations
        self.by_name: dict[str, Entity] = {}
        repeated = [
            Oddity(name=entity.name, what="the name occurs twice")
            for entity in self.entities or ()
            if self.by_name.setdefault(entity.name, entity) is not entity
        ]
        self.oddities = (*oddities, *repeated)

    @classmethod
    def from_index(cls, index: Index) -> "Interface":
        """Build the interface an index holds. Raises SnapshotError when its schema is no array."""
        entities: tuple[Entity, ...] | None = None
        oddities: tuple[Oddity, ...] = ()
        if index.has_schema:
            try:
                entities, oddities = decode_entities(index.schema)
            except UNREADABLE as error:
                raise SnapshotError(f"damaged query-qmp-schema reply: {error}") from error
        return cls(
            entities,
            listings=lambda: index.listings,
            properties=lambda: index.properties,
            command_line=lambda: index.command_line,
            served=lambda: index.served_line,
            oddities=oddities,
            identity=index.identity,
        )

    @classmethod
    def from_snapshot(cls, snapshot: Snapshot) -> "Interface":
        """Build the interface that raw answers show."""
        return cls.from_index(make_index(snapshot))

    def with_annotations(self, annotations: Annotations) -> "Interface":
        """Return the same interface with these annotations."""
        twin = copy.copy(self)
        twin.annotations = annotations
        twin.__dict__.pop("_by_source_name", None)
        return twin

    @functools.cached_property
    def listings(self) -> "Listings":
        """What other commands enumerate."""
        # Imported on use, here and below: the schema does without it.
        from qscope.model.listings import Listings  # noqa: PLC0415

        given = self._listings() if callable(self._listings) else self._listings
        return Listings() if given is None else given

    @functools.cached_property
    def properties(self) -> "PropertyTable":
        """What devices and other QOM types told of their properties."""
        from qscope.model.properties import PropertyTable  # noqa: PLC0415

        given = self._properties() if callable(self._properties) else self._properties
        return PropertyTable() if given is None else given

    @functools.cached_property
    def command_line(self) -> "CommandLine":
        """What runs of the binary showed of its command line."""
        from qscope.model.command_line import NO_RUNS, CommandLine  # noqa: PLC0415

        given = self._command_line() if callable(self._command_line) else self._command_line
        return CommandLine(silence=NO_RUNS) if given is None else given

    @functools.cached_property
    def served(self) -> "ServedLine | None":
        """What a server told of its program's command line, None where it does not offer to."""
        return self._served() if callable(self._served) else self._served

    @functools.cached_property
    def qom(self) -> "QomTypes":
        """The types that properties make, and those of a served command line."""
        from qscope.model.qom import QomTypes  # noqa: PLC0415

        types = QomTypes(self.properties)
        for entity in self.served.entities if self.served else ():
            types.adopt(entity)
        return types

    def find(self, name: str) -> Entity | None:
        """Return the entity called `name`: one of the schema, or one made of properties."""
        return self.by_name.get(name) or self.qom.find(name)

    @functools.cached_property
    def commands(self) -> tuple[Command, ...]:
        """The commands of the schema, sorted by name."""
        found = [entity for entity in self.entities or () if isinstance(entity, Command)]
        return tuple(sorted(found, key=lambda entity: entity.name))

    @functools.cached_property
    def events(self) -> tuple[Event, ...]:
        """The events of the schema, sorted by name."""
        found = [entity for entity in self.entities or () if isinstance(entity, Event)]
        return tuple(sorted(found, key=lambda entity: entity.name))

    @functools.cached_property
    def _by_source_name(self) -> dict[str, str]:
        names = self.annotations.type_names if self.annotations else {}
        return {own: name for name, own in names.items()}

    @property
    def source_names(self) -> Iterator[str]:
        """A source's names of types, those of inline members aside."""
        return (own for own in self._by_source_name if own[:1].isupper())

    def find_name(self, name: str) -> str:
        """Return the name under which `by_name` may have it: a source's name of a type unmasked."""
        return name if name in self.by_name else self._by_source_name.get(name, name)

    def find_dangling(self) -> Iterator[tuple[str, str]]:
        """Yield (entity, type) for each reference to a type that was not sent.

        QEMU does that when a type is configured out and its user is not.
        """
        for entity in self.entities or ():
            for name in find_references(entity):
                if name not in self.by_name:
                    yield entity.name, name


def find_references(entity: Entity) -> Iterator[str]:
    """Yield the name of each type that `entity` mentions, in the order in which it does."""
    match entity:
        case Command():
            yield entity.arg_type
            yield entity.ret_type
        case Event():
            yield entity.arg_type
        case ArrayType():
            yield entity.element_type
        case ObjectType():
            yield from (member.type for member in entity.members)
            yield from (variant.type for variant in entity.variants)
        case AlternateType():
            yield from (member.type for member in entity.members)
        case BuiltinType() | EnumType() | OpaqueEntity():
            pass

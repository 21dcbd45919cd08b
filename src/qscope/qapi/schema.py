"""The resolved schema: every name in it is known to mean something.

In: definitions that keep all rules. Out: introspection data, and what later stages ask a schema.
"""

import functools
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from qscope.model.schema_info import KnownEntity
from qscope.qapi.conditions import Condition, find_symbols
from qscope.qapi.definitions import (
    Alternate,
    Command,
    Entity,
    Enum,
    Event,
    Features,
    Object,
    Shape,
)
from qscope.qapi.docs import Doc
from qscope.qapi.introspect import introspect, mention_types
from qscope.qapi.pragma import Pragma


class Added(NamedTuple):
    """What is in a schema without standing in its source: drivers.py added it.

    `branches` are pairs of a union and a case, `types` those that only such branches need.
    """

    branches: frozenset[tuple[str, str]] = frozenset()
    types: frozenset[str] = frozenset()


NOTHING_ADDED = Added()


class Schema:
    """A schema that keeps all rules of the language.

    `entities` are in the order of their definition, built-in ones first; `shapes` has what objects
    inherit; `modules` are the names of its files, in the order in which introspection goes through
    them; `docs` are all documentation comments, those of no definition among them. Where the
    carriers of some features are `hidden`, `whole` is the schema with them.
    """

    def __init__(
        self,
        entities: Iterable[Entity],
        shapes: dict[str, Shape],
        modules: Iterable[str],
        docs: Iterable[Doc],
        *,
        pragma: Pragma,
        added: Added = NOTHING_ADDED,
        whole: "Schema | None" = None,
        hidden: frozenset[str] = frozenset(),
    ) -> None:
        self.entities = tuple(entities)
        self.by_name = {entity.name: entity for entity in self.entities}
        self.shapes = shapes
        self.modules = tuple(modules)
        self.docs = tuple(docs)
        self.pragma = pragma
        self.added = added
        self.whole = whole
        self.hidden = hidden

    def introspect(
        self, defines: Iterable[str] = (), *, unmask: bool = False
    ) -> tuple[KnownEntity, ...]:
        """Return the SchemaInfo of a program built with these symbols defined, as QEMU has it.

        `unmask` keeps the names of types.
        """
        if isinstance(defines, str):
            raise TypeError("defines is a collection of symbols, not one string")
        users = self.find_commands_and_events()
        return tuple(
            introspect(self.by_name, self.shapes, users, frozenset(defines), unmask=unmask)
        )

    def name_entities(self) -> dict[str, str]:
        """Return the source's name of everything that introspection lists, conditions aside."""
        users = self.find_commands_and_events()
        names = {entity.name: entity.name for entity in users}
        return names | mention_types(self.by_name, self.shapes, users)

    def find_commands_and_events(self) -> list[Command | Event]:
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

"""Make the table of what introspection masks, src/qscope/data/masked.json.

Usage: python tools/make_masked.py RELEASE=SCHEMA...
As in: 7.2=../shared/schemas/qemu-7.2/qapi/qapi-schema.json 11.0=...

Introspection calls all integers `int` and hides what alternates are called. The schemas say which
integer is a size, an uint16, and so on, and which alternate is a BlockdevRef. A place is where one
stands in the arguments of a command, in all releases at once: members, and alternates, that one of
them lacks are those of the others; what they do not agree about is left out, and so are several
alternates at one place (nested arrays). Places that nothing masked is behind are left out, and
those that nothing tells apart are one.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, TypeAlias

import msgspec

from qscope.ask.validation.masked import ALTERNATE, HERE, Place, Table
from qscope.load.schema import open_schema
from qscope.qapi import Schema
from qscope.qapi.definitions import Alternate, Array, Builtin, Command, Object

TARGET = Path("src/qscope/data/masked.json")
# Types that are the argument of an option and of no command.
OPTIONS = (
    "Audiodev",
    "BootConfiguration",
    "CompatPolicy",
    "DisplayOptions",
    "MemorySizeConfiguration",
    "SMPConfiguration",
)
# By release: the types that a value at this place can have, arrays and alternates seen through, and
# these alternates.
Types: TypeAlias = tuple[frozenset[str], ...]


class Edges(NamedTuple):
    """What is masked at a place, by HERE and ALTERNATE, and where its edges lead."""

    masked: dict[str, str]
    targets: dict[str, Types]


class Walker:
    """Walks through several schemas at once."""

    def __init__(self, schemas: list[Schema]) -> None:
        self.schemas = schemas
        self.found: dict[Types, Edges] = {}

    def start(self) -> Iterator[tuple[str, Types]]:
        """Yield each command, and each type of an option, with where it begins."""
        commands = {
            entity.name
            for schema in self.schemas
            for entity in schema.entities
            if isinstance(entity, Command)
        }
        for name in sorted(commands | set(OPTIONS)):
            yield name, tuple(self.begin(each, name) for each in self.schemas)

    def begin(self, schema: Schema, name: str) -> frozenset[str]:
        entity = schema.by_name.get(name)
        own = entity.arg_type if isinstance(entity, Command) else name if entity else None
        return see_through(schema, [own] if own else [])

    def walk(self, places: list[Types]) -> None:
        """Find all places behind these."""
        pending = list(places)
        while pending:
            place = pending.pop()
            if place not in self.found:
                self.found[place] = self.leave(place)
                pending += self.found[place].targets.values()

    def leave(self, place: Types) -> Edges:
        by_release = [
            collect(schema, types) for schema, types in zip(self.schemas, place, strict=True)
        ]
        edges = sorted({edge for targets in by_release for edge in targets})
        nothing: frozenset[str] = frozenset()
        targets = {edge: tuple(each.get(edge, nothing) for each in by_release) for edge in edges}
        found = {HERE: self.find_kind(place), ALTERNATE: self.find_alternate(place)}
        return Edges({key: name for key, name in found.items() if name}, targets)

    def find_kind(self, place: Types) -> str | None:
        """Return the integer type in which all releases agree that have the place."""
        kinds = {
            tuple(sorted(name for name in types if is_integer(schema, name)))
            for schema, types in zip(self.schemas, place, strict=True)
            if types
        }
        agreed = next(iter(kinds)) if len(kinds) == 1 else ()
        return agreed[0] if len(agreed) == 1 else None

    def find_alternate(self, place: Types) -> str | None:
        """Return the alternate in which all releases agree that have one at the place."""
        names = {
            name
            for schema, types in zip(self.schemas, place, strict=True)
            for name in types
            if isinstance(schema.by_name[name], Alternate)
        }
        return names.pop() if len(names) == 1 else None


def is_integer(schema: Schema, name: str) -> bool:
    entity = schema.by_name[name]
    return isinstance(entity, Builtin) and entity.json_type == "int"


def see_through(schema: Schema, names: list[str]) -> frozenset[str]:
    """Replace arrays by their elements and add to alternates their branches."""
    found: set[str] = set()
    pending, seen = list(names), set[str]()
    while pending:
        name = pending.pop()
        if name in seen:
            continue
        seen.add(name)
        match schema.by_name[name]:
            case Array(element=element):
                pending.append(element)
            case Alternate(branches=branches):
                found.add(name)
                pending += [branch.type for branch in branches]
            case _:
                found.add(name)
    return frozenset(found)


def collect(schema: Schema, types: frozenset[str]) -> dict[str, frozenset[str]]:
    """Return where members and branches of these types lead."""
    targets: dict[str, frozenset[str]] = {}
    for name in types:
        if not isinstance(schema.by_name[name], Object):
            continue
        shape = schema.shapes[name]
        edges = [(member.name, member.type) for member in shape.members]
        edges += [(f"+{branch.name}", branch.type) for branch in shape.branches]
        for edge, own in edges:
            targets[edge] = targets.get(edge, frozenset()) | see_through(schema, [own])
    return targets


def prune(found: dict[Types, Edges]) -> set[Types]:
    """Return the places that something masked is at or behind."""
    useful = {place for place, edges in found.items() if edges.masked}
    while True:
        more = {
            place
            for place, edges in found.items()
            if place not in useful and not useful.isdisjoint(edges.targets.values())
        }
        if not more:
            return useful
        useful |= more


def partition(found: dict[Types, Edges], useful: set[Types]) -> dict[Types, int]:
    """Number the places so that those which nothing tells apart have one number (Moore)."""
    numbers = dict.fromkeys(useful, 0)
    while True:
        seen: dict[tuple[object, ...], int] = {}
        refined = {}
        for place, number in numbers.items():
            edges = found[place]
            behind = tuple(
                (edge, numbers[target])
                for edge, target in edges.targets.items()
                if target in useful
            )
            key = (number, *edges.masked.items(), behind)
            refined[place] = seen.setdefault(key, len(seen))
        if len(seen) == len(set(numbers.values())):
            return numbers
        numbers = refined


def make_table(schemas: dict[str, Schema]) -> Table:
    """Make the table; places are numbered in the order in which commands lead to them."""
    walker = Walker(list(schemas.values()))
    starts = dict(walker.start())
    walker.walk(list(starts.values()))
    useful = prune(walker.found)
    classes = partition(walker.found, useful)
    order: dict[int, int] = {}
    places: list[Place] = []

    def number(start: Types) -> int:
        pending = [start]
        order.setdefault(classes[start], len(order))
        while pending:
            place = pending.pop(0)
            own = order[classes[place]]
            if own < len(places) and places[own]:
                continue
            places.extend({} for _ in range(len(order) - len(places)))
            edges = walker.found[place]
            places[own].update(edges.masked)
            for edge, target in edges.targets.items():
                if target in useful:
                    places[own][edge] = order.setdefault(classes[target], len(order))
                    pending.append(target)
            places.extend({} for _ in range(len(order) - len(places)))
        return order[classes[start]]

    commands = {name: number(place) for name, place in starts.items() if place in useful}
    return Table(tuple(schemas), commands, tuple(places))


def main() -> None:
    named = dict(word.split("=", 1) for word in sys.argv[1:])
    if not named:
        sys.exit(__doc__)
    schemas = {release: open_schema(path, docs="ignore") for release, path in named.items()}
    table = make_table(schemas)
    encoded = msgspec.json.encode(table)
    TARGET.write_bytes(encoded.replace(b"},{", b"},\n{") + b"\n")
    print(f"{TARGET}: {len(table.commands)} commands, {len(table.places)} places")


if __name__ == "__main__":
    main()

"""Whether documentation and definitions fit: all that is there is described, and nothing else.

In: entities and their comments. QEMU's scripts/qapi/parser.py has the rules, with the exception
that is made for the members of definitions which a pragma names.
"""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from qscope.errors import DocError, SchemaError
from qscope.qapi.definitions import (
    Alternate,
    Branch,
    Command,
    Entity,
    Enum,
    Event,
    Member,
    Object,
    Value,
)
from qscope.qapi.docs import Doc, Outline, Topic

_Part: TypeAlias = Member | Value | Branch


class Documented:
    """Holds comments against definitions."""

    def __init__(self, entities: Mapping[str, Entity], exceptions: frozenset[str]) -> None:
        self._entities = entities
        self._exceptions = exceptions
        # Comments that describe what is not there: topic, names.
        self._bogus: dict[Doc, tuple[Topic, list[str]]] = {}

    def connect(self, entity: Entity, doc: Doc, outline: Outline) -> None:
        """Find the description of everything an entity has. Raises DocError where one lacks."""
        parts = self._find_parts(entity)
        names = {part.name for part in parts}
        features = {feature.name for feature in entity.features or ()}
        for part in parts:
            if part.features:
                features.update([feature.name for feature in part.features])
        members, described = set(outline.members), set(outline.features)
        if names != members or features != described:
            self._require_described(entity, parts, outline)
            self._note_bogus(doc, Topic.MEMBER, outline.members, names)
            self._note_bogus(doc, Topic.FEATURE, outline.features, features)

    def _find_parts(self, entity: Entity) -> tuple[_Part, ...]:
        """Return what a definition's comment must describe; an inline base is part of it."""
        match entity:
            case Enum(values=values):
                return values
            case Object(members=members, base=base):
                return members + self._inline(base) if base else members
            case Alternate(branches=branches):
                return branches
            case Command(arg_type=name) | Event(arg_type=name):
                return self._inline(name) if name else ()
            case _:
                return ()

    def _inline(self, name: str) -> tuple[Member, ...]:
        """Return the members of inline data; those of a named type are described there."""
        found = self._entities[name]
        return found.members if isinstance(found, Object) and found.implicit else ()

    def _require_described(self, entity: Entity, parts: Iterable[_Part], outline: Outline) -> None:
        """Complain of the first that lacks a description, in the order in which QEMU looks."""
        for feature in entity.features or ():
            if feature.name not in outline.features:
                raise _lacking(entity, "feature", feature.name)
        for part in parts:
            if part.name not in outline.members and entity.name not in self._exceptions:
                raise _lacking(entity, _ROLES[type(part)], part.name)
            for feature in part.features or ():
                if feature.name not in outline.features:
                    raise _lacking(entity, "feature", feature.name)

    def _note_bogus(self, doc: Doc, topic: Topic, described: Iterable[str], real: set[str]) -> None:
        bogus = [name for name in described if name not in real]
        if bogus:
            self._bogus.setdefault(doc, (topic, bogus))

    def require_real(self, docs: Iterable[Doc]) -> None:
        """Raise DocError for the first comment that describes something that does not exist."""
        if not self._bogus:
            return
        from qscope.qapi.doc_reader import find_section  # noqa: PLC0415 - only for an error

        for doc in docs:
            if doc in self._bogus:
                topic, bogus = self._bogus[doc]
                names = ", ".join(f"'{name}'" for name in bogus)
                text = f"documented {topic.value}{'s'[: len(bogus) > 1]} not defined: {names}"
                raise doc.error(text, find_section(doc, topic, bogus[0]).line)


_ROLES: dict[type[_Part], str] = {Member: "member", Value: "value", Branch: "branch"}


def _lacking(entity: Entity, role: str, name: str) -> SchemaError:
    assert entity.place is not None
    message = f"{role} '{name}' is not documented"
    return entity.place.error(message, context=entity.context, kind=DocError)

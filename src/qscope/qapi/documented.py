"""Whether documentation and definitions fit: all that is there is described, and nothing else.

In: entities and their comments. QEMU's scripts/qapi/parser.py has the rules, with the exception
that is made for the members of definitions which a pragma names.
"""

from collections.abc import Iterable, Iterator, Mapping

from qscope.errors import DocError, SchemaError
from qscope.qapi.docs import Doc, Section, Topic
from qscope.qapi.schema import Alternate, Command, Entity, Enum, Event, Feature, Object


class Documented:
    """Remembers, of every comment, the descriptions that belong to something."""

    def __init__(self, entities: Mapping[str, Entity], exceptions: frozenset[str]) -> None:
        self._entities = entities
        self._exceptions = exceptions
        self._used: dict[Doc, tuple[set[str], set[str]]] = {}

    def connect(self, entity: Entity, doc: Doc) -> None:
        """Find the description of everything an entity has. Raises DocError where one lacks."""
        described = doc.sections.by_name(Topic.MEMBER)
        features = doc.sections.by_name(Topic.FEATURE)
        members, own = self._used.setdefault(doc, (set(), set()))
        for role, name, featured in self._find_parts(entity):
            if role:
                if name not in described and doc.symbol not in self._exceptions:
                    raise _lacking(entity, role, name)
                members.add(name)
            for feature in featured:
                if feature.name not in features:
                    raise _lacking(entity, "feature", feature.name)
                own.add(feature.name)

    def _find_parts(self, entity: Entity) -> Iterator[tuple[str, str, Iterable[Feature]]]:
        """Yield role, name and features of what a comment must describe; no role for the whole."""
        yield "", entity.name, entity.features or ()
        match entity:
            case Enum(values=values):
                for value in values:
                    yield "value", value.name, value.features or ()
            case Object(base=base):
                yield from self._find_members(entity, "member")
                yield from self._find_members(self._inline(base), "base member")
            case Alternate(branches=branches):
                for branch in branches:
                    yield "branch", branch.name, ()
            case Command(arg_type=name) | Event(arg_type=name):
                yield from self._find_members(self._inline(name), "parameter")
            case _:
                pass

    def _inline(self, name: str | None) -> Object | None:
        """Return a type if it is that of inline members; those of others are described there."""
        found = self._entities[name] if name else None
        return found if isinstance(found, Object) and found.implicit else None

    def _find_members(
        self, owner: Object | None, role: str
    ) -> Iterator[tuple[str, str, Iterable[Feature]]]:
        for member in owner.members if owner else ():
            yield role, member.name, member.features or ()

    def require_real(self, docs: Iterable[Doc]) -> None:
        """Raise DocError for the first description of something that does not exist."""
        for doc in docs:
            members, features = self._used.get(doc, (set(), set()))
            _require_used(doc, "member", doc.sections.by_name(Topic.MEMBER), members)
            _require_used(doc, "feature", doc.sections.by_name(Topic.FEATURE), features)


def _lacking(entity: Entity, role: str, name: str) -> SchemaError:
    assert entity.place is not None
    message = f"{role} '{name}' lacks documentation"
    return entity.place.error(message, context=entity.context, kind=DocError)


def _require_used(doc: Doc, what: str, described: dict[str, Section], used: set[str]) -> None:
    bogus = [section for name, section in described.items() if name not in used]
    if bogus:
        names = ", ".join(f"'{section.name}'" for section in bogus)
        many = len(bogus) > 1
        message = f"documented {what}{'s'[:many]} {names} do{'es'[many * 2 :]} not exist"
        raise doc.error(message, bogus[0].line)

"""From definitions to the schema: every type found, and every rule about types kept.

In: definitions in order. Out: `Schema`. Entities are checked in the order of their definition, and
what an object contains before the object itself, so that of several errors the one that QEMU's
scripts/qapi/schema.py reports is found. Next stage: introspect.py.
"""

from collections.abc import Iterable
from typing import NoReturn, assert_never

from qscope.errors import Location, SchemaError
from qscope.model.near import near
from qscope.qapi.definitions import (
    EMPTY,
    IMPLICIT,
    Alternate,
    Array,
    Branch,
    Builtin,
    Command,
    Definition,
    Entity,
    Enum,
    Event,
    Feature,
    Member,
    Object,
    Shape,
    Type,
    Value,
)
from qscope.qapi.describe import describe, describe_part
from qscope.qapi.distinguish import find_conflict
from qscope.qapi.documented import Documented
from qscope.qapi.names import C_NAMES
from qscope.qapi.parser import Parsed
from qscope.qapi.predefined import predefine
from qscope.qapi.schema import NOTHING_ADDED, Added, Schema

_SPECIAL = ("deprecated", "unstable")
_MAX_FEATURES = 64
# Inherited ones counted; QEMU's schema has three thousand.
_MAX_MEMBERS = 1_000_000


def resolve(
    parsed: Parsed,
    definitions: Iterable[Entity],
    *,
    check_docs: bool,
    added: Added = NOTHING_ADDED,
) -> Schema:
    """Check everything that needs to know all definitions. Raises SchemaError."""
    entities = _register(definitions)
    resolver = _Resolver(entities, parsed.pragma.command_returns_exceptions)
    documented = Documented(entities, parsed.pragma.documentation_exceptions)
    for entity in entities.values():
        try:
            resolver.check(entity)
        except RecursionError as error:
            message = "it is based on, or branches to, too long a chain of types"
            raise error_in(entity, message) from error
        if check_docs and entity.doc and entity.doc.outline:
            documented.connect(entity, entity.doc, entity.doc.outline)
    if check_docs:
        documented.require_real(parsed.docs)
    _limit_features(entities.values())
    return Schema(
        entities.values(),
        resolver.shapes,
        parsed.modules,
        parsed.docs,
        pragma=parsed.pragma,
        added=added,
    )


def _register(definitions: Iterable[Entity]) -> dict[str, Entity]:
    """Index by name. An array or an implicit type is there already when it is needed again."""
    entities = {entity.name: entity for entity in predefine()}
    for entity in definitions:
        known = entities.setdefault(entity.name, entity)
        again = isinstance(entity, Array) or entity.name.startswith(IMPLICIT)
        if known is not entity and not again:
            _refuse_second(entity, known)
    return entities


def _refuse_second(entity: Entity, known: Entity) -> NoReturn:
    if known.place is None:
        raise error_in(entity, f"{describe(known)} is there in every schema")
    note = (known.place.location, f"'{entity.name}' is defined here first")
    raise error_in(entity, f"'{entity.name}' is defined a second time", note)


def error_in(entity: Definition, message: str, *notes: tuple[Location, str]) -> SchemaError:
    """Return an error about a definition."""
    assert entity.place is not None
    return entity.place.error(message, context=entity.context, notes=notes)


def _limit_features(entities: Iterable[Entity]) -> None:
    """Refuse more features than fit the 64 bits that QEMU has for them since 10.0."""
    first: dict[str, Definition | None] = dict.fromkeys(_SPECIAL)
    for entity in entities:
        for feature in _find_features(entity):
            first.setdefault(feature.name, entity)
    if len(first) > _MAX_FEATURES:
        last = list(first.values())[_MAX_FEATURES]
        assert last is not None
        raise error_in(last, f"more than {_MAX_FEATURES} different names of features")


def _find_features(entity: Entity) -> list[Feature]:
    found = list(entity.features or ())
    parts: tuple[Value, ...] | tuple[Member, ...] = ()
    if isinstance(entity, Object):
        parts = entity.members
    elif isinstance(entity, Enum):
        parts = entity.values
    for part in parts:
        if part.features:
            found += part.features
    return found


class _Resolver:
    """Checks entities, each once, those that an object contains first."""

    def __init__(self, entities: dict[str, Entity], returns_exceptions: frozenset[str]) -> None:
        self.shapes: dict[str, Shape] = {}
        self._members = 0
        self._entities = entities
        self._types = {
            name: entity
            for name, entity in entities.items()
            if not isinstance(entity, Command | Event)
        }
        self._returns_exceptions = returns_exceptions
        # C names of an object's members; None while the object is being checked.
        self._c_names: dict[str, dict[str, Member] | None] = {}

    def check(self, entity: Entity) -> None:
        """Check one entity. Raises SchemaError."""
        match entity:
            case Builtin():
                pass
            case Array():
                self._check_array(entity)
            case Enum():
                self._check_features(entity)
                self._check_values(entity)
            case Object():
                self._check_object(entity)
            case Alternate():
                self._check_features(entity)
                self._check_alternate(entity)
            case Command():
                self._check_features(entity)
                self._check_command(entity)
            case Event():
                self._check_features(entity)
                self._check_arguments(entity, entity.arg_type, boxed=entity.boxed)
            case _:
                assert_never(entity)

    def _find_type(self, name: str, user: Definition, what: str) -> Type:
        found = self._types.get(name)
        if found is None:
            raise error_in(
                user, f"{what} is of type '{name}', which does not exist{self._hint(name)}"
            )
        return found

    def _hint(self, name: str) -> str:
        named = [
            each
            for each, found in self._types.items()
            if not each.startswith("q_") and not isinstance(found, Array)
        ]
        guesses = near(name, named)
        return f"; did you mean '{guesses[0]}'?" if guesses else ""

    def _check_features(self, entity: Entity) -> None:
        if not entity.features:
            return
        self._check_clash(entity, entity.features)
        if not isinstance(entity, Command | Event):
            for feature in entity.features:
                if feature.name in _SPECIAL:
                    message = f"types cannot have the feature '{feature.name}'"
                    raise error_in(entity, message)

    def _check_clash(self, entity: Entity, parts: Iterable[Feature] | Iterable[Value]) -> None:
        """Refuse names that are one name in C."""
        seen: dict[str, str] = {}
        for part in parts:
            name = C_NAMES[part.name]
            if name in seen:
                role = "feature" if isinstance(part, Feature) else "value"
                both = f"{role}s '{seen[name]}' and '{part.name}' have one name in C"
                twice = f"{role} '{part.name}' is there twice"
                raise error_in(entity, twice if seen[name] == part.name else both)
            seen[name] = part.name

    def _check_array(self, array: Array) -> None:
        element = self._find_type(array.element, array, f"the array [ '{array.element}' ]")
        if isinstance(element, Array):
            raise error_in(array, f"an array of {describe(element)}: arrays do not nest")

    def _check_values(self, enum: Enum) -> None:
        names = {C_NAMES[value.name] for value in enum.values}
        if len(names) != len(enum.values):
            self._check_clash(enum, enum.values)

    def _check_object(self, entity: Object) -> dict[str, Member]:
        """Return the members by C name, after checking all that the object contains."""
        if entity.name in self._c_names:
            known = self._c_names[entity.name]
            if known is None:
                raise error_in(
                    entity, f"'{entity.name}' contains itself, by its base or its branches"
                )
            return known
        self._c_names[entity.name] = None
        self._check_features(entity)
        seen = dict(self._check_base(entity)) if entity.base else {}
        for member in entity.members:
            if member.features or member.type not in self._types:
                self._check_member(entity, member)
            name = C_NAMES[member.name]
            if name in seen:
                self._refuse_clash(entity, (entity, member), (entity, seen[name]))
            seen[name] = member
        members = tuple(seen.values())
        branches = entity.branches
        if entity.discriminator is not None:
            branches = self._check_union(entity, entity.discriminator, seen)
        self._c_names[entity.name] = seen
        self.shapes[entity.name] = Shape(members, branches)
        self._limit_members(entity, len(seen))
        return seen

    def _limit_members(self, entity: Object, count: int) -> None:
        """Refuse what would never end: members multiply where types are based on others."""
        self._members += count
        if self._members > _MAX_MEMBERS:
            message = f"the types up to here have more than {_MAX_MEMBERS} members in all"
            raise error_in(entity, message)

    def _check_base(self, entity: Object) -> dict[str, Member]:
        assert entity.base is not None
        base = self._find_type(entity.base, entity, "'base'")
        if not isinstance(base, Object) or base.discriminator is not None:
            raise error_in(entity, f"'base' must be a struct, not {describe(base)}")
        return self._check_object(base)

    def _check_member(self, entity: Object, member: Member) -> None:
        where = describe_part("member", member.name, entity.name, entity)
        self._find_type(member.type, entity, where)
        self._check_clash(entity, member.features or ())

    # Unions.

    def _check_union(
        self, union: Object, discriminator: str, seen: dict[str, Member]
    ) -> tuple[Branch, ...]:
        """Return all branches: those written, then one to nothing for each value left."""
        enum = self._check_discriminator(union, discriminator, seen)
        written = {branch.name for branch in union.branches}
        left = [value for value in enum.values if value.name not in written]
        branches = (
            *union.branches,
            *(Branch(value.name, EMPTY, value.condition) for value in left),
        )
        if not branches:
            raise error_in(union, "a union needs a branch, or a value for one")
        values = {value.name for value in enum.values}
        for branch in branches:
            if branch.name not in values:
                message = f"{describe(enum)} has no value '{branch.name}' for a branch"
                raise error_in(union, message)
            self._check_branch(union, branch)
        for branch in branches:
            self._check_branch_clash(union, branch.type, seen)
        return branches

    def _check_discriminator(self, union: Object, name: str, seen: dict[str, Member]) -> Enum:
        member = seen.get(C_NAMES[name])
        if member is None or member.name != name:
            raise error_in(union, f"'base' has no member '{name}' to be the discriminator")
        enum = self._entities[member.type]
        problem = (
            f"must be of an enum type, not {describe(enum)}" if not isinstance(enum, Enum)
            else "must not be optional" if member.optional
            else "must not be conditional" if member.condition is not None
            else None
        )  # fmt: skip
        if problem or not isinstance(enum, Enum):
            owner = self._find_owner(union, member)
            where = "'base'" if owner.implicit else f"base type '{owner.name}'"
            raise error_in(union, f"discriminator '{name}' of {where} {problem}")
        return enum

    def _check_branch(self, union: Object, branch: Branch) -> None:
        found = self._find_type(branch.type, union, f"branch '{branch.name}'")
        if not isinstance(found, Object):
            raise error_in(
                union, f"branch '{branch.name}' must be a struct or a union, not {describe(found)}"
            )
        self._check_object(found)

    def _check_branch_clash(self, union: Object, name: str, seen: dict[str, Member]) -> None:
        """Refuse members of a branch that collide with the base's; other branches may have them."""
        branch = self._entities[name]
        assert isinstance(branch, Object)
        added = self._c_names[name]
        assert added is not None
        self._limit_members(union, len(added) + 1)
        if not seen.keys().isdisjoint(added):
            clash = next(key for key in added if key in seen)
            self._refuse_clash(union, (branch, added[clash]), (union, seen[clash]))
        if branch.discriminator is not None:
            for nested in self.shapes[name].branches:
                self._check_branch_clash(union, nested.type, {**seen, **added})

    def _refuse_clash(
        self, entity: Object, new: tuple[Object, Member], old: tuple[Object, Member]
    ) -> NoReturn:
        texts = []
        for start, member in (new, old):
            owner = self._find_owner(start, member)
            texts.append(describe_part("member", member.name, owner.name, entity))
        raise error_in(entity, f"{texts[0]} meets {texts[1]}: one name in C")

    def _find_owner(self, start: Object, member: Member) -> Object:
        """Return the object, `start` or one it is based on or branches to, that has a member."""
        waiting = [start]
        for owner in waiting:  # grows while it is read
            if any(own is member for own in owner.members):
                return owner
            names = [owner.base, *(branch.type for branch in owner.branches)]
            others = [self._entities.get(name) for name in names if name]
            waiting += [each for each in others if isinstance(each, Object)]
        return start

    # Alternates, commands, events.

    def _check_alternate(self, alternate: Alternate) -> None:
        types = [
            self._find_type(branch.type, alternate, f"branch '{branch.name}'")
            for branch in alternate.branches
        ]
        problem = find_conflict(alternate.branches, types)
        if problem:
            raise error_in(alternate, problem)

    def _check_command(self, command: Command) -> None:
        self._check_arguments(command, command.arg_type, boxed=command.boxed)
        if command.ret_type is None:
            return
        found = self._find_type(command.ret_type, command, "'returns' of the command")
        if command.name in self._returns_exceptions:
            return
        returned = found
        if isinstance(found, Array):
            self._check_array(found)
            returned = self._types[found.element]
        if not isinstance(returned, Object):
            raise error_in(
                command, f"'returns' takes an object or an array of them, not {describe(found)}"
            )

    def _check_arguments(self, user: Command | Event, name: str | None, *, boxed: bool) -> None:
        if name is None:
            return
        kind = user.context.partition(" ")[0]
        found = self._find_type(name, user, f"'data' of the {kind}")
        if not isinstance(found, Object):
            raise error_in(
                user, f"'data' of the {kind} must be a struct or a union, not {describe(found)}"
            )
        if found.discriminator is not None and not boxed:
            message = f"'data' of the {kind} can be {describe(found)} only with 'boxed': true"
            raise error_in(user, message)
        self._check_object(found)
        members = self.shapes[found.name].members
        if not boxed and any(member.condition is not None for member in members):
            message = f"conditional members in 'data' of the {kind}"
            raise error_in(user, f"{message}: they take a named type and 'boxed': true")

"""What introspection masks, put back: the widths of integers, alternates' names, open commands.

In: a schema rebuilt from introspection. Out: the same, in which the arguments of commands are as
QEMU's source has them, by the table of masked types. QEMU's errors tell the difference.
"""

from collections import deque
from collections.abc import Iterator

from msgspec import structs

from qscope.ask.validation.masked import MaskedTypes, find_masked
from qscope.qapi.definitions import (
    Alternate,
    Array,
    Branch,
    Builtin,
    Command,
    Entity,
    Member,
    Object,
    Shape,
)
from qscope.qapi.schema import Schema

# Their arguments are judged by hand-written code ('gen': false); the latter two only where the
# schema has no tag for them (QEMU before 6.0, and before 5.0).
_ALWAYS_OPEN = ("device_add",)
_SOMETIMES_OPEN = ("object-add", "netdev_add")


# Nearly all integers of its arguments are of one type before 6.0.
_WIDE = "migrate-set-parameters"
_SCHEMA = "query-qmp-schema"


def is_before_6(schema: Schema) -> bool:
    """Whether a QEMU is older than 6.0, which gave object-add its types (a witness)."""
    return _leaves_open(schema, "object-add")


def _leaves_open(schema: Schema, command: str) -> bool:
    """Whether a command has arguments that no tag chooses."""
    found = schema.by_name.get(command)
    arguments = schema.by_name.get(found.arg_type or "") if isinstance(found, Command) else None
    return isinstance(arguments, Object) and arguments.discriminator is None


def unmask(schema: Schema) -> Schema:
    """Return a schema with what is known of its commands' arguments besides.

    A type that several commands have is as the first of them has it.
    """
    return _Unmasker(schema).unmask()


class _Unmasker:
    """Walks the arguments of all commands, beside the table."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._entities: dict[str, Entity] = dict(schema.by_name)
        self._shapes = dict(schema.shapes)
        self._names: dict[str, str] = {}
        self._seen: set[str] = set()
        self._waiting: deque[tuple[str, MaskedTypes]] = deque()

    def unmask(self) -> Schema:
        """Go through everything."""
        for entity in self._schema.entities:
            if isinstance(entity, Command):
                self._begin(entity)
        while self._waiting:
            name, place = self._waiting.popleft()
            self._unmask_type(name, place)
        entities = [self._rename(each) for each in self._entities.values()]
        shapes = {name: self._rename_shape(each) for name, each in self._shapes.items()}
        return Schema(entities, shapes, (), (), pragma=self._schema.pragma)

    def _begin(self, command: Command) -> None:
        if self._is_open(command):
            self._entities[command.name] = structs.replace(command, gen=False)
        is_old = command.name == _WIDE and is_before_6(self._schema)
        place = None if is_old else find_masked(command.name)
        if command.arg_type is not None and place is not None:
            self._enter(command.arg_type, place)

    def _is_open(self, command: Command) -> bool:
        if command.name in _SOMETIMES_OPEN:
            return _leaves_open(self._schema, command.name)
        if command.name == _SCHEMA:
            # It ignores arguments there ('gen': false).
            return is_before_6(self._schema)
        return command.name in _ALWAYS_OPEN or not command.gen

    def _enter(self, name: str, place: MaskedTypes | None) -> None:
        if place is not None and name not in self._seen:
            self._seen.add(name)
            self._waiting.append((name, place))

    def _unmask_type(self, name: str, place: MaskedTypes) -> None:
        match self._entities[name]:
            case Object() as entity:
                self._unmask_object(entity, place)
            case Alternate(branches=branches):
                if place.alternate and place.alternate not in self._names.values():
                    self._names[name] = place.alternate
                self._entities[name] = structs.replace(
                    self._entities[name],
                    branches=tuple(self._unmask_branch(each, place) for each in branches),
                )
            case _:
                pass

    def _unmask_object(self, entity: Object, place: MaskedTypes) -> None:
        shape = self._shapes[entity.name]
        members = tuple(self._unmask_members(shape.members, place))
        for branch in shape.branches:
            self._enter(branch.type, place.enter(f"+{branch.name}"))
        self._shapes[entity.name] = Shape(members, shape.branches)
        self._entities[entity.name] = structs.replace(entity, members=members)

    def _unmask_members(self, members: tuple[Member, ...], place: MaskedTypes) -> Iterator[Member]:
        for member in members:
            inner = place.enter(member.name)
            yield structs.replace(member, type=self._find_type(member.type, inner))

    def _unmask_branch(self, branch: Branch, place: MaskedTypes) -> Branch:
        return structs.replace(branch, type=self._find_type(branch.type, place))

    def _find_type(self, name: str, place: MaskedTypes | None) -> str:
        """Return the type that stands there; what is behind it is gone through later."""
        if place is None:
            return name
        match self._entities[name]:
            case Builtin(name="int"):
                return place.kind or name
            case Array(element=element):
                return self._find_array(self._find_type(element, place))
            case _:
                self._enter(name, place)
                return name

    def _find_array(self, element: str) -> str:
        name = f"{element}List"
        self._entities.setdefault(name, Array(name=name, element=element))
        return name

    def _rename(self, entity: Entity) -> Entity:
        match entity:
            case Alternate(name=name):
                return structs.replace(entity, name=self._names.get(name, name))
            case Array(element=element) if element in self._names:
                return structs.replace(entity, element=self._names[element])
            case Object(members=members):
                return structs.replace(entity, members=self._rename_members(members))
            case _:
                return entity

    def _rename_shape(self, shape: Shape) -> Shape:
        return Shape(self._rename_members(shape.members), shape.branches)

    def _rename_members(self, members: tuple[Member, ...]) -> tuple[Member, ...]:
        names = self._names
        return tuple(
            structs.replace(each, type=names[each.type]) if each.type in names else each
            for each in members
        )

"""From introspection data back to a schema, as far as they tell: introspect.py, reversed.

In: an `Interface`. Out: a `Schema` whose types have masked names, and the same hash. What
introspection leaves out cannot come back: the widths of integers, inheritance, names, comments,
what is not sent when it succeeds.
"""

from collections.abc import Iterator, Mapping
from typing import assert_never

from msgspec import UNSET, UnsetType

from qscope.errors import SnapshotError
from qscope.model.interface import Interface
from qscope.model.schema_info import (
    AlternateType,
    ArrayType,
    BuiltinType,
    EnumType,
    Featured,
    ObjectType,
    OpaqueEntity,
)
from qscope.model.schema_info import Command as CommandInfo
from qscope.model.schema_info import Entity as EntityInfo
from qscope.model.schema_info import Event as EventInfo
from qscope.qapi.definitions import (
    EMPTY,
    Alternate,
    Array,
    Branch,
    Command,
    Entity,
    Enum,
    Event,
    Feature,
    Features,
    Member,
    Object,
    Shape,
    Value,
)
from qscope.qapi.pragma import Pragma
from qscope.qapi.predefined import predefine
from qscope.qapi.schema import Schema

# What a type is that was not sent, or that nobody understands.
_UNKNOWN = "any"
_DEEPEST = 100
_BUILTINS = {
    "int": "int",
    "string": "str",
    "number": "number",
    "boolean": "bool",
    "null": "null",
    "value": "any",
}


def rebuild(interface: Interface) -> Schema:
    """Return the schema of an interface.

    A type that was not sent is `any`. Raises SnapshotError where there is no schema, and for one
    that no QAPI source has: a union whose tag is no enum, an object with a member twice.
    """
    if interface.entities is None:
        raise SnapshotError("there is no query-qmp-schema reply in it: nothing is known to serve")
    rebuilder = _Rebuilder(interface)
    entities = [*predefine(), *rebuilder.rebuild_all()]
    for name in rebuilder.shapes:
        _check_members(rebuilder.shapes, name, (), frozenset())
    return Schema(entities, rebuilder.shapes, (), (), pragma=Pragma())


class _Rebuilder:
    """Makes a definition of each entity."""

    def __init__(self, interface: Interface) -> None:
        self._known = interface.by_name
        self.shapes: dict[str, Shape] = {EMPTY: Shape(())}
        self._arrays: dict[str, Array] = {}

    def rebuild_all(self) -> Iterator[Entity]:
        """Yield all definitions."""
        for entity in self._known.values():
            yield from self._rebuild(entity)
        built_in = {each.name for each in predefine()}
        yield from (each for name, each in self._arrays.items() if name not in built_in)

    def _rebuild(self, entity: EntityInfo) -> Iterator[Entity]:
        match entity:
            case CommandInfo(name=name, arg_type=arg_type, ret_type=ret_type):
                arguments, result = self._find_object(arg_type), self._find(ret_type)
                yield Command(
                    name=name,
                    arg_type=None if arguments == EMPTY else arguments,
                    ret_type=None if result == EMPTY else result,
                    # What they are was not sent: anything.
                    gen=arguments is not None,
                    allow_oob=entity.allow_oob,
                    features=_list_features(entity),
                )
            case EventInfo(name=name, arg_type=arg_type):
                data = self._find_object(arg_type) or EMPTY
                features = _list_features(entity)
                yield Event(name=name, arg_type=None if data == EMPTY else data, features=features)
            case EnumType(name=name):
                yield Enum(name=name, values=_list_values(entity), features=_list_features(entity))
            case ObjectType(name=name):
                if not _is_empty(entity):
                    yield self._rebuild_object(entity)
            case AlternateType(name=name, members=members):
                branches = tuple(
                    Branch(each.type, self._find_alternative(each.type)) for each in members
                )
                yield Alternate(name=name, branches=branches, features=_list_features(entity))
            case BuiltinType() | ArrayType() | OpaqueEntity():
                pass
            case _:
                assert_never(entity)

    def _rebuild_object(self, entity: ObjectType) -> Object:
        members = tuple(self._rebuild_members(entity))
        branches = tuple(
            Branch(each.case, self._find_object(each.type) or EMPTY) for each in entity.variants
        )
        if entity.tag is not None:
            self._check_tag(entity, entity.tag)
        self.shapes[entity.name] = Shape(members, branches)
        return Object(
            name=entity.name,
            members=members,
            discriminator=entity.tag,
            branches=branches,
            features=_list_features(entity),
        )

    def _check_tag(self, entity: ObjectType, tag: str) -> None:
        types = [each.type for each in entity.members if each.name == tag]
        if not types or not isinstance(self._known.get(types[0]), EnumType):
            raise SnapshotError(f"schema entry {entity.name}: its tag '{tag}' is no enum")

    def _rebuild_members(self, entity: ObjectType) -> Iterator[Member]:
        for each in entity.members:
            optional = each.optional and each.name != entity.tag
            yield Member(each.name, self._find(each.type), optional, features=_list_features(each))

    def _find(self, name: str) -> str:
        """Return a type's name in the schema that is made."""
        match self._known.get(name):
            case BuiltinType(json_type=json_type):
                return _BUILTINS.get(json_type, _UNKNOWN)
            case ArrayType(element_type=element_type):
                return self._find_array(element_type)
            case ObjectType() as entity if _is_empty(entity):
                return EMPTY
            case EnumType() | ObjectType() | AlternateType():
                return name
            case _:
                return _UNKNOWN

    def _find_array(self, element_type: str) -> str:
        """Return the name of an array, whose elements may be arrays again."""
        depth = 1
        while isinstance(inner := self._known.get(element_type), ArrayType):
            element_type = inner.element_type
            depth += 1
            if depth > _DEEPEST:
                raise SnapshotError(f"schema entry {element_type}: an array of itself")
        name = self._find(element_type)
        for _ in range(depth):
            element, name = name, f"{name}List"
            self._arrays.setdefault(name, Array(name=name, element=element))
        return name

    def _find_object(self, name: str) -> str | None:
        """Return the name of an object type, None if it is none."""
        found = self._find(name)
        return found if isinstance(self._known.get(name), ObjectType) else None

    def _find_alternative(self, name: str) -> str:
        if isinstance(self._known.get(name), AlternateType):
            raise SnapshotError(f"schema entry {name}: an alternate within an alternate")
        return self._find(name)


def _check_members(
    shapes: Mapping[str, Shape], name: str, around: tuple[str, ...], known: frozenset[str]
) -> None:
    """Raise SnapshotError where an object has a member twice; C's names do not tell - from _."""
    if name in around:
        raise SnapshotError(f"schema entry {name}: a union that is a branch of itself")
    names = set(known)
    for member in shapes[name].members:
        key = member.name.replace("-", "_")
        if key in names:
            raise SnapshotError(f"schema entry {name}: the member '{member.name}' is there twice")
        names.add(key)
    for branch in shapes[name].branches:
        _check_members(shapes, branch.type, (*around, name), frozenset(names))


def _is_empty(entity: ObjectType) -> bool:
    return not (entity.members or entity.tag) and entity.listed_features is UNSET


def _list_features(entity: Featured) -> Features | None:
    listed = entity.listed_features
    return None if isinstance(listed, UnsetType) else tuple(Feature(each) for each in listed)


def _list_values(entity: EnumType) -> tuple[Value, ...]:
    return tuple(Value(each.name, features=_list_features(each)) for each in entity.members)

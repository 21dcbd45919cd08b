"""Match a schema with an interface: which type is which, and how the two differ.

In: a schema, and the interface of something built from it, or from something near to it. Out:
`Match`. The walk begins at commands and events and goes by structure: names of types play no part,
since introspection masks them. What a condition governs and the interface has or lacks says whether
the condition held: an `Observation`.
"""

import enum
from collections.abc import Iterable
from typing import Any, NamedTuple, assert_never

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
from qscope.model.schema_info import Member as MemberInfo
from qscope.qapi.conditions import Condition
from qscope.qapi.definitions import (
    EMPTY,
    Alternate,
    Array,
    Branch,
    Builtin,
    Command,
    Entity,
    Enum,
    Event,
    Features,
    Member,
    Object,
    Type,
)
from qscope.qapi.schema import Schema

# Begins what stands for the kind of a type that is not there.
_NO_KIND = "unknown "


class Observation(NamedTuple):
    """At `path` a condition was seen to hold, or not to."""

    path: str
    condition: Condition
    held: bool


class Sort(enum.Enum):
    """How an interface differs from what the schema can become."""

    # The interface has it, the schema does not: a backport, or a newer source.
    EXTRA = "extra"
    # The schema has it whatever is defined, the interface does not.
    MISSING = "missing"
    CHANGED = "changed"


class Difference(NamedTuple):
    """Something that no set of symbols explains; `what` is in words how it is changed."""

    path: str
    sort: Sort
    what: str = ""


class Match(NamedTuple):
    """What matching found. `names` has the schema's name of each entity that was reached."""

    names: dict[str, str]
    observations: list[Observation]
    differences: list[Difference]


def match(schema: Schema, interface: Interface) -> Match:
    """Match from the commands and events down."""
    matcher = _Matcher(schema, interface)
    matcher.run()
    return matcher.found


class _Matcher:
    def __init__(self, schema: Schema, interface: Interface) -> None:
        self.found = Match({}, [], [])
        self._schema = schema
        self._interface = interface
        self._waiting: list[tuple[str, str, str]] = []
        self._seen: set[tuple[str, str]] = set()

    def run(self) -> None:
        known = set()
        for definition in self._schema.find_commands_and_events():
            known.add(definition.name)
            entity = self._interface.by_name.get(definition.name)
            if self._observe(definition.name, definition.condition, there=entity is not None):
                self._enter(definition, entity)
        for info in (*self._interface.commands, *self._interface.events):
            if info.name not in known:
                self._add(info.name)
        for own, name, path in self._waiting:  # grows while it is read
            self._compare(own, name, path)

    def _observe(self, path: str, condition: Condition | None, *, there: bool) -> bool:
        """Note what presence tells; return whether to go on inside."""
        if condition is not None:
            self.found.observations.append(Observation(path, condition, there))
        elif not there:
            self.found.differences.append(Difference(path, Sort.MISSING))
        return there

    def _differ(self, path: str, what: str) -> None:
        self.found.differences.append(Difference(path, Sort.CHANGED, what))

    def _add(self, path: str) -> None:
        self.found.differences.append(Difference(path, Sort.EXTRA))

    def _enter(self, definition: Command | Event, entity: EntityInfo | None) -> None:
        name = definition.name
        match (definition, entity):
            case (Command(), CommandInfo()):
                self._follow(definition.arg_type or EMPTY, entity.arg_type, f"{name}/arg-type")
                self._follow(definition.ret_type or EMPTY, entity.ret_type, f"{name}/ret-type")
                if definition.allow_oob != entity.allow_oob:
                    self._differ(name, "allow-oob is not what the source says")
            case (Event(), EventInfo()):
                self._follow(definition.arg_type or EMPTY, entity.arg_type, f"{name}/arg-type")
            case _:
                self._differ(name, f"no {definition.context.partition(' ')[0]} here")
                return
        self.found.names[name] = name
        self._compare_features(definition.features, entity, f"{name}/$")

    def _compare_features(self, own: Features | None, other: Any, stem: str) -> None:
        listed = other.features if isinstance(other, Featured) else ()
        for feature in own or ():
            self._observe(stem + feature.name, feature.condition, there=feature.name in listed)
        known = {feature.name for feature in own or ()}
        for name in listed:
            if name not in known:
                self._add(stem + name)

    def _follow(self, own: str, name: str, path: str) -> None:
        if (own, name) not in self._seen:
            self._seen.add((own, name))
            self._waiting.append((own, name, path))

    # Types.

    def _compare(self, own: str, name: str, path: str) -> None:
        mine = self._schema.by_name[own]
        other = self._interface.by_name.get(name)
        assert not isinstance(mine, Command | Event)
        if other is None:
            self._observe(path, self._find_condition(mine), there=False)
            return
        match (mine, other):
            case (Builtin(json_type=json_type), BuiltinType()) if json_type == other.json_type:
                return
            case (Array(), ArrayType()):
                self._follow(mine.element, other.element_type, path)
            case (Enum(), EnumType()):
                self._compare_enums(mine, other, path)
            case (Object(), ObjectType()) if mine.discriminator == other.tag:
                self._compare_objects(mine, other, path)
            case (Alternate(), AlternateType()):
                self._compare_alternates(mine, other, path)
            case _:
                self._differ(path, f"{_describe(other)} here, {_describe_own(mine)} in the source")
                return
        if not isinstance(mine, Array):
            self._observe(path, mine.condition, there=True)
            self.found.names.setdefault(name, own)
            self._compare_features(mine.features, other, f"{path}/$")

    def _find_condition(self, mine: Entity) -> Condition | None:
        """Return when a type exists: an array does where its elements do."""
        return (self._schema.by_name[mine.element] if isinstance(mine, Array) else mine).condition

    def _compare_enums(self, mine: Enum, other: EnumType, path: str) -> None:
        members = {member.name: member for member in other.members}
        for value in mine.values:
            member = members.pop(value.name, None)
            where = f"{path}/^{value.name}"
            if self._observe(where, value.condition, there=member is not None):
                self._compare_features(value.features, member, f"{where}/$")
        self._add_all(f"{path}/^", members)

    def _compare_objects(self, mine: Object, other: ObjectType, path: str) -> None:
        shape = self._schema.shapes[mine.name]
        members = {member.name: member for member in other.members}
        for own in shape.members:
            member = members.pop(own.name, None)
            where = f"{path}/{own.name}"
            if self._observe(where, own.condition, there=member is not None) and member:
                self._compare_members(own, member, where)
        self._add_all(f"{path}/", members)
        variants = {variant.case: variant for variant in other.variants}
        for branch in shape.branches:
            variant = variants.pop(branch.name, None)
            where = f"{path}/+{branch.name}"
            if self._observe(where, branch.condition, there=variant is not None) and variant:
                self._follow(branch.type, variant.type, where)
        self._add_all(f"{path}/+", variants)

    def _compare_members(self, own: Member, member: MemberInfo, path: str) -> None:
        if own.optional != member.optional:
            here, there = ("optional", "mandatory")[:: 1 if member.optional else -1]
            self._differ(path, f"{here} here, {there} in the source")
        self._compare_features(own.features, member, f"{path}/$$")
        self._follow(own.type, member.type, path)

    def _compare_alternates(self, mine: Alternate, other: AlternateType, path: str) -> None:
        """Branches have no names on the wire: the kind of JSON tells them apart."""
        here = {self._find_kind(member.type): member.type for member in other.members}
        # Branches of types that are configured out are of no kind. Which they are is sure only
        # where all that they can be are there.
        gone = [name for name in here.values() if self._find_kind(name) == _NO_KIND + name]
        doubtful = [
            branch
            for branch in mine.branches
            if self._find_own_kind(branch) not in here
            and self._find_condition(self._schema.by_name[branch.type])
        ]
        gone_branches = dict(zip((each.name for each in doubtful), gone, strict=False))
        for branch in mine.branches:
            kind = self._find_own_kind(branch)
            if gone and branch in doubtful and len(doubtful) != len(gone):
                continue
            name = here.pop(kind, None) or here.pop(
                _NO_KIND + gone_branches.get(branch.name, ""), None
            )
            where = f"{path} ({kind})"
            if self._observe(where, branch.condition, there=name is not None) and name:
                self._follow(branch.type, name, path)
        for kind in [kind for kind in here if not kind.startswith(_NO_KIND)]:
            self._add(f"{path} ({kind})")

    def _find_kind(self, name: str) -> str:
        entity = self._interface.by_name.get(name)
        match entity:
            case BuiltinType():
                return entity.json_type
            case EnumType():
                return "string"
            case ArrayType() | ObjectType():
                return entity.meta_type
            case _:
                # An array that is configured out still says that it is one.
                return "array" if name.startswith("[") else _NO_KIND + name

    def _find_own_kind(self, branch: Branch) -> str:
        found = self._schema.by_name[branch.type]
        match found:
            case Builtin():
                return found.json_type
            case Enum():
                return "string"
            case Array():
                return "array"
            case _:
                return "object"

    def _add_all(self, stem: str, names: Iterable[str]) -> None:
        for name in names:
            self._add(stem + name)


def _describe(entity: EntityInfo | None) -> str:
    match entity:
        case None:
            return "nothing"
        case BuiltinType():
            return entity.json_type
        case ObjectType(tag=str()):
            return "a union"
        case OpaqueEntity():
            return f"an unknown {entity.meta_type}"
        case _:
            return entity.meta_type


def _describe_own(found: Type) -> str:
    match found:
        case Builtin():
            return found.json_type
        case Enum():
            return "enum"
        case Array():
            return "array"
        case Object():
            return "a union" if found.discriminator else "object"
        case Alternate():
            return "alternate"
        case _:
            assert_never(found)

"""From the schema to SchemaInfo: what `query-qmp-schema` of a program built from it answers.

In: a resolved schema and the symbols defined. Out: entities in QEMU's order, with QEMU's masked
names (scripts/qapi/introspect.py): commands and events file by file, then types as they are first
used. Which types there are, and their numbers, does not depend on conditions; what is left out
does.
"""

from collections.abc import Iterable, Iterator, Mapping, Set
from typing import assert_never

from msgspec import UNSET, UnsetType

from qscope.model.schema_info import (
    AlternateMember,
    AlternateType,
    ArrayType,
    BuiltinType,
    EnumMember,
    EnumType,
    KnownEntity,
    ObjectType,
    Variant,
)
from qscope.model.schema_info import Command as CommandInfo
from qscope.model.schema_info import Event as EventInfo
from qscope.model.schema_info import Member as MemberInfo
from qscope.qapi.conditions import Condition, holds
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
    Shape,
    Type,
)


def introspect(
    entities: Mapping[str, Entity],
    shapes: Mapping[str, Shape],
    users: Iterable[Command | Event],
    defines: Set[str],
    *,
    unmask: bool,
) -> Iterator[KnownEntity]:
    """Yield what exists where `defines` are defined; `users` are all commands and events."""
    return _Introspector(entities, shapes, defines, unmask=unmask).run(users)


def mention_types(
    entities: Mapping[str, Entity],
    shapes: Mapping[str, Shape],
    users: Iterable[Command | Event],
) -> dict[str, str]:
    """Return the source's name of each type that introspection lists, conditions aside."""
    introspector = _Introspector(entities, shapes, frozenset(), unmask=False)
    for _ in introspector.run(users):
        pass
    return {introspector.mentions[own]: own for own in introspector.queue}


class _Introspector:
    """Goes through the types as they are first mentioned."""

    def __init__(
        self,
        entities: Mapping[str, Entity],
        shapes: Mapping[str, Shape],
        defines: Set[str],
        *,
        unmask: bool,
    ) -> None:
        self._entities = entities
        self._shapes = shapes
        self._defines = defines
        self._unmask = unmask
        # Types in order of first use.
        self.queue: list[str] = []
        # What a type is called where it is mentioned, by its own name.
        self.mentions: dict[str, str] = {}
        self._masks = 0

    def run(self, users: Iterable[Command | Event]) -> Iterator[KnownEntity]:
        for entity in users:
            info: KnownEntity
            info = self._command(entity) if isinstance(entity, Command) else self._event(entity)
            if self._is_in(entity.condition):
                yield info
        for name in self.queue:  # grows while it is read
            found = self._entities[name]
            assert not isinstance(found, Command | Event)
            if type_info := self._type(found):
                yield type_info

    def _is_in(self, condition: Condition | None) -> bool:
        return condition is None or holds(condition, self._defines)

    def _use(self, name: str) -> str:
        """Return what to call a type, and go through it later if this is its first use."""
        mention = self.mentions.get(name)
        if mention is None:
            mention = self.mentions[name] = self._use_first(name)
        return mention

    def _use_first(self, name: str) -> str:
        found = self._entities[name]
        match found:
            case Builtin(json_type="int") if name != "int":
                return self._use("int")
            case Builtin():
                self.queue.append(name)
                return name
            case Array(element=element):
                if self._is_integer(element) and name != "intList":
                    return self._use("intList")
                self.queue.append(name)
                return f"[{self._use(element)}]"
            case _:
                self.queue.append(name)
                self._masks += 1
                return name if self._unmask else str(self._masks - 1)

    def _is_integer(self, name: str) -> bool:
        found = self._entities[name]
        return isinstance(found, Builtin) and found.json_type == "int"

    def _features(self, features: Features | None) -> tuple[str, ...] | UnsetType:
        """List features. An empty list stands only where a schema lists some."""
        if not features:
            return UNSET
        return tuple(each.name for each in features if self._is_in(each.condition))

    def _command(self, command: Command) -> CommandInfo:
        return CommandInfo(
            name=command.name,
            arg_type=self._use(command.arg_type or EMPTY),
            ret_type=self._use(command.ret_type or EMPTY),
            allow_oob=command.allow_oob,
            listed_features=self._features(command.features),
        )

    def _event(self, event: Event) -> EventInfo:
        return EventInfo(
            name=event.name,
            arg_type=self._use(event.arg_type or EMPTY),
            listed_features=self._features(event.features),
        )

    def _type(self, entity: Type) -> KnownEntity | None:
        """Return a type's entry, after mentioning what it mentions; None if it is left out."""
        name = self.mentions[entity.name]
        condition = entity.condition
        features = self._features(entity.features)
        info: KnownEntity
        match entity:
            case Builtin(json_type=json_type):
                info = BuiltinType(name=name, json_type=json_type)
            case Array(element=element):
                # An array exists where its elements do.
                condition = self._entities[element].condition
                info = ArrayType(name=name, element_type=self._use(element))
            case Enum():
                info = self._enum(entity, name, features)
            case Object():
                info = self._object(entity, name, features)
            case Alternate(branches=branches):
                members = tuple(
                    AlternateMember(type=variant.type) for variant in self._variants(branches)
                )
                info = AlternateType(name=name, members=members, listed_features=features)
            case _:
                assert_never(entity)
        return info if self._is_in(condition) else None

    def _enum(self, enum: Enum, name: str, features: tuple[str, ...] | UnsetType) -> EnumType:
        members = tuple(
            [
                EnumMember(name=value.name, listed_features=self._features(value.features))
                for value in enum.values
                if self._is_in(value.condition)
            ]
        )
        values = tuple([member.name for member in members])
        return EnumType(
            name=name, sent_members=members, sent_values=values, listed_features=features
        )

    def _object(
        self, entity: Object, name: str, features: tuple[str, ...] | UnsetType
    ) -> ObjectType:
        shape = self._shapes[entity.name]
        return ObjectType(
            name=name,
            members=tuple(self._members(shape.members)),
            tag=entity.discriminator,
            variants=tuple(self._variants(shape.branches)),
            listed_features=features,
        )

    def _members(self, members: tuple[Member, ...]) -> Iterator[MemberInfo]:
        """Yield the members that exist; types are mentioned whether or not they do."""
        for member in members:
            type_name = self.mentions.get(member.type) or self._use(member.type)
            if member.condition is None or holds(member.condition, self._defines):
                yield MemberInfo(
                    name=member.name,
                    type=type_name,
                    default=None if member.optional else UNSET,
                    listed_features=self._features(member.features) if member.features else UNSET,
                )

    def _variants(self, branches: tuple[Branch, ...]) -> Iterator[Variant]:
        """Yield the branches that exist, likewise."""
        for branch in branches:
            type_name = self._use(branch.type)
            if self._is_in(branch.condition):
                yield Variant(case=branch.name, type=type_name)

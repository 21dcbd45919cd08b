"""From a schema to the graph of its types.

In: a resolved schema and the symbols defined. Out: a node for each type that is asked for.
"""

from collections.abc import Iterable, Set
from typing import assert_never

from qscope import qapi
from qscope.qapi.conditions import Condition, holds
from qscope.qapi.definitions import (
    EMPTY,
    Branch,
    Builtin,
    Command,
    Event,
    Type,
)
from qscope.qapi.definitions import Alternate as AlternateDefinition
from qscope.qapi.definitions import Array as ArrayDefinition
from qscope.qapi.definitions import Enum as EnumDefinition
from qscope.qapi.definitions import Features as ListedFeatures
from qscope.qapi.definitions import Member as MemberDefinition
from qscope.qapi.definitions import Object as ObjectDefinition
from qscope.serve.types.nodes import Alternate, Array, Enum, Features, Member, Node, Object, Scalar


class Builder:
    """Makes nodes as they are asked for, each once."""

    def __init__(self, schema: qapi.Schema, defines: Set[str]) -> None:
        self._schema = schema
        self._defines = defines
        self._nodes: dict[str, Node] = {}

    def find(self, name: str) -> Node:
        """Return the node of a type. Raises KeyError for what is no type of the schema."""
        if name not in self._nodes:
            entity = self._schema.by_name[name]
            if isinstance(entity, Command | Event):
                raise KeyError(name)
            self._build(name, entity)
        return self._nodes[name]

    def _build(self, name: str, entity: Type) -> None:
        match entity:
            case Builtin():
                self._nodes[name] = Scalar(name)
            case EnumDefinition():
                self._nodes[name] = self._build_enum(entity)
            case ArrayDefinition(element=element):
                array = self._nodes[name] = Array(name, Scalar("any"))
                array.element = self.find(element)
            case ObjectDefinition():
                self._fill_object(entity)
            case AlternateDefinition(branches=branches):
                alternate = self._nodes[name] = Alternate(name)
                alternate.branches = tuple([self.find(each.type) for each in self._exist(branches)])
            case _:
                assert_never(entity)

    def _build_enum(self, entity: EnumDefinition) -> Enum:
        values = [each for each in entity.values if self._holds(each.condition)]
        return Enum(entity.name, {each.name: self._features(each.features) for each in values})

    def _fill_object(self, entity: ObjectDefinition) -> None:
        node = self._nodes[entity.name] = Object(entity.name)
        shape = self._schema.shapes[entity.name]
        node.tag = entity.discriminator
        node.members = tuple(self._members(shape.members))
        if node.tag is not None:
            branches = {each.name: each.type for each in self._exist(shape.branches)}
            tag = next(each.type for each in node.members if each.name == node.tag)
            assert isinstance(tag, Enum)
            node.branches = {
                value: self._find_object(branches.get(value, EMPTY)) for value in tag.values
            }

    def _find_object(self, name: str) -> Object:
        node = self.find(name)
        assert isinstance(node, Object)
        return node

    def _members(self, members: Iterable[MemberDefinition]) -> Iterable[Member]:
        for each in members:
            if self._holds(each.condition):
                features = self._features(each.features)
                yield Member(each.name, self.find(each.type), each.optional, features)

    def _exist(self, branches: Iterable[Branch]) -> Iterable[Branch]:
        return (each for each in branches if self._holds(each.condition))

    def _features(self, features: ListedFeatures | None) -> Features:
        return tuple(each.name for each in features or () if self._holds(each.condition))

    def _holds(self, condition: Condition | None) -> bool:
        return holds(condition, self._defines)

"""Hiding what is deprecated or unstable, as QEMU's `-compat` hides it from clients.

In: a `Schema` and the features whose carriers to hide. Out: a `Schema` without them, which
remembers the whole one: a branch is added to that, and then hidden again if need be.
"""

from collections.abc import Collection, Iterable, Iterator
from typing import TypeVar

from msgspec import structs

from qscope.errors import UnknownNameError
from qscope.qapi.conditions import All, Condition, Not
from qscope.qapi.definitions import (
    Branch,
    Command,
    Entity,
    Enum,
    Event,
    Features,
    Member,
    Object,
    Shape,
    Value,
)
from qscope.qapi.schema import Schema

# Those that a policy can be about; types cannot have them (QEMU's docs/devel/qapi-code-gen.rst).
_SPECIAL = ("deprecated", "unstable")

_Part = TypeVar("_Part", Value, Member, Branch, Command, Event)


def hide(schema: Schema, features: Collection[str], *, values: bool = True) -> Schema:
    """Return the schema without what carries one of these features.

    Commands, events, members and values go, and branches with their values; types that nothing
    leads to any more are in no introspection. What carries a feature under a condition is hidden
    under that condition. A union whose tag is hidden has no branches left: none could be chosen.
    With `values=False` those of enums stay, as QEMU lets them.

    Raises UnknownNameError for a feature that no policy is about.
    """
    if isinstance(features, str):
        raise TypeError("features is a collection of names, not one string")
    for name in features:
        if name not in _SPECIAL:
            raise UnknownNameError(
                f"no policy hides what carries '{name}', only {' and '.join(_SPECIAL)}"
            )
    hidden = schema.hidden.union(features)
    if hidden == schema.hidden:
        return schema
    return _hide(schema.whole or schema, hidden, values=values)


def _hide(whole: Schema, hidden: frozenset[str], *, values: bool) -> Schema:
    hider = _Hider(whole, hidden, values=values)
    return Schema(
        hider.find_entities(),
        {name: hider.hide_shape(name, shape) for name, shape in whole.shapes.items()},
        whole.modules,
        whole.docs,
        pragma=whole.pragma,
        added=whole.added,
        whole=whole,
        hidden=hidden,
    )


class _Hider:
    """Takes what is hidden out of entities, one by one."""

    def __init__(self, whole: Schema, hidden: frozenset[str], *, values: bool) -> None:
        self._whole = whole
        self._hidden = hidden
        self._takes_values = values

    def find_entities(self) -> Iterator[Entity]:
        """Yield what is left of every entity of which something is."""
        for entity in self._whole.entities:
            match entity:
                case Enum(values=values) if self._takes_values:
                    yield structs.replace(entity, values=self._keep(values))
                case Object():
                    yield self._hide_object(entity)
                case Command():
                    yield from self._keep([entity])
                case Event():
                    yield from self._keep([entity])
                case _:
                    yield entity

    def _hide_object(self, entity: Object) -> Object:
        members = self._keep(entity.members)
        if entity.discriminator is None:
            return structs.replace(entity, members=members)
        tag = self._find_tag(entity)
        if self._is_marked(tag.features):
            return structs.replace(entity, members=members, discriminator=None, branches=())
        branches = self._keep_branches(tag, entity.branches)
        return structs.replace(entity, members=members, branches=branches)

    def hide_shape(self, name: str, shape: Shape) -> Shape:
        """Return what is left of an object's members and branches, inherited ones too."""
        entity = self._whole.by_name[name]
        assert isinstance(entity, Object)
        members = self._keep(shape.members)
        if entity.discriminator is None:
            return Shape(members)
        tag = self._find_tag(entity)
        if self._is_marked(tag.features):
            return Shape(members)
        return Shape(members, self._keep_branches(tag, shape.branches))

    def _find_tag(self, union: Object) -> Member:
        members = self._whole.shapes[union.name].members
        return next(member for member in members if member.name == union.discriminator)

    def _is_marked(self, features: Features | None) -> bool:
        return any(feature.name in self._hidden for feature in features or ())

    def _keep(self, parts: Iterable[_Part]) -> tuple[_Part, ...]:
        kept = (self._restrict(part, part.features) for part in parts)
        return tuple([part for part in kept if part is not None])

    def _keep_branches(self, tag: Member, branches: tuple[Branch, ...]) -> tuple[Branch, ...]:
        """Keep those whose value is there."""
        if not self._takes_values:
            return branches
        enum = self._whole.by_name[tag.type]
        assert isinstance(enum, Enum)
        features = {value.name: value.features for value in enum.values}
        kept = (self._restrict(branch, features[branch.name]) for branch in branches)
        return tuple([branch for branch in kept if branch is not None])

    def _restrict(self, part: _Part, features: Features | None) -> _Part | None:
        """Return a part as far as it is not hidden: not at all, or not where features hold."""
        if not features:
            return part
        marks = [each.condition for each in features if each.name in self._hidden]
        if not marks:
            return part
        if None in marks:
            return None
        conditions: list[Condition] = [Not(mark) for mark in marks if mark is not None]
        if part.condition is not None:
            conditions.insert(0, part.condition)
        return structs.replace(part, condition=All(tuple(conditions)))

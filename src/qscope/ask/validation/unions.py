"""Which members an object has: its own, those of the branch that its tag chooses, and so on.

In: an object type, the value that is judged. Out: `Members`.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from qscope.ask.validation.masked import MaskedTypes
from qscope.model.schema_info import Entity, Member, ObjectType


class Entered(NamedTuple):
    """A member, and what introspection masks behind it."""

    member: Member
    masked: MaskedTypes | None


class Members(NamedTuple):
    """What an object has.

    `elsewhere` has, by name, the branches (`driver=qcow2`) in which a member is that is not here.
    `decided` is false where the tag is missing or has no branch: then all branches are elsewhere.
    `broken` names a branch's type of which the schema does not tell the members ("" for none).
    """

    members: tuple[Entered, ...]
    elsewhere: Mapping[str, tuple[str, ...]]
    decided: bool
    broken: str = ""


def gather_members(
    find: Callable[[str], Entity | None],
    start: ObjectType,
    value: Mapping[Any, Any],
    masked: MaskedTypes | None,
) -> Members:
    """Collect the members of `start` as its tags in `value` choose them, union after union."""
    members: dict[str, Entered] = {}
    elsewhere: dict[str, list[str]] = {}
    seen: set[str] = set()
    entity: Entity | None = start
    decided = True
    types: dict[str, str] = {}
    chosen: Any = None
    while isinstance(entity, ObjectType) and entity.name not in seen:
        seen.add(entity.name)
        for member in entity.members:
            place = masked.enter(member.name) if masked else None
            members.setdefault(member.name, Entered(member, place))
        if entity.tag is None:
            break
        chosen = value.get(entity.tag)
        for case, name in _list_other_members(find, entity, chosen):
            elsewhere.setdefault(name, []).append(f"{entity.tag}={case}")
        types = {variant.case: variant.type for variant in entity.variants}
        decided = isinstance(chosen, str) and _is_value(find, entity, chosen, set(types))
        if not isinstance(chosen, str) or chosen not in types:
            break
        masked = masked.enter(f"+{chosen}") if masked else None
        entity = find(types[chosen])
    others = {name: tuple(cases) for name, cases in elsewhere.items() if name not in members}
    broken = "" if isinstance(entity, ObjectType) else types[chosen]
    return Members(tuple(members.values()), others, decided, broken)


def _list_other_members(
    find: Callable[[str], Entity | None], entity: ObjectType, chosen: Any
) -> Iterator[tuple[str, str]]:
    """Yield (case, member) for every branch that is not chosen."""
    for variant in entity.variants:
        branch = find(variant.type)
        if variant.case != chosen and isinstance(branch, ObjectType):
            for member in branch.members:
                yield variant.case, member.name


def _is_value(
    find: Callable[[str], Entity | None], entity: ObjectType, chosen: str, cases: set[str]
) -> bool:
    """Whether a tag has this value; one without a branch adds nothing."""
    if chosen in cases:
        return True
    tag = next((member for member in entity.members if member.name == entity.tag), None)
    values = getattr(find(tag.type) if tag else None, "values", ())
    return chosen in values

"""Answers about properties and what lies behind them: types, values, ranges.

In: an interface, the type that was asked, the rest of a path. Out: an `Answer`. A property of a
type that told its properties is there or not; of a type that was not asked, or of which QEMU died,
nothing is known. An alias of a driver is a name for it.
"""

from collections.abc import Sequence

from qscope.ask.answer import Answer, Verdict, unknown
from qscope.ask.describe import describe_type
from qscope.ask.owner import Owner
from qscope.ask.path import Step
from qscope.ask.walk import try_walk, walk
from qscope.model.interface import Interface
from qscope.model.properties import COMMANDS, Told
from qscope.model.qom import PropertyMember
from qscope.model.schema_info import ObjectType, OpaqueEntity


def ask_property(
    interface: Interface,
    owner: Owner,
    steps: Sequence[Step],
    present: Answer,
    position: int = 1,
    *,
    arguments: bool = False,
) -> Answer:
    """Answer what `steps` ask of a type whose presence is known to be `present`.

    `position` is that of the first step in its path; with `arguments` only what a user can set
    counts.
    """
    told = interface.properties.find(owner.asked, owner.typename)
    if told is not None and told.properties is not None:
        made = interface.qom.make(owner.asked, owner.typename, arguments=arguments)
        assert made is not None
        answer = follow(interface, made, steps, name_source(owner), position)
        by_schema = _ask_object_add(interface, owner, steps, position) if len(steps) > 1 else None
        return by_schema or answer
    if told is not None and told.error not in ("", "DeviceNotFound"):
        return Answer(Verdict.NO, name_source(owner), told.explain(), position=position)
    if present.verdict is not Verdict.YES:
        return present
    by_schema = _ask_object_add(interface, owner, steps, position) if told else None
    return by_schema or _not_known(interface, owner, told)


def find_in_object_add(interface: Interface, owner: Owner, name: str) -> str | None:
    """Return the type that object-add's schema gives to a property, None where it has none.

    It has all user-creatable types since 6.0, and says what qom-list-properties does not: members
    of structs, elements of arrays (memory-backend's host-nodes is a list, and called `int`).
    """
    if owner.asked != "object":
        return None
    branch = Step(f"+{owner.typename}", "+", owner.typename)
    steps = [Step("arg-type", "", "arg-type"), branch, Step(name, "", name)]
    ended = try_walk(interface.by_name.get, "object-add", steps)
    return ended.entity.name if ended and ended.position == len(steps) else None


def _ask_object_add(
    interface: Interface, owner: Owner, steps: Sequence[Step], position: int
) -> Answer | None:
    """Answer by object-add's schema, if it has the property and can tell."""
    name = find_in_object_add(interface, owner, steps[0].text)
    ended = walk(interface.by_name.get, name, steps[1:]) if name else None
    if ended is None or ended.found is None:
        return None
    source = f"{interface.schema_source} object-add"
    if not ended.found:
        why = f"{steps[1 + ended.position].text!r} is not there"
        return Answer(Verdict.NO, source, why, ended.entity.name, position + 1 + ended.position)
    is_type = ended.position == len(steps) - 1
    return Answer(Verdict.YES, source, entity=ended.entity.name if is_type else None)


def ask_argument(
    interface: Interface, owner: Owner, steps: Sequence[Step], present: Answer, position: int
) -> Answer:
    """Answer likewise, as for an argument: what a user cannot set is none."""
    member = find_member(interface, owner, steps[0])
    if member is None or member.settable:
        return ask_property(interface, owner, steps, present, position, arguments=True)
    why = f"{steps[0].text!r} can be read, not set"
    return Answer(Verdict.NO, name_source(owner), why, position=position)


def find_member(interface: Interface, owner: Owner, step: Step) -> PropertyMember | None:
    """Return the property that a step names."""
    made = interface.qom.make(owner.asked, owner.typename)
    by_name = {member.name: member for member in made.members} if made else {}
    member = by_name.get(step.text) or by_name.get(step.name)
    return member if isinstance(member, PropertyMember) else None


def follow(
    interface: Interface, start: ObjectType, steps: Sequence[Step], source: str, position: int
) -> Answer:
    """Walk from a type made of properties; `position` is that of the first step in its path."""
    ended = walk(interface.find, start.name, _take_literally(start, steps, position))
    if ended.found is None:
        assert isinstance(ended.entity, OpaqueEntity)
        kind = ended.entity.meta_type
        return unknown(source, f"{_name(steps, ended.position)} is of type {kind!r}, not described")
    if ended.position and len(steps) > 1:
        source = f"{source}, {_find_basis(start, steps[0])}"
    if not ended.found:
        why = f"{steps[ended.position].text!r} is not there"
        entity = ended.entity.name
        return Answer(Verdict.NO, source, why, entity, position + ended.position)
    if ended.position < len(steps):
        return Answer(Verdict.YES, source)
    why = describe_type(interface.find, ended.entity.name)
    return Answer(Verdict.YES, source, why, entity=ended.entity.name)


def _find_basis(start: ObjectType, step: Step) -> str:
    """Return what the type of a property rests on."""
    by_name = {member.name: member for member in start.members}
    member = by_name.get(step.text) or by_name[step.name]
    assert isinstance(member, PropertyMember)
    return member.basis


def _take_literally(start: ObjectType, steps: Sequence[Step], position: int) -> Sequence[Step]:
    """Let the first step be a name as it is written, if it is one: `3dnow` has no modifier.

    Behind a prefix nothing but `*` is a modifier.
    """
    first, *rest = steps
    is_name = any(member.name == first.text for member in start.members)
    if is_name or (position == 1 and first.modifier != "*"):
        return (Step(first.text, "", first.text), *rest)
    return steps


def _name(steps: Sequence[Step], position: int) -> str:
    return repr(steps[max(position - 1, 0)].text)


def name_source(owner: Owner) -> str:
    """Return the question that tells a type's properties."""
    return f"{COMMANDS[owner.asked]} {owner.typename}"


def _not_known(interface: Interface, owner: Owner, told: Told | None) -> Answer:
    reason = told.explain() if told else explain_unasked(interface)
    if owner.asked == "object" and interface.properties.find("device", owner.typename):
        reason += f"; 'device:{owner.typename}' knows those of the device"
    return unknown(name_source(owner), f"properties of {owner.typename} are not known: {reason}")


def explain_unasked(interface: Interface) -> str:
    """Say why a type's properties were not asked."""
    table = interface.properties
    if table.devices or table.objects or interface.listings.silence != "it was not asked":
        return "they were not asked"
    return "they were not asked (a QEMU that runs a guest is not: the question can abort it)"

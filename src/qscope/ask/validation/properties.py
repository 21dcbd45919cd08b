"""What a device or an object takes as its properties.

In: which QOM type, and an object of properties. Out: `Finding`s.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from qscope.ask.finding import Finding, Severity
from qscope.ask.syntax.scalars import NEWEST, Dialect
from qscope.ask.typed import explain_unasked
from qscope.ask.validation.checker import Checker
from qscope.ask.validation.masked import MaskedTypes, find_masked
from qscope.ask.validation.reader import Reader
from qscope.ask.validation.words import MOST_GUESSES, clip
from qscope.model.interface import Interface
from qscope.model.near import near
from qscope.model.properties import COMMANDS, Asked
from qscope.model.qom import PropertyMember
from qscope.model.schema_info import Member

# Properties of all devices that device-list-properties leaves out (hw/core/qdev.c). They are
# QEMU's own; setting `realized` aborts it (measured on 5.2 to 11.1).
_OWN = frozenset(("type", "realized", "hotplugged", "hotpluggable", "parent_bus"))
# Until 8.2 `len-NAME` makes as many of these.
_ELEMENT = re.compile(r"(.+)\[[0-9]+\]")


class PropertyOwner(NamedTuple):
    """A QOM type, and which of the two commands is asked for its properties."""

    asked: Asked
    typename: str

    @property
    def evidence(self) -> str:
        """The question that tells its properties."""
        return f"{COMMANDS[self.asked]} {self.typename}"


def judge_properties(
    interface: Interface,
    owner: PropertyOwner,
    properties: dict[Any, Any],
    reader: Reader,
    dialect: Dialect = NEWEST,
) -> Iterator[Finding]:
    """Yield everything that is wrong with the properties given to `owner`."""
    made = interface.qom.make(owner.asked, owner.typename)
    settable = interface.qom.make(owner.asked, owner.typename, arguments=True)
    if made is None or settable is None:
        if properties:
            yield _not_known(interface, owner)
        return
    members = {member.name: member for member in made.members}
    members |= {member.name: member for member in settable.members}
    for number, (name, value) in enumerate(properties.items()):
        member = members.get(name)
        if member is None:
            guessable = members if number < MOST_GUESSES else {}
            yield from _judge_unknown(owner, str(name), members, guessable)
        elif isinstance(member, PropertyMember) and not member.settable:
            yield _refuse_setting(owner, name)
        else:
            checker = Checker(
                interface.find,
                reader,
                _find_masked(owner, name),
                evidence=owner.evidence,
                dialect=dialect,
            )
            yield from checker.check(member.type, value, name)


def _find_masked(owner: PropertyOwner, name: str) -> MaskedTypes | None:
    """Return what object-add's schema says of a property; QOM calls most of its integers `int`."""
    start = find_masked("object-add") if owner.asked == "object" else None
    branch = start.enter(f"+{owner.typename}") if start else None
    return branch.enter(name) if branch else None


def _judge_unknown(
    owner: PropertyOwner, name: str, members: dict[str, Member], guessable: dict[str, Member]
) -> Iterator[Finding]:
    element = _ELEMENT.fullmatch(name)
    if element and f"len-{element[1]}" in members:
        return
    if owner.asked == "device" and name in _OWN:
        yield _refuse_setting(owner, name)
        return
    settable = [each for each, member in guessable.items() if getattr(member, "settable", True)]
    message = f"{clip(owner.typename)} has no such property"
    guesses = tuple(near(name, settable))
    yield Finding(
        "property-unknown", clip(name), message, evidence=owner.evidence, suggestions=guesses
    )


def _refuse_setting(owner: PropertyOwner, name: str) -> Finding:
    message = "it can be read, not set"
    return Finding("property-read-only", name, message, evidence=owner.evidence)


def _not_known(interface: Interface, owner: PropertyOwner) -> Finding:
    told = interface.properties.find(owner.asked, owner.typename)
    reason = told.explain() if told else explain_unasked(interface)
    message = f"the properties of {clip(owner.typename)} are not known: {reason}"
    return Finding("properties-unknown", "", message, Severity.UNKNOWN, evidence=owner.evidence)

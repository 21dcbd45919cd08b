"""Types of arguments that the QMP schema shows: what a command takes or returns.

In: an interface and an option. Out: `Argument`; None where the schema has no witness of it.
"""

from typing import Literal, NamedTuple

from msgspec import structs

from qscope.ask.options.argument import Argument
from qscope.ask.options.scalars import find_in_schema, make_scalar
from qscope.model.interface import Interface
from qscope.model.option import Completeness, OptionEvidence
from qscope.model.schema_info import EnumType, Member, ObjectType


class Shown(NamedTuple):
    """The path at which the schema has the type of an option's argument, and how complete it is."""

    path: str
    completeness: Completeness = "exact"


# QEMU parses each of these options into the same QAPI type (system/vl.c, net/net.c, audio/audio.c).
SHOWN = {
    "blockdev": Shown("blockdev-add/arg-type"),
    "netdev": Shown("netdev_add/arg-type"),
    "object": Shown("object-add/arg-type"),
    "display": Shown("query-display-options/ret-type"),
    "audiodev": Shown("query-audiodevs/ret-type"),
    "audio": Shown("query-audiodevs/ret-type", "partial"),
    "numa": Shown("set-numa-node/arg-type"),
    "action": Shown("set-action/arg-type"),
    "watchdog-action": Shown("watchdog-set-action/arg-type/action"),
    "incoming": Shown("migrate-incoming/arg-type/channels"),
    "nic": Shown("netdev_add/arg-type", "partial"),
    "net": Shown("netdev_add/arg-type", "partial"),
}
# Types that must be unions to say anything: object-add's was none before 6.0.
_UNIONS = frozenset(("blockdev", "netdev", "object", "display", "audiodev", "audio", "nic", "net"))
# What an option takes beside its witness, and what it does not need (net/net.c, audio/audio.c).
_MORE = {
    "nic": {"mac": "string", "model": "string", "netdev": "string"},
    "net": {},
    "audio": {"model": "string"},
}


def find_shown_argument(interface: Interface, name: str) -> Argument | None:
    """Return what the schema shows of an option's argument."""
    shown = SHOWN.get(name)
    found = find_in_schema(interface, shown.path) if shown else None
    entity = interface.find(found) if found else None
    if shown is None or entity is None:
        return None
    if name in _UNIONS and not (isinstance(entity, ObjectType) and entity.tag):
        return None
    evidence = (OptionEvidence(_name_kind(shown.path), shown.path.partition("/")[0]),)
    if name in _MORE and isinstance(entity, ObjectType):
        entity = widen(interface, name, entity)
    words = entity.values if isinstance(entity, EnumType) else None
    return Argument(shown.completeness, entity.name, evidence, words)


def _name_kind(path: str) -> Literal["qmp-arg", "qmp-ret"]:
    return "qmp-ret" if "/ret-type" in path else "qmp-arg"


def widen(interface: Interface, name: str, entity: ObjectType) -> ObjectType:
    """Return the type with what else the option takes; its id may be left out."""
    members = [
        structs.replace(each, default=None) if each.name == "id" else each
        for each in entity.members
    ]
    for added, text in _MORE[name].items():
        made = make_scalar(interface, text)
        members.append(Member(name=added, type=made or "", default=None))
    widened = structs.replace(entity, name=f"option:{name}", members=tuple(members))
    interface.qom.adopt(widened)
    return widened

"""What `-compat deprecated-output=hide` leaves of a query-qmp-schema reply.

In: the reply's array. Out: the array without deprecated commands, events and members (QEMU's
monitor/qmp-cmds-control.c, zap_deprecated). Values of enums stay, and types that nothing leads to
any more; nothing goes for being unstable (measured on 7.2 to 11.1).
"""

from typing import Any

_MARK = "deprecated"


def zap_deprecated(entities: Any) -> Any:
    """Return the entities that are left; what is no such array stays as it is."""
    if not isinstance(entities, list):
        return entities
    return [_zap_members(each) for each in entities if not _is_marked(each)]


def _zap_members(entity: Any) -> Any:
    if not isinstance(entity, dict) or entity.get("meta-type") != "object":
        return entity
    members = entity.get("members")
    if not isinstance(members, list):
        return entity
    return {**entity, "members": [each for each in members if not _is_marked(each)]}


def _is_marked(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and entry.get("meta-type") in (None, "command", "event")
        and _MARK in (entry.get("features") or ())
    )

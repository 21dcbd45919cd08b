"""Lists: everything of one kind that an interface has, by name; and counts of it.

In: an interface, a kind, a glob pattern. Out: `Item`s sorted by name, or `Summary`.
"""

import fnmatch
from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct, field

from qscope.model.interface import Interface
from qscope.model.listings import QomType
from qscope.model.schema_info import Command, EnumType, Event, Featured, ObjectType

# Each kind, and the command that enumerates it.
KINDS = {
    "commands": "query-qmp-schema",
    "events": "query-qmp-schema",
    "objects": "qom-list-types",
    "devices": "qom-list-types implements=device",
    "machines": "query-machines",
    "cpus": "query-cpu-definitions",
    "qemuopts": "query-command-line-options",
    "migration": "query-migrate-capabilities",
}


class Item(Struct, frozen=True, omit_defaults=True):
    """One thing listed; `details` is the little else that the listing says."""

    name: str
    deprecated: bool = False
    unstable: bool = False
    details: dict[str, str | int] = field(default_factory=dict)


class Summary(Struct, frozen=True, rename="kebab"):
    """Sizes of a QMP interface, as the KVM Forum 2015 talk counts them."""

    commands: int
    events: int
    # Members of object types: named arguments, results and what they consist of.
    named_arguments_and_results: int
    enum_values: int
    types: int
    deprecated: int
    unstable: int


def list_names(interface: Interface, kind: str, pattern: str = "*") -> list[Item] | None:
    """Return what matches the glob `pattern`, sorted by name; None when nobody listed this kind."""
    items = _ITEMS[kind](interface)
    if items is None:
        return None
    found = {item.name: item for item in items if fnmatch.fnmatchcase(item.name, pattern)}
    return [found[name] for name in sorted(found)]


def summarise(interface: Interface) -> Summary | None:
    """Count what the schema has; None when there is none."""
    entities = interface.entities
    if entities is None:
        return None
    objects = [entity for entity in entities if isinstance(entity, ObjectType)]
    enums = [entity for entity in entities if isinstance(entity, EnumType)]
    featured = list(_find_featured(interface))
    return Summary(
        commands=len(interface.commands),
        events=len(interface.events),
        named_arguments_and_results=sum(len(entity.members) for entity in objects),
        enum_values=sum(len(entity.members) for entity in enums),
        types=len(entities) - len(interface.commands) - len(interface.events),
        deprecated=sum("deprecated" in each.features for each in featured),
        unstable=sum("unstable" in each.features for each in featured),
    )


def _find_featured(interface: Interface) -> Iterator[Featured]:
    for entity in interface.entities or ():
        if isinstance(entity, Featured):
            yield entity
        if isinstance(entity, ObjectType | EnumType):
            yield from entity.members


def _list_commands(interface: Interface) -> list[Item] | None:
    if interface.entities is None:
        return _list_plain(interface.listings.commands)
    return [_mark(command) for command in interface.commands]


def _list_events(interface: Interface) -> list[Item] | None:
    if interface.entities is None:
        return _list_plain(interface.listings.events)
    return [_mark(event) for event in interface.events]


def _mark(entity: Command | Event) -> Item:
    features = entity.features
    return Item(entity.name, "deprecated" in features, "unstable" in features)


def _list_types(types: Iterable[QomType] | None) -> list[Item] | None:
    if types is None:
        return None
    return [
        Item(each.name, details=_present(parent=each.parent)) for each in types if not each.abstract
    ]


def _list_machines(interface: Interface) -> list[Item] | None:
    machines = interface.listings.machines
    if machines is None:
        return None
    return [
        Item(
            each.name,
            each.deprecated,
            details=_present(alias=each.alias, default=each.is_default or None),
        )
        for each in machines
    ]


def _list_cpus(interface: Interface) -> list[Item] | None:
    cpus = interface.listings.cpus
    if cpus is None:
        return None
    return [
        Item(each.name, each.deprecated, details=_present(alias_of=each.alias_of)) for each in cpus
    ]


def _list_groups(interface: Interface) -> list[Item] | None:
    groups = interface.listings.option_groups
    if groups is None:
        return None
    return [Item(each.option, details={"parameters": len(each.parameters)}) for each in groups]


def _present(**details: str | int | None) -> dict[str, str | int]:
    return {name.replace("_", "-"): value for name, value in details.items() if value is not None}


def _list_plain(names: Iterable[str] | None) -> list[Item] | None:
    return None if names is None else [Item(name) for name in names]


_ITEMS: dict[str, Any] = {
    "commands": _list_commands,
    "events": _list_events,
    "objects": lambda interface: _list_types(interface.listings.qom_types),
    "devices": lambda interface: _list_types(interface.listings.devices),
    "machines": _list_machines,
    "cpus": _list_cpus,
    "qemuopts": _list_groups,
    "migration": lambda interface: _list_plain(interface.listings.migration_capabilities),
}

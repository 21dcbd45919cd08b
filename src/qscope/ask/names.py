"""Lists: everything of one kind that an interface has, by name; and counts of it.

In: an interface, a kind, a glob pattern. Out: `Item`s sorted by name, or `Summary`.
"""

import fnmatch
from collections.abc import Callable, Iterable, Iterator

from msgspec import Struct, field, structs

from qscope.ask.branches import list_creatable_objects
from qscope.ask.owner import ACCELERATOR
from qscope.ask.query import ask
from qscope.model.interface import Interface
from qscope.model.listings import QomType
from qscope.model.qdm import Driver
from qscope.model.schema_info import (
    Command,
    EnumMember,
    EnumType,
    Event,
    Featured,
    ObjectType,
)

# Each kind, and the command that enumerates it.
KINDS = {
    "commands": "query-qmp-schema",
    "events": "query-qmp-schema",
    "objects": "qom-list-types",
    "devices": "qom-list-types implements=device",
    "machines": "query-machines",
    "cpus": "query-cpu-definitions",
    "accels": "qom-list-types implements=accel",
    "chardevs": "query-chardev-backends",
    "tpms": "query-tpm-types",
    "displays": "query-display-options",
    "audiodevs": "query-audiodevs",
    "qemuopts": "query-command-line-options",
    "migration": "query-migrate-capabilities",
    "parameters": "query-migrate-parameters",
    "behaviours": "the table of behaviours",
    "options": "runs of the binary, or the table of options",
}
# Kinds whose names are an enum's values in the schema: a path to it.
_ENUMS = {
    "displays": "query-display-options/ret-type/type",
    "audiodevs": "query-audiodevs/ret-type/driver",
}


class Item(Struct, frozen=True, omit_defaults=True):
    """One thing listed; `details` is the little else that the listing says.

    `creatable` is whether a user may create one, None where nobody tells; `crashed` that QEMU did
    not survive to be asked about it.
    """

    name: str
    deprecated: bool = False
    unstable: bool = False
    details: dict[str, str | int] = field(default_factory=dict)
    creatable: bool | None = None
    crashed: bool = False

    @property
    def marks(self) -> tuple[str, ...]:
        """What to know before using it, in words."""
        marks = {
            "deprecated": self.deprecated,
            "unstable": self.unstable,
            "not creatable": self.creatable is False,
            "crashed": self.crashed,
        }
        return tuple(name for name, holds in marks.items() if holds)


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


def explain_unlisted(interface: Interface, kind: str) -> str:
    """Say who would list a kind, and why nobody did."""
    if kind in _ENUMS:
        answer = ask(interface, _ENUMS[kind])
        return f"{answer.evidence}: {answer.why}"
    return f"{KINDS[kind]}: {interface.listings.explain(KINDS[kind])}"


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


def _mark(entity: Command | Event | EnumMember) -> Item:
    features = entity.features
    return Item(entity.name, "deprecated" in features, "unstable" in features)


def _list_types(types: Iterable[QomType] | None) -> list[Item] | None:
    if types is None:
        return None
    return [
        Item(each.name, details=_present(parent=each.parent)) for each in types if not each.abstract
    ]


def _list_devices(interface: Interface) -> list[Item] | None:
    """Return the devices: those listed, and those that only told their properties."""
    listings, table = interface.listings, interface.properties
    told = table.list_told("device")
    if listings.devices is None and not told:
        return None
    parents = {each.name: each.parent for each in listings.devices or () if not each.abstract}
    drivers = {each.name: each for each in listings.drivers or ()}
    crashed = table.find_crashed("device")
    names = [*parents, *(name for name in told if name not in parents)]
    return [
        _describe_device(name, parents.get(name), drivers.get(name), crashed=name in crashed)
        for name in names
    ]


def _describe_device(
    name: str, parent: str | None, driver: Driver | None, *, crashed: bool
) -> Item:
    if driver is None:
        return Item(name, details=_present(parent=parent), crashed=crashed)
    details = _present(bus=driver.bus, alias=driver.alias, parent=parent)
    return Item(name, details=details, creatable=driver.creatable, crashed=crashed)


def _list_objects(interface: Interface) -> list[Item] | None:
    items = _list_types(interface.listings.qom_types)
    names = list_creatable_objects(interface)
    if items is None or names is None:
        return items
    crashed = interface.properties.find_crashed("object")
    return [
        structs.replace(item, creatable=item.name in names, crashed=item.name in crashed)
        for item in items
    ]


def _list_accelerators(interface: Interface) -> list[Item] | None:
    types = interface.listings.accelerators
    if types is None:
        return None
    names = [each.name for each in types if not each.abstract and each.name.endswith(ACCELERATOR)]
    return [Item(name.removesuffix(ACCELERATOR)) for name in names]


def _list_enum(kind: str) -> Callable[[Interface], list[Item] | None]:
    """Return a function that lists the values of an enum in the schema."""

    def find(interface: Interface) -> list[Item] | None:
        answer = ask(interface, _ENUMS[kind])
        entity = interface.find(answer.entity) if answer.entity else None
        if not isinstance(entity, EnumType):
            return None
        return [_mark(member) for member in entity.members]

    return find


def _list_behaviours(_: Interface) -> list[Item] | None:
    from qscope.ask.witness import list_behaviours  # noqa: PLC0415 - a table that few ask

    return [
        Item(
            each.name,
            details=_present(
                text=each.text, since=each.since, until=each.until, witness=each.witness
            ),
        )
        for each in list_behaviours()
    ]


def _list_options(interface: Interface) -> list[Item] | None:
    from qscope.ask import options  # noqa: PLC0415 - likewise

    if not options.is_listable(interface):
        return None
    return [Item(each.name, each.deprecated) for each in options.list_options(interface)]


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


_ITEMS: dict[str, Callable[[Interface], list[Item] | None]] = {
    "commands": _list_commands,
    "events": _list_events,
    "objects": _list_objects,
    "devices": _list_devices,
    "accels": _list_accelerators,
    "chardevs": lambda interface: _list_plain(interface.listings.chardevs),
    "tpms": lambda interface: _list_plain(interface.listings.tpm_types),
    "displays": _list_enum("displays"),
    "audiodevs": _list_enum("audiodevs"),
    "machines": _list_machines,
    "cpus": _list_cpus,
    "qemuopts": _list_groups,
    "migration": lambda interface: _list_plain(interface.listings.migration_capabilities),
    "behaviours": _list_behaviours,
    "options": _list_options,
    "parameters": lambda interface: _list_plain(interface.listings.migration_parameters),
}

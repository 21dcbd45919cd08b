"""Answers that rest on what other commands than `query-qmp-schema` enumerate.

In: an interface's listings and a path with a prefix. Out: an `Answer`. "Not in a complete source"
is no; "never asked", "not answered" and "crashed" are unknown.
"""

from collections.abc import Callable, Iterable, Mapping

from qscope.ask.answer import Answer, Verdict, decide, unknown
from qscope.ask.path import Path
from qscope.model.interface import Interface
from qscope.model.listings import Listings, QomType

# QAPI's built-in types, the only names of types that introspection does not mask.
_BUILTINS = frozenset({"str", "int", "number", "bool", "null", "any"})


def ask_without_schema(interface: Interface, path: Path) -> Answer:
    """Answer by query-commands and query-events: presence is known, arguments are not."""
    listings = interface.listings
    reason = listings.explain("query-qmp-schema")
    # QAPI's naming rules tell commands from events; anything else is the name of a type.
    is_event = path.prefix == "event" or (path.prefix is None and path.name.isupper())
    names = listings.events if is_event else listings.commands
    source = "query-events" if is_event else "query-commands"
    if names is None:
        return _silent(listings, source)
    if path.name not in names:
        if path.prefix is None and (path.name in _BUILTINS or not path.name[:1].isalpha()):
            # Perhaps the name of a type.
            return unknown("query-qmp-schema", reason)
        return _membership(path.name, names, source)
    if path.steps:
        why = f"{source} lists the name, but types are known only to query-qmp-schema ({reason})"
        return unknown(source, why)
    return Answer(Verdict.YES, source)


def _ask_device(interface: Interface, path: Path) -> Answer:
    listings = interface.listings
    present = _has_device(listings, path.name)
    if path.steps:
        properties, errors = listings.device_properties, listings.device_errors
        return _ask_property(path, properties, errors, present, "device-list-properties")
    return present


def _has_device(listings: Listings, name: str) -> Answer:
    """Answer for a device. One that told its properties exists, listed or not (late modules)."""
    source = f"device-list-properties {name}"
    if listings.device_properties.get(name) is not None:
        return Answer(Verdict.YES, source)
    error = listings.device_errors.get(name)
    # Another error can have another reason: a list of devices knows better, one of all types not.
    if error == "DeviceNotFound" or (error and listings.devices is None):
        return Answer(Verdict.NO, source, f"{error}: no such device", position=0)
    if listings.devices is not None:
        return _has_type(name, listings.devices, "qom-list-types implements=device")
    if listings.qom_types is not None:
        return _has_type(name, listings.qom_types, "qom-list-types")
    return _silent(listings, "qom-list-types implements=device")


def _ask_object(interface: Interface, path: Path) -> Answer:
    listings = interface.listings
    present = _has_object(listings, path.name)
    if path.steps:
        properties, errors = listings.object_properties, listings.object_errors
        return _ask_property(path, properties, errors, present, "qom-list-properties")
    return present


def _has_object(listings: Listings, name: str) -> Answer:
    if listings.object_errors.get(name) == "DeviceNotFound":
        source = f"qom-list-properties {name}"
        return Answer(Verdict.NO, source, "DeviceNotFound: no such type", position=0)
    if listings.qom_types is not None:
        return _has_type(name, listings.qom_types, "qom-list-types")
    if any(item.name == name and not item.abstract for item in listings.devices or ()):
        return Answer(Verdict.YES, "qom-list-types implements=device")
    return _silent(listings, "qom-list-types")


def _ask_machine(interface: Interface, path: Path) -> Answer:
    listings, source = interface.listings, "query-machines"
    if listings.machines is None:
        return _silent(listings, source)
    names = {machine.name: machine.name for machine in listings.machines}
    names |= {machine.alias: machine.name for machine in listings.machines if machine.alias}
    present = _membership(path.name, names, source)
    if path.steps and present.verdict is Verdict.YES:
        name = names[path.name]
        owner = path._replace(name=f"{name}-machine")
        properties, errors = listings.object_properties, listings.object_errors
        return _ask_property(owner, properties, errors, present, "qom-list-properties")
    return present


def _ask_cpu(interface: Interface, path: Path) -> Answer:
    listings, source = interface.listings, "query-cpu-definitions"
    if listings.cpus is None:
        return _silent(listings, source)
    present = _membership(path.name, [cpu.name for cpu in listings.cpus], source)
    if path.steps and present.verdict is Verdict.YES:
        return unknown(source, "features of CPU models were not asked")
    return present


def _ask_qemuopts(interface: Interface, path: Path) -> Answer:
    listings, source = interface.listings, "query-command-line-options"
    if listings.option_groups is None:
        return _silent(listings, source)
    groups = {group.option: group for group in listings.option_groups}
    present = _membership(path.name, groups, source)
    if path.steps and present.verdict is Verdict.YES:
        names = [parameter.name for parameter in groups[path.name].parameters]
        return _last_step(path, names, f"{source} {path.name}")
    return present


def _ask_migration(interface: Interface, path: Path) -> Answer:
    listings, source = interface.listings, "query-migrate-capabilities"
    if listings.migration_capabilities is None:
        return _silent(listings, source)
    if path.steps:
        return Answer(Verdict.NO, source, "a capability has no members", position=1)
    return _membership(path.name, listings.migration_capabilities, source)


def _ask_reserved(_: Interface, path: Path) -> Answer:
    return unknown("", f"this release of qscope does not learn what '{path.prefix}:' asks")


def _ask_property(
    path: Path,
    properties: Mapping[str, tuple[str, ...] | None],
    errors: Mapping[str, str],
    present: Answer,
    command: str,
) -> Answer:
    source = f"{command} {path.name}"
    known = properties.get(path.name)
    if known is not None:
        return _last_step(path, known, source)
    if path.name in errors:
        return Answer(
            Verdict.NO, source, f"{errors[path.name]}: it tells no properties", position=1
        )
    if present.verdict is not Verdict.YES:
        return present
    reason = explain_unknown(properties, path.name)
    return unknown(source, f"properties of {path.name} are not known: {reason}")


def explain_unknown(properties: Mapping[str, tuple[str, ...] | None], typename: str) -> str:
    """Say why the properties of a type are not known."""
    return "the question crashed QEMU" if typename in properties else "they were not asked"


def _last_step(path: Path, names: Iterable[str], source: str) -> Answer:
    """Answer the one component after the name; what lies behind it was not learned."""
    present = _membership(path.steps[0].text, names, source, position=1)
    if len(path.steps) > 1 and present.verdict is Verdict.YES:
        return unknown(source, f"the type of {path.steps[0].text!r} is not known")
    return present


def _has_type(name: str, types: Iterable[QomType], source: str) -> Answer:
    for item in types:
        if item.name == name:
            why = "an abstract type: nobody can create one" if item.abstract else ""
            return decide(holds=not item.abstract, evidence=source, why=why, position=0)
    return Answer(Verdict.NO, source, f"{name!r} is not listed", position=0)


def _membership(name: str, names: Iterable[str], source: str, position: int = 0) -> Answer:
    holds = name in names
    why = "" if holds else f"{name!r} is not listed"
    return decide(holds=holds, evidence=source, why=why, position=position)


def _silent(listings: Listings, source: str) -> Answer:
    return unknown(source, listings.explain(source))


BY_PREFIX: dict[str, Callable[[Interface, Path], Answer]] = {
    "device": _ask_device,
    "object": _ask_object,
    "machine": _ask_machine,
    "cpu": _ask_cpu,
    "qemuopts": _ask_qemuopts,
    "migration": _ask_migration,
    "option": _ask_reserved,
    "accel": _ask_reserved,
}

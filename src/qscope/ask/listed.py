"""Answers that rest on what other commands than `query-qmp-schema` enumerate.

In: an interface and a path with a prefix. Out: an `Answer`. "Not in a complete source" is no;
"never asked", "not answered" and "crashed" are unknown. What comes behind a name is typed.py's.
"""

from collections.abc import Callable, Collection, Iterable

from msgspec import structs

from qscope.ask.answer import Answer, Verdict, decide, unknown
from qscope.ask.owner import find_cpu, find_machine, find_owner, name_accelerator, resolve_driver
from qscope.ask.path import Path, compile_path
from qscope.ask.typed import ask_property
from qscope.ask.walk import try_walk
from qscope.model.interface import Interface
from qscope.model.listings import Listings, QomType

# QAPI's built-in types, the only names of types that introspection does not mask.
_BUILTINS = frozenset({"str", "int", "number", "bool", "null", "any"})


# What is listed may lack something that it needs: 7.2's virtio-vga-gl needs a module.
_DEADLY = "listed, but QEMU does not survive to be asked about it"


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
    return _continue(interface, path, has_device(interface, path.name))


def has_device(interface: Interface, name: str) -> Answer:
    """Answer for a device, by its name or its alias.

    One that told its properties exists, listed or not (late modules).
    """
    typename = resolve_driver(interface.listings, name)
    answer = _has_device(interface, typename)
    if typename == name or answer.verdict is not Verdict.YES:
        return answer
    return Answer(Verdict.YES, "info qdm", f"an alias of {typename}")


def _has_device(interface: Interface, name: str) -> Answer:
    listings, source = interface.listings, f"device-list-properties {name}"
    told = interface.properties.find("device", name)
    if told and told.properties is not None:
        return Answer(Verdict.YES, source)
    error = told.error if told else ""
    # Another error can have another reason: a list of devices knows better, one of all types not.
    if error == "DeviceNotFound" or (error and listings.devices is None):
        why = "no such device" if error == "DeviceNotFound" else "it is no device"
        return Answer(Verdict.NO, source, f"{error}: {why}", position=0)
    if listings.devices is not None:
        present = _has_type(name, listings.devices, "qom-list-types implements=device")
        is_dead = bool(told and told.ended is not None and present.verdict is Verdict.YES)
        return structs.replace(present, why=_DEADLY) if is_dead else present
    if listings.qom_types is not None:
        return _has_type(name, listings.qom_types, "qom-list-types")
    return _silent(listings, "qom-list-types implements=device")


def _ask_object(interface: Interface, path: Path) -> Answer:
    return _continue(interface, path, has_object(interface, path.name))


def has_object(interface: Interface, name: str) -> Answer:
    """Answer for any concrete QOM type."""
    listings = interface.listings
    told = interface.properties.find("object", name)
    if told and told.error == "DeviceNotFound":
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
    machine = find_machine(listings, path.name)
    if machine is None:
        return _membership(path.name, (), source)
    return _continue(interface, path, Answer(Verdict.YES, source))


def _ask_accelerator(interface: Interface, path: Path) -> Answer:
    listings, source = interface.listings, "qom-list-types implements=accel"
    if listings.accelerators is None:
        return _silent(listings, source)
    present = _has_type(name_accelerator(path.name), listings.accelerators, source)
    return _continue(interface, path, present)


def _ask_cpu(interface: Interface, path: Path) -> Answer:
    listings, source = interface.listings, "query-cpu-definitions"
    if listings.cpus is None:
        return _silent(listings, source)
    if find_cpu(listings, path.name) is None:
        return _membership(path.name, (), source)
    return _continue(interface, path, Answer(Verdict.YES, source))


def _continue(interface: Interface, path: Path, present: Answer) -> Answer:
    """Answer what comes behind the name of something whose presence is known."""
    owner = find_owner(interface, path)
    if owner is None or (not path.steps and present.verdict is not Verdict.YES):
        return present
    if not path.steps:
        made = interface.qom.make(owner.asked, owner.typename)
        return structs.replace(present, entity=made.name if made else None)
    return ask_property(interface, owner, path.steps, present)


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


def _ask_tpm(interface: Interface, path: Path) -> Answer:
    listings, source = interface.listings, "query-tpm-types"
    if listings.tpm_types is None:
        return _silent(listings, source)
    return _alone(path, source) or _membership(path.name, listings.tpm_types, source)


def _ask_chardev(interface: Interface, path: Path) -> Answer:
    """Answer for a kind of character device.

    query-chardev-backends lists the ones whose module is loaded. For another one, its QOM type
    tells, if the schema has it too: QEMU has chardev types for its own use.
    """
    listings, source = interface.listings, "query-chardev-backends"
    if listings.chardevs is None:
        return _silent(listings, source)
    if path.name in listings.chardevs or path.steps:
        return _alone(path, source) or Answer(Verdict.YES, source)
    has_type = has_object(interface, f"chardev-{path.name}")
    in_schema = _has_backend(interface, path.name)
    if has_type.verdict is Verdict.YES and in_schema:
        why = "not listed, but its QOM type is there: it belongs to a module"
        return Answer(Verdict.YES, has_type.evidence, why)
    return _membership(path.name, (), source)


def _has_backend(interface: Interface, name: str) -> bool:
    steps = compile_path(f"chardev-add/arg-type/backend/+{name}").steps
    return try_walk(interface.by_name.get, "chardev-add", steps) is not None


def _alone(path: Path, source: str) -> Answer | None:
    """Return a no for what comes behind a name that has no members."""
    if not path.steps:
        return None
    return Answer(Verdict.NO, source, f"{path.name!r} has no members", position=1)


def _last_step(path: Path, names: Collection[str], source: str) -> Answer:
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


def _membership(name: str, names: Collection[str], source: str, position: int = 0) -> Answer:
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
    "accel": _ask_accelerator,
    "chardev": _ask_chardev,
    "tpm": _ask_tpm,
}

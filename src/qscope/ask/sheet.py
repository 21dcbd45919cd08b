"""Sheets: what is known of a device, a QOM type, a machine, …: facts, and a table of properties.

In: an interface and a path that was answered with yes. Out: `Sheet`, which `cli` draws.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from msgspec import UNSET, Struct, field

from qscope.ask.branches import find_arguments, list_creatable_objects
from qscope.ask.describe import describe_type
from qscope.ask.owner import Owner, find_cpu, find_machine, find_owner, resolve_driver
from qscope.ask.path import Path
from qscope.ask.typed import explain_unasked, find_in_object_add
from qscope.model.interface import Interface
from qscope.model.listings import Listings, QomType
from qscope.model.property_types import ScalarType
from qscope.model.qom import PropertyMember
from qscope.model.schema_info import (
    AlternateType,
    ArrayType,
    BuiltinType,
    EnumType,
    ObjectType,
)

_KINDS = {
    "device": "device",
    "object": "QOM type",
    "machine": "machine type",
    "cpu": "CPU model",
    "accel": "accelerator",
    "qemuopts": "QemuOpts group",
    "migration": "migration capability",
    "chardev": "character device back end",
    "tpm": "TPM back end",
}


# QOM's longest chain has eight.
_MOST_PARENTS = 50


class Row(Struct, frozen=True, omit_defaults=True, rename="kebab"):
    """A property: its type in words, as data and by QOM's name, what it begins with, QOM's words.

    `json_types` are those that a value may have, as SchemaInfo names them; none where nobody tells.
    """

    name: str
    type: str = ""
    json_types: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    values: tuple[str, ...] = ()
    format: str = ""
    qom_type: str = ""
    default: Any = UNSET
    description: str = ""
    read_only: bool = False


class Sheet(Struct, frozen=True, omit_defaults=True, rename="kebab"):
    """What is known of one thing; `properties` are None where `unknown` says why."""

    name: str
    kind: str
    facts: dict[str, str] = field(default_factory=dict)
    properties: tuple[Row, ...] | None = None
    unknown: str = ""


def find_sheet(interface: Interface, path: Path) -> Sheet | None:
    """Return the sheet of what `path` names, or None where it names a type of the schema."""
    if path.prefix in _FACTS and not path.steps:
        return _make_sheet(interface, path)
    arguments = find_arguments(interface, path) if path.prefix in (None, "command") else None
    if arguments is None or len(path.steps) > 2:
        return None
    kind = f"arguments of {path.name}"
    return Sheet(path.text, kind, properties=tuple(_make_rows(interface, arguments)))


def _make_sheet(interface: Interface, path: Path) -> Sheet:
    assert path.prefix is not None
    facts = dict(_FACTS[path.prefix](interface, path.name))
    kind = _KINDS[path.prefix]
    if path.prefix == "qemuopts":
        return Sheet(path.text, kind, facts, _list_parameters(interface.listings, path.name))
    owner = find_owner(interface, path)
    if owner is None:
        return Sheet(path.text, kind, facts)
    made = interface.qom.make(owner.asked, owner.typename)
    if made is None:
        return Sheet(path.text, kind, facts, unknown=_explain_unknown(interface, owner))
    return Sheet(path.text, kind, facts, tuple(_make_rows(interface, made, owner)))


def _make_rows(interface: Interface, made: ObjectType, owner: Owner | None = None) -> Iterator[Row]:
    for member in made.members:
        assert isinstance(member, PropertyMember)
        known = find_in_object_add(interface, owner, member.name) if owner else None
        default = UNSET if member.default is None else member.default
        yield Row(
            name=member.name,
            type=describe_type(interface.find, known or member.type),
            **_read_type(interface, known or member.type),
            qom_type=member.declared,
            default=default,
            description=member.description or "",
            read_only=not member.settable,
        )


def _read_type(interface: Interface, name: str) -> dict[str, Any]:
    """Return what a type is as data."""
    entity = interface.find(name)
    match entity:
        case ScalarType():
            limits = {"minimum": entity.minimum, "maximum": entity.maximum}
            return {"json_types": (entity.json_type,), "format": entity.format, **limits}
        case BuiltinType():
            return {"json_types": (entity.json_type,)}
        case EnumType():
            return {"json_types": ("string",), "values": entity.values}
        case ArrayType():
            return {"json_types": ("array",)}
        case ObjectType():
            return {"json_types": ("object",)}
        case AlternateType():
            branches = [_read_type(interface, member.type) for member in entity.members]
            return {"json_types": tuple(each for part in branches for each in part["json_types"])}
        case _:
            return {}


def _explain_unknown(interface: Interface, owner: Owner) -> str:
    told = interface.properties.find(owner.asked, owner.typename)
    return told.explain() if told else explain_unasked(interface)


def _list_parameters(listings: Listings, name: str) -> tuple[Row, ...]:
    group = next(each for each in listings.option_groups or () if each.option == name)
    return tuple(Row(each.name, each.type or "") for each in group.parameters)


def _tell_device(interface: Interface, name: str) -> Iterator[tuple[str, str]]:
    listings = interface.listings
    typename = resolve_driver(listings, name)
    if typename != name:
        yield "driver", typename
    for driver in listings.drivers or ():
        if driver.name == typename:
            yield from _present(description=driver.description, bus=driver.bus, alias=driver.alias)
            yield "creatable", "yes" if driver.creatable else "no, only QEMU itself creates one"
    yield from _tell_parents(typename, [*(listings.devices or ()), *(listings.qom_types or ())])


def _tell_object(interface: Interface, name: str) -> Iterator[tuple[str, str]]:
    creatable = list_creatable_objects(interface)
    if creatable is not None:
        words = "yes, by object-add" if name in creatable else "no, not by object-add"
        yield "creatable", words
    yield from _tell_parents(name, interface.listings.qom_types or ())


def _tell_machine(interface: Interface, name: str) -> Iterator[tuple[str, str]]:
    machine = find_machine(interface.listings, name)
    assert machine is not None
    yield from _present(name=machine.name, alias=machine.alias)
    yield from _present(
        default="yes" if machine.is_default else None,
        deprecated="yes" if machine.deprecated else None,
        default_cpu=machine.default_cpu_type,
        cpu_max=str(machine.cpu_max) if machine.cpu_max else None,
        cpu_hotplug="yes" if machine.hotpluggable_cpus else None,
    )


def _tell_cpu(interface: Interface, name: str) -> Iterator[tuple[str, str]]:
    cpu = find_cpu(interface.listings, name)
    assert cpu is not None
    yield from _present(typename=cpu.typename, alias_of=cpu.alias_of)
    yield from (("deprecated", "yes"),) if cpu.deprecated else ()


def _tell_nothing(_: Interface, __: str) -> Iterator[tuple[str, str]]:
    yield from ()


def _tell_parents(name: str, types: Iterable[QomType]) -> Iterator[tuple[str, str]]:
    """Yield the chain of parents, as far as it is listed."""
    parent = {each.name: each.parent for each in types}
    chain: list[str] = []
    while (above := parent.get(chain[-1] if chain else name)) and len(chain) < _MOST_PARENTS:
        if above in chain:
            break
        chain.append(above)
    if chain:
        yield "parents", ", ".join(chain)


def _present(**facts: str | None) -> Iterator[tuple[str, str]]:
    return ((name.replace("_", "-"), value) for name, value in facts.items() if value)


_FACTS: dict[str | None, Callable[[Interface, str], Iterator[tuple[str, str]]]] = {
    "device": _tell_device,
    "object": _tell_object,
    "machine": _tell_machine,
    "cpu": _tell_cpu,
    "accel": _tell_nothing,
    "qemuopts": _tell_nothing,
    "migration": _tell_nothing,
    "chardev": _tell_nothing,
    "tpm": _tell_nothing,
}

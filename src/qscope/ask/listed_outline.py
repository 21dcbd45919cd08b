"""Outlines of what the schema does not have: devices, object types, machines, CPU models, groups.

In: an interface and a path with a prefix that was answered with yes. Out: a `Node`.
"""

from collections.abc import Iterable, Mapping

from qscope.ask.listed import explain_unknown
from qscope.ask.outline import Node
from qscope.ask.path import Path
from qscope.model.interface import Interface
from qscope.model.listings import CpuModel, Machine, OptionGroup, QomType

_KINDS = {
    "device": "device",
    "object": "QOM type",
    "machine": "machine type",
    "cpu": "CPU model",
    "qemuopts": "QemuOpts group",
    "migration": "migration capability",
}


def outline_listed(interface: Interface, path: Path) -> Node:
    """Return what the listings say about what `path` names."""
    listings = interface.listings
    name = path.name
    match path.prefix:
        case "device":
            types = [*(listings.devices or ()), *(listings.qom_types or ())]
            members = (*_parents(name, types), _properties(listings.device_properties, name))
        case "object":
            members = (
                *_parents(name, listings.qom_types or ()),
                _properties(listings.object_properties, name),
            )
        case "machine":
            machine = next(
                each for each in listings.machines or () if name in (each.name, each.alias)
            )
            properties = _properties(listings.object_properties, f"{machine.name}-machine")
            members = (*_describe_machine(machine), properties)
        case "cpu":
            members = _describe_cpu(next(each for each in listings.cpus or () if each.name == name))
        case "qemuopts":
            groups = listings.option_groups or ()
            members = _describe_group(next(each for each in groups if each.option == name))
        case _:
            members = ()
    return Node(path.text, _KINDS.get(path.prefix or "", ""), members=members)


def _parents(name: str, types: Iterable[QomType]) -> tuple[Node, ...]:
    """Return the chain of parents, as far as it is listed."""
    parent = {each.name: each.parent for each in types}
    chain: list[str] = []
    while (above := parent.get(chain[-1] if chain else name)) and above not in chain:
        chain.append(above)
    return (Node("parents", ", ".join(chain)),) if chain else ()


def _properties(known: Mapping[str, tuple[str, ...] | None], typename: str) -> Node:
    names = known.get(typename)
    if names is None:
        return Node("properties", f"not known: {explain_unknown(known, typename)}")
    return Node("properties", str(len(names)), members=tuple(Node(each) for each in sorted(names)))


def _describe_machine(machine: Machine) -> tuple[Node, ...]:
    marks = ("deprecated",) if machine.deprecated else ()
    alias = (Node("alias", machine.alias),) if machine.alias else ()
    default = (Node("default", "yes"),) if machine.is_default else ()
    return (Node("name", machine.name, marks), *alias, *default)


def _describe_cpu(cpu: CpuModel) -> tuple[Node, ...]:
    marks = ("deprecated",) if cpu.deprecated else ()
    typename = (Node("typename", cpu.typename),) if cpu.typename else ()
    alias = (Node("alias-of", cpu.alias_of),) if cpu.alias_of else ()
    return (Node("name", cpu.name, marks), *typename, *alias)


def _describe_group(group: OptionGroup) -> tuple[Node, ...]:
    return tuple(Node(each.name, each.type or "") for each in group.parameters)

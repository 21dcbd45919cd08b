"""Types of arguments that become QOM properties: -device, -machine, -accel, -cpu.

In: an interface. Out: `Argument` with a union: one branch for each driver, machine, …, made of the
properties that a user can set. Branches are made when they are asked for (`Interface.find`).
"""

from collections.abc import Callable, Iterator

from qscope.ask.branches import list_branches
from qscope.ask.options.argument import Argument
from qscope.ask.options.scalars import find_in_schema, make_scalar, make_words
from qscope.ask.owner import ACCELERATOR, find_owner
from qscope.ask.path import compile_path
from qscope.model.interface import Interface
from qscope.model.option import OptionEvidence
from qscope.model.schema_info import Member, ObjectType, OpaqueEntity, Variant


def find_qom_argument(interface: Interface, name: str) -> Argument | None:
    """Return what QOM tells of an option's argument; None for another option, or nothing told."""
    find = _FINDERS.get(name)
    return find(interface) if find else None


def _find_device(interface: Interface) -> Argument | None:
    cases = dict(_list_drivers(interface))
    base = find_in_schema(interface, "device_add/arg-type")
    made = interface.find(base) if base else None
    if not cases or not isinstance(made, ObjectType):
        return None
    others = tuple(each for each in made.members if each.name != "driver")
    return _make_union(interface, "device", "driver", cases, others)


def _list_drivers(interface: Interface) -> Iterator[tuple[str, str]]:
    """Yield each driver that a user may create, its alias too, with the type of its arguments."""
    creatable = set(list_branches(interface, "device_add"))
    told = interface.properties.list_told("device")
    for driver in interface.listings.drivers or ():
        if driver.name in creatable:
            is_told = driver.name in told
            made = (
                f"device-arguments:{driver.name}"
                if is_told
                else make_untold(interface, driver.name)
            )
            yield driver.name, made
            if driver.alias:
                yield driver.alias, made


def make_untold(interface: Interface, name: str) -> str:
    """Return the name of a type of which nothing is known but whose it is."""
    made = f"option:untold:{name}"
    raw = {"name": made, "meta-type": "untold"}
    return interface.qom.adopt(OpaqueEntity(made, "untold", raw))


def _find_object(interface: Interface) -> Argument | None:
    """Return what -object took before object-add had types (6.0)."""
    told = interface.properties.list_told("object")
    names = [name for name in list_branches(interface, "object-add") if name in told]
    cases = {name: f"object-arguments:{name}" for name in names}
    identifier = make_scalar(interface, "string")
    others = (Member(name="id", type=identifier or ""),)
    return _make_union(interface, "object", "qom-type", cases, others) if cases else None


def _find_machine(interface: Interface) -> Argument | None:
    cases = dict(_list_machines(interface))
    return _make_union(interface, "machine", "type", cases, ()) if cases else None


def _list_machines(interface: Interface) -> Iterator[tuple[str, str]]:
    told = interface.properties.list_told("object")
    for machine in interface.listings.machines or ():
        typename = f"{machine.name}-machine"
        if typename in told:
            yield machine.name, f"object-arguments:{typename}"
            if machine.alias:
                yield machine.alias, f"object-arguments:{typename}"


def _find_accelerator(interface: Interface) -> Argument | None:
    told = interface.properties.list_told("object")
    names = [each.name for each in interface.listings.accelerators or () if each.name in told]
    cases = {name.removesuffix(ACCELERATOR): f"object-arguments:{name}" for name in names}
    return _make_union(interface, "accel", "accel", cases, ()) if cases else None


def _find_cpu(interface: Interface) -> Argument | None:
    cases = {}
    for cpu in interface.listings.cpus or ():
        owner = find_owner(interface, compile_path(f"cpu:{cpu.name}"))
        if owner and owner.typename in interface.properties.list_told(owner.asked):
            cases[cpu.name] = f"{owner.asked}-arguments:{owner.typename}"
    return _make_union(interface, "cpu", "model", cases, ()) if cases else None


def _make_union(
    interface: Interface, name: str, tag: str, cases: dict[str, str], others: tuple[Member, ...]
) -> Argument:
    values = make_words(interface, list(cases), f"option:{name}:{tag}")
    variants = tuple(Variant(case=case, type=made) for case, made in cases.items())
    members = (Member(name=tag, type=values), *others)
    made = ObjectType(name=f"option:{name}", members=members, tag=tag, variants=variants)
    command = "device-list-properties" if name in ("device", "cpu") else "qom-list-properties"
    evidence = (OptionEvidence("qom", command),)
    return Argument("exact", interface.qom.adopt(made), evidence)


_FINDERS: dict[str, Callable[[Interface], Argument | None]] = {
    "device": _find_device,
    "object": _find_object,
    "machine": _find_machine,
    "M": _find_machine,
    "accel": _find_accelerator,
    "cpu": _find_cpu,
}

"""Whose properties a path with a prefix is about, and what else its name is called.

In: an interface and a path. Out: the QOM type that was asked, by which command; aliases resolved.
"""

from typing import NamedTuple

from qscope.ask.path import Path
from qscope.model.interface import Interface
from qscope.model.listings import CpuModel, Listings, Machine
from qscope.model.properties import Asked

# How the QOM type of an accelerator ends (ACCEL_CLASS_SUFFIX in QEMU's include/qemu/accel.h).
ACCELERATOR = "-accel"


class Owner(NamedTuple):
    """A QOM type, and which of the two commands is asked for its properties."""

    asked: Asked
    typename: str


def find_owner(interface: Interface, path: Path) -> Owner | None:
    """Return the type whose properties come behind the name of `path`, None where none do."""
    listings = interface.listings
    match path.prefix:
        case "device":
            return Owner("device", resolve_driver(listings, path.name))
        case "object":
            return Owner("object", path.name)
        case "machine":
            machine = find_machine(listings, path.name)
            return Owner("object", f"{machine.name if machine else path.name}-machine")
        case "accel":
            return Owner("object", name_accelerator(path.name))
        case "cpu":
            return _find_cpu_owner(interface, path.name)
        case _:
            return None


def resolve_driver(listings: Listings, name: str) -> str:
    """Return the driver of which `name` is an alias, else `name`: what exists is no alias."""
    drivers = listings.drivers or ()
    if any(driver.name == name for driver in drivers):
        return name
    return next((driver.name for driver in drivers if driver.alias == name), name)


def find_machine(listings: Listings, name: str) -> Machine | None:
    """Return the machine type with that name or alias."""
    machines = listings.machines or ()
    named = {each.name: each for each in machines}
    return named.get(name) or next((each for each in machines if each.alias == name), None)


def find_cpu(listings: Listings, name: str) -> CpuModel | None:
    """Return the CPU model with that name."""
    return next((each for each in listings.cpus or () if each.name == name), None)


def name_accelerator(name: str) -> str:
    """Return the QOM type of an accelerator."""
    return name + ACCELERATOR


def _find_cpu_owner(interface: Interface, name: str) -> Owner:
    """Return the type of a CPU model; old releases do not say which it is."""
    cpu = find_cpu(interface.listings, name)
    typename = cpu.typename if cpu and cpu.typename else f"{name}-{interface.identity.target}-cpu"
    is_device = interface.properties.find("device", typename) is not None
    return Owner(
        "device" if is_device or not _is_object(interface, typename) else "object", typename
    )


def _is_object(interface: Interface, typename: str) -> bool:
    return interface.properties.find("object", typename) is not None

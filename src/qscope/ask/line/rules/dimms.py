"""Rules about memory that is plugged in, and about back ends that have one user.

QEMU's hw/mem/memory-device.c, pc-dimm.c; backends/hostmem.c.
"""

from collections.abc import Iterator
from typing import NamedTuple

from qscope.ask.line.line import Line, Occurrence
from qscope.ask.line.numa_nodes import list_nodes
from qscope.ask.line.rules.memory import find_backend, find_backend_size, find_ram
from qscope.ask.line.rules.rule import ALL, Fault, Rule
from qscope.ask.line.scalars import read_int
from qscope.ask.line.settings import find_structure, read_integer, read_size

_DIMMS = ("pc-dimm", "nvdimm")
_OTHERS = ("virtio-mem-pci", "virtio-mem", "virtio-pmem-pci", "virtio-pmem")
# Drivers and properties of back ends that are one device's.
_EXCLUSIVE = {
    **dict.fromkeys((*_DIMMS, *_OTHERS), "memdev"),
    **dict.fromkeys(("virtio-crypto-pci", "virtio-crypto"), "cryptodev"),
    **dict.fromkeys(("ivshmem-plain",), "memdev"),
}


class _Use(NamedTuple):
    """A device's use of a back end, and the property that names it."""

    occurrence: Occurrence
    where: str
    name: str


def find_no_slots(line: Line) -> Iterator[Fault]:
    """Yield DIMMs for which there is no slot, or no room below maxmem."""
    settings = find_structure(line, "m")
    slots = read_integer(settings.get("slots")) or 0
    most, ram = settings.get("maxmem"), find_ram(line)
    room = read_size(line, most.value if most else None)
    left = None if room is None or ram is None else room - ram
    used = 0
    for number, occurrence in enumerate(_select_dimms(line)):
        size = find_backend_size(line, occurrence.get("memdev") or "")
        if number >= slots:
            yield Fault(occurrence, "", f"there are {slots} slots", "-m slots= is right")
        elif left is not None and size is not None and used + size > left:
            yield Fault(occurrence, "memdev", f"there is no room for {size} bytes below maxmem")
        used += size or 0


def find_bad_slots(line: Line) -> Iterator[Fault]:
    """Yield DIMMs in slots or nodes that there are not, or where another one is."""
    settings = find_structure(line, "m")
    slots = read_integer(settings.get("slots")) or 0
    nodes = max(1, len({each.number for each in list_nodes(line)}))
    taken: set[int] = set()
    for occurrence in _select_dimms(line):
        slot, node = _read(occurrence, "slot"), _read(occurrence, "node")
        if node is not None and node >= nodes:
            yield Fault(occurrence, "node", f"there is no node {node}")
        elif slot is not None and slot >= slots > 0:
            yield Fault(occurrence, "slot", f"no slot {slot}", f"0..{slots - 1} is right")
        elif slot is not None and slot in taken:
            yield Fault(occurrence, "slot", f"slot {slot} is in use")
        taken |= set() if slot is None else {slot}


def _read(occurrence: Occurrence, name: str) -> int | None:
    """Return a number that is not negative: QEMU chooses a slot for -1."""
    number = read_int(occurrence.parameters.get(name))
    return number if number is not None and number >= 0 else None


def _select_dimms(line: Line) -> Iterator[Occurrence]:
    return (each for each in line.select("device") if each.get("driver") in _DIMMS)


def find_shared_backends(line: Line) -> Iterator[Fault]:
    """Yield back ends that another device, node or the machine itself has."""
    taken: set[str] = set()
    backend = find_backend(line)
    if backend is not None:
        taken.add(backend.value)
    taken |= {each.get("memdev") or "" for each in line.select("numa")}
    for use in _list_uses(line):
        if use.name in taken:
            yield Fault(use.occurrence, use.where, f"{use.name!r} is in use")
        taken.add(use.name)


def _list_uses(line: Line) -> Iterator[_Use]:
    for occurrence in line.select("device"):
        where = _EXCLUSIVE.get(occurrence.get("driver") or "", "")
        name = occurrence.get(where)
        if name:
            yield _Use(occurrence, where, name)


RULES = (
    Rule(
        "dimm-slot",
        "a DIMM needs a slot, and room up to maxmem",
        ALL,
        "-m 128,slots=1,maxmem=1G -object memory-backend-ram,id=m0,size=128M"
        " -object memory-backend-ram,id=m1,size=128M -device pc-dimm,memdev=m0"
        " -device pc-dimm,memdev=m1",
        "-m 128,slots=1,maxmem=1G -object memory-backend-ram,id=m0,size=128M"
        " -device pc-dimm,memdev=m0",
        find_no_slots,
    ),
    Rule(
        "dimm-place",
        "a DIMM is in a slot of its own, and in a node that there is",
        ALL,
        "-m 1G,slots=2,maxmem=4G -object memory-backend-ram,id=d,size=1G"
        " -device pc-dimm,memdev=d,slot=5",
        "-m 1G,slots=2,maxmem=4G -object memory-backend-ram,id=d,size=1G"
        " -device pc-dimm,memdev=d,slot=1,node=0",
        find_bad_slots,
    ),
    Rule(
        "backend-shared",
        "a back end is one device's",
        ALL,
        "-m 128,slots=2,maxmem=1G -object memory-backend-ram,id=m0,size=128M"
        " -device pc-dimm,memdev=m0 -device pc-dimm,memdev=m0",
        "-m 128,slots=2,maxmem=1G -object memory-backend-ram,id=m0,size=128M"
        " -object memory-backend-ram,id=m1,size=128M -device pc-dimm,memdev=m0"
        " -device pc-dimm,memdev=m1",
        find_shared_backends,
    ),
)

"""Rules about RAM: its size, how much can be plugged in, and the back end that it is in.

QEMU's hw/core/machine.c (since 7.0), system/vl.c (before), hw/i386/pc.c.
"""

from collections.abc import Iterator
from typing import NamedTuple

from qscope.ask.line.line import Line, Occurrence
from qscope.ask.line.machines import find_default_ram, find_name, is_pc
from qscope.ask.line.names import Names
from qscope.ask.line.rules.rule import ALL, SINCE_10_0, Fault, Rule
from qscope.ask.line.settings import (
    Setting,
    find_properties,
    find_structure,
    read_integer,
    read_memory_size,
    read_size,
)

_ALIGNMENT = 8192
_PAGE = 4096
# ACPI's (ACPI_MAX_RAM_SLOTS in include/hw/acpi/acpi_dev_interface.h).
_MOST_SLOTS = 256


def find_backend(line: Line) -> Setting | None:
    """Return what names the machine's memory backend."""
    return find_properties(line).get("memory-backend")


def find_backend_size(line: Line, name: str) -> int | None:
    """Return the size of a memory backend, None where it has none that can be read."""
    made = line.once(Names).find("object", name)
    if made is None or not (made.occurrence.get("qom-type") or "").startswith("memory-backend"):
        return None
    size = made.occurrence.parameters.get("size")
    return size if type(size) is int else read_size(line, size if type(size) is str else None)


def find_ram(line: Line) -> int | None:
    """Return how much RAM the machine has in the end; None where it cannot be told."""
    settings = find_structure(line, "m")
    size = read_memory_size(line, settings.get("size"))
    if settings.get("size") and settings["size"].value and size is None:
        return None
    backend = find_backend(line)
    if not size and backend is not None:
        return find_backend_size(line, backend.value)
    size = size or find_default_ram(find_name(line))
    return None if size is None else align(size, _ALIGNMENT)


def align(size: int, alignment: int) -> int:
    """Return the next multiple of `alignment`."""
    return -(-size // alignment) * alignment


class Memory(NamedTuple):
    """The RAM, and how much there may be with what is plugged in."""

    settings: dict[str, Setting]
    size: int
    maximum: int
    slots: int


def read_memory(line: Line) -> Memory | None:
    """Return what is set where `maxmem` is, None where something of it cannot be read."""
    settings = find_structure(line, "m")
    size, maximum = find_ram(line), settings.get("maxmem")
    most = read_size(line, maximum.value if maximum else None)
    slots = settings.get("slots")
    number = 0 if slots is None else read_integer(slots)
    if size is None or most is None or number is None:
        return None
    return Memory(settings, size, most, number)


def find_lonely_slots(line: Line) -> Iterator[Fault]:
    """Yield that slots are given and no maxmem."""
    settings = find_structure(line, "m")
    slots = settings.get("slots")
    if slots is not None and "maxmem" not in settings:
        yield Fault(slots.occurrence, slots.where, "slots without maxmem", "maxmem must be given")


def find_small_maximum(line: Line) -> Iterator[Fault]:
    """Yield that maxmem has no room for the RAM, or none for what the slots are for."""
    memory = read_memory(line)
    if memory is None:
        return
    setting = memory.settings["maxmem"]
    if memory.maximum < memory.size:
        what = f"maxmem, {memory.maximum}, is less than the RAM, {memory.size} bytes"
        yield Fault(setting.occurrence, setting.where, what)
    elif memory.slots and memory.maximum == memory.size:
        what = "there are slots, and maxmem is no more than the RAM"
        yield Fault(setting.occurrence, setting.where, what)


def find_bad_slots(line: Line) -> Iterator[Fault]:
    """Yield what PCs and virt make of slots and maxmem: how many, and whole pages."""
    memory, name = read_memory(line), find_name(line)
    has_slots = is_pc(name) or name.startswith("virt-")
    if memory is None or not has_slots or memory.maximum < memory.size:
        return
    if (memory.slots or memory.maximum > memory.size) and name == "isapc":
        setting = memory.settings["maxmem"]
        yield Fault(setting.occurrence, setting.where, f"{name} takes no memory devices")
    elif memory.maximum > memory.size and not 0 <= memory.slots <= _MOST_SLOTS:
        setting = memory.settings["slots"]
        what = f"{setting.value} slots are too many"
        yield Fault(setting.occurrence, setting.where, what, f"at most {_MOST_SLOTS} are right")
    elif memory.maximum > memory.size and memory.maximum % _PAGE:
        setting = memory.settings["maxmem"]
        yield Fault(setting.occurrence, setting.where, "it is no multiple of 4096 bytes")


def find_missing_backend(line: Line) -> Iterator[Fault]:
    """Yield that the machine's memory backend is not there, or is no such thing."""
    setting = find_backend(line)
    if setting is None or "/" in setting.value:
        return
    made = line.once(Names).find("object", setting.value)
    if made is None:
        what = f"there is no memory backend {setting.value!r}"
        yield Fault(setting.occurrence, setting.where, what)
    elif not (made.occurrence.get("qom-type") or "").startswith("memory-backend"):
        what = f"{setting.value!r} is no memory backend"
        yield Fault(setting.occurrence, setting.where, what)


def find_other_size(line: Line) -> Iterator[Fault]:
    """Yield that -m and the machine's memory backend differ."""
    setting, given = find_backend(line), find_structure(line, "m").get("size")
    size = read_memory_size(line, given)
    if given is not None and size == 0 and line.is_before(6, 0):
        # What 5.2 makes of it before it compares.
        size = find_default_ram(find_name(line))
    if setting is None or given is None or not size:
        return
    backend = find_backend_size(line, setting.value)
    if backend is not None and align(size, _ALIGNMENT) != backend:
        what = f"{size} bytes of RAM, and memory backend {setting.value!r} has {backend}"
        yield Fault(given.occurrence, given.where, what, "both must be the same")


def find_second_backend(line: Line) -> Iterator[Fault]:
    """Yield what wants to be the RAM beside the machine's memory backend."""
    if find_backend(line) is None:
        return
    for occurrence in line.select("mem-path"):
        yield Fault(occurrence, "", "the machine has a memory backend", "one of the two is right")
    for occurrence in _find_nodes(line):
        yield Fault(
            occurrence, "memdev", "the machine has a memory backend", "one of the two is right"
        )


def _find_nodes(line: Line) -> Iterator[Occurrence]:
    return (each for each in line.select("numa") if each.get("memdev") is not None)


def find_large_numbers(line: Line) -> Iterator[Fault]:
    """Yield that megabytes are more bytes than 64 bits count."""
    setting = find_structure(line, "m").get("size")
    size = read_memory_size(line, setting)
    if setting is not None and size is not None and size >= 1 << 64:
        yield Fault(setting.occurrence, setting.where, "it counts MiB, and is too large")


def find_bad_megabytes(line: Line) -> Iterator[Fault]:
    """Yield a size that is none with the M that QEMU puts behind it since 6.2: 0x80."""
    setting = find_structure(line, "m").get("size")
    if setting is None or setting.occurrence.name != "m" or not setting.value[-1:].isdigit():
        return
    if not line.is_since(6, 2):
        return
    if (
        read_size(line, setting.value) is not None
        and read_size(line, f"{setting.value}M") is None
        and not any(find_large_numbers(line))
    ):
        yield Fault(setting.occurrence, setting.where, "it is no size with an M behind it")


RULES = (
    Rule(
        "memory-slots-alone",
        "slots are for memory up to maxmem",
        ALL,
        "-m 128,slots=2",
        "-m 128,slots=2,maxmem=1G",
        find_lonely_slots,
    ),
    Rule(
        "memory-maximum",
        "maxmem counts the RAM, too",
        ALL,
        "-m 1G,maxmem=512M",
        "-m 512M,maxmem=512M",
        find_small_maximum,
    ),
    Rule(
        "memory-slots",
        "a PC's ACPI tables have room for 256 slots; memory comes in pages",
        ALL,
        "-m 128,slots=257,maxmem=1G",
        "-m 128,slots=256,maxmem=1G",
        find_bad_slots,
    ),
    Rule(
        "memory-backend-missing",
        "the machine's memory backend must be one of -object's",
        ALL,
        "-machine q35,memory-backend=m1 -object memory-backend-ram,id=m0,size=64M",
        "-machine q35,memory-backend=m0 -object memory-backend-ram,id=m0,size=64M",
        find_missing_backend,
    ),
    Rule(
        "memory-backend-size",
        "-m says how much RAM there is, and the memory backend is the RAM",
        ALL,
        "-m 128M -machine q35,memory-backend=m0 -object memory-backend-ram,id=m0,size=64M",
        "-m 64M -machine q35,memory-backend=m0 -object memory-backend-ram,id=m0,size=64M",
        find_other_size,
    ),
    Rule(
        "memory-backend-second",
        "the RAM is in one back end, or that of each NUMA node in one",
        ALL,
        "-machine q35,memory-backend=m0 -object memory-backend-ram,id=m0,size=128M -mem-path /tmp",
        "-machine q35,memory-backend=m0 -object memory-backend-ram,id=m0,size=128M -mem-prealloc",
        find_second_backend,
    ),
    Rule(
        "memory-size-large",
        "bytes are counted with 64 bits",
        ALL,
        "-m 99999999999999",
        "-m 128",
        find_large_numbers,
    ),
    Rule(
        "memory-size-suffix",
        "a size without a suffix gets an M, and hexadecimal numbers take none since 8.1",
        SINCE_10_0,
        "-m 0x80",
        "-m 128",
        find_bad_megabytes,
    ),
)

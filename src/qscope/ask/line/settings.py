"""What a machine is set to, whichever option says so: -machine smp.cpus=2 is -smp 2.

In: a line. Out: `Setting`s by name: the value that holds, and who gave it. Of several the last one
holds, as QEMU merges them; -m comes after -machine memory.… wherever they stand (system/vl.c).
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from qscope.ask.line.line import Line, Occurrence
from qscope.ask.line.scalars import read_bool, read_int, read_uint
from qscope.ask.syntax.scalars import parse_size
from qscope.errors import ArgumentError


class Setting(NamedTuple):
    """A value, and the option and parameter that gave it."""

    occurrence: Occurrence
    where: str
    value: str


# Options that set a property of the machine.
_SUGAR: Mapping[str, str] = {
    "kernel": "kernel",
    "initrd": "initrd",
    "append": "append",
    "dtb": "dtb",
    "bios": "firmware",
    "shim": "shim",
}
# An option's name -> that of the machine's structure.
STRUCTURES: Mapping[str, str] = {"smp": "smp", "boot": "boot", "m": "memory"}
# Names in a structure -> those of the option's parameters.
_MEMBERS: Mapping[str, str] = {"max-size": "maxmem"}
_MIB = 1 << 20


def spell(name: str) -> str:
    """Return the name of a machine's property: QEMU takes `kernel_irqchip` for kernel-irqchip."""
    return name.replace("_", "-")


def find_properties(line: Line) -> dict[str, Setting]:
    """Return the machine's properties as the last option set each; structures are left out."""
    found: dict[str, Setting] = {}
    for occurrence in line.occurrences:
        if occurrence.name == "machine":
            for name, value in occurrence.parameters.items():
                if isinstance(value, str):
                    found[spell(name)] = Setting(occurrence, name, value)
        elif occurrence.name in _SUGAR and occurrence.word.argument is not None:
            found[_SUGAR[occurrence.name]] = Setting(occurrence, "", occurrence.word.argument)
        elif occurrence.name == "enable-kvm":
            found["accel"] = Setting(occurrence, "", "kvm")
    return found


def find_structure(line: Line, option: str) -> dict[str, Setting]:
    """Return what is set in a structure: by `option`, or by -machine's of its name."""
    if option != "m":
        return dict(_list_members(option, line.occurrences))
    ordered = sorted(line.occurrences, key=lambda each: each.name == option)
    return dict(_list_members(option, ordered))


def _list_members(option: str, occurrences: Iterable[Occurrence]) -> Iterator[tuple[str, Setting]]:
    for occurrence in occurrences:
        if occurrence.name == option:
            for name, value in occurrence.parameters.items():
                if isinstance(value, str):
                    yield name, Setting(occurrence, name, value)
        elif occurrence.name == "machine":
            members = occurrence.parameters.get(STRUCTURES[option])
            for name, value in members.items() if isinstance(members, dict) else ():
                if isinstance(value, str):
                    where = f"{STRUCTURES[option]}.{name}"
                    yield _MEMBERS.get(name, name), Setting(occurrence, where, value)


def has_usb(line: Line) -> bool:
    """Whether the machine has USB: the last of -usb, -usbdevice and -machine usb= decides."""
    has = False
    for occurrence in line.occurrences:
        if occurrence.name in ("usb", "usbdevice"):
            has = True
        elif occurrence.name == "machine" and "usb" in occurrence.parameters:
            has = read_bool(occurrence.parameters["usb"]) is True
    return has


def read_integer(setting: Setting | None) -> int | None:
    """Return a setting's integer, None where there is none."""
    text = None if setting is None else setting.value
    number = read_int(text)
    return read_uint(text) if number is None else number


def read_size(line: Line, text: str | None) -> int | None:
    """Return a size in bytes, None where it is none."""
    try:
        return None if text is None else parse_size(text, line.dialect)
    except ArgumentError:
        return None


def read_memory_size(line: Line, setting: Setting | None) -> int | None:
    """Return the size of the RAM: -m counts in MiB where no suffix says otherwise."""
    if setting is None:
        return None
    size = read_size(line, setting.value)
    if size is not None and setting.occurrence.name == "m" and setting.value[-1:].isdigit():
        return size * _MIB
    return size

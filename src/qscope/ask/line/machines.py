"""What nothing tells of machine types, by their names: families and releases.

In: a line, or a machine type's name. Out: facts; None, or no family that a table has, for a machine
that nobody wrote down here, so that nothing is refused for it. Tables of buses and places are by
family, where q35 is none of the family `pc`; `is_pc` is about names, and true of q35 and isapc.
"""

import re

from qscope.ask.line.line import Line

Version = tuple[int, ...]

_VERSION = re.compile(r"-([0-9]+(?:\.[0-9]+)+)$")
_DEFAULT_RAM = 128 << 20
_FAMILIES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"q35|pc-q35-.*"), "q35"),
    (re.compile(r"pc|pc-i440fx-.*|pc-[0-9.]+|xenfv.*"), "pc"),
    (re.compile(r"virt|virt-[0-9.]+"), "virt"),
)
# Families without a PCI bus.
NO_PCI = ("none", "microvm", "isapc")


def find_family(line: Line) -> str:
    """Return `pc`, `q35`, `virt`, else the machine's own name, "" where that is not known.

    A machine type that this QEMU lacks has the family that its name says.
    """
    name = line.machine.name if line.machine else str(line.merged("machine").get("type", ""))
    return next((family for form, family in _FAMILIES if form.fullmatch(name)), name)


def find_name(line: Line) -> str:
    """Return the name of the line's machine type, "" where it is not known."""
    return line.machine.name if line.machine else ""


def is_pc(name: str) -> bool:
    """Whether it is one of the PCs: pc-i440fx, pc-q35, isapc."""
    return name.startswith(("pc-", "xenfv")) or name == "isapc"


def is_q35(name: str) -> bool:
    """Whether it is a PC with PCI Express."""
    return name.startswith("pc-q35")


def is_known(name: str) -> bool:
    """Whether facts about this machine type are written down."""
    return is_pc(name) or name in ("microvm", "none") or name.startswith("virt-")


def find_version(name: str) -> Version | None:
    """Return the release whose machine it imitates: (5, 0) of pc-q35-5.0."""
    found = _VERSION.search(name)
    return tuple(int(part) for part in found[1].split(".")) if found else None


def find_default_ram(name: str) -> int | None:
    """Return how much RAM it has where nobody says (default_ram_size in its class)."""
    if name == "none":
        return 0
    return _DEFAULT_RAM if is_known(name) else None

"""What nothing tells of machine types, by their names: families and releases.

In: a machine type's name. Out: facts; None for a machine that nobody wrote down here, so that
nothing is refused for it.
"""

import re

from qscope.ask.line.line import Line

Version = tuple[int, ...]

_VERSION = re.compile(r"-([0-9]+(?:\.[0-9]+)+)$")
_DEFAULT_RAM = 128 << 20


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

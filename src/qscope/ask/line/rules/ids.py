"""Rules about IDs: how they are spelled, and that each names one thing.

Namespaces are QEMU's: devices, objects, network, character and audio back ends each have one, and
drives share one with block nodes.
"""

import re
from collections.abc import Iterator

from qscope.ask.line.line import Line, Occurrence
from qscope.ask.line.rules.rule import Fault, Rule

# util/id.c, id_wellformed().
_ID = re.compile(r"[A-Za-z][A-Za-z0-9._-]*", re.ASCII)

# Option -> the namespace of its IDs.
_NAMESPACES = {
    "device": "device",
    "object": "object",
    "netdev": "netdev",
    "chardev": "chardev",
    "audiodev": "audiodev",
    "drive": "block",
    "blockdev": "block",
    "fsdev": "fsdev",
    "tpmdev": "tpmdev",
    "mon": "mon",
    "nic": "nic",
    "net": "net",
    "semihosting-config": "semihosting",
}
# Parameters that name something anew.
_NAMES = ("id", "node-name")


def list_names(occurrence: Occurrence) -> Iterator[tuple[str, str]]:
    """Yield (parameter, name) for each name that an option gives to something."""
    if occurrence.name in _NAMESPACES:
        for parameter in _NAMES:
            name = occurrence.get(parameter)
            if name is not None and (parameter == "id" or occurrence.name in ("drive", "blockdev")):
                yield parameter, name


def find_malformed(line: Line) -> Iterator[Fault]:
    """Yield each ID that is not well-formed."""
    for occurrence in line.occurrences:
        for parameter, name in list_names(occurrence):
            if not _ID.fullmatch(name):
                right = "a letter comes first, then letters, digits, '-', '.', '_'"
                yield Fault(occurrence, parameter, f"{name!r} is no ID", right)


def find_duplicates(line: Line) -> Iterator[Fault]:
    """Yield each name that its namespace has already."""
    seen: set[tuple[str, str]] = set()
    for occurrence in line.occurrences:
        for parameter, name in list_names(occurrence):
            key = (_NAMESPACES[occurrence.name], name)
            if key in seen:
                yield Fault(occurrence, parameter, f"there is another {key[0]} {name!r}")
            seen.add(key)


RULES = (
    Rule(
        "id-malformed",
        "IDs are parts of paths and of other options' values",
        ("5.2", "7.2", "10.0", "11.1"),
        "-device virtio-rng-pci,id=1a",
        "-device virtio-rng-pci,id=a_b.c-d",
        find_malformed,
    ),
    Rule(
        "id-duplicate",
        "an ID names one thing of its kind",
        ("5.2", "7.2", "10.0", "11.1"),
        "-netdev user,id=n0 -netdev user,id=n0",
        "-netdev user,id=x -device virtio-net-pci,id=x,netdev=x",
        find_duplicates,
    ),
)

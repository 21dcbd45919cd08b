"""Rules about IDs: how they are spelled, and that each names one thing.

Namespaces are QEMU's: devices, objects, network, character and audio back ends each have one, and
drives share one with block nodes.
"""

import re
from collections.abc import Iterator

from qscope.ask.line.line import Line, Occurrence
from qscope.ask.line.rules.rule import ALL, Fault, Rule

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
    "vnc": "vnc",
    "virtfs": "fsdev",
}
# Parameters that name something anew.
_NAMES = ("id", "node-name")


def find_namespace(occurrence: Occurrence) -> str:
    """Return the namespace of an option's IDs, "" where it has none: each QemuOpts group is one."""
    found = _NAMESPACES.get(occurrence.name, "")
    is_group = occurrence.parsed is not None and occurrence.parsed.syntax == "qemuopts"
    group = occurrence.option.group if occurrence.option and is_group else None
    return found or group or ""


def list_names(occurrence: Occurrence) -> Iterator[tuple[str, str]]:
    """Yield (parameter, name) for each name that an option gives to something."""
    if find_namespace(occurrence):
        for parameter in _NAMES:
            name = occurrence.get(parameter)
            if name is not None and (parameter == "id" or occurrence.name in ("drive", "blockdev")):
                yield parameter, name


def find_malformed(line: Line) -> Iterator[Fault]:
    """Yield each ID that is not well-formed."""
    for occurrence in line.occurrences:
        for parameter, name in list_names(occurrence):
            if not _ID.fullmatch(name) and not _is_free(occurrence):
                right = "a letter comes first, then letters, digits, '-', '.', '_'"
                yield Fault(occurrence, parameter, f"{name!r} is no ID", right)


def _is_free(occurrence: Occurrence) -> bool:
    """Whether QEMU takes any ID: where no QemuOpts are made of the option."""
    syntax = occurrence.parsed.syntax if occurrence.parsed else ""
    return occurrence.name == "audiodev" or (occurrence.name == "netdev" and syntax != "qemuopts")


def find_duplicates(line: Line) -> Iterator[Fault]:
    """Yield each name that its namespace has already."""
    seen: set[tuple[str, str]] = set()
    # Two audio back ends of one ID were not noticed before 11.0.
    is_lenient = line.is_before(11, 0)
    # -blockdev is before -drive, wherever it stands (system/vl.c, configure_blockdev).
    for occurrence in sorted(line.occurrences, key=lambda each: each.name == "drive"):
        for parameter, name in list_names(occurrence):
            key = (find_namespace(occurrence), name)
            if key in seen and not (is_lenient and key[0] == "audiodev"):
                yield Fault(occurrence, parameter, f"there is another {key[0]} {name!r}")
            seen.add(key)


RULES = (
    Rule(
        "id-malformed",
        "IDs are parts of paths and of other options' values",
        ALL,
        "-device virtio-rng-pci,id=1a",
        "-device virtio-rng-pci,id=a_b.c-d",
        find_malformed,
    ),
    Rule(
        "id-duplicate",
        "an ID names one thing of its kind",
        ALL,
        "-netdev user,id=n0 -netdev user,id=n0",
        "-netdev user,id=x -device virtio-net-pci,id=x,netdev=x",
        find_duplicates,
    ),
)

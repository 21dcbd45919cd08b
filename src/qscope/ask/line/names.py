"""What a command line gives names to, for the rules that look up references.

In: a line. Out: `Names`: for each kind of thing the names it has, and who made them. QEMU makes
objects, character, network, audio and block back ends before devices, wherever they stand; devices
one after the other.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from qscope.ask.line.backends import LABELS
from qscope.ask.line.drive import SHORT_FORMS
from qscope.ask.line.line import Line, Occurrence


class Named(NamedTuple):
    """Something with a name: which option made it, as the how many-th."""

    name: str
    occurrence: Occurrence
    position: int


# Kind -> the options and parameters that name such things.
_MAKERS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "netdev": (("netdev", "id"), ("nic", "id"), ("net", "id")),
    "chardev": (("chardev", "id"),),
    "audiodev": (("audiodev", "id"), ("audio", "id")),
    "tpmdev": (("tpmdev", "id"),),
    "drive": (("drive", "id"), ("drive", "node-name"), ("blockdev", "node-name")),
    "object": (("object", "id"),),
    "device": (("device", "id"),),
    "fsdev": (("fsdev", "id"), ("virtfs", "id")),
}
# Options that make things whose names QEMU chooses, and how those begin (system/vl.c,
# blockdev.c): `ide0-hd0`, `serial0`, `compat_monitor0`.
_CHOSEN: Mapping[str, Mapping[str, str]] = {
    "chardev": {
        **LABELS,
        "s": "gdb",
        "virtioconsole": "virtcon",
        "nographic": "",
    },
    "audiodev": {"audio": "audiodev"},
    "netdev": {"net": "__org.qemu.net", "nic": "__org.qemu.nic"},
    "drive": dict.fromkeys(("drive", *SHORT_FORMS), ""),
}
_CHOSEN_DRIVES = ("ide", "scsi", "none", "virtio", "floppy", "sd", "mtd", "pflash", "xen")


class Names:
    """Looks names up."""

    def __init__(self, line: Line) -> None:
        """Collect what `line` names."""
        self._line = line
        self._made = {kind: list(self._collect(makers)) for kind, makers in _MAKERS.items()}

    def _collect(self, makers: tuple[tuple[str, str], ...]) -> Iterator[Named]:
        for position, occurrence in enumerate(self._line.occurrences):
            for option, parameter in makers:
                name = occurrence.get(parameter) if occurrence.name == option else None
                # Without a model, -audio makes a default that nobody can name.
                if name and (option != "audio" or occurrence.get("model")):
                    yield Named(name, occurrence, position)

    def find(self, kind: str, name: str) -> Named | None:
        """Return the first thing of that kind with that name."""
        return next((each for each in self._made[kind] if each.name == name), None)

    def list_names(self, kind: str) -> list[str]:
        """Return the names of that kind."""
        return [each.name for each in self._made[kind]]

    def may_be_chosen(self, kind: str, name: str) -> bool:
        """Whether QEMU itself may have chosen this name for what an option made."""
        if kind == "drive" and not name.startswith(_CHOSEN_DRIVES):
            return False
        makers = _CHOSEN.get(kind, {})
        return any(
            name.startswith(makers[each.name])
            for each in self._line.occurrences
            if each.name in makers
        )

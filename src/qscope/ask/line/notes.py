"""What options need of the host, and what nobody knows: notes, which decide nothing.

In: a line. Out: each option that a note is about, and the note. Those about character devices,
displays and back ends are beside their judges (host.py).
"""

import re
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from qscope.ask.finding import Finding, Severity
from qscope.ask.line.bus_tree import BusTree
from qscope.ask.line.drive import SHORT_FORMS
from qscope.ask.line.line import Line, Occurrence
from qscope.ask.line.scalars import read_bool

Note: TypeAlias = tuple[Occurrence, Finding]


class Need(NamedTuple):
    """What a parameter of an option ("" for its argument) needs."""

    option: str
    parameter: str
    what: str


_READ = "QEMU must be able to read {!r}"
_WRITE = "QEMU must be able to write {!r}"
_USER = "the host must have a user {!r}, and QEMU may change to it"
_ROOT = "{!r} must be a folder, and QEMU may change its root to it"
_OPEN = "file descriptor {} must be open"
_NEEDS = (
    Need("acpitable", "data", _READ),
    Need("acpitable", "file", _READ),
    Need("add-fd", "fd", _OPEN),
    Need("bios", "", _READ),
    Need("chroot", "", _ROOT),
    Need("D", "", _WRITE),
    Need("dtb", "", _READ),
    Need("fw_cfg", "file", _READ),
    Need("initrd", "", _READ),
    Need("kernel", "", _READ),
    Need("loadvm", "", "an image must have a snapshot {!r}"),
    Need("machine", "dtb", _READ),
    Need("machine", "firmware", _READ),
    Need("machine", "initrd", _READ),
    Need("machine", "kernel", _READ),
    Need("mem-path", "", "QEMU must be able to make files in {!r}"),
    Need("fsdev", "path", "{!r} must be a folder"),
    Need("virtfs", "path", "{!r} must be a folder"),
    Need("object", "dir", _READ),
    Need("object", "evdev", _READ),
    Need("object", "file", _READ),
    Need("object", "mem-path", _WRITE),
    Need("object", "path", "QEMU must be able to use {!r}"),
    Need("option-rom", "romfile", _READ),
    Need("pidfile", "", _WRITE),
    Need("plugin", "file", _READ),
    Need("readconfig", "", "{!r} is not read here: what it sets is not judged"),
    Need("run-with", "chroot", _ROOT),
    Need("run-with", "user", _USER),
    Need("runas", "", _USER),
    Need("shim", "", _READ),
    Need("smbios", "file", _READ),
    Need("smbios", "path", _READ),
    Need("trace", "events", _READ),
    Need("trace", "file", _WRITE),
    Need("writeconfig", "", _WRITE),
)


def find_needs(line: Line) -> Iterator[Note]:
    """Yield a note for each thing that the host must have."""
    for need in _NEEDS:
        for occurrence in line.select(need.option):
            value = occurrence.get(need.parameter) if need.parameter else occurrence.word.argument
            if value and occurrence.option is not None:
                yield _note(occurrence, need.parameter, need.what.format(value))
    yield from _find_images(line)
    yield from _find_locks(line)
    yield from _find_accelerators(line)


def _find_images(line: Line) -> Iterator[Note]:
    """Yield each file that holds a disk; what has another protocol is no file."""
    for occurrence in line.occurrences:
        if occurrence.word.problem is not None and not _FILE.search(occurrence.word.typed):
            # A word that the option before it may have been meant to take: judge_image().
            continue
        if occurrence.name in SHORT_FORMS:
            named = {"": occurrence.word.argument}
        elif occurrence.name in ("drive", "blockdev"):
            names = ("file", "filename", "file.filename")
            named = {name: occurrence.parameters.get(name) for name in names}
            inner = named["file"]
            if isinstance(inner, dict):
                named["file.filename"] = inner.get("filename")
        else:
            continue
        for where, value in named.items():
            if (occurrence.name, where) == ("blockdev", "file"):
                continue
            if isinstance(value, str) and value and not _PROTOCOL.match(value):
                yield _note(occurrence, where, _READ.format(value))


# What a name of a file has, and a word that was meant for an option has not.
_FILE = re.compile(r"[./]")
# nbd:, json: and the like are no files.
_PROTOCOL = re.compile(r"[a-z][a-z0-9+.-]*:")


def _find_locks(line: Line) -> Iterator[Note]:
    for option, parameter, default in (
        ("overcommit", "mem-lock", "off"),
        ("realtime", "mlock", "on"),
    ):
        for occurrence in line.select(option):
            value = occurrence.get(parameter) or default
            if occurrence.option is not None and (read_bool(value) or value == "on-fault"):
                yield _note(occurrence, parameter, "QEMU must be allowed to lock its memory")


def _find_accelerators(line: Line) -> Iterator[Note]:
    for occurrence in line.select("enable-kvm"):
        yield _note(occurrence, "", "KVM must be usable on the host")


def _note(occurrence: Occurrence, where: str, what: str) -> Note:
    return occurrence, Finding("host", where, what, Severity.NOTE)


def note_buses(line: Line) -> Iterator[Finding]:
    """Yield a note where no table knows the machine's buses, and a device may want one."""
    if line.machine is not None and line.has("device") and not line.once(BusTree).is_known:
        what = f"which buses {line.machine.name} has is not known: whether devices find one is open"
        yield Finding("buses-unknown", "-machine", what, Severity.NOTE)

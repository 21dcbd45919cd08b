"""Rules about single options: -loadvm, -option-rom, -add-fd, -watchdog, -plugin, Xen's, names."""

from collections.abc import Iterator

from qscope.ask.line.line import Line, Occurrence
from qscope.ask.line.rules.rule import ALL, SINCE_7_2, Fault, Rule
from qscope.ask.line.scalars import read_int
from qscope.ask.options import find_option
from qscope.model.near import near

_DISKS = (
    *("drive", "blockdev", "hda", "hdb", "hdc", "hdd", "sd", "pflash", "mtdblock", "fda", "fdb"),
)


def find_diskless(line: Line) -> Iterator[Fault]:
    """Yield a -loadvm where no disk can hold a snapshot."""
    for occurrence in line.select("loadvm"):
        if not line.has(*_DISKS, "readconfig", "device"):
            what = "there is no disk that has a snapshot of the machine"
            yield Fault(occurrence, "", what, "a writable qcow2 image is needed")


def find_romless(line: Line) -> Iterator[Fault]:
    """Yield each -option-rom without a file."""
    for occurrence in line.select("option-rom"):
        if occurrence.parsed is not None and not occurrence.get("romfile"):
            yield Fault(occurrence, "romfile", "a file is mandatory")


# Standard input, output and error are QEMU's own (parse_add_fd in system/vl.c).
_STANDARD = 2


def find_bad_descriptors(line: Line) -> Iterator[Fault]:
    """Yield each -add-fd without a descriptor or a set, and those that QEMU needs itself."""
    for occurrence in line.select("add-fd"):
        if occurrence.parsed is None:
            continue
        number = _read(occurrence, "fd", -1)
        if number is not None and number < 0:
            yield Fault(occurrence, "fd", "a descriptor is mandatory", "0 or more is right")
        elif number is not None and number <= _STANDARD:
            yield Fault(occurrence, "fd", f"{number} is QEMU's own", "3 or more is right")
        elif (_read(occurrence, "set", -1) or 0) < 0:
            yield Fault(occurrence, "set", "a set is mandatory", "0 or more is right")


def _read(occurrence: Occurrence, name: str, default: int) -> int | None:
    """Return a number, `default` where it lacks, None for what is no number."""
    text = occurrence.get(name)
    return default if text is None else read_int(text)


# What -watchdog took on a PC until 7.1; elsewhere any device may be one.
_WATCHDOGS = ("i6300esb", "ib700")


def find_bad_watchdogs(line: Line) -> Iterator[Fault]:
    """Yield each -watchdog that is no model, lists them, or is a second one."""
    given = [each for each in line.select("watchdog") if each.option is not None]
    drivers = {each.name for each in line.interface.listings.drivers or ()}
    for number, occurrence in enumerate(given):
        model = occurrence.word.argument
        if number:
            yield Fault(occurrence, "", "there is a watchdog already")
        elif model in ("help", "?"):
            yield Fault(occurrence, "", "QEMU prints a list and ends")
        elif model is not None and drivers >= set(_WATCHDOGS) and model not in _WATCHDOGS:
            guesses = tuple(near(model, _WATCHDOGS))
            right = f"one of {', '.join(_WATCHDOGS)}"
            yield Fault(occurrence, "", f"no watchdog {model!r}", right, suggestions=guesses)


def find_fileless_plugins(line: Line) -> Iterator[Fault]:
    """Yield each -plugin whose parameters belong to no plugin, and all where there can be none.

    A QEMU that is built with plugins can log what they say: -d lists the word.
    """
    logs = find_option(line.interface, "d")
    words = logs.words if logs else None
    for occurrence in line.select("plugin"):
        first = next(iter(occurrence.parameters), "file")
        if words is not None and "plugin" not in words:
            yield Fault(occurrence, "", "this QEMU is built without plugins")
        elif first != "file":
            yield Fault(occurrence, first, "no file comes before it", "FILE,NAME=VALUE")


# (option, parameter) of files, folders and users that QEMU looks for whatever their name is.
_NAMED = (
    *(("bios", ""), ("chroot", ""), ("kernel", ""), ("mem-path", ""), ("pidfile", "")),
    *(("readconfig", ""), ("runas", ""), ("run-with", "chroot"), ("run-with", "user")),
)


def find_nameless(line: Line) -> Iterator[Fault]:
    """Yield each file, folder or user without a name."""
    for option, parameter in _NAMED:
        for occurrence in line.select(option):
            value = occurrence.get(parameter) if parameter else occurrence.word.argument
            if value == "" and occurrence.option is not None:
                yield Fault(occurrence, parameter, "it has no name")


def find_xenless(line: Line) -> Iterator[Fault]:
    """Yield options that want a Xen where QEMU has no such accelerator: since 7.2 it looks."""
    known = line.interface.listings.accelerators
    is_new = line.is_since(7, 2)
    if known is None or not is_new or any(each.name == "xen-accel" for each in known):
        return
    for occurrence in line.select("xen-attach", "xen-domid-restrict"):
        yield Fault(occurrence, "", "this QEMU has no Xen")


RULES = (
    Rule("name-empty", "nothing has an empty name", ALL, "-kernel ''", "-dtb ''", find_nameless),
    Rule(
        "xen",
        "a Xen must be there to attach to one",
        SINCE_7_2,
        "-xen-attach",
        "-only-migratable",
        find_xenless,
    ),
    Rule(
        "loadvm-disk",
        "a snapshot is in an image",
        ALL,
        "-loadvm x",
        "-snapshot",
        find_diskless,
    ),
    Rule(
        "option-rom-file",
        "a ROM is a file",
        ALL,
        "-option-rom bootindex=1",
        "-option-rom /nonexistent,bootindex=1",
        find_romless,
    ),
    Rule(
        "add-fd",
        "a descriptor that is passed has a number and a set",
        ALL,
        "-add-fd fd=0,set=1",
        "-object rng-builtin,id=r",
        find_bad_descriptors,
    ),
    Rule(
        "watchdog",
        "there is one watchdog, of a known model",
        ("5.2",),
        "-watchdog i6300esb -watchdog ib700",
        "-watchdog i6300esb",
        find_bad_watchdogs,
    ),
    Rule(
        "plugin-file",
        "parameters belong to a plugin",
        ALL,
        "-plugin bogus=1",
        "-object rng-builtin,id=r",
        find_fileless_plugins,
    ),
)

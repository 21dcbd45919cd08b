"""Rules about -drive and its short forms: places on buses, media, what excludes what."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from qscope.ask.line.drive import NULLS, RENAMED, SHORT_FORMS, find_blockdev_options, find_driver
from qscope.ask.line.line import Line, Occurrence
from qscope.ask.line.machines import find_family
from qscope.ask.line.rules.rule import ALL, Fault, Rule
from qscope.ask.line.scalars import read_bool, read_int, read_number
from qscope.ask.syntax.words import Problem
from qscope.model.schema_info import ObjectType

# How many units a bus has (blockdev.c, if_max_devs); q35's IDE buses have one. One unit: no limit.
_UNITS: Mapping[str, int] = {"ide": 2, "scsi": 7}
# Machine family -> interface -> how many buses it has (measured on 5.2 to 11.1); None: any number.
_BUSES: Mapping[str, Mapping[str, int | None]] = {
    "pc": {"ide": 2, "floppy": 1, "pflash": 1, "virtio": None},
    "q35": {"ide": 6, "floppy": 1, "pflash": 1, "virtio": None},
    "isapc": {"ide": 2, "floppy": 1, "pflash": 1},
    "none": {},
}
_LAST_FLOPPY = 1
_DISKS = ("ide", "virtio", "scsi")
_HAS_ERROR_ACTIONS = frozenset(("ide", "scsi", "virtio", "none"))


class Drive(NamedTuple):
    """A drive: where it is plugged in. `unit` and `place` are -1 where QEMU chooses."""

    occurrence: Occurrence
    interface: str
    media: str
    place: int
    bus: int = 0
    unit: int = -1


def list_drives(line: Line) -> Iterator[Drive]:
    """Yield the drives of a line; their interface is the machine's by default: ide for PCs."""
    usual = "ide" if find_family(line) in ("pc", "q35", "isapc") else "none"
    for occurrence in line.occurrences:
        if occurrence.word.problem is Problem.STRAY:
            continue
        if occurrence.name in SHORT_FORMS and occurrence.word.argument is not None:
            interface, index, media = SHORT_FORMS[occurrence.name]
            yield Drive(occurrence, interface or usual, media, -1 if index is None else index)
        elif occurrence.name == "drive" and occurrence.parsed is not None:
            place, unit = _read(occurrence, "index", -1), _read(occurrence, "unit", -1)
            interface, media = occurrence.get("if") or usual, occurrence.get("media") or "disk"
            yield Drive(occurrence, interface, media, place, _read(occurrence, "bus", 0), unit)


def _read(occurrence: Occurrence, name: str, default: int) -> int:
    number = read_int(occurrence.get(name))
    return default if number is None else number


def _count_units(line: Line, interface: str) -> int:
    if interface == "ide" and find_family(line) == "q35":
        return 1
    return _UNITS.get(interface, 0)


def find_misplaced(line: Line) -> Iterator[Fault]:
    """Yield each drive whose place does not exist or is taken."""
    taken: set[tuple[str, int, int]] = set()
    family = find_family(line)
    for drive in list_drives(line):
        if drive.place >= 0 and (drive.bus or drive.unit >= 0):
            yield Fault(drive.occurrence, "index", "an index cannot be used with bus and unit")
            continue
        bus, unit = _find_place(line, drive, taken)
        units = _count_units(line, drive.interface)
        if units and unit >= units:
            yield Fault(drive.occurrence, "unit", f"unit {unit} is too large", f"0 to {units - 1}")
        elif (drive.interface, bus, unit) in taken:
            where = "index" if drive.place >= 0 else "unit"
            what = f"there is another drive at if={drive.interface},bus={bus},unit={unit}"
            yield Fault(drive.occurrence, where, what)
        elif not _has_place(family, drive.interface, bus, unit):
            what = f"machines of this family have no if={drive.interface},bus={bus},unit={unit}"
            yield Fault(drive.occurrence, "if", what)
        taken.add((drive.interface, bus, unit))


def _find_place(line: Line, drive: Drive, taken: set[tuple[str, int, int]]) -> tuple[int, int]:
    """Return the bus and the unit of a drive as drive_new() chooses them."""
    units = _count_units(line, drive.interface)
    if drive.place >= 0:
        return divmod(drive.place, units) if units else (0, drive.place)
    bus, unit = drive.bus, max(drive.unit, 0)
    while drive.unit < 0 and (drive.interface, bus, unit) in taken:
        unit += 1
        if units and unit >= units:
            bus, unit = bus + 1, 0
    return bus, unit


def _has_place(family: str, interface: str, bus: int, unit: int) -> bool:
    if family not in _BUSES or interface == "none":
        return True
    buses = _BUSES[family].get(interface, 0)
    if interface == "floppy" and unit > _LAST_FLOPPY:
        return False
    return buses is None or bus < buses


def find_empty(line: Line) -> Iterator[Fault]:
    """Yield each drive that needs an image and has none."""
    for drive in list_drives(line):
        occurrence = drive.occurrence
        if occurrence.name != "drive" or _has_image(occurrence):
            continue
        driver = find_driver(occurrence)
        if driver is not None and _needs_file(line, driver):
            yield Fault(occurrence, "file", f"the block driver {driver!r} needs a file")
        elif driver is None and _is_disk(drive) and find_family(line) in _BUSES:
            # What other machines do is not known.
            yield Fault(occurrence, "file", "a disk needs an image, and none is given")


def _is_disk(drive: Drive) -> bool:
    return drive.media == "disk" and drive.interface in _DISKS


# Disks that are nothing without a medium (hw/block/block.c, blkconf_blocksizes and its callers).
_MEDIA = ("virtio-blk", "ide-hd", "scsi-hd", "usb-storage", "nvme", "ide-cf")


def find_without_medium(line: Line) -> Iterator[Fault]:
    """Yield each disk whose -drive has no image."""
    empty = {
        occurrence.get("id")
        for occurrence in line.select("drive")
        if find_driver(occurrence) is None and not _has_image(occurrence)
    }
    for occurrence in line.select("device"):
        drive, driver = occurrence.get("drive"), occurrence.get("driver") or ""
        if drive and drive in empty and driver.startswith(_MEDIA):
            yield Fault(
                occurrence, "drive", f"the drive {drive!r} is empty, and a disk needs media"
            )


def _has_image(occurrence: Occurrence) -> bool:
    if (occurrence.get("file") or "").startswith("json:") and find_driver(occurrence):
        # The options in such a name take its place: nothing is left that names a file.
        return '"file"' in (occurrence.get("file") or "")
    names = ("file", "filename", "image", "server", "url", "dir", "path", "host", "device")
    stems = {name.partition(".")[0] for name in occurrence.parameters}
    return any(name in stems for name in names)


def _needs_file(line: Line, driver: str) -> bool:
    """Whether a driver's branch of blockdev-add has a member that is mandatory."""
    options = find_blockdev_options(line)
    branch = next((v.type for v in options.variants if v.case == driver), "") if options else ""
    entity = line.find(branch) if branch else None
    return isinstance(entity, ObjectType) and any(not each.optional for each in entity.members)


# What flash may have on a PC, unless max-fw-size says otherwise (hw/i386/pc_sysfw.c), and what a
# null device has unless it is told.
_MOST_FLASH = 8 << 20
_NULL_SIZE = 1 << 30


def find_large_flash(line: Line) -> Iterator[Fault]:
    """Yield each flash that is known to be too large: one on a null device."""
    if find_family(line) not in ("pc", "q35") or "max-fw-size" in line.merged("machine"):
        return
    for drive in list_drives(line):
        occurrence = drive.occurrence
        file = occurrence.get("file") or occurrence.word.argument or ""
        is_null = find_driver(occurrence) in NULLS or file.startswith(("null-co:", "null-aio:"))
        given = read_number(occurrence.parameters.get("size"))
        size = _NULL_SIZE if given is None else given
        if drive.interface == "pflash" and is_null and size > _MOST_FLASH:
            yield Fault(occurrence, "", f"flash of {size} bytes is too large", "8 MiB at most")


def find_connected(line: Line) -> Iterator[Fault]:
    """Yield each drive that a device wants to have, and that is plugged in by itself already.

    QEMU blames the drive where it makes the device for it, and else the machine has the drive.
    """
    connected = {
        drive.occurrence.get("id"): drive
        for drive in list_drives(line)
        if drive.interface != "none" and drive.occurrence.name == "drive"
    }
    for occurrence in line.select("device"):
        name = occurrence.get("drive")
        drive = connected.get(name) if name else None
        if drive is not None and find_family(line) in _BUSES:
            blamed = drive.occurrence if drive.interface == "virtio" else occurrence
            where = "if" if drive.interface == "virtio" else "drive"
            what = f"drive {name!r} is connected already, by if={drive.interface}"
            yield Fault(blamed, where, what, "if=none")


def find_read_only_disks(line: Line) -> Iterator[Fault]:
    """Yield each IDE disk of -drive on an image that can only be read."""
    for drive in list_drives(line):
        is_disk = drive.interface == "ide" and drive.media == "disk"
        if is_disk and is_on(drive.occurrence, "read-only") and _has_driver(drive.occurrence):
            yield Fault(drive.occurrence, "read-only", "an IDE disk is written")


def _has_driver(occurrence: Occurrence) -> bool:
    return find_driver(occurrence) is not None or _has_image(occurrence)


def find_file_names(line: Line) -> Iterator[Fault]:
    """Yield each name that a null device is given (block/null.c)."""
    for occurrence in line.select("drive"):
        driver, file = find_driver(occurrence), occurrence.get("file")
        if driver in NULLS and file is not None and file != f"{driver}://":
            yield Fault(occurrence, "file", f"{file!r} is no name for {driver}", f"{driver}://")


def find_exclusions(line: Line) -> Iterator[Fault]:
    """Yield each drive with parameters that exclude each other."""
    for occurrence in line.select("drive"):
        if "driver" in occurrence.parameters and "format" in occurrence.parameters:
            yield Fault(occurrence, "format", "driver and format are both given")


def find_error_actions(line: Line) -> Iterator[Fault]:
    """Yield each rerror and werror of a drive whose bus has none, or of a cdrom's."""
    for drive in list_drives(line):
        for name in ("werror", "rerror"):
            if drive.occurrence.get(name) and drive.interface not in _HAS_ERROR_ACTIONS:
                yield Fault(drive.occurrence, name, f"if={drive.interface} does not support it")


def is_on(occurrence: Occurrence, name: str) -> bool:
    """Whether a boolean parameter, under its new or its old name, is given and true."""
    names = (name, *(old for old, new in RENAMED.items() if new == name))
    given = next((each for each in names if each in occurrence.parameters), name)
    return read_bool(occurrence.parameters.get(given)) is True


RULES = (
    Rule(
        "drive-place",
        "each place on a machine's buses has room for one drive",
        ALL,
        "-drive driver=null-co,index=6",
        "-drive driver=null-co,index=5",
        find_misplaced,
    ),
    Rule(
        "drive-empty",
        "disks and image formats need an image",
        ALL,
        "-drive if=none,id=d0,readonly=on,format=raw",
        "-drive if=none,id=d0,media=cdrom,readonly=on",
        find_empty,
    ),
    Rule(
        "flash-large",
        "a PC maps 8 MiB of firmware at most",
        ALL,
        "-drive if=pflash,driver=null-co",
        "-drive if=pflash,driver=null-co,size=65536",
        find_large_flash,
    ),
    Rule(
        "disk-empty",
        "a disk has a medium",
        ALL,
        "-drive if=none,id=d0 -device virtio-blk-pci,drive=d0",
        "-drive if=none,id=d0 -device ide-cd,drive=d0",
        find_without_medium,
    ),
    Rule(
        "drive-connected",
        "a drive is plugged in once: by if=, or by a device",
        ALL,
        "-drive id=v,driver=null-co -device ide-hd,drive=v,bus=ide.5",
        "-drive if=none,id=v,driver=null-co -device ide-hd,drive=v,bus=ide.5",
        find_connected,
    ),
    Rule(
        "drive-read-only",
        "an IDE disk is written",
        ALL,
        "-drive if=ide,driver=null-co,readonly=on",
        "-drive if=virtio,driver=null-co,readonly=on",
        find_read_only_disks,
    ),
    Rule(
        "null-name",
        "a null device has one name",
        ALL,
        "-drive driver=null-co,file=x,if=none",
        "-drive driver=null-co,file=null-co://,if=none",
        find_file_names,
    ),
    Rule(
        "drive-driver-twice",
        "format is the old name of driver",
        ALL,
        "-drive driver=null-co,format=raw,if=none,id=d0",
        "-drive driver=null-co,if=none,id=d0",
        find_exclusions,
    ),
    Rule(
        "drive-error-action",
        "only some buses can act on an error",
        ALL,
        "-drive if=floppy,driver=null-co,werror=stop",
        "-drive if=virtio,driver=null-co,werror=stop",
        find_error_actions,
    ),
)

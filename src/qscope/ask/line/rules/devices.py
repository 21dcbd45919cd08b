"""Rules about what a device needs beyond a bus: properties, options, a machine."""

from collections.abc import Iterator

from qscope.ask.line.bus_tree import BusTree
from qscope.ask.line.device_table import Needs, load_devices
from qscope.ask.line.line import Line, Occurrence
from qscope.ask.line.machines import find_family
from qscope.ask.line.names import Names
from qscope.ask.line.rules.drives import is_on
from qscope.ask.line.rules.rule import ALL, Fault, Rule
from qscope.ask.line.scalars import read_bool
from qscope.ask.owner import resolve_driver

# Families whose devices were measured.
_FAMILIES = ("pc", "q35")


def _list_needs(line: Line) -> Iterator[tuple[Occurrence, str, Needs]]:
    table = load_devices()
    for occurrence in line.select("device"):
        driver = resolve_driver(line.interface.listings, occurrence.get("driver") or "")
        needs = table.find_needs(driver, line.release)
        if needs is not None:
            yield occurrence, driver, needs


def find_missing(line: Line) -> Iterator[Fault]:
    """Yield each property that a device must be given and is not."""
    for occurrence, driver, needs in _list_needs(line):
        for name in needs.needs:
            is_set = _is_default(line, name) or _is_global(line, driver, name)
            if name not in occurrence.parameters and not is_set:
                yield Fault(occurrence, name, f"{driver} needs it")
        if needs.one_of and not any(name in occurrence.parameters for name in needs.one_of):
            yield Fault(occurrence, needs.one_of[0], f"{driver} needs {' or '.join(needs.one_of)}")


def _is_global(line: Line, driver: str, name: str) -> bool:
    """Whether a -global sets a property of that driver."""
    return any(
        (each.get("driver"), each.get("property")) == (driver, name)
        for each in line.select("global")
    )


def _is_default(line: Line, name: str) -> bool:
    """Whether QEMU gives a property a value itself: a default back end for sound.

    Since 8.2 there is one unless -nodefaults is given or another -audiodev (audio/audio.c).
    """
    if name != "audiodev":
        return False
    # With a model, -audio is for that one card.
    is_made = any("model" not in each.parameters for each in line.select("audio"))
    return is_made or not line.has("nodefaults", "audiodev", "audio")


def find_missing_options(line: Line) -> Iterator[Fault]:
    """Yield each device that needs what another option has to say."""
    for occurrence, driver, needs in _list_needs(line):
        for need in needs.needs_options:
            if not _has_option(line, need):
                yield Fault(occurrence, "driver", f"{driver} needs {_describe(need)}")


def _has_option(line: Line, need: str) -> bool:
    name, _, value = need.partition("=")
    option, _, parameter = name.partition(".")
    if not parameter:
        return line.has(option)
    given = line.merged(option)
    if parameter not in given:
        return False
    is_on = value == "on" and read_bool(given[parameter]) is True
    return not value or given[parameter] == value or is_on


def _describe(need: str) -> str:
    option, _, parameter = need.partition(".")
    return f"-{option} with {parameter}" if parameter else f"-{option}"


def find_wrong_machines(line: Line) -> Iterator[Fault]:
    """Yield each device that the machine does not take, and each that nobody can use."""
    family = find_family(line)
    for occurrence, driver, needs in _list_needs(line):
        if needs.machines is not None and family in _FAMILIES and family not in needs.machines:
            others = f", only {' and '.join(needs.machines)}" if needs.machines else ""
            yield Fault(occurrence, "driver", f"this machine does not take {driver}{others}")
        elif needs.usable == "no":
            yield Fault(occurrence, "driver", f"{driver} cannot be used: {needs.why}")


def find_second(line: Line) -> Iterator[Fault]:
    """Yield each device of which the machine takes one, and has one."""
    table = load_devices()
    seen: set[str] = set()
    for occurrence in line.select("device"):
        driver = resolve_driver(line.interface.listings, occurrence.get("driver") or "")
        kind = table.single.get(driver)
        if kind is None:
            continue
        name = kind if isinstance(kind, str) else driver
        if name in seen:
            yield Fault(occurrence, "driver", f"a machine takes one {name}")
        seen.add(name)


def find_modes(line: Line) -> Iterator[Fault]:
    """Yield each virtio device that is left without a mode (hw/virtio/virtio-pci.c)."""
    for occurrence in line.select("device"):
        names = ("disable-legacy", "disable-modern")
        if all(read_bool(occurrence.parameters.get(name)) for name in names):
            what = "disable-modern=on leaves no mode to work in"
            yield Fault(occurrence, "disable-legacy", what)


_CPU = "-x86_64-cpu"


def find_cpus(line: Line) -> Iterator[Fault]:
    """Yield each CPU given as a device that is not the machine's, or without its place."""
    for occurrence in line.select("device"):
        driver = occurrence.get("driver") or ""
        if not driver.endswith(_CPU) or find_family(line) not in _FAMILIES:
            continue
        models = [each.word.argument for each in line.select("cpu") if each.word.argument]
        model = models[-1].partition(",")[0] if models else "qemu64"
        if driver.removesuffix(_CPU) != model:
            yield Fault(occurrence, "driver", f"the machine's CPUs are of model {model}")
        elif not {"socket-id", "apic-id"} & occurrence.parameters.keys():
            yield Fault(occurrence, "socket-id", "it is missing")


def find_read_only(line: Line) -> Iterator[Fault]:
    """Yield each IDE disk on an image that can only be read (hw/ide/core.c, ide_init_drive)."""
    names = line.once(Names)
    for occurrence in line.select("device"):
        drive = occurrence.get("drive")
        made = (
            names.find("drive", drive) if drive and occurrence.get("driver") == "ide-hd" else None
        )
        if made and is_on(made.occurrence, "read-only"):
            yield Fault(occurrence, "drive", f"{drive!r} is read-only, and a disk is written")


def find_legacy(line: Line) -> Iterator[Fault]:
    """Yield what only one of virtio's modes has, with the other one (hw/virtio/virtio-pci.c)."""
    for occurrence in line.select("device"):
        driver, parameters = occurrence.get("driver") or "", occurrence.parameters
        if not driver.startswith("virtio-"):
            continue
        is_modern = not read_bool(parameters.get("disable-modern"))
        has_scsi = read_bool(parameters.get("scsi")) and driver.startswith("virtio-blk")
        if has_scsi and is_modern:
            yield Fault(occurrence, "scsi", "it needs disable-modern=on: virtio 1.0 has none")
        if read_bool(parameters.get("iommu_platform")) and not _is_modern(line, occurrence):
            yield Fault(occurrence, "iommu_platform", "it needs disable-legacy=on")


def _is_modern(line: Line, occurrence: Occurrence) -> bool:
    """Whether a virtio device works in modern mode alone: behind a port of PCI Express it does."""
    asked = occurrence.parameters.get("disable-legacy")
    driver = occurrence.get("driver") or ""
    if read_bool(asked) or driver.endswith("-non-transitional"):
        return True
    placed = next(
        (each for each in line.once(BusTree).placed if each.occurrence is occurrence), None
    )
    return bool(placed and placed.bus and placed.bus.controller) and asked in (None, "auto")


RULES = (
    Rule(
        "device-needs",
        "some devices are nothing without a back end, an address or a number",
        ALL,
        "-device virtio-blk-pci",
        "-blockdev null-co,node-name=n0 -device virtio-blk-pci,drive=n0",
        find_missing,
    ),
    Rule(
        "device-needs-option",
        "room for memory devices is made by -m",
        ALL,
        "-object memory-backend-ram,id=m0,size=64M -device pc-dimm,memdev=m0",
        "-m 128,slots=2,maxmem=1G -object memory-backend-ram,id=m0,size=128M"
        " -device pc-dimm,memdev=m0",
        find_missing_options,
    ),
    Rule(
        "device-machine",
        "some devices are made for some machines",
        ALL,
        "-machine pc -device intel-iommu",
        "-device intel-iommu",
        find_wrong_machines,
    ),
    Rule(
        "device-single",
        "a machine has one IOMMU, one generation ID",
        ALL,
        "-device vmcoreinfo -device vmcoreinfo",
        "-device vmcoreinfo",
        find_second,
    ),
    Rule(
        "virtio-mode",
        "a virtio device is legacy, modern or both",
        ALL,
        "-device virtio-rng-pci,disable-legacy=on,disable-modern=on",
        "-device virtio-rng-pci,disable-legacy=off,disable-modern=on",
        find_modes,
    ),
    Rule(
        "cpu-device",
        "CPUs of a machine are of one model, and each has a place",
        ALL,
        "-device qemu64-x86_64-cpu",
        "-smp 1,maxcpus=2,sockets=2 -device qemu64-x86_64-cpu,socket-id=1,core-id=0,thread-id=0",
        find_cpus,
    ),
    Rule(
        "disk-read-only",
        "an IDE disk is written",
        ALL,
        "-blockdev null-co,node-name=n0,read-only=on -device ide-hd,drive=n0",
        "-blockdev null-co,node-name=n0,read-only=on -device ide-cd,drive=n0",
        find_read_only,
    ),
    Rule(
        "virtio-legacy",
        "some features are of one mode of virtio alone",
        ALL,
        "-device virtio-net-pci,iommu_platform=on",
        "-device virtio-net-pci,iommu_platform=on,disable-legacy=on",
        find_legacy,
    ),
)

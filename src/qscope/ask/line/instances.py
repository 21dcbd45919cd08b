"""Which QOM types QEMU makes when it starts, and which option it makes each for.

In: a line. Out: `Instance`s. What a machine has of itself was measured: a -global of every type
with a property that none has, on QEMU 5.2, 7.2, 10.0 and 11.1. Of a machine that nobody measured
nothing is said, so that no -global is refused for it.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from qscope.ask.line.display import VGA_DRIVERS
from qscope.ask.line.line import Line, Occurrence
from qscope.ask.line.machines import find_family
from qscope.ask.line.scalars import read_bool
from qscope.ask.owner import find_cpu, resolve_driver
from qscope.ask.syntax.argument import Cpu


class Instance(NamedTuple):
    """A QOM type of which QEMU makes one, and the option that wants it, None for the machine."""

    typename: str
    maker: Occurrence | None = None


# What all PCs have; those with a local APIC have the second row, too.
_PC = (
    *("fw_cfg_io", "i8042", "i8257", "isa-i8259", "isa-pcspk", "isa-pit", "mc146818rtc"),
    *("port92", "ps2-kbd", "ps2-mouse", "vmmouse", "vmport"),
)
_APIC = ("apic", "kvmvapic", "ioapic", "hpet", "cfi.pflash01", "smbus-eeprom")
_MACHINES: Mapping[str, tuple[str, ...]] = {
    "q35": (*_PC, *_APIC, "ICH9-LPC", "ICH9-SMB", "ICH9 SMB", "ich9-ahci", "mch", "q35-pcihost"),
    "pc": (
        *(*_PC, *_APIC, "PIIX3", "PIIX4_PM", "i440FX", "i440FX-pcihost", "isa-fdc", "piix3-ide"),
    ),
    "isapc": (*_PC, "isa-fdc", "isa-ide", "isabus-bridge"),
    "microvm": (
        *(
            "acpi-ged",
            "acpi-ged-x86",
            "apic",
            "fw_cfg_io",
            "ioapic",
            "isa-i8259",
            "isa-pit",
            "isabus-bridge",
        ),
        *("kvmvapic", "mc146818rtc", "virtio-mmio"),
    ),
}
# Properties of a machine that are `off` to leave these out.
_SWITCHES: Mapping[str, tuple[str, ...]] = {
    "hpet": ("hpet",),
    "i8042": ("i8042", "ps2-kbd", "ps2-mouse", "port92", "vmport", "vmmouse"),
    "vmport": ("vmport", "vmmouse"),
    "sata": ("ich9-ahci",),
    "smbus": ("ICH9-SMB", "ICH9 SMB", "smbus-eeprom"),
    "pit": ("isa-pit",),
    "pic": ("isa-i8259",),
    "rtc": ("mc146818rtc",),
}
# What is another type where another accelerator than TCG does its work.
_EMULATED = ("apic", "isa-pit", "isa-i8259", "ioapic")
# One of each of these is made to see which are network cards, where a PCI bus looks for its own
# (qemu_get_nic_models() in net/net.c): since 9.0 always.
_NICS = (
    *("e1000", "e1000-82544gc", "e1000-82545em", "e1000e", "i82550", "i82551", "i82557a"),
    *("i82557b", "i82557c", "i82558a", "i82558b", "i82559a", "i82559b", "i82559c", "i82559er"),
    *("i82562", "i82801", "igb", "ne2k_pci", "pcnet", "rocker", "rtl8139", "tulip"),
    *("virtio-net-device", "virtio-net-pci", "virtio-net-pci-non-transitional"),
    *("virtio-net-pci-transitional", "vmxnet3"),
)
_NICS_ALWAYS = (10, 0)
_MADE: Mapping[str, Mapping[str, str]] = {
    "vga": VGA_DRIVERS,
    "usbdevice": {
        "tablet": "usb-tablet",
        "mouse": "usb-mouse",
        "keyboard": "usb-kbd",
        "wacom-tablet": "usb-wacom-tablet",
        "ccid": "usb-ccid",
        "audio": "usb-audio",
    },
    "watchdog": {"i6300esb": "i6300esb", "ib700": "ib700"},
    "soundhw": {"ac97": "AC97", "es1370": "ES1370", "hda": "intel-hda", "sb16": "sb16"},
}
_STREAMS: Mapping[str, str] = {
    "serial": "isa-serial",
    "parallel": "isa-parallel",
    "debugcon": "isa-debugcon",
}
_DISKS = ("hda", "hdb", "hdc", "hdd")


def find_instances(line: Line) -> Iterator[Instance]:
    """Yield what QEMU makes, as far as it is known; what the machine has comes first."""
    yield Instance("migration")
    family = find_family(line)
    left_out = set(_list_left_out(line))
    for typename in _MACHINES.get(family, ()):
        if typename not in left_out:
            yield Instance(typename)
    yield from _find_cpus(line)
    if family in ("q35", "pc"):
        yield from _find_nics(line)
    for occurrence in line.occurrences:
        yield from (Instance(each, occurrence) for each in _list_made(line, occurrence, family))


def _list_left_out(line: Line) -> Iterator[str]:
    machine = line.merged("machine")
    for name, typenames in _SWITCHES.items():
        if read_bool(machine.get(name)) is False:
            yield from typenames
    if line.has("no-hpet"):
        yield "hpet"
    if "accel" in machine or line.has("accel", "enable-kvm", "xen-attach"):
        yield from _EMULATED


def _find_cpus(line: Line) -> Iterator[Instance]:
    """Yield the type of the CPU: -cpu's model, else the machine's."""
    asked = [each.parsed.value for each in line.select("cpu") if each.parsed]
    if asked and isinstance(asked[-1], Cpu):
        model = find_cpu(line.interface.listings, asked[-1].model)
        if model is not None and model.typename:
            yield Instance(model.typename)
    elif line.machine is not None and line.machine.default_cpu_type:
        yield Instance(line.machine.default_cpu_type)


def _find_nics(line: Line) -> Iterator[Instance]:
    """Yield the network cards that are made, if only to see which there are."""
    always = line.is_since(*_NICS_ALWAYS)
    if not always and not line.has("nic", "net") and line.has("nodefaults", "netdev"):
        return
    drivers = {each.name for each in line.interface.listings.drivers or ()}
    yield from (Instance(each) for each in _NICS if each in drivers)


def _list_made(line: Line, occurrence: Occurrence, family: str) -> Iterator[str]:
    """Yield the types that are made for one option."""
    if occurrence.name == "device":
        driver = resolve_driver(line.interface.listings, occurrence.get("driver") or "")
        yield from _list_parts(driver)
    elif occurrence.name in _MADE:
        made = _MADE[occurrence.name].get(occurrence.word.argument or "")
        yield from _list_parts(made) if made else ()
    elif occurrence.name == "virtfs":
        yield from _list_parts("virtio-9p-pci")
    elif family == "isapc" and occurrence.name in ("nic", "net"):
        yield from () if occurrence.get("type") == "none" else ("ne2k_isa",)
    elif family not in ("q35", "pc"):
        return
    elif occurrence.name in _STREAMS and occurrence.word.argument != "none":
        yield _STREAMS[occurrence.name]
    elif occurrence.name == "usb" or read_bool(occurrence.get("usb")):
        yield from ("ich9-usb-ehci1", "ich9-usb-uhci1") if family == "q35" else ("piix3-usb-uhci",)
    else:
        yield from _list_disks(occurrence)


def _list_disks(occurrence: Occurrence) -> Iterator[str]:
    """Yield the devices of disks that are given without a -device."""
    if occurrence.name == "cdrom":
        yield "ide-cd"
    elif occurrence.name in _DISKS:
        yield "ide-hd"
    elif occurrence.name == "drive":
        bus = occurrence.get("if") or "ide"
        if bus == "ide":
            yield "ide-cd" if occurrence.get("media") == "cdrom" else "ide-hd"
        elif bus == "virtio":
            yield from _list_parts("virtio-blk-pci")


def _list_parts(driver: str) -> Iterator[str]:
    """Yield a driver, and the device that one of a virtio transport contains."""
    yield driver
    if driver == "usb-storage":
        yield "scsi-hd"
    for transport in ("-pci", "-pci-transitional", "-pci-non-transitional"):
        if driver.startswith(("virtio-", "vhost-")) and driver.endswith(transport):
            yield f"{driver.removesuffix(transport)}-device"

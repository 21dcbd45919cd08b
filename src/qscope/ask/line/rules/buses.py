"""Rules about buses: that there is one for a device, and that it has room.

Places on PCI buses are pci.py's.
"""

import itertools
from collections.abc import Callable, Iterator

from qscope.ask.line.bus_tree import BusTree
from qscope.ask.line.device_table import load_devices
from qscope.ask.line.line import Line
from qscope.ask.line.rules.drives import list_drives
from qscope.ask.line.rules.rule import ALL, Fault, Rule
from qscope.ask.line.scalars import read_number


def _find(rule: str) -> Callable[[Line], Iterator[Fault]]:
    """Return the generator of a rule that the topology itself finds broken."""

    def find(line: Line) -> Iterator[Fault]:
        for misfit in line.once(BusTree).misfits:
            if misfit.rule == rule:
                yield Fault(misfit.occurrence, misfit.where, misfit.message, misfit.right)

    return find


def find_ide_units(line: Line) -> Iterator[Fault]:
    """Yield each IDE device for which its bus has no unit (hw/ide/qdev.c, ide_qdev_realize)."""
    tree = line.once(BusTree)
    taken = {
        (f"ide.{drive.place // units}", drive.place % units)
        for units in (_count_units(tree.family, ""),)
        for drive in list_drives(line)
        if drive.interface == "ide" and drive.place >= 0
    }
    for device in tree.placed:
        if device.bus is None or device.bus.type != "IDE":
            continue
        units = _count_units(tree.family, device.bus.controller)
        unit = read_number(device.occurrence.parameters.get("unit"))
        if unit is None or unit == _ANY_UNIT:
            unit = 1 if (device.bus.name, 0) in taken else 0
        if unit >= units:
            right = "unit 0" if units == 1 else "unit 0 or 1"
            what = f"bus {device.bus.name} has no unit {unit}"
            yield Fault(device.occurrence, "unit", what, right)
        elif (device.bus.name, unit) in taken:
            yield Fault(device.occurrence, "unit", f"unit {unit} of {device.bus.name} is in use")
        taken.add((device.bus.name, unit))


_ANY_UNIT = 2**32 - 1


def _count_units(family: str, controller: str) -> int:
    return 1 if "ahci" in controller or (family == "q35" and not controller) else 2


# The largest SCSI ID and LUN of a controller's bus (the SCSIBusInfo of hw/scsi/*.c).
_SCSI = {
    "virtio-scsi": (255, 16383),
    "lsi53c": (7, 0),
    "am53c974": (7, 7),
    "dc390": (7, 7),
    "pvscsi": (63, 0),
    "usb-uas": (0, 255),
}


def find_scsi_places(line: Line) -> Iterator[Fault]:
    """Yield each SCSI device whose ID or LUN its bus does not have."""
    for device in line.once(BusTree).placed:
        controller = device.bus.controller if device.bus and device.bus.type == "SCSI" else ""
        channel = read_number(device.occurrence.parameters.get("channel"))
        if controller and channel and channel < _ANY_UNIT:
            yield Fault(device.occurrence, "channel", f"there is no channel {channel}", "0")
        limits = next((row for stem, row in _SCSI.items() if controller.startswith(stem)), None)
        if not controller or limits is None:
            continue
        for parameter, limit in zip(("scsi-id", "lun"), limits, strict=True):
            number = read_number(device.occurrence.parameters.get(parameter))
            if number is not None and limit < number < _ANY_UNIT:
                yield Fault(device.occurrence, parameter, f"{number} is too large", f"0 to {limit}")


def find_scsi_duplicates(line: Line) -> Iterator[Fault]:
    """Yield each SCSI device at an ID and LUN that another device of its bus has."""
    seen: set[tuple[str, int, int, int]] = set()
    for device in line.once(BusTree).placed:
        if device.bus is None or device.bus.type != "SCSI":
            continue
        names = ("channel", "scsi-id", "lun")
        given = [read_number(device.occurrence.parameters.get(name)) for name in names]
        channel, number, lun = given
        if number is None or lun is None:
            continue
        key = (device.bus.name, channel or 0, number, lun)
        if key in seen:
            what = f"another device of {device.bus.name} has scsi-id={number},lun={lun}"
            yield Fault(device.occurrence, "lun", what)
        seen.add(key)


def find_ports(line: Line) -> Iterator[Fault]:
    """Yield each virtio-serial port whose number is taken, or more than the controller has."""
    taken: set[tuple[str, int]] = set()
    for device in line.once(BusTree).placed:
        if device.bus is None or device.bus.type != "virtio-serial-bus":
            continue
        bus, last = device.bus.name, _find_last_port(line, device.bus.name)
        number = read_number(device.occurrence.parameters.get("nr"))
        if number is None or number == _ANY_UNIT:
            first = 0 if device.driver == "virtconsole" else 1
            number = next(each for each in itertools.count(first) if (bus, each) not in taken)
        if number > last:
            yield Fault(device.occurrence, "nr", f"there is no port {number}", f"0 to {last}")
        elif (bus, number) in taken:
            yield Fault(device.occurrence, "nr", f"there is another port {number} on its bus")
        taken.add((bus, number))


def find_port_names(line: Line) -> Iterator[Fault]:
    """Yield each virtio-serial port with the name of another one (hw/char/virtio-serial-bus.c)."""
    seen: set[str] = set()
    for device in line.once(BusTree).placed:
        name = device.occurrence.get("name")
        if device.driver == "virtserialport" and name:
            if name in seen:
                yield Fault(device.occurrence, "name", f"there is another port {name!r}")
            seen.add(name)


def _find_last_port(line: Line, bus: str) -> int:
    """Return the number of the last port of a controller: one less than max_ports, 31 at most."""
    for occurrence in line.select("device"):
        if f"{occurrence.get('id')}.0" == bus:
            return (read_number(occurrence.parameters.get("max_ports")) or 31) - 1
    return 30


# How many ports of its own a USB controller has, by how its name begins.
_USB_PORTS = (("piix", 2), ("ich9-usb-uhci", 2), ("vt82c686b", 2), ("pci-ohci", 3), ("", 6))


def find_usb_ports(line: Line) -> Iterator[Fault]:
    """Yield each USB device on a port that its controller does not have (hw/usb/bus.c)."""
    tree = line.once(BusTree)
    taken: set[tuple[str, str]] = set()
    for device in tree.placed:
        port = device.occurrence.get("port") or ""
        if device.bus is None or device.bus.type != "usb-bus" or not port:
            continue
        if (device.bus.name, port) in taken:
            yield Fault(device.occurrence, "port", f"port {port} of {device.bus.name} is in use")
        taken.add((device.bus.name, port))
        if not port.isdecimal() or device.bus.controller == "pci-ohci":
            # Of the latter `num-ports` says how many it has.
            continue
        if "xhci" in device.bus.controller:
            last = _count_xhci_ports(line, device.bus.name)
            if not 1 <= int(port) <= last:
                what = f"bus {device.bus.name} has no port {port}"
                yield Fault(device.occurrence, "port", what, f"1 to {last}")
            continue
        last = next(n for start, n in _USB_PORTS if device.bus.controller.startswith(start))
        if not device.bus.controller:
            last = 2 if tree.family == "pc" else 6
        if not 1 <= int(port) <= last:
            what = f"bus {device.bus.name} has no port {port}"
            yield Fault(device.occurrence, "port", what, f"1 to {last}")


def _count_xhci_ports(line: Line, bus: str) -> int:
    """Return how many ports of each speed a controller has: the larger of p2 and p3, 4 at first."""
    for occurrence in line.select("device"):
        if f"{occurrence.get('id')}.0" == bus:
            counts = [read_number(occurrence.parameters.get(name)) for name in ("p2", "p3")]
            return max(4 if count is None else count for count in counts)
    return 4


# The speeds of the buses that machines have with usb=on.
_MACHINE_SPEEDS = {"pc": ("full",), "q35": ("full", "high"), "microvm": ("full", "high", "super")}


def find_usb_speeds(line: Line) -> Iterator[Fault]:
    """Yield each USB device for whose speed its bus is not made (hw/usb/bus.c)."""
    tree, table = line.once(BusTree), load_devices()
    for device in tree.placed:
        if device.bus is None or device.bus.type != "usb-bus" or device.driver not in table.speeds:
            continue
        controller = table.controllers.get(device.bus.controller)
        has = controller.speeds if controller else _MACHINE_SPEEDS.get(tree.family, ())
        companions = any(
            each.occurrence.get("masterbus") == device.bus.name for each in tree.placed
        )
        wants = table.speeds[device.driver]
        if has and not set(wants) & set(has) and not (companions and "full" in wants):
            what = (
                f"{device.driver} is of {' or '.join(wants)} speed, its bus of {' or '.join(has)}"
            )
            yield Fault(device.occurrence, "driver", what)


def find_master_buses(line: Line) -> Iterator[Fault]:
    """Yield each companion controller whose master's bus is not there."""
    tree = line.once(BusTree)
    names = {bus.name for bus in tree.buses}
    for device in tree.placed:
        master = device.occurrence.get("masterbus")
        if master is not None and master not in names and tree.is_known:
            yield Fault(device.occurrence, "masterbus", f"there is no USB bus {master!r}")


RULES = (
    Rule(
        "bus-missing",
        "a device goes on a bus, and something before it must have one",
        ALL,
        "-device usb-tablet",
        "-device qemu-xhci -device usb-tablet",
        _find("bus-missing"),
    ),
    Rule(
        "bus-unknown",
        "a bus is the machine's or that of a device before",
        ALL,
        "-device usb-tablet,bus=xhci.0 -device qemu-xhci,id=xhci",
        "-device qemu-xhci,id=xhci -device usb-tablet,bus=xhci.0",
        _find("bus-unknown"),
    ),
    Rule(
        "bus-type",
        "a device fits buses of one type",
        ALL,
        "-device virtio-rng-pci,bus=isa.0",
        "-device virtio-rng-pci,bus=pcie.0",
        _find("bus-type"),
    ),
    Rule(
        "ide-unit",
        "an IDE bus has two units, one behind AHCI",
        ALL,
        "-blockdev null-co,node-name=n0 -device ide-hd,drive=n0,bus=ide.0,unit=1",
        "-blockdev null-co,node-name=n0 -device ide-hd,drive=n0,bus=ide.0,unit=0",
        find_ide_units,
    ),
    Rule(
        "scsi-place",
        "a SCSI controller knows a range of IDs and LUNs",
        ALL,
        "-device virtio-scsi-pci -blockdev null-co,node-name=n0"
        " -device scsi-hd,drive=n0,scsi-id=256",
        "-device virtio-scsi-pci -blockdev null-co,node-name=n0"
        " -device scsi-hd,drive=n0,scsi-id=255",
        find_scsi_places,
    ),
    Rule(
        "scsi-duplicate",
        "an ID and a LUN are one device's",
        ALL,
        "-device virtio-scsi-pci -device scsi-cd,scsi-id=0,lun=0 -device scsi-cd,scsi-id=0,lun=0",
        "-device virtio-scsi-pci -device scsi-cd,scsi-id=0,lun=0 -device scsi-cd,scsi-id=0,lun=1",
        find_scsi_duplicates,
    ),
    Rule(
        "virtio-serial-port",
        "a port of virtio-serial has a number of its own",
        ALL,
        "-device virtio-serial-pci,id=vs -device virtserialport,bus=vs.0,nr=31",
        "-device virtio-serial-pci,id=vs -device virtserialport,bus=vs.0,nr=30",
        find_ports,
    ),
    Rule(
        "virtio-serial-name",
        "a port of virtio-serial is found by its name",
        ALL,
        "-device virtio-serial-pci -device virtserialport,name=q -device virtserialport,name=q",
        "-device virtio-serial-pci -device virtserialport,name=q -device virtserialport,name=r",
        find_port_names,
    ),
    Rule(
        "usb-port",
        "a port is one of the controller's, and one device's",
        ALL,
        "-usb -device usb-tablet,port=9",
        "-usb -device usb-tablet,port=1",
        find_usb_ports,
    ),
    Rule(
        "usb-speed",
        "a USB bus takes devices of some speeds",
        ALL,
        "-device usb-ehci -device usb-hub",
        "-device qemu-xhci -device usb-hub",
        find_usb_speeds,
    ),
    Rule(
        "usb-master",
        "a companion controller belongs to a master",
        ALL,
        "-device ich9-usb-uhci1,masterbus=usb.0,firstport=0",
        "-device ich9-usb-ehci1,id=usb -device ich9-usb-uhci1,masterbus=usb.0,firstport=0",
        find_master_buses,
    ),
)

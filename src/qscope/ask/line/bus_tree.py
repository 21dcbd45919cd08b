"""The buses of a machine, and which device goes on which: what QEMU does, device after device.

In: a line. Out: `Placed` devices and `Misfit`s. For a machine whose family is in no table nothing
is known of its own buses, and nothing is refused for their lack.
"""

from collections.abc import Iterator
from typing import NamedTuple

from qscope.ask.line.device_table import Controller, load_devices
from qscope.ask.line.line import Line, Occurrence
from qscope.ask.line.machines import find_family
from qscope.ask.line.settings import has_usb
from qscope.ask.owner import resolve_driver


class Bus(NamedTuple):
    """A bus: its name, its type, the driver that supplies it ("" for the machine)."""

    name: str
    type: str
    controller: str = ""


class Placed(NamedTuple):
    """A device, its driver, and the bus that it goes on (None: not known, or it needs none)."""

    occurrence: Occurrence
    driver: str
    bus: Bus | None


class Misfit(NamedTuple):
    """A device that no bus takes: which rule it breaks, and how."""

    rule: str
    occurrence: Occurrence
    where: str
    message: str
    right: str = ""


# Of the controllers that supply a type of bus, the one to name first.
_USUAL = ("qemu-xhci", "virtio-scsi-pci", "virtio-serial-pci", "ich9-intel-hda", "ich9-ahci")


class BusTree:
    """What the devices of a line make of a machine's buses."""

    def __init__(self, line: Line) -> None:
        """Place every device of the line, in its order."""
        self._line = line
        self._table = load_devices()
        self.family = find_family(line)
        self.is_known = self.family in self._table.machines
        self.buses = list(self._list_machine_buses())
        self.placed: list[Placed] = []
        self.misfits: list[Misfit] = []
        drivers = line.interface.listings.drivers or ()
        self._types = {each.name: each.bus for each in drivers if each.creatable}
        for occurrence in line.select("device"):
            self._place(occurrence)

    def _list_machine_buses(self) -> Iterator[Bus]:
        machine = self._table.machines.get(self.family)
        if machine is None:
            return
        options = self._line.merged("machine")
        given = {f"{name}={value}" for name, value in options.items()}
        given -= {"usb=on"}
        given |= {"usb=on"} if has_usb(self._line) else set()
        lost = {name for key, names in machine.without.items() if key in given for name in names}
        for key, added in machine.options.items():
            if key in given:
                yield from (Bus(name, kind) for name, kind in added.items())
        yield from (Bus(name, kind) for name, kind in machine.buses.items() if name not in lost)
        for stem, row in machine.counted.items():
            is_old = self._line.is_before(6, 0)
            count = row["count-5.2"] if is_old and "count-5.2" in row else row["count"]
            yield from (Bus(f"{stem}.{number}", row["type"]) for number in range(count))

    def _place(self, occurrence: Occurrence) -> None:
        driver = resolve_driver(self._line.interface.listings, occurrence.get("driver") or "")
        if driver not in self._types:
            return
        wanted = self._types[driver]
        asked = occurrence.get("bus")
        if asked is not None:
            bus = self._find_named(occurrence, driver, wanted, asked)
        else:
            bus = self._find_any(occurrence, driver, wanted)
        needs = self._table.find_needs(driver, self._line.release)
        if bus is not None and needs is not None and bus.type in needs.not_on:
            what = f"{driver} does not go on {bus.name}, a {bus.type} bus"
            self.misfits.append(Misfit("bus-type", occurrence, "bus" if asked else "driver", what))
        self.placed.append(Placed(occurrence, driver, bus))
        if not (self.misfits and self.misfits[-1].occurrence is occurrence):
            self._supply(occurrence, driver)

    def _find_named(
        self, occurrence: Occurrence, driver: str, wanted: str | None, asked: str
    ) -> Bus | None:
        bus = next((each for each in self.buses if each.name == asked), None)
        if bus is None:
            if "/" not in asked and self.is_known:
                what = f"there is no bus {asked!r} at this place of the line"
                self.misfits.append(Misfit("bus-unknown", occurrence, "bus", what))
            return None
        if wanted is not None and bus.type not in self._table.list_fitting(wanted):
            what = f"{driver} goes on a {wanted} bus, and {asked!r} is of type {bus.type}"
            self.misfits.append(Misfit("bus-type", occurrence, "bus", what))
        return bus

    def _find_any(self, occurrence: Occurrence, driver: str, wanted: str | None) -> Bus | None:
        if wanted is None or wanted == "System":
            return None
        fitting = self._table.list_fitting(wanted)
        found = [each for each in self.buses if each.type in fitting]
        if not found and self.is_known:
            what = f"there is no {wanted} bus for {driver} at this place of the line"
            right = self._name_controller(fitting)
            self.misfits.append(Misfit("bus-missing", occurrence, "driver", what, right))
        if not found:
            return None
        # The tree is searched from its root: the bus of the machine, if that fits, before those
        # of devices; of these, and of several of the machine's, the latest (qbus_find_recursive).
        own = [each for each in found if not each.controller and wanted == "PCI"]
        return own[0] if own else found[-1]

    def _name_controller(self, fitting: tuple[str, ...]) -> str:
        """Say which driver has such a bus ("" for none that a user may create here)."""
        controllers = self._table.controllers
        found = [
            name
            for name in (*_USUAL, *controllers)
            if controllers[name].type in fitting and name in self._types
        ]
        return f"-device {found[0]} before it has one" if found else ""

    def _supply(self, occurrence: Occurrence, driver: str) -> None:
        controller = self._table.controllers.get(driver)
        if controller is not None:
            name = occurrence.get("id")
            names = controller.named if name else self._number(controller)
            self.buses += [
                Bus(each.replace("{id}", name or ""), controller.type, driver) for each in names
            ]

    def _number(self, controller: Controller) -> list[str]:
        """Return the names of a controller without an ID: numbers go on from those there are."""
        stem, _, counts = controller.unnamed.partition(".{N}")
        if "{N}" not in controller.unnamed:
            return [controller.unnamed] * len(controller.named)
        taken = sum(1 for each in self.buses if each.name.rpartition(".")[0] == stem and not counts)
        return [f"{stem}.{taken + number}" for number in range(len(controller.named))]

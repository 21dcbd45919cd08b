"""Rules about places on PCI buses: slots, functions, chassis."""

import re
from collections.abc import Iterator, Mapping

from qscope.ask.line.bus_tree import BusTree, Placed
from qscope.ask.line.line import Line, Occurrence
from qscope.ask.line.rules.rule import ALL, Fault, Rule
from qscope.ask.line.scalars import read_bool, read_number
from qscope.ask.line.settings import has_usb

# What a machine itself has on its bus: slot -> functions (info pci on 5.2 to 11.1).
_OWN: Mapping[str, Mapping[int, tuple[int, ...]]] = {
    "pc": {0: (0,), 1: (0, 1, 3)},
    "q35": {0: (0,), 31: (0, 2, 3)},
}
_ROOT = {"pc": "pci.0", "q35": "pcie.0"}
# USB of the machine: the function of its controller, or the slot of its controllers.
_USB: Mapping[str, tuple[int, tuple[int, ...]]] = {"pc": (1, (2,)), "q35": (29, (0, 1, 2, 7))}
_TYPES = ("PCI", "PCIE", "CXL")
_SLOTS = 32
# SLOT.FUNCTION, in hexadecimal (hw/core/qdev-properties-system.c).
_ADDRESS = re.compile(r"(?:0x)?([0-9a-f]{1,2})(?:\.(?:0x)?([0-7]))?", re.I)


class _Slots:
    """Which functions of a bus are taken: slot -> function -> whether it says multifunction.

    Where it is not certain which slots are, only places that were asked for count.
    """

    def __init__(self, taken: Mapping[int, tuple[int, ...]], *, is_certain: bool = True) -> None:
        # The host bridge in slot 0 is alone there.
        self._taken = {
            slot: dict.fromkeys(functions, slot != 0) for slot, functions in taken.items()
        }
        self._is_certain = is_certain

    def take(self, slot: int, function: int, *, multifunction: bool) -> str:
        """Take a place; return what is wrong with it ("" for nothing)."""
        functions = self._taken.setdefault(slot, {})
        if function in functions:
            return f"slot {slot:#x} function {function} is in use"
        if function and not functions.get(0, True):
            return f"the device in slot {slot:#x} has one function: it needs multifunction=on"
        if not function and functions and not multifunction:
            return f"slot {slot:#x} has other functions already: it needs multifunction=on"
        functions[function] = multifunction
        return ""

    def take_any(self, *, multifunction: bool) -> bool:
        """Take the first free slot; return whether there was one."""
        if not self._is_certain:
            return True
        for slot in range(_SLOTS):
            if not self._taken.get(slot):
                self._taken[slot] = {0: multifunction}
                return True
        return False


def find_places(line: Line) -> Iterator[Fault]:
    """Yield each PCI device whose place is taken, or that finds none."""
    tree = line.once(BusTree)
    buses = {_ROOT.get(tree.family, ""): _make_root(line, tree.family)}
    for device in tree.placed:
        if device.bus is None or device.bus.type not in _TYPES or tree.family not in _ROOT:
            continue
        slots = buses.setdefault(device.bus.name, _Slots({}))
        multifunction = _is_on(device.occurrence, "multifunction")
        place = _read_place(device)
        if place is not None:
            what = slots.take(*place, multifunction=multifunction)
            if what:
                yield Fault(device.occurrence, "addr", what)
        elif not slots.take_any(multifunction=multifunction):
            yield Fault(device.occurrence, "driver", f"no slot of {device.bus.name} is free")


def _make_root(line: Line, family: str) -> _Slots:
    """Return the machine's own bus with what the machine puts there."""
    taken = dict(_OWN.get(family, {}))
    for (owner, option), (slot, function) in _REMOVABLE.items():
        name, _, value = option.partition("=")
        is_off = read_bool(line.merged("machine").get(name)) is False and value == "off"
        if owner == family and (is_off or (name == "acpi" and line.has("no-acpi"))):
            taken[slot] = tuple(each for each in taken[slot] if each != function)
    if has_usb(line):
        slot, functions = _USB.get(family, (0, ()))
        taken[slot] = (*taken.get(slot, ()), *functions)
    count = _count_defaults(line)
    slots = _Slots(taken, is_certain=count is not None)
    for _ in range(count or 0):
        slots.take_any(multifunction=False)
    return slots


# What an option of -machine takes away: family and option -> slot and function.
_REMOVABLE: Mapping[tuple[str, str], tuple[int, int]] = {
    ("q35", "sata=off"): (31, 2),
    ("q35", "smbus=off"): (31, 3),
    ("pc", "acpi=off"): (1, 3),
}


def _count_defaults(line: Line) -> int | None:
    """Return how many devices stand in slots before those of -device: a display, network cards.

    None where that is not plain: a card can have a place of its own, or none on this bus.
    """
    cards = [each for each in line.select("nic", "net") if _is_card(each)]
    if any(each.get("addr") or each.get("model") in _ISA_CARDS for each in cards):
        return None
    displays = _count_displays(line)
    if cards or line.has("nic", "net"):
        return displays + len(cards)
    return displays + (not line.has("nodefaults", "netdev"))


_ISA_CARDS = ("ne2k_isa", "help", "?")
# A -device of one of these takes the place of the default display (system/vl.c, default_list).
_DISPLAYS = frozenset(
    (
        "VGA", "isa-vga", "isa-cirrus-vga", "cirrus-vga", "ati-vga", "vmware-svga", "qxl-vga",
        "virtio-vga", "virtio-vga-gl", "vhost-user-vga",
    )
)  # fmt: skip


def _count_displays(line: Line) -> int:
    vga = [each.word.argument for each in line.select("vga")]
    if vga:
        return int(vga[-1] != "none")
    has_own = any(each.get("driver") in _DISPLAYS for each in line.select("device"))
    return int(not (has_own or line.has("nodefaults")))


def _is_card(occurrence: Occurrence) -> bool:
    kind = occurrence.get("type")
    return kind == "nic" if occurrence.name == "net" else kind != "none"


def _read_place(device: Placed) -> tuple[int, int] | None:
    """Return slot and function as given, None where QEMU chooses."""
    value = device.occurrence.parameters.get("addr")
    if isinstance(value, str) and (found := _ADDRESS.fullmatch(value)):
        return int(found[1], 16), int(found[2] or "0")
    number = read_number(value)
    if isinstance(value, int) and number is not None and number >= 0:
        return number >> 3, number & 7
    return None


def _is_on(occurrence: Occurrence, name: str) -> bool:
    """Whether a boolean is on; what is no boolean is a finding, and no reason for another."""
    return read_bool(occurrence.parameters.get(name, False)) is not False


_PORTS = ("pcie-root-port", "ioh3420", "xio3130-downstream", "cxl-rp", "cxl-downstream")


def find_chassis(line: Line) -> Iterator[Fault]:
    """Yield each port whose chassis and slot another port has (hw/pci/pcie_port.c)."""
    seen: set[tuple[int, int]] = set()
    for device in line.once(BusTree).placed:
        if device.driver not in _PORTS:
            continue
        parameters = device.occurrence.parameters
        key = (
            read_number(parameters.get("chassis")) or 0,
            read_number(parameters.get("slot")) or 0,
        )
        if key in seen:
            what = f"another port has chassis {key[0]} and slot {key[1]}"
            yield Fault(device.occurrence, "chassis", what)
        seen.add(key)


RULES = (
    Rule(
        "pci-place",
        "a function of a slot has room for one device, and function 0 tells of others",
        ALL,
        "-device virtio-rng-pci,addr=5 -device virtio-balloon-pci,addr=5.1",
        "-device virtio-rng-pci,addr=5,multifunction=on -device virtio-balloon-pci,addr=5.1",
        find_places,
    ),
    Rule(
        "pci-chassis",
        "guests tell ports by chassis and slot",
        ALL,
        "-device pcie-root-port,chassis=1 -device pcie-root-port,chassis=1",
        "-device pcie-root-port,chassis=1 -device pcie-root-port,chassis=2",
        find_chassis,
    ),
)

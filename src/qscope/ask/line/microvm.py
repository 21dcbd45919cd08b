"""What machine microvm takes, in releases whose microvm cannot be asked: QEMU aborts.

In: a line. Out: the type of its properties, made of those of machines that were asked and of a
table (hw/i386/microvm.c, x86.c; 5.2 to 7.2).
"""

from qscope.ask.line.line import Line
from qscope.ask.options.scalars import make_scalar
from qscope.model.schema_info import Member, ObjectType

_SWITCH = "auto|on|off"
# Its own, and those of all x86 machines that were there before its class could be asked.
_OWN = {
    "acpi": _SWITCH,
    "pcie": _SWITCH,
    "pic": _SWITCH,
    "pit": _SWITCH,
    "rtc": _SWITCH,
    "smm": _SWITCH,
    "auto-kernel-cmdline": "bool",
    "isa-serial": "bool",
    "x-option-roms": "bool",
}
# Of x86 machines, in the releases whose isapc has them; ioapic2 came with 6.0 as x-oem-id did.
_SHARED = ("x-oem-id", "x-oem-table-id", "bus-lock-ratelimit", "sgx-epc")


def make_microvm(line: Line) -> ObjectType | None:
    """Return the type of microvm's properties; None where other machines were not asked."""
    qom = line.interface.qom
    base = qom.make("object", "none-machine", arguments=True)
    other = qom.make("object", "isapc-machine", arguments=True)
    if base is None or other is None:
        return None
    shared = [each for each in other.members if each.name in _SHARED]
    own = dict(_OWN)
    if any(each.name == "x-oem-id" for each in shared):
        own["ioapic2"] = _SWITCH
    made = [
        Member(name=name, type=make_scalar(line.interface, text) or "", default=None)
        for name, text in own.items()
    ]
    entity = ObjectType(name="machine:microvm", members=(*base.members, *shared, *made))
    qom.adopt(entity)
    return entity

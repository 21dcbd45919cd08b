"""How precisely properties of devices are typed, and which are not.

In: an interface. Out: `Precision`. A property counts once for every device that has it.
"""

from collections import Counter
from collections.abc import Iterator

from msgspec import Struct

from qscope.model.interface import Interface
from qscope.model.properties import Property
from qscope.model.property_types import find_type

# How QEMU names types of CPUs (CPU_TYPE_NAME in every target's cpu-qom.h).
_CPU = "-cpu"


class Precision(Struct, frozen=True, rename="kebab"):
    """Numbers of properties, and of those whose type is precise.

    `creatable` are those of devices that a user may create, CPUs aside. `rest` counts what is not
    precise: by QOM type, by name.
    """

    properties: int
    precise: int
    creatable: int
    creatable_precise: int
    rest: dict[str, dict[str, int]]


def measure_precision(interface: Interface) -> Precision:
    """Count the properties of all devices that told them."""
    creatable = {each.name for each in interface.listings.drivers or () if each.creatable}
    counts: Counter[tuple[bool, bool]] = Counter()
    rest: dict[str, Counter[str]] = {}
    for owner, found in _list_properties(interface):
        precise = find_type(found, owner).precise
        counts[owner in creatable and not owner.endswith(_CPU), precise] += 1
        if not precise:
            rest.setdefault(found.type, Counter())[found.name] += 1
    return Precision(
        properties=counts.total(),
        precise=counts[True, True] + counts[False, True],
        creatable=counts[True, True] + counts[True, False],
        creatable_precise=counts[True, True],
        rest={name: dict(names.most_common()) for name, names in sorted(rest.items())},
    )


def _list_properties(interface: Interface) -> Iterator[tuple[str, Property]]:
    for typename in interface.properties.list_types("device"):
        told = interface.properties.find("device", typename)
        for found in (told.properties if told else None) or ():
            yield typename, found

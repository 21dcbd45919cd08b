"""Rules about -only-migratable: devices whose state cannot be moved (`unmigratable` in vmstate).

Measured by making every device that a user may create, on 5.2, 7.2, 10.0 and 11.1.
"""

import re
from collections.abc import Iterator

from qscope.ask.line.line import Line
from qscope.ask.line.rules.rule import Fault, Rule
from qscope.ask.owner import resolve_driver

_ALL = ("5.2", "7.2", "10.0", "11.1")
_END = (99, 0)
_PCI = r"(-pci(-(non-)?transitional)?|-device)?"
# Drivers, as a pattern, and the release that can move them.
_UNMOVABLE = {
    "amd-iommu": _END,
    "hv-syndbg": _END,
    "nvme": (11, 0),
    "rocker": _END,
    "ufs": _END,
    "usb-(audio|braille|mtp|net|serial|uas|wacom-tablet)": _END,
    rf"vhost-user-fs{_PCI}": (8, 2),
    rf"vhost-user-(gpio|i2c|input|rng|rtc|snd|spi|test-device|vsock){_PCI}": _END,
    rf"vhost-vdpa-device{_PCI}": _END,
    rf"virtio-(crypto|input-host|sound){_PCI}": _END,
}


def find_unmovable(line: Line) -> Iterator[Fault]:
    """Yield each device that cannot be migrated, where all must be."""
    if not line.has("only-migratable"):
        return
    for occurrence in line.select("device"):
        driver = resolve_driver(line.interface.listings, occurrence.get("driver") or "")
        ends = (end for each, end in _UNMOVABLE.items() if re.fullmatch(each, driver))
        if (line.release or (0, 0)) < next(ends, (0, 0)):
            yield Fault(occurrence, "driver", f"{driver} cannot be migrated")


RULES = (
    Rule(
        "device-unmovable",
        "a guest moves with all its devices",
        _ALL,
        "-only-migratable -device rocker",
        "-only-migratable -device e1000",
        find_unmovable,
    ),
)

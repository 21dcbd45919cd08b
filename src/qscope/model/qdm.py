"""What the human monitor's `info qdm` tells of drivers, and nothing in QMP does.

In: its text. Out: `Driver`s: whether a user may create one, its bus, its other name. A line is
`name "e1000", bus PCI, alias "x", desc "...", no-user` (QEMU's system/qdev-monitor.c,
qdev_print_devinfo; the same from 2.5 to 11.1). Next stage: listings.py.
"""

import re
from collections.abc import Iterator

from msgspec import Struct

_LINE = re.compile(
    r'name "(?P<name>[^"]*)"'
    r"(?:, bus (?P<bus>[^,]+))?"
    r'(?:, alias "(?P<alias>[^"]*)")?'
    r'(?:, desc "(?P<description>.*)")?'
    r"(?P<no_user>, no-user)?"
)


class Driver(Struct, frozen=True, omit_defaults=True):
    """A driver: what `-device` and device_add take, or only QEMU itself creates."""

    name: str
    bus: str | None = None
    alias: str | None = None
    description: str | None = None
    creatable: bool = True


def parse_qdm(text: str) -> Iterator[Driver]:
    """Yield each driver of an `info qdm` text; other lines are headings."""
    for line in text.splitlines():
        if found := _LINE.fullmatch(line):
            parts = found.groupdict()
            yield Driver(
                name=parts["name"],
                bus=parts["bus"],
                alias=parts["alias"],
                description=parts["description"],
                creatable=parts["no_user"] is None,
            )

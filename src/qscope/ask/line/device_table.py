"""What QEMU asks of devices beyond the types of their properties: `data/devices.toml`.

In: the file that ships with qscope, which says how it was measured. Out: `DeviceTable`. A row
without `since` and `until` holds for all releases; between `until` of one and `since` of the next
nothing is known.
"""

import functools
import pkgutil
import tomllib
from typing import Any

import msgspec
from msgspec import Struct, field

Release = tuple[int, int]


class Needs(Struct, frozen=True, rename="kebab", omit_defaults=True, forbid_unknown_fields=True):
    """What a driver needs; see the head of the file."""

    needs: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    needs_options: tuple[str, ...] = ()
    machines: tuple[str, ...] | None = None
    not_on: tuple[str, ...] = ()
    usable: str = ""
    why: str = ""
    since: str = ""
    until: str = ""

    def holds(self, release: Release | None) -> bool:
        """Whether the row is about this release; of an unknown one, whether about all."""
        if release is None:
            return not (self.since or self.until)
        after = not self.since or release >= _read(self.since)
        return after and (not self.until or release <= _read(self.until))


class Controller(Struct, frozen=True, forbid_unknown_fields=True):
    """The buses that a driver supplies, by the names they have with an ID and without."""

    type: str
    named: tuple[str, ...]
    unnamed: str
    speeds: tuple[str, ...] = ()


class Machine(Struct, frozen=True, forbid_unknown_fields=True):
    """The buses of a family of machines: always, with an option, not with another one."""

    buses: dict[str, str] = {}
    counted: dict[str, dict[str, Any]] = {}
    options: dict[str, dict[str, str]] = {}
    without: dict[str, tuple[str, ...]] = {}


class DeviceTable(Struct, frozen=True, rename="kebab"):
    """All of it; `drivers` has one row or several by release."""

    releases: tuple[str, ...]
    drivers: dict[str, Needs | list[Needs]]
    machines: dict[str, Machine]
    fits: dict[str, tuple[str, ...]]
    controllers: dict[str, Controller]
    single: dict[str, bool | str]
    speeds: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def find_needs(self, driver: str, release: Release | None) -> Needs | None:
        """Return what a driver needs on a release, None where it needs nothing or nobody knows."""
        rows = self.drivers.get(driver, [])
        found = rows if isinstance(rows, list) else [rows]
        return next((row for row in found if row.holds(release)), None)

    def list_fitting(self, bus_type: str) -> tuple[str, ...]:
        """Return the types of bus on which a driver of this type of bus can go."""
        return self.fits.get(bus_type, (bus_type,))


@functools.cache
def load_devices() -> DeviceTable:
    """Return the table that ships with qscope."""
    data = pkgutil.get_data("qscope", "data/devices.toml")
    assert data is not None
    return msgspec.convert(tomllib.loads(data.decode()), type=DeviceTable)


def _read(release: str) -> Release:
    major, _, minor = release.partition(".")
    return int(major), int(minor)

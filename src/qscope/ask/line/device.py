"""Judge -device by what drivers told of their properties.

In: a line and an occurrence of -device. Out: findings about the driver and its properties. Buses,
IDs and what is mandatory are rules.
"""

from collections.abc import Iterator

from qscope.ask.answer import Verdict
from qscope.ask.branches import is_creatable_device
from qscope.ask.finding import Finding, Severity
from qscope.ask.line.device_table import load_devices
from qscope.ask.line.line import Line, Occurrence
from qscope.ask.owner import resolve_driver
from qscope.ask.validation.properties import PropertyOwner
from qscope.model.interface import Interface
from qscope.model.near import near

# Parameters of -device itself (system/qdev-monitor.c, qdev_device_add_from_qdict).
_OWN = ("driver", "id", "bus")


def judge_device(line: Line, occurrence: Occurrence) -> Iterator[Finding]:
    """Yield what is wrong with a driver's name and its properties."""
    driver = occurrence.get("driver")
    if not driver:
        yield Finding("member-missing", "driver", "a driver is mandatory")
        return
    present = is_creatable_device(line.interface, driver)
    if present.verdict is Verdict.NO:
        names = list_drivers(line.interface)
        guesses = tuple(near(driver, names))
        absent = present.why == f"{driver!r} is not listed"
        what = (
            f"no driver {driver!r}" if absent else f"no driver {driver!r} for users: {present.why}"
        )
        yield Finding("driver-unknown", "driver", what, suggestions=guesses)
    elif present.verdict is Verdict.UNKNOWN:
        yield Finding("driver-unknown", "driver", f"{driver}: {present.why}", Severity.UNKNOWN)
    else:
        yield from _judge_properties(
            line, occurrence, resolve_driver(line.interface.listings, driver)
        )


def _judge_properties(line: Line, occurrence: Occurrence, driver: str) -> Iterator[Finding]:
    needs = load_devices().find_needs(driver, line.release)
    if needs is not None and needs.usable == "host":
        yield Finding("device-host", "driver", f"{driver} needs {needs.why}", Severity.NOTE)
    told = line.interface.properties.find("device", driver)
    if told is not None and told.ended is not None:
        # To be asked, QEMU makes one: it will not survive making another (7.2's virtio-gpu-gl-pci,
        # whose module is not installed).
        what = f"QEMU did not survive making one{told.ended and ': ' + told.ended}"
        yield Finding("driver-deadly", "driver", what, evidence=f"device-list-properties {driver}")
        return
    given = {
        name: value
        for name, value in occurrence.parameters.items()
        if name not in _OWN and not _is_devfn(name, value)
    }
    yield from line.judge_properties(occurrence, PropertyOwner("device", driver), given)


def _is_devfn(name: str, value: object) -> bool:
    """Whether JSON gives a PCI address as a number: slot * 8 + function, on all that take JSON."""
    return name == "addr" and type(value) is int and 0 <= value <= _LAST_DEVFN


_LAST_DEVFN = 255


def list_drivers(interface: Interface) -> list[str]:
    """Return the names and aliases of drivers that a user may create."""
    drivers = [each for each in interface.listings.drivers or () if each.creatable]
    return [each.name for each in drivers] + [each.alias for each in drivers if each.alias]

"""Judge -global, which sets a property of every device of a driver.

In: a line and an occurrence of -global. Out: findings about its form. QEMU takes a driver that it
does not have, and looks at a property only when a device is made: rules/applied.py.
"""

from collections.abc import Iterator

from qscope.ask.finding import Finding, Severity
from qscope.ask.line.line import Line, Occurrence

_MEMBERS = ("driver", "property", "value")
# Until 5.2 what lacked was taken for nothing; 7.2 refuses it.
_STRICT_SINCE = (7, 2)


def judge_global(line: Line, occurrence: Occurrence) -> Iterator[Finding]:
    """Yield what is wrong with one -global."""
    severity = Severity.WARNING if line.is_before(*_STRICT_SINCE) else Severity.ERROR
    for name in _MEMBERS:
        if name not in occurrence.parameters:
            yield Finding("member-missing", name, f"{name} is mandatory", severity)
    for name in occurrence.parameters:
        if name not in _MEMBERS:
            right = "DRIVER.PROPERTY=VALUE is right"
            yield Finding("member-unknown", name, "there is no such parameter", right=right)
    yield from _judge_driver(line, occurrence.get("driver"))


def _judge_driver(line: Line, driver: str | None) -> Iterator[Finding]:
    """Warn of a driver that QEMU does not have, so that nothing will take the value."""
    listings = line.interface.listings
    if not driver or listings.qom_types is None:
        return
    if all(each.name != driver for each in listings.qom_types):
        what = f"there is no driver {driver!r}: QEMU takes it, and nothing comes of it"
        alias = next((each.name for each in listings.drivers or () if each.alias == driver), None)
        guesses = (alias,) if alias else ()
        yield Finding("driver-unknown", "driver", what, Severity.WARNING, suggestions=guesses)

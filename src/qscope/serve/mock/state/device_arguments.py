"""device_add's arguments, which the schema leaves open.

In: an interface, and arguments. Out: the driver's QOM type, and QEMU's refusals; an interface that
lists no devices lets any driver pass. Whether a value fits is ask/validation's answer.
"""

from typing import Any

from qscope.ask.answer import Verdict
from qscope.ask.finding import Finding, Severity
from qscope.ask.listed import has_device
from qscope.ask.owner import resolve_driver
from qscope.ask.validation.devices import judge_device
from qscope.ask.validation.release import is_since
from qscope.errors import RefusalError
from qscope.model.interface import Interface
from qscope.serve.mock.state.property_texts import to_text
from qscope.serve.mock.state.qom_types import is_a, is_abstract
from qscope.serve.mock.state.subject import check_id
from qscope.serve.wire.qdict import order_keys

_OWN = ("driver", "bus", "id")


def is_strict(interface: Interface) -> bool:
    """Whether device_add reads values as they come; before 9.2 it made strings of them."""
    return is_since(interface, "9.2") is Verdict.YES


def read_driver(interface: Interface, arguments: dict[str, Any]) -> str:
    """Return the QOM type of the driver. Raises RefusalError."""
    given = arguments.get("driver")
    driver = to_text(given)
    if driver is None or (is_strict(interface) and not isinstance(given, str)):
        raise RefusalError("Parameter 'driver' is missing")
    typename = resolve_driver(interface.listings, driver)
    if is_abstract(interface, typename) and is_a(interface, typename, "device"):
        raise RefusalError("Parameter 'driver' expects a non-abstract device type")
    if has_device(interface, typename).verdict is Verdict.NO:
        raise RefusalError(f"'{driver}' is not a valid device model name")
    drivers = interface.listings.drivers or ()
    if any(each.name == typename and not each.creatable for each in drivers):
        raise RefusalError("Parameter 'driver' expects a pluggable device type")
    return typename


def read_id(interface: Interface, arguments: dict[str, Any]) -> str | None:
    """Return the ID, None where QEMU takes none. Raises RefusalError."""
    ident = arguments.get("id")
    if not isinstance(ident, str):
        return None
    if any(finding.rule == "id" for finding in judge_device(interface, arguments)):
        check_id(ident)
    return ident


def list_properties(interface: Interface, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the properties in QEMU's order, without what it drops before it looks."""
    takes_all = is_strict(interface)
    given = {
        name: value
        for name, value in arguments.items()
        if name not in _OWN and (takes_all or to_text(value) is not None)
    }
    return {name: given[name] for name in order_keys(given)}


def find_faults(interface: Interface, arguments: dict[str, Any]) -> dict[str, Finding]:
    """Return what is surely wrong, by the property in which it is."""
    findings = judge_device(interface, arguments)
    certain = [finding for finding in findings if finding.severity is Severity.ERROR]
    return {finding.where: finding for finding in reversed(certain)}

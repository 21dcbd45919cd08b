"""device_add's arguments, which the schema leaves open.

In: an interface, and arguments. Out: the driver's QOM type, and QEMU's refusals; an interface that
lists no devices lets any driver pass. Whether a value fits is ask/validation's answer; here it gets
the words of QEMU 7.2, whose order is that of its hash table.
"""

from typing import Any

from qscope.ask.answer import Verdict
from qscope.ask.finding import Finding, Severity
from qscope.ask.listed import has_device
from qscope.ask.owner import resolve_driver
from qscope.ask.validation.devices import judge_device
from qscope.errors import RefusalError
from qscope.model.interface import Interface
from qscope.serve.mock.state.qom_types import is_a, is_abstract
from qscope.serve.mock.state.subject import check_id
from qscope.serve.wire.qdict import order_keys

_OWN = ("driver", "bus", "id")
# Integers to QOM's listing alone: a PCI address is written as slot and function.
_OWN_SYNTAX = ("addr",)
_WIDTHS = {
    f"{sign}int{bits}": (bits, sign == "u") for sign in ("", "u") for bits in (8, 16, 32, 64)
}


def read_driver(interface: Interface, arguments: dict[str, Any]) -> str:
    """Return the QOM type of the driver. Raises RefusalError."""
    driver = to_text(arguments.get("driver"))
    if driver is None:
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


def list_properties(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the properties in QEMU's order, without what it drops before it looks."""
    given = {
        name: value
        for name, value in arguments.items()
        if name not in _OWN and to_text(value) is not None
    }
    return {name: given[name] for name in order_keys(given)}


def find_faults(interface: Interface, arguments: dict[str, Any]) -> dict[str, Finding]:
    """Return what is surely wrong, by the property in which it is."""
    findings = judge_device(interface, arguments)
    certain = [finding for finding in findings if finding.severity is Severity.ERROR]
    return {finding.where: finding for finding in reversed(certain)}


def refuse_property(typename: str, finding: Finding, kind: str, value: Any) -> RefusalError:
    """Return the refusal of a property; `kind` is QOM's name of its type."""
    name, text = finding.where, to_text(value)
    if finding.rule == "property-unknown":
        return RefusalError(f"Property '{typename}.{name}' not found")
    if finding.rule == "property-read-only":
        return RefusalError(f"Property '{typename}.{name}' is not writable")
    if kind == "bool":
        return RefusalError(f"Parameter '{name}' expects 'on' or 'off'")
    if kind == "size":
        return RefusalError(f"Parameter '{name}' expects size")
    if kind in _WIDTHS and name not in _OWN_SYNTAX:
        return RefusalError(f"Parameter '{name}' expects {_name_range(kind, text or '')}")
    # QAPI's enumerations, unlike QOM's own types, begin with a capital.
    if kind[:1].isupper():
        return RefusalError(f"Parameter '{name}' does not accept value '{text}'")
    return RefusalError(f"Property '{typename}.{name}' doesn't take value '{text}'")


def _name_range(kind: str, text: str) -> str:
    try:
        int(text, 0)
    except ValueError:
        return "integer"
    bits, _ = _WIDTHS[kind]
    return f"{kind}_t" if bits < 64 else kind


def to_text(value: Any) -> str | None:
    """Return what QemuOpts makes of a value; None where it drops it."""
    match value:
        case bool():
            return "on" if value else "off"
        case str() | int():
            return str(value)
        case float():
            return f"{value:.17g}"
        case _:
            return None

"""device_add, whose arguments the schema leaves open: drivers, and what their properties take.

In: an interface and the arguments, an object. Out: `Finding`s. Before 9.2 the arguments went
through QemuOpts (system/qdev-monitor.c, qmp_device_add): numbers and booleans became strings,
strings were taken for both, arrays, objects and null were dropped. Nothing that QEMU tells shows
which of the two it does: that rests on the version, and says so.
"""

from collections.abc import Iterator
from typing import Any

from msgspec import structs

from qscope.ask.answer import Answer, Verdict, unknown
from qscope.ask.finding import Finding, Severity
from qscope.ask.listed import has_device
from qscope.ask.owner import resolve_driver
from qscope.ask.validation.names import find_absent, find_bad_id
from qscope.ask.validation.properties import PropertyOwner, judge_properties
from qscope.ask.validation.reader import Reader
from qscope.ask.validation.release import EVIDENCE, find_dialect, is_since
from qscope.ask.validation.words import clip, show_value
from qscope.model.interface import Interface

_STRICT_SINCE = "9.2"
_OWN = ("driver", "bus", "id")


def judge_device(interface: Interface, arguments: dict[Any, Any]) -> list[Finding]:
    """Return everything that is wrong with device_add's arguments."""
    strict = list(_judge(interface, arguments, arguments, Reader.STRICT))
    loose = list(_judge(interface, arguments, _pass_through_opts(arguments), Reader.STRING))
    match is_since(interface, _STRICT_SINCE):
        case Verdict.YES:
            return _mark(strict, loose)
        case Verdict.NO:
            return _mark(loose, strict)
        case Verdict.UNKNOWN:
            return _join(strict, loose)


def _judge(
    interface: Interface, given: dict[Any, Any], arguments: dict[Any, Any], reader: Reader
) -> Iterator[Finding]:
    yield from _find_dropped(given, reader)
    yield from _judge_id(interface, given)
    driver = arguments.get("driver")
    if not isinstance(driver, str):
        yield _refuse_driver(given)
        return
    present = _is_creatable(interface, driver)
    names = [each.name for each in interface.listings.drivers or () if each.creatable]
    aliases = [each.alias for each in interface.listings.drivers or () if each.alias]
    yield from find_absent("driver", driver, "driver", present, names + aliases)
    if present.verdict is Verdict.NO:
        return
    owner = PropertyOwner("device", resolve_driver(interface.listings, driver))
    properties = {name: value for name, value in arguments.items() if name not in _OWN}
    yield from judge_properties(interface, owner, properties, reader, find_dialect(interface))


def _refuse_driver(given: dict[Any, Any]) -> Finding:
    is_missing = "driver" not in given
    return Finding(
        "member-missing" if is_missing else "wrong-type",
        "driver",
        "it is missing" if is_missing else f"{show_value(given['driver'])} was given",
        right="takes string",
        evidence="query-qmp-schema",
    )


def _is_creatable(interface: Interface, driver: str) -> Answer:
    """Answer whether a user may add a device of this driver."""
    present = has_device(interface, driver)
    if present.verdict is not Verdict.YES:
        return present
    drivers = interface.listings.drivers
    if drivers is None:
        return Answer(Verdict.YES, present.evidence)
    typename = resolve_driver(interface.listings, driver)
    found = next((each for each in drivers if each.name == typename), None)
    if found is None:
        return unknown("info qdm", "it is there, but not listed")
    return Answer(Verdict.YES if found.creatable else Verdict.NO, "info qdm")


def _judge_id(interface: Interface, arguments: dict[Any, Any]) -> Iterator[Finding]:
    """Judge the ID: refused before 9.2 and by 11.1, taken by 10.0 whatever it is (measured)."""
    is_strict = is_since(interface, _STRICT_SINCE)
    is_new, is_newest = (is_since(interface, release) for release in ("10.1", "11.1"))
    if is_strict is Verdict.YES and is_new is Verdict.NO:
        return
    is_sure = is_strict is Verdict.NO or is_newest is Verdict.YES
    yield from find_bad_id(
        arguments, "id", Severity.ERROR if is_sure else Severity.UNKNOWN, EVIDENCE
    )


def _pass_through_opts(arguments: dict[Any, Any]) -> dict[Any, Any]:
    """Return what QemuOpts makes of the arguments (qemu_opts_from_qdict)."""
    strings = {name: _to_string(value) for name, value in arguments.items()}
    return {name: value for name, value in strings.items() if value is not None}


def _to_string(value: Any) -> str | None:
    match value:
        case bool():
            return "on" if value else "off"
        case str():
            return value
        case int():
            # What has more bits is a floating point number to QEMU, whose digits matter not here.
            return str(value) if value.bit_length() <= 64 else "1e30"
        case float():
            return f"{value:.17g}"
        case _:
            return None


def _find_dropped(given: dict[Any, Any], reader: Reader) -> Iterator[Finding]:
    """Yield what QEMU does not even look at."""
    for name, value in given.items():
        is_string = isinstance(value, str)
        if name == "driver" or is_string:
            continue
        if reader is Reader.STRICT:
            is_dropped = name in ("bus", "id")
        else:
            is_dropped = _to_string(value) is None or name == "id"
        if is_dropped:
            message = f"{show_value(value)} was given, which QEMU ignores"
            yield Finding(
                "argument-ignored", clip(str(name)), message, Severity.WARNING, evidence=EVIDENCE
            )


def _mark(findings: list[Finding], otherwise: list[Finding]) -> list[Finding]:
    """Say of what the other way of reading lets pass that it rests on the version."""
    elsewhere = _list_refused(otherwise)
    return [
        structs.replace(finding, evidence=f"{finding.evidence}; {EVIDENCE}")
        if finding.severity is Severity.ERROR and finding.where not in elsewhere
        else finding
        for finding in findings
    ]


def _join(strict: list[Finding], loose: list[Finding]) -> list[Finding]:
    """Return what both ways of reading find; of what only one finds, nothing is known."""
    refused_by_loose, refused_by_strict = _list_refused(loose), _list_refused(strict)
    joined = [each if each.where in refused_by_loose else _doubt(each) for each in strict]
    joined += [_doubt(each) for each in loose if each.where not in refused_by_strict]
    return list(dict.fromkeys(joined))


def _list_refused(findings: list[Finding]) -> set[str]:
    return {finding.where for finding in findings if finding.severity is Severity.ERROR}


def _doubt(finding: Finding) -> Finding:
    if finding.severity is not Severity.ERROR:
        return finding
    message = f"{finding.message}; before {_STRICT_SINCE} QEMU read it differently"
    return structs.replace(finding, message=message, severity=Severity.UNKNOWN)

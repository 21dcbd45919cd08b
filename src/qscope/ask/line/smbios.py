"""Judge -smbios: which tables there are, what each takes, and since when.

In: a line and an occurrence of -smbios. Out: findings. QEMU picks the parameters by `type`
(hw/smbios/smbios.c, smbios_entry_add); nothing lists them.
"""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from qscope.ask.finding import Finding
from qscope.ask.line.line import Line, Occurrence
from qscope.ask.line.scalars import is_uuid, read_bool, read_uint
from qscope.ask.syntax.scalars import parse_uint
from qscope.errors import ArgumentError
from qscope.model.near import near

_LARGEST_TYPE = 127
_LARGEST_SPEED = 65535
_RELEASE = re.compile(r"\s*[+-]?[0-9]+\.\s*[+-]?[0-9]+.*", re.DOTALL)
# The function of a device on the board (type 41).
_KINDS = (
    *("other", "unknown", "video", "scsi", "ethernet", "tokenring", "sound", "pata", "sata"),
    "sas",
)


class _Known(NamedTuple):
    """Since which release something is known to be there, and the last known to lack it."""

    since: tuple[int, int] = (0, 0)
    lacking: tuple[int, int] = (0, 0)


class _Table(NamedTuple):
    """What a type takes: parameters with their types."""

    parameters: Mapping[str, str]
    known: _Known = _Known()


def _strings(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, "string")


_IN_7_2 = _Known((7, 2), (5, 2))
_IN_10_0 = _Known((10, 0), (7, 2))
_TABLES: Mapping[int, _Table] = {
    0: _Table(
        {**_strings("vendor", "version", "date"), "release": "release", "uefi": "bool"}
        | {"vm": "bool"}
    ),
    1: _Table(
        {**_strings("manufacturer", "product", "version", "serial", "sku", "family")}
        | {"uuid": "uuid"}
    ),
    2: _Table(_strings("manufacturer", "product", "version", "serial", "asset", "location")),
    3: _Table(_strings("manufacturer", "version", "serial", "asset", "sku")),
    4: _Table(
        {**_strings("sock_pfx", "manufacturer", "version", "serial", "asset", "part")}
        | {"max-speed": "speed", "current-speed": "speed"}
        | {"processor-id": "number", "processor-family": "number"}
    ),
    8: _Table(
        {**_strings("internal_reference", "external_reference")}
        | {"connector_type": "number", "port_type": "number"},
        _IN_7_2,
    ),
    9: _Table(
        {"slot_designation": "string", "pci_device": "string"}
        | dict.fromkeys(("slot_type", "slot_data_bus_width", "current_usage"), "number")
        | dict.fromkeys(("slot_length", "slot_id"), "number")
        | dict.fromkeys(("slot_characteristics1", "slot_characteristics2"), "number"),
        _IN_10_0,
    ),
    11: _Table(_strings("value", "path")),
    17: _Table(
        {**_strings("loc_pfx", "bank", "manufacturer", "serial", "asset", "part")}
        | {"speed": "number"}
    ),
    41: _Table(
        {"designation": "string", "kind": "kind", "instance": "number", "pcidev": "string"},
        _IN_7_2,
    ),
}
# Parameters that a type has not always had.
_LATER: Mapping[tuple[int, str], _Known] = {
    (0, "vm"): _Known((11, 1), (10, 0)),
    (4, "processor-id"): _IN_7_2,
    (4, "processor-family"): _IN_10_0,
}
_OWN = ("type", "id")
# The last release seen to look for the device of type 41 when it starts.
_LOOKS_EARLY = (7, 2)


def judge_smbios(line: Line, occurrence: Occurrence) -> Iterator[Finding]:
    """Yield what is wrong with one -smbios."""
    given = occurrence.parameters
    if "file" in given:
        for name in given:
            if name not in ("file", "id"):
                yield Finding("member-unknown", name, "with a file nothing else goes")
        if not given["file"]:
            yield Finding("format", "file", "no file has an empty name")
        return
    text = occurrence.get("type")
    if text is None:
        yield Finding("member-missing", "type", "type or file is mandatory")
        return
    try:
        number = parse_uint(text)
    except ArgumentError as error:
        yield Finding("wrong-type", "type", str(error))
        return
    yield from _judge_type(line, occurrence, number)


def _judge_type(line: Line, occurrence: Occurrence, number: int) -> Iterator[Finding]:
    right = f"one of {', '.join(map(str, _TABLES))} is right"
    table = _TABLES.get(number)
    if number > _LARGEST_TYPE or table is None:
        what = f"QEMU builds no table of type {number}"
        yield Finding("value-unknown", "type", what, right=right)
        return
    severity = line.find_lack(table.known.lacking, table.known.since)
    if severity is not None:
        what = f"tables of type {number} came between {_name(table.known)}"
        yield Finding("value-unknown", "type", what, severity, right=right)
        return
    for name, value in occurrence.parameters.items():
        if name not in _OWN:
            yield from _judge_parameter(line, number, name, str(value))
    yield from _judge_device(line, occurrence)


def _judge_device(line: Line, occurrence: Occurrence) -> Iterator[Finding]:
    """Yield that a device on the board is not there; 10.0 looks for it only when the guest runs."""
    wanted, release = occurrence.get("pcidev"), line.release
    if wanted is None or release is None or release > _LOOKS_EARLY:
        return
    if all(each.get("id") != wanted for each in line.select("device")):
        yield Finding("reference-missing", "pcidev", f"there is no device {wanted!r}")


def _judge_parameter(line: Line, number: int, name: str, value: str) -> Iterator[Finding]:
    parameters = _TABLES[number].parameters
    kind = parameters.get(name)
    if kind is None:
        what = f"type {number} has no such parameter"
        yield Finding("member-unknown", name, what, suggestions=tuple(near(name, parameters)))
        return
    known = _LATER.get((number, name), _Known())
    severity = line.find_lack(known.lacking, known.since)
    if severity is not None:
        what = f"type {number} has it since a release between {_name(known)}"
        yield Finding("member-unknown", name, what, severity)
        return
    right = _find_right(kind, value)
    if right:
        yield Finding("wrong-type", name, f"{value!r} was given", right=right)


def _name(known: _Known) -> str:
    return " and ".join(".".join(map(str, each)) for each in (known.lacking, known.since))


def _find_right(kind: str, value: str) -> str:
    """Say what would be right, "" where it is."""
    match kind:
        case "bool":
            return "" if read_bool(value) is not None else "on or off is right"
        case "number":
            return "" if read_uint(value) is not None else "a number is right"
        case "speed":
            number = read_uint(value)
            is_right = number is not None and number <= _LARGEST_SPEED
            return "" if is_right else f"0..{_LARGEST_SPEED} is right"
        case "uuid":
            return "" if is_uuid(value) else "8-4-4-4-12 hexadecimal digits are right"
        case "release":
            return "" if _RELEASE.fullmatch(value) else "MAJOR.MINOR is right"
        case "kind":
            return "" if value in _KINDS else f"one of {', '.join(_KINDS)} is right"
        case _:
            return ""

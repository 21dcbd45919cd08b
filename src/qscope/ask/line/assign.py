"""Apply -set to the options before it: `-set device.ID.PROPERTY=VALUE`.

In: occurrences in their order. Out: those with what -set added, and what is wrong with each -set
itself. Whether the value is right is then judged where it belongs, as QEMU does.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

from msgspec import structs

from qscope.ask.finding import Finding, Severity
from qscope.ask.line.line import Occurrence
from qscope.ask.syntax.qemuopts import Parameter
from qscope.ask.syntax.scalars import parse_bool, parse_uint
from qscope.ask.versions import read_release
from qscope.errors import ArgumentError
from qscope.model.interface import Interface
from qscope.model.near import near

# qemu_set_option() in util/qemu-config.c, whose buffers have 64 characters.
_FORM = re.compile(r"([^.]{1,63})\.([^.]{1,63})\.([^=]{1,63})=(.*)", re.DOTALL)
# Options that are no QemuOpts any more: -set does not reach them.
_STRUCTURED = ("object", "machine", "smp-opts", "boot-opts", "audiodev")
_STRUCTURED_SINCE = (6, 0)


def apply_settings(
    interface: Interface, occurrences: Sequence[Occurrence]
) -> tuple[list[Occurrence], list[tuple[int, Finding]]]:
    """Return the occurrences as -set leaves them, and findings with the numbers of options."""
    applied: list[Occurrence] = list(occurrences)
    found: list[tuple[int, Finding]] = []
    defined: _Defined = {}
    for number, occurrence in enumerate(occurrences):
        if occurrence.name == "set" and occurrence.word.argument is not None:
            finding = _apply(interface, applied, defined, occurrence.word.argument)
            found += [(number, finding)] if finding else []
        elif occurrence.name == "readconfig":
            defined[""] = {}
        elif group := _find_group(occurrence):
            defined.setdefault(group, {}).setdefault(occurrence.get("id") or "", number)
    return applied, found


# Group -> ID -> the number of the option that has it; there is a group "" behind -readconfig.
_Defined: TypeAlias = dict[str, dict[str, int]]


def _apply(
    interface: Interface, applied: list[Occurrence], defined: _Defined, text: str
) -> Finding | None:
    """Change the option that one -set is about; return what is wrong with that -set."""
    form = _FORM.fullmatch(text)
    if form is None:
        return Finding("malformed-argument", "", "GROUP.ID.PARAMETER=VALUE is right")
    group, name, parameter, value = form.groups()
    number = defined.get(group, {}).get(name)
    if number is None or _is_structured(interface, group):
        return _miss(interface, defined, group, name)
    wrong = _judge_value(interface, group, parameter, value)
    if wrong is not None:
        return wrong
    target = applied[number]
    assert target.parsed is not None
    assert isinstance(target.parsed.value, tuple)
    parameters = (*target.parsed.value, Parameter(parameter, value))
    parsed = structs.replace(target.parsed, value=parameters)
    applied[number] = Occurrence(target.word, target.option, parsed)
    return None


def _find_group(occurrence: Occurrence) -> str:
    """Return the group of QemuOpts that an option is in, "" where it is in none."""
    option, parsed = occurrence.option, occurrence.parsed
    if option is None or parsed is None or parsed.syntax != "qemuopts":
        return ""
    return option.group or option.name


def _is_structured(interface: Interface, group: str) -> bool:
    release = read_release(interface)
    return group in _STRUCTURED and (release is None or release >= _STRUCTURED_SINCE)


def _miss(interface: Interface, defined: _Defined, group: str, name: str) -> Finding:
    """Say that nothing with this ID is defined so far."""
    what = f"no -{group} {name!r} is defined before it"
    if _is_structured(interface, group):
        what = f"it does not reach -{group}"
    severity = Severity.UNKNOWN if "" in defined else Severity.ERROR
    guesses = tuple(near(name, list(filter(None, defined.get(group, {})))))
    return Finding("reference-missing", "", what, severity, suggestions=guesses)


def _judge_value(interface: Interface, group: str, parameter: str, value: str) -> Finding | None:
    """Judge a name and its value by the group's list, where QEMU has one."""
    types = dict(_list_types(interface, group))
    if types and parameter not in types:
        guesses = tuple(near(parameter, list(types)))
        what = f"-{group} has no parameter {parameter!r}"
        return Finding("member-unknown", "", what, suggestions=guesses)
    try:
        _PARSERS.get(types.get(parameter) or "", str)(value)
    except ArgumentError as error:
        return Finding("wrong-type", "", str(error))
    return None


_PARSERS: Mapping[str, Callable[[str], object]] = {"boolean": parse_bool, "number": parse_uint}


def _list_types(interface: Interface, group: str) -> Iterator[tuple[str, str | None]]:
    # QEMU lists one group `drive`, and takes whatever its block drivers do.
    if group in ("drive", "machine"):
        return
    for each in interface.listings.option_groups or ():
        if each.option == group:
            yield from ((parameter.name, parameter.type) for parameter in each.parameters)

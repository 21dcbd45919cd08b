"""Apply -set to the options before it: `-set device.ID.PROPERTY=VALUE`.

In: occurrences in their order. Out: those with what -set added, and what is wrong with each -set
itself. Whether the value is right is then judged where it belongs, as QEMU does.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from msgspec import structs

from qscope.ask.finding import Finding, Severity
from qscope.ask.line.line import Occurrence
from qscope.ask.syntax.qemuopts import Parameter
from qscope.model.interface import Interface
from qscope.model.near import near

# qemu_set_option() in util/qemu-config.c, whose buffers have 64 characters.
_FORM = re.compile(r"([^.]{1,63})\.([^.]{1,63})\.([^=]{1,63})=(.*)", re.DOTALL)
# The older syntax of some options: since 6.0 -set does not reach them.
_STRUCTURED = ("object", "machine", "smp-opts", "boot-opts", "audiodev")


def apply_settings(
    interface: Interface, occurrences: Sequence[Occurrence]
) -> tuple[list[Occurrence], list[tuple[int, Finding]]]:
    """Return the occurrences as -set leaves them, and findings with the numbers of options."""
    applied: list[Occurrence] = list(occurrences)
    found: list[tuple[int, Finding]] = []
    for number, occurrence in enumerate(occurrences):
        if occurrence.name == "set" and occurrence.word.argument is not None:
            finding = _apply(interface, applied, number, occurrence.word.argument)
            found += [(number, finding)] if finding else []
    return applied, found


def _apply(
    interface: Interface, applied: list[Occurrence], number: int, text: str
) -> Finding | None:
    """Change the option that one -set is about; return what is wrong with that -set."""
    form = _FORM.fullmatch(text)
    if form is None:
        return Finding("malformed-argument", "", "GROUP.ID.PARAMETER=VALUE is right")
    group, name, parameter, value = form.groups()
    before = [each for each in applied[:number] if _find_group(each) == group]
    target = next((each for each in before if each.get("id") == name), None)
    if target is None:
        return _miss(applied[:number], group, name, before)
    wrong = _judge_name(interface, group, parameter)
    if wrong is not None:
        return wrong
    assert target.parsed is not None
    assert isinstance(target.parsed.value, tuple)
    parameters = (*target.parsed.value, Parameter(parameter, value))
    parsed = structs.replace(target.parsed, value=parameters)
    place = next(place for place, each in enumerate(applied) if each is target)
    applied[place] = Occurrence(target.word, target.option, parsed)
    return None


def _find_group(occurrence: Occurrence) -> str:
    """Return the group of QemuOpts that an option is in, "" where it is in none."""
    option, parsed = occurrence.option, occurrence.parsed
    if option is None or parsed is None or parsed.syntax != "qemuopts":
        return ""
    return option.group or option.name


def _miss(
    before: Iterable[Occurrence], group: str, name: str, candidates: Iterable[Occurrence]
) -> Finding:
    """Say that nothing with this ID is defined so far."""
    names = [each.get("id") or "" for each in candidates]
    what = f"no -{group} {name!r} is defined before it"
    if group in _STRUCTURED:
        what = f"it does not reach -{group}"
    has_more = any(each.name == "readconfig" for each in before)
    severity = Severity.UNKNOWN if has_more else Severity.ERROR
    guesses = tuple(near(name, list(filter(None, names))))
    return Finding("reference-missing", "", what, severity, suggestions=guesses)


def _judge_name(interface: Interface, group: str, parameter: str) -> Finding | None:
    """Judge a name by the group's list, where QEMU has one."""
    names = list(_list_names(interface, group))
    if not names or parameter in names:
        return None
    guesses = tuple(near(parameter, names))
    what = f"-{group} has no parameter {parameter!r}"
    return Finding("member-unknown", "", what, suggestions=guesses)


def _list_names(interface: Interface, group: str) -> Iterator[str]:
    # QEMU lists one group `drive`, and takes whatever its block drivers do.
    if group in ("drive", "machine"):
        return
    for each in interface.listings.option_groups or ():
        if each.option == group:
            yield from (parameter.name for parameter in each.parameters)

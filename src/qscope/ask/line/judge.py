"""Judge one option by its type: names, values, what is mandatory.

In: a line and an occurrence. Out: findings whose `where` is the parameter. What a type cannot say
is left to rules/. "No" only on positive evidence: where a list of parameters is not complete, an
unknown one is a question, not an error.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from msgspec import structs

from qscope.ask.finding import Finding, Severity
from qscope.ask.line.accel import judge_accel
from qscope.ask.line.audio import judge_audio, judge_audiodev, judge_soundhw
from qscope.ask.line.backends import STREAMS
from qscope.ask.line.chardev import judge_chardev, judge_stream
from qscope.ask.line.cpu import judge_cpu
from qscope.ask.line.device import judge_device
from qscope.ask.line.display import judge_display, judge_spice, judge_vga, judge_vnc
from qscope.ask.line.drive import judge_drive
from qscope.ask.line.globals import judge_global
from qscope.ask.line.incoming import judge_incoming
from qscope.ask.line.line import Line, Occurrence, doubt_parameters
from qscope.ask.line.machine import judge_machine
from qscope.ask.line.network import judge_network
from qscope.ask.line.object import judge_object
from qscope.ask.line.opts_values import build_value
from qscope.ask.line.runtime import judge_plugin, judge_sandbox, judge_watchdog_action
from qscope.ask.line.smbios import judge_smbios
from qscope.ask.line.tpm import judge_tpmdev
from qscope.ask.line.usbdevice import judge_usbdevice
from qscope.ask.syntax.qemuopts import Parameter
from qscope.ask.validation.reader import Reader
from qscope.model.near import near
from qscope.model.option import Option

Judge: TypeAlias = Callable[[Line, Occurrence], Iterator[Finding]]

# Options whose parameters depend on what else is known than a type of their own.
_JUDGES: Mapping[str, Judge] = {
    "device": judge_device,
    "drive": judge_drive,
    "object": judge_object,
    "machine": judge_machine,
    "cpu": judge_cpu,
    "accel": judge_accel,
    "global": judge_global,
    "plugin": judge_plugin,
    "sandbox": judge_sandbox,
    "smbios": judge_smbios,
    "watchdog-action": judge_watchdog_action,
    "audiodev": judge_audiodev,
    "audio": judge_audio,
    "soundhw": judge_soundhw,
    "display": judge_display,
    "vga": judge_vga,
    "vnc": judge_vnc,
    "spice": judge_spice,
    "tpmdev": judge_tpmdev,
    "incoming": judge_incoming,
    "usbdevice": judge_usbdevice,
    "chardev": judge_chardev,
    "netdev": judge_network,
    "nic": judge_network,
    "net": judge_network,
    **dict.fromkeys(STREAMS, judge_stream),
}

# Options whose word `help` is one as any other: a name, a file.
_NO_HELP = ("name", "k", "option-rom")
# Options with the type of a QMP command's arguments.
_COMMANDS: Mapping[str, str] = {
    "blockdev": "blockdev-add",
    "netdev": "netdev_add",
    "object": "object-add",
    "numa": "set-numa-node",
}

# Options that take several words: a rule judges each.
_LISTS = ("d",)
# Options that are merged by whoever reads them, not by QemuOpts.
_IDS_OF_ONE = frozenset(("accel", "msg", "overcommit", "run-with", "sandbox"))


def judge(line: Line, occurrence: Occurrence) -> Iterator[Finding]:
    """Yield what is wrong, doubtful or deprecated in one option."""
    option = occurrence.option
    assert option is not None
    yield from judge_option(option)
    asks = occurrence.parsed is not None and occurrence.parsed.help
    if asks and occurrence.name not in _NO_HELP:
        yield Finding("help", "", "QEMU prints a list and ends: no machine starts")
    elif occurrence.parsed is not None:
        yield from _JUDGES.get(occurrence.name, judge_typed)(line, occurrence)


def judge_option(option: Option) -> Iterator[Finding]:
    """Yield what is to be said of an option whatever its argument is."""
    if option.deprecated:
        yield Finding("option-deprecated", "", "it is deprecated", Severity.WARNING)
    if option.availability == "unsupported-target":
        yield Finding("option-unsupported", "", "this target does not have it")
    elif option.availability == "module-missing":
        yield Finding("option-unsupported", "", "its module is not installed", Severity.UNKNOWN)


def judge_typed(line: Line, occurrence: Occurrence) -> Iterator[Finding]:
    """Judge an option by the type of its argument, as far as that is known."""
    option, parsed = occurrence.option, occurrence.parsed
    assert option is not None
    assert parsed is not None
    if isinstance(parsed.value, str):
        yield from judge_word(option, parsed.value)
    elif option.arg_type is None:
        if option.completeness not in ("scalar", "exact"):
            yield doubt_parameters()
    else:
        yield from check_value(line, occurrence, option.arg_type, parsed.value)


def check_value(
    line: Line, occurrence: Occurrence, type_name: str, value: Any
) -> Iterator[Finding]:
    """Check a parsed argument against a type; soften what an incomplete type cannot refuse."""
    option = occurrence.option
    is_open = option is not None and not option.closed and option.completeness != "exact"
    if isinstance(value, tuple):
        parameters = [each for each in value if isinstance(each, Parameter)]
        value = build_value(line.find, type_name, parameters)
    checker = line.make_checker(occurrence, _COMMANDS.get(occurrence.name, ""))
    for finding in checker.check(type_name, value, ""):
        if is_open and finding.rule == "member-unknown":
            finding = structs.replace(finding, severity=Severity.UNKNOWN)  # noqa: PLW2901
        if not (_is_replaced(line, occurrence, finding) or _is_group_id(line, occurrence, finding)):
            yield finding


def _is_group_id(line: Line, occurrence: Occurrence, finding: Finding) -> bool:
    """Whether what is unknown is the `id` that any QemuOpts may have (qemu_opts_create).

    Groups of which all options are one have none; until 5.2 they took it all the same.
    """
    option, parsed = occurrence.option, occurrence.parsed
    if finding.rule != "member-unknown" or finding.where != "id" or option is None:
        return False
    if parsed is None or parsed.syntax != "qemuopts" or option.name == "acpitable":
        return False
    has_ids = option.repeat != "merge" or option.name in _IDS_OF_ONE
    return has_ids or line.is_before(6, 0)


def _is_replaced(line: Line, occurrence: Occurrence, finding: Finding) -> bool:
    """Whether a later option of that name gives the value that is wrong anew.

    keyval is looked at when all is merged; of QemuOpts words are, numbers and booleans before
    (and -overcommit's words).
    """
    option = occurrence.option
    if option is None or option.repeat != "merge" or option.name == "overcommit":
        return False
    if finding.rule == "member-unknown":
        return False
    if occurrence.reader is not Reader.KEYVAL and finding.rule not in ("value-unknown", "format"):
        return False
    name = finding.where.partition(".")[0]
    return name in occurrence.parameters and name not in line.find_effective(occurrence)


def judge_word(option: Option, value: str) -> Iterator[Finding]:
    """Judge an argument that is one of some words, where a help text listed them all."""
    is_help = value in ("help", "?")
    if option.words is None or value in option.words or is_help or option.name in _LISTS:
        return
    guesses = tuple(near(value, option.words))
    right = "" if guesses else f"one of {', '.join(option.words)}"
    yield Finding("value-unknown", "", f"no such value {value!r}", right=right, suggestions=guesses)

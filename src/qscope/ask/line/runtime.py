"""Judge -sandbox, -watchdog-action and -plugin, whose words QEMU does not always look at.

In: a line and an occurrence of one of them. Out: findings.
"""

from collections.abc import Iterator

from msgspec import structs

from qscope.ask.finding import Finding, Severity
from qscope.ask.line.line import Line, Occurrence
from qscope.ask.line.scalars import read_bool
from qscope.model.near import near

# Until then -watchdog-action's words were read in any case (select_watchdog_action).
_ANY_CASE_UNTIL, _CASE_SINCE = (5, 2), (7, 2)


def judge_sandbox(line: Line, occurrence: Occurrence) -> Iterator[Finding]:
    """Yield what is wrong; of a sandbox that is off QEMU reads no word (softmmu/qemu-seccomp.c)."""
    option = occurrence.option
    if option is None or option.arg_type is None:
        return
    given = occurrence.parameters
    for finding in line.make_checker(occurrence).check(option.arg_type, given, ""):
        if finding.rule == "member-unknown" and finding.where == "id":
            continue
        if read_bool(given.get("enable")) is False and finding.rule == "value-unknown":
            finding = structs.replace(finding, severity=Severity.WARNING)  # noqa: PLW2901
        yield finding


def judge_watchdog_action(line: Line, occurrence: Occurrence) -> Iterator[Finding]:
    """Yield that it is no action."""
    words = occurrence.option.words if occurrence.option else None
    value = occurrence.word.argument or ""
    if words is None or value in words:
        return
    severity = Severity.ERROR
    if value.lower() in words and line.release is not None and line.release < _CASE_SINCE:
        if line.release <= _ANY_CASE_UNTIL:
            return
        severity = Severity.UNKNOWN
    what = f"there is no action {value!r}"
    right = f"one of {', '.join(words)}"
    guesses = tuple(near(value, words))
    yield Finding("value-unknown", "", what, severity, right, suggestions=guesses)


def judge_plugin(_: Line, occurrence: Occurrence) -> Iterator[Finding]:
    """Yield a note on what only the plugin knows: all but its file is handed to it."""
    for name in occurrence.parameters:
        if name not in ("file", "id"):
            yield Finding("host", name, "the plugin must take it", Severity.NOTE)

"""Try commands on a live server in turn, until one is there.

In: a client, what the server has, and attempts. Out: an `Outcome`. A command that does not exist
makes way for the next; one that failed does not: what it did is done. Which of the two it was is
told by the schema and by the class of QMP's error, never by its text.

The human monitor (HMP) has no classes: it answers with text whatever happens. Whether it has a
command is asked before, by `help COMMAND`, which prints a line `COMMAND|ALIAS … -- …` for one that
it has (seen on QEMU 5.2, 7.2, 10.0 and 11.1).
"""

import enum
import re
from collections.abc import Callable, Iterable, Sequence

import msgspec
from msgspec import Raw, Struct

from qscope.ask.finding import Finding, Severity
from qscope.errors import CommandError, DeadlineError, DisconnectError, ProtocolError
from qscope.model.decoding import UNREADABLE
from qscope.model.interface import Interface
from qscope.model.near import near
from qscope.model.schema_info import Command, OpaqueEntity, decode_entities
from qscope.model.transcript import ErrorInfo
from qscope.probe.attempts import HMP, Attempt
from qscope.probe.schemas import KeptSchemas, fetch_schema
from qscope.qmp.client import QMPClient

_NOT_FOUND = "CommandNotFound"
# A member that only another branch has is not there either. See _is_absence.
_OTHER_BRANCH = "member-of-branch"
# How HMP ends the complaint about arguments that it cannot parse (monitor/hmp.c), and how it begins
# an error of a command since 4.0 (hmp_handle_error). Texts, but the same in all four QEMUs.
_HMP_FAILURE = re.compile(r"\AError: |^Try \"help .*\" for more information\s*\Z", re.MULTILINE)

Judge = Callable[[Interface, str, dict[str, object]], Sequence[Finding]]


class Ending(enum.Enum):
    """How an attempt ended.

    It was done; it is not there and was not tried, or the server does not know it; it is there and
    failed, or would; or it cannot be told what became of it.
    """

    DONE = "done"
    ABSENT = "absent"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Outcome(Struct, frozen=True):
    """What became of one attempt.

    `why` is one line; `result` is what the server returned, `error` how it refused; `findings` are
    what validation has to say; `sent` tells whether the server got the command.
    """

    attempt: Attempt
    ending: Ending
    why: str = ""
    sent: bool = False
    result: Raw | None = None
    error: ErrorInfo | None = None
    findings: tuple[Finding, ...] = ()


def fetch_interface(client: QMPClient, kept: KeptSchemas | None = None) -> Interface | None:
    """Ask a server for its schema only; None if it has none that makes sense. Raises QMPError.

    What it announces and `kept` has is not asked for.
    """
    try:
        result = fetch_schema(client, kept)
    except CommandError:
        return None
    try:
        entities, oddities = decode_entities(result)
    except UNREADABLE as error:
        raise ProtocolError(f"the server's query-qmp-schema makes no sense: {error}") from error
    if not any(entity.name == "query-qmp-schema" for entity in entities):
        # A schema that does not even have the command that returned it proves nothing.
        return None
    return Interface(entities, oddities=oddities)


def call(
    client: QMPClient,
    attempts: Iterable[Attempt],
    interface: Interface | None = None,
    judge: Judge | None = None,
) -> tuple[Outcome, ...]:
    """Try in turn; return the outcome of each that was tried, the last of which counts.

    Without an interface nothing is validated. Raises QMPError when the server fails before it got
    the command; after that it is an outcome.
    """
    outcomes: list[Outcome] = []
    for attempt in attempts:
        outcome = _try(client, attempt, interface, judge)
        outcomes.append(outcome)
        if outcome.ending is not Ending.ABSENT:
            break
    return tuple(outcomes)


def _try(
    client: QMPClient, attempt: Attempt, interface: Interface | None, judge: Judge | None
) -> Outcome:
    if interface is not None:
        if refused := _find_absence(attempt, interface):
            return refused
        findings = tuple(judge(interface, attempt.command, attempt.arguments)) if judge else ()
        if refused := _refuse(attempt, findings):
            return refused
    else:
        findings = ()
    if attempt.is_hmp and (refused := _ask_for_help(client, attempt)):
        return refused
    outcome = _send(client, attempt)
    return msgspec.structs.replace(outcome, findings=findings)


def _find_absence(attempt: Attempt, interface: Interface) -> Outcome | None:
    # A command that is not understood (a later QEMU's) is there all the same.
    known = interface.by_name.get(attempt.command)
    if interface.entities is None or isinstance(known, Command | OpaqueEntity):
        return None
    guesses = near(attempt.command, [each.name for each in interface.commands])
    hint = f" (did you mean {' or '.join(map(repr, guesses))}?)" if guesses else ""
    why = f"{attempt.command} is not in {interface.schema_source}{hint}"
    return Outcome(attempt, Ending.ABSENT, why)


def _refuse(attempt: Attempt, findings: tuple[Finding, ...]) -> Outcome | None:
    """Refuse what this QEMU would.

    What it does not know at all is absent, so that an older form may be tried; a value of the wrong
    type is wrong everywhere.
    """
    errors = [each for each in findings if each.severity is Severity.ERROR]
    if not errors:
        return None
    absences = list(filter(_is_absence, errors))
    ending = Ending.ABSENT if absences else Ending.FAILED
    return Outcome(attempt, ending, str((absences or errors)[0]), findings=findings)


def _is_absence(finding: Finding) -> bool:
    """Whether a finding of ask.validation is about what this QEMU does not have.

    `member-unknown`, `value-unknown`, …; a `type-unknown` is no error.
    """
    return finding.rule.endswith("-unknown") or finding.rule == _OTHER_BRANCH


def _ask_for_help(client: QMPClient, attempt: Attempt) -> Outcome | None:
    """Return an outcome if the human monitor does not have the command, None if it has."""
    try:
        text = _read_text(client.execute(HMP, {"command-line": f"help {attempt.topic}"}))
    except CommandError as error:
        return msgspec.structs.replace(_read_error(attempt, error), sent=False)
    if text is not None and _is_listed(attempt.topic, text):
        return None
    return Outcome(attempt, Ending.ABSENT, f"HMP's 'help {attempt.topic}' does not list it")


def _is_listed(topic: str, text: str) -> bool:
    """Whether a line of HMP's help is about `topic`: `x|alias/fmt args -- what it does`."""
    *group, name = topic.split()
    for line in text.splitlines():
        words = line.partition(" -- ")[0].split() if " -- " in line else []
        if words[: len(group)] == group and len(words) > len(group):
            names = words[len(group)].partition("/")[0].split("|")
            if name in names:
                return True
    return False


def _send(client: QMPClient, attempt: Attempt) -> Outcome:
    try:
        result = client.execute(attempt.command, attempt.arguments)
    except CommandError as error:
        return _read_error(attempt, error)
    except (DeadlineError, DisconnectError, ProtocolError) as error:
        why = f"{error}; whether it was done cannot be told"
        return Outcome(attempt, Ending.UNKNOWN, why, sent=True)
    if attempt.is_hmp:
        return _read_hmp(attempt, result)
    return Outcome(attempt, Ending.DONE, sent=True, result=result)


def _read_error(attempt: Attempt, error: CommandError) -> Outcome:
    is_absent = error.error_class == _NOT_FOUND
    return Outcome(
        attempt,
        Ending.ABSENT if is_absent else Ending.FAILED,
        f"{error.error_class}: {error.desc}",
        sent=True,
        error=ErrorInfo(error.error_class, error.desc),
    )


def _read_hmp(attempt: Attempt, result: Raw) -> Outcome:
    """Tell what can be told of a text: most commands print nothing unless they fail."""
    text = _read_text(result)
    if text is None:
        ending, why = Ending.UNKNOWN, "HMP answered with something that is no text"
    elif _HMP_FAILURE.search(text):
        first = text.strip().splitlines()[0]
        ending, why = Ending.FAILED, f"HMP says: {first} (a text: HMP has no error classes)"
    elif not text.strip() or attempt.topic.split()[0] in ("info", "help", "?"):
        ending, why = Ending.DONE, ""
    else:
        why = "HMP printed something, and has no error classes: whether it failed cannot be told"
        ending = Ending.UNKNOWN
    return Outcome(attempt, ending, why, sent=True, result=result)


def _read_text(result: Raw) -> str | None:
    try:
        return msgspec.json.decode(result, type=str)
    except UNREADABLE:
        return None

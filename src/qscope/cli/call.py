"""`qscope call`: validate a command, send it to a live QEMU, fall back where it does not exist."""

from collections.abc import Callable, Sequence
from typing import Any

import click

from qscope.ask.finding import Finding, Severity
from qscope.cli.common import (
    cache_option,
    draw_progress,
    echo_json,
    format_option,
    make_printable,
    quiet_option,
    remark,
    timeout_option,
)
from qscope.cli.findings import encode_finding
from qscope.errors import ArgumentError, TargetError
from qscope.load import load
from qscope.model.interface import Interface
from qscope.probe.attempts import Attempt, parse_attempt
from qscope.probe.calling import Ending, Outcome, call, fetch_interface
from qscope.qmp.address import Address, parse_address
from qscope.qmp.client import QMPClient

_STATUS = {Ending.DONE: 0, Ending.ABSENT: 1, Ending.FAILED: 1, Ending.UNKNOWN: 3}
_DEFAULT_TIMEOUT = 15.0


@click.command(name="call")
@click.argument("target")
@click.argument("command_text", metavar="COMMAND")
@click.argument("arguments", metavar="[JSON]", required=False)
@click.option(
    "--or", "others", metavar="COMMAND", multiple=True,
    help="What to try if that does not exist: 'COMMAND', 'COMMAND {JSON}' or 'hmp:LINE'; again "
    "for each.",
)  # fmt: skip
@click.option("-s", "--snapshot", metavar="S", type=click.Path(),
    help="Validate by S, which also knows properties; by the server's schema if left out.",
)  # fmt: skip
@click.option("--no-validate", is_flag=True, help="Send it as it is, and let QEMU judge.")
@format_option
@cache_option
@timeout_option
@quiet_option
def command(
    target: str,
    command_text: str,
    arguments: str | None,
    others: tuple[str, ...],
    snapshot: str | None,
    form: str,
    timeout: float | None,
    *,
    no_validate: bool,
    no_cache: bool,
) -> int:
    """Execute COMMAND on the QMP server TARGET (unix:PATH or HOST:PORT) and print its result.

    \b
      qscope call unix:/tmp/qmp query-status
      qscope call unix:/tmp/qmp inject-nmi --or hmp:nmi
      qscope call unix:/tmp/qmp eject '{"id": "cd0"}' --or 'eject {"device": "ide1-cd0"}'
      qscope call localhost:4444 '{"execute": "query-name"}'

    A command is first validated by the schema of that server: what it would refuse is not sent.
    What does not exist there (the command, or a member or value of its arguments) makes way for
    the next --or; what exists and fails does not. Which one was taken is said on stderr.

    HMP has no error classes: that it lacks a command is told by its 'help', failure by the text.

    Exit status: 0 done; 1 it failed or does not exist; 3 it was sent, and whether it was done
    cannot be told; 2 the server cannot be talked to, or usage.
    """  # noqa: D301 - click reads \b
    address = _parse_target(target)
    attempts = [_parse(command_text, arguments), *(_parse(other, None) for other in others)]
    if no_validate and snapshot is not None:
        raise click.UsageError("--snapshot and --no-validate exclude each other")
    recorded = _load(snapshot, timeout, use_cache=not no_cache) if snapshot is not None else None
    with QMPClient.connect(address, timeout=timeout or _DEFAULT_TIMEOUT) as client:
        interface = None if no_validate else recorded or _fetch(client, use_cache=not no_cache)
        outcomes = call(client, attempts, interface, _find_judge() if interface else None)
    _tell(outcomes, attempts)
    _print(outcomes, form)
    return _STATUS[outcomes[-1].ending]


def _parse_target(target: str) -> Address:
    address = parse_address(target)
    if address is None:
        raise TargetError(f"{target!r}: no address of a QMP server; unix:PATH or HOST:PORT is one")
    return address


def _parse(text: str, arguments: str | None) -> Attempt:
    try:
        return parse_attempt(text, arguments)
    except ArgumentError as error:
        raise click.UsageError(str(error)) from error


def _load(snapshot: str, timeout: float | None, *, use_cache: bool) -> Interface:
    with draw_progress() as progress:
        return load(snapshot, use_cache=use_cache, timeout=timeout, progress=progress).interface


def _fetch(client: QMPClient, *, use_cache: bool) -> Interface | None:
    from qscope.load.schemas import SchemaCache  # noqa: PLC0415 - not with --no-validate

    interface = fetch_interface(client, SchemaCache() if use_cache else None)
    if interface is None:
        remark("the server has no query-qmp-schema that makes sense: nothing is validated")
    return interface


def _find_judge() -> Callable[[Interface, str, dict[str, Any]], Sequence[Finding]]:
    from qscope.ask.validation import validate  # noqa: PLC0415 - not with --no-validate

    return validate


def _tell(outcomes: Sequence[Outcome], attempts: Sequence[Attempt]) -> None:
    """Say on stderr what was passed over and why, what was taken, and what validation warns of."""
    for outcome in outcomes[:-1]:
        remark(f"passed over {outcome.attempt.name}: {outcome.why}")
    last = outcomes[-1]
    if len(attempts) > 1 and last.sent and last.ending is not Ending.ABSENT:
        remark(f"took {last.attempt.name}")
    for finding in last.findings:
        if finding.severity is not Severity.ERROR:
            remark(f"{last.attempt.command}: {finding}")


def _print(outcomes: Sequence[Outcome], form: str) -> None:
    last = outcomes[-1]
    if form == "json":
        echo_json(_encode(outcomes))
    elif last.result is not None and last.ending is not Ending.FAILED:
        echo_json(last.result)
        if last.why:
            remark(last.why)
    else:
        for line in _describe(last):
            click.echo(make_printable(" ".join(line.split())))


def _describe(outcome: Outcome) -> list[str]:
    """Return the lines for a command that gave no result: one, or one for each finding."""
    name = outcome.attempt.name
    errors = [each for each in outcome.findings if each.severity is Severity.ERROR]
    if errors and not outcome.sent:
        return [f"{name}: refused before it was sent: {each}" for each in errors]
    words = {
        Ending.ABSENT: "does not exist",
        Ending.FAILED: "failed",
        Ending.UNKNOWN: "cannot tell",
        Ending.DONE: "done",
    }
    return [f"{name}: {words[outcome.ending]}: {outcome.why}"]


def _encode(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Encode the last outcome, and in `passed-over` the ones before it."""
    last = outcomes[-1]
    return {**_encode_one(last), "passed-over": [_encode_one(each) for each in outcomes[:-1]]}


def _encode_one(outcome: Outcome) -> dict[str, Any]:
    attempt = outcome.attempt
    return {
        "outcome": outcome.ending.value,
        "execute": attempt.command,
        "arguments": attempt.arguments,
        "sent": outcome.sent,
        **({} if outcome.result is None else {"return": outcome.result}),
        **({} if outcome.error is None else {"error": outcome.error}),
        **({"why": outcome.why} if outcome.why else {}),
        "findings": [{"member": each.where, **encode_finding(each)} for each in outcome.findings],
    }

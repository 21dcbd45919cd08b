"""`qscope validate`: whether a QEMU would accept QMP commands."""

import sys
from typing import Any, NamedTuple

import click

from qscope.ask import Verdict
from qscope.ask.finding import Finding, conclude
from qscope.ask.validation import validate_message
from qscope.ask.validation.stream import DEEPEST, Message, split_messages
from qscope.cli.common import echo_json, format_option, paint, with_interface
from qscope.cli.findings import (
    STATUS,
    WORDS,
    apply_policies,
    encode_finding,
    render_finding,
    with_policies,
)
from qscope.load.text import read_text
from qscope.model.interface import Interface


class _Judged(NamedTuple):
    message: Message
    findings: list[Finding]


@click.command(name="validate")
@click.argument("source", metavar="JSON|FILE|-")
@with_policies
@format_option
@with_interface
def command(interface: Interface, source: str, form: str, **policies: str) -> int:
    """Say whether QEMU would accept QMP commands, and everything that is wrong with them.

    \b
      qscope validate '{"execute": "eject", "arguments": {"id": "cd0"}}'
      qscope validate commands.json
      journalctl ... | qscope validate -

    A file, or stdin, may hold any number of them, one a line or otherwise, or a dialogue in which
    '->' is in front of what the client sends. No QEMU is asked, and nothing is executed. Each
    finding is one line of stdout: the member, what was given, what is right; with several commands
    the number of the line stands in front. What depends on the state of a QEMU is not judged.

    Exit status: 0 accepted; 1 refused, also as no JSON; 3 cannot tell, and what; 2 not readable.
    """  # noqa: D301 - click reads \b
    judged = [_judge(interface, message, policies) for message in _read(source)]
    findings = [finding for each in judged for finding in each.findings]
    verdict = conclude(findings)
    if form == "json":
        encoded = [_encode(each.message, finding) for each in judged for finding in each.findings]
        echo_json({"verdict": WORDS[verdict], "findings": encoded})
    else:
        _print(judged, verdict)
    return STATUS[verdict]


def _read(source: str) -> list[Message]:
    """Read JSON from the command line, or from what is named there."""
    text = source if source.lstrip()[:1] in ("{", "[", '"', "'") else read_text(source)
    # A level of JSON takes three frames; Python's own limit is meant for programs.
    sys.setrecursionlimit(max(sys.getrecursionlimit(), 4 * DEEPEST))
    messages = split_messages(text)
    if not messages:
        raise click.UsageError("there is no command in it")
    return messages


def _judge(interface: Interface, message: Message, policies: dict[str, str]) -> _Judged:
    if message.error:
        return _Judged(message, [Finding("json", "", message.error)])
    found = validate_message(interface, message.value)
    return _Judged(message, list(apply_policies(found, policies)))


def _print(judged: list[_Judged], verdict: Verdict) -> None:
    for message, findings in judged:
        number = f"{message.line}: " if len(judged) > 1 else ""
        for finding in findings:
            click.echo(number + render_finding(finding))
    if verdict is Verdict.YES:
        click.echo(paint("accepted", "green"))


def _encode(message: Message, finding: Finding) -> dict[str, Any]:
    value = message.value if isinstance(message.value, dict) else {}
    name = value.get("execute", value.get("exec-oob"))
    return {
        "line": message.line,
        "command": name if isinstance(name, str) else None,
        "member": finding.where,
        **encode_finding(finding),
    }

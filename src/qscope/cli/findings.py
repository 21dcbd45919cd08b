"""Verdicts and findings as commands print them: a line each, or JSON."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import click
from msgspec import structs

from qscope.ask import Verdict
from qscope.ask.finding import Finding, Severity
from qscope.cli.common import make_printable, paint

STATUS = {Verdict.YES: 0, Verdict.NO: 1, Verdict.UNKNOWN: 3}
WORDS = {Verdict.YES: "accepted", Verdict.NO: "refused", Verdict.UNKNOWN: "cannot tell"}
_MARKS = {Severity.WARNING: "warning", Severity.UNKNOWN: "cannot tell"}


def render_finding(finding: Finding) -> str:
    """Return the line that says a finding, marked where it is no refusal."""
    mark = _MARKS.get(finding.severity)
    return make_printable(str(finding)) + (f" [{paint(mark, 'yellow')}]" if mark else "")


def encode_finding(finding: Finding) -> dict[str, Any]:
    """Return a finding for JSON; what `where` means each command says in a key of its own."""
    return {
        "severity": finding.severity.value,
        "rule": finding.rule,
        "message": finding.message,
        "right": finding.right,
        "did-you-mean": finding.suggestions,
        "evidence": finding.evidence,
    }


def with_policies(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command --deprecated and --unstable: what to make of findings of these rules."""
    policies = click.Choice(["accept", "warn", "reject"])
    options = (
        click.option(
            "--deprecated", type=policies, default="warn", show_default=True,
            help="What to make of deprecated commands, members and values.",
        ),
        click.option(
            "--unstable", type=policies, default="warn", show_default=True,
            help="What to make of unstable ones.",
        ),
    )  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return function


def apply_policies(findings: Iterable[Finding], policies: dict[str, str]) -> Iterator[Finding]:
    """Make errors of warnings, or nothing, as the user wants it."""
    for finding in findings:
        policy = policies.get(finding.rule, "warn")
        if policy == "reject":
            yield structs.replace(finding, severity=Severity.ERROR)
        elif policy == "warn":
            yield finding

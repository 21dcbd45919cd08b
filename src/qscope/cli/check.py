"""`qscope check`: which of the features that a program needs are there."""

import os
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import click

from qscope.ask import Verdict
from qscope.ask.requirements import Decision, Feature, Reason, Row, conclude_rows, decide_all
from qscope.cli.common import (
    cache_option,
    draw_progress,
    echo_json,
    make_printable,
    note,
    note_origin,
    paint,
    quiet_option,
    timeout_option,
)
from qscope.errors import RequirementsError
from qscope.load import load
from qscope.load.files import show_path
from qscope.load.requirements import read_requirements
from qscope.model.interface import Interface

_COLOURS = {Verdict.YES: "green", Verdict.NO: "red", Verdict.UNKNOWN: "yellow"}
_JSON = {Verdict.YES: True, Verdict.NO: False, Verdict.UNKNOWN: None}
_STATUS = {Verdict.YES: 0, Verdict.NO: 1, Verdict.UNKNOWN: 3}
_ENDINGS = (".gz", ".json", ".replies", ".transcript", ".snapshot")
# So many paths say why; the others are counted.
_MOST_REASONS = 3


class _Column(NamedTuple):
    """A QEMU, and what stands above its answers."""

    name: str
    interface: Interface


@click.command(name="check")
@click.argument("file", metavar="REQUIREMENTS.toml", type=click.Path(readable=False))
@click.argument("targets", metavar="[S]...", nargs=-1, type=click.Path())
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "markdown"]), default="text",
    show_default=True, help="How to print the table.",
)  # fmt: skip
@click.option("--explain", is_flag=True, help="Say of every answer what it rests on.")
@cache_option
@timeout_option
@quiet_option
def command(
    file: str,
    targets: tuple[str, ...],
    form: str,
    timeout: float | None,
    *,
    explain: bool,
    no_cache: bool,
) -> int:
    """Print which features each S has: a table of yes, no and unknown.

    REQUIREMENTS.toml has a table for each feature; '-' is stdin:

    \b
      [png-screendump]
      description = "what needs it, and how it was tested before"
      any = ["screendump/arg-type/format/^png"]    # or all = […], none = […]
      replacement = "what to do where it is missing"
      required = false                             # true if left out

    A term in an array is a path, as 'qscope query' takes it, or a table such as
    { all = ["PATH", "PATH"] }. Of several keys all must hold.

    Exit status: 0 every required feature is there, on every S; 1 one is missing; 3 one is unknown
    and none is missing; 2 it could not be checked.
    """  # noqa: D301 - click reads \b
    if [file, *targets].count("-") > 1:
        raise click.UsageError("only one of the files can be stdin")
    try:
        requirements = read_requirements(file)
    except RequirementsError as error:
        return _complain(error.mistakes)
    columns = _open_all(targets, timeout, use_cache=not no_cache)
    rows, malformed = decide_all(requirements, [column.interface for column in columns])
    if malformed:
        name = "stdin" if file == "-" else show_path(file)
        return _complain([f"{name}: {each}" for each in malformed])
    verdict = conclude_rows(rows)
    match form:
        case "json":
            echo_json(_encode(rows, columns, verdict))
        case "markdown":
            click.echo("\n".join(_render_markdown(rows, columns, verdict)))
        case _:
            click.echo("\n".join(_render_text(rows, columns, explain=explain)))
    return _STATUS[verdict]


def _complain(mistakes: Sequence[str]) -> int:
    for mistake in mistakes:
        note(mistake)
    return 2


def _open_all(targets: tuple[str, ...], timeout: float | None, *, use_cache: bool) -> list[_Column]:
    columns = []
    for target, name in zip(targets or (None,), _name_columns(targets), strict=True):
        with draw_progress() as progress:
            opened = load(target, use_cache=use_cache, timeout=timeout, progress=progress)
        note_origin(opened.interface, None if target else opened.origin)
        version = opened.interface.identity.version
        columns.append(_Column(name or f"QEMU {version or '?'}", opened.interface))
    return columns


def _name_columns(targets: tuple[str, ...]) -> list[str]:
    """Return short names where they tell the targets apart; an empty one if nobody was named."""
    short = [_shorten(target) for target in targets]
    names = short if len(set(short)) == len(short) else [show_path(each) for each in targets]
    return names or [""]


def _shorten(target: str) -> str:
    name = show_path(target)
    if not target.startswith(("unix:", "tcp:")):
        name = os.path.basename(name) or name
    while name.endswith(_ENDINGS):
        name = name.rpartition(".")[0]
    return name or show_path(target)


def _count(rows: Sequence[Row], columns: Sequence[_Column]) -> Iterator[str]:
    for number, column in enumerate(columns):
        verdicts = [row.decisions[number].verdict for row in rows]
        counts = [f"{verdicts.count(each)} {each.value}" for each in Verdict if each in verdicts]
        yield f"{column.name}: {', '.join(counts)}"


def _name(feature: Feature) -> str:
    return make_printable(feature.name) + ("" if feature.required else " (optional)")


def _render_text(
    rows: Sequence[Row], columns: Sequence[_Column], *, explain: bool
) -> Iterator[str]:
    names = [make_printable(column.name) for column in columns]
    first = max(map(len, ["feature", *(_name(row.feature) for row in rows)]))
    widths = [max(len(name), len("unknown")) for name in names]
    heads = [name.ljust(width) for name, width in zip(names, widths, strict=True)]
    yield paint("  ".join(["feature".ljust(first), *heads]).rstrip(), bold=True)
    for row in rows:
        cells = [
            paint(decision.verdict.value, _COLOURS[decision.verdict])
            + " " * (width - len(decision.verdict.value))
            for decision, width in zip(row.decisions, widths, strict=True)
        ]
        yield "  ".join([_name(row.feature).ljust(first), *cells]).rstrip()
    details = [line for row in rows for line in _explain_row(row, columns, explain=explain)]
    yield from ["", *details] if details else []
    yield from ["", *map(make_printable, _count(rows, columns))]


def _explain_row(row: Row, columns: Sequence[_Column], *, explain: bool) -> Iterator[str]:
    """Yield why a feature is missing or unknown, and what there is instead."""
    lines: dict[str, list[str]] = {}
    for column, decision in zip(columns, row.decisions, strict=True):
        if explain or decision.verdict is not Verdict.YES:
            for text in _explain_decision(column, decision, explain=explain):
                lines.setdefault(text, []).append(column.name)
    missing = any(decision.verdict is not Verdict.YES for decision in row.decisions)
    if lines:
        description = " ".join(row.feature.description.split())
        about = f": {description}" if description else ""
        yield make_printable(f"{_name(row.feature)}{about}")
    for text, names in lines.items():
        yield make_printable(f"  {', '.join(names)}: {text}")
    if missing and row.feature.replacement:
        yield make_printable(f"  instead: {' '.join(row.feature.replacement.split())}")


def _explain_decision(column: _Column, decision: Decision, *, explain: bool) -> Iterator[str]:
    for reason in decision.reasons[:_MOST_REASONS]:
        yield _explain_reason(column, reason, explain=explain)
    if len(decision.reasons) > _MOST_REASONS:
        yield f"and {len(decision.reasons) - _MOST_REASONS} more paths"


def _explain_reason(column: _Column, reason: Reason, *, explain: bool) -> str:
    answer = reason.answer
    text = f"{answer.verdict.value} {reason.path}"
    if explain or answer.verdict is Verdict.UNKNOWN:
        because = ": ".join(filter(None, [answer.evidence, answer.why]))
        text += f" (by {because})" if because else ""
    if explain and (guesses := _suggest(column, reason)):
        text += f"; did you mean {' or '.join(guesses)}?"
    return text


def _suggest(column: _Column, reason: Reason) -> list[str]:
    if reason.answer.verdict is not Verdict.NO:
        return []
    from qscope.ask.suggest import suggest  # noqa: PLC0415 - only for an explained no

    return suggest(column.interface, reason.path, reason.answer)


def _render_markdown(
    rows: Sequence[Row], columns: Sequence[_Column], verdict: Verdict
) -> Iterator[str]:
    says = {
        Verdict.YES: "every required feature is there",
        Verdict.NO: "a required feature is missing",
        Verdict.UNKNOWN: "of a required feature it is not known whether it is there",
    }
    yield from (f"**{says[verdict]}**", "")
    yield _line(["feature", *(_escape(column.name) for column in columns), "where it is missing"])
    yield _line(["---"] * (len(columns) + 2))
    for row in rows:
        verdicts = [decision.verdict for decision in row.decisions]
        cells = [each.value if each is Verdict.YES else f"**{each.value}**" for each in verdicts]
        missing = any(each is not Verdict.YES for each in verdicts)
        hint = row.feature.replacement or row.feature.description
        yield _line([_escape(_name(row.feature)), *cells, _escape(hint) if missing else ""])
    yield ""
    yield from (f"- {_escape(text)}" for text in _count(rows, columns))


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escape(text: str) -> str:
    """Return a text that Markdown shows as it is."""
    words = make_printable(" ".join(text.split()))
    return "".join(f"\\{each}" if each in "\\`*_[]<>|" else each for each in words)


def _encode(rows: Sequence[Row], columns: Sequence[_Column], verdict: Verdict) -> dict[str, Any]:
    return {
        "verdict": _JSON[verdict],
        "snapshots": [
            {"name": column.name, "qemu": column.interface.identity.describe()}
            for column in columns
        ],
        "features": [_encode_row(row, columns) for row in rows],
    }


def _encode_row(row: Row, columns: Sequence[_Column]) -> dict[str, Any]:
    feature = row.feature
    return {
        "name": feature.name,
        "required": feature.required,
        "description": feature.description,
        "replacement": feature.replacement,
        "answers": [
            {
                "snapshot": column.name,
                "answer": _JSON[decision.verdict],
                "reasons": [_encode_reason(column, reason) for reason in decision.reasons],
            }
            for column, decision in zip(columns, row.decisions, strict=True)
        ],
    }


def _encode_reason(column: _Column, reason: Reason) -> dict[str, Any]:
    return {
        "path": reason.path,
        "answer": _JSON[reason.answer.verdict],
        "evidence": reason.answer.evidence,
        "why": reason.answer.why,
        "did-you-mean": _suggest(column, reason),
    }

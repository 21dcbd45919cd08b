"""`qscope list`: what there is of a kind, or how much."""

import click

from qscope.ask.names import KINDS, Item, Summary, list_names, summarise
from qscope.ask.suggest import near
from qscope.cli.common import echo_json, format_option, note, paint_marks, with_interface
from qscope.model.canonical import schema_hash
from qscope.model.interface import Interface

_HELP = {
    "commands": "QMP commands (the default).",
    "events": "QMP events.",
    "objects": "QOM types that are not abstract.",
    "devices": "Devices, whether or not a user may create them.",
    "machines": "Machine types.",
    "cpus": "CPU models.",
    "qemuopts": "QemuOpts groups, as query-command-line-options has them.",
    "migration": "Migration capabilities.",
}


def _kind_options(function: click.decorators.FC) -> click.decorators.FC:
    for kind, text in reversed(_HELP.items()):
        function = click.option(f"--{kind}", "kind", flag_value=kind, help=text)(function)
    return function


@click.command(name="list")
@click.argument("pattern", default="*")
@_kind_options
@click.option("--summary", is_flag=True, help="Count the QMP interface instead.")
@format_option
@with_interface
def command(
    interface: Interface, pattern: str, kind: str | None, form: str, *, summary: bool
) -> int:
    """List what matches the glob PATTERN, sorted; deprecated and unstable ones are marked.

    Exit status: 0 something was listed, 1 nothing matches, 3 nobody listed this kind.
    """
    if summary:
        return _print_summary(interface, form)
    kind = kind or "commands"
    items = list_names(interface, kind, pattern)
    if items is None:
        reason = interface.listings.silent.get(KINDS[kind], "it was not asked")
        note(f"cannot tell: {KINDS[kind]}: {reason}")
        return 3
    if form == "json":
        echo_json([_describe(item) for item in items])
    elif items:
        click.echo("\n".join(_render(item) for item in items))
    if not items:
        _note_nothing(interface, kind, pattern)
    return 0 if items else 1


def _note_nothing(interface: Interface, kind: str, pattern: str) -> None:
    everything = [item.name for item in list_names(interface, kind) or ()]
    guesses = near(pattern, everything)
    hint = f"; did you mean {' or '.join(guesses)}?" if guesses else ""
    note(f"no {kind} match {pattern!r}{hint}")


def _describe(item: Item) -> dict[str, object]:
    return {
        "name": item.name,
        "deprecated": item.deprecated,
        "unstable": item.unstable,
        **item.details,
    }


def _render(item: Item) -> str:
    marks = [mark for mark in ("deprecated", "unstable") if getattr(item, mark)]
    words = [key if value is True else f"{key} {value}" for key, value in item.details.items()]
    return item.name + paint_marks(tuple(marks)) + (f"  ({', '.join(words)})" if words else "")


def _print_summary(interface: Interface, form: str) -> int:
    counts = summarise(interface)
    if form == "json":
        echo_json(counts)
    else:
        click.echo(render_summary(counts))
        click.echo(f"{'schema hash':28} {schema_hash(interface)}")
    return 0


def render_summary(counts: Summary) -> str:
    """Lay the counts out, one a line."""
    rows = [
        ("commands", counts.commands),
        ("events", counts.events),
        ("named arguments and results", counts.named_arguments_and_results),
        ("enum values", counts.enum_values),
        ("types", counts.types),
        ("deprecated", counts.deprecated),
        ("unstable", counts.unstable),
    ]
    return "\n".join(f"{name:28} {count:5}" for name, count in rows)

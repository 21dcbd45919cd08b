"""`qscope list`: what there is, or how much."""

from collections.abc import Callable
from typing import Any

import click
import msgspec

from qscope.ask.names import KINDS, Item, Summary, list_names, summarise
from qscope.cli.common import (
    echo_json,
    format_option,
    note,
    note_dangling,
    paint_marks,
    with_interface,
)
from qscope.cli.completion import load_for_completion
from qscope.model.canonical import interface_hash, schema_hash
from qscope.model.interface import Interface
from qscope.model.near import near

_HELP = {
    "commands": "QMP commands (the default).",
    "events": "QMP events.",
    "objects": "QOM types that are not abstract.",
    "devices": "Devices, whether or not a user may create them.",
    "machines": "Machine types.",
    "cpus": "CPU models.",
    "qemuopts": "QemuOpts groups, as query-command-line-options has them.",
    "migration": "Migration capabilities.",
    "summary": "Count the QMP interface instead.",
}
_CHOSEN = "qscope.list.chosen"


def _choose(ctx: click.Context, parameter: click.Parameter, chosen: bool) -> None:  # noqa: FBT001
    if chosen and ctx.meta.setdefault(_CHOSEN, parameter.name) != parameter.name:
        raise click.UsageError(f"--{ctx.meta[_CHOSEN]} and --{parameter.name} exclude each other")


def _what_options(function: Callable[..., Any]) -> Callable[..., Any]:
    for name, text in reversed(_HELP.items()):
        option = click.option(
            f"--{name}", is_flag=True, expose_value=False, callback=_choose, help=text
        )
        function = option(function)
    return function


def _complete_pattern(ctx: click.Context, _: click.Parameter, start: str) -> list[str]:
    what = ctx.meta.get(_CHOSEN, "commands")
    interface = load_for_completion(ctx)
    items = list_names(interface, what) if interface and what in KINDS else None
    return [item.name for item in items or () if item.name.startswith(start)]


@click.command(name="list")
@click.argument("pattern", default="*", shell_complete=_complete_pattern)
@_what_options
@format_option
@with_interface
def command(interface: Interface, pattern: str, form: str) -> int:
    """List what matches the glob PATTERN, sorted; deprecated and unstable ones are marked.

    Exit status: 0 something was listed, 1 nothing matches, 3 nobody listed it.
    """
    what = click.get_current_context().meta.get(_CHOSEN, "commands")
    if what == "summary":
        if pattern != "*":
            raise click.UsageError("--summary counts everything: it takes no PATTERN")
        return _print_summary(interface, form)
    items = list_names(interface, what, pattern)
    if items is None:
        return _note_silence(interface, KINDS[what])
    if form == "json":
        echo_json([_describe(item) for item in items])
    elif items:
        click.echo("\n".join(_render(item) for item in items))
    if not items:
        _note_nothing(interface, what, pattern)
    return 0 if items else 1


def _note_silence(interface: Interface, source: str) -> int:
    reason = interface.listings.explain(source)
    note(f"cannot tell: {source}: {reason}")
    return 3


def _note_nothing(interface: Interface, what: str, pattern: str) -> None:
    everything = [item.name for item in list_names(interface, what) or ()]
    guesses = near(pattern, everything)
    hint = f"; did you mean {' or '.join(guesses)}?" if guesses else ""
    note(f"no {what} match {pattern!r}{hint}")


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
    return item.name + paint_marks(marks) + (f"  ({', '.join(words)})" if words else "")


def _print_summary(interface: Interface, form: str) -> int:
    counts = summarise(interface)
    if counts is None:
        return _note_silence(interface, "query-qmp-schema")
    note_dangling(interface)
    hashes = {"schema-hash": schema_hash(interface), "interface-hash": interface_hash(interface)}
    if form == "json":
        echo_json(msgspec.to_builtins(counts) | hashes)
    else:
        click.echo(_render_summary(counts))
        for name, value in hashes.items():
            click.echo(f"{name.replace('-', ' '):28} {value}")
    return 0


def _render_summary(counts: Summary) -> str:
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

"""`qscope list`: what there is, or how much."""

from collections.abc import Callable, Iterator
from typing import Any

import click
import msgspec

from qscope.ask.names import KINDS, Item, Summary, explain_unlisted, list_names, summarise
from qscope.cli.common import (
    echo_json,
    format_option,
    make_printable,
    note,
    note_dangling,
    paint_marks,
    remark,
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
    "accels": "Accelerators.",
    "chardevs": "Character device back ends.",
    "tpms": "TPM back ends.",
    "displays": "Displays, as the schema has them: their modules may not be installed.",
    "audiodevs": "Audio back ends, likewise.",
    "qemuopts": "QemuOpts groups, as query-command-line-options has them.",
    "migration": "Migration capabilities.",
    "parameters": "Migration parameters.",
    "options": "Options of the command line; with --summary, how well QEMU describes them.",
    "behaviours": "What 'behaviour:' can ask, and the witness of each.",
    "summary": "Count the QMP interface instead.",
}
_CHOSEN = "qscope.list.chosen"
_OPTION_SUMMARY = "options-summary"
_SCHEMA_ONLY = frozenset(("displays", "audiodevs"))
# What can be filtered, and who knows what a user may create.
_FILTERED = {"devices": "info qdm", "objects": "qom-list-types implements=user-creatable"}


def _choose(ctx: click.Context, parameter: click.Parameter, chosen: bool) -> None:  # noqa: FBT001
    if chosen and {ctx.meta.get(_CHOSEN), parameter.name} == {"options", "summary"}:
        ctx.meta[_CHOSEN] = _OPTION_SUMMARY
    elif chosen and ctx.meta.setdefault(_CHOSEN, parameter.name) != parameter.name:
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
@click.option("--bus", metavar="BUS", help="With --devices: only those that plug into BUS.")
@click.option(
    "--creatable", is_flag=True, help="With --devices or --objects: only what a user may create."
)
@format_option
@with_interface
def command(
    interface: Interface, pattern: str, bus: str | None, form: str, *, creatable: bool
) -> int:
    """List what matches the glob PATTERN, sorted.

    Marked are deprecated and unstable ones, those that no user may create, and those that QEMU did
    not survive to be asked about.

    Exit status: 0 something was listed, 1 nothing matches, 3 nobody listed it.
    """
    what = click.get_current_context().meta.get(_CHOSEN, "commands")
    _refuse_filters(what, bus, creatable=creatable)
    if what in ("summary", _OPTION_SUMMARY):
        if pattern != "*":
            raise click.UsageError("--summary counts everything: it takes no PATTERN")
        return _print_summary(interface, form, what)
    if what == "options":
        from qscope.cli.options import print_options  # noqa: PLC0415 - the others need it not

        return print_options(interface, pattern, form)
    items = list_names(interface, what, pattern)
    if items is None:
        note(f"cannot tell: {explain_unlisted(interface, what)}")
        return 3
    if bus is not None or creatable:
        source = _FILTERED[what]
        if all(item.creatable is None for item in items):
            return _note_silence(interface, source)
        items = list(_filter(items, bus, creatable=creatable))
    if form == "json":
        echo_json([_describe(item) for item in items])
    elif items:
        click.echo("\n".join(_render(item) for item in items))
        if what in _SCHEMA_ONLY:
            remark("the schema has these; whether their modules are installed it does not tell")
    if not items:
        _note_nothing(interface, what, pattern, bus)
    return 0 if items else 1


def _refuse_filters(what: str, bus: str | None, *, creatable: bool) -> None:
    if bus is not None and what != "devices":
        raise click.UsageError("--bus needs --devices")
    if creatable and what not in _FILTERED:
        raise click.UsageError("--creatable needs --devices or --objects")


def _filter(items: list[Item], bus: str | None, *, creatable: bool) -> Iterator[Item]:
    for item in items:
        plugs = bus is None or str(item.details.get("bus", "")).casefold() == bus.casefold()
        if plugs and (item.creatable or not creatable):
            yield item


def _note_silence(interface: Interface, source: str) -> int:
    reason = interface.listings.explain(source)
    note(f"cannot tell: {source}: {reason}")
    return 3


def _note_nothing(interface: Interface, what: str, pattern: str, bus: str | None) -> None:
    everything = list_names(interface, what) or ()
    if bus is not None and pattern == "*":
        buses = sorted({str(item.details["bus"]) for item in everything if "bus" in item.details})
        note(f"no devices plug into {bus!r}; there are {', '.join(buses)}")
        return
    guesses = near(pattern, [item.name for item in everything])
    hint = f"; did you mean {' or '.join(guesses)}?" if guesses else ""
    note(f"no {what} match {pattern!r}{hint}")


def _describe(item: Item) -> dict[str, object]:
    return {
        "name": item.name,
        "deprecated": item.deprecated,
        "unstable": item.unstable,
        **item.details,
        **({} if item.creatable is None else {"creatable": item.creatable}),
        **({"crashed": True} if item.crashed else {}),
    }


def _render(item: Item) -> str:
    if "text" in item.details:
        witness = item.details.get("witness")
        return f"{item.name}: {item.details['text']}" + (f"  (by {witness})" if witness else "")
    words = [key if value is True else f"{key} {value}" for key, value in item.details.items()]
    more = make_printable(f"  ({', '.join(words)})") if words else ""
    return make_printable(item.name) + paint_marks(item.marks) + more


def _print_summary(interface: Interface, form: str, what: str) -> int:
    if what == _OPTION_SUMMARY:
        from qscope.cli.options import print_option_summary  # noqa: PLC0415 - likewise

        return print_option_summary(interface, form)
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

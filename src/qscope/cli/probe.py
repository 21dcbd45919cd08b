"""`qscope probe`: ask a QEMU everything and keep the answers."""

import sys
from typing import Any

import click
from msgspec import UnsetType

from qscope.ask.options import is_listable, list_options
from qscope.ask.precision import measure_precision
from qscope.cli.common import (
    cache_option,
    draw_progress,
    echo_json,
    format_option,
    note,
    note_dangling,
    note_origin,
    quiet_option,
    remark,
    timeout_option,
)
from qscope.load import Recorded, record
from qscope.load.files import check_place, write_bytes
from qscope.model.canonical import interface_hash, schema_hash
from qscope.model.interface import Interface
from qscope.model.snapshot import Snapshot, encode_snapshot
from qscope.probe import Death


@click.command(name="probe")
@click.argument("target", required=False, type=click.Path())
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(),
    help="Write the snapshot there (gzipped when it ends in .gz; '-' is stdout).",
)
@click.option(
    "-v",
    "--verbose",
    is_flag=True,
    help="Say which questions were not answered, and how precise types are.",
)
@click.option(
    "--jobs",
    metavar="N",
    type=click.IntRange(1, 64),
    help="How many processes of a binary to ask at once.  [default: usable cores, at most 4]",
)
@format_option
@cache_option
@timeout_option
@quiet_option
def command(
    target: str | None,
    output: str | None,
    jobs: int | None,
    form: str,
    timeout: float | None,
    *,
    verbose: bool,
    no_cache: bool,
) -> int:
    """Ask TARGET everything now, and keep the answers.

    TARGET is a QEMU binary, a script that execs one, or a running QMP server (unix:PATH,
    HOST:PORT); without it, the first QEMU on PATH. A binary is started stopped, without a machine
    and without a guest, and then run with '-version' behind its options, which shows what they
    take; what it answers is cached for all other commands. Some questions kill it: that is
    recorded, and another one goes on. A server that runs is asked only what cannot disturb its
    guest.
    """
    if output is not None and output != "-":
        check_place(output)
    deaths: list[Death] = []
    with draw_progress() as progress:
        recorded = record(
            target,
            use_cache=not no_cache,
            timeout=timeout,
            jobs=jobs,
            progress=progress,
            on_death=deaths.append,
        )
    interface = Interface.from_snapshot(recorded.snapshot)
    note_origin(interface, None if target else recorded.name)
    note_dangling(interface)
    _remark_unasked(interface, deaths)
    if verbose:
        _note_unanswered(recorded.snapshot, deaths)
        _note_runs(interface, recorded.snapshot)
        _note_precision(interface)
    if output is not None:
        _write_snapshot(output, recorded.snapshot)
    if output != "-":
        _print_report(_report(interface, recorded, output), form)
    return 0


def _remark_unasked(interface: Interface, deaths: list[Death]) -> None:
    table = interface.properties
    if interface.listings.qom_types and not (table.devices or table.objects):
        remark("properties were not asked: the question can abort a QEMU that runs a guest")
    for death in deaths:
        if death.question is None:
            remark(f"some questions were not asked: {death.ended}")


def _write_snapshot(output: str, snapshot: Snapshot) -> None:
    data = encode_snapshot(snapshot, compress=output.endswith(".gz"))
    if output == "-":
        sys.stdout.buffer.write(data)
    else:
        write_bytes(output, data)


def _note_unanswered(snapshot: Snapshot, deaths: list[Death]) -> None:
    """Say which questions have no result and why; of those that killed QEMU, its last words."""
    last_words = {
        _render_question(*death.question[:2]): death.last_words
        for death in deaths
        if death.question
    }
    for exchange in snapshot.exchanges:
        if exchange.outcome():
            arguments = exchange.arguments
            question = _render_question(
                exchange.execute, None if isinstance(arguments, UnsetType) else arguments
            )
            words = last_words.get(question)
            last = f"; its last words: {words}" if words else ""
            note(f"{question}: {exchange.outcome()}{last}")


def _note_runs(interface: Interface, snapshot: Snapshot) -> None:
    """Say which runs of the binary went wrong, and why nothing was learned from them."""
    for run in snapshot.runs:
        if run.ended:
            note(f"{' '.join(run.argv)}: {run.ended}")
    if silence := interface.command_line.silence:
        note(f"the command line: {silence}")
    for oddity in interface.served.oddities if interface.served else ():
        note(f"query-command-line: entry {oddity.name}: {oddity.what}")


def _render_question(command: str, arguments: dict[str, Any] | None) -> str:
    return " ".join([command, *(f"{name}={value}" for name, value in (arguments or {}).items())])


def _note_precision(interface: Interface) -> None:
    """Say how many properties of devices have a precise type, and which have not."""
    found = measure_precision(interface)
    if not found.properties:
        return
    share = _share(found.precise, found.properties)
    note(f"{share} properties of devices are typed precisely")
    if found.creatable:
        share = _share(found.creatable_precise, found.creatable)
        note(f"{share} of devices that a user may create, CPUs aside")
    for kind, names in found.rest.items():
        rest = ", ".join(f"{name} ({count})" for name, count in names.items())
        note(f"no more than {kind or 'a name'}: {rest}")


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole} ({100 * part / whole:.1f} %)"


def _report(interface: Interface, recorded: Recorded, output: str | None) -> dict[str, Any]:
    listings = interface.listings
    known = interface.entities is not None
    exchanges = recorded.snapshot.exchanges
    return {
        "target": recorded.name,
        "qemu": interface.identity.describe(),
        "questions": len(exchanges),
        "unanswered": sum(bool(exchange.outcome()) for exchange in exchanges),
        "commands": len(interface.commands) if known else _count(listings.commands),
        "events": len(interface.events) if known else _count(listings.events),
        "devices": _count(
            [each for each in listings.devices if not each.abstract]
            if listings.devices is not None
            else None
        ),
        "crashed": len(interface.properties.find_crashed("device"))
        + len(interface.properties.find_crashed("object")),
        "machines": _count(listings.machines),
        "cpus": _count(listings.cpus),
        "options": _count_options(interface),
        "schema-hash": schema_hash(interface) if known else None,
        "interface-hash": interface_hash(interface),
        "cached-in": recorded.cached_in,
        "written-to": output,
    }


def _count_options(interface: Interface) -> int | None:
    """Count the options that the binary or the server told: what the table says is not theirs."""
    told = interface.served is not None or interface.command_line.options
    return len(list_options(interface)) if told and is_listable(interface) else None


def _count(items: Any) -> int | None:
    return None if items is None else len(items)


def _print_report(report: dict[str, Any], form: str) -> None:
    if form == "json":
        echo_json(report)
        return
    for key, value in report.items():
        if value is not None:
            click.echo(f"{key.replace('-', ' '):16} {value}")

"""`qscope probe`: ask a QEMU everything and keep the answers."""

import sys
from typing import Any

import click
from msgspec import UnsetType

from qscope.cli.common import (
    cache_option,
    draw_progress,
    echo_json,
    format_option,
    note,
    note_origin,
    quiet_option,
    timeout_option,
)
from qscope.load import record
from qscope.load.cache import cache_folder
from qscope.load.files import write_bytes
from qscope.model.canonical import interface_hash, schema_hash
from qscope.model.interface import Interface
from qscope.model.snapshot import Snapshot, encode_snapshot


@click.command(name="probe")
@click.argument("target", required=False)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="Write the snapshot there (gzipped when it ends in .gz; '-' is stdout).",
)
@click.option("-v", "--verbose", is_flag=True, help="Say which questions were not answered.")
@format_option
@cache_option
@timeout_option
@quiet_option
def command(
    target: str | None,
    output: str | None,
    form: str,
    timeout: float | None,
    *,
    verbose: bool,
    no_cache: bool,
    quiet: bool,
) -> int:
    """Ask TARGET everything now, and keep the answers.

    TARGET is a QEMU binary, a script that execs one, or a running QMP server (unix:PATH,
    HOST:PORT); without it, the first QEMU on PATH. A binary is started stopped, without a machine
    and without a guest; what it answers is cached for 'query', 'show' and 'list'.
    """
    with draw_progress(quiet=quiet) as progress:
        snapshot, name = record(target, use_cache=not no_cache, timeout=timeout, progress=progress)
    interface = Interface.from_snapshot(snapshot)
    if not quiet:
        note_origin(interface, None if target else name)
    if verbose:
        _note_unanswered(snapshot)
    if output:
        write_snapshot(output, snapshot)
    if output != "-":
        _print_report(_report(interface, snapshot, name, output, cached=not no_cache), form)
    return 0


def write_snapshot(output: str, snapshot: Snapshot) -> None:
    """Write a snapshot to a file, or to stdout for `-`. Raises TargetError."""
    data = encode_snapshot(snapshot, compress=output.endswith(".gz"))
    if output == "-":
        sys.stdout.buffer.write(data)
    else:
        write_bytes(output, data)


def _note_unanswered(snapshot: Snapshot) -> None:
    for exchange in snapshot.exchanges:
        if exchange.outcome():
            arguments = exchange.arguments
            words = "" if isinstance(arguments, UnsetType) else f" {arguments}"
            note(f"{exchange.execute}{words}: {exchange.outcome()}")


def _report(
    interface: Interface, snapshot: Snapshot, name: str, output: str | None, *, cached: bool
) -> dict[str, Any]:
    listings = interface.listings
    known = interface.entities is not None
    is_binary = snapshot.identity.path is not None
    return {
        "target": name,
        "qemu": interface.identity.describe(),
        "questions": len(snapshot.exchanges),
        "unanswered": sum(bool(exchange.outcome()) for exchange in snapshot.exchanges),
        "commands": len(interface.commands) if known else _count(listings.commands),
        "events": len(interface.events) if known else _count(listings.events),
        "devices": _count(
            [each for each in listings.devices if not each.abstract]
            if listings.devices is not None
            else None
        ),
        "machines": _count(listings.machines),
        "cpus": _count(listings.cpus),
        "schema-hash": schema_hash(interface) if known else None,
        "interface-hash": interface_hash(interface),
        "cached-in": cache_folder() if cached and is_binary else None,
        "written-to": output,
    }


def _count(items: Any) -> int | None:
    return None if items is None else len(items)


def _print_report(report: dict[str, Any], form: str) -> None:
    if form == "json":
        echo_json(report)
        return
    for key, value in report.items():
        if value is not None:
            click.echo(f"{key.replace('-', ' '):16} {value}")

"""`qscope serve`: a mock of a recorded QEMU, or of what a schema describes."""

import contextlib
import logging
from collections.abc import Iterator
from typing import Any

import click
from msgspec import structs

from qscope.cli.common import (
    cache_option,
    draw_progress,
    make_printable,
    note,
    note_unused_defines,
    quiet_option,
    refuse_two_readers,
    remark,
    timeout_option,
    with_defines,
)
from qscope.cli.listening import list_addresses, with_addresses
from qscope.errors import ArgumentError, SnapshotError
from qscope.load import load_snapshot
from qscope.load.recording import recording
from qscope.load.text import read_text
from qscope.serve.mock import (
    LIMITS,
    Answers,
    Manner,
    MockServer,
    mock_schema,
    mock_snapshot,
    parse_answers,
    parse_compat,
)
from qscope.serve.policy import ACCEPT, Policy


@click.command(name="serve")
@click.argument("schema", metavar="[SCHEMA]", required=False, type=click.Path())
@click.option(
    "-s", "--snapshot", metavar="S", type=click.Path(),
    help="The QEMU to stand for; see 'qscope --help'.",
)  # fmt: skip
@with_defines
@click.option(
    "--stdio", is_flag=True, help="Serve who is at stdin and stdout; so it is by default."
)
@with_addresses
@click.option(
    "--clients", metavar="N", type=click.IntRange(min=1), default=1, show_default=True,
    help="So many at once at each address; others wait without a greeting, as at a QEMU.",
)  # fmt: skip
@click.option(
    "--seed", metavar="N", type=int, default=0, show_default=True,
    help="Which values made-up results have; 0 is for the simplest.",
)  # fmt: skip
@click.option("--full", is_flag=True, help="Make results up with all their optional members.")
@click.option(
    "--answers", metavar="FILE", type=click.Path(),
    help="Results, errors, delays, events and faults for commands, in TOML.",
)  # fmt: skip
@click.option(
    "--compat", metavar="SWITCHES",
    help="What to do with what is deprecated or unstable, as QEMU's -compat: "
    "deprecated-input=reject,unstable-output=hide…",
)  # fmt: skip
@click.option(
    "--record", metavar="FILE", type=click.Path(),
    help="Keep there what clients send and are answered, as a transcript.",
)  # fmt: skip
@click.option("--running", is_flag=True, help="The guest runs; else it is as with -S.")
@click.option("--pretty", is_flag=True, help="Answer over many lines.")
@cache_option
@timeout_option
@quiet_option
def command(schema: str | None, snapshot: str | None, record: str | None, **options: Any) -> int:
    """Serve QMP as a recorded QEMU would, or as SCHEMA says.

    \b
      qscope serve --snapshot qemu-11.1.json.gz --unix /tmp/mock.qmp
      qscope serve --snapshot qemu-system-x86_64 --answers faults.toml --tcp localhost:4444
      qscope serve qapi/my-idea.json --stdio

    No QEMU is started. A command is judged by the interface of S, and refused in QEMU's words. What
    was recorded is answered so, and a question that QEMU did not survive ends the connection. Run
    state, devices, objects, network back ends, block nodes and character devices are remembered by
    their ids. All other results are made up: of the type that the schema says, and as small as that
    allows.

    A SCHEMA that does not define 'qmp_capabilities' is not QEMU's: the mock then has what every
    qscope.serve.Server has, and remembers nothing.

    The addresses are printed on stdout when clients can connect. It ends by 'quit', SIGTERM or
    SIGINT, with status 0; 2 if it cannot serve.
    """  # noqa: D301 - click reads \b
    if schema is not None and snapshot is not None:
        raise click.UsageError("SCHEMA and --snapshot exclude each other")
    refuse_two_readers(
        {"SCHEMA": schema, "--snapshot": snapshot, "--answers": options["answers"]}
        | ({"--stdio": "-"} if _uses_stdio(options) else {})
    )
    logging.basicConfig(format="qscope: %(message)s", level=logging.WARNING)
    with _record(record) as write:
        manner = _read_manner(options, write)
        server = _make_server(schema, snapshot, manner, options)
        server.run(*_list_addresses(options), anywhere=options["anywhere"], ready=_announce)
    return 0


def _uses_stdio(options: dict[str, Any]) -> bool:
    return bool(options["stdio"]) or not (options["paths"] or options["ports"])


def _list_addresses(options: dict[str, Any]) -> list[str]:
    return [*list_addresses(options), *(["stdio"] if _uses_stdio(options) else [])]


def _announce(addresses: list[str]) -> None:
    if "stdio" not in addresses:
        for address in addresses:
            click.echo(make_printable(address))


@contextlib.contextmanager
def _record(path: str | None) -> Iterator[Any]:
    if path is None:
        yield None
    else:
        with recording(path, note) as write:
            yield write


def _read_manner(options: dict[str, Any], write: Any) -> Manner:
    return Manner(
        seed=options["seed"],
        full=options["full"],
        answers=_read_answers(options["answers"]),
        policy=_read_policy(options["compat"]),
        limits=structs.replace(LIMITS, clients=options["clients"]),
        pretty=options["pretty"],
        record=write,
        paused=not options["running"],
    )


def _read_answers(path: str | None) -> Answers | None:
    return None if path is None else parse_answers(read_text(path), path)


def _read_policy(text: str | None) -> Policy:
    try:
        return ACCEPT if text is None else parse_compat(text)
    except ArgumentError as error:
        raise click.BadParameter(str(error), param_hint="'--compat'") from error


def _make_server(
    schema: str | None, snapshot: str | None, manner: Manner, options: dict[str, Any]
) -> MockServer:
    defines = options["defines"]
    if schema is not None:
        source = read_text(schema) if schema == "-" else schema
        server = mock_schema(source, manner, defines=defines)
        note_unused_defines(server.schema.schema, defines)
        return server
    if defines:
        raise click.UsageError("--define and --define-from need SCHEMA")
    with draw_progress() as progress:
        found = load_snapshot(
            snapshot,
            use_cache=not options["no_cache"],
            timeout=options["timeout"],
            progress=progress,
        )
    if snapshot is None:
        remark(f"standing for {found.name}: {found.snapshot.identity.describe()}")
    try:
        return mock_snapshot(found.snapshot, manner)
    except SnapshotError as error:
        raise SnapshotError(f"{found.name}: {error}") from error

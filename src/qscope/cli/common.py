"""What subcommands share: the options that name a source, the output format, notes on stderr."""

import functools
import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import click
import msgspec

from qscope.errors import DocError, SchemaError

if TYPE_CHECKING:
    from qscope.model.interface import Interface
    from qscope.probe import Progress
    from qscope.qapi import Schema


# Where the context keeps that -q was given.
_QUIET = "qscope.quiet"
# Where it keeps the symbols that --define names, less those from files.
_NAMED = "qscope.named"
# So many notes of one sort are printed, the others counted.
_NOTES = 3


def _keep_quiet(ctx: click.Context, _: click.Parameter, quiet: bool) -> None:  # noqa: FBT001
    ctx.meta[_QUIET] = quiet


def _is_quiet() -> bool:
    return bool(click.get_current_context().meta.get(_QUIET))


def _refuse_nan(_: click.Context, __: click.Parameter, seconds: float | None) -> float | None:
    """Refuse what is in no range and yet passes for it."""
    if seconds is not None and math.isnan(seconds):
        raise click.BadParameter("nan is no time")
    return seconds


format_option = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True,
    help="How to print the answer.",
)  # fmt: skip
quiet_option = click.option(
    "-q", "--quiet", is_flag=True, is_eager=True, expose_value=False, callback=_keep_quiet,
    help="Print no notes on stderr, only errors.",
)  # fmt: skip
cache_option = click.option(
    "--no-cache", is_flag=True, help="Neither read nor write the cache (see 'qscope cache')."
)
timeout_option = click.option(
    "--timeout", type=click.FloatRange(min=0, max=86400, min_open=True),
    callback=_refuse_nan, metavar="SECONDS",
    help="How long a QEMU may take to start, and for each answer.  [default: 15]",
)  # fmt: skip


def with_interface(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that name a source; call it with `interface` in their place."""

    @click.option(
        "-s", "--snapshot", metavar="S", type=click.Path(), help="Whom to ask; see 'qscope --help'."
    )
    @click.option(
        "--schema",
        metavar="FILE",
        type=click.Path(readable=False),
        help="Ask a QAPI schema's source; with --snapshot, take names and documentation from it.",
    )
    @with_defines
    @cache_option
    @timeout_option
    @quiet_option
    @functools.wraps(function)
    def command(
        *,
        snapshot: str | None,
        schema: str | None,
        defines: frozenset[str],
        no_cache: bool,
        timeout: float | None,
        **rest: Any,
    ) -> Any:
        refuse_two_readers({"--snapshot": snapshot, "--schema": schema})
        if schema is not None and snapshot is None:
            interface = _load_schema(schema, defines)
        else:
            if defines:
                raise click.UsageError(
                    "--define and --define-from need --schema, and no --snapshot"
                )
            from qscope.load import load  # noqa: PLC0415 - compiling a schema needs it not

            with draw_progress() as progress:
                opened = load(snapshot, use_cache=not no_cache, timeout=timeout, progress=progress)
            note_origin(opened.interface, None if snapshot else opened.origin)
            interface = opened.interface
            if schema is not None:
                interface = _annotate(interface, schema)
        return function(interface=interface, **rest)

    return command


def with_defines(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command --define and --define-from; call it with the symbols as `defines`."""

    @click.option(
        "--define",
        "symbols",
        metavar="SYM",
        multiple=True,
        help="A symbol with which the program is built; again for each.",
    )
    @click.option(
        "--define-from",
        "files",
        metavar="FILE",
        multiple=True,
        type=click.Path(readable=False),
        help="Symbols from a file: one a line, or a config-host.h.",
    )
    @functools.wraps(function)
    def command(*, symbols: tuple[str, ...], files: tuple[str, ...], **rest: Any) -> Any:
        click.get_current_context().meta[_NAMED] = frozenset(symbols)
        for path in files:
            refuse_two_readers({"--define-from": path, "the schema": rest.get("schema")})
        defines = frozenset(symbols)
        if symbols or files:
            from qscope.load.defines import check_symbols, read_defines  # noqa: PLC0415

            check_symbols(symbols)
            defines = defines.union(*map(read_defines, files))
        return function(defines=defines, **rest)

    return command


def refuse_two_readers(paths: dict[str, str | None]) -> None:
    """Refuse that two options read stdin."""
    readers = [option for option, path in paths.items() if path == "-"]
    if len(readers) > 1:
        raise click.UsageError(f"{' and '.join(readers)} cannot both be stdin")


def _load_schema(path: str, defines: frozenset[str]) -> "Interface":
    from qscope.load.from_source import open_source  # noqa: PLC0415 - a QEMU needs it not

    schema, interface = open_source(path, defines)
    note_unused_defines(schema, defines)
    return interface


def _annotate(interface: "Interface", path: str) -> "Interface":
    from qscope.load.from_source import annotate_by  # noqa: PLC0415

    annotated = annotate_by(interface, path)
    if not (annotated.annotations and annotated.annotations.type_names):
        remark(f"{path} tells nothing about this snapshot: they have nothing in common")
    return annotated


def note_unused_defines(schema: "Schema", defines: frozenset[str]) -> None:
    """Say on stderr which symbols that the user typed no condition of the schema mentions."""
    named = click.get_current_context().meta.get(_NAMED, frozenset()) & defines
    if not named or _is_quiet():
        return
    from qscope.model.near import near  # noqa: PLC0415 - needed for what is misspelt

    texts = []
    for symbol in sorted(named.difference(schema.symbols)):
        guesses = near(symbol, list(schema.symbols))
        hint = f"; did you mean {guesses[0]}?" if guesses else ""
        texts.append(f"the schema has no condition on {symbol}{hint}")
    _note_some(texts)


def note_origin(interface: "Interface", origin: str | None) -> None:
    """Say on stderr whom qscope asked when nobody was named, and what it did not understand."""
    if _is_quiet():
        return
    if origin:
        note(f"asking {origin}: {interface.identity.describe()}")
    _note_some([f"schema entry {oddity.name}: {oddity.what}" for oddity in interface.oddities])


def note_dangling(interface: "Interface") -> None:
    """Say on stderr which types the schema mentions and does not have."""
    if not _is_quiet():
        _note_some(
            [
                f"schema entry {entity} refers to type {name!r}, which is not there"
                for entity, name in dict.fromkeys(interface.find_dangling())
            ]
        )


def _note_some(texts: list[str]) -> None:
    for text in texts[:_NOTES]:
        note(f"note: {text}")
    if len(texts) > _NOTES:
        note(f"note: {len(texts) - _NOTES} more like that")


def echo_schema_error(error: SchemaError, status: int) -> int:
    """Print an error of a schema on stderr as compilers do, its own place last; return `status`."""
    text = str(error)
    if isinstance(error, DocError):
        text += " ('compile --docs ignore' does without the rules for documentation)"
    with suppress(OSError):
        click.echo("\n".join(map(make_printable, text.split("\n"))), err=True)
    return status


def note(text: str) -> None:
    """Print one line of talk on stderr, whatever a QEMU's last words or a path contain.

    Where nobody listens it is dropped: the answer does not depend on it.
    """
    with suppress(OSError):
        click.echo(f"qscope: {make_printable(' '.join(text.split()))}", err=True)


def remark(text: str) -> None:
    """Print one line of talk on stderr that -q silences."""
    if not _is_quiet():
        note(f"note: {text}")


def make_printable(line: str) -> str:
    """Return a line that does nothing to a terminal."""
    return "".join(each if each.isprintable() else "?" for each in line)


def echo_json(value: Any) -> None:
    """Print a value as JSON on stdout; what is no UTF-8 in it is escaped."""
    try:
        data = msgspec.json.encode(value)
    except UnicodeEncodeError:
        data = msgspec.json.encode(_escape(msgspec.to_builtins(value)))
    click.echo(msgspec.json.format(data, indent=2))


def _escape(value: Any) -> Any:
    """Escape in every string what JSON cannot have: bytes of a name that are no UTF-8."""
    match value:
        case str():
            return value.encode("utf-8", "backslashreplace").decode()
        case dict():
            return {_escape(key): _escape(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_escape(inner) for inner in value]
        case _:
            return value


def paint(text: str, colour: str | None = None, *, bold: bool = False) -> str:
    """Colour text, or make it bold, for a terminal, unless NO_COLOR is set."""
    if os.environ.get("NO_COLOR") or not sys.stdout.isatty():
        return text
    return click.style(text, fg=colour, bold=bold or None)


def paint_marks(marks: Iterable[str]) -> str:
    """Return features such as `deprecated` in brackets, with a space in front of each."""
    return "".join(
        " " + paint(f"[{mark}]", "yellow" if mark in ("deprecated", "unstable") else "cyan")
        for mark in marks
    )


@contextmanager
def draw_progress() -> Iterator["Progress | None"]:
    """Yield a progress callback that draws a bar on a terminal; None where there is none.

    The bar appears with the first question, so that a cached answer draws nothing.
    """
    if _is_quiet() or not sys.stderr.isatty():
        yield None
        return
    started: list[Any] = []

    def draw(done: int, total: int, doing: str) -> None:
        if not started:
            from rich.console import Console  # noqa: PLC0415 - imported only to draw
            from rich.progress import Progress as Bar  # noqa: PLC0415

            bar = Bar(console=Console(stderr=True), transient=True)
            bar.start()
            started.extend([bar, bar.add_task("asking QEMU", total=total)])
        bar, task = started
        bar.update(task, completed=done, total=total, description=doing)

    try:
        yield draw
    finally:
        if started:
            started[0].stop()

"""`qscope show --parse`: a QEMU's command line, read as QEMU reads it, option by option."""

import shlex
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import click
from msgspec import Struct

from qscope.ask import Verdict
from qscope.ask.options import find_option, list_options, presence
from qscope.ask.syntax.argument import Cpu, Parsed, parse_argument, render_argument
from qscope.ask.syntax.json_text import render_json_text
from qscope.ask.syntax.qemuopts import spell_out
from qscope.ask.syntax.words import Problem, Word, split_words
from qscope.cli.common import echo_json, make_printable, paint
from qscope.errors import ArgumentError, TargetError
from qscope.model.interface import Interface
from qscope.model.near import near
from qscope.model.option import Option


class Entry(Struct, frozen=True, omit_defaults=True):
    """One option as it was read; `error` says why it could not be, `status` how certain that is."""

    option: str
    typed: str
    position: int
    argument: str | None
    syntax: str = ""
    parsed: Any = None
    canonical: str = ""
    help: bool = False
    error: str = ""
    status: int = 0


def show_line(interface: Interface, words: Sequence[str], form: str) -> int:
    """Print how the words are read; return 0, 1 where some are malformed, 3 where none can tell.

    Raises TargetError for a program that is no QEMU.
    """
    if interface.served is not None:
        raise TargetError("--parse reads a QEMU's command line; 'check-cli' judges this program's")
    found = split_words(words, partial(find_option, interface))
    entries = [_read(interface, word) for word in found]
    if form == "json":
        echo_json([_describe(entry) for entry in entries])
    else:
        for entry in entries:
            click.echo("\n".join(_lay_out(entry)))
    statuses = {entry.status for entry in entries}
    return 1 if 1 in statuses else max(statuses)


def _read(interface: Interface, word: Word) -> Entry:
    """Read one option's argument by the option's syntax."""
    blank = Entry(word.name, word.typed, word.position, word.argument)
    option = find_option(interface, word.name) if word.name else None
    match word.problem:
        case Problem.UNKNOWN_OPTION:
            return _explain_unknown(interface, word)
        case Problem.MISSING_ARGUMENT:
            return _fail(blank, "the line ends: an argument is right")
        case Problem.STRAY:
            return _fail(blank, "a second word without '-', the first is -hda's image already")
        case Problem.IMAGE:
            return _parse(blank, Option(name="hda", arg=True, syntax=("string",)))
    assert option is not None  # split_words found it
    return _parse(blank, option)


def _parse(blank: Entry, option: Option) -> Entry:
    if blank.argument is None:
        return Entry(
            blank.option, blank.typed, blank.position, None, "flag", canonical=f"-{blank.option}"
        )
    try:
        parsed = parse_argument(option.syntax, blank.argument, option.implied_key, option.name)
        canonical = f"-{blank.option} {shlex.quote(render_argument(parsed))}"
    except ArgumentError as error:
        return _fail(blank, str(error))
    return Entry(
        blank.option,
        blank.typed,
        blank.position,
        blank.argument,
        parsed.syntax,
        parsed.value,
        canonical,
        parsed.help,
    )


def _fail(blank: Entry, error: str, status: int = 1) -> Entry:
    return Entry(
        blank.option, blank.typed, blank.position, blank.argument, error=error, status=status
    )


def _explain_unknown(interface: Interface, word: Word) -> Entry:
    blank = Entry(word.name, word.typed, word.position, word.argument)
    if presence(interface, word.name).verdict is not Verdict.NO:
        return _fail(blank, "cannot tell whether this QEMU has that option", 3)
    guesses = near(word.name, [option.name for option in list_options(interface)])
    hint = f"; did you mean {' or '.join(f'-{each}' for each in guesses)}?" if guesses else ""
    return _fail(blank, f"no such option{hint}")


def _describe(entry: Entry) -> dict[str, Any]:
    """Return an entry for JSON: what every option has, then what this one has."""
    start = {"option": entry.option, "typed": entry.typed, "argument": entry.argument}
    if entry.error:
        return start | {"position": entry.position, "error": entry.error}
    read = {"syntax": entry.syntax, "parsed": entry.parsed, "canonical": entry.canonical}
    return start | read | ({"help": True} if entry.help else {})


def _lay_out(entry: Entry) -> Iterator[str]:
    """Yield the lines of an entry: its canonical form, then a line a parameter."""
    if entry.error:
        yield make_printable(
            f"{entry.typed or repr('')} (word {entry.position + 1}): {entry.error}"
        )
        return
    syntax = "" if entry.syntax in ("flag", "string") else f"  ({entry.syntax})"
    yield paint(make_printable(entry.canonical), bold=True) + syntax
    pairs = list(_list_parameters(Parsed(entry.syntax, entry.parsed)) if entry.parsed else [])
    if entry.help:
        pairs.append(("help", "asked for: QEMU prints it and exits"))
    width = max((len(name) for name, _ in pairs), default=0)
    yield from (make_printable(f"    {name:{width}}  {text}".rstrip()) for name, text in pairs)


def _list_parameters(parsed: Parsed) -> Iterator[tuple[str, str]]:
    """Yield the parameters and their values, nested ones with dots."""
    match parsed.value:
        case Cpu(model=model, features=features):
            yield "model", model
            yield from ((each.name, each.value) for each in features)
        case tuple() as parameters:
            for each in spell_out(parameters):
                if not each.asks_for_help:
                    yield each.name, each.value
        case dict() as value:
            for name, member in value.items():
                yield from _open(member, name)


def _open(value: Any, name: str) -> Iterator[tuple[str, str]]:
    """Yield what a member has, down to texts; what is no text is shown as JSON."""
    if isinstance(value, dict | list) and value:
        named = value.items() if isinstance(value, dict) else enumerate(value)
        for key, member in named:
            yield from _open(member, f"{name}.{key}")
    else:
        yield name, value if isinstance(value, str) else render_json_text(value)

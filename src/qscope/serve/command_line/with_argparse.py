"""A command line as an argparse parser.

In: a `CommandLine`, perhaps a parser. Out: a parser. What it finds is kept in the namespace under
one name: a list of typed values for each option, until `collect` makes the struct of them.
"""

import argparse
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from msgspec import Struct

from qscope.ask.syntax.quoting import quote
from qscope.errors import ArgumentError, ServeError
from qscope.model.near import near
from qscope.serve.command_line.line import CommandLine
from qscope.serve.command_line.options import TypedOption, list_flag_words, list_spellings


def add_options(line: CommandLine, parser: argparse.ArgumentParser, dest: str = "options") -> None:
    """Add the options to a parser; `collect` takes the value from its namespace.

    Raises ServeError where the parser has one of them already.
    """
    _add_all(line, parser.add_argument_group(line.description or line.type_name), dest)


def collect(line: CommandLine, namespace: argparse.Namespace, dest: str = "options") -> Struct:
    """Return the typed value that the options of a namespace make."""
    return line.assemble(getattr(namespace, dest, {}))


def make_parser(
    line: CommandLine, dest: str = "options", **settings: Any
) -> argparse.ArgumentParser:
    """Return a parser of its own, whose namespace has the typed value under `dest`.

    `settings` are those of argparse.ArgumentParser. Its errors are one line each.
    """
    return _Parser(line, dest, **settings)


class _Parser(argparse.ArgumentParser):
    """Puts the value together when all was read."""

    def __init__(self, line: CommandLine, dest: str, **settings: Any) -> None:
        settings = {"description": line.description or None, "allow_abbrev": False} | settings
        super().__init__(**settings)
        self._line = line
        self._dest = dest
        _add_all(line, self, dest)

    def parse_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> argparse.Namespace:
        found, rest = self.parse_known_args(args, namespace)
        if rest:
            self.error(self._explain_unknown(rest))
        return found

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        found, rest = super().parse_known_args(args, namespace)
        setattr(found, self._dest, collect(self._line, found, self._dest))
        return found, rest

    def error(self, message: str) -> NoReturn:
        """Print one line and exit: with many options, usage would hide what is wrong."""
        if "ignored explicit argument" in message:
            message += ": on or off is right"
        self.exit(2, f"{self.prog}: {message}\n")

    def _explain_unknown(self, rest: list[str]) -> str:
        word = rest[0].partition("=")[0]
        if not word.startswith("-"):
            return f"unexpected argument {quote(rest[0])}: options are right (--help lists them)"
        guesses = near(word, [each for each in self._option_string_actions if "=" not in each])
        hint = f" (did you mean {' or '.join(guesses)}?)" if guesses else ""
        return f"no such option {quote(word)}{hint}; --help lists them"


class _Take(argparse.Action):
    """Reads one occurrence of an option."""

    def __init__(
        self,
        option_strings: Sequence[str],
        dest: str,
        *,
        line: CommandLine,
        option: TypedOption,
        **settings: Any,
    ) -> None:
        super().__init__(option_strings, dest, **settings)
        self._line = line
        self._option = option

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """Keep the typed value of the text, print help, or raise argparse.ArgumentError."""
        text = list_flag_words(self._option)[option_string or ""] if values == [] else values
        help_text = self._line.find_help(self._option, text)
        if help_text is not None:
            sys.stdout.write(help_text)
            parser.exit()
        try:
            value = self._line.read(self._option, text)
        except ArgumentError as error:
            raise argparse.ArgumentError(self, str(error)) from error
        for warning in self._line.find_warnings(self._option, value):
            sys.stderr.write(f"{parser.prog}: warning: {warning}\n")
        if self.dest not in namespace:
            setattr(namespace, self.dest, {})
        getattr(namespace, self.dest).setdefault(self._option.name, []).append(value)


def _add_all(line: CommandLine, target: Any, dest: str) -> None:
    """Add the options to a parser, or to a group of one."""
    for option in line.options:
        try:
            _add_option(line, target, option, dest)
        except argparse.ArgumentError as error:
            raise ServeError(f"{line.type_name}: {error}") from error


def _add_option(line: CommandLine, target: Any, option: TypedOption, dest: str) -> None:
    names = [f"--{name}" for name in list_spellings(option)]
    # argparse looks for whole words first: that is how a flag can have a value, and never takes the
    # next word for it.
    action = target.add_argument(
        *(list_flag_words(option) if option.is_flag else names),
        action=_Take,
        nargs=0 if option.is_flag else None,
        dest=dest,
        default=argparse.SUPPRESS,
        required=not option.member.optional,
        metavar=None if option.is_flag else option.metavar,
        help=option.help.replace("%", "%%") or None,
        line=line,
        option=option,
    )
    # Help names the two that say what it is.
    action.option_strings = names

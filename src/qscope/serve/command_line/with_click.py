"""A command line as options of click; imported when somebody wants click.

In: a `CommandLine`. Out: a decorator that adds the options to a command, and passes the function
one typed value.
"""

import functools
from collections.abc import Callable
from typing import Any

import click

from qscope.ask.syntax.scalars import parse_bool
from qscope.errors import ArgumentError
from qscope.serve.command_line.line import CommandLine
from qscope.serve.command_line.options import TypedOption
from qscope.serve.types.classes import name_attribute


def make_decorator(
    line: CommandLine, dest: str = "options"
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the decorator; the function has the value as its keyword argument `dest`."""
    # Of several command lines in one program each has its own place.
    key = f"{__name__}.{line.type_name}.{dest}"

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            context = click.get_current_context()
            given: dict[str, list[Any]] = context.meta.get(_locate(key, context), {})
            return function(*args, **{dest: line.assemble(given)}, **kwargs)

        decorated: Callable[..., Any] = call
        for option in reversed(line.options):
            decorated = _add_option(line, option, key, dest)(decorated)
        return decorated

    return decorate


class _Flag(click.Option):
    """A flag that can have a value, too: `--x`, `--no-x`, `--x=on`."""

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        """Let the parser take `=on`; a click whose parser works otherwise refuses it."""
        super().add_to_parser(parser, ctx)
        match_option = getattr(parser, "_match_long_opt", None)
        if match_option is None:
            return

        def match_flag(name: str, value: str | None, state: Any) -> None:
            if value is not None and name in self.opts:
                name, value = self._spell_out(value, ctx), None
            match_option(name, value, state)

        parser._match_long_opt = match_flag  # noqa: SLF001 - click has no other way

    def _spell_out(self, text: str, ctx: click.Context) -> str:
        try:
            return (self.opts if parse_bool(text) else self.secondary_opts)[0]
        except ArgumentError as error:
            raise click.BadParameter(str(error), ctx=ctx, param=self) from error


def _add_option(
    line: CommandLine, option: TypedOption, key: str, dest: str
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def take(context: click.Context, parameter: click.Parameter, given: Any) -> None:
        texts = _list_texts(given)
        # Completion parses, too, and must not be disturbed.
        if texts and not context.resilient_parsing:
            found = context.meta.setdefault(_locate(key, context), {})
            found[option.name] = [_read(line, option, each, context, parameter) for each in texts]

    settings: dict[str, Any] = {
        "callback": take,
        "expose_value": False,
        # Before other parameters: help is asked for, whatever else is missing.
        "is_eager": True,
        "required": not option.member.optional,
        "help": option.help or None,
    }
    # The command's own parameters have other names.
    name = f"_{dest}_of_qapi_{name_attribute(option.name)}"
    if option.is_flag:
        spelling = f"--{option.name}/--{option.negation}"
        return click.option(name, spelling, cls=_Flag, default=None, **settings)
    return click.option(
        name,
        f"--{option.name}",
        multiple=True,
        type=click.UNPROCESSED,
        metavar=option.metavar,
        **settings,
    )


def _locate(key: str, context: click.Context) -> str:
    """Return where values are kept: a chain of commands shares its `meta`."""
    return f"{key}.{id(context)}"


def _list_texts(given: Any) -> tuple[str, ...]:
    match given:
        case None:
            return ()
        case bool():
            return ("on" if given else "off",)
        case _:
            return tuple(given)


def _read(
    line: CommandLine,
    option: TypedOption,
    text: str,
    context: click.Context,
    parameter: click.Parameter,
) -> Any:
    """Return the typed value, print help, or raise click's error."""
    help_text = line.find_help(option, text)
    if help_text is not None:
        click.echo(help_text, nl=False)
        context.exit()
    try:
        value = line.read(option, text)
    except ArgumentError as error:
        raise click.BadParameter(str(error), ctx=context, param=parameter) from error
    for warning in line.find_warnings(option, value):
        click.echo(f"{context.command_path}: warning: {warning}", err=True)
    return value

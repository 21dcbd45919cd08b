"""The command line of a program, made of a struct of its QAPI schema.

    schema, name --options--> TypedOption --with_argparse | with_click--> text --texts--> value
    CommandLine --description--> Option entities

In: a schema, the name of a struct. Out: an argparse parser or options of click, which give one
typed value, of the kind that a server's handlers get; and the same command line as data. As QEMU
reads -blockdev: one type for the wire and for the command line, in keyval or JSON.
"""

import argparse
from collections.abc import Callable
from typing import Any, Unpack

from qscope import qapi
from qscope.serve.command_line.description import describe_line
from qscope.serve.command_line.line import CommandLine, Settings
from qscope.serve.command_line.with_argparse import add_options, collect, make_parser

__all__ = [
    "CommandLine",
    "add_options",
    "build_argparse",
    "build_click",
    "collect",
    "describe",
]


def build_argparse(
    schema: qapi.Schema,
    type_name: str,
    *,
    dest: str = "options",
    prog: str | None = None,
    **settings: Unpack[Settings],
) -> argparse.ArgumentParser:
    """Return a parser whose namespace has, under `dest`, the typed value of a command line.

    `settings` are those of `CommandLine`. A parser that is there already is given the options by
    `add_options`, and `collect` makes the value of its namespace. Raises ServeError where the type
    makes no command line, UnknownNameError where there is no such type.
    """
    return make_parser(CommandLine(schema, type_name, **settings), dest, prog=prog)


def build_click(
    schema: qapi.Schema, type_name: str, *, dest: str = "options", **settings: Unpack[Settings]
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator for a command of click, which gets the typed value as argument `dest`.

    Raises what `build_argparse` raises.
    """
    from qscope.serve.command_line.with_click import make_decorator  # noqa: PLC0415

    return make_decorator(CommandLine(schema, type_name, **settings), dest)


def describe(
    schema: qapi.Schema, type_name: str, *, unmask: bool = False, **settings: Unpack[Settings]
) -> list[dict[str, Any]]:
    """Return a command line as data: `Option` entities, and the types of their arguments.

    `unmask` keeps the names of types. Raises what `build_argparse` raises.
    """
    return describe_line(CommandLine(schema, type_name, **settings), unmask=unmask)

"""Draw a sheet: facts, then the table of properties."""

import os
import sys
from typing import Any

import click
import msgspec
from msgspec import UNSET
from rich.console import Console
from rich.table import Table
from rich.text import Text

from qscope.ask.sheet import Row, Sheet
from qscope.cli.common import make_printable, paint

_COLUMNS = {"property": "name", "type": "type", "default": "default", "description": "description"}

# In fewer columns a table is no help.
_NARROW = 72


def print_sheet(sheet: Sheet, width: int) -> None:
    """Print a sheet on stdout, at most `width` columns wide where words allow it."""
    click.echo(f"{paint(make_printable(sheet.name), bold=True)}: {sheet.kind}")
    for name, value in sheet.facts.items():
        click.echo(f"  {name:12} {make_printable(value)}")
    if sheet.unknown:
        click.echo(f"  properties are not known: {sheet.unknown}")
    if sheet.properties:
        rows = [_render(row) for row in sheet.properties]
        if width < _NARROW:
            _print_lines(rows)
        else:
            _print_table(rows, width)
    if sheet.properties is not None:
        click.echo(f"{len(sheet.properties)} {_count_what(sheet)}")


def _count_what(sheet: Sheet) -> str:
    what = "parameter" if sheet.kind.startswith("QemuOpts") else "property"
    if len(sheet.properties or ()) == 1:
        return what
    return "properties" if what == "property" else f"{what}s"


def _render(row: Row) -> dict[str, str]:
    default = "" if row.default is UNSET else _render_default(row.default)
    kind = f"{row.type} (read-only)" if row.read_only else row.type
    return {
        "property": row.name,
        "type": kind,
        "default": default,
        # QEMU's description of many is the list of their values, which is the type here.
        "description": row.description if " " in row.description else "",
    }


def _render_default(value: Any) -> str:
    return value if isinstance(value, str) and value else msgspec.json.encode(value).decode()


def _print_lines(rows: list[dict[str, str]]) -> None:
    for row in rows:
        default = f" = {row['default']}" if row["default"] else ""
        click.echo(make_printable(f"{row['property']}: {row['type']}{default}"))
        if row["description"]:
            click.echo(make_printable(f"    {row['description']}"))


def _print_table(rows: list[dict[str, str]], width: int) -> None:
    """Print the columns that have something in them."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    used = [name for name in _COLUMNS if name == "property" or any(row[name] for row in rows)]
    for name in used:
        table.add_column(name, overflow="fold", no_wrap=name == "property")
    for row in rows:
        table.add_row(*(Text(make_printable(row[name])) for name in used))
    plain = not sys.stdout.isatty() or bool(os.environ.get("NO_COLOR"))
    # With a height, or rich takes 80 columns where TERM is dumb.
    console = Console(
        width=width, height=25, no_color=plain, force_terminal=not plain, highlight=False
    )
    with console.capture() as capture:
        console.print(table)
    click.echo("\n".join(line.rstrip() for line in capture.get().splitlines()))

"""`qscope show`: a command, an event or a type as a tree a person can read."""

import shutil

import click
import msgspec

from qscope.ask import Verdict, ask, compile_path
from qscope.ask.outline import Node, find_raw, outline
from qscope.ask.sheet import find_sheet
from qscope.ask.suggest import find_starts, suggest
from qscope.cli.common import echo_json, format_option, note, with_interface
from qscope.cli.completion import complete_path
from qscope.cli.tree import render_tree
from qscope.model.interface import Interface
from qscope.model.near import near


def _check_names(
    ctx: click.Context, argument: click.Parameter, names: tuple[str, ...]
) -> tuple[str, ...]:
    """Refuse what is neither one name nor a command line before anybody is asked."""
    if not names:
        raise click.MissingParameter(ctx=ctx, param=argument)
    if len(names) > 1 and not ctx.params.get("parse"):
        raise click.UsageError(f"Got unexpected extra argument ({names[1]})", ctx)
    return names


@click.command(name="show")
@click.argument(
    "names",
    metavar="NAME|PATH | --parse -- ARG...",
    nargs=-1,
    shell_complete=complete_path,
    callback=_check_names,
)
@click.option(
    "--depth",
    type=click.IntRange(0, 100),
    default=3,
    show_default=True,
    help="How many levels of objects to open.",
)
@click.option("--raw", is_flag=True, help="Print the SchemaInfo entries, as QEMU sends them.")
@click.option(
    "--parse", is_flag=True, is_eager=True, help="Show how QEMU reads a command line instead."
)
@format_option
@with_interface
def command(
    interface: Interface, names: tuple[str, ...], depth: int, form: str, *, raw: bool, parse: bool
) -> int:
    """Show a command, an event or a type with its types inline; or a device, a machine, ….

    Of a type, each line begins with what to append to a path: '*' marks a member that is optional,
    '+' what a union gains when its tag has that value; '|' is a branch of an alternate.

    With --parse, NAME… is a QEMU's command line ('show --parse -- -drive file=a,,b,if=none'): each
    option is printed in its canonical form, then its parameters. What is malformed gets one line
    with option and place, and exit status 1; 3 where an option's syntax is not known.
    """
    if parse:
        from qscope.cli.parsing import show_line  # noqa: PLC0415 - schemas need it not

        return show_line(interface, names, form)
    (path,) = names
    answer = ask(interface, path)
    if answer.verdict is not Verdict.YES:
        source = f" ({answer.evidence})" if answer.evidence else ""
        note(f"{path}: {answer.why or 'cannot tell'}{source}{_hint(interface, path)}")
        return 1 if answer.verdict is Verdict.NO else 3
    if raw:
        _print_raw(find_raw(interface, path))
        return 0
    compiled = compile_path(path)
    if compiled.prefix == "option" and not compiled.steps:
        from qscope.cli.options import print_option  # noqa: PLC0415 - the others need it not

        return print_option(interface, compiled.name, depth, form)
    sheet = find_sheet(interface, compiled)
    shown = sheet or outline(interface, path, depth)
    width = max(shutil.get_terminal_size((100, 24)).columns, 40)
    if form == "json":
        echo_json(shown)
    elif isinstance(shown, Node):
        click.echo("\n".join(render_tree(shown, width)))
    else:
        from qscope.cli.sheet import print_sheet  # noqa: PLC0415 - it draws with rich

        print_sheet(shown, width)
    return 0


def _hint(interface: Interface, path: str) -> str:
    """Say what may have been meant: a near path, or the same name of another kind."""
    answer = ask(interface, path)
    if answer.left_out:
        return ""
    guesses = suggest(interface, path, answer)
    name = path.split("/", maxsplit=1)[0]
    if not guesses and ":" not in name:
        prefixes = ("device", "object", "machine", "cpu", "option", "qemuopts")
        others = [each for prefix in prefixes for each in find_starts(interface, prefix)]
        same = [each for each in others if each.partition(":")[2] == name]
        if same:
            return f"; did you mean {' or '.join(same)}?"
        guesses = near(name, [each.partition(":")[2] for each in others])
    return f"; did you mean {' or '.join(guesses)}?" if guesses else ""


def _print_raw(entries: list[dict[str, object]]) -> None:
    """One entry a line, as on the talk's slides."""
    lines = [msgspec.json.encode(entry).decode() for entry in entries]
    click.echo("[" + ",\n ".join(lines) + "]")

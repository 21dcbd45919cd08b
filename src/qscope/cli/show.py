"""`qscope show`: a command, an event or a type as a tree a person can read."""

import shutil
from collections.abc import Iterator

import click
import msgspec

from qscope.ask import Verdict, ask, compile_path
from qscope.ask.outline import Node, find_raw, outline
from qscope.ask.sheet import find_sheet
from qscope.ask.suggest import find_starts, suggest
from qscope.cli.common import echo_json, format_option, note, paint, paint_marks, with_interface
from qscope.cli.completion import complete_path
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
    metavar="NAME|PATH",
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
        click.echo("\n".join(_render(shown, "", "", width)))
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
        prefixes = ("device", "object", "machine", "cpu", "qemuopts")
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


def render_node(node: Node, width: int) -> Iterator[str]:
    """Yield the lines of a tree."""
    yield from _render(node, "", "", width)


def _render(node: Node, lead: str, follow: str, width: int) -> Iterator[str]:
    below = follow + ("│   " if node.members else "    ")
    yield from _wrap(lead, below, node, width)
    yield from (f"{below}{line}".rstrip() for line in _comment(node))
    shown = list(_fold(node.members))
    for position, child in enumerate(shown):
        last = position == len(shown) - 1
        yield from _render(
            child,
            follow + ("└── " if last else "├── "),
            follow + ("    " if last else "│   "),
            width,
        )


def _comment(node: Node) -> Iterator[str]:
    """Yield the lines of what a source says about a node."""
    yield from node.doc.splitlines()
    if node.comment is None:
        return
    comment = node.comment
    features = "\n".join(f"@{name}: {text}" for name, text in comment.features.items())
    features = features.replace("\n", "\n    ").replace("\n    @", "\n@")
    titled = {
        "": comment.text,
        "Features:\n": features,
        "Returns: ": comment.returns,
        "Errors: ": comment.errors,
        "Since: ": comment.since,
    }
    for title, text in titled.items():
        if text.startswith("- "):
            yield from [title.strip(), *(f"    {line}".rstrip() for line in text.splitlines()), ""]
        elif text:
            yield from f"{title}{text}\n\n".split("\n")[:-1]


def _fold(members: tuple[Node, ...]) -> Iterator[Node]:
    """Put the variants that add nothing on one line, at the end."""
    bare = [each.name for each in members if each.name.startswith("+") and each.type == "nothing"]
    yield from (each for each in members if each.name not in bare)
    if bare:
        yield Node("", values=tuple(bare), type="nothing more for")


def _wrap(lead: str, follow: str, node: Node, width: int) -> Iterator[str]:
    """Lay one node out on as many lines as its enum's values need."""
    # The whole is called by its name already when it is a type.
    known = "" if lead else node.name
    source = f" ({node.source_type})" if node.source_type not in ("", known) else ""
    parts = [part for part in (node.name, node.type and node.type + source) if part]
    line = ": ".join(parts)
    head = ": ".join([paint(node.name, bold=True), *parts[1:]]) if node.name else line
    used = len(lead) + len(line)
    text = lead + head + paint_marks(node.features)
    used += sum(len(mark) + 3 for mark in node.features)
    text += f" … as {node.see}" if node.see else " …" if node.cut else ""
    separator = " " if not node.name else " | "
    for position, value in enumerate(node.values):
        piece = (separator if position else " ") + value
        if used + len(piece) > width and position:
            yield text + (" |" if separator == " | " else "")
            text, used, piece = follow, len(follow), value
        text += piece
        used += len(piece)
    yield text

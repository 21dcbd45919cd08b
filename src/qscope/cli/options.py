"""Drawing options of the command line: the list, the talk's slide, one option."""

import fnmatch
import shutil
from collections.abc import Iterable, Iterator

import click
import msgspec

from qscope.ask.options import find_option, is_listable, list_options
from qscope.ask.options.summary import OptionSummary, summarise_options
from qscope.ask.outline import Node, outline
from qscope.cli.common import echo_json, make_printable, note, paint, paint_marks
from qscope.cli.tree import render_tree
from qscope.model.interface import Interface
from qscope.model.near import near
from qscope.model.option import Option
from qscope.model.schema_info import ObjectType

# A union with more branches is not spelled out: `show option:device/+DRIVER` does that for one.
_MOST_SPELLED_OUT = 60


def print_options(interface: Interface, pattern: str, form: str) -> int:
    """List the options that match a glob; return the exit status."""
    if not is_listable(interface):
        return _note_silence(interface)
    options = list_options(interface)
    found = [each for each in options if fnmatch.fnmatchcase(each.name, pattern)]
    if form == "json":
        echo_json(found)
    elif found:
        click.echo("\n".join(_render_rows(found)))
    if not found:
        guesses = near(pattern, [each.name for each in options])
        hint = f"; did you mean {' or '.join(guesses)}?" if guesses else ""
        note(f"no options match {pattern!r}{hint}")
    return 0 if found else 1


def print_option_summary(interface: Interface, form: str) -> int:
    """Print how many options there are, and how QEMU describes them; return the exit status."""
    if not is_listable(interface):
        return _note_silence(interface)
    summary = summarise_options(interface)
    if form == "json":
        echo_json(summary)
    else:
        click.echo("\n".join(_render_summary(summary)))
    return 0


def print_option(interface: Interface, name: str, depth: int, form: str) -> int:
    """Print what is known of an option, and its parameters as a tree; return the exit status."""
    option = find_option(interface, name)
    if option is None:
        note(f"option:{name}: it is there; nobody tells what it takes")
        return 3
    tree = _outline(interface, option, depth)
    if form == "json":
        echo_json({"option": option, "argument": tree})
        return 0
    head = f"{_find_dashes(option)}{name}{' ARG' if option.arg else ''}"
    click.echo(paint(head, bold=True) + paint_marks(list_marks(option)))
    for title, value in list_facts(option):
        click.echo(f"  {title:12} {make_printable(value)}")
    if tree is not None:
        width = max(shutil.get_terminal_size((100, 24)).columns, 40)
        click.echo("\n".join(render_tree(tree, width)))
    return 0


def _find_dashes(option: Option) -> str:
    """Return how an option begins: QEMU takes one dash as well, other programs do not."""
    return "--" if any(each.kind == "served" for each in option.evidence) else "-"


def _outline(interface: Interface, option: Option, depth: int) -> Node | None:
    if not option.arg_type:
        return None
    entity = interface.find(option.arg_type)
    large = isinstance(entity, ObjectType) and len(entity.variants) > _MOST_SPELLED_OUT
    return outline(interface, f"option:{option.name}", min(depth, 1) if large else depth)


def list_marks(option: Option) -> list[str]:
    """Return what to know before using an option, in words."""
    marks = {"deprecated": option.deprecated, "hidden": option.hidden}
    unavailable = [option.availability] if option.availability != "ok" else []
    return [name for name, holds in marks.items() if holds] + unavailable


def list_facts(option: Option) -> Iterator[tuple[str, str]]:
    """Yield what is known of an option, in words."""
    closed = {True: "yes", False: "no", None: "not known"}[option.closed]
    repeated = {"merge": "adds to the first", "list": "is another one", "last": "replaces it"}
    facts = {
        "syntax": ", ".join(option.syntax),
        "implied key": option.implied_key or "",
        "a second one": repeated.get(option.repeat or "", "") if option.arg else "",
        "closed": closed if option.arg else "",
        "known": option.completeness if option.arg else "",
        "words": " | ".join(option.words or ()),
        "stands for": option.sugar,
        "aliases": ", ".join(f"{_find_dashes(option)}{each}" for each in option.aliases),
        "QemuOpts": option.group or "",
        "evidence": "; ".join(map(str, option.evidence)),
    }
    yield from ((title, value) for title, value in facts.items() if value)


def _render_rows(options: Iterable[Option]) -> Iterator[str]:
    """Yield a line for each option: its name, argument, what is known of that, and by whom."""
    rows = list(options)
    names = [f"{_find_dashes(each)}{make_printable(each.name)}" for each in rows]
    width = max(map(len, names))
    for name, option in zip(names, rows, strict=True):
        kinds = ", ".join(dict.fromkeys(each.kind for each in option.evidence))
        argument = "ARG" if option.arg else "-"
        line = f"{name:{width}} {argument:4} {option.completeness:8} {kinds}"
        yield line.rstrip() + paint_marks(list_marks(option))


def _render_summary(summary: OptionSummary) -> Iterator[str]:
    yield f"{'options':40} {summary.total:5}"
    for name in ("deprecated", "internal", "supported"):
        yield f"  {name:38} {msgspec.structs.asdict(summary)[name]:5}"
    yield f"{'supported that take an argument':40} {summary.with_argument:5}"
    if summary.described is None:
        yield "query-command-line-options did not answer"
        return
    yield "of these query-command-line-options has"
    for judgement, names in summary.described.items():
        yield f"  {judgement:38} {len(names):5}   {', '.join(names)}".rstrip()


def _note_silence(interface: Interface) -> int:
    if interface.served is not None:
        note(f"cannot tell: query-command-line: {interface.served.silence}")
        return 3
    silence = interface.command_line.silence or "the binary was not run"
    note(f"cannot tell: {silence}, and QEMU does not say which release it is")
    return 3

"""A tree of a type as lines, as a person reads it on a terminal.

In: a `Node` of ask/outline.py. Out: lines, as wide as asked.
"""

from collections.abc import Iterator

from qscope.ask.outline import Node
from qscope.cli.common import paint, paint_marks


def render_tree(node: Node, width: int) -> Iterator[str]:
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

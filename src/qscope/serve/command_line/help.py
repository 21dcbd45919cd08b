"""What may be given as the argument of an option, for `--option help`.

In: an option, the parameters that stand beside the wish. Out: lines as QEMU's help has them: a line
a parameter, `NAME=TYPE  what the schema says of it`, in the order of the schema.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from qscope import qapi
from qscope.ask.validation.words import clip
from qscope.qapi.annotate import find_doc
from qscope.serve.command_line.options import WARNED_OF, TypedOption, find_object, first_paragraph
from qscope.serve.command_line.words import describe
from qscope.serve.types import Reading
from qscope.serve.types.nodes import Array, Enum, Features, Member, Node, Object, Scalar

# How many levels of objects are opened.
_DEEPEST = 3
# A union with more branches is not spelled out: `TAG=NAME,help` does that for one.
_MOST_BRANCHES = 8
_WIDTH = 36


class _Row(NamedTuple):
    """A parameter: how it is written, marks, what is said of it."""

    text: str
    marks: tuple[str, ...]
    doc: str


def render_help(schema: qapi.Schema, option: TypedOption, given: Mapping[str, Any]) -> str:
    """Return the lines, each with its end; `given` may have the tag whose branch is meant."""
    node = find_object(option.type)
    helper = _Helper(schema)
    if isinstance(option.type, Enum):
        lines = [f"--{option.name} takes one of these:"]
        lines += map(_lay_out, helper.list_values(option.type))
        return "".join(f"{line}\n" for line in lines)
    if node is None:
        return f"--{option.name} takes {_describe(option.type)}\n"
    lines = [f"--{option.name} takes JSON, or parameters separated by commas:"]
    lines += map(_lay_out, helper.list_rows(node, "", given, (node,)))
    if option.implied_key:
        lines.append(f"'{option.implied_key}=' may be left out where it stands first.")
    lines += helper.list_branches(node, given)
    return "".join(f"{line}\n" for line in lines)


def _lay_out(row: _Row, indent: str = "  ") -> str:
    doc = " ".join([*(f"[{mark}]" for mark in row.marks), row.doc]).strip()
    return f"{indent}{row.text:{_WIDTH}}  {doc}".rstrip()


class _Helper:
    """Lists the parameters of object types."""

    def __init__(self, schema: qapi.Schema) -> None:
        self._schema = schema

    def list_rows(
        self, node: Object, prefix: str, given: Mapping[str, Any], opened: tuple[Node, ...]
    ) -> Iterator[_Row]:
        """Yield the parameters of an object, those of the branch that is given behind them."""
        doc = find_doc(self._schema, node.name)
        for member in node.members:
            said = first_paragraph(doc.members.get(member.name, "")) if doc else ""
            yield from self._list_member(member, prefix, said, opened)
        branch = node.branches.get(str(given.get(node.tag))) if node.tag else None
        if branch is not None:
            yield from self.list_rows(branch, prefix, given, opened)

    def list_values(self, node: Enum) -> Iterator[_Row]:
        """Yield the values of an enum."""
        doc = find_doc(self._schema, node.name)
        for value, features in node.values.items():
            said = first_paragraph(doc.members.get(value, "")) if doc else ""
            yield _Row(value, _list_marks(features), said)

    def _list_member(
        self, member: Member, prefix: str, doc: str, opened: tuple[Node, ...]
    ) -> Iterator[_Row]:
        marks = (*([] if member.optional else ["mandatory"]), *_list_marks(member.features))
        name, node = f"{prefix}{member.name}", member.type
        while isinstance(node, Array):
            name, node = f"{name}.0", node.element
        if isinstance(node, Object) and node not in opened and len(opened) < _DEEPEST:
            yield _Row(f"{name}.…", marks, doc)
            yield from self.list_rows(node, f"{name}.", {}, (*opened, node))
        else:
            yield _Row(f"{name}={_describe(node)}", marks, doc)

    def list_branches(self, node: Object, given: Mapping[str, Any]) -> Iterator[str]:
        """Yield what each value of the tag adds, or how to see it."""
        if node.tag is None or given.get(node.tag) in node.branches:
            return
        branches = {case: each for case, each in node.branches.items() if each.members}
        if len(branches) > _MOST_BRANCHES:
            yield f"'{node.tag}=VALUE,help' lists what else one of them takes."
            return
        for case, branch in branches.items():
            yield f"with {node.tag}={clip(case)}:"
            for row in self.list_rows(branch, "", {}, (node, branch)):
                yield _lay_out(row)


def _list_marks(features: Features) -> Features:
    return tuple(each for each in features if each in WARNED_OF)


def _describe(node: Node) -> str:
    """Say what a parameter takes, briefly."""
    match node:
        case Scalar(name="str"):
            return "STRING"
        case Enum(values=values):
            return "|".join(map(clip, values))
        case Object(name=name):
            return f"an object, {name}"
        case _:
            return describe(node, Reading.KEYVAL)

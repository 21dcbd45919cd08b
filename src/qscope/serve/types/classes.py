"""Classes for the values of objects, and decoders that make them quickly.

In: nodes. Out: a msgspec Struct class for each object, for a union one a value of its tag. Their
attributes are the members' names with `_` for `-`, and `_` behind a keyword of Python's; an
optional member that is absent is UNSET.

A decoder accepts only what the exact reader (read.py) accepts, too, and makes the same of it. It
may refuse more: negative numbers for an unsigned type, a union within a branch of another.
"""

import keyword
import re
import sys
import types
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias, Union, assert_never

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, defstruct

from qscope.serve.types.nodes import Alternate, Array, Enum, Member, Node, Object, Scalar

# The value of each tag, outermost first: which class of a union it is.
Tags: TypeAlias = tuple[str, ...]

_NO_LETTER = re.compile(r"[^A-Za-z0-9_]")
_INT64_MIN, _INT64_MAX = -(1 << 63), (1 << 63) - 1


class _Unsupported:
    """What msgspec cannot decode: a decoder refuses any value of it."""


def _ranged(low: int, high: int) -> Any:
    return Annotated[int, Meta(ge=low, le=high)]


_SCALARS: dict[str, Any] = {
    "str": str,
    "bool": bool,
    "number": float,
    "null": None,
    "any": Any,
    "int": _ranged(_INT64_MIN, _INT64_MAX),
    "int64": _ranged(_INT64_MIN, _INT64_MAX),
    # The rest of their range is the exact reader's.
    "uint64": _ranged(0, _INT64_MAX),
    "size": _ranged(0, _INT64_MAX),
}
_SCALARS |= {f"int{bits}": _ranged(-(1 << bits - 1), (1 << bits - 1) - 1) for bits in (8, 16, 32)}
_SCALARS |= {f"uint{bits}": _ranged(0, (1 << bits) - 1) for bits in (8, 16, 32)}


class _Leaf(NamedTuple):
    """One form of an object: the tags that choose it, and all members."""

    tags: tuple[tuple[str, str], ...]
    members: tuple[Member, ...]


class Classes:
    """The classes of one schema's objects, made as they are asked for."""

    def __init__(self) -> None:
        self._module = types.ModuleType(f"qscope.serve.types.of_{id(self):x}")
        # A member may be called `list`, and hides what a class's annotations call so.
        self._module.__dict__.update(UnsetType=UnsetType, List=list)
        self._names: dict[int, str] = {}
        # Named in annotations, and not defined yet.
        self._pending: list[Enum | Object | Alternate] = []
        self._leaves: dict[Object, dict[Tags, type[Struct]]] = {}
        self._bases: dict[Object, type[Struct]] = {}

    def make(self, node: Object, tags: Tags, values: Mapping[str, Any]) -> Struct:
        """Return a value of an object; `values` has its members by their names on the wire."""
        leaf = self.find_leaves(node)[tags]
        fields = zip(leaf.__struct_encode_fields__, leaf.__struct_fields__, strict=True)
        return leaf(**{field: values[name] for name, field in fields if name in values})

    def find_base(self, node: Object) -> type[Struct]:
        """Return the class that all values of an object are instances of."""
        if node not in self._bases:
            self._bases[node] = defstruct(_name_class(node.name), ())
        return self._bases[node]

    def find_leaves(self, node: Object) -> dict[Tags, type[Struct]]:
        """Return the class for each choice of tags; without tags there is one, for `()`."""
        if node not in self._leaves:
            self._leaves[node] = {
                tuple([value for _, value in leaf.tags]): self._make_class(node, leaf)
                for leaf in _find_leaves(node, (), ())
            }
        return self._leaves[node]

    def make_decoder(self, node: Node) -> msgspec.json.Decoder[Any] | None:
        """Return a decoder of JSON, or None where msgspec has no type for it."""
        annotation = self._annotate(node)
        self._settle()
        # That is where msgspec looks up what annotations name: types may contain themselves.
        sys.modules[self._module.__name__] = self._module
        try:
            return msgspec.json.Decoder(self._evaluate(annotation))
        except (TypeError, RecursionError):
            return None
        finally:
            del sys.modules[self._module.__name__]

    def _make_class(self, node: Object, leaf: _Leaf) -> type[Struct]:
        tags = dict(leaf.tags)
        members = [each for each in leaf.members if each.name not in tags]
        fields = [self._make_field(each) for each in members]
        namespace: dict[str, Any] = {"__doc__": f"A value of {node.name}."}
        tagged: dict[str, Any] = {}
        if len(tags) == 1:
            ((name, value),) = leaf.tags
            tagged = {"tag_field": name, "tag": value}
            namespace[name_attribute(name)] = value
            namespace["__repr__"] = _show_tagged
        else:
            fields = [*(self._make_tag(each) for each in leaf.tags), *fields]
        base = self.find_base(node)
        return defstruct(
            base.__name__,
            fields,
            bases=(base,),
            module=self._module.__name__,
            namespace=namespace,
            rename={name_attribute(each): each for each in (*tags, *(m.name for m in members))},
            kw_only=True,
            forbid_unknown_fields=True,
            **tagged,
        )

    def _make_field(self, member: Member) -> Any:
        name, annotation = name_attribute(member.name), self._annotate(member.type)
        return (name, f"{annotation} | UnsetType", UNSET) if member.optional else (name, annotation)

    def _make_tag(self, tag: tuple[str, str]) -> Any:
        name, value = tag
        return (name_attribute(name), Literal[value], value)

    def _annotate(self, node: Node) -> str:
        """Return an expression for the type, which is evaluated in our module."""
        match node:
            case Scalar(name=name):
                self._module.__dict__[f"{name}_"] = _SCALARS[name]
                return f"{name}_"
            case Array(element=element):
                return f"List[{self._annotate(element)}]"
            case Enum() | Object() | Alternate():
                return self._refer(node)
            case _:
                assert_never(node)

    def _refer(self, node: Enum | Object | Alternate) -> str:
        if id(node) not in self._names:
            self._names[id(node)] = f"T{len(self._names)}"
            self._pending.append(node)
        return self._names[id(node)]

    def _settle(self) -> None:
        """Define all that annotations name."""
        settled = []
        while self._pending:
            node = self._pending.pop()
            if isinstance(node, Alternate):
                for each in node.branches:
                    self._annotate(each)
                settled.append(node)
            else:
                self._module.__dict__[self._names[id(node)]] = self._define(node)
        for alternate in settled:
            self._module.__dict__[self._names[id(alternate)]] = self._join(alternate)

    def _join(self, alternate: Alternate) -> Any:
        """Return the type of an alternate, all branches of which are defined."""
        branches = [self._evaluate(self._annotate(each)) for each in alternate.branches]
        if not branches or _Unsupported in branches:
            return _Unsupported
        return Union[tuple(branches)]  # noqa: UP007 - likewise

    def _define(self, node: Enum | Object) -> Any:
        if isinstance(node, Enum):
            return Literal[tuple(node.values)] if node.values else _Unsupported
        leaves = self.find_leaves(node)
        if node.tag is None:
            return leaves[()]
        # A branch that is a union itself has two tags. Of a union with one case, msgspec does not
        # demand the tag.
        simple = tuple(leaf for tags, leaf in leaves.items() if len(tags) == 1)
        return Union[simple] if len(simple) > 1 else _Unsupported  # noqa: UP007 - as many as that

    def _evaluate(self, annotation: str) -> Any:
        return eval(annotation, self._module.__dict__)  # noqa: S307 - we wrote it


def _show_tagged(value: Struct) -> str:
    """Return what a value looks like, its tag first, which is no field of it."""
    tag = name_attribute(str(value.__struct_config__.tag_field))
    shown = (f"{name}={getattr(value, name)!r}" for name in (tag, *value.__struct_fields__))
    return f"{type(value).__name__}({', '.join(shown)})"


def _find_leaves(
    node: Object, tags: tuple[tuple[str, str], ...], members: tuple[Member, ...]
) -> Iterator[_Leaf]:
    """Yield each form that an object has, going into branches that are unions themselves."""
    members = (*members, *node.members)
    if node.tag is None:
        yield _Leaf(tags, members)
    else:
        for value, branch in node.branches.items():
            yield from _find_leaves(branch, (*tags, (node.tag, value)), members)


def name_attribute(name: str) -> str:
    """Return what a member is called in Python."""
    name = _NO_LETTER.sub("_", name)
    return f"{name}_" if keyword.iskeyword(name) else name


def _name_class(name: str) -> str:
    return _NO_LETTER.sub("_", name.removeprefix("q_obj_"))

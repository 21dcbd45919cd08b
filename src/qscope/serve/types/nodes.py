"""Types as a graph: what the values of a schema look like, names looked up and conditions decided.

In: build.py. Out: what readers walk and classes are made of. A node is changed only while the graph
is built, since types may contain themselves.
"""

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias, assert_never

from msgspec import Struct

Features: TypeAlias = tuple[str, ...]


class Scalar(Struct, frozen=True):
    """A built-in type, by its name in the QAPI language: `int`, `uint8`, `size`, `str`, `any`."""

    name: str


class Enum(Struct, eq=False):
    """An enum: each value with its features."""

    name: str
    values: dict[str, Features] = {}


class Array(Struct, eq=False):
    """An array; `name` is QAPI's, such as `intList`."""

    name: str
    element: "Node"


class Member(NamedTuple):
    """A member of an object."""

    name: str
    type: "Node"
    optional: bool
    features: Features


class Object(Struct, eq=False):
    """A struct, or with a tag a union.

    `members` are those of the base first, as QEMU visits them. `branches` has what each value of
    the tag adds, values without a branch of their own included.
    """

    name: str
    members: tuple[Member, ...] = ()
    tag: str | None = None
    branches: dict[str, "Object"] = {}


class Alternate(Struct, eq=False):
    """A choice that the JSON type of the value makes."""

    name: str
    branches: tuple["Node", ...] = ()


Node: TypeAlias = Scalar | Enum | Array | Object | Alternate


def list_members(node: Object) -> Iterator[str]:
    """Yield the names of an object's members, those of all branches too; some more than once."""
    yield from (each.name for each in node.members)
    for branch in node.branches.values():
        yield from list_members(branch)


def contains_any(node: Node) -> bool:
    """Whether a value of the type may contain something of type `any`."""
    seen: set[int] = set()
    waiting = [node]
    while waiting:
        each = waiting.pop()
        if each == Scalar("any"):
            return True
        if id(each) not in seen:
            seen.add(id(each))
            waiting += find_parts(each)
    return False


def find_parts(node: Node) -> list[Node]:
    """Return the types that a type is made of, directly."""
    match node:
        case Scalar() | Enum():
            return []
        case Array(element=element):
            return [element]
        case Object(members=members, branches=cases):
            return [*(each.type for each in members), *cases.values()]
        case Alternate(branches=branches):
            return list(branches)
        case _:
            assert_never(node)

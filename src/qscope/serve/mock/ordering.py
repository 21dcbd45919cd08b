"""The order in which QEMU prints the members of an object: that of its hash table.

In: plain data and the type that they are of. Out: the same data, their keys in QEMU's order. Where
two keys fall into one bucket the one that was put in later comes first: that is the order of the
type's members, which a snapshot, all keys of which are sorted, has lost.
"""

from collections.abc import Iterator
from typing import Any

from qscope.serve.types.nodes import Alternate, Array, Node, Object
from qscope.serve.wire.qdict import order_keys


def arrange(value: Any, node: Node | None = None) -> Any:
    """Return plain data as QEMU would print them; without a type keys count as sorted."""
    match value:
        case list():
            array = node if isinstance(node, Array) else _find_branch(node, Array)
            element = array.element if isinstance(array, Array) else None
            return [arrange(each, element) for each in value]
        case dict():
            return _arrange_members(value, node)
        case _:
            return value


def _arrange_members(value: dict[str, Any], node: Node | None) -> dict[str, Any]:
    found = node if isinstance(node, Object) else _find_branch(node, Object)
    types = dict(_list_members(found, value)) if isinstance(found, Object) else {}
    known = [name for name in types if name in value]
    unknown = sorted(value.keys() - types.keys())
    keys = order_keys(dict.fromkeys([*known, *unknown]))
    return {key: arrange(value[key], types.get(key)) for key in keys}


def _list_members(node: Object, value: dict[str, Any]) -> Iterator[tuple[str, Node]]:
    """Yield the members of an object in the order in which QEMU's visitors put them in."""
    part: Object | None = node
    while part is not None:
        yield from ((each.name, each.type) for each in part.members)
        tag = value.get(part.tag) if part.tag is not None else None
        part = part.branches.get(tag) if isinstance(tag, str) else None


def _find_branch(node: Node | None, kind: type[Array] | type[Object]) -> Node | None:
    if isinstance(node, Alternate):
        return next((each for each in node.branches if isinstance(each, kind)), None)
    return None

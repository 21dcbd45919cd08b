"""Leaving out of a value what its type does not have: a policy hides it.

In: plain data and a node. Out: the data less all members that the type lacks. What is not of its
type stays as it is: somebody else checks that.
"""

from typing import Any, assert_never

from qscope.serve.types.nodes import Alternate, Array, Enum, Member, Node, Object, Scalar


def prune(node: Node, value: Any) -> Any:
    """Return a value with the members that its type has, and no others."""
    match node:
        case Scalar() | Enum():
            return value
        case Array(element=element):
            return [prune(element, each) for each in value] if isinstance(value, list) else value
        case Object():
            return _prune_object(node, value) if isinstance(value, dict) else value
        case Alternate(branches=branches):
            return _prune_alternate(branches, value)
        case _:
            assert_never(node)


def _prune_object(node: Object, value: dict[str, Any]) -> dict[str, Any]:
    members = {each.name: each for each in _find_members(node, value)}
    return {name: prune(members[name].type, value[name]) for name in value if name in members}


def _find_members(node: Object, value: dict[str, Any]) -> list[Member]:
    members = list(node.members)
    tag = value.get(node.tag) if node.tag is not None else None
    branch = node.branches.get(tag) if isinstance(tag, str) else None
    return members if branch is None else [*members, *_find_members(branch, value)]


def _prune_alternate(branches: tuple[Node, ...], value: Any) -> Any:
    for each in branches:
        if isinstance(each, Object if isinstance(value, dict) else Array):
            return prune(each, value)
    return value

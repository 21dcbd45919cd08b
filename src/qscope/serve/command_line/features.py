"""What is deprecated or unstable in a value that was given.

In: an option and the typed value of one occurrence. Out: places in it, and the features there.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from qscope.serve.command_line.options import WARNED_OF, TypedOption
from qscope.serve.types.nodes import Alternate, Array, Enum, Features, Node, Object


def find_features(option: TypedOption, value: Any) -> Iterator[tuple[str, str]]:
    """Yield (place, feature); the place is empty for the option itself."""
    yield from _mark("", option.member.features)
    yield from _find(option.type, msgspec.to_builtins(value), "")


def _find(node: Node, value: Any, where: str) -> Iterator[tuple[str, str]]:
    match node, value:
        case Object(), dict():
            yield from _find_in_object(node, value, where)
        case Array(element=element), list():
            for index, each in enumerate(value):
                yield from _find(element, each, f"{where}.{index}".removeprefix("."))
        case Enum(values=values), str():
            # A text may be that of an alternate's other branch.
            yield from _mark(f"{where}={value}" if where else value, values.get(value, ()))
        case Alternate(branches=branches), _:
            for branch in branches:
                yield from _find(branch, value, where)
        case _:
            pass


def _find_in_object(
    node: Object, value: Mapping[str, Any], where: str
) -> Iterator[tuple[str, str]]:
    part: Object | None = node
    while part is not None:
        for member in part.members:
            if member.name in value:
                here = f"{where}.{member.name}".removeprefix(".")
                yield from _mark(here, member.features)
                yield from _find(member.type, value[member.name], here)
        part = part.branches.get(value[part.tag]) if part.tag is not None else None


def _mark(where: str, features: Features) -> Iterator[tuple[str, str]]:
    yield from ((where, each) for each in WARNED_OF if each in features)

"""Whether the branches of an alternate can be told apart by the JSON that arrives."""

import re
from collections.abc import Iterable, Iterator
from typing import assert_never

from qscope.qapi.definitions import Alternate, Array, Branch, Builtin, Enum, Object, Type
from qscope.qapi.describe import describe
from qscope.qapi.names import C_NAMES

_BOOLEANS = frozenset(("on", "off"))
_LIKE_A_NUMBER = re.compile(r"[-+0-9.]")
# A string on the command line may be meant as one of these.
_STRINGLIKE = ("string", "number", "boolean")


def find_conflict(branches: Iterable[Branch], types: Iterable[Type]) -> str | None:
    """Say why the branches, with these types, cannot be told apart; None when they can."""
    names: dict[str, str] = {}
    taken: dict[str, str] = {}
    for branch, found in zip(branches, types, strict=True):
        other = names.setdefault(C_NAMES[branch.name], branch.name)
        if other != branch.name:
            return f"branches '{other}' and '{branch.name}' have one name in C"
        kinds = list(_find_kinds(found))
        if not kinds:
            return f"branch '{branch.name}' of an alternate cannot be of {describe(found)}"
        for kind in kinds:
            if kind in taken:
                return f"branches '{taken[kind]}' and '{branch.name}' may both be {kind} in JSON"
        taken |= dict.fromkeys(kinds, branch.name)
    return None


def _find_kinds(found: Type) -> Iterator[str]:
    """Yield the kinds of JSON that a value of this type may be; none where anything may come."""
    match found:
        case Builtin(json_type="value"):
            pass
        case Builtin(json_type="string"):
            yield from _STRINGLIKE
        case Builtin(json_type=json_type):
            yield "number" if json_type == "int" else json_type
        case Enum(values=values):
            yield "string"
            if any(value.name in _BOOLEANS for value in values):
                yield "boolean"
            if any(_LIKE_A_NUMBER.match(value.name) for value in values):
                yield "number"
        case Array():
            yield "array"
        case Object():
            yield "object"
        case Alternate():
            pass
        case _:
            assert_never(found)

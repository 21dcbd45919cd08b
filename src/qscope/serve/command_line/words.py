"""What a type takes, in words, for errors and help.

In: a node, and how values are written. Out: a few words.
"""

from collections.abc import Collection
from typing import assert_never

from qscope.ask.validation.words import clip, list_values
from qscope.serve.types import Reading
from qscope.serve.types.nodes import Alternate, Array, Enum, Node, Object, Scalar

_SCALARS = {
    "str": "a string",
    "int": "an integer",
    "int64": "an integer",
    "uint64": "0..2^64-1",
    "number": "a number",
    "null": "null",
    "any": "any value",
}
_SCALARS |= {f"uint{bits}": f"0..{(1 << bits) - 1}" for bits in (8, 16, 32)}
_SCALARS |= {f"int{bits}": f"{-(1 << bits - 1)}..{(1 << bits - 1) - 1}" for bits in (8, 16, 32)}
_AS_TEXT = {"bool": "on | off", "size": "a size, as 4096, 64K or 1.5G"}
_AS_JSON = {"bool": "true | false", "size": "a number of bytes"}


def describe(node: Node, reading: Reading) -> str:
    """Say what is right."""
    match node:
        case Scalar(name=name):
            others = _AS_TEXT if reading is Reading.KEYVAL else _AS_JSON
            return others.get(name) or _SCALARS[name]
        case Enum(values=values):
            return list_values(tuple(values))
        case Array(element=element):
            return f"an array of {describe(element, reading)}"
        case Object():
            return "parameters, as NAME=VALUE" if reading is Reading.KEYVAL else "an object"
        case Alternate(branches=branches):
            return " or ".join(describe(each, reading) for each in branches)
        case _:
            assert_never(node)


def list_names(names: Collection[str]) -> str:
    """List names, the first of them if they are many."""
    return list_values(tuple(map(clip, names))) if names else "no parameters"

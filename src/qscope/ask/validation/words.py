"""Values, names and types in words, for findings: one short line whatever was given.

In: what a user gave, or a type. Out: a few words.
"""

import json
import math
from collections.abc import Callable
from typing import Any

from qscope.ask.describe import describe_type
from qscope.ask.validation.masked import MaskedTypes, find_limits
from qscope.model.property_types import ScalarType
from qscope.model.schema_info import (
    AlternateType,
    ArrayType,
    BuiltinType,
    Entity,
    EnumType,
    ObjectType,
)

_LONGEST = 60
# More values than that are not listed.
_MOST_VALUES = 16
_MOST_CASES = 6
_MOST_DEPTH = 4
# Of so many unknown names in one object it is asked what may have been meant: it takes time.
MOST_GUESSES = 20


def clip(text: str) -> str:
    """Return a text, or its beginning if it is long; what cannot be printed is escaped."""
    short = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    return "".join(each if each.isprintable() else _escape(each) for each in short)


def _escape(letter: str) -> str:
    return letter.encode("unicode_escape").decode()


def show_value(value: Any) -> str:
    """Say what was given."""
    match value:
        case None | bool():
            return {None: "null", True: "true", False: "false"}[value]
        case str():
            return f"the string {clip(json.dumps(value, ensure_ascii=False))}"
        case int():
            return f"the number {show_integer(value)}"
        case float():
            return _show_real(value)
        case dict():
            return "an object"
        case list() | tuple():
            return "an array"
        case _:
            return f"a {type(value).__name__}, no JSON"


def _show_real(value: float) -> str:
    if math.isnan(value):
        return "nan, no JSON"
    return "a number beyond all limits" if math.isinf(value) else f"the number {value!r}"


def show_integer(value: int) -> str:
    """Return a number's digits, or how many bits it has: Python refuses to print the longest."""
    bits = value.bit_length()
    return str(value) if bits <= 256 else f"of {bits} bits"


def describe_right(
    find: Callable[[str], Entity | None],
    name: str,
    masked: MaskedTypes | None = None,
    depth: int = 0,
) -> str:
    """Say what the type called `name` takes."""
    entity = find(name)
    match entity:
        case ScalarType():
            return f"takes {describe_type(find, name)}" if not depth else describe_type(find, name)
        case BuiltinType(json_type="int"):
            words = _describe_integer(masked)
        case BuiltinType(json_type=json_type):
            words = "any value" if json_type == "value" else json_type
        case EnumType():
            words = list_values(entity.values)
        case ObjectType():
            words = "an object"
        case ArrayType() if depth < _MOST_DEPTH:
            element = describe_right(find, entity.element_type, masked, depth + 1)
            words = f"an array of {element}"
        case AlternateType() if depth < _MOST_DEPTH:
            words = " or ".join(
                describe_right(find, member.type, masked, depth + 1) for member in entity.members
            )
        case _:
            words = entity.meta_type if entity else "what is not known"
    return words if depth else f"takes {words}"


def _describe_integer(masked: MaskedTypes | None) -> str:
    kind = masked.kind if masked else None
    if kind in (None, "int", "int64"):
        return "int"
    if kind == "size":
        return "int, a size in bytes"
    assert kind is not None
    limits = find_limits(kind)
    return "int" if limits.maximum > 1 << 32 else f"int {limits.minimum}..{limits.maximum}"


def list_values(values: tuple[str, ...]) -> str:
    """List the values of an enum if they are few, else count them."""
    if len(values) > _MOST_VALUES:
        return f"one of {len(values)} values"
    return " | ".join(map(clip, values)) or "no value at all in this build"


def list_cases(cases: tuple[str, ...]) -> str:
    """List the branches that have a member, at least the first of them."""
    listed = " | ".join(map(clip, cases[:_MOST_CASES]))
    more = len(cases) - _MOST_CASES
    return f"{listed} or {more} more" if more > 0 else listed

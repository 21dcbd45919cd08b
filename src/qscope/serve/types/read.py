"""The exact reader: a value to a typed one, or QEMU's words for what is wrong with it.

In: plain data as parsed from JSON, or from keyval, and the node of its type. Out: str, int, lists
and instances of classes.py. It goes through a value in the order of QEMU's input visitor
(qapi/qobject-input-visitor.c and the code that scripts/qapi/visit.py generates), since the first
error is the only one that is reported: members in the schema's order, those of the branch behind
them, and unknown ones last.
"""

import enum
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, assert_never

from qscope.ask.syntax.scalars import parse_bool, parse_int, parse_size, parse_uint
from qscope.errors import ArgumentError, RefusalError
from qscope.serve.policy import ACCEPT, Policy
from qscope.serve.types.classes import Classes, Tags
from qscope.serve.types.nodes import Alternate, Array, Enum, Member, Node, Object, Scalar

_INT64_MIN, _INT64_MAX, _UINT64_MAX = -(1 << 63), (1 << 63) - 1, (1 << 64) - 1
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_SIGNED = {"int8": 8, "int16": 16, "int32": 32}
_UNSIGNED = {"uint8": 8, "uint16": 16, "uint32": 32}


class Reading(enum.Enum):
    """How a value is written: as a client's JSON, as text (keyval), or as JSON of our own."""

    JSON = "json"
    KEYVAL = "keyval"
    OUTPUT = "output"


class Place(NamedTuple):
    """Where a value stands: in which object or list, under which name or index."""

    within: "Place | None"
    part: str | int

    @property
    def name(self) -> str:
        """The member's own name; QEMU's visitors have none for elements of lists."""
        return self.part if isinstance(self.part, str) else "null"


def render_place(place: Place | None, reading: Reading = Reading.JSON) -> str:
    """Return a place as QEMU writes it: `a.b[0]`, in keyval `a.b.0`."""
    if place is None:
        return "<anonymous>"
    parts: list[str] = []
    while place:
        is_index = isinstance(place.part, int) and reading is not Reading.KEYVAL
        parts.append(f"[{place.part}]" if is_index else f".{place.part}")
        place = place.within
    return "".join(reversed(parts)).removeprefix(".")


# Before and since QEMU 6.0: what is said of a value that an enum does not have.
OLD_ENUM_TEXT = "Invalid parameter '{value}'"
ENUM_TEXT = "Parameter '{name}' does not accept value '{value}'"


class Reader:
    """Reads values of one schema's types."""

    def __init__(
        self,
        classes: Classes,
        reading: Reading = Reading.JSON,
        policy: Policy = ACCEPT,
        enum_text: str = ENUM_TEXT,
    ) -> None:
        self._classes = classes
        self._enum_text = enum_text
        self._reading = reading
        self._policy = policy
        self._is_text = reading is Reading.KEYVAL

    def read(self, node: Node, value: Any, place: Place | None = None) -> Any:
        """Return the typed value. Raises RefusalError with QEMU's text."""
        match node:
            case Scalar(name=name):
                return self._read_scalar(name, value, place)
            case Enum():
                return self._read_enum(node, value, place)
            case Array(element=element):
                return self._read_array(element, value, place)
            case Object():
                return self._read_object(node, value, place)
            case Alternate():
                return self._read_alternate(node, value, place)
            case _:
                assert_never(node)

    def _refuse_type(self, place: Place | None, expected: str) -> RefusalError:
        where = render_place(place, self._reading)
        return RefusalError(f"Invalid parameter type for '{where}', expected: {expected}")

    def _refuse_value(self, place: Place | None, expected: str) -> RefusalError:
        where = render_place(place, self._reading)
        return RefusalError(f"Parameter '{where}' expects {expected}")

    def _read_enum(self, node: Enum, value: Any, place: Place | None) -> str:
        if not isinstance(value, str):
            raise self._refuse_type(place, "string")
        name = place.name if place else "null"
        features = node.values.get(value)
        if features is None:
            raise RefusalError(self._enum_text.format(name=name, value=value))
        self._policy.check(features, "value", value)
        return value

    def _read_array(self, element: Node, value: Any, place: Place | None) -> list[Any]:
        if not isinstance(value, list):
            raise self._refuse_type(place, "array")
        return [self.read(element, each, Place(place, i)) for i, each in enumerate(value)]

    def _read_object(self, node: Object, value: Any, place: Place | None) -> Any:
        if not isinstance(value, dict):
            raise self._refuse_type(place, "object")
        values: dict[str, Any] = {}
        tags: Tags = ()
        part: Object | None = node
        while part is not None:
            self._read_members(part.members, value, values, place)
            if part.tag is None:
                break
            tags = (*tags, values[part.tag])
            part = part.branches[values[part.tag]]
        for name in value:
            if name not in values:
                where = render_place(Place(place, name), self._reading)
                raise RefusalError(f"Parameter '{where}' is unexpected")
        return self._classes.make(node, tags, values)

    def _read_members(
        self,
        members: tuple[Member, ...],
        value: Mapping[str, Any],
        values: dict[str, Any],
        place: Place | None,
    ) -> None:
        """Read members into `values`."""
        for member in members:
            here = Place(place, member.name)
            if member.name in value:
                if member.features:
                    self._policy.check(member.features, "parameter", member.name)
                values[member.name] = self.read(member.type, value[member.name], here)
            elif not member.optional:
                where = render_place(here, self._reading)
                raise RefusalError(f"Parameter '{where}' is missing")

    def _read_alternate(self, node: Alternate, value: Any, place: Place | None) -> Any:
        # Of texts, what is no string comes first: "on" is a boolean where there is one.
        branches = sorted(node.branches, key=_is_string) if self._is_text else node.branches
        branch = next((each for each in branches if self._suits(each, value)), None)
        if branch is None:
            name = place.name if place else "null"
            raise RefusalError(f"Invalid parameter type for '{name}', expected: {node.name}")
        return self.read(branch, value, place)

    def _suits(self, branch: Node, value: Any) -> bool:
        """Whether a value chooses this branch; a text chooses the first that can read it."""
        if self._is_text and isinstance(value, str) and not _is_string(branch):
            return isinstance(branch, Scalar) and self._can_read(branch, value)
        return _JSON_TYPES[type(value)] == _find_json_type(branch)

    def _can_read(self, branch: Scalar, value: str) -> bool:
        try:
            self._read_scalar(branch.name, value, None)
        except RefusalError:
            return False
        return True

    def _read_scalar(self, name: str, value: Any, place: Place | None) -> Any:
        if name == "any":
            return value
        if self._is_text and isinstance(value, str) and name != "str":
            return self._read_text(name, value, place)
        match name:
            case "str":
                if not isinstance(value, str):
                    raise self._refuse_type(place, "string")
                return value
            case "bool":
                if not isinstance(value, bool):
                    raise self._refuse_type(place, "boolean")
                return value
            case "null":
                if value is not None:
                    raise self._refuse_type(place, "null")
                return None
            case "number":
                if type(value) not in (int, float):
                    raise self._refuse_type(place, "number")
                return float(value)
            case _:
                return self._read_integer(name, value, place)

    def _read_integer(self, name: str, value: Any, place: Place | None) -> int:
        if name in _UNSIGNED or name in ("uint64", "size"):
            return self._read_unsigned(name, value, place)
        if type(value) is not int or not _INT64_MIN <= value <= _INT64_MAX:
            raise self._refuse_type(place, "integer")
        bits = _SIGNED.get(name, 64)
        if not -(1 << bits - 1) <= value < 1 << bits - 1:
            raise _refuse_range(place, name)
        return value

    def _read_unsigned(self, name: str, value: Any, place: Place | None) -> int:
        # "For backward compatibility" clients may send a negative number for a large one.
        low = 0 if self._reading is Reading.OUTPUT else _INT64_MIN
        if type(value) is not int or not low <= value <= _UINT64_MAX:
            raise self._refuse_value(place, "uint64")
        number: int = value & _UINT64_MAX
        if number >> _UNSIGNED.get(name, 64):
            raise _refuse_range(place, name)
        return number

    def _read_text(self, name: str, text: str, place: Place | None) -> Any:
        """Read a scalar of the command line."""
        try:
            value = _parse(name, text)
        except (ArgumentError, ValueError) as error:
            reason = f": {error}" if isinstance(error, ArgumentError) else ""
            raise self._refuse_value(place, f"{_CALLED.get(name, name)}{reason}") from error
        if name in _SIGNED or name in _UNSIGNED:
            return self._read_integer(name, value, place)
        return value


def _parse_number(text: str) -> float:
    """Read a number as C's strtod() does, but no infinity (qemu_strtod_finite)."""
    number = float(text) if _NUMBER.fullmatch(text) else math.inf
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _parse(name: str, text: str) -> Any:
    if name == "null":
        raise ArgumentError("text is never null")
    return _PARSERS.get(name, parse_uint if name.startswith("u") else parse_int)(text)


_PARSERS: dict[str, Callable[[str], Any]] = {
    "bool": parse_bool,
    "size": parse_size,
    "number": float,
}
_CALLED = {"bool": "'on' or 'off'", "number": "a number"}

_JSON_TYPES: dict[type, str] = {
    str: "string",
    int: "number",
    float: "number",
    bool: "boolean",
    dict: "object",
    list: "array",
    type(None): "null",
}
_SCALARS = {"str": "string", "bool": "boolean", "null": "null"}


def _is_string(branch: Node) -> bool:
    return _find_json_type(branch) == "string"


def _find_json_type(branch: Node) -> str:
    match branch:
        case Scalar(name=name):
            return _SCALARS.get(name, "number")
        case Enum():
            return "string"
        case Array():
            return "array"
        case Object():
            return "object"
        case Alternate():
            raise TypeError("an alternate's branch is no alternate")
        case _:
            assert_never(branch)


def _refuse_range(place: Place | None, name: str) -> RefusalError:
    return RefusalError(f"Parameter '{place.name if place else 'null'}' expects {name}_t")

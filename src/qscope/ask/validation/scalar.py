"""Whether a scalar is one that its type takes.

In: a type, a value, how QEMU reads it, which integer type it is. Out: a `Complaint`, or None.
"""

import math
from typing import Any, NamedTuple

from qscope.ask.finding import Severity
from qscope.ask.syntax.scalars import NEWEST, Dialect, parse_bool, parse_int, parse_size, parse_uint
from qscope.ask.validation.formats import find_format_error
from qscope.ask.validation.masked import Limits, find_limits
from qscope.ask.validation.reader import Reader
from qscope.errors import ArgumentError
from qscope.model.property_types import ScalarType
from qscope.model.schema_info import BuiltinType

_UINT64 = 2**64
# What model/property_types.py calls the type of a device's block sizes.
_BLOCK_SIZE = "qom:block-size"


class Complaint(NamedTuple):
    """What is wrong with a scalar; `right` if the type alone does not say it."""

    rule: str
    right: str = ""
    severity: Severity = Severity.ERROR
    evidence: str = ""


_WRONG_TYPE = Complaint("wrong-type")


class Scalar(NamedTuple):
    """A scalar type, and what introspection does not tell of it.

    `kind` is the integer type if the table knows it; `dialect` is how this QEMU reads strings.
    """

    entity: BuiltinType
    kind: str | None = None
    dialect: Dialect = NEWEST

    @property
    def is_size(self) -> bool | None:
        """Whether a string may have a suffix (None: it is not known)."""
        if isinstance(self.entity, ScalarType):
            return self.entity.format == "size"
        return None if self.kind is None else self.kind == "size"

    @property
    def limits(self) -> Limits:
        """The range of an integer."""
        entity = self.entity
        if isinstance(entity, ScalarType) and entity.maximum is not None:
            minimum = entity.minimum or 0
            if minimum == 0 and entity.maximum == _UINT64 - 1:
                return find_limits("uint64")
            return Limits(minimum, entity.maximum)
        return find_limits(self.kind)


def judge_scalar(scalar: Scalar, value: Any, reader: Reader) -> Complaint | None:
    """Say what is wrong with a value (None: nothing)."""
    json_type = scalar.entity.json_type
    if json_type == "value":
        return None
    if reader is Reader.STRICT:
        return _judge_json(scalar, value)
    if not isinstance(value, str):
        return _WRONG_TYPE
    match json_type:
        case "string":
            return _judge_format(scalar, value)
        case "boolean":
            return _judge_boolean(value)
        case "int":
            return _judge_digits(scalar, value)
        case "number":
            return _judge_number(value)
        case "null":
            return None if reader is Reader.STRING and not value else _WRONG_TYPE
        case _:
            return Complaint("type-unknown", severity=Severity.UNKNOWN)


def _judge_json(scalar: Scalar, value: Any) -> Complaint | None:
    match scalar.entity.json_type, value:
        case "boolean", bool():
            return None
        case _, bool():
            return _WRONG_TYPE
        case ("null", None) | ("number", int()):
            return None
        case "number", float():
            return _WRONG_TYPE if math.isnan(value) else None
        case "string", str():
            return _judge_format(scalar, value)
        case "int", int():
            return _judge_range(scalar, value)
        case (("boolean" | "null" | "number" | "string" | "int"), _):
            return _WRONG_TYPE
        case _:
            return Complaint("type-unknown", severity=Severity.UNKNOWN)


def _judge_range(scalar: Scalar, value: int) -> Complaint | None:
    limits = scalar.limits
    if scalar.entity.name == _BLOCK_SIZE:
        fits = value == 0 or (512 <= value <= limits.maximum and value.bit_count() == 1)
        right = f"takes 0 or a power of two from 512 to {limits.maximum}"
        return None if fits else Complaint("block-size", right)
    if limits.minimum <= value <= limits.maximum:
        return None
    evidence = "table" if scalar.kind and not isinstance(scalar.entity, ScalarType) else ""
    return Complaint("out-of-range", _describe(scalar, limits), evidence=evidence)


def _describe(scalar: Scalar, limits: Limits) -> str:
    if scalar.kind in ("uint64", "size") or limits == find_limits("uint64"):
        return "takes 0..2^64-1"
    if limits == find_limits("int"):
        return "takes -2^63..2^63-1"
    return f"takes {limits.minimum}..{limits.maximum}"


def _judge_format(scalar: Scalar, text: str) -> Complaint | None:
    form = scalar.entity.format if isinstance(scalar.entity, ScalarType) else ""
    right = find_format_error(form, text) if form else ""
    return Complaint("format", f"takes {right}") if right else None


def _judge_boolean(text: str) -> Complaint | None:
    try:
        parse_bool(text)
    except ArgumentError:
        return Complaint("wrong-type", "takes on | off")
    return None


def _judge_digits(scalar: Scalar, text: str) -> Complaint | None:
    """Judge an integer written as a string."""
    if scalar.is_size:
        return _judge_size(scalar, text)
    # As C's strtoull() does, an unsigned one takes a sign; -1 is then the largest.
    parsers = (parse_uint,) if scalar.limits.minimum == 0 else (parse_int, parse_uint)
    if scalar.limits == find_limits("int"):
        parsers = (parse_int,)
    for parse in parsers:
        try:
            return _judge_range(scalar, parse(text))
        except ArgumentError:
            continue
    return _judge_suffix(scalar, text)


def _judge_suffix(scalar: Scalar, text: str) -> Complaint:
    if scalar.is_size is None:
        try:
            parse_size(text, scalar.dialect)
        except ArgumentError:
            return _WRONG_TYPE
        right = "takes int; whether it takes a size with a suffix is not known"
        return Complaint("size-unknown", right, Severity.UNKNOWN)
    return _WRONG_TYPE


def _judge_size(scalar: Scalar, text: str) -> Complaint | None:
    try:
        number = parse_size(text, scalar.dialect)
    except ArgumentError as error:
        return Complaint("wrong-type", f"takes a size, as 4096, 64K or 1.5G ({error})")
    return _judge_range(scalar, number)


def _judge_number(text: str) -> Complaint | None:
    try:
        number = float(text)
    except ValueError:
        return _WRONG_TYPE
    return None if math.isfinite(number) and "_" not in text else _WRONG_TYPE

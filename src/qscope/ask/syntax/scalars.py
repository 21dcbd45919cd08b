"""Numbers, sizes and booleans as QEMU reads them from a command line: text in, a value out.

Each parser takes the whole text and raises an ArgumentError that says what would be right.
Measured on QEMU 5.2, 7.2, 10.0 and 11.1, which differ in sizes: hence `Dialect`.
"""

import enum
import math
import re
from fractions import Fraction

from qscope.ask.syntax.quoting import quote
from qscope.errors import ArgumentError

_INT64_MIN, _INT64_MAX, _UINT64_MAX = -(1 << 63), (1 << 63) - 1, (1 << 64) - 1
_HALF = Fraction(1, 2)
_TRUE = ("on", "yes", "true", "y")
_FALSE = ("off", "no", "false", "n")
# What C's isspace() knows; strtol() and its kin skip it.
_BLANK = r"[ \t\n\v\f\r]*"
# Binary is the C library's: glibc 2.38 reads 0b11, older ones do not (QEMU 5.2 and 7.2 as built by
# Debian refuse it, 10.0 and 11.1 take it).
_INTEGER = re.compile(
    rf"{_BLANK}([+-]?)(?:0x([0-9a-f]+)|0b([01]+)|(0[0-7]*)|([1-9][0-9]*))", re.ASCII | re.I
)
_SUFFIXES = "BKMGTPE"
_DECIMAL_SIZE = re.compile(
    rf"{_BLANK}([+-]?)([0-9]*)(\.?)([0-9]*)([{_SUFFIXES}]?)", re.ASCII | re.I
)
_HEX_SIZE = re.compile(rf"{_BLANK}([+-]?)0x([0-9a-f]+)([{_SUFFIXES}]?)", re.ASCII | re.I)
# What C's strtod() reads, but for "inf" and "nan".
_FLOAT_SIZE = re.compile(
    rf"{_BLANK}([+-]?(?:"
    r"0x(?:[0-9a-f]+\.?[0-9a-f]*|\.[0-9a-f]+)(?:p[+-]?[0-9]+)?|"
    r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?"
    rf"))([{_SUFFIXES}]?)",
    re.ASCII | re.I,
)


class Dialect(enum.Enum):
    """How a QEMU reads sizes; named by the first release that does so."""

    # Up to 5.2: sizes are floating point (1e3, 0x1p3M).
    V2_5 = "2.5"
    # 6.0 to 8.0: digits are needed before the point, hex with a suffix is deprecated.
    V6_0 = "6.0"
    # Since 8.1: .5G is taken again, hex with a suffix is refused.
    V8_1 = "8.1"


NEWEST = Dialect.V8_1


def parse_bool(text: str) -> bool:
    """Return the boolean that a word stands for, by QEMU's rules since 5.2."""
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise ArgumentError(f"{quote(text)} is no boolean: 'on' or 'off' is right")


def parse_int(text: str) -> int:
    """Return a signed 64-bit integer: decimal, 0x, 0 for octal, perhaps 0b (qemu_strtoi64)."""
    number = _read_integer(text)
    if not _INT64_MIN <= number <= _INT64_MAX:
        raise ArgumentError(f"{quote(text)} is out of range: {_INT64_MIN} to {_INT64_MAX} is right")
    return number


def parse_uint(text: str) -> int:
    """Return an unsigned 64-bit integer; as for strtoull(), -1 is the largest (qemu_strtou64).

    So are the numbers of QemuOpts lists read (util/qemu-option.c).
    """
    number = _read_integer(text)
    if not -_UINT64_MAX <= number <= _UINT64_MAX:
        raise ArgumentError(f"{quote(text)} is out of range: 0 to {_UINT64_MAX} is right")
    return number & _UINT64_MAX


def parse_size(text: str, dialect: Dialect = NEWEST) -> int:
    """Return a number of bytes: a number with B, K, M, G, T, P or E behind it (qemu_strtosz)."""
    size = _read_float_size(text) if dialect is Dialect.V2_5 else _read_size(text, dialect)
    if size is None:
        raise ArgumentError(
            f"{quote(text)} is no size: a number and perhaps one of B, K, M, G, T, P, E is right"
        )
    if not 0 <= size <= _UINT64_MAX:
        raise ArgumentError(f"{quote(text)} is out of range: 0 to 2^64-1 bytes is right")
    return size


def _read_integer(text: str) -> int:
    found = _INTEGER.fullmatch(text)
    if not found:
        raise ArgumentError(f"{quote(text)} is no integer: digits are right, 0x for hexadecimal")
    sign, *spelled = found.groups()
    base, digits = next(each for each in zip((16, 2, 8, 10), spelled, strict=True) if each[1])
    number = _read_digits(digits, base)
    return -number if sign == "-" else number


def _read_digits(digits: str, base: int) -> int:
    """Return a number, 2^64 for very many digits: Python refuses to read them."""
    digits = digits.lstrip("0") or "0"
    return int(digits, base) if len(digits) <= 64 else _UINT64_MAX + 1


def _read_size(text: str, dialect: Dialect) -> int | None:
    """Return a size by the rules of 6.0 and later, None where it is malformed."""
    if found := _HEX_SIZE.fullmatch(text):
        sign, digits, suffix = found.groups()
        if suffix and dialect is not Dialect.V6_0:
            return None
        amount = Fraction(_read_digits(digits, 16))
    elif found := _DECIMAL_SIZE.fullmatch(text):
        sign, whole, point, part, suffix = found.groups()
        if not whole and (not part or dialect is Dialect.V6_0):
            return None
        amount = Fraction(_read_digits(whole, 10))
        # A double holds the fraction: 1.99999999999999999999 is 2.
        amount += Fraction(float(f"0{point}{part}"))
    else:
        return None
    return -1 if sign == "-" else _scale(amount, suffix)


def _read_float_size(text: str) -> int | None:
    """Return a size by the rules of 5.2 and earlier, None where it is malformed."""
    found = _FLOAT_SIZE.fullmatch(text)
    if not found:
        return None
    number, suffix = found.groups()
    try:
        value = float.fromhex(number) if "x" in number.lower() else float(number)
        amount = Fraction(value)
    except OverflowError:
        return _UINT64_MAX + 1
    size = _scale(amount, suffix, rounding=Fraction(0))
    # As doubles, the last 1,024 sizes are 2^64.
    return size if size is None or size < (1 << 64) - 1024 else _UINT64_MAX + 1


def _scale(amount: Fraction, suffix: str, rounding: Fraction = _HALF) -> int | None:
    """Multiply by what the suffix stands for, in whole bytes; None for a fraction of bytes."""
    scale = 1024 ** max(_SUFFIXES.find(suffix.upper()), 0) if suffix else 1
    if scale == 1 and amount.denominator != 1:
        return None
    return math.floor(amount * scale + rounding)

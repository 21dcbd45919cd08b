"""Numbers as QEMU takes and prints them (qobject/json-parser.c, qobject/qnum.c)."""

import math

_MIN = -(2**63)
_MAX = 2**64 - 1

# The longest text of a number of 64 bits.
_MAX_DIGITS = 20


def decode_integer(text: str) -> int | float:
    """Return a number that was written without point and exponent: beyond 64 bits it is a float."""
    if len(text) <= _MAX_DIGITS:
        value = int(text)
        if _MIN <= value <= _MAX:
            return value
    return float(text)


def encode_float(value: float) -> str:
    """Return a float in 17 digits. QEMU would print `inf`, which is no JSON; 1e999 reads as it."""
    if math.isinf(value):
        return "1e999" if value > 0 else "-1e999"
    if math.isnan(value):
        raise ValueError("NaN is no JSON")
    return f"{value:.17g}"

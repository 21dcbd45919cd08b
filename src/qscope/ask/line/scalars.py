"""Numbers and booleans of parameters, as JSON has them or as text (syntax/scalars.py).

In: a parameter's value. Out: what it stands for, None where it is missing or malformed: what is
malformed is the finding of whoever judges its type, and no reason for another one.
"""

import re
from collections.abc import Callable

from qscope.ask.syntax.scalars import parse_bool, parse_int, parse_size, parse_uint
from qscope.errors import ArgumentError

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def read_bool(value: object) -> bool | None:
    """Return a boolean."""
    if isinstance(value, bool):
        return value
    try:
        return parse_bool(value) if isinstance(value, str) else None
    except ArgumentError:
        return None


def read_int(value: object) -> int | None:
    """Return a signed number."""
    return _read(parse_int, value)


def read_uint(value: object) -> int | None:
    """Return an unsigned number; of text, -1 is the largest."""
    return _read(parse_uint, value)


def read_number(value: object) -> int | None:
    """Return a number, whatever way it is written in: signed, unsigned, or a size."""
    found = (_read(parse, value) for parse in (parse_int, parse_uint, parse_size))
    return next((number for number in found if number is not None), None)


def is_descriptor(text: str) -> bool:
    """Whether a text is the number of a file descriptor, and not the name of one."""
    return text.isascii() and text.isdigit()


def is_uuid(text: str) -> bool:
    """Whether a text is a UUID, which QEMU takes in one form (util/uuid.c)."""
    return _UUID.fullmatch(text) is not None


def _read(parse: Callable[[str], int], value: object) -> int | None:
    if type(value) is int:
        return value
    try:
        return parse(value) if isinstance(value, str) else None
    except ArgumentError:
        return None

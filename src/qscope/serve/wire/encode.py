"""Values to JSON as QEMU prints it (qobject/json-writer.c): ASCII, with blanks, 17 digits.

It never recurses, since an id may be nested as deep as the reader allows.
"""

import re
from collections.abc import Callable, Iterator
from json.encoder import encode_basestring_ascii
from typing import Any

from qscope.serve.wire.numbers import encode_float
from qscope.serve.wire.strings import INVALID_CHARACTER

_INDENT = "    "

# What is escaped by a number with letters in it: Python prints \u001f, QEMU \u001F.
_WITH_LETTERS = re.compile("([\x0b\x0e\x0f\x1a-\x1f\x7f-\U0010ffff]+)")

# What is yet to be printed of a container: what stands before each value, and the value.
_Items = Iterator[tuple[str, Any]]


def encode_value(value: Any, *, pretty: bool = False) -> bytes:
    """Return a value as JSON, without line end. Keys keep their order; infinity is 1e999.

    TypeError and ValueError say what is no JSON: other types, NaN, keys that are no strings.
    """
    parts: list[str] = []
    # The containers that are open around `items`, and what closes each of them.
    around: list[tuple[_Items, str]] = []
    items: _Items = iter([("", value)])
    while True:
        entered = None
        for lead, item in items:
            encode = _SCALARS.get(type(item)) or _find_scalar(item)
            if encode is None:
                parts.append(lead)
                entered = item
                break
            parts.append(lead + encode(item))
        if entered is not None:
            opening, inner, closing = _enter(entered, len(around), pretty=pretty)
            parts.append(opening)
            around.append((items, closing))
            items = inner
        elif around:
            items, closing = around.pop()
            parts.append(closing)
        else:
            return "".join(parts).encode("ascii")


def _enter(container: Any, depth: int, *, pretty: bool) -> tuple[str, _Items, str]:
    """Return what opens a container, what is in it, and what closes it."""
    first, others, end = "", ", ", ""
    if pretty:
        end = "\n" + _INDENT * depth
        first = end + _INDENT
        others = "," + first
    if isinstance(container, dict):
        return "{", _iterate_dict(container, first, others), end + "}"
    if isinstance(container, list | tuple):
        return "[", _iterate_list(container, first, others), end + "]"
    raise TypeError(f"{type(container).__name__} is no JSON")


def _iterate_dict(container: dict[Any, Any], lead: str, others: str) -> _Items:
    for key, value in container.items():
        if not isinstance(key, str):
            raise TypeError(f"{type(key).__name__} is no key in JSON")
        yield f"{lead}{_encode_string(key)}: ", value
        lead = others


def _iterate_list(container: list[Any] | tuple[Any, ...], lead: str, others: str) -> _Items:
    for value in container:
        yield lead, value
        lead = others


def _encode_string(text: str) -> str:
    if text.isascii() and text.isprintable():
        return encode_basestring_ascii(text)
    parts = _WITH_LETTERS.split(INVALID_CHARACTER.sub("\ufffd", text))
    parts[::2] = [encode_basestring_ascii(part)[1:-1] for part in parts[::2]]
    parts[1::2] = [_escape(part) for part in parts[1::2]]
    return f'"{"".join(parts)}"'


def _escape(text: str) -> str:
    """Return characters as the escapes of their UTF-16 units."""
    units = text.encode("utf-16-be").hex("-", 2)
    return "\\u" + units.upper().replace("-", "\\u")


_SCALARS: dict[type, Callable[[Any], str]] = {
    str: _encode_string,
    bool: lambda value: "true" if value else "false",
    int: int.__repr__,
    float: encode_float,
    type(None): lambda _: "null",
}


def _find_scalar(value: Any) -> Callable[[Any], str] | None:
    """Return how a value of a derived type, such as an enumeration's, is printed."""
    for base in (str, int, float):
        if isinstance(value, base):
            return _SCALARS[base]
    return None

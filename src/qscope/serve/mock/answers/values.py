"""Values that an answer may have: JSON that QEMU could read.

In: what tomllib read, or JSON text. Out: plain data, or words about what is wrong.
"""

import datetime
import json
import math
import re
from collections.abc import Iterator
from typing import Any

from qscope.errors import ServeError

_INT64_MIN, _UINT64_MAX = -(1 << 63), (1 << 64) - 1
# Enough for whoever writes it by hand, and for every result of a real QEMU.
MOST_DEPTH = 64
_SURROGATE = re.compile("[\ud800-\udfff]")
# Of a place in a message.
_MOST_LETTERS = 80


def parse_json(key: str, text: str) -> Any:
    """Return the value of JSON text; `key` is where it stands. Raises ServeError."""
    try:
        return json.loads(text, object_pairs_hook=_make_object)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise ServeError(f"{key}: no JSON: {where}: {error.msg}") from error
    except RecursionError as error:
        raise ServeError(f"{key}: nested more than {MOST_DEPTH} deep") from error
    except ValueError as error:
        raise ServeError(f"{key}: {error}") from error


def _make_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for key, value in pairs:
        if key in members:
            raise ValueError(f"no JSON: the key '{key}' stands twice in one object")
        members[key] = value
    return members


def check_values(place: str, value: Any) -> None:
    """Raise ServeError for what is no JSON that QEMU could read."""
    waiting = [(place, value, 0)]
    while waiting:
        where, each, depth = waiting.pop()
        if depth > MOST_DEPTH:
            raise ServeError(f"{where[:_MOST_LETTERS]}…: nested more than {MOST_DEPTH} deep")
        if wrong := _find_wrong(each):
            raise ServeError(f"{where}: {wrong}")
        parts = [(inner, part, depth + 1) for inner, part in _list_parts(where, each)]
        waiting += reversed(parts)


def _list_parts(where: str, value: Any) -> Iterator[tuple[str, Any]]:
    match value:
        case dict():
            for key, part in value.items():
                yield f"{where}.{key}" if where else key, part
        case list():
            for number, part in enumerate(value):
                yield f"{where}[{number}]", part
        case _:
            pass


def _find_wrong(value: Any) -> str | None:
    match value:
        case datetime.date() | datetime.time():
            return "a date or time is no JSON: it is right in quotes"
        case float() if not math.isfinite(value):
            return "a number is finite in JSON"
        case int() if not _INT64_MIN <= value <= _UINT64_MAX:
            return "an integer has 64 bits: with a point behind it (1.0e19) it is a number"
        case str() if _SURROGATE.search(value):
            return "half of a surrogate pair is no character"
        case dict() if any(map(_SURROGATE.search, value)):
            return "half of a surrogate pair is no character"
        case _:
            return None

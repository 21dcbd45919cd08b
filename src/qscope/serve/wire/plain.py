"""The messages that nearly all are, at the speed of Python's own JSON parser.

It stands in for lexer and parser where they surely agree: an object that lies whole in its piece,
in ASCII, without escapes of what may be no character. What only one of them would take is refused
here; what is refused goes to the exact ones. A test holds the two together.
"""

import json
import re
from typing import Any

from qscope.serve.wire.assembly import Limits
from qscope.serve.wire.numbers import decode_integer

_SPACE = re.compile(r"[ \t\r\n]*+")

# Half of a pair, or no character.
_DOUBTFUL = re.compile(r"\\u(?i:d[89a-f]|fd[de]|fff)")


def skip_space(text: str, start: int) -> int:
    """Return where the first byte is that is no white space."""
    found = _SPACE.match(text, start)
    assert found is not None
    return found.end()


def decode_plain(text: str, start: int, limits: Limits) -> tuple[Any, int] | None:
    """Return the value that begins at `start` and where it ends; None: it is not surely right."""
    if not text.isascii() or not text.startswith("{", start):
        return None
    try:
        value, end = _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        return None
    if _DOUBTFUL.search(text, start, end) or not _is_within(text, start, end, limits):
        return None
    return value, end


def _is_within(text: str, start: int, end: int, limits: Limits) -> bool:
    """Whether a value surely keeps the limits: brackets within strings count, too."""
    brackets = text.count("{", start, end) + text.count("[", start, end)
    return end - start < min(limits.bytes, limits.tokens) and brackets <= limits.depth


def _build_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("duplicate key")
    return result


def _decode_float(text: str) -> float:
    # To QEMU, 0e5 is a number and a keyword.
    if text.lstrip("-")[:2] in {"0e", "0E"}:
        raise ValueError(text)
    return float(text)


def _refuse_constant(text: str) -> Any:
    raise ValueError(text)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_build_object,
    parse_int=decode_integer,
    parse_float=_decode_float,
    parse_constant=_refuse_constant,
)

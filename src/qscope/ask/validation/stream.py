"""Messages in a text: one, one a line, laid out over many lines, or a dialogue in a document.

In: text. Out: a `Message` for each JSON value of a client, with the line it begins at. In a
dialogue `->` is in front of what the client sends, `<-` of what the server sends. A value that is
malformed does not spoil those behind it. Next stage: validate.py.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from qscope.ask.syntax.json_text import parse_json_text
from qscope.errors import ArgumentError

# What json_text.py does not go beyond, either: QEMU's own limit.
DEEPEST = 1024
_BLANK = re.compile(r"\s*")
_ARROW = re.compile(r"(->|<-|[CS]:)\s*")
_TOKEN = re.compile(
    r"(?P<string>\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*')|(?P<open>[{\[])|(?P<close>[}\]])"
    r"|(?P<blank>\s)|(?P<other>.)"
)
_SCALAR = re.compile(r"[^\s{\[\]}\"']+")
# A line that begins a message anew, whatever is unclosed in front of it.
_ANEW = re.compile(r"\n(?=\{|->|<-)")
_LINE = re.compile(r"\A(JSON, line )(\d+)")
_FROM_CLIENT = ("->", "C:")
_SERVER_KEYS = frozenset(("QMP", "return", "error", "event"))
_CLIENT_KEYS = frozenset(("execute", "exec-oob"))


class Message(NamedTuple):
    """What a client sends: a value, or why it is none; `line` counts from 1."""

    line: int
    value: Any = None
    error: str = ""


def split_messages(text: str) -> list[Message]:
    """Return all messages of a text in their order, those of a server left out."""
    found = list(_read_all(text))
    if len(found) > 1:
        found = [each for each in found if not _is_from_server(each.value)]
    return found


def _is_from_server(value: Any) -> bool:
    keys = value.keys() if isinstance(value, dict) else set()
    return not _SERVER_KEYS.isdisjoint(keys) and _CLIENT_KEYS.isdisjoint(keys)


def _read_all(text: str) -> Iterator[Message]:
    position, line, counted = _skip(text, 0), 1, 0
    while position < len(text):
        line += text.count("\n", counted, position)
        counted = position
        arrow = _ARROW.match(text, position)
        start = arrow.end() if arrow else position
        end = _find_end(text, start)
        is_ours = arrow is None or arrow[1] in _FROM_CLIENT
        message = _read(text[start:end], line)
        if message.error:
            end = _recover(text, start, end)
        if is_ours:
            yield message
        position = _skip(text, max(end, position + 1))


def _recover(text: str, start: int, end: int) -> int:
    """Return where to go on behind a malformed value: at the next message, or on the next line."""
    if text[start : start + 1] not in ("{", "["):
        end = max(end, text.find("\n", start))
    anew = _ANEW.search(text, start, end)
    return anew.end() if anew else end


def _skip(text: str, position: int) -> int:
    found = _BLANK.match(text, position)
    return found.end() if found else position


def _read(text: str, line: int) -> Message:
    try:
        return Message(line, parse_json_text(text, DEEPEST))
    except ArgumentError as error:
        # Lines of a value are lines of the text.
        why = _LINE.sub(lambda found: f"{found[1]}{int(found[2]) + line - 1}", str(error), count=1)
        return Message(line, error=why)


def _find_end(text: str, start: int) -> int:
    """Return where the value ends that begins at `start`: where all is closed, or the text ends."""
    depth = 0
    if scalar := _SCALAR.match(text, start):
        return scalar.end()
    for token in _TOKEN.finditer(text, start):
        depth += {"open": 1, "close": -1}.get(token.lastgroup or "", 0)
        if depth <= 0:
            return token.end()
    return len(text)

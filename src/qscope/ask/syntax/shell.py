"""A command line as somebody wrote it for a shell, or as libvirt logged it: text into words.

Quotes, backslashes, comments and line breaks (with a backslash or without) are read as sh does;
nothing is expanded: `$IMAGE` and `*` stay as they are. shlex of the standard library takes `a#b`
for a comment and keeps the break of a continued line.
"""

import re
from collections.abc import Iterator

from qscope.ask.syntax.quoting import quote
from qscope.errors import ArgumentError

_PIECE = re.compile(
    r"(?P<nothing>\\\n)|"
    r"'(?P<single>[^']*)'|"
    r'"(?P<double>(?:[^"\\]|\\.)*)"|'
    r"\\(?P<escaped>.)|"
    r"(?P<blank>[ \t\r\n]+)|"
    r"(?P<operator>[;&|<>()])|"
    r"(?P<open>['\"])|"
    r"(?P<plain>[^ \t\r\n'\"\\;&|<>()]+|\\\Z)",
    re.DOTALL,
)
_IN_DOUBLE = re.compile(r"\\(?:\n|([\"\\$`]))")
_COMMENT = re.compile(r"#[^\n]*")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")


def split_line(text: str) -> tuple[str, ...]:
    """Return the words of a command line without what stands before the options.

    That is the program, and assignments in front of it. Raises ArgumentError for a quote without
    its end, for an operator such as | or > that is not quoted, and for a NUL.
    """
    if "\0" in text:
        raise ArgumentError("there is a NUL in it: no program can be given one")
    words = tuple(_split(text))
    start = 0
    while start < len(words) and _ASSIGNMENT.match(words[start]):
        start += 1
    has_program = start < len(words) and not words[start].startswith("-")
    return words[start + has_program :]


def _split(text: str) -> Iterator[str]:
    word: str | None = None
    position = 0
    while position < len(text):
        if word is None and (comment := _COMMENT.match(text, position)):
            position = comment.end()
            continue
        found = _PIECE.match(text, position)
        assert found is not None  # every character begins a piece
        position = found.end()
        match found.lastgroup:
            case "nothing":
                continue
            case "blank":
                if word is not None:
                    yield word
                word = None
            case "operator" | "open":
                raise ArgumentError(_explain(found))
            case _:
                word = (word or "") + _read_piece(found)
    if word is not None:
        yield word


def _read_piece(found: re.Match[str]) -> str:
    piece = found[str(found.lastgroup)]
    if found.lastgroup == "double":
        return _IN_DOUBLE.sub(lambda each: each[1] or "", piece)
    return piece


def _explain(found: re.Match[str]) -> str:
    line = found.string.count("\n", 0, found.start()) + 1
    if found.lastgroup == "open":
        return (
            f"line {line}: the quote {found[0]} has no end: {quote(found.string[found.start() :])}"
        )
    return f"line {line}: {found[0]!r} means something to a shell: in quotes it is right"

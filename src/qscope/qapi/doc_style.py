"""How the lines of a documentation comment are set: QEMU 10.2's rules; literal blocks are free.

In: lines of a comment. Out: what is wrong with one, or whether anything is.
"""

import re

_MAX_COLUMNS = 70
_INDENT = re.compile(r"\s*")
_SCHEMES = ("http://", "https://", "ftp://")
_LITERAL = re.compile(r"(?:\.\. +qmp-example)? *::$")
_STOP = re.compile(r"[.!?] [A-Z0-9(]")
# What stands before a full stop that ends no sentence: the number of a list's item, or "e.g".
_NO_SENTENCE = re.compile(r" *\d|(?:.*\W)?e\.g", re.DOTALL)
# One pattern each: only what begins with one certain character is searched for quickly.
_find_long = re.compile(rf"\n.{{{_MAX_COLUMNS + 1}}}").search
_find_stop = re.compile(r"\. [A-Z0-9(]").search
_find_exclamation = re.compile(r"! [A-Z0-9(]").search
_find_question = re.compile(r"\? [A-Z0-9(]").search


def measure_indent(line: str) -> int:
    """Return how far a line is indented."""
    match = _INDENT.match(line)
    assert match is not None
    return match.end()


def may_have_bad_style(raw: str) -> bool:
    """Return whether a comment has a line that would break a rule outside a literal block."""
    return bool(_find_long(raw) or _find_stop(raw) or _find_exclamation(raw) or _find_question(raw))


def keeps_style(raw: str) -> bool:
    """Return whether all lines of a comment, which begin with `# `, keep the rules."""
    if not may_have_bad_style(raw):
        return True
    style = Style()
    return not any(style.judge(line[2:].rstrip())[0] for line in raw.split("\n"))


class Style:
    """Judges how the lines of a comment are set, since QEMU 10.2; literal blocks are free."""

    def __init__(self) -> None:
        self._literal = False
        self._indent = 0

    def judge(self, line: str) -> tuple[str, int]:
        """Return what is wrong with a line, and how far into the line it is."""
        if line[-2:] == "::" and _LITERAL.match(line):
            self._literal, self._indent = True, 0
        elif self._literal and line:
            indent = measure_indent(line)
            self._indent = self._indent or indent
            self._literal = indent >= self._indent
        return ("", 0) if self._literal else _judge_line(line)


def _judge_line(line: str) -> tuple[str, int]:
    if len(line) + 2 > _MAX_COLUMNS and not _is_address(line):
        return f"line of documentation with more than {_MAX_COLUMNS} characters", 0
    for match in _STOP.finditer(line):
        start = match.start()
        if line[start] != "." or not _NO_SENTENCE.fullmatch(line, 0, start):
            return "one space between sentences, where two belong", start + 3
    return "", 0


def _is_address(line: str) -> bool:
    """Return whether a line is a URL alone, which cannot be broken."""
    words = line.lstrip(" ")
    return words.startswith(_SCHEMES) and " " not in words

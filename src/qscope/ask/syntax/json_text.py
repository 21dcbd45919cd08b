"""JSON as QEMU reads it (qobject/json-*.c): text in, plain data out, and back.

Beyond RFC 8259 strings may stand in single quotes. Refused although legal: a key twice, escaped or
plain code points that are no characters (U+FFFE, lone surrogates). An integer beyond 64 bits is a
floating point number. QEMU 5.2 to 11.1 agree about what is right, and have other words for it.
"""

import re
from typing import Any, NoReturn

from qscope.ask.syntax.keyval import DEEPEST
from qscope.ask.syntax.quoting import quote
from qscope.errors import ArgumentError

_TOKEN = re.compile(
    r"[ \t\r\n]*(?:"
    r"(?P<punctuation>[{}\[\]:,])|"
    r"(?P<string>\"(?:[^\"\\\x00-\x1f]|\\[^\x00-\x1f])*\"|'(?:[^'\\\x00-\x1f]|\\[^\x00-\x1f])*')|"
    r"(?P<number>(?P<integer>-?(?:0|[1-9][0-9]*))(?P<real>(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?))|"
    r"(?P<keyword>[a-z]+)|"
    r"(?P<end>\Z)|"
    r"(?P<stray>.))",
    re.DOTALL,
)
_KEYWORDS = {"true": True, "false": False, "null": None}
_PAIR = r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_ESCAPE = re.compile(rf"{_PAIR}|\\u[0-9a-fA-F]{{4}}|\\.", re.DOTALL)
_ESCAPED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"} | {
    each: each for each in "\"'\\/"
}
_WRITTEN = {'"': '\\"', "\\": "\\\\"} | {chr(code): f"\\u{code:04x}" for code in range(32)}
_LONGEST_INTEGER = len("-18446744073709551615")


def parse_json_text(text: str, deepest: int = DEEPEST) -> Any:
    """Return the one value that the text is. Raises ArgumentError with its line and column.

    It is nested in no more than `deepest` levels; each of them takes three frames of Python's.
    """
    reader = _Reader(text, deepest)
    value = reader.read_value()
    if reader.kind != "end":
        reader.complain("something behind the value", "one value is right")
    return value


class _Reader:
    """Reads a text token by token; the current one has been looked at, and not taken."""

    def __init__(self, text: str, deepest: int) -> None:
        self._text = text
        self._deepest = deepest
        self._depth = 0
        self._advance(0)

    def _advance(self, position: int) -> None:
        """Look at the token there."""
        found = _TOKEN.match(self._text, position)
        assert found is not None  # the end or any character will do
        self._found = found
        self.kind = "number" if found.lastgroup in ("integer", "real") else str(found.lastgroup)
        self._word = found[self.kind]

    def complain(self, wrong: str, right: str) -> NoReturn:
        """Raise what is wrong with the current token."""
        start = self._found.start(self.kind)
        line = self._text.count("\n", 0, start) + 1
        column = start - (self._text.rfind("\n", 0, start) + 1) + 1
        raise ArgumentError(f"JSON, line {line}, column {column}: {wrong}; {right}")

    def _expect(self, *punctuation: str) -> str:
        """Take one of the characters."""
        token = self._word
        if self.kind != "punctuation" or token not in punctuation:
            self.complain(self._describe(), f"{' or '.join(map(repr, punctuation))} is right")
        self._advance(self._found.end())
        return token

    def _describe(self) -> str:
        if self.kind == "end":
            return "the text ends"
        unclosed = self.kind == "stray" and self._word in "\"'"
        return "a string without its end" if unclosed else f"unexpected {quote(self._word)}"

    def _sees(self, punctuation: str) -> bool:
        return self.kind == "punctuation" and self._word == punctuation

    def read_value(self) -> Any:
        """Take a value."""
        if self.kind == "punctuation":
            return self._read_nested()
        if self.kind == "string":
            return self._read_string()
        if self.kind not in ("number", "keyword"):
            self.complain(self._describe(), "a value is right")
        return self._read_plain()

    def _read_nested(self) -> dict[str, Any] | list[Any]:
        self._depth += 1
        if self._depth > self._deepest:
            self.complain("nested too deep", f"{self._deepest} levels are right")
        if self._sees("{"):
            value: dict[str, Any] | list[Any] = self._read_object()
        elif self._sees("["):
            value = self._read_array()
        else:
            self.complain(self._describe(), "a value is right")
        self._depth -= 1
        return value

    def _read_plain(self) -> float | bool | None:
        """Take a number or one of true, false and null."""
        if self.kind == "keyword" and self._word not in _KEYWORDS:
            self.complain(self._describe(), "a value is right")
        found = self._found
        self._advance(found.end())
        return _KEYWORDS[found["keyword"]] if found["keyword"] else _read_number(found)

    def _read_object(self) -> dict[str, Any]:
        self._expect("{")
        members: dict[str, Any] = {}
        while not (self._sees("}") and not members):
            if self.kind != "string":
                self.complain(self._describe(), "a member's name in quotes is right")
            start = self._found
            name = self._read_string()
            if name in members:
                self._found, self.kind = start, "string"
                self.complain(f"member {quote(name)} for the second time", "once is right")
            self._expect(":")
            members[name] = self.read_value()
            if self._expect(",", "}") == "}":
                return members
        self._expect("}")
        return members

    def _read_array(self) -> list[Any]:
        self._expect("[")
        elements: list[Any] = []
        while not (self._sees("]") and not elements):
            elements.append(self.read_value())
            if self._expect(",", "]") == "]":
                return elements
        self._expect("]")
        return elements

    def _read_string(self) -> str:
        try:
            value = _ESCAPE.sub(_unescape, self._word[1:-1])
        except ArgumentError as error:
            self.complain(str(error), "another character is right")
        if bad := next((each for each in value if not _is_character(each)), None):
            self.complain(f"U+{ord(bad):04X} in a string", "a character of UTF-8 is right")
        self._advance(self._found.end())
        return value


def _unescape(found: re.Match[str]) -> str:
    escape = found[0]
    if len(escape) > 6:
        return bytes.fromhex(escape.replace("\\u", "")).decode("utf-16-be")
    if len(escape) == 6:
        return chr(int(escape[2:], 16))
    if escape[1] not in _ESCAPED:
        raise ArgumentError(f"invalid escape {quote(escape)}")
    return _ESCAPED[escape[1]]


def _is_character(letter: str) -> bool:
    """Whether it is a Unicode scalar value, and none that is "no character" for ever."""
    code = ord(letter)
    return code & 0xFFFE != 0xFFFE and not 0xD800 <= code <= 0xDFFF and not 0xFDD0 <= code <= 0xFDEF


def _read_number(found: re.Match[str]) -> int | float:
    integer, real = found["integer"], found["real"]
    if not real and len(integer) <= _LONGEST_INTEGER:
        number = int(integer)
        if -(1 << 63) <= number < 1 << 64:
            return number
    return float(integer + real)


def render_json_text(value: Any) -> str:
    """Return the text in its canonical form: no blanks, double quotes, members in their order."""
    match value:
        case dict():
            pairs = (f"{_write(name)}:{render_json_text(each)}" for name, each in value.items())
            return "{" + ",".join(pairs) + "}"
        case list() | tuple():
            return "[" + ",".join(map(render_json_text, value)) + "]"
        case str():
            return _write(value)
        case None | bool():
            return {None: "null", True: "true", False: "false"}[value]
        case _:
            # Larger than a double: QEMU reads it as infinity.
            return repr(value).replace("inf", "1e999")


def _write(text: str) -> str:
    return '"' + "".join(_WRITTEN.get(each, each) for each in text) + '"'

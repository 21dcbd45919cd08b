"""Bytes to tokens, as QEMU's lexer cuts them (qobject/json-lexer.c): it never fails, it reports.

Bytes arrive in any pieces and are held as Latin-1 text, a character a byte. One regular expression
takes a token that lies whole in its piece. A token that does not, or that is none, goes through
the states below, which a piece's end suspends; each byte is looked at once, however it arrives.
The tokens go to the assembly.
"""

import re
from collections import deque
from typing import NamedTuple

from qscope.serve.wire.place import Place

# Kinds of tokens. A stray is the text up to the byte that fits no token, that byte included.
MARK = "mark"
STRING = "string"
INTEGER = "integer"
FLOAT = "float"
KEYWORD = "keyword"
STRAY = "stray"
OVERSIZE = "oversize"

_KINDS = frozenset({MARK, STRING, INTEGER, FLOAT, KEYWORD, STRAY})

# No string holds a control byte or FE, FF, which UTF-8 never uses. DEL is no control byte here.
_BAD = r"\x00-\x1f\xfe\xff"

# What ends before a byte must see that byte: a number or keyword at a piece's end matches nothing.
# A zero takes no exponent: 0e5 is the number 0 and the keyword e.
_TOKEN = re.compile(
    rf"""[ \t\r\n]*+(?:
    (?P<{MARK}>[{{}}\[\]:,])
    |(?P<{STRING}>"(?:[^"\\{_BAD}]++|\\[^{_BAD}])*+"|'(?:[^'\\{_BAD}]++|\\[^{_BAD}])*+')
    |(?P<{INTEGER}>-?(?:0(?=[^0-9.])|[1-9][0-9]*+(?=[^0-9.eE])))
    |(?P<{KEYWORD}>[a-z]++(?=[^a-z]))
    |(?P<{FLOAT}>-?(?:(?:0|[1-9][0-9]*+)\.[0-9]++(?:(?=[^0-9eE])|[eE][-+]?[0-9]++(?=[^0-9]))
        |[1-9][0-9]*+[eE][-+]?[0-9]++(?=[^0-9])))
    )""",
    re.VERBOSE,
)


# The last bytes of the tokens that end before a byte of another kind.
_LOOKED_BEYOND = frozenset("0123456789abcdefghijklmnopqrstuvwxyz")


class _State(NamedTuple):
    """Where the lexer is within a token, or between two."""

    stay: re.Pattern[str]  # the bytes that change nothing
    moves: dict[str, str]  # a byte -> the state it leads to, or the kind of token it completes
    other: str = STRAY  # where any other byte leads; it stays unread unless it is the stray one


def _move(targets: dict[str, str]) -> dict[str, str]:
    return {byte: target for bytes_, target in targets.items() for byte in bytes_}


_DIGITS = "0123456789"
_NOTHING = re.compile("")
_SOME_DIGITS = re.compile("[0-9]*+")
_ANY_IN_STRING = "".join(map(chr, range(0x20, 0xFE)))

_STATES = {
    "start": _State(
        re.compile(r"[ \t\r\n]*+"),
        _move(
            {
                "{}[]:,": MARK,
                '"': "double",
                "'": "single",
                "-": "sign",
                "0": "zero",
                _DIGITS[1:]: "digits",
                "abcdefghijklmnopqrstuvwxyz": "word",
            }
        ),
    ),
    "double": _State(
        re.compile(rf'(?:[^"\\{_BAD}]++|\\[^{_BAD}])*+'), {'"': STRING, "\\": "double-escape"}
    ),
    "double-escape": _State(_NOTHING, _move({_ANY_IN_STRING: "double"})),
    "single": _State(
        re.compile(rf"(?:[^'\\{_BAD}]++|\\[^{_BAD}])*+"), {"'": STRING, "\\": "single-escape"}
    ),
    "single-escape": _State(_NOTHING, _move({_ANY_IN_STRING: "single"})),
    "sign": _State(_NOTHING, _move({"0": "zero", _DIGITS[1:]: "digits"})),
    "zero": _State(_NOTHING, _move({_DIGITS: STRAY, ".": "point"}), INTEGER),
    "digits": _State(_SOME_DIGITS, _move({".": "point", "eE": "exponent"}), INTEGER),
    "point": _State(_NOTHING, _move({_DIGITS: "fraction"})),
    "fraction": _State(_SOME_DIGITS, _move({"eE": "exponent"}), FLOAT),
    "exponent": _State(_NOTHING, _move({"+-": "exponent-sign", _DIGITS: "exponent-digits"})),
    "exponent-sign": _State(_NOTHING, _move({_DIGITS: "exponent-digits"})),
    "exponent-digits": _State(_SOME_DIGITS, {}, FLOAT),
    "word": _State(re.compile("[a-z]*+"), {}, KEYWORD),
    # Behind a stray byte all is skipped up to structure, a control byte but the tab, FE or FF:
    # there a new message may begin (the guest agent's clients send FF to get in step).
    "recovery": _State(re.compile(r"[^\x00-\x08\x0a-\x1f\xfe\xff{}\[\]:,]*+"), {}, "start"),
}


class Lexer:
    """Cuts what `feed` brought into tokens: `read` returns the next one's kind, `text` is its text.

    A token longer than `limit` bytes is an OVERSIZE one, which ends there: what follows is lexed
    afresh, as QEMU does it.
    """

    def __init__(self, limit: int) -> None:
        self.text = ""
        self._limit = limit
        self._piece = ""
        self._at = 0
        self._later: deque[str] = deque()
        self._later_size = 0
        self._state = "start"
        self._begun: list[str] = []
        self._begun_size = 0
        self._begun_place: Place | None = None
        self._start = 0
        # Where the piece's byte of index `_measured` is, the byte before the piece, and the index
        # where a recovery ended.
        self._place = Place()
        self._measured = 0
        self._before = ""
        self._recovered = -1

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        if data:
            self._later.append(data.decode("latin-1"))
            self._later_size += len(data)

    @property
    def unread(self) -> int:
        """How many bytes are not lexed yet, or belong to an unfinished token."""
        return len(self._piece) - self._at + self._later_size + self._begun_size

    @property
    def is_between(self) -> bool:
        """Whether no token and no recovery is begun."""
        return self._state == "start"

    def read(self) -> str | None:
        """Return the kind of the next token; None: more bytes are needed."""
        while self._at < len(self._piece) or self._turn():
            kind = self._match() or self._step()
            if kind is not None:
                return kind
        return None

    def peek(self) -> tuple[str, int]:
        """Return the piece at hand, and the index in it that is to be read next."""
        if self._at == len(self._piece):
            self._turn()
        return self._piece, self._at

    def skip_to(self, index: int) -> None:
        """Go on at this index of the piece: somebody else has read what is before it."""
        self._at = index

    def pass_over(self, data: bytes) -> None:
        """Count bytes that somebody else has read while nothing was unread here."""
        self._turn()
        self._place = self._place.pass_over(data.decode("latin-1"), 0, len(data))
        self._before = ""

    def locate(self) -> Place:
        """Return where QEMU 11.1 says that the token just read begins."""
        return self._begun_place or self._find_place()

    def _find_place(self) -> Place:
        """Return where the token begins, as QEMU sees it.

        That is a column late if nothing is between it and a number, a keyword or a recovery: their
        end is noticed when the byte behind them has been counted (json-lexer.c of 11.1).
        """
        place = self._measure(self._start)
        before = self._piece[self._start - 1] if self._start else self._before
        if self._start == self._recovered or before in _LOOKED_BEYOND:
            return place._replace(column=place.column + 1)
        return place

    def _turn(self) -> bool:
        """Go to the next piece; False: there is none."""
        self._measure(len(self._piece))
        self._before = self._piece[-1:] or self._before
        self._piece = self._later.popleft() if self._later else ""
        self._later_size -= len(self._piece)
        self._at = self._measured = 0
        self._recovered = -1
        return bool(self._piece)

    def _measure(self, index: int) -> Place:
        self._place = self._place.pass_over(self._piece, self._measured, index)
        self._measured = index
        return self._place

    def _match(self) -> str | None:
        """Take a token that lies whole in the piece, which most do."""
        if self._state != "start":
            return None
        found = _TOKEN.match(self._piece, self._at)
        if found is None or (kind := found.lastgroup) is None:
            return None
        start, end = found.span(kind)
        if end - start > self._limit:
            return None
        self.text = self._piece[start:end]
        self._start, self._at = start, end
        self._begun_place = None
        return kind

    def _step(self) -> str | None:
        """Skip what is to be skipped; go on with a token, whose kind is returned at its end."""
        if self._state == "recovery":
            self._skip()
            if self._at < len(self._piece):
                self._state = "start"
                self._recovered = self._at
            return None
        if self._state == "start":
            self._skip()
            if self._at == len(self._piece):
                return None
            self._start = self._at
            self._begun_place = None
        return self._walk()

    def _skip(self) -> None:
        found = _STATES[self._state].stay.match(self._piece, self._at)
        assert found is not None
        self._at = found.end()

    def _walk(self) -> str | None:
        """Go from state to state up to the token's end, or to the end of the piece."""
        piece, at, name = self._piece, self._at, self._state
        end = min(len(piece), at + self._limit + 1 - self._begun_size)
        while True:
            state = _STATES[name]
            found = state.stay.match(piece, at, end)
            assert found is not None
            at = found.end()
            if at == end:
                return self._suspend(name, at)
            byte = piece[at]
            name = state.moves.get(byte, state.other)
            if name == STRAY or byte in state.moves:
                at += 1
            if name in _KINDS:
                return self._finish(name, at)

    def _suspend(self, state: str, end: int) -> str | None:
        if self._begun_size + end - self._at > self._limit:
            return self._finish(OVERSIZE, end)
        if not self._begun:
            self._begun_place = self._find_place()
        self._begun.append(self._piece[self._at : end])
        self._begun_size += end - self._at
        self._state, self._at = state, end
        return None

    def _finish(self, kind: str, end: int) -> str:
        self.text = "".join([*self._begun, self._piece[self._at : end]])
        self._begun.clear()
        self._begun_size = 0
        self._state, self._at = ("recovery" if kind == STRAY else "start"), end
        return kind

"""Tokens to what a client is answered to: whole values, and one fault for each mistake.

QEMU up to 11.0 parses a value when its brackets balance, so that one message has one fault. Since
11.1 a fault is said at once, and what follows is passed over until the brackets balance. Both have
the same limits, which bound the memory that a client can claim. Facts from qobject/json-streamer.c.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from qscope.serve.wire.lexer import MARK, STRAY
from qscope.serve.wire.parser import JSONDialect, JSONSyntaxError, Parser, word_stray
from qscope.serve.wire.place import Place
from qscope.serve.wire.strings import decode_output


class Limits(NamedTuple):
    """The most that one value may have: bytes in its tokens, tokens, and open brackets."""

    bytes: int
    tokens: int
    depth: int


class Fault(NamedTuple):
    """A mistake in the JSON; `desc` is the whole text of the error."""

    desc: str


class Parsed(NamedTuple):
    """A JSON value."""

    value: Any


_PREFIX = "JSON parse error, "
_TOO_LONG = "JSON token size limit exceeded"
_TOO_MANY = "JSON token count limit exceeded"
_TOO_DEEP = "JSON nesting depth limit exceeded"

# QEMU formats what it says of a value into 1024 bytes, the closing NUL included.
_MAX_TEXT = 1023

_BRACES = {"{": 1, "}": -1}
_BRACKETS = {"[": 1, "]": -1}


class PatientAssembly:
    """QEMU up to 11.0: a value is judged when its brackets balance, or one count is negative."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._parser = Parser(JSONDialect.V2_5)
        self._restart()

    def _restart(self) -> None:
        self._size = 0
        self._tokens = 0
        self._braces = 0
        self._brackets = 0
        self._fault: str | None = None
        self._parser.reset()

    @property
    def is_between(self) -> bool:
        """Whether no value is begun."""
        return not self._tokens

    @property
    def held(self) -> int:
        """How many bytes the unfinished value has; behind a fault it is not kept."""
        return self._size if self._fault is None else 0

    def push(self, kind: str, text: str, locate: Callable[[], Place]) -> Parsed | Fault | None:  # noqa: ARG002
        """Take the next token; return what it completes, if anything."""
        if kind == MARK:
            self._braces += _BRACES.get(text, 0)
            self._brackets += _BRACKETS.get(text, 0)
        self._size += len(text)
        self._tokens += 1
        if kind == STRAY:
            # Its text is the one that QEMU never cuts.
            return self._emit(Fault(_PREFIX + decode_output(word_stray(text))))
        if (excess := self._find_excess()) is not None:
            return self._emit(Fault(excess))
        self._parse(kind, text)
        open_ = self._braces, self._brackets
        if max(open_) > 0 and min(open_) >= 0:
            return None
        if self._fault is not None:
            return self._emit(Fault(_PREFIX + decode_output(self._fault[:_MAX_TEXT])))
        return self._emit(Parsed(self._parser.value))

    def _find_excess(self) -> str | None:
        # A NUL behind the token counts.
        if self._size + 1 > self._limits.bytes:
            return _TOO_LONG
        if self._tokens > self._limits.tokens:
            return _TOO_MANY
        return _TOO_DEEP if self._braces + self._brackets > self._limits.depth else None

    def _parse(self, kind: str, text: str) -> None:
        """Let the parser have the token; what follows a fault is only counted."""
        if self._fault is not None:
            return
        try:
            self._parser.push(kind, text)
        except JSONSyntaxError as error:
            self._fault = str(error)
            self._parser.reset()

    def _emit(self, outcome: Parsed | Fault) -> Parsed | Fault:
        self._restart()
        return outcome


class EagerAssembly:
    """QEMU since 11.1: a fault is said at once and where it is; the value's rest is passed over."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._parser = Parser(JSONDialect.V11_1)
        self._restart()

    def _restart(self) -> None:
        self._size = 0
        self._tokens = 0
        self._braces = 0
        self._brackets = 0
        self._is_recovering = False
        self._parser.reset()

    @property
    def is_between(self) -> bool:
        """Whether no value is begun."""
        return not self._tokens

    @property
    def held(self) -> int:
        """How many bytes the unfinished value has; behind a fault it is not kept."""
        return 0 if self._is_recovering else self._size

    def push(self, kind: str, text: str, locate: Callable[[], Place]) -> Parsed | Fault | None:
        """Take the next token; return what it completes, if anything."""
        self._count(kind, text)
        outcome = None if self._is_recovering else self._judge(kind, text, locate)
        if not self._braces and not self._brackets:
            self._restart()
        return outcome

    def _count(self, kind: str, text: str) -> None:
        self._size += len(text)
        self._tokens += 1
        if kind == MARK:
            self._braces += _BRACES.get(text, 0)
            self._brackets += _BRACKETS.get(text, 0)
        if kind == STRAY or self._braces < 0 or self._brackets < 0:
            self._braces = self._brackets = 0

    def _judge(self, kind: str, text: str, locate: Callable[[], Place]) -> Parsed | Fault | None:
        outcome: Parsed | Fault | None = None
        if (excess := self._find_excess()) is not None:
            outcome = Fault(excess)
        else:
            try:
                if self._parser.push(kind, text):
                    return Parsed(self._parser.value)
            except JSONSyntaxError as error:
                text = decode_output(str(error)[:_MAX_TEXT])
                outcome = Fault(f"{locate()}: {_PREFIX}{text}")
        if outcome is not None:
            self._is_recovering = True
            self._parser.reset()
        return outcome

    def _find_excess(self) -> str | None:
        if self._size > self._limits.bytes:
            return _TOO_LONG
        if self._tokens > self._limits.tokens:
            return _TOO_MANY
        return _TOO_DEEP if self._braces + self._brackets > self._limits.depth else None

"""Tokens to what a client is answered to: whole values, and one fault for each mistake.

QEMU up to 11.0 parses a value when its brackets balance, so that one message has one fault. Since
11.1 a fault is said at once, and what follows is passed over until the brackets balance. Both have
the same limits, which bound the memory that a client can claim. Facts from qobject/json-streamer.c.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, NamedTuple

from qscope.serve.wire.lexer import MARK, STRAY
from qscope.serve.wire.parser import JSONDialect, JSONSyntaxError, Parser
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

# QEMU formats what it says of a value into 1024 bytes, the closing NUL included.
_MAX_TEXT = 1023

# How a mark changes the counts of open braces and of open brackets.
_CHANGES = {"{": (1, 0), "}": (-1, 0), "[": (0, 1), "]": (0, -1), ":": (0, 0), ",": (0, 0)}


class Assembly(ABC):
    """Takes tokens, counts what is open, and keeps the limits."""

    def __init__(self, dialect: JSONDialect, limits: Limits) -> None:
        self._limits = limits
        self._parser = Parser(dialect)
        self._restart()

    @abstractmethod
    def push(self, kind: str, text: str, locate: Callable[[], Place]) -> Parsed | Fault | None:
        """Take the next token; return what it completes, if anything."""

    @property
    def is_between(self) -> bool:
        """Whether no value is begun."""
        return not self._tokens

    @property
    def held(self) -> int:
        """How many bytes the unfinished value has; behind a fault it is not kept."""
        return 0 if self._is_faulty else self._size

    def _restart(self) -> None:
        self._size = self._tokens = self._braces = self._brackets = 0
        self._is_faulty = False
        self._parser.reset()

    def _count(self, kind: str, text: str) -> bool:
        """Count a token; return whether the value keeps the limits."""
        self._size += len(text)
        self._tokens += 1
        if kind == MARK:
            braces, brackets = _CHANGES[text]
            self._braces += braces
            self._brackets += brackets
        size, tokens, depth = self._limits
        return (
            self._size <= size and self._tokens <= tokens and self._braces + self._brackets <= depth
        )

    def _name_excess(self) -> str:
        if self._size > self._limits.bytes:
            return "JSON token size limit exceeded"
        if self._tokens > self._limits.tokens:
            return "JSON token count limit exceeded"
        return "JSON nesting depth limit exceeded"


class PatientAssembly(Assembly):
    """QEMU up to 11.0: a value is judged when its brackets balance, or one count is negative."""

    def __init__(self, limits: Limits) -> None:
        self._fault = ""
        # The NUL behind a token counts.
        super().__init__(JSONDialect.V2_5, limits._replace(bytes=limits.bytes - 1))

    def push(self, kind: str, text: str, locate: Callable[[], Place]) -> Parsed | Fault | None:  # noqa: ARG002
        """Take the next token; return what it completes, if anything."""
        if kind == STRAY:
            # This text is the one that is never cut.
            return self._emit(Fault(_PREFIX + decode_output(_word_stray(text))))
        if not self._count(kind, text):
            return self._emit(Fault(self._name_excess()))
        if not self._is_faulty:
            self._parse(kind, text)
        braces, brackets = self._braces, self._brackets
        if (braces > 0 or brackets > 0) and braces >= 0 and brackets >= 0:
            return None
        if self._is_faulty:
            return self._emit(Fault(_PREFIX + _cut(self._fault)))
        return self._emit(Parsed(self._parser.value))

    def _parse(self, kind: str, text: str) -> None:
        """Let the parser have the token; what follows a fault is only counted."""
        try:
            self._parser.push(kind, text)
        except JSONSyntaxError as error:
            self._fault = str(error)
            self._is_faulty = True
            self._parser.reset()

    def _emit(self, outcome: Parsed | Fault) -> Parsed | Fault:
        self._restart()
        return outcome


class EagerAssembly(Assembly):
    """QEMU since 11.1: a fault is said at once and where it is; the value's rest is passed over."""

    def __init__(self, limits: Limits) -> None:
        super().__init__(JSONDialect.V11_1, limits)

    def push(self, kind: str, text: str, locate: Callable[[], Place]) -> Parsed | Fault | None:
        """Take the next token; return what it completes, if anything."""
        is_within = self._count(kind, text)
        if kind == STRAY or self._braces < 0 or self._brackets < 0:
            self._braces = self._brackets = 0
        outcome: Parsed | Fault | None = None
        if not self._is_faulty:
            outcome = self._judge(kind, text, locate) if is_within else Fault(self._name_excess())
        if type(outcome) is Fault:
            self._is_faulty = True
            self._parser.reset()
        if not self._braces and not self._brackets:
            self._restart()
        return outcome

    def _judge(self, kind: str, text: str, locate: Callable[[], Place]) -> Parsed | Fault | None:
        if kind == STRAY:
            return _locate_fault(locate(), _word_stray(text))
        try:
            return Parsed(self._parser.value) if self._parser.push(kind, text) else None
        except JSONSyntaxError as error:
            return _locate_fault(locate(), str(error))


def _locate_fault(place: Place, text: str) -> Fault:
    return Fault(f"{place}: {_PREFIX}{_cut(text)}")


def _word_stray(text: str) -> str:
    """Return what QEMU says of bytes that are no token; it takes them for a C string."""
    return f"stray '{text.partition(chr(0))[0]}'"


def _cut(text: str) -> str:
    return decode_output(text[:_MAX_TEXT])

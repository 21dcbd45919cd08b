"""The bytes of a connection to JSON values and faults, as QEMU's monitor reads them.

Bytes come in by `feed`, in any pieces; values and faults go out by `take`, in their order, to
message.py. Nothing is lexed before it is asked for, so a client that is not read from waits.
"""

from qscope.serve.wire.assembly import (
    Assembly,
    EagerAssembly,
    Fault,
    Limits,
    Parsed,
    PatientAssembly,
)
from qscope.serve.wire.lexer import Lexer
from qscope.serve.wire.parser import JSONDialect
from qscope.serve.wire.plain import decode_plain, skip_space

__all__ = ["Fault", "JSONDialect", "JSONStream", "Parsed"]


class JSONStream:
    """Reads JSON values, one behind the other, with or without anything between them.

    The limits are QEMU's: bytes in the tokens of one value, tokens, open brackets.
    """

    def __init__(
        self,
        dialect: JSONDialect = JSONDialect.V2_5,
        *,
        max_bytes: int = 64 << 20,
        max_tokens: int = 2 << 20,
        max_depth: int = 1024,
    ) -> None:
        limits = Limits(max_bytes, max_tokens, max_depth)
        is_eager = dialect is JSONDialect.V11_1
        assembly = EagerAssembly if is_eager else PatientAssembly
        self._counts_lines = is_eager
        self._limits = limits
        self._lexer = Lexer(max_bytes)
        self._assembly: Assembly = assembly(limits)
        self._is_plain = True

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the connection."""
        self._lexer.feed(data)

    def take(self) -> Parsed | Fault | None:
        """Return the next value or fault; None: more bytes are needed."""
        if self._is_plain and (parsed := self._take_plain()) is not None:
            return parsed
        lexer, assembly = self._lexer, self._assembly
        while (kind := lexer.read()) is not None:
            outcome = assembly.push(kind, lexer.text, lexer.locate)
            if outcome is not None:
                # Who sends garbage sends more of it; trying each part twice would double its cost.
                self._is_plain = type(outcome) is Parsed
                return outcome
        return None

    @property
    def is_between(self) -> bool:
        """Whether nothing is unread or begun: somebody else may read the next bytes."""
        return not self._lexer.unread and self._has_begun_nothing

    def pass_over(self, data: bytes) -> None:
        """Count bytes that somebody else has read while this stream was between values."""
        if self._counts_lines:
            self._lexer.pass_over(data)

    @property
    def pending(self) -> int:
        """How many bytes are held: not read yet, or part of a value that is not complete."""
        return self._lexer.unread + self._assembly.held

    @property
    def _has_begun_nothing(self) -> bool:
        return self._lexer.is_between and self._assembly.is_between

    def _take_plain(self) -> Parsed | None:
        if not self._has_begun_nothing:
            return None
        piece, start = self._lexer.peek()
        start = skip_space(piece, start)
        found = decode_plain(piece, start, self._limits)
        if found is None:
            self._lexer.skip_to(start)
            return None
        value, end = found
        self._lexer.skip_to(end)
        return Parsed(value)

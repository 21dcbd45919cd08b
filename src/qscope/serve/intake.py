"""What a client sends, cut into messages: bytes in, requests and rejections out, one at a time.

The quick lane takes a line that is surely one right message; the exact one (wire/) takes whatever
is left, from wherever the quick lane stopped. Nothing is looked at before somebody asks for it.
Next stage: session.py.
"""

from typing import NamedTuple, TypeAlias

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from qscope.serve.wire.assembly import Fault
from qscope.serve.wire.message import Rejection, Request, check_message
from qscope.serve.wire.parser import JSONDialect
from qscope.serve.wire.stream import JSONStream

_BLANK = b" \t\r\n"
_DEEPEST = 1024
_INT64 = range(-(1 << 63), 1 << 63)


class _Envelope(Struct, forbid_unknown_fields=True, gc=False):
    execute: str
    arguments: Raw | UnsetType = UNSET
    id: int | str | UnsetType = UNSET


class QuickRequest(NamedTuple):
    """A request in the right shape, if its arguments are: nobody has looked into them.

    `line` is the whole message.
    """

    command: str
    arguments: bytes
    id: int | str | UnsetType
    line: bytes


Item: TypeAlias = QuickRequest | Request | Rejection

_decode = msgspec.json.Decoder(_Envelope).decode


class Intake:
    """The bytes of one connection that nobody has looked at yet."""

    def __init__(self, dialect: JSONDialect, *, max_bytes: int) -> None:
        self._stream = JSONStream(dialect, max_bytes=max_bytes)
        # 11.1 counts the lines and columns of the whole connection.
        self._is_quick = dialect is JSONDialect.V2_5
        self._max_bytes = max_bytes
        self._buffer = b""
        self._position = 0
        # The stream's is_between, which only feeding and taking change.
        self._is_between = True

    @property
    def pending(self) -> int:
        """The bytes held, those of an unfinished message among them."""
        return len(self._buffer) - self._position + self._stream.pending

    def feed(self, data: bytes) -> None:
        """Take in what was received, in pieces of any size."""
        rest = self._buffer[self._position :]
        self._buffer = rest + data if rest else data
        self._position = 0

    def take(self, *, oob: bool) -> Item | None:
        """Return the next request or why it is none; None when more bytes are needed."""
        while True:
            if not self._is_between and (item := self._take_exactly(oob=oob)):
                return item
            line = self._next_line()
            if line is None:
                return None
            if self._is_quick and self._is_between:
                if not line.strip(_BLANK):
                    continue
                if len(line) <= self._max_bytes and (quick := _read_quickly(line)):
                    return quick
            self._stream.feed(line)
            if item := self._take_exactly(oob=oob):
                return item

    def _next_line(self) -> bytes | None:
        """Take a line, or what there is of one."""
        start = self._position
        if start >= len(self._buffer):
            return None
        end = self._buffer.find(b"\n", start) + 1 or len(self._buffer)
        self._position = end
        return self._buffer[start:end]

    def _take_exactly(self, *, oob: bool) -> Item | None:
        taken = self._stream.take()
        self._is_between = self._stream.is_between
        match taken:
            case None:
                return None
            case Fault(desc=desc):
                return Rejection("GenericError", desc, UNSET)
            case parsed:
                return check_message(parsed.value, oob=oob)


def read_exactly(line: bytes, *, oob: bool) -> Request | Rejection:
    """Read a line again that the quick lane took for one message."""
    stream = JSONStream()
    stream.feed(line)
    match stream.take():
        case Fault(desc=desc):
            return Rejection("GenericError", desc, UNSET)
        case None:
            raise AssertionError(line)
        case parsed:
            return check_message(parsed.value, oob=oob)


def _read_quickly(line: bytes) -> QuickRequest | None:
    """Return a request if the line is one for sure, and QEMU reads it as msgspec does."""
    if not line.isascii() or b"\\" in line or _may_be_too_deep(line):
        return None
    try:
        envelope = _decode(line)
    except (msgspec.DecodeError, RecursionError):
        return None
    arguments = b"{}" if envelope.arguments is UNSET else bytes(envelope.arguments)
    if arguments[:1] != b"{" or not _has_each_once(line, envelope, arguments):
        return None
    return QuickRequest(envelope.execute, arguments, envelope.id, line)


def _may_be_too_deep(line: bytes) -> bool:
    """Whether a message may be nested deeper than QEMU's limit; msgspec's is Python's recursion."""
    return len(line) > _DEEPEST and line.count(b"[") + line.count(b"{") > _DEEPEST


def _has_each_once(line: bytes, envelope: _Envelope, arguments: bytes) -> bool:
    """Whether no key of a message stands twice, of which msgspec would take the last.

    Then a colon would be left over: each key has one, and the rest are in what was taken.
    """
    colons = 1 + envelope.execute.count(":")
    if envelope.arguments is not UNSET:
        colons += 1 + arguments.count(b":")
    match envelope.id:
        case UnsetType():
            pass
        case str() as text:
            colons += 1 + text.count(":")
        case number:
            if number not in _INT64:
                return False
            colons += 1
    return line.count(b":") == colons

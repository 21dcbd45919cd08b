"""The message layer, without I/O: a stream of bytes in, QMP messages out.

QMP is a stream of JSON values. QEMU ends each with CRLF, may spread one over many lines
(pretty=on), and other servers may send no newline at all, so framing never relies on newlines; a
whole message on a line is only the quick case. Next stage: client.py.
"""

import re
from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType, field

from qscope.errors import ProtocolError
from qscope.model.decoding import UNREADABLE
from qscope.model.transcript import ErrorInfo

# The largest reply accepted, as large as the largest command QEMU accepts (json-streamer.c).
MAX_MESSAGE_BYTES = 64 << 20

# A whole string where it is simple, else its beginning.
_STRUCTURE = re.compile(rb'"[^"\\]*"|[{}\[\]"]')
_STRING_END = re.compile(rb'["\\]')
# 0xFF is what the guest agent puts in front of a guest-sync-delimited reply.
_BETWEEN = b" \t\r\n\xff"
# Where a message may end: in the middle of one, a comma or another bracket follows.
_END = re.compile(rb"\}[ \t\r\n\xff]*(?:[^],} \t\r\n\xff]|\Z)")


class Message(Struct, frozen=True):
    """Anything a QMP server sends: a greeting, a reply or an event."""

    greeting: Raw | UnsetType = field(default=UNSET, name="QMP")
    result: Raw | UnsetType = field(default=UNSET, name="return")
    error: ErrorInfo | UnsetType = UNSET
    event: str | UnsetType = UNSET
    id: Any = UNSET

    @property
    def is_reply(self) -> bool:
        """Whether the message answers a command."""
        return self.result is not UNSET or self.error is not UNSET


_decoder = msgspec.json.Decoder(Message)


def _decode(data: bytes) -> Message:
    """Decode one message. Raises one of UNREADABLE."""
    if not data.isascii():
        data.decode()  # results stay raw: nobody else finds out in time that they are not UTF-8
    return _decoder.decode(data)


def encode_command(command: str, arguments: dict[str, Any] | None, ident: int) -> bytes:
    """Encode a command in as few bytes as possible: QEMU reads one byte at a time."""
    message = {"execute": command, "id": ident}
    if arguments:
        message["arguments"] = arguments
    return msgspec.json.encode(message)


class MessageStream:
    """Cut a stream of bytes into messages: `feed` it, then call `take` until it returns None."""

    def __init__(self, limit: int = MAX_MESSAGE_BYTES) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._searched = 0  # no newline and no end of a message before this
        self._scanned = 0  # the scanner has been here; 0 while lines do
        self._depth = 0
        self._in_string = False

    def feed(self, data: bytes) -> None:
        """Take in what was received, in pieces of any size."""
        self._buffer += data

    def take(self) -> Message | None:
        """Return the next complete message, or None when more bytes are needed.

        Raises ProtocolError for bytes that cannot be QMP and for a message over the limit.
        """
        self._skip_between()
        if not self._buffer:
            return None
        if self._buffer[0] != 0x7B:
            raise ProtocolError(f"expected QMP, got {_quote(self._buffer)}")
        message = self._take_value() if self._scanned else self._take_line()
        if message is None and len(self._buffer) > self._limit:
            raise ProtocolError(f"a message of more than {self._limit} bytes")
        return message

    @property
    def rest(self) -> bytes:
        """What has been received of a message that is not complete."""
        return bytes(self._buffer)

    def _skip_between(self) -> None:
        if self._buffer and not self._scanned and self._buffer[0] in _BETWEEN:
            del self._buffer[: len(self._buffer) - len(self._buffer.lstrip(_BETWEEN))]
            self._searched = 0

    def _take_line(self) -> Message | None:
        start, self._searched = self._searched, len(self._buffer)
        end = self._buffer.find(b"\n", start)
        if end < 0:
            return self._take_value() if _END.search(self._buffer, start) else None
        line = bytes(self._buffer[:end])
        try:
            message = _decode(line)
        except UNREADABLE:
            # A message over several lines, or none at all: the scanner finds out.
            return self._take_value()
        self._drop(end)
        return message

    def _take_value(self) -> Message | None:
        """Advance the scanner; every byte is looked at once however often this is called."""
        end = self._scan()
        if end is None:
            return None
        value = bytes(self._buffer[:end])
        self._drop(end)
        try:
            return _decode(value)
        except UNREADABLE as error:
            raise ProtocolError(f"expected QMP, got {_quote(value)} ({error})") from error

    def _scan(self) -> int | None:
        position = self._scanned
        while True:
            if self._in_string:
                found = _STRING_END.search(self._buffer, position)
                if found and found[0] == b"\\":
                    if found.end() == len(self._buffer):
                        position = found.start()
                        break  # the escaped character is still to come
                    position = found.end() + 1
                    continue
                self._in_string = found is None
            else:
                found = _STRUCTURE.search(self._buffer, position)
                if found:
                    self._in_string = found[0] == b'"'
                    self._depth += (found[0] in b"{[") - (found[0] in b"}]")
            position = found.end() if found else len(self._buffer)
            if found is None or (self._depth <= 0 and not self._in_string):
                break
        self._scanned = position
        return position if self._depth <= 0 and not self._in_string else None

    def _drop(self, end: int) -> None:
        del self._buffer[:end]
        self._searched = self._scanned = self._depth = 0
        self._in_string = False


def _quote(data: bytes | bytearray) -> str:
    text = bytes(data[:60]).decode("utf-8", "backslashreplace")
    return repr(text) + ("…" if len(data) > 60 else "")

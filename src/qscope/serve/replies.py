"""What a server sends, as bytes: greeting, replies and events, each with its line's end.

In: JSON that was checked, and plain data. Out: bytes in QEMU's manner: ASCII, one line unless
`pretty`, CRLF.
"""

import re
import time
from typing import Any

import msgspec
from msgspec import UNSET

from qscope.serve.wire.encode import encode_value

# What msgspec writes otherwise than QEMU.
_OTHERWISE = re.compile(rb"[\x7f-\xff]")


class Printer:
    """Prints messages; `pretty` over many lines, as QEMU's pretty=on does."""

    def __init__(self, *, pretty: bool = False) -> None:
        self._pretty = pretty

    def print_greeting(self, greeting: dict[str, Any]) -> bytes:
        """Return the greeting."""
        return self._print({"QMP": greeting})

    def print_return(self, body: bytes, ident: Any) -> bytes:
        """Return a reply with this result."""
        if self._pretty:
            return self._print_with({"return": msgspec.json.decode(body)}, ident)
        return self._join(b'{"return": ' + self._space(body), ident)

    def print_error(self, error_class: str, desc: str, ident: Any) -> bytes:
        """Return a reply that refuses."""
        error = {"class": error_class, "desc": desc}
        if self._pretty:
            return self._print_with({"error": error}, ident)
        return self._join(b'{"error": ' + encode_value(error), ident)

    def print_event(self, name: str, data: bytes | None, when: float | None = None) -> bytes:
        """Return an event; `when` is in seconds since 1970, now if None."""
        now = time.time() if when is None else when
        seconds, part = divmod(round(now * 1_000_000), 1_000_000)
        stamp = b'{"timestamp": {"seconds": %d, "microseconds": %d}, "event": ' % (seconds, part)
        line = stamp + encode_value(name)
        if data is not None:
            line += b', "data": ' + self._space(data)
        return self._end(line + b"}")

    def _join(self, line: bytes, ident: Any) -> bytes:
        if ident is UNSET:
            return self._end(line + b"}")
        shown = b"%d" % ident if type(ident) is int else encode_value(ident)
        return self._end(line + b', "id": ' + shown + b"}")

    def _space(self, body: bytes) -> bytes:
        """Return JSON as QEMU prints it."""
        if _OTHERWISE.search(body):
            return encode_value(msgspec.json.decode(body))
        return msgspec.json.format(body, indent=0)

    def _end(self, line: bytes) -> bytes:
        if self._pretty:
            return self._print(msgspec.json.decode(line))
        return line + b"\r\n"

    def _print_with(self, message: dict[str, Any], ident: Any) -> bytes:
        return self._print(message if ident is UNSET else {**message, "id": ident})

    def _print(self, message: dict[str, Any]) -> bytes:
        text = encode_value(message, pretty=self._pretty)
        return text.replace(b"\n", b"\r\n") + b"\r\n"

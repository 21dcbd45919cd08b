"""The two ends of a session: bytes come from each, and each is sent bytes.

The client's end is a protocol, since clients may be at stdio. The server's is a bare socket: a
transport that cannot write any more throws away what it has not read, and a QEMU that was told to
quit has just said its last words.
"""

import asyncio
import contextlib
import errno
import os
import select
import socket
from collections.abc import Callable
from typing import Protocol, cast

_CHUNK = 1 << 18
# Bytes received that nobody has taken yet, beyond which no more is read.
_AHEAD = 1 << 16


class End(Protocol):
    """One side of a session."""

    @property
    def is_gone(self) -> bool:
        """Whether all of it was received, and it takes nothing any more either."""

    async def receive(self) -> bytes:
        """Return what came next; b"" when no more will come."""

    async def send(self, data: bytes) -> None:
        """Send it, and wait until there is room for more. Raises OSError."""

    def finish(self) -> None:
        """Send nothing more; receiving goes on."""


class ClientEnd(asyncio.Protocol):
    """A client: what `listen` has made for each. `when_made` is called when it is connected."""

    def __init__(
        self, when_made: Callable[["ClientEnd"], None], when_lost: Callable[[], None]
    ) -> None:
        self._when_made = when_made
        self._when_lost = when_lost
        self._pieces: list[bytes] = []
        self._held = 0
        self._has_ended = False
        self._is_drained_out = False
        self._has_hung_up = False
        self._news = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()
        self.lost = asyncio.Event()

    # Called by the transport.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the session."""
        self._transport = cast("asyncio.Transport", transport)
        self._when_made(self)

    def data_received(self, data: bytes) -> None:
        """Keep it until it is taken; who sends faster than that has to wait."""
        self._pieces.append(data)
        self._held += len(data)
        if self._held > _AHEAD:
            self._transport.pause_reading()
        self._news.set()

    def eof_received(self) -> bool:
        """Keep the connection: there may be something to send."""
        self._has_hung_up = _has_hung_up(self._find_descriptor())
        self._has_ended = True
        self._news.set()
        return True

    def pause_writing(self) -> None:
        """Let senders wait."""
        self._drained.clear()

    def resume_writing(self) -> None:
        """Let them go on."""
        self._drained.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Take what the client sent before it left."""
        if exc is not None and not self._has_ended:
            self._pieces += _read_rest(self._find_descriptor())
        self._has_ended = self._has_hung_up = True
        self._news.set()
        self._drained.set()
        self.lost.set()
        self._when_lost()

    def _find_descriptor(self) -> int | None:
        sock = self._transport.get_extra_info("socket")
        return None if sock is None else sock.fileno()

    # Called by who passes bytes on.

    @property
    def is_gone(self) -> bool:
        """Whether all of it was received, and it takes nothing any more either."""
        return self._is_drained_out and self._has_hung_up

    async def receive(self) -> bytes:
        """Return what came next; b"" when no more will come."""
        while not self._pieces and not self._has_ended:
            self._news.clear()
            await self._news.wait()
        data = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        if self._held > _AHEAD and not self._has_ended:
            # At its end a transport that is told to go on would come upon it once more.
            self._transport.resume_reading()
        self._held = 0
        self._is_drained_out = not data
        return data

    async def send(self, data: bytes) -> None:
        """Send it, and wait until there is room for more. Raises OSError."""
        if self._transport.is_closing():
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
        self._transport.write(data)
        await self._drained.wait()

    def finish(self) -> None:
        """Send nothing more; where that cannot be said alone, close."""
        if not self._transport.can_write_eof():
            self._transport.close()
        elif not self._transport.is_closing():
            with contextlib.suppress(OSError):
                self._transport.write_eof()

    def close(self) -> None:
        """Send what is left, then close."""
        self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()


class ServerEnd:
    """The server, connected by a socket that does not block; it is closed with `close`."""

    def __init__(self, sock: socket.socket) -> None:
        self._loop = asyncio.get_running_loop()
        self._sock = sock
        self._has_hung_up = False

    @property
    def is_gone(self) -> bool:
        """Whether all of it was received, and it takes nothing any more either."""
        return self._has_hung_up

    async def receive(self) -> bytes:
        """Return what came next; b"" when no more will come."""
        try:
            data = await self._loop.sock_recv(self._sock, _CHUNK)
        except OSError:
            self._has_hung_up = True
            return b""
        if not data:
            self._has_hung_up = _has_hung_up(self._sock.fileno())
        return data

    async def send(self, data: bytes) -> None:
        """Send it, and wait until there is room for more. Raises OSError."""
        await self._loop.sock_sendall(self._sock, data)

    def finish(self) -> None:
        """Send nothing more; receiving goes on."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Close the connection."""
        self._sock.close()


def _has_hung_up(descriptor: int | None) -> bool:
    """Whether the peer has closed both directions; a TCP socket cannot tell."""
    if descriptor is None:
        return False
    poll = select.poll()
    poll.register(descriptor, 0)
    return any(events & select.POLLHUP for _, events in poll.poll(0))


def _read_rest(descriptor: int | None) -> list[bytes]:
    """Return what is left in the socket of a peer that is gone: no more than its buffer holds."""
    rest = []
    with contextlib.suppress(OSError):
        while descriptor is not None and (data := os.read(descriptor, _CHUNK)):
            rest.append(data)
    return rest

"""Whether a file descriptor came with a command, as getfd and add-fd want it (SCM_RIGHTS).

In: a unix socket that is about to be read. Out: whether one came; a mock has no use for the
descriptor itself. asyncio reads without looking for any, so they are looked at before.
"""

import array
import asyncio
import contextlib
import os
import socket

from qscope.serve.connection import Connection

# As many as QEMU takes with one message (chardev/char-socket.c).
_MOST = 16
_SPACE = socket.CMSG_SPACE(_MOST * array.array("i").itemsize)


class ReceivingConnection(Connection):
    """A connection that sees what came beside the bytes."""

    _peeker: socket.socket | None = None
    _came = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet, and begin to answer."""
        sock = transport.get_extra_info("socket")
        if sock is not None and sock.family == socket.AF_UNIX:
            self._peeker = socket.socket(fileno=os.dup(sock.fileno()))
        super().connection_made(transport)

    def get_buffer(self, sizehint: int) -> bytearray:
        """Return where to read to, after a look at what comes beside it."""
        if self._peeker is not None:
            self._look(self._peeker)
        return super().get_buffer(sizehint)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        if self._peeker is not None:
            self._peeker.close()
            self._peeker = None
        super().connection_lost(exc)

    def take_descriptor(self) -> bool:
        """Return whether a descriptor came that no command has taken."""
        had, self._came = self._came, max(self._came - 1, 0)
        return had > 0

    def _look(self, peeker: socket.socket) -> None:
        flags = socket.MSG_PEEK | socket.MSG_DONTWAIT
        with contextlib.suppress(OSError):
            _, beside, _, _ = peeker.recvmsg(1, _SPACE, flags)
            if descriptors := _unpack(beside):
                # QEMU closes those of the message before that nobody took.
                self._came = len(descriptors)
                for each in descriptors:
                    os.close(each)


def _unpack(beside: list[tuple[int, int, bytes]]) -> list[int]:
    """Return the descriptors in ancillary data."""
    numbers = array.array("i")
    for level, kind, data in beside:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            numbers.frombytes(data[: len(data) - len(data) % numbers.itemsize])
    return numbers.tolist()

"""stdin and stdout as one transport, whatever they are: pipes, terminals, files, sockets.

Threads read and write them, blocking: a file cannot be waited for in another way, and whoever
shares a pipe with us would find it non-blocking. Both wait for the event loop when it is behind.
"""

import asyncio
import contextlib
import os
import queue
import threading
from collections.abc import Iterable
from typing import Any

_CHUNK = 1 << 16
# Bytes to be written, at which the protocol is told to pause, and to go on.
_HIGH, _LOW = 1 << 16, 1 << 14


class StdioTransport(asyncio.Transport):
    """Connects a protocol with file descriptors, 0 and 1 if none are given."""

    def __init__(self, protocol: asyncio.Protocol, descriptors: tuple[int, int] = (0, 1)) -> None:
        super().__init__()
        self._loop = asyncio.get_running_loop()
        self._protocol = protocol
        self._stdin, self._stdout = descriptors
        self._may_read = threading.Event()
        self._may_read.set()
        self._output: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._waiting = 0
        self._is_paused = False
        self._is_closing = False
        self._is_lost = False

    def start(self) -> None:
        """Begin to read and write."""
        self._protocol.connection_made(self)
        for each in (self._read, self._write):
            threading.Thread(target=each, daemon=True, name=f"stdio{each.__name__}").start()

    # What a protocol does with a transport.

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write it, later."""
        if self._is_closing or not data:
            return
        self._waiting += len(data)
        self._output.put(bytes(data))
        if self._waiting > _HIGH and not self._is_paused:
            self._is_paused = True
            self._protocol.pause_writing()

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        """Write all of them."""
        self.write(b"".join(list_of_data))

    def get_write_buffer_size(self) -> int:
        """Return how many bytes are to be written."""
        return self._waiting

    def is_closing(self) -> bool:
        """Whether it is closed, or about to be."""
        return self._is_closing

    def is_reading(self) -> bool:
        """Whether input is taken in."""
        return self._may_read.is_set()

    def pause_reading(self) -> None:
        """Leave input where it is."""
        self._may_read.clear()

    def resume_reading(self) -> None:
        """Take input in again."""
        self._may_read.set()

    def close(self) -> None:
        """Write what is left, then end."""
        if not self._is_closing:
            self._is_closing = True
            self._output.put(None)

    def abort(self) -> None:
        """End at once."""
        self._is_closing = True
        self._output.put(None)
        self._loop.call_soon(self._lose, None)

    # In the event loop.

    def _receive(self, data: bytes) -> None:
        if self._is_closing:
            return
        if data:
            self._protocol.data_received(data)
        elif not self._protocol.eof_received():
            self.close()

    def _count_written(self, size: int) -> None:
        self._waiting -= size
        if self._is_paused and self._waiting <= _LOW and not self._is_lost:
            self._is_paused = False
            self._protocol.resume_writing()

    def _lose(self, error: Exception | None) -> None:
        if not self._is_lost:
            self._is_lost = self._is_closing = True
            self._protocol.connection_lost(error)

    # In threads.

    def _tell(self, function: Any, argument: Any) -> None:
        """Call a function in the event loop, if it still runs."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(function, argument)

    def _read(self) -> None:
        taken = threading.Event()

        def receive(data: bytes) -> None:
            try:
                self._receive(data)
            finally:
                taken.set()

        data = b"-"
        while data and not self._is_closing:
            self._may_read.wait()
            try:
                data = os.read(self._stdin, _CHUNK)
            except OSError:
                data = b""
            taken.clear()
            self._tell(receive, data)
            if not self._loop.is_closed():
                taken.wait()

    def _write(self) -> None:
        error: OSError | None = None
        while error is None and (data := self._output.get()) is not None:
            try:
                _write_all(self._stdout, data)
            except OSError as failed:
                error = failed
            self._tell(self._count_written, len(data))
        self._tell(self._lose, error)


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]

"""stdin and stdout as one transport, whatever they are: pipes, terminals, files, sockets.

Two threads wait for them and read and write: epoll takes no regular files, and making a descriptor
non-blocking would make it so for the shell, too, that shares it. They are found as they were, and
left so.
"""

import asyncio
import contextlib
import errno
import os
import queue
import select
import sys
import threading
from collections.abc import Iterable
from typing import Any

from qscope.errors import ServeError

_CHUNK = 1 << 16
# Bytes to be written, at which the protocol is told to pause; a quarter of it lets it go on.
_HIGH = 1 << 16


def check_stdio() -> None:
    """Raise ServeError unless there are stdin and stdout.

    Where one was closed at the start, its number is another file's by now: the event loop's.
    """
    for name, stream in (("stdin", sys.__stdin__), ("stdout", sys.__stdout__)):
        if stream is None:
            raise ServeError(f"stdio: {name} is closed")


class StdioTransport(asyncio.Transport):
    """Connects a protocol with file descriptors, 0 and 1 if none are given; closes none."""

    def __init__(self, protocol: asyncio.Protocol, descriptors: tuple[int, int] = (0, 1)) -> None:
        super().__init__()
        self._loop = asyncio.get_running_loop()
        self._protocol = protocol
        self._stdin, self._stdout = descriptors
        self._low, self._high = _HIGH // 4, _HIGH
        self._output: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._waiting = 0
        self._is_paused = False
        self._is_reading = True
        self._is_closing = False
        self._is_lost = False
        # The reading thread reads once for each time that it is asked.
        self._wanted = threading.Event()
        self._is_asked = False
        # What was on its way when the protocol wanted no more.
        self._held: bytes | None = None
        # A pipe, when started: closing the one end ends the threads' waiting at the other.
        self._end = self._ending = -1
        self._writer = threading.Thread(target=self._write, daemon=True, name="stdout")
        self._reader = threading.Thread(target=self._read, daemon=True, name="stdin")

    def start(self) -> None:
        """Begin to read and write."""
        self._protocol.connection_made(self)
        self._end, self._ending = os.pipe()
        self._writer.start()
        self._reader.start()
        self._ask()

    # What a protocol does with a transport.

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Connect another protocol."""
        assert isinstance(protocol, asyncio.Protocol)
        self._protocol = protocol

    def get_protocol(self) -> asyncio.Protocol:
        """Return the protocol."""
        return self._protocol

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write it, later."""
        if self._is_closing or not data:
            return
        self._waiting += len(data)
        self._output.put(bytes(data))
        self._control_flow()

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        """Write all of them."""
        self.write(b"".join(list_of_data))

    def can_write_eof(self) -> bool:
        """Whether stdout can be ended alone: it is not ours to close."""
        return False

    def get_write_buffer_size(self) -> int:
        """Return how many bytes are to be written."""
        return self._waiting

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """Return where the protocol may write again, and where it is to pause."""
        return self._low, self._high

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Set where the protocol is to pause writing, and where it may go on."""
        if high is None:
            high = _HIGH if low is None else 4 * low
        if low is None:
            low = high // 4
        if not high >= low >= 0:
            raise ValueError(f"write buffer limits: high {high} >= low {low} >= 0 is right")
        self._low, self._high = low, high
        self._control_flow()

    def is_closing(self) -> bool:
        """Whether it is closed, or about to be."""
        return self._is_closing

    def is_reading(self) -> bool:
        """Whether input is taken in."""
        return self._is_reading and not self._is_closing

    def pause_reading(self) -> None:
        """Leave input where it is."""
        self._is_reading = False

    def resume_reading(self) -> None:
        """Take input in again."""
        self._is_reading = True
        if self._held is None:
            self._ask()
        else:
            self._loop.call_soon(self._receive_held)

    def close(self) -> None:
        """Write what is left, then end."""
        if not self._is_closing:
            self._is_closing = True
            self._output.put(None)

    def abort(self) -> None:
        """End at once."""
        self._is_closing = True
        self._loop.call_soon(self._lose, None)

    # In the event loop.

    def _ask(self) -> None:
        if self._is_reading and not self._is_asked and not self._is_closing:
            self._is_asked = True
            self._wanted.set()

    def _receive(self, data: bytes) -> None:
        """Hand over what was read, b"" at the end, or hold it while the protocol wants none."""
        if self._is_closing:
            return
        if not self._is_reading:
            self._held = data
            return
        try:
            if data:
                self._is_asked = False
                self._protocol.data_received(data)
            elif not self._protocol.eof_received():
                self.close()
        except BaseException:
            self.abort()
            raise
        self._ask()

    def _receive_held(self) -> None:
        data, self._held = self._held, None
        if data is not None:
            self._receive(data)

    def _count_written(self, size: int) -> None:
        self._waiting -= size
        self._control_flow()

    def _control_flow(self) -> None:
        """Tell the protocol when too much waits, and when it does no more."""
        if self._is_lost:
            return
        if not self._is_paused and self._waiting > self._high:
            self._is_paused = True
            self._protocol.pause_writing()
        elif self._is_paused and self._waiting <= self._low:
            self._is_paused = False
            self._protocol.resume_writing()

    def _lose(self, error: Exception | None) -> None:
        if self._is_lost:
            return
        self._is_lost = self._is_closing = True
        self._held = None
        os.close(self._ending)
        self._output.put(None)
        self._wanted.set()
        self._protocol.connection_lost(error)

    # In threads.

    def _tell(self, function: Any, argument: Any) -> None:
        """Call a function in the event loop; end if there is none any more."""
        try:
            self._loop.call_soon_threadsafe(function, argument)
        except RuntimeError:
            self._is_closing = True
            self._output.put(None)
            self._wanted.set()

    def _read(self) -> None:
        try:
            while data := self._read_next():
                self._tell(self._receive, data)
            if data is not None:
                self._tell(self._receive, data)
        except OSError as error:
            self._tell(self._lose, error)
        finally:
            self._writer.join()
            os.close(self._end)

    def _read_next(self) -> bytes | None:
        """Return what can be read once somebody wants it; None when the transport has ended.

        Raises OSError, and BrokenPipeError when nobody reads what is written.
        """
        self._wanted.wait()
        self._wanted.clear()
        poll = select.poll()
        poll.register(self._end, 0)
        poll.register(self._stdout, 0)
        poll.register(self._stdin, select.POLLIN)
        while not self._is_closing:
            ready = {descriptor for descriptor, _ in poll.poll()}
            if self._end in ready or self._is_closing:
                break
            if self._stdin in ready:
                # Whoever shares it may have made it non-blocking, and been quicker.
                with contextlib.suppress(BlockingIOError):
                    return os.read(self._stdin, _CHUNK)
            elif self._stdout in ready:
                raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
        return None

    def _write(self) -> None:
        error: OSError | None = None
        try:
            while (data := self._output.get()) is not None and self._write_all(data):
                self._tell(self._count_written, len(data))
        except OSError as failed:
            error = failed
        self._tell(self._lose, error)

    def _write_all(self, data: bytes) -> bool:
        """Write it; return whether the transport has not ended before all was written."""
        poll = select.poll()
        poll.register(self._end, 0)
        poll.register(self._stdout, select.POLLOUT)
        rest = memoryview(data)
        while rest:
            ready = {descriptor for descriptor, _ in poll.poll()}
            if self._end in ready:
                return False
            # As much as surely does not block (pipe(7)), so that an end is seen.
            with contextlib.suppress(BlockingIOError):
                rest = rest[os.write(self._stdout, rest[: select.PIPE_BUF]) :]
        return True

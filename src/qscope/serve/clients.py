"""All connections of a server: who is there, what all are told, and how they end.

In: connections that come and go. Out: events to those that negotiated, and an orderly end.
"""

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable, Iterator

from qscope.serve.connection import Connection
from qscope.serve.limits import Limits

log = logging.getLogger("qscope.serve")

# Looking for silent clients: this part of what they may be silent.
_PART = 4
# Bytes that are read at once.
_BUFFER = 1 << 16
# Seconds: who asks again that soon after a reply is waited for without sleeping, but no longer.
_SOON = 1e-3
_AWAKE = 1.5e-4


class Clients:
    """The clients that are connected. `greet` returns what one is sent first."""

    def __init__(self, limits: Limits, greet: Callable[[], bytes]) -> None:
        self.limits = limits
        self._greet = greet
        # One for all: it is empty whenever a connection's turn is over.
        self.buffer = bytearray(_BUFFER)
        self.view = memoryview(self.buffer)
        self._may_spin = len(os.sched_getaffinity(0)) > 1
        self._is_awake = False
        self._active_at = self._awake_until = 0.0
        self._connections: set[Connection] = set()
        # Of clients that are gone, while a command of theirs runs.
        self._workers: set[asyncio.Task[None]] = set()
        self._numbers = 0

    def stay_awake(self, now: float) -> None:
        """Keep the event loop from sleeping for a moment: waking it takes longer than a command.

        Only where commands come one soon after the other, and where there is a core to spare.
        """
        is_soon, self._active_at = now - self._active_at < _SOON, now
        if is_soon and self._may_spin:
            self._awake_until = now + _AWAKE
            if not self._is_awake:
                self._is_awake = True
                self._turn()

    def _turn(self) -> None:
        loop = asyncio.get_running_loop()
        self._is_awake = loop.time() < self._awake_until
        if self._is_awake:
            loop.call_soon(self._turn)

    @property
    def greeting(self) -> bytes:
        """What a client is sent first."""
        return self._greet()

    def enter(self, connection: Connection) -> int:
        """Take a client in; return its number."""
        self._connections.add(connection)
        self._numbers += 1
        return self._numbers

    def leave(self, connection: Connection) -> None:
        """Forget a client that is gone."""
        self._connections.discard(connection)
        for task in connection.tasks:
            self._workers.add(task)
            task.add_done_callback(self._workers.discard)

    def tell(self, event: bytes, *, capability: str | None = None) -> None:
        """Send an event to all that have negotiated, this capability if one is needed."""
        for connection in tuple(self._connections):
            capabilities = connection.session.capabilities
            if capabilities is not None and (capability is None or capability in capabilities):
                connection.send_event(event)

    async def end(self) -> None:
        """Let commands that run come to their end, but not for ever; then close all."""
        connections = tuple(self._connections)
        for connection in connections:
            connection.end()
        await self._wait(self.limits.drain_seconds)
        tasks = self._find_tasks()
        for connection in connections:
            connection.abort()
        for task in tasks:
            task.cancel()
        # A handler that goes on regardless does not keep the server from its end.
        await self._wait(1.0)

    async def _wait(self, seconds: float) -> None:
        """Wait until all connections are closed and nothing runs, but no longer than that."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while (self._connections or self._workers) and loop.time() < deadline:
            tasks = self._find_tasks()
            if tasks:
                await asyncio.wait(tasks, timeout=deadline - loop.time())
            # The transports have buffers to write.
            await asyncio.sleep(0.001)

    def _find_tasks(self) -> set[asyncio.Task[None]]:
        return self._workers.union(*(each.tasks for each in self._connections))

    @contextlib.contextmanager
    def dropping_idle(self) -> Iterator[None]:
        """Drop clients that have said nothing for too long, from now and then."""
        limit = self.limits.idle_seconds
        task = None if limit is None else asyncio.create_task(self._watch(limit))
        try:
            yield
        finally:
            if task:
                task.cancel()

    async def _watch(self, limit: float) -> None:
        while True:
            await asyncio.sleep(max(limit / _PART, 0.01))
            now = asyncio.get_running_loop().time()
            for connection in tuple(self._connections):
                if connection.is_idle and now - connection.last_heard >= limit:
                    log.info("client %d says nothing: dropped", connection.session.number)
                    connection.abort()

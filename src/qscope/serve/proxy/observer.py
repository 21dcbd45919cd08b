"""What passes, handed to somebody who may take long over it, or fail: nobody waits for him.

In: bytes of clients, in the event loop. Out: the same bytes, to a function in a thread. If it falls
behind too far, or raises, the client's bytes are no longer handed on, and that is told once.
"""

import asyncio
import contextlib
import queue
import threading
import time
from collections.abc import Callable
from typing import TypeAlias

# Bytes that may wait.
_MOST = 64 << 20
# Seconds in which most commands are answered: until then the interpreter is left to their replies.
_DELAY = 0.002

Observe: TypeAlias = Callable[[int, bytes], None]
Lose: TypeAlias = Callable[[int, str], None]


class Observer:
    """Calls `observe(client, data)`, or once `lose(client, why)`, in a thread of its own."""

    def __init__(self, observe: Observe, lose: Lose, *, most: int = _MOST) -> None:
        self._observe = observe
        self._lose = lose
        self._most = most
        self._queue: queue.SimpleQueue[tuple[int, bytes | str] | None] = queue.SimpleQueue()
        # The event loop writes the one, the thread the other.
        self._offered = self._done = 0
        self._dropped: set[int] = set()
        self._lost: set[int] = set()
        self._thread = threading.Thread(target=self._run, daemon=True, name="observer")
        self._finished = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    def offer(self, client: int, data: bytes) -> None:
        """Hand on what a client sent; never waits."""
        if client in self._dropped:
            return
        if self._offered - self._done + len(data) > self._most:
            self._dropped.add(client)
            self._queue.put((client, "it came faster than it could be judged"))
            return
        self._offered += len(data)
        self._queue.put((client, data))

    async def finish(self) -> None:
        """Wait until all that was offered has been seen; nothing more may be offered."""
        self._queue.put(None)
        await self._finished.wait()

    def _run(self) -> None:
        while (item := self._next()) is not None:
            client, data = item
            if client not in self._lost:
                self._hand_on(client, data)
            if isinstance(data, bytes):
                self._done += len(data)
        # Who was interrupted in waiting for it has closed the loop.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._finished.set)

    def _next(self) -> tuple[int, bytes | str] | None:
        with contextlib.suppress(queue.Empty):
            return self._queue.get_nowait()
        item = self._queue.get()
        time.sleep(_DELAY)
        return item

    def _hand_on(self, client: int, data: bytes | str) -> None:
        if isinstance(data, str):
            self._give_up(client, data)
            return
        try:
            self._observe(client, data)
        except Exception as error:  # noqa: BLE001 - whatever it is, the session goes on
            self._give_up(client, f"an internal error, please report it: {error!r:.200}")

    def _give_up(self, client: int, why: str) -> None:
        self._lost.add(client)
        self._lose(client, why)

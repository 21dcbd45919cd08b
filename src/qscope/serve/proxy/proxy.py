"""`Proxy`: listens, connects each client with a server, and is done when it is told.

In: addresses, and a watcher. Out: to the watcher, which client sent what, and which could not be
connected.
"""

import asyncio
import contextlib
import functools
import signal
from collections.abc import Callable
from typing import Protocol

from qscope.errors import ConnectError
from qscope.qmp.address import Address
from qscope.serve.listening import listen
from qscope.serve.proxy.connecting import connecting
from qscope.serve.proxy.ends import ClientEnd, ServerEnd
from qscope.serve.proxy.relay import relay

# Seconds: for connecting to the server; for clients to take what is left when the proxy ends.
_TIMEOUT = 10.0
_GRACE = 1.0
_MOST_CLIENTS = 128
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Watcher(Protocol):
    """Who is told of the clients, numbered from 1. Nothing here may take long."""

    def receive(self, client: int, data: bytes) -> None:
        """Take note of bytes that a client sent, b"" at its end."""

    def miss(self, client: int, why: str) -> None:
        """Take note of a client that was closed, since the server could not be connected to."""


class Proxy:
    """Passes sessions on to the server at `to`; with `once` only the first one."""

    def __init__(self, to: Address, watcher: Watcher, *, once: bool = False) -> None:
        self._to = to
        self._watcher = watcher
        self._once = once
        self._clients: set[ClientEnd] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._count = 0
        self._over = asyncio.Event()

    async def serve(
        self, *addresses: str, anywhere: bool = False, ready: Callable[[list[str]], None]
    ) -> None:
        """Pass sessions on until `stop` is called, SIGTERM or SIGINT comes, or once is over.

        The addresses are those of `listen`; `ready` is called with them as bound, when clients can
        connect. A second signal finds the program as it was. Raises ServeError.
        """
        slots = asyncio.Semaphore(1 if self._once else _MOST_CLIENTS)
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(self._end)
            bound = []
            for address in addresses:
                listener = await listen(address, self._make_client, anywhere=anywhere, slots=slots)
                stack.push_async_callback(listener.close)
                bound.append(listener.address)
            stack.callback(_leave_signals)
            _take_signals(self.stop)
            ready(bound)
            await self._over.wait()

    def stop(self) -> None:
        """Let `serve` end: sessions are closed."""
        self._over.set()

    def _make_client(self, released: Callable[[], None]) -> ClientEnd:
        return ClientEnd(self._begin, released)

    def _begin(self, client: ClientEnd) -> None:
        self._count += 1
        self._clients.add(client)
        task = asyncio.create_task(self._serve(self._count, client))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, number: int, client: ClientEnd) -> None:
        try:
            async with connecting(self._to, _TIMEOUT) as sock:
                see = functools.partial(self._watcher.receive, number)
                await relay(client, ServerEnd(sock), see)
        except ConnectError as error:
            self._watcher.miss(number, str(error))
        finally:
            client.close()
        await client.lost.wait()
        self._watcher.receive(number, b"")
        self._clients.discard(client)
        if self._once and number == 1:
            self.stop()

    async def _end(self) -> None:
        tasks = tuple(self._tasks)
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GRACE):
                for client in self._clients:
                    await client.lost.wait()
        for client in self._clients:
            client.abort()


def _take_signals(stop: Callable[[], None]) -> None:
    def end() -> None:
        _leave_signals()
        stop()

    # Not in the main thread, whoever started the thread stops it.
    with contextlib.suppress(RuntimeError, ValueError):
        for each in _SIGNALS:
            asyncio.get_running_loop().add_signal_handler(each, end)


def _leave_signals() -> None:
    with contextlib.suppress(RuntimeError, ValueError):
        for each in _SIGNALS:
            asyncio.get_running_loop().remove_signal_handler(each)

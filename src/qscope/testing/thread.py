"""A server in a thread of its own, with an event loop of its own.

In: a `Server`. Out: a thread in which it serves until it is stopped. What is to happen in its loop
is handed to `call`.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any, TypeVar

from qscope.errors import ServeError
from qscope.serve.server import Server

_T = TypeVar("_T")
# Seconds in which it has begun, has answered a call, has ended.
_DEADLINE = 10.0


class ServerThread:
    """Serves at one address. A program that ends does not wait for it."""

    def __init__(self, server: Server, address: str) -> None:
        self._server = server
        self._address = address
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready: Future[str] = Future()
        self._ended: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name="mock QEMU", daemon=True)

    def start(self) -> str:
        """Begin to serve; return the address as bound. Raises ServeError."""
        self._thread.start()
        return self._wait_for(self._ready, "begin to serve")

    def call(self, function: Callable[[], _T]) -> _T:
        """Call a function in the server's loop; return what it returns, raise what it raises.

        Raises ServeError where the server has ended.
        """
        done: Future[_T] = Future()
        try:
            assert self._loop is not None
            self._loop.call_soon_threadsafe(_fulfil, done, function)
        except RuntimeError as error:
            raise ServeError("the mock has ended") from error
        return self._wait_for(done, "answer")

    def stop(self) -> None:
        """End in order; again and again if one likes. Raises ServeError where it failed."""
        if not self._ended.done():
            assert self._loop is not None
            # A loop that is closed: behind the check it has ended by itself.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._server.stop)
        self._wait_for(self._ended, "end")
        self._thread.join(_DEADLINE)

    def _wait_for(self, done: "Future[_T]", what: str) -> _T:
        either: set[Future[Any]] = {done, self._ended}
        wait(either, timeout=_DEADLINE, return_when=FIRST_COMPLETED)
        if done.done():
            return done.result()
        if not self._ended.done():
            raise ServeError(f"the mock did not {what} within {_DEADLINE:g} s")
        self._ended.result()
        raise ServeError("the mock has ended")

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - it is the caller's to know
            self._ended.set_exception(error)
        else:
            self._ended.set_result(None)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        await self._server.serve(self._address, ready=self._announce)

    def _announce(self, addresses: list[str]) -> None:
        self._ready.set_result(addresses[0])


def _fulfil(done: "Future[_T]", function: Callable[[], _T]) -> None:
    try:
        done.set_result(function())
    except Exception as error:  # noqa: BLE001 - it is raised in the caller's thread
        done.set_exception(error)

"""Addresses to clients: where a server listens, and how many it lets in.

In: an address, and what makes a protocol for each client. Out: a `Listener`. Clients beyond the
slots stay in the backlog without a greeting, as a QEMU's monitor leaves them.
"""

import asyncio
import contextlib
import errno
import functools
import logging
import socket
import ssl
from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

from qscope.errors import ServeError
from qscope.serve.sockets import (
    Bound,
    bind_tcp,
    bind_unix,
    is_listening,
    remove_file,
    split_tcp,
    take_inherited,
)
from qscope.serve.stdio import StdioTransport, check_stdio

log = logging.getLogger("qscope.serve")

# Seconds: for a TLS client to say hello, and goodbye; until accepting is tried again.
_HANDSHAKE = 10.0
_PAUSE = 0.1
# Why accept() fails: the client is gone, or another process has it; there is no such socket any
# more. All else (too many descriptors, no memory, a firewall) may pass.
_NOBODY = (errno.EAGAIN, errno.EINTR, errno.ECONNABORTED, errno.EPROTO)
_ENDED = (errno.EBADF, errno.EINVAL, errno.ENOTSOCK)

# Makes the protocol of a client; it calls what it is given when the client is gone.
Factory: TypeAlias = Callable[[Callable[[], None]], asyncio.Protocol]


class Listener:
    """Where clients come from. `gone` is set when none can come any more."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.gone = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._bound: list[Bound] = []
        self._is_failing = False

    async def close(self) -> None:
        """Accept nobody any more; those who are there stay."""
        for task in tuple(self._tasks):
            task.cancel()
        try:
            await asyncio.gather(*self._tasks, return_exceptions=True)
        finally:
            for each in self._bound:
                remove_file(each)
                each.sock.close()
            self._bound.clear()

    def accept_from(
        self,
        bound: Bound,
        factory: Factory,
        tls: ssl.SSLContext | None,
        slots: asyncio.Semaphore,
    ) -> None:
        """Accept clients from a socket until the listener is closed."""
        bound.sock.setblocking(False)
        self._bound.append(bound)
        self._start(self._accept(bound.sock, factory, tls, slots))

    def serve_connected(
        self, sock: socket.socket, factory: Factory, tls: ssl.SSLContext | None
    ) -> None:
        """Serve the one client that a socket is connected to."""
        self._hand_over(sock, factory, tls, self.gone.set)

    def _start(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _accept(
        self,
        sock: socket.socket,
        factory: Factory,
        tls: ssl.SSLContext | None,
        slots: asyncio.Semaphore,
    ) -> None:
        while True:
            # A slot is taken when somebody is there: listeners share them.
            await _wait_readable(sock)
            await slots.acquire()
            try:
                client, _ = sock.accept()
            except OSError as error:
                slots.release()
                if error.errno in _ENDED:
                    log.warning("%s: it has ended: %s", self.address, error.strerror)
                    self.gone.set()
                    return
                await self._bear(error)
            else:
                self._is_failing = False
                self._hand_over(client, factory, tls, _once(slots.release))

    async def _bear(self, error: OSError) -> None:
        """Go on without a client; tell of it once, and not whenever it is tried again."""
        if error.errno in _NOBODY:
            return
        if not self._is_failing:
            log.warning("%s: cannot accept a client: %s", self.address, error.strerror)
        self._is_failing = True
        await asyncio.sleep(_PAUSE)

    def _hand_over(
        self,
        client: socket.socket,
        factory: Factory,
        tls: ssl.SSLContext | None,
        released: Callable[[], None],
    ) -> None:
        """Begin to connect a client."""

        def drop_cancelled(task: asyncio.Task[None]) -> None:
            # Here, since a task may be cancelled before it has begun.
            if task.cancelled():
                client.close()
                released()

        self._start(self._connect(client, factory, tls, released)).add_done_callback(drop_cancelled)

    async def _connect(
        self,
        client: socket.socket,
        factory: Factory,
        tls: ssl.SSLContext | None,
        released: Callable[[], None],
    ) -> None:
        """Hand a client over to a protocol of its own."""
        seconds = _HANDSHAKE if tls else None
        try:
            client.setblocking(False)
            await asyncio.get_running_loop().connect_accepted_socket(
                functools.partial(factory, released),
                client,
                ssl=tls,
                ssl_handshake_timeout=seconds,
                ssl_shutdown_timeout=seconds,
            )
        except OSError as error:
            log.info("%s: a client did not connect: %s", self.address, error)
        except Exception:
            log.exception("%s: a client cannot be served", self.address)
        else:
            return
        client.close()
        released()


async def listen(
    address: str,
    factory: Factory,
    *,
    tls: ssl.SSLContext | None = None,
    mode: int = 0o600,
    anywhere: bool = False,
    slots: asyncio.Semaphore,
) -> Listener:
    """Listen at `unix:PATH`, `tcp:HOST:PORT` or `fd:N`, or serve who is at the end of `stdio`.

    A socket file gets `mode`. TCP is bound to loopback addresses only, unless there is `tls` or
    `anywhere`. A descriptor N is the server's from then on (in the same process, `detach()` the
    socket that owns it). Each client that is accepted takes one of `slots` until it is gone, which
    its protocol tells. Raises ServeError.
    """
    listener = Listener(address)
    if address == "stdio":
        if tls is not None:
            raise ServeError("stdio: there is no TLS on it")
        check_stdio()
        StdioTransport(factory(listener.gone.set)).start()
        return listener
    if address.startswith("fd:"):
        bound = [take_inherited(address)]
        if not is_listening(bound[0].sock):
            listener.serve_connected(bound[0].sock, factory, tls)
            return listener
    elif address.startswith("unix:") or "/" in address:
        bound = [bind_unix(address.removeprefix("unix:"), mode)]
    elif tcp := split_tcp(address):
        bound = bind_tcp(*tcp, anywhere=anywhere or tls is not None)
    else:
        raise ServeError(f"{address!r}: unix:PATH, tcp:HOST:PORT, fd:N or stdio is right")
    listener.address = bound[0].address
    for each in bound:
        listener.accept_from(each, factory, tls, slots)
    return listener


def _once(release: Callable[[], None]) -> Callable[[], None]:
    """Return a function that calls another one the first time only."""
    waiting = [release]

    def call() -> None:
        if waiting:
            waiting.pop()()

    return call


def _set(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


async def _wait_readable(sock: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    readable: asyncio.Future[None] = loop.create_future()
    loop.add_reader(sock, _set, readable)
    try:
        await readable
    finally:
        with contextlib.suppress(ValueError):
            loop.remove_reader(sock)

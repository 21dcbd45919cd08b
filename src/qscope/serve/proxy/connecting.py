"""From an address to a connected socket, without holding up the event loop."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

from qscope.errors import ConnectError
from qscope.qmp.address import Address

# Seconds until a full backlog is looked at again.
_PAUSE = 0.05


@contextlib.asynccontextmanager
async def connecting(address: Address, timeout: float) -> AsyncIterator[socket.socket]:
    """Yield a socket that is connected to a server and does not block; close it in the end.

    Raises ConnectError.
    """
    try:
        async with asyncio.timeout(timeout):
            path = address.path
            sock = await (_connect_tcp(address) if path is None else _connect_unix(path))
    except TimeoutError as error:
        raise ConnectError(f"{address}: nobody answered within {timeout:g} seconds") from error
    except (OSError, ValueError) as error:
        raise ConnectError(f"{address}: {_explain(error)}") from error
    with sock:
        yield sock


def _explain(error: Exception) -> str:
    match error:
        case socket.gaierror(strerror=str(text)):
            return text
        case OSError(errno=int(number)):
            # asyncio has words of its own.
            return os.strerror(number)
        case _:
            return str(error)


async def _connect_unix(path: str) -> socket.socket:
    with _closed_on_error(_make_socket(socket.AF_UNIX)) as sock:
        while True:
            try:
                sock.connect(path)
            except BlockingIOError:
                # The backlog is full, which epoll does not tell from being connected.
                await asyncio.sleep(_PAUSE)
            else:
                return sock


async def _connect_tcp(address: Address) -> socket.socket:
    """Connect to the first of a host's addresses that answers."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    for family, _, _, _, where in found[:-1]:
        with contextlib.suppress(OSError):
            return await _connect_one(family, where)
    return await _connect_one(found[-1][0], found[-1][4])


async def _connect_one(family: int, where: Any) -> socket.socket:
    with _closed_on_error(_make_socket(family)) as sock:
        # A client waits for the answer before it sends more: small pieces must not wait.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(sock, where)
        return sock


def _make_socket(family: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setblocking(False)
    return sock


@contextlib.contextmanager
def _closed_on_error(sock: socket.socket) -> Iterator[socket.socket]:
    try:
        yield sock
    except BaseException:
        sock.close()
        raise

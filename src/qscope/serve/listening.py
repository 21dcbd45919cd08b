"""Addresses to clients (for the time being: unix and tcp)."""

import asyncio
import os
import socket
import ssl
from collections.abc import Callable

from qscope.errors import ServeError
from qscope.qmp.address import parse_address


class Listener:
    """A listening socket."""

    def __init__(self, server: asyncio.Server, address: str, path: str | None) -> None:
        self.address = address
        self._server = server
        self._path = path

    async def close(self) -> None:
        """Stop accepting."""
        self._server.close()
        if self._path and os.path.exists(self._path):
            os.unlink(self._path)


async def listen(
    address: str,
    factory: Callable[[], asyncio.Protocol],
    *,
    tls: ssl.SSLContext | None = None,
    mode: int = 0o600,
    anywhere: bool = False,
    slots: asyncio.Semaphore | None = None,
) -> Listener:
    """Listen at an address."""
    loop = asyncio.get_running_loop()
    parsed = parse_address(address)
    if parsed is None:
        raise ServeError(f"{address}: no address")
    if parsed.path is not None:
        if os.path.exists(parsed.path):
            os.unlink(parsed.path)
        server = await loop.create_unix_server(factory, parsed.path, ssl=tls)
        os.chmod(parsed.path, mode)
        return Listener(server, address, parsed.path)
    server = await loop.create_server(factory, parsed.host, parsed.port, ssl=tls)
    return Listener(server, address, None)

"""A small server for the tests: in the same event loop, or as a process of its own."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from typing import Any

import msgspec

from qscope.serve import Context, Limits, Server

SCHEMA = """
{ 'struct': 'Disk', 'data': {'id': 'str', '*size': 'size', '*cache': 'bool'} }
{ 'command': 'disk-add', 'data': 'Disk', 'returns': 'Disk' }
{ 'command': 'sleep', 'data': {'seconds': 'number'} }
{ 'struct': 'Peer',
  'data': {'address': 'str', '*pid': 'int', '*uid': 'int', '*certificate': 'any'} }
{ 'command': 'peer', 'returns': 'Peer' }
{ 'event': 'GONE', 'data': {'id': 'str'} }
"""


def make_server(**options: Any) -> Server:
    """Return a server for SCHEMA; `options` are Server's."""
    server = Server(SCHEMA, version="1.2.3", package="tests", **options)

    @server.command("disk-add")
    async def disk_add(ctx: Context, args: Any) -> Any:
        return args

    @server.command("sleep")
    async def sleep(ctx: Context, args: Any) -> None:
        await asyncio.sleep(args.seconds)

    @server.command("peer")
    def peer(ctx: Context) -> Any:
        found = msgspec.to_builtins(ctx.session.peer)
        return {name: each for name, each in found.items() if each is not None and name != "gid"}

    return server


@contextlib.asynccontextmanager
async def serving(server: Server, *addresses: str, **options: Any) -> AsyncIterator[list[str]]:
    """Serve; yield the addresses as bound."""
    bound = await server.listen(*addresses, **options)
    try:
        yield bound
    finally:
        await server.close()


class Client:
    """A client that takes one message after another."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    @contextlib.asynccontextmanager
    async def at(cls, address: str, **options: Any) -> AsyncIterator["Client"]:
        """Connect; the greeting is the first message."""
        kind, _, where = address.partition(":")
        if kind == "unix":
            reader, writer = await asyncio.open_unix_connection(where, **options)
        else:
            host, _, port = where.rpartition(":")
            reader, writer = await asyncio.open_connection(host.strip("[]"), int(port), **options)
        try:
            yield cls(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def send(self, *messages: Any) -> None:
        """Send values as JSON, and bytes as they are."""
        for each in messages:
            self.writer.write(each if isinstance(each, bytes) else json.dumps(each).encode())

    async def take(self, timeout: float = 5.0) -> Any:
        """Return the next message, None at the end of the connection."""
        line = await asyncio.wait_for(self.reader.readline(), timeout)
        return json.loads(line) if line else None

    async def run(self, command: str, **arguments: Any) -> Any:
        """Execute a command; return its reply."""
        self.send({"execute": command, "arguments": arguments})
        return await self.take()

    async def negotiate(self, *capabilities: str) -> Any:
        """Take the greeting and leave negotiation mode; return the greeting."""
        greeting = await self.take()
        assert await self.run("qmp_capabilities", enable=list(capabilities)) == {"return": {}}
        return greeting


def main() -> None:
    """Serve at the addresses that are given."""
    limits = Limits(drain_seconds=2.0)
    make_server(limits=limits).run(
        *sys.argv[1:], ready=lambda bound: print(*bound, file=sys.stderr, flush=True)
    )


if __name__ == "__main__":
    main()

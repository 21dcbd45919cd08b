"""A server of ours in the test's own event loop, and clients that talk to it."""

import asyncio
import contextlib
import itertools
import json

import msgspec

from qscope.serve import Limits, Server

DEADLINE = 20


@contextlib.asynccontextmanager
async def serving(server, folder):
    """Serve at a unix socket until the end of the block; no task is left behind then."""
    before = asyncio.all_tasks()
    (address,) = await server.listen(f"unix:{folder}/qmp")
    try:
        yield address.removeprefix("unix:")
    finally:
        await server.close()
    left = {each for each in asyncio.all_tasks() - before if not each.done()}
    assert not left, f"the server left tasks behind: {left}"


class Client:
    """One connection; replies and events are told apart, both keep their order."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.events = []
        self.greeting = None
        self._numbers = itertools.count()

    @classmethod
    async def connect(cls, path, *capabilities, negotiate=True):
        client = cls(*await asyncio.open_unix_connection(path, limit=1 << 26))
        client.greeting = (await client.read_message())["QMP"]
        if negotiate:
            reply = await client.ask("qmp_capabilities", {"enable": list(capabilities)})
            assert reply == {"return": {}}
        return client

    async def read_line(self):
        """Return the next line, b"" at the end."""
        return await asyncio.wait_for(self.reader.readline(), DEADLINE)

    async def read_message(self):
        line = await self.read_line()
        assert line.endswith(b"\r\n"), line
        # msgspec refuses what is sent for an infinite number.
        return json.loads(line)

    async def read_reply(self):
        while "event" in (message := await self.read_message()):
            self.events.append(message)
        return message

    def send(self, data):
        self.writer.write(data)

    async def ask(self, command, arguments=None, *, oob=False):
        """Return the reply to a command, without the id that it must have."""
        number = next(self._numbers)
        request = {"exec-oob" if oob else "execute": command, "id": number}
        if arguments is not None:
            request["arguments"] = arguments
        self.send(msgspec.json.encode(request))
        reply = await self.read_reply()
        assert reply.pop("id") == number, reply
        return reply

    async def read_to_end(self):
        return await asyncio.wait_for(self.reader.read(), DEADLINE)

    def abort(self):
        self.writer.transport.abort()

    async def close(self):
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


def talk(server, folder, conversation):
    """Run a conversation, a function of the socket's path, with a server; return its result."""

    async def run():
        async with asyncio.timeout(60), serving(server, folder) as path:
            return await conversation(path)

    return asyncio.run(run())


def make_server(schema, handlers=None, *, limits=None, **options):
    """Return a server of a schema with these handlers."""
    server = Server(schema, limits=limits or Limits(drain_seconds=1), **options)
    for name, function in (handlers or {}).items():
        server.add_command(name, function)
    return server

"""What is at the two sides of a stdio transport: a protocol that echoes, and pipes."""

import asyncio
import os
import threading

from qscope.serve.stdio import StdioTransport

DEADLINE = 10.0


class Echo(asyncio.Protocol):
    """Sends back what it gets; at the end of the input it stops, after a last word."""

    def __init__(self, *, goes_on=False):
        self.goes_on = goes_on
        self.received = b""
        self.calls = []
        self.changed = asyncio.Event()
        self.lost = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self.transport = transport
        self.note("made")

    def note(self, call):
        self.calls.append(call)
        self.changed.set()

    def data_received(self, data):
        self.received += data
        self.note("data")
        self.transport.write(data)

    def eof_received(self):
        self.note("eof")
        self.transport.write(b".")
        return self.goes_on

    def pause_writing(self):
        self.note("pause")

    def resume_writing(self):
        self.note("resume")

    def connection_lost(self, error):
        self.note("lost")
        self.lost.set_result(error)

    async def until(self, holds):
        """Wait until it holds; it is looked at after each call."""
        async with asyncio.timeout(DEADLINE):
            while not holds():
                self.changed.clear()
                await self.changed.wait()

    async def end(self):
        return await asyncio.wait_for(self.lost, DEADLINE)


class Silent(Echo):
    def data_received(self, data):
        self.received += data
        self.note("data")


class Pipes:
    """Two pipes: a transport's descriptors, and ours at their other ends."""

    def __enter__(self):
        self.stdin, self.ours_in = os.pipe()
        self.ours_out, self.stdout = os.pipe()
        self.open = {self.stdin, self.ours_in, self.ours_out, self.stdout}
        return self

    def __exit__(self, *_):
        for each in tuple(self.open):
            self.close(each)

    def close(self, descriptor):
        self.open.remove(descriptor)
        os.close(descriptor)

    @property
    def both(self):
        return self.stdin, self.stdout


def connect(protocol, descriptors):
    transport = StdioTransport(protocol, descriptors)
    transport.start()
    return transport


async def all_threads_end():
    """Wait until no thread of a transport is left."""
    names = {"stdin", "stdout"}
    for thread in threading.enumerate():
        if thread.name in names:
            await asyncio.to_thread(thread.join, DEADLINE)
            assert not thread.is_alive()


def read_all(descriptor):
    return b"".join(iter(lambda: os.read(descriptor, 1 << 16), b""))


async def talk(descriptors, *, goes_on=False):
    """Echo until the input's end; return the protocol."""
    echo = Echo(goes_on=goes_on)
    connect(echo, descriptors)
    assert await echo.end() is None
    await all_threads_end()
    return echo

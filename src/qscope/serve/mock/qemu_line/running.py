"""A mock that runs until it is told to end, as a QEMU does.

In: a mock, its sockets, what its line makes. Clients that leave do not end it: `quit` does, and
signals.
"""

import asyncio
import signal
import socket
from collections.abc import Callable, Sequence

from qscope.serve.mock.qemu_line.feeding import Gate, feed
from qscope.serve.mock.qemu_line.given import Given
from qscope.serve.mock.qemu_line.opening import Sockets, find_port
from qscope.serve.mock.qemu_line.places import Place
from qscope.serve.mock.server import MockServer

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(
    server: MockServer,
    sockets: Sockets,
    given: Sequence[Given],
    gate: Gate,
    ready: Callable[[], None],
) -> None:
    """Serve at all sockets until the end; `ready` is called when clients are answered.

    What is `given` is there before; then the gate is opened.
    """
    stay, kept = socket.socketpair()
    addresses = [*sockets.addresses]
    if not sockets.has_listener:
        # A server ends when all that it is connected to have gone; this one does not go.
        addresses.append(f"fd:{stay.detach()}")
    tasks: set[asyncio.Task[None]] = set()

    def begin(_addresses: list[str]) -> None:
        loop = asyncio.get_running_loop()
        for number in _ENDING:
            loop.add_signal_handler(number, _end, server)
        tasks.update(loop.create_task(_stay_connected(server, each)) for each in sockets.lasting)
        ready()

    async def serve() -> None:
        if given:
            await feed(server, given)
        gate.is_open = True
        await server.serve(*addresses, ready=begin)

    with stay, kept:
        asyncio.run(serve())


def _end(server: MockServer) -> None:
    """Tell that a signal ends it, and end."""
    server.tell("SHUTDOWN", {"guest": False, "reason": "host-signal"})
    server.stop()


async def _stay_connected(server: MockServer, place: Place) -> None:
    """Connect to an application again and again, as `reconnect` says."""
    loop = asyncio.get_running_loop()
    while True:
        gone = asyncio.Event()

        def make(gone: asyncio.Event = gone) -> asyncio.Protocol:
            return server.make_connection(gone.set)

        try:
            if place.path is not None:
                await loop.create_unix_connection(make, place.path)
            else:
                await loop.create_connection(make, place.host or "localhost", find_port(place))
        except OSError:
            gone.set()
        await gone.wait()
        await asyncio.sleep(place.reconnect)

"""Bytes from each end of a session to the other: unchanged, in order, no faster than it reads."""

import asyncio
from collections.abc import Callable

from qscope.serve.proxy.ends import End


async def relay(client: End, server: End, see: Callable[[bytes], None]) -> None:
    """Pass bytes on both ways until both ends have said all, or one is gone.

    That one end says nothing more is passed on, and the other may go on. `see` is shown what the
    client sent, when it has been passed on.
    """
    pumps = {
        asyncio.create_task(_pump(client, server, see)),
        asyncio.create_task(_pump(server, client, _ignore)),
    }
    try:
        while pumps and not (client.is_gone or server.is_gone):
            _, pumps = await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in pumps:
            each.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)


async def _pump(source: End, sink: End, see: Callable[[bytes], None]) -> None:
    while data := await source.receive():
        try:
            await sink.send(data)
        except OSError:
            # Nobody takes it; what the sink has still to say comes through the other pump.
            break
        finally:
            see(data)
    sink.finish()


def _ignore(_: bytes) -> None:
    pass

"""A server for tests of load, in a test or as a program of its own."""

import asyncio
import sys

from qscope.serve import Limits
from tests.serve_client import make_server

SCHEMA = """
{ 'struct': 'Point', 'data': { 'x': 'int', '*note': 'str' } }
{ 'command': 'double', 'data': 'Point', 'returns': 'Point' }
{ 'command': 'pause', 'data': { 'seconds': 'number' } }
{ 'command': 'fill', 'data': { 'bytes': 'int' }, 'returns': 'Point' }
{ 'command': 'poke', 'allow-oob': true }
{ 'command': 'linger', 'data': { 'seconds': 'number' }, 'allow-oob': true }
{ 'event': 'NOISE', 'data': { 'text': 'str' } }
"""


async def _pause(_, args):
    await asyncio.sleep(args.seconds)


def make(**limits):
    handlers = {
        "double": lambda _, args: {"x": args.x * 2},
        "pause": _pause,
        "fill": lambda _, args: {"x": 1, "note": "n" * args.bytes},
        "poke": lambda _: None,
        "linger": _pause,
    }
    return make_server(SCHEMA, handlers, limits=Limits(drain_seconds=0.6, **limits))


if __name__ == "__main__":
    make().run(sys.argv[1], ready=lambda bound: print("ready", flush=True))

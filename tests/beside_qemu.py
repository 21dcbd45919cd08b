"""A QEMU and the mock made of its snapshot, each at a socket, to be told the same things."""

import asyncio
import contextlib
import subprocess
import threading
import time
from pathlib import Path

from qscope.probe import probe_binary
from qscope.serve.mock.server import mock_snapshot

_DEADLINE = 30.0
_ARGUMENTS = ("-S", "-machine", "none", "-nodefaults", "-no-user-config", "-display", "none")


@contextlib.contextmanager
def run_qemu(binary, path):
    """Run a QEMU without a machine until the block ends; yield its socket."""
    words = [binary, *_ARGUMENTS, "-qmp", f"unix:{path},server=on,wait=off"]
    with subprocess.Popen(words, stdin=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + _DEADLINE
            while not path.is_socket():
                assert process.poll() is None, "QEMU ended"
                assert time.monotonic() < deadline, "QEMU does not listen"
                time.sleep(0.01)
            yield path
        finally:
            process.kill()


@contextlib.contextmanager
def run_server(make, path):
    """Run the server that `make` returns, in a thread, until the block ends; yield its socket."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def run(coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(timeout=_DEADLINE)

    async def start():
        server = make()
        await server.listen(f"unix:{path}")
        return server

    try:
        server = run(start())
        yield path
        run(server.close())
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=_DEADLINE)
        loop.close()


@contextlib.contextmanager
def run_mock(binary, path):
    """Run a mock made of what a QEMU tells of itself, until the block ends; yield its socket."""
    snapshot = probe_binary(Path(binary))
    with run_server(lambda: mock_snapshot(snapshot), path):
        yield path

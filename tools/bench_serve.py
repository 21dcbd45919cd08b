"""Measure a server of ours and QEMU under one load generator.

In: a QEMU binary. Out: its rows: commands a second in a closed loop and with eight in flight, and
the latency there. QEMU's query-status is the peer; ours reads a struct of five members. The mock is
asked the same as QEMU, which it remembers, and what it makes up.
"""

import contextlib
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import NamedTuple

from bench_compile import Row
from qscope.load.opening import EMBEDDED
from qscope.serve import Context, Server

SCHEMA = """
{ 'enum': 'Cache', 'data': ['writeback', 'none'] }
{ 'struct': 'Place', 'data': { 'path': 'str', '*offset': 'size' } }
{ 'struct': 'Disk', 'data': { 'id': 'str', 'size': 'size', 'cache': 'Cache',
                              'read-only': 'bool', 'place': 'Place' } }
{ 'struct': 'DiskInfo', 'data': { 'id': 'str', 'size': 'size' } }
{ 'command': 'disk-add', 'data': 'Disk', 'returns': 'DiskInfo' }
"""
_OURS = (
    b'{"execute": "disk-add", "arguments": {"id": "disk0", "size": 1048576, "cache": "none",'
    b' "read-only": false, "place": {"path": "/srv/disk0", "offset": 512}}, "id": 1}\n'
)
_THEIRS = b'{"execute": "query-status", "id": 1}\n'
# A struct of as many members; what QEMU answers to it takes longer than query-status.
_MADE_UP = (
    b'{"execute": "announce-self", "arguments": {"initial": 50, "max": 550, "rounds": 5,'
    b' "step": 50, "id": "self"}, "id": 1}\n'
)
_QEMU = ["-S", "-machine", "none", "-nodefaults", "-display", "none"]
_MOCK = {
    "serve --snapshot: query-status, closed loop": _THEIRS,
    "serve --snapshot: a made-up result, closed loop": _MADE_UP,
}
_ROUNDS = 7
_SECONDS = 0.4
_IN_FLIGHT = 8
_DEADLINE = 20.0


class _Load(NamedTuple):
    """Commands a second, and the 99th percentile of seconds to a reply."""

    rate: float
    p99: float


def find_rows(binary: str | None) -> Iterator[Row]:
    """Yield the figures: seconds a command of ours over QEMU's; without a QEMU there are none."""
    alone, many = "serve: a command, closed loop", f"serve: a command, {_IN_FLIGHT} in flight"
    late = f"serve: 99 % of replies, {_IN_FLIGHT} in flight"
    if binary is None:
        yield from (Row(what, bar, remark="no QEMU") for what, bar in ((alone, 1 / 3), (many, 0.1)))
        yield Row(late, 1, remark="no QEMU")
        yield from (Row(what, 1 / 3, remark="no QEMU") for what in _MOCK)
        return
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        ours = stack.enter_context(_connecting(_command_ours(folder), f"{folder}/ours"))
        theirs = stack.enter_context(_connecting(_command_qemu(binary, folder), f"{folder}/qemu"))
        for what, window, bar in ((alone, 1, 1 / 3), (many, _IN_FLIGHT, 0.1)):
            pairs = [
                (_load(ours, _OURS, window), _load(theirs, _THEIRS, window)) for _ in range(_ROUNDS)
            ]
            yield _compare(what, bar, pairs)
        p99 = statistics.median(mine.p99 for mine, _ in pairs)
        yield Row(late, 1, p99, 1e-3, "limit 1 ms")
        mock = stack.enter_context(_connecting(_command_mock(folder), f"{folder}/mock"))
        for what, command in _MOCK.items():
            pairs = [(_load(mock, command, 1), _load(theirs, _THEIRS, 1)) for _ in range(_ROUNDS)]
            yield _compare(what, 1 / 3, pairs)


def _compare(what: str, bar: float, pairs: list[tuple[_Load, _Load]]) -> Row:
    """Return the row of the pair whose ratio is the median."""
    ordered = sorted(pairs, key=lambda pair: pair[1].rate / pair[0].rate)
    mine, other = ordered[len(ordered) // 2]
    remark = f"{mine.rate / 1e3:.1f}k/s, QEMU {other.rate / 1e3:.1f}k/s"
    return Row(what, bar, 1 / mine.rate, 1 / other.rate, remark)


def _load(client: socket.socket, command: bytes, window: int) -> _Load:
    """Keep `window` commands in flight: another is sent for each reply that came."""
    sent: list[float] = []
    waited: list[float] = []
    begun = now = time.perf_counter()
    client.sendall(command * window)
    sent += [now] * window
    while len(waited) < len(sent):
        replies = _receive(client).count(b"\n")
        now = time.perf_counter()
        waited += [now - then for then in sent[len(waited) : len(waited) + replies]]
        if now - begun < _SECONDS:
            client.sendall(command * replies)
            sent += [now] * replies
    waited.sort()
    return _Load(len(waited) / (now - begun), waited[len(waited) * 99 // 100])


def _receive(client: socket.socket) -> bytes:
    data = client.recv(1 << 20)
    if not data or b'"error"' in data:
        raise RuntimeError(f"a refusal, or no reply: {data[:200]!r}")
    return data


def _command_ours(folder: str) -> list[str]:
    return [sys.executable, __file__, f"unix:{folder}/ours"]


def _command_mock(folder: str) -> list[str]:
    words = ["serve", "--snapshot", EMBEDDED, "--unix", f"{folder}/mock"]
    # As for _serve.
    program = "import signal; signal.alarm(300); from qscope.cli.main import main; main()"
    return [sys.executable, "-c", program, *words]


def _command_qemu(binary: str, folder: str) -> list[str]:
    return [binary, *_QEMU, "-qmp", f"unix:{folder}/qemu,server=on,wait=off"]


@contextlib.contextmanager
def _connecting(command: list[str], path: str) -> Iterator[socket.socket]:
    """Start a server; yield a connection that has negotiated."""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        try:
            with _connect(path) as client:
                client.settimeout(_DEADLINE)
                _receive(client)
                client.sendall(b'{"execute": "qmp_capabilities"}\n')
                _receive(client)
                yield client
        finally:
            process.kill()


def _connect(path: str) -> socket.socket:
    end = time.monotonic() + _DEADLINE
    while True:
        client = socket.socket(socket.AF_UNIX)
        try:
            client.connect(path)
        except OSError:
            client.close()
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return client


def _serve(address: str) -> None:
    server = Server(SCHEMA)
    info = server.find_class("DiskInfo")

    @server.command("disk-add")
    async def add(_context: Context, disk: object) -> object:
        return info(id=disk.id, size=disk.size)  # type: ignore[attr-defined]

    # It must not outlive the benchmark, whatever becomes of that.
    signal.alarm(300)
    server.run(address)


if __name__ == "__main__":
    _serve(*sys.argv[1:])

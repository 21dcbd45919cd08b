"""Measure the QMP part of a complete probe, from the first greeting to the last answer.

In: a QEMU binary. Out: its rows. The peer in the first row is QEMU's own CPU time in that part, in
the second the `qemu.qmp` package, which asks the same questions one by one, less those that crash.
"""

import asyncio
import contextlib
import resource
import socket
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from qemu.qmp import ExecuteError, QMPClient

from bench_compile import Row
from qscope.model.transcript import Exchange
from qscope.probe.pool import Pool
from qscope.probe.process import Qemus
from qscope.probe.questions import hold_dialogue

_RUNS = 7
_TIMEOUT = 60.0


class _Clocks(NamedTuple):
    """Seconds on the clock, of all QEMUs' CPU, of ours."""

    wall: float
    qemu: float
    client: float


class _Run(NamedTuple):
    spent: _Clocks
    exchanges: tuple[Exchange, ...]


def find_rows(binary: str | None) -> Iterator[Row]:
    """Yield the figures; without a QEMU there are none."""
    whole, mine = "complete probe, --jobs 1, wall", "the same, CPU of the client"
    if binary is None:
        yield Row(whole, 1.15, remark="no QEMU")
        yield Row(mine, 1 / 4, remark="no QEMU")
        return
    runs = [_probe(Path(binary)) for _ in range(_RUNS)]
    # Whatever else the machine does only makes it longer.
    run = min(runs, key=lambda each: each.spent.wall / each.spent.qemu)
    wall, qemu, _ = run.spent
    yield Row(whole, 1.15, wall, qemu, f"QEMU's CPU {qemu * 1e3:.0f} ms")
    client = statistics.median(each.spent.client for each in runs)
    peer = statistics.median(_ask_one_by_one(Path(binary), run.exchanges) for _ in range(3))
    yield Row(mine, 1 / 4, client, peer, f"qemu.qmp {peer * 1e3:.0f} ms")


def _probe(binary: Path) -> _Run:
    """Hold a whole dialogue with one QEMU at a time."""
    begun: list[_Clocks] = []

    def begin(_done: int, _total: int, _doing: str) -> None:
        if not begun:  # just greeted, and nothing asked yet
            begun.append(_read_clocks())

    with Qemus(binary) as qemus, Pool(qemus, timeout=_TIMEOUT, jobs=1, progress=begin) as pool:
        dialogue = hold_dialogue(complete=True)
        batch = next(dialogue)
        try:
            while True:
                batch = dialogue.send(pool.ask(batch))
        except StopIteration as end:
            exchanges: tuple[Exchange, ...] = end.value
        spent = [now - then for now, then in zip(_read_clocks(), begun[0], strict=True)]
        return _Run(_Clocks(*spent), exchanges)


def _read_clocks() -> _Clocks:
    reaped = resource.getrusage(resource.RUSAGE_CHILDREN)
    # The clock of another process's CPU time (clock_getcpuclockid(3)).
    running = sum(time.clock_gettime(~number << 3 | 2) for number in _list_children())
    qemu = reaped.ru_utime + reaped.ru_stime + running
    return _Clocks(time.monotonic(), qemu, time.process_time())


def _list_children() -> list[int]:
    return [
        int(number)
        for place in Path("/proc/self/task").glob("*/children")
        for number in place.read_text().split()
    ]


def _ask_one_by_one(binary: Path, exchanges: tuple[Exchange, ...]) -> float:
    answered = [exchange for exchange in exchanges if exchange.is_answered]
    with Qemus(binary) as qemus:
        return asyncio.run(_ask_by_qemu_qmp(qemus.start().socket, answered))


async def _ask_by_qemu_qmp(sock: socket.socket, exchanges: list[Exchange]) -> float:
    session = QMPClient("bench")
    await session.connect(sock)
    before = time.process_time()
    for exchange in exchanges:
        with contextlib.suppress(ExecuteError):  # an error is an answer, too
            await session.execute(exchange.execute, exchange.arguments or None)
    spent = time.process_time() - before
    await session.disconnect()
    return spent

"""Measure what ARCHITECTURE.md promises about speed: each figure beside its peer, in one run.

Usage: make bench; QEMU_SOURCE=TREE make bench compares compiling with that tree's front end, too.
Exit status 1 when a bar is missed. Quote ratios: machines differ and are noisy.
"""

import json
import os
import shutil
import statistics
import sys
import tempfile
import timeit
from collections.abc import Callable, Iterable
from pathlib import Path

from msgspec import Raw

import bench_compile
import bench_probe
import bench_serve
from bench_compile import Row
from measuring import cpu_of
from qscope.ask import ask, compile_path
from qscope.ask.line import check_line
from qscope.ask.query import answer_anew
from qscope.load.opening import EMBEDDED
from qscope.model.interface import Interface
from qscope.model.schema_info import decode_entities
from qscope.model.snapshot import decode_snapshot
from qscope.model.transcript import Transcript

PATH = "blockdev-add/arg-type/+file/drop-cache"
RUNS = 15


def best(work: Callable[[], object], number: int) -> float:
    """Return the least seconds that one run of `work` took."""
    return min(timeit.repeat(work, number=number, repeat=9)) / number


def print_row(what: str, ours: str, peer: str, ratio: float | None, bar: float) -> bool:
    """Print one figure; return whether it holds (a row without a peer does)."""
    if ratio is None:
        print(f"{what:46} {ours:>10} {peer:>22}       -  (bar {bar:.3g})")
        return True
    holds = ratio <= bar
    verdict = "ok" if holds else "MISSED"
    print(f"{what:46} {ours:>10} {peer:>22} {ratio:6.2f}  (bar {bar:.3g})  {verdict}")
    return holds


def bench_decoding(reply: bytes) -> bool:
    ours = best(lambda: Interface(decode_entities(reply)[0]), 5)
    peer = best(lambda: json.loads(reply), 5)
    what = f"decode and index a reply of {len(reply) // 1000} KB"
    text = f"json.loads {peer * 1e3:.2f} ms"
    return print_row(what, f"{ours * 1e3:.2f} ms", text, ours / peer, 1)


def bench_asking(interface: Interface) -> bool:
    path = compile_path(PATH)
    ask(interface, path)
    warm = best(lambda: ask(interface, path), 20_000) * 1e6
    first = best(lambda: answer_anew(interface, path), 5_000) * 1e6
    peer = f"the first time {first:.1f} µs"
    return print_row("one compiled path query, asked again", f"{warm:.2f} µs", peer, warm, 1)


def bench_command(qemu: str, options: list[str], what: str, environment: dict[str, str]) -> bool:
    query = [str(Path(sys.executable).with_name("qscope")), "query", "--quiet", *options, PATH]
    peer = [qemu, "-device", "help"]
    for command in (query, peer):
        cpu_of(command, environment)
    pairs = [(cpu_of(query, environment), cpu_of(peer, environment)) for _ in range(RUNS)]
    ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(mine / other for mine, other in pairs)
    text = f"-device help {theirs * 1e3:.0f} ms"
    return print_row(what, f"{ours * 1e3:.0f} ms", text, ratio, 2)


def bench_commands(qemu: str | None) -> bool:
    rows = {
        "qscope query on a cached binary, CPU": [],
        "the same on the shipped snapshot": [EMBEDDED],
    }
    if qemu is None:
        for what in rows:
            print_row(what, "", "no QEMU to compare with", None, 2)
        return True
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "QSCOPE_CACHE_DIR": folder}
        results = [
            bench_command(qemu, ["--snapshot", *(source or [qemu])], what, environment)
            for what, source in rows.items()
        ]
    return all(results)


def bench_line(interface: Interface) -> bool:
    """Judge a long command line: time a device must not grow with their number."""
    few, many = (
        [word for number in range(count) for word in ("-device", f"virtio-rng-pci,id=r{number}")]
        for count in (100, 2_000)
    )
    short = best(lambda: check_line(interface, few), 1) / 100
    long = best(lambda: check_line(interface, many), 1) / 2_000
    text = f"of 100 {short * 1e6:.0f} µs"
    what = "check-cli, each of 2,000 devices"
    return print_row(what, f"{long * 1e6:.0f} µs", text, long / short, 2)


def show_seconds(seconds: float) -> str:
    return f"{seconds * 1e3:.0f} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.0f} µs"


def bench_rows(rows: Iterable[Row]) -> bool:
    held = []
    for row in rows:
        ours = show_seconds(row.ours) if row.ours else ""
        ratio = row.ours / row.theirs if row.ours and row.theirs else None
        held.append(print_row(row.what, ours, row.remark, ratio, row.bar))
    return all(held)


def main() -> None:
    snapshot = decode_snapshot(Path(EMBEDDED).read_bytes())
    exchange = Transcript(snapshot.exchanges).find("query-qmp-schema")
    assert exchange is not None
    assert isinstance(exchange.result, Raw)
    interface = Interface.from_snapshot(snapshot)
    qemu = shutil.which(os.environ.get("QSCOPE_QEMU", "qemu-system-x86_64"))
    print(f"{'what':46} {'qscope':>10} {'peer':>22} {'ratio':>6}")
    results = [
        bench_decoding(bytes(exchange.result)),
        bench_asking(interface),
        bench_line(interface),
        bench_rows(bench_compile.find_rows(os.environ.get("QEMU_SOURCE"))),
        bench_rows(bench_probe.find_rows(qemu)),
        bench_rows(bench_serve.find_rows(qemu)),
        bench_commands(qemu),
    ]
    sys.exit(not all(results))


if __name__ == "__main__":
    main()

"""Measure compiling beside QEMU's own front end, on the schema of QEMU's source tree.

In: the tree. The front end runs in a process of its own, so that nothing of it is imported here; it
reads the schema and writes its introspection data, as qscope does.
"""

import subprocess
import sys
import tempfile
import timeit
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from measuring import cpu_of
from qscope.errors import DocError
from qscope.load.schema import open_schema

_RUNS = 7
_PEER = """
import sys, timeit
tree, schema, folder, runs = sys.argv[1:]
sys.path.insert(0, tree + "/scripts")
from qapi.introspect import gen_introspect
from qapi.schema import QAPISchema
compile = lambda: gen_introspect(QAPISchema(schema), folder, "", False)
print(min(timeit.repeat(compile, number=1, repeat=int(runs))))
"""

Docs = Literal["ignore", "check"]


class Row(NamedTuple):
    """One figure: our seconds, the front end's, how they may be to each other, a remark."""

    what: str
    bar: float
    ours: float | None = None
    theirs: float | None = None
    remark: str = ""


class _Case(NamedTuple):
    what: str
    docs: Docs
    measure: Callable[[Docs, str, str], tuple[float, float]]
    bar: float


def find_rows(source: str | None) -> Iterator[Row]:
    """Yield the figures; without a source tree there is nothing to compare with."""
    for what, docs, measure, bar in _CASES:
        if not source:
            yield Row(what, bar, remark="no QEMU_SOURCE")
            continue
        schema = str(Path(source) / "qapi/qapi-schema.json")
        try:
            open_schema(schema, docs=docs)
        except DocError:
            yield Row(what, bar, remark="breaks 10.2's rules")
            continue
        ours, theirs = measure(docs, source, schema)
        yield Row(what, bar, ours, theirs, f"front end {theirs * 1e3:.0f} ms")


def _measure_in_process(docs: Docs, source: str, schema: str) -> tuple[float, float]:
    work = timeit.repeat(
        lambda: open_schema(schema, docs=docs).introspect(), number=1, repeat=_RUNS
    )
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-c", _PEER, source, schema, folder, str(_RUNS)]
        told = subprocess.run(words, capture_output=True, check=True).stdout
    return min(work), float(told)


def _measure_process(docs: Docs, source: str, schema: str) -> tuple[float, float]:
    qscope = str(Path(sys.executable).with_name("qscope"))
    with tempfile.TemporaryDirectory() as folder:
        commands = (
            [qscope, "compile", "--docs", docs, schema],
            [sys.executable, "-c", _PEER, source, schema, folder, "1"],
        )
        ours, theirs = (min(cpu_of(words) for _ in range(_RUNS)) for words in commands)
    return ours, theirs


_CASES = (
    _Case("compile a QEMU's schema, docs ignored", "ignore", _measure_in_process, 1 / 10),
    _Case("the same, docs checked", "check", _measure_in_process, 1 / 5),
    _Case("qscope compile, docs ignored, CPU", "ignore", _measure_process, 1 / 4),
    _Case("the same, docs checked", "check", _measure_process, 1 / 3),
)

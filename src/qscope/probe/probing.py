"""Probe a binary or a running server: hold the dialogue of questions.py with it.

In: a path or an address. Out: a `Snapshot`. Raises ProbeError with QEMU's last words.
"""

import os
from collections.abc import Callable
from pathlib import Path

from msgspec import Raw

from qscope.errors import CommandError, ProbeError, QMPError
from qscope.model.index import take_snapshot
from qscope.model.snapshot import Identity, Snapshot
from qscope.model.transcript import ErrorInfo, Exchange
from qscope.probe.command_line import ask_command_line
from qscope.probe.pool import Death, Pool, Progress
from qscope.probe.process import Qemus
from qscope.probe.questions import Batch, Dialogue, Question, hold_dialogue
from qscope.probe.schemas import QUERY, KeptSchemas, fetch_schema
from qscope.qmp.address import Address
from qscope.qmp.client import QMPClient

# Seconds that QEMU may take to start, and then for each answer.
DEFAULT_TIMEOUT = 15.0

# More QEMUs than that gain little: each must start and load its modules.
_MOST_JOBS = 4


def probe_binary(
    binary: Path,
    *,
    timeout: float = DEFAULT_TIMEOUT,
    jobs: int | None = None,
    progress: Progress | None = None,
    on_death: Callable[[Death], None] | None = None,
) -> Snapshot:
    """Start `binary` stopped and without a machine, ask it everything, end it.

    Then run it to see what its command line takes, often but each time only up to `-version`.

    `timeout` is in seconds, for each start and for each answer; `jobs` is how many QEMUs are asked
    at once, as many as there are usable cores, up to 4, if None. A question that QEMU does not
    survive is recorded as crashed, and `on_death` is told QEMU's last words, which the snapshot
    does not keep. Raises ProbeError when QEMU does not start or answers nothing at all.
    """
    identity = _identify(binary)
    jobs = jobs or default_jobs()
    asked, run = _divide(progress) if progress else (None, None)
    with (
        Qemus(binary) as qemus,
        Pool(
            qemus,
            timeout=timeout,
            jobs=jobs,
            progress=asked,
            on_death=on_death,
        ) as pool,
    ):
        exchanges = _hold(hold_dialogue(complete=True), pool.ask)
        pool.quit()
    runs = ask_command_line(binary, timeout=timeout, jobs=jobs, progress=run, on_death=on_death)
    return take_snapshot(identity, exchanges, pool.greeting, runs)


def probe_address(
    address: Address,
    *,
    timeout: float = DEFAULT_TIMEOUT,
    progress: Progress | None = None,
    kept: KeptSchemas | None = None,
) -> Snapshot:
    """Ask a running QMP server what it can do; its guest is not touched.

    The properties of types are not asked for: QEMU makes an instance to answer that, and may abort.
    `timeout` is in seconds, for the greeting and for each answer. A schema that the server
    announces and `kept` has is not downloaded; the snapshot has it all the same. Raises ProbeError.
    """
    try:
        with QMPClient.connect(address, timeout=timeout) as client:
            ask = _OneByOne(client, progress, kept).ask
            exchanges = _hold(hold_dialogue(complete=False), ask)
            return take_snapshot(Identity(), exchanges, client.greeting)
    except QMPError as error:
        raise ProbeError(str(error)) from error


def default_jobs() -> int:
    """Return how many QEMUs are asked at once when nobody says: one a usable core, but few."""
    return min(len(os.sched_getaffinity(0)), _MOST_JOBS)


def _divide(progress: Progress) -> tuple[Progress, Progress]:
    """Return a progress for the questions, and one for the runs, which goes on from there."""
    base = 0

    def count_questions(done: int, total: int, doing: str) -> None:
        nonlocal base
        base = total
        progress(done, total, doing)

    def count_runs(done: int, total: int, doing: str) -> None:
        progress(base + done, base + total, doing)

    return count_questions, count_runs


def _identify(binary: Path) -> Identity:
    try:
        status = binary.stat()
    except OSError as error:
        raise ProbeError(f"{binary}: {error.strerror}") from error
    return Identity(
        path=os.fsencode(binary).decode("utf-8", "backslashreplace"),
        size=status.st_size,
        mtime_ns=status.st_mtime_ns,
        ctime_ns=status.st_ctime_ns,
        machine="none",
    )


def _hold(dialogue: Dialogue, ask: Callable[[Batch], tuple[Exchange, ...]]) -> tuple[Exchange, ...]:
    batch = next(dialogue)
    try:
        while True:
            batch = dialogue.send(ask(batch))
    except StopIteration as end:
        exchanges: tuple[Exchange, ...] = end.value
        return exchanges


class _OneByOne:
    """Asks batches of a server that is not ours, one question after another."""

    def __init__(
        self, client: QMPClient, progress: Progress | None, kept: KeptSchemas | None
    ) -> None:
        self._client = client
        self._progress = progress
        self._kept = kept
        self._done = 0

    def ask(self, batch: Batch) -> tuple[Exchange, ...]:
        """Ask every question; return their exchanges in order. Raises QMPError."""
        total = self._done + len(batch)
        return tuple([self._ask(question, total) for question in batch])

    def _ask(self, question: Question, total: int) -> Exchange:
        if self._progress:
            self._progress(self._done, total, question.execute)
        self._done += 1
        try:
            return question.answered(result=self._execute(question))
        except CommandError as error:
            return question.answered(error=ErrorInfo(error.error_class, error.desc))

    def _execute(self, question: Question) -> Raw:
        if question == Question(QUERY):
            return fetch_schema(self._client, self._kept)
        return self._client.execute(question.execute, question.arguments)

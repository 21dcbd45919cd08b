"""Probe a binary or a running server: hold the dialogue of questions.py over a QMP client.

In: a path or an address. Out: a `Snapshot`. Raises ProbeError with QEMU's last words.
"""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from qscope.errors import CommandError, DeadlineError, ProbeError, QMPError
from qscope.model.index import take_snapshot
from qscope.model.snapshot import Identity, Snapshot
from qscope.model.transcript import ErrorInfo, Exchange
from qscope.probe.process import QemuProcess
from qscope.probe.questions import QUESTIONS, Question, hold_dialogue
from qscope.qmp.address import Address
from qscope.qmp.client import QMPClient

# Seconds that QEMU may take to start, and then for each answer.
DEFAULT_TIMEOUT = 15.0

# Seconds for the answer to `quit`, on which nothing depends.
_FAREWELL = 2.0

# Called before each question with how many were asked, of how many, and the question's command.
Progress: TypeAlias = Callable[[int, int, str], None]


def probe_binary(
    binary: Path, *, timeout: float = DEFAULT_TIMEOUT, progress: Progress | None = None
) -> Snapshot:
    """Start `binary` stopped and without a machine, ask it everything, end it.

    `timeout` is in seconds, for the start and for each answer. Raises ProbeError.
    """
    try:
        status = binary.stat()
    except OSError as error:
        raise ProbeError(f"{binary}: {error.strerror}") from error
    identity = Identity(
        path=str(binary),
        size=status.st_size,
        mtime_ns=status.st_mtime_ns,
        ctime_ns=status.st_ctime_ns,
        machine="none",
    )
    with QemuProcess(binary) as process:
        try:
            client = QMPClient(process.socket, timeout=timeout, name="it")
            client.negotiate()
            exchanges = _ask_everything(client, progress)
            _quit(client, timeout)
        except QMPError as error:
            end = process.describe_end(hangs=isinstance(error, DeadlineError))
            raise ProbeError(f"{binary}: {error}; {end}") from error
    return take_snapshot(identity, exchanges, client.greeting)


def probe_address(
    address: Address, *, timeout: float = DEFAULT_TIMEOUT, progress: Progress | None = None
) -> Snapshot:
    """Ask a running QMP server everything; its guest is not touched.

    `timeout` is in seconds, for the greeting and for each answer. Raises ProbeError.
    """
    try:
        with QMPClient.connect(address, timeout=timeout) as client:
            exchanges = _ask_everything(client, progress)
            return take_snapshot(Identity(), exchanges, client.greeting)
    except QMPError as error:
        raise ProbeError(str(error)) from error


def _ask_everything(client: QMPClient, progress: Progress | None) -> tuple[Exchange, ...]:
    dialogue = hold_dialogue()
    count = 0
    question = next(dialogue)
    try:
        while True:
            if progress:
                progress(count, len(QUESTIONS), question.execute)
            question = dialogue.send(_ask(client, question))
            count += 1
    except StopIteration as end:
        exchanges: tuple[Exchange, ...] = end.value
        return exchanges


def _ask(client: QMPClient, question: Question) -> Exchange:
    try:
        return question.answered(result=client.execute(question.execute, question.arguments))
    except CommandError as error:
        return question.answered(error=ErrorInfo(error.error_class, error.desc))


def _quit(client: QMPClient, timeout: float) -> None:
    """Ask QEMU to end: in a container that is better than a signal to the container's client."""
    with contextlib.suppress(QMPError):
        # Everything is answered: whatever it says now, stopping the process comes next.
        client.execute("quit", timeout=min(timeout, _FAREWELL))

"""Probe through a session that the caller holds: the `qemu.qmp` package's, or one like it.

In: an object with `async execute(command, arguments)`. Out: a `Snapshot`.
"""

from typing import Any, Protocol

import msgspec
from msgspec import Raw

from qscope.errors import ProbeError
from qscope.model.index import take_snapshot
from qscope.model.snapshot import Identity, Snapshot
from qscope.model.transcript import ErrorInfo, Exchange
from qscope.probe.probing import DEFAULT_TIMEOUT
from qscope.probe.questions import Question, hold_dialogue


class Session(Protocol):
    """What a session must be able to do.

    `execute` returns the command's result as Python objects. For a command that fails it raises an
    exception with the QMP error class in `error_class`, as qemu.qmp's ExecuteError does.
    """

    async def execute(self, cmd: str, arguments: Any = None, /) -> Any:
        """Execute a command."""


async def from_session(session: Session, *, timeout: float = DEFAULT_TIMEOUT) -> Snapshot:
    """Ask through an open session what the server can do; each answer may take `timeout` seconds.

    The properties of types are not asked for: QEMU makes an instance to answer that, and may abort.
    Raises ProbeError when the session fails; a command the server lacks is recorded.
    """
    dialogue = hold_dialogue(complete=False)
    batch = next(dialogue)
    try:
        while True:
            batch = dialogue.send(tuple([await _ask(session, each, timeout) for each in batch]))
    except StopIteration as end:
        exchanges: tuple[Exchange, ...] = end.value
    return take_snapshot(Identity(), exchanges)


async def _ask(session: Session, question: Question, timeout: float) -> Exchange:
    import asyncio  # noqa: PLC0415 - a probe without a session does not need it

    try:
        async with asyncio.timeout(timeout):
            result = await session.execute(question.execute, question.arguments)
    except TimeoutError as error:
        raise ProbeError(f"no answer to {question.execute!r} within {timeout:g} s") from error
    except Exception as error:
        # Sessions have exception classes of their own; the attribute is what QMP errors share.
        error_class = getattr(error, "error_class", None)
        if not isinstance(error_class, str):
            raise ProbeError(f"{question.execute}: the session failed: {error}") from error
        return question.answered(error=ErrorInfo(error_class, str(error)))
    try:
        return question.answered(result=Raw(msgspec.json.encode(result)))
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.EncodeError) as error:
        text = f"{question.execute}: the session's result is no JSON: {error}"
        raise ProbeError(text) from error

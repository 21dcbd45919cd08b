"""How a QEMU ended that did not survive a question: the mock ends so, too.

In: the exchanges of a snapshot, and what the mock has just left unanswered. A QEMU that hung or
talked nonsense has ended the connection only.
"""

import asyncio
import os
import re
import resource
import signal
from collections.abc import Callable, Iterable

import msgspec

from qscope.model.transcript import Exchange, Transcript

_EXITED = re.compile(r"it exited with status ([0-9]{1,3})")
_KILLED = re.compile(r"it was killed by (SIG[A-Z0-9]+|signal [0-9]{1,2})")
# As other people's recordings say it.
_RETURNED = re.compile(r"rc=(-?[0-9]{1,3})\b")
# What the mock records of a question that it left unanswered has this at its end.
_UNANSWERED = b'"crashed":true'


def find_status(exchange: Exchange) -> int | None:
    """Return the status with which a QEMU ended, negative for a signal; None if it did not end."""
    if not exchange.fatal:
        return None
    said = exchange.ended
    if not isinstance(exchange.error, msgspec.UnsetType):
        said = said or exchange.error.desc
    if found := _EXITED.search(said):
        return int(found[1])
    if found := _KILLED.search(said):
        return -_find_signal(found[1])
    found = _RETURNED.search(said)
    return int(found[1]) if found else None


def _find_signal(name: str) -> int:
    number = name.removeprefix("signal ")
    return int(number) if number.isdigit() else getattr(signal, name, signal.SIGKILL)


def end(status: int) -> None:
    """End this process at once with a status, negative for a signal."""
    if status >= 0:
        os._exit(status)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if -status != signal.SIGKILL:
        signal.signal(-status, signal.SIG_DFL)
    os.kill(os.getpid(), -status)


class Fate:
    """Looks at what a mock records: at the question that its QEMU did not survive, it ends.

    `write` takes each line, too.
    """

    def __init__(
        self, exchanges: Iterable[Exchange], write: Callable[[bytes], None] | None
    ) -> None:
        self._fatal = Transcript([each for each in exchanges if each.fatal])
        self._write = write

    def take(self, line: bytes) -> None:
        """Take a line of the recording."""
        if self._write is not None:
            self._write(line)
        if _UNANSWERED in line[-80:]:
            status = self._find(msgspec.json.decode(line, type=Exchange))
            if status is not None:
                # Behind what is being sent: QEMU has answered the questions before.
                asyncio.get_running_loop().call_soon(end, status)

    def _find(self, asked: Exchange) -> int | None:
        arguments = {} if isinstance(asked.arguments, msgspec.UnsetType) else asked.arguments
        found = self._fatal.find(asked.execute, **arguments)
        return find_status(found) if found else None

"""One QEMU that is asked, without waiting for it.

In: questions, by number. Out: the answers, with the number of the question. Driven by pool.py.
"""

import time
from collections import deque
from collections.abc import Iterator
from selectors import EVENT_READ, EVENT_WRITE

from qscope.errors import DeadlineError, DisconnectError
from qscope.probe.process import QemuProcess
from qscope.probe.questions import Question
from qscope.qmp.messages import Message
from qscope.qmp.pipeline import Pipeline

# So many commands in flight keep QEMU busy; it queues 8 itself (QMP_REQ_QUEUE_LEN_MAX, since 3.0).
_WINDOW = 8
# As much as a socket's buffer holds, so that whoever is late has nothing left to be read.
_CHUNK = 1 << 18

# Seconds for the answer to `quit`, on which nothing depends.
_PATIENCE = 2.0

# What else it may be asked, beside the questions of the batch, which are counted from 0.
PREPARATION = -1
FAREWELL = -2


class Worker:
    """A QEMU process, what it owes, and when that is due.

    The first question is asked alone, after the preparation if there is one: nothing but it is then
    to blame for what happens. `suspect` is the number of that question if it is known already.
    """

    def __init__(
        self,
        process: QemuProcess,
        timeout: float,
        *,
        suspect: int | None = None,
        preparation: Question | None = None,
    ) -> None:
        """Take over a process just started. `timeout` is for the start and for each answer."""
        process.socket.setblocking(False)
        self.process = process
        self.suspect = suspect
        self.owed: deque[int] = deque()
        self.was_asked = self.has_answered = self.has_loaded = False
        self.pipeline = Pipeline()
        self._preparation = preparation
        self._timeout = timeout
        self._deadline = time.monotonic() + timeout
        self._leaves = False

    @property
    def has_room(self) -> bool:
        """Whether it may be asked one more question now."""
        limit = _WINDOW if self.has_answered else 1
        return self.pipeline.is_ready and not self._leaves and len(self.owed) < limit

    @property
    def wants(self) -> int:
        """For which events of its socket it waits."""
        return EVENT_READ | EVENT_WRITE if self.pipeline.unsent else EVENT_READ

    @property
    def deadline(self) -> float | None:
        """When its next answer is due, or its end; None when it owes nothing."""
        is_due = self.owed or self._leaves or not self.pipeline.is_ready
        return self._deadline if is_due else None

    def ask(self, number: int, question: Question) -> None:
        """Ask a question; `flush` sends it."""
        self.was_asked = True
        if not self.owed:
            self._renew()
        self.owed.append(number)
        self.pipeline.ask(question.execute, question.arguments)

    def leave(self) -> None:
        """Ask it to end: in a container that is better than a signal to the container's client."""
        self._leaves = True
        self._timeout = min(self._timeout, _PATIENCE)
        self.ask(FAREWELL, Question("quit"))

    def postpone(self, seconds: float) -> None:
        """Give it so much longer for its next answer."""
        self._deadline += seconds

    def flush(self) -> None:
        """Send what it has room for. When it is dead, reading tells what it said before."""
        unsent = self.pipeline.unsent
        try:
            while unsent:
                del unsent[: self.process.socket.send(unsent)]
        except BlockingIOError:
            pass
        except OSError:
            unsent.clear()

    def receive(self) -> Iterator[tuple[int, Message]]:
        """Take in what it sent; yield each answer with the number of its question.

        Raises a QMPError when that is no QMP, or when it has closed the connection.
        """
        was_ready = self.pipeline.is_ready
        for reply in self.pipeline.feed(self._read()):
            self._renew()
            number = self.owed.popleft()
            if number >= 0:
                self.has_answered = True
                yield number, reply
        if self._preparation and self.pipeline.is_ready and not was_ready:
            self.ask(PREPARATION, self._preparation)
        self.flush()

    def describe_lateness(self) -> DeadlineError:
        """Return an error that says what did not come in time."""
        return DeadlineError(f"it {self.pipeline.describe_silence(self._timeout)}")

    def _renew(self) -> None:
        self._deadline = time.monotonic() + self._timeout

    def _read(self) -> bytes:
        try:
            data = self.process.socket.recv(_CHUNK)
        except BlockingIOError:
            return b""  # it only has room for more
        except OSError:
            data = b""
        if not data:
            raise DisconnectError(f"it {self.pipeline.describe_end()}")
        return data

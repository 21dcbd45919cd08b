"""Ask batches of questions of several QEMU processes at once, and survive what the questions do.

In: batches. Out: their exchanges in the same order, whoever answered them, so that the outcome does
not depend on how many processes there are. One thread waits for all of them: a signal that ends
this program unwinds it as an exception does.

When a QEMU dies, hangs or talks nonsense, the first question that it owes is the suspect. It may be
innocent: a reply can be lost in QEMU's buffers, and some types crash QEMU only after others were
asked. So a fresh QEMU is asked the suspect first, and alone; who dies of that was killed by it.
"""

import contextlib
import selectors
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeAlias

from msgspec import UnsetType

from qscope.errors import DeadlineError, ProbeError, ProtocolError, QMPError
from qscope.model.transcript import Exchange
from qscope.probe.process import PATIENCE, Qemus
from qscope.probe.questions import LOADING, Batch, Question
from qscope.probe.worker import PREPARATION, Worker
from qscope.qmp.messages import Message

# Called before each question with how many are done, of how many, and the question's command.
Progress: TypeAlias = Callable[[int, int, str], None]

# A QEMU takes as long to start as it does to answer so many questions. Shorter batches are asked of
# one QEMU, in order.
_SHARE = 32
# A hang costs its deadline twice: after so many questions that QEMU hung at, no more are asked.
_MAX_HANGS = 8
# Seconds; a selector refuses much longer ones.
_LONGEST = 86400.0


class Death(NamedTuple):
    """How a QEMU ended, and what it said last.

    `question` is what it was asked first and alone and did not survive; None when it could not even
    be started again, or hung too often, so that some questions were perhaps not asked.
    """

    question: Question | None
    ended: str
    last_words: str


class _Work:
    """A batch: what of it is still to be asked, and what became of the rest."""

    def __init__(self, questions: Batch) -> None:
        self.questions = questions
        self.queue = deque(range(len(questions)))
        self.hung: set[int] = set()
        self._outcomes: dict[int, Exchange] = {}

    def settle(self, number: int, **outcome: Any) -> None:
        """Note what became of a question."""
        self._outcomes[number] = self.questions[number].answered(**outcome)

    def list_exchanges(self) -> tuple[Exchange, ...]:
        """Return an exchange for each question in order; one not asked has no outcome."""
        outcomes = map(self._outcomes.get, range(len(self.questions)))
        return tuple(
            outcome or question.answered()
            for outcome, question in zip(outcomes, self.questions, strict=True)
        )


class Pool:
    """Some QEMUs that share the work. A context manager; `qemus` ends the processes."""

    def __init__(
        self,
        qemus: Qemus,
        *,
        timeout: float,
        jobs: int,
        progress: Progress | None = None,
        on_death: Callable[[Death], None] | None = None,
    ) -> None:
        """Prepare to ask at most `jobs` QEMUs at once. `timeout` is for each start and answer."""
        self.greeting: dict[str, Any] | None = None
        self._qemus = qemus
        self._timeout = min(timeout, _LONGEST)
        # Whoever cannot be started again is one less.
        self._slots = jobs
        self._progress = progress
        self._on_death = on_death
        # Not epoll, which is a descriptor itself: wrappers may hand on number 3 alone.
        self._selector = selectors.PollSelector()
        self._workers: list[Worker] = []
        self._work = _Work(())
        # Whether LOADING is asked first; None as long as no QEMU has answered anything after it.
        self._prepares: bool | None = None
        self._hangs = 0
        self._done = self._total = self._answers = 0
        self._first_failure = ""

    def __enter__(self) -> "Pool":
        return self

    def __exit__(self, *_: object) -> None:
        self._selector.close()

    def ask(self, batch: Batch) -> tuple[Exchange, ...]:
        """Ask every question; return their exchanges in order.

        One that was not asked, because QEMU hangs too often or does not start again, has neither
        answer nor crash. Raises ProbeError when nothing was ever answered.
        """
        self._work = _Work(batch)
        self._total += len(batch)
        if self._hangs >= _MAX_HANGS:
            self._work.queue.clear()
        self._grow(max(1, len(batch) // _SHARE))
        while self._hand_out():
            self._listen()
        if not self._answers:
            raise ProbeError(f"{self._qemus.binary}: {self._first_failure}")
        return self._work.list_exchanges()

    def quit(self) -> None:
        """Ask all to end, and wait until they have heard it, for 2 seconds at most."""
        for worker in [*self._workers]:
            if worker.pipeline.is_ready:
                worker.leave()
                worker.flush()
            else:
                self._remove(worker)
                self._qemus.end(worker.process, 0)
        deadline = time.monotonic() + min(self._timeout, 2)
        while self._workers and (left := deadline - time.monotonic()) > 0:
            for key, _ in self._selector.select(left):
                self._take_leave(key.data)

    def _take_leave(self, worker: Worker) -> None:
        with contextlib.suppress(QMPError):
            list(worker.receive())
            if worker.owed:
                return
        self._remove(worker)

    def _grow(self, count: int) -> None:
        while self._work.queue and len(self._workers) < min(count, self._slots):
            self._start()

    def _start(self, suspect: int | None = None) -> None:
        """Start a QEMU more; where that is not possible do with one less from now on."""
        try:
            process = self._qemus.start()
        except ProbeError as error:
            if self.greeting is None:
                raise
            self._do_without(suspect, str(error), "")
            return
        preparation = LOADING if self._prepares else None
        worker = Worker(process, self._timeout, suspect=suspect, preparation=preparation)
        self._workers.append(worker)
        self._selector.register(process.socket, worker.wants, worker)

    def _do_without(self, suspect: int | None, ended: str, last_words: str) -> None:
        self._slots -= 1
        if suspect is not None:
            # Others are asked it last: it may end them, too.
            self._work.queue.append(suspect)
        self._report(None, ended, last_words)

    def _hand_out(self) -> bool:
        """Send to each QEMU what it has room for; return whether there is anything to wait for."""
        self._grow(1)
        for worker in self._workers:
            while worker.has_room and (number := self._choose(worker)) is not None:
                question = self._work.questions[number]
                if self._progress:
                    self._progress(self._done, self._total, question.execute)
                worker.ask(number, question)
            worker.flush()
            self._selector.modify(worker.process.socket, worker.wants, worker)
        is_owed = any(worker.owed or worker.suspect is not None for worker in self._workers)
        return is_owed or bool(self._workers and self._work.queue)

    def _choose(self, worker: Worker) -> int | None:
        """Take from the queue what a QEMU is asked next, if there is anything for it."""
        queue = self._work.queue
        if worker.suspect is not None:
            number, worker.suspect = worker.suspect, None
            return number
        if queue and self._work.questions[queue[0]].apart and worker.has_answered:
            if not worker.owed:
                worker.suspect = queue.popleft()  # for the one that comes in its place
                worker.leave()
            return None
        return queue.popleft() if queue else None

    def _listen(self) -> None:
        """Wait until somebody says something, or is late."""
        for key, _ in self._selector.select(self._find_time_left()):
            self._attend(key.data)
        now = time.monotonic()
        for worker in [each for each in self._workers if (each.deadline or now + 1) <= now]:
            self._bury(worker, worker.describe_lateness())

    def _find_time_left(self) -> float:
        deadlines = [each.deadline for each in self._workers if each.deadline is not None]
        return max(0, min(deadlines) - time.monotonic()) if deadlines else 0

    def _attend(self, worker: Worker) -> None:
        try:
            for number, reply in worker.receive():
                self._take_answer(worker, number, reply)
        except QMPError as error:
            self._bury(worker, error)
        else:
            if worker.pipeline.is_ready and self.greeting is None:
                self.greeting = worker.pipeline.greeting

    def _take_answer(self, worker: Worker, number: int, reply: Message) -> None:
        if self._prepares is None and worker.has_loaded:
            self._prepares = True
        worker.has_loaded |= self._work.questions[number] == LOADING
        self._answers += 1
        self._done += 1
        if isinstance(reply.error, UnsetType):
            self._work.settle(number, result=reply.result)
        else:
            self._work.settle(number, error=reply.error)

    def _bury(self, worker: Worker, error: QMPError) -> None:
        """End a QEMU that went wrong; start another where there is work for it."""
        began = time.monotonic()
        self._remove(worker)
        process, hangs = worker.process, isinstance(error, DeadlineError)
        self._qemus.end(process, 0 if hangs else PATIENCE)
        self._first_failure = self._first_failure or f"{error}; {process.describe_end()}"
        if self.greeting is None and not worker.pipeline.is_ready:
            raise ProbeError(f"{self._qemus.binary}: {self._first_failure}") from error
        if worker.was_asked:
            suspect = self._judge(worker, error)
            if suspect is not None or (self._work.queue and len(self._workers) < self._slots):
                self._start(suspect)
        else:
            self._do_without(worker.suspect, str(error), process.last_words)
        self._postpone(time.monotonic() - began)

    def _judge(self, worker: Worker, error: QMPError) -> int | None:
        """Decide what the end of a QEMU says about what it owed; return whom to suspect."""
        culprit = worker.owed[0] if worker.owed else PREPARATION
        if culprit < 0:
            if not worker.has_answered:
                self._prepares = False
            return worker.suspect
        self._count_hang(culprit, error)
        self._put_back([*worker.owed][1:])
        if worker.has_answered:
            return culprit
        self._convict(culprit, worker, error)
        return None

    def _count_hang(self, number: int, error: QMPError) -> None:
        if isinstance(error, DeadlineError) and number not in self._work.hung:
            self._work.hung.add(number)
            self._hangs += 1
            if self._hangs >= _MAX_HANGS:
                self._work.queue.clear()
            if self._hangs == _MAX_HANGS:
                self._report(None, "it hung too often", "")

    def _put_back(self, numbers: Iterable[int]) -> None:
        if self._hangs < _MAX_HANGS:
            self._work.queue.extendleft(reversed([*numbers]))

    def _convict(self, number: int, worker: Worker, error: QMPError) -> None:
        """Record that a QEMU did not survive a question that it was asked first and alone."""
        question, ended = self._work.questions[number], self._describe(worker, error)
        self._done += 1
        self._work.settle(number, crashed=True, ended=ended)
        self._report(question, ended, worker.process.last_words)

    def _describe(self, worker: Worker, error: QMPError) -> str:
        """Say how a QEMU ended, in the same words each time."""
        how = worker.process.how_it_ended
        if isinstance(error, ProtocolError):
            return "it talked nonsense"
        if isinstance(error, DeadlineError):
            return how or f"it did not answer within {self._timeout:g} s"
        return how or "it closed the connection"

    def _report(self, question: Question | None, ended: str, last_words: str) -> None:
        if self._on_death:
            self._on_death(Death(question, ended, last_words))

    def _remove(self, worker: Worker) -> None:
        self._workers.remove(worker)
        self._selector.unregister(worker.process.socket)

    def _postpone(self, seconds: float) -> None:
        """Nobody is late because this program looked elsewhere."""
        for worker in self._workers:
            worker.postpone(seconds)

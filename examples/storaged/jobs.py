"""Jobs: work that goes on after the command that began it.

In: how much is to be done, and what is to happen then. Out: events, through the function `tell`.
"""

import asyncio
from collections.abc import Callable

from msgspec import Struct

from qscope.serve import RefusalError

# Seconds from one look at a job to the next.
_STEP = 0.05
# Of so many jobs it is known how they ended.
_REMEMBERED = 100


class Job(Struct, kw_only=True):
    """A job that works: JobInfo of the schema."""

    id: str
    disk: str
    offset: int = 0
    len: int


class JobEnd(Struct):
    """How a job ended: JobEnd of the schema."""

    id: str
    result: str


class Jobs:
    """All jobs that work; `tell` is called with the names of events and their data."""

    def __init__(self, tell: Callable[[str, Struct], None]) -> None:
        self._tell = tell
        self._jobs: dict[str, Job] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._ends: dict[str, JobEnd] = {}

    def list_all(self) -> list[Job]:
        """Return all jobs."""
        return list(self._jobs.values())

    def start(self, job: Job, speed: int, when_done: Callable[[], None]) -> None:
        """Begin to copy `speed` bytes a second, all at once if it is 0. Raises RefusalError."""
        if job.id in self._jobs:
            raise RefusalError(f"Job '{job.id}' is there already")
        if other := self.find_worker(job.disk):
            raise RefusalError(f"Job '{other.id}' copies disk '{job.disk}'")
        self._jobs[job.id] = job
        task = asyncio.create_task(self._copy(job, speed, when_done))
        self._tasks[job.id] = task
        task.add_done_callback(lambda task: self._end(job, task))

    def find_worker(self, disk: str) -> Job | None:
        """Return the job that copies a disk, None if there is none."""
        return next((each for each in self._jobs.values() if each.disk == disk), None)

    async def wait(self, name: str) -> JobEnd:
        """Wait for the end of a job, if it has not ended yet. Raises RefusalError."""
        if name not in self._jobs and name in self._ends:
            return self._ends[name]
        task = self._find(name)
        await asyncio.wait([task])
        return _describe_end(name, task)

    def cancel(self, name: str) -> None:
        """Let a job end soon. Raises RefusalError."""
        self._find(name).cancel()

    def cancel_all(self) -> None:
        """Let all jobs end soon."""
        for task in self._tasks.values():
            task.cancel()

    def _find(self, name: str) -> asyncio.Task[None]:
        if name not in self._tasks:
            raise RefusalError(f"Job '{name}' not found", "DeviceNotFound")
        return self._tasks[name]

    async def _copy(self, job: Job, speed: int, when_done: Callable[[], None]) -> None:
        copied = 0.0
        while job.offset < job.len:
            await asyncio.sleep(_STEP)
            copied += speed * _STEP if speed else job.len
            job.offset = min(int(copied), job.len)
            # Often; what clients see of it is the server's business (limit_rate).
            self._tell("JOB_PROGRESS", job)
        when_done()

    def _end(self, job: Job, task: asyncio.Task[None]) -> None:
        del self._jobs[job.id], self._tasks[job.id]
        end = _describe_end(job.id, task)
        self._remember(end)
        self._tell("JOB_COMPLETED", end)

    def _remember(self, end: JobEnd) -> None:
        self._ends.pop(end.id, None)
        self._ends[end.id] = end
        if len(self._ends) > _REMEMBERED:
            del self._ends[next(iter(self._ends))]


def _describe_end(name: str, task: asyncio.Task[None]) -> JobEnd:
    return JobEnd(name, "cancelled" if task.cancelled() else "done")

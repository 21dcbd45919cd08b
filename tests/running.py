"""Running programs with a deadline, and finding what they leave behind."""

import contextlib
import os
import signal
import subprocess
import time
import uuid
from pathlib import Path
from typing import NamedTuple

# Seconds that nothing here takes, however loaded the machine is.
DEADLINE = 30
_MARK = "QSCOPE_TEST_MARK"


class Outcome(NamedTuple):
    status: int
    stdout: str
    stderr: str


class Runner:
    """Starts qscope with a mark in the environment, which every process under it inherits."""

    def __init__(self):
        self._mark = f"{_MARK}={uuid.uuid4().hex}"

    @contextlib.contextmanager
    def start(self, *words):
        name, _, value = self._mark.partition("=")
        with subprocess.Popen(
            list(map(str, words)),
            env={**os.environ, name: value},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def run(self, *words):
        with self.start(*words) as process:
            stdout, stderr = process.communicate(timeout=DEADLINE)
        return Outcome(process.returncode, stdout, stderr)

    def find_left(self):
        """Return the processes that are left, after giving the kernel time to bury the dead."""
        deadline = time.monotonic() + 2
        while (left := self._find_marked()) and time.monotonic() < deadline:
            time.sleep(0.02)
        return left

    def clean(self):
        for number in self._find_marked():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(number), signal.SIGKILL)

    def _find_marked(self):
        return [each.name for each in Path("/proc").glob("[0-9]*") if self._is_marked(each)]

    def _is_marked(self, folder):
        try:
            return self._mark.encode() in (folder / "environ").read_bytes()
        except OSError:
            return False


def wait_for(holds):
    deadline = time.monotonic() + DEADLINE
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)

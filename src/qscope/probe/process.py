"""Start QEMUs that can only be asked, and get rid of them whatever happens.

In: a binary, or a wrapper script that execs one. Out: connected sockets, and after a failure the
exit status and the last words. Every QEMU started here is reaped.
"""

import contextlib
import errno
import fcntl
import itertools
import os
import resource
import signal
import socket
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from qscope.errors import ProbeError
from qscope.probe.signals import end_on_signals, hold_signals

# QMP runs over an inherited socket, never over stdio: introspecting chardev-stdio closes fd 0 and
# then QEMU spins for ever (measured on 5.2 to 11.1).
ARGUMENTS = ("-S", "-machine", "none", "-nodefaults", "-no-user-config", "-display", "none")
_WORDS_BYTES = 4096
# `-help` prints 50 KB; who prints more than this has no end.
_OUTPUT_BYTES = 1 << 18
# QEMU started without a display is not to find one.
_NOT_HANDED_ON = ("DISPLAY", "WAYLAND_DISPLAY")
# Seconds to end after the connection broke, after SIGTERM, after SIGKILL; and after `quit`, when
# a container may have to be taken down.
PATIENCE = 0.5
_QUIT_PATIENCE = 2.0


class QemuProcess:
    """A QEMU process and the socket that its monitor talks on. `Qemus` starts and ends it."""

    def __init__(self, binary: Path) -> None:
        """Start it. Raises ProbeError."""
        try:
            self.socket, number = _make_socketpair()
        except OSError as error:
            raise ProbeError(f"{binary}: no socket to talk to it: {error.strerror}") from error
        try:
            self.child = _Child(binary, (*ARGUMENTS, *_monitor(number)), number)
        except BaseException:
            self.socket.close()
            raise
        finally:
            os.close(number)

    @property
    def last_words(self) -> str:
        """What it printed last, in one line; "" when it printed nothing."""
        return " | ".join(self.child.last_lines(3))[-400:]

    @property
    def how_it_ended(self) -> str | None:
        """How it ended by itself, in words; None when it had to be killed."""
        status = self.child.status
        return None if status is None else _describe_status(status)

    def describe_end(self) -> str:
        """Say how it ended and what it said last."""
        status, last = _describe_status(self.child.status), self.last_words
        return f"{status}; its last words: {last}" if last else f"{status} without a word"


class Qemus:
    """All QEMU processes of one probe; a context manager that reaps every one of them.

    Within it, signals that end this program do so as exceptions.
    """

    def __init__(self, binary: Path) -> None:
        """Prepare to start `binary` as often as `start` is called."""
        self.binary = binary
        self._running: list[QemuProcess] = []
        self._signals = contextlib.ExitStack()

    def __enter__(self) -> "Qemus":
        self._signals.enter_context(end_on_signals())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._signals:
            self._end(self._running, 0 if error else _QUIT_PATIENCE)

    def start(self) -> QemuProcess:
        """Start one more. Raises ProbeError."""
        with hold_signals():
            process = QemuProcess(self.binary)
            self._running.append(process)
        return process

    def end(self, process: QemuProcess, patience: float) -> None:
        """Let one end by itself for `patience` seconds, then kill it."""
        self._end([process], patience)
        self._running.remove(process)

    def _end(self, processes: Sequence[QemuProcess], patience: float) -> None:
        for process in processes:
            if not patience:
                process.child.take_note()  # what it does when the socket is closed is our doing
            process.socket.close()
        _end_all([process.child for process in processes], patience)


def read_version(binary: Path, timeout: float) -> str:
    """Return what `BINARY -version` prints, within `timeout` seconds. Raises ProbeError."""
    with end_on_signals(), contextlib.ExitStack() as stack:
        with hold_signals():
            child = _Child(binary, ("-version",))
            stack.callback(_end_all, [child], 0)
        _end_all([child], timeout)
    if child.status is None:
        raise ProbeError(f"{binary}: '-version' did not end within {timeout:g} s")
    if child.status:
        last = "".join(child.last_lines(1))[-400:]
        text = f"{binary}: '-version': {_describe_status(child.status)}"
        raise ProbeError(f"{text}: {last}" if last else text)
    return child.words.decode("utf-8", "replace")


class Outcome(NamedTuple):
    """How a run ended: `status` is None if it had to be killed, `ended` tells of a crash."""

    status: int | None
    ended: str
    output: bytes


def run_each(
    binary: Path,
    commands: Iterable[tuple[str, ...]],
    take: Callable[[Outcome], bool],
    *,
    timeout: float,
    jobs: int,
    folder: str,
) -> None:
    """Run `binary` with each of `commands` in `folder`, `jobs` at once; `take` outcomes in order.

    A command is taken from `commands` just before it is run. Each may take `timeout` seconds; no
    more are run when `take` returns False. Raises ProbeError.
    """
    pending = iter(commands)
    running: deque[tuple[_Child, float]] = deque()
    with end_on_signals(), contextlib.ExitStack() as stack:
        stack.callback(lambda: _end_all([child for child, _ in running], 0))
        while True:
            for command in itertools.islice(pending, jobs - len(running)):
                with hold_signals():
                    child = _Child(binary, command, folder=folder)
                    running.append((child, time.monotonic() + timeout))
            if not running:
                return
            child, deadline = running[0]
            _end_all([child], max(0, deadline - time.monotonic()))
            running.popleft()
            if not take(_describe_outcome(child)):
                return


def _describe_outcome(child: "_Child") -> Outcome:
    has_crashed = child.status is not None and child.status < 0
    ended = _describe_status(child.status) if has_crashed else ""
    return Outcome(child.status, ended, child.words)


class _Child:
    """A process that leads a session of its own, and the end of what it prints.

    `status` is None until it has ended by itself; `words` are its last, at most until it was
    killed: what it says to that is not why it failed.
    """

    def __init__(
        self,
        binary: Path,
        arguments: tuple[str, ...],
        *descriptors: int,
        folder: str | None = None,
    ) -> None:
        """Start it, in `folder` and without a display if that is given. Raises ProbeError."""
        self._limit = _OUTPUT_BYTES if folder else _WORDS_BYTES
        self.status: int | None = None
        self.words = b""
        self.ended = self._is_noted = False
        self._said: bytes | None = None
        self._process = _start(binary, arguments, descriptors, folder)
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def last_lines(self, count: int) -> list[str]:
        """Return the last lines it printed that are not empty."""
        lines = self.words.decode("utf-8", "replace").split("\n")
        return [line.strip() for line in lines if line.strip()][-count:]

    def wait(self, seconds: float) -> None:
        """Wait for it to end."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)

    def take_note(self) -> None:
        """Note, once, whether it has ended by itself; what it says later is not why it ended."""
        if not self._is_noted:
            self._is_noted = True
            self.status = self._process.poll()
            self._said = None if self.status is not None else self.words

    def send(self, number: signal.Signals) -> None:
        """Send a signal to it and to all it started that stayed in its session's first group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def finish(self, seconds: float) -> None:
        """Wait for the last of its words, when it has ended."""
        self._listener.join(seconds)
        self.words = self.words if self._said is None else self._said
        self.ended = True

    def _listen(self) -> None:
        """Keep the end of what it prints; read all of it, or it would block."""
        assert self._process.stdout is not None
        with self._process.stdout as output:
            while data := os.read(output.fileno(), 1 << 16):
                self.words = (self.words + data)[-self._limit :]


def _end_all(children: Sequence[_Child], patience: float) -> None:
    """Let them end by themselves for `patience` seconds together; kill and reap what is left."""
    try:
        _wait_for(children, patience)
    finally:
        with hold_signals():
            _kill_all([child for child in children if not child.ended])


def _kill_all(children: Sequence[_Child]) -> None:
    for child in children:
        child.take_note()
    running = [child for child in children if child.status is None]
    for child in running:
        child.send(signal.SIGTERM)
    _wait_for(running, PATIENCE)
    for child in children:
        child.send(signal.SIGKILL)
    # With a deadline even now: a process of another user cannot be killed.
    _wait_for(children, PATIENCE)
    deadline = time.monotonic() + PATIENCE
    for child in children:
        child.finish(max(0, deadline - time.monotonic()))


def _wait_for(children: Sequence[_Child], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    for child in children:
        child.wait(max(0, deadline - time.monotonic()))


def _make_socketpair() -> tuple[socket.socket, int]:
    """Return our end, and the number of theirs: the lowest free one from 3 on.

    That is 3 unless this program has it in use, and 3 is what `podman run --preserve-fds=1` and
    its like hand on; so our end moves out of the way first.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        with ours:
            high = socket.socket(fileno=fcntl.fcntl(ours, fcntl.F_DUPFD_CLOEXEC, 10))
        with socket.socket(fileno=fcntl.fcntl(theirs, fcntl.F_DUPFD_CLOEXEC, 10)) as kept:
            theirs.close()
            return high, fcntl.fcntl(kept, fcntl.F_DUPFD_CLOEXEC, 3)


def _monitor(number: int) -> tuple[str, ...]:
    return "-chardev", f"socket,id=qmp,fd={number}", "-mon", "chardev=qmp,mode=control"


def _start(
    binary: Path,
    arguments: tuple[str, ...],
    descriptors: tuple[int, ...],
    folder: str | None,
) -> "subprocess.Popen[bytes]":
    environment = {key: os.environ[key] for key in os.environ if key not in _NOT_HANDED_ON}
    try:
        process = subprocess.Popen(
            # A relative path holds where this program is.
            [os.path.abspath(binary) if folder else str(binary), *arguments],
            cwd=folder,
            env=environment | {"LC_ALL": "C"} if folder else None,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=descriptors,
            start_new_session=True,
        )
    except OSError as error:
        # The kernel says "No such file" of a file that is there when it cannot find what runs it.
        no_loader = error.errno == errno.ENOENT and binary.exists()
        reason = "its interpreter is missing" if no_loader else error.strerror
        raise ProbeError(f"{binary}: cannot be started: {reason}") from error
    with contextlib.suppress(OSError):
        # Some questions crash QEMU: no core file is to stay in the user's folder.
        resource.prlimit(process.pid, resource.RLIMIT_CORE, (0, 0))
    return process


def _describe_status(status: int | None) -> str:
    if status is None:
        return "it had to be killed"
    if status >= 0:
        return f"it exited with status {status}"
    try:
        return f"it was killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"it was killed by signal {-status}"

"""Start a QEMU that can only be asked, and get rid of it whatever happens.

In: a binary, or a wrapper script that execs one. Out: a connected socket, and after a failure the
exit status and the last words. Every QEMU started here is reaped.
"""

import contextlib
import errno
import fcntl
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType, TracebackType

from qscope.errors import ProbeError

# QMP runs over an inherited socket, never over stdio: introspecting chardev-stdio closes fd 0 and
# then QEMU spins for ever (measured on 5.2 to 11.1).
ARGUMENTS = ("-S", "-machine", "none", "-nodefaults", "-no-user-config", "-display", "none")
_WORDS_BYTES = 4096
# Seconds to end after the connection broke, after SIGTERM, after SIGKILL; and after `quit`, when
# a container may have to be taken down.
_PATIENCE = 0.5
_QUIT_PATIENCE = 2.0
# A closed terminal ends its programs with SIGHUP, which a QEMU in its own session does not get.
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class QemuProcess:
    """A QEMU process and the socket that its monitor talks on; a context manager that reaps it."""

    def __init__(self, binary: Path) -> None:
        """Prepare to start `binary`; entering the context starts it."""
        self._binary = binary
        self._cleanup = contextlib.ExitStack()

    def __enter__(self) -> "QemuProcess":
        with contextlib.ExitStack() as stack:
            stack.enter_context(_end_on_signals())
            self.socket, number = _make_socketpair()
            stack.callback(self.socket.close)
            try:
                with _hold_signals():
                    self._child = _Child(self._binary, (*ARGUMENTS, *_monitor(number)), number)
                    stack.callback(self._child.end, 0)
            finally:
                os.close(number)
            self._cleanup = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._cleanup:
            self._stop(0 if error else _QUIT_PATIENCE)

    def _stop(self, patience: float) -> None:
        self.socket.close()
        self._child.end(patience)

    def describe_end(self, *, hangs: bool) -> str:
        """Say how the process ended and what it said last; one that hangs is killed at once."""
        self._stop(0 if hangs else _PATIENCE)
        status = _describe_status(self._child.status)
        last = " | ".join(self._child.last_lines(3))[-400:]
        return f"{status}; its last words: {last}" if last else f"{status} without a word"


def read_version(binary: Path, timeout: float) -> str:
    """Return what `BINARY -version` prints, within `timeout` seconds. Raises ProbeError."""
    with _end_on_signals(), contextlib.ExitStack() as stack:
        with _hold_signals():
            child = _Child(binary, ("-version",))
            stack.callback(child.end, 0)
        child.end(timeout)
    if child.status is None:
        raise ProbeError(f"{binary}: '-version' did not end within {timeout:g} s")
    if child.status:
        last = "".join(child.last_lines(1))[-400:]
        text = f"{binary}: '-version': {_describe_status(child.status)}"
        raise ProbeError(f"{text}: {last}" if last else text)
    return child.words.decode("utf-8", "replace")


class _Child:
    """A process that leads a session of its own, and the end of what it prints.

    `status` is None until it has ended by itself; `words` are its last, at most until it was
    killed: what it says to that is not why it failed.
    """

    def __init__(self, binary: Path, arguments: tuple[str, ...], *descriptors: int) -> None:
        """Start it. Raises ProbeError."""
        self.status: int | None = None
        self.words = b""
        self._ended = False
        self._process = _start(binary, arguments, descriptors)
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def last_lines(self, count: int) -> list[str]:
        """Return the last lines it printed that are not empty."""
        lines = self.words.decode("utf-8", "replace").split("\n")
        return [line.strip() for line in lines if line.strip()][-count:]

    def end(self, patience: float) -> None:
        """Let it end by itself for `patience` seconds, then kill it; reap all that is left."""
        try:
            self._wait(patience)
        finally:
            with _hold_signals():
                if not self._ended:
                    self._kill()
                self._ended = True

    def _kill(self) -> None:
        """End it and all it started that stayed in its session's first group."""
        self.status = self._process.poll()
        words = self.words
        if self.status is None:
            self._signal(signal.SIGTERM)
            self._wait(_PATIENCE)
        self._signal(signal.SIGKILL)
        # With a deadline even now: a process of another user cannot be killed.
        self._wait(_PATIENCE)
        self._listener.join(_PATIENCE)
        if self.status is None:
            self.words = words

    def _wait(self, seconds: float) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _listen(self) -> None:
        """Keep the end of what it prints; read all of it, or it would block."""
        assert self._process.stdout is not None
        with self._process.stdout as output:
            while data := os.read(output.fileno(), 1 << 16):
                self.words = (self.words + data)[-_WORDS_BYTES:]


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
    binary: Path, arguments: tuple[str, ...], descriptors: tuple[int, ...]
) -> "subprocess.Popen[bytes]":
    try:
        return subprocess.Popen(
            [str(binary), *arguments],
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


def _describe_status(status: int | None) -> str:
    if status is None:
        return "it had to be killed"
    if status >= 0:
        return f"it exited with status {status}"
    try:
        return f"it was killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"it was killed by signal {-status}"


@contextlib.contextmanager
def _hold_signals() -> Iterator[None]:
    """Let signals that end wait for the end of the block, so that no process is left behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    caught: list[int] = []

    def remember(number: int, _: FrameType | None) -> None:
        caught.append(number)

    try:
        with contextlib.ExitStack() as stack:
            for number in _ENDING:
                stack.callback(signal.signal, number, signal.signal(number, remember))
            yield
    finally:
        if caught:
            signal.raise_signal(caught[0])


@contextlib.contextmanager
def _end_on_signals() -> Iterator[None]:
    """While a QEMU runs, let a signal end this program as an exception does: QEMU is reaped then.

    Only the first one: another must not interrupt the reaping. What a program handles or ignores
    itself is left alone.
    """
    caught: list[int] = []

    def end(number: int, _: FrameType | None) -> None:
        if not caught:
            caught.append(number)
            raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)

    in_main = threading.current_thread() is threading.main_thread()
    with contextlib.ExitStack() as stack:
        for number in _ENDING if in_main else ():
            before = signal.getsignal(number)
            if before in (signal.SIG_DFL, signal.default_int_handler):
                stack.callback(signal.signal, number, before)
                signal.signal(number, end)
        yield

"""Start a QEMU that can only be asked, and get rid of it whatever happens.

In: a binary, or a wrapper script that execs one. Out: a connected socket, and after a failure the
exit status and the last words. Every QEMU started here is reaped.
"""

import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType, TracebackType
from typing import NoReturn

from qscope.errors import ProbeError

# QMP runs over an inherited socket, never over stdio: introspecting chardev-stdio closes fd 0 and
# then QEMU spins for ever (measured on 5.2 to 11.1).
ARGUMENTS = ("-S", "-machine", "none", "-nodefaults", "-no-user-config", "-display", "none")
_WORDS_BYTES = 4096
_PATIENCE = 0.5


class QemuProcess:
    """A QEMU process and the socket that its monitor talks on; a context manager that reaps it."""

    def __init__(self, binary: Path) -> None:
        """Prepare to start `binary`; entering the context starts it."""
        self._binary = binary
        self._words = b""
        self._cleanup = contextlib.ExitStack()

    def __enter__(self) -> "QemuProcess":
        self._cleanup.enter_context(_end_on_sigterm())
        try:
            self._start()
        except BaseException:
            self._cleanup.close()
            raise
        return self

    def _start(self) -> None:
        self.socket, theirs = socket.socketpair()
        # The lowest free number: usually 3, which `podman run --preserve-fds=1` hands on.
        number = fcntl.fcntl(theirs, fcntl.F_DUPFD, 3)
        theirs.close()
        monitor = ("-chardev", f"socket,id=qmp,fd={number}", "-mon", "chardev=qmp,mode=control")
        try:
            with _hold_signals():
                self._process = _start(self._binary, (*ARGUMENTS, *monitor), number)
        except BaseException:
            self.socket.close()
            raise
        finally:
            os.close(number)
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._cleanup:
            self.stop(patience=_PATIENCE if error else 5.0)

    def stop(self, patience: float) -> None:
        """End QEMU and everything it started: it may end by itself for `patience` seconds."""
        try:
            self.socket.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(patience)
        finally:
            with _hold_signals():
                _kill_group(self._process)
                self._listener.join(1)
                if self._process.stdout and not self._listener.is_alive():
                    self._process.stdout.close()

    def describe_end(self) -> str:
        """Say how the process ended and what it said last."""
        self.stop(_PATIENCE)
        words = self._words.decode("utf-8", "replace").split("\n")
        last = " | ".join([word.strip() for word in words if word.strip()][-3:])
        status = _describe_status(self._process.returncode)
        return f"{status}; its last words: {last[-400:]}" if last else f"{status} without a word"

    def _listen(self) -> None:
        """Keep the end of what QEMU prints; read all of it, or QEMU would block."""
        assert self._process.stdout is not None
        with contextlib.suppress(OSError, ValueError):
            while data := os.read(self._process.stdout.fileno(), 1 << 16):
                self._words = (self._words + data)[-_WORDS_BYTES:]


def read_version(binary: Path, timeout: float) -> str:
    """Return what `BINARY -version` prints, within `timeout` seconds. Raises ProbeError."""
    process = None
    with _end_on_sigterm():
        try:
            with _hold_signals():
                process = _start(binary, ("-version",))
            words, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired as error:
            text = f"{binary}: '-version' did not end within {timeout:g} s"
            raise ProbeError(text) from error
        finally:
            if process:
                with _hold_signals():
                    _kill_group(process)
    text = words.decode("utf-8", "replace")
    if process.returncode:
        status = _describe_status(process.returncode)
        last = text.strip().rpartition("\n")[2][-400:]
        raise ProbeError(f"{binary}: '-version' {status}" + (f": {last}" if last else ""))
    return text


def _start(
    binary: Path, arguments: tuple[str, ...], *descriptors: int
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
        raise ProbeError(f"{binary}: cannot be started: {error.strerror}") from error


def _kill_group(process: "subprocess.Popen[bytes]") -> None:
    """End the process and all it started that stayed in its session's first group; reap it."""
    if process.poll() is None:
        _signal_group(process, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_PATIENCE)
    _signal_group(process, signal.SIGKILL)
    process.wait()


def _signal_group(process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _describe_status(status: int) -> str:
    if status >= 0:
        return f"it exited with status {status}"
    try:
        return f"it was killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"it was killed by signal {-status}"


@contextlib.contextmanager
def _hold_signals() -> Iterator[None]:
    """Let SIGINT and SIGTERM wait for the end of the block, so that no process is left behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    caught: list[int] = []

    def remember(number: int, _: FrameType | None) -> None:
        caught.append(number)

    before = {number: signal.signal(number, remember) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if caught:
        signal.raise_signal(caught[0])


@contextlib.contextmanager
def _end_on_sigterm() -> Iterator[None]:
    """While a QEMU runs, let SIGTERM end this program as an exception does: QEMU is reaped then.

    A program that handles SIGTERM itself is left alone.
    """
    in_main = threading.current_thread() is threading.main_thread()
    if not in_main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, _exit_on_signal)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _exit_on_signal(number: int, _: FrameType | None) -> NoReturn:
    sys.exit(128 + number)

"""-daemonize and -pidfile.

The mock forks before it has an event loop or a thread. The process that was started ends when the
other one is ready, as a QEMU's does.
"""

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator

from qscope.errors import ServeError


def leave() -> Callable[[], None]:
    """Go on in a process of its own, which no terminal has; return what tells that it is ready.

    The first process ends here: with 0 when the other one is ready, with 1 when it has failed.
    """
    reading, writing = os.pipe()
    if child := os.fork():
        os.close(writing)
        is_ready = bool(os.read(reading, 1))
        os.waitpid(child, 0)
        os._exit(0 if is_ready else 1)
    os.close(reading)
    os.setsid()
    if os.fork():
        os._exit(0)

    def tell() -> None:
        _drop_terminal()
        os.write(writing, b"1")
        os.close(writing)

    return tell


def _drop_terminal() -> None:
    os.chdir("/")
    descriptor = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(descriptor, standard)
    if descriptor > 2:
        os.close(descriptor)


@contextlib.contextmanager
def pidfile(path: str | None) -> Iterator[None]:
    """Have this process's number in a file, which is locked, and goes at the end.

    Raises ServeError where that cannot be; with another mock that runs, too.
    """
    if path is None:
        yield
        return
    place = os.path.abspath(path)
    try:
        descriptor = os.open(place, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        reason = f"Could not create '{path}': {error.strerror}"
        raise ServeError(f"cannot create PID file: {reason}") from error
    with open(descriptor, "r+b", buffering=0) as file:
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ServeError("cannot create PID file: Cannot lock pid file") from error
        file.truncate(0)
        file.write(b"%d\n" % os.getpid())
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                os.unlink(place)

"""Snapshot files on disk: read with limits, written whole or not at all.

This room uses os.path: pathlib would cost every query 4 ms.
"""

import contextlib
import errno
import os
import stat
import sys

from qscope.errors import SnapshotError, TargetError
from qscope.model.snapshot import MAX_BYTES

_DESCRIPTORS = ("/dev/fd/", "/dev/stdin", "/proc/self/fd/")


def read_bytes(path: str) -> bytes:
    """Read a snapshot: a regular file, or `-` for stdin. Raises SnapshotError."""
    try:
        return read_regular(path, MAX_BYTES)
    except (OSError, ValueError) as error:
        raise SnapshotError(f"{path}: {explain_error(error)}") from error


def read_regular(path: str, limit: int, *, streams: bool = True) -> bytes:
    """Read a regular file of at most `limit` bytes; never block on a FIFO.

    With `streams`, `-` is stdin, and an inherited descriptor may be a pipe. Raises OSError, or
    ValueError for what is no path.
    """
    if path == "-" and streams:
        return _limit(sys.stdin.buffer.read(limit + 1), limit)
    inherited = streams and path.startswith(_DESCRIPTORS)
    descriptor = os.open(path, os.O_RDONLY | (0 if inherited else os.O_NONBLOCK))
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        regular = stat.S_ISREG(status.st_mode)
        if not (inherited or regular):
            raise OSError(errno.EINVAL, "not a regular file")
        if regular and status.st_size <= limit:
            return file.read()
        return _limit(file.read(limit + 1), limit)


def _limit(data: bytes, limit: int) -> bytes:
    if len(data) > limit:
        size = f"{limit >> 30} GiB" if limit >> 30 else f"{limit >> 20} MiB"
        raise OSError(errno.EFBIG, f"larger than {size}")
    return data


def check_place(path: str) -> None:
    """Raise TargetError if a file cannot be written there: before work is done, not after."""
    folder = os.path.dirname(os.path.realpath(path)) if path else ""
    if not path or os.path.isdir(path):
        reason = "a folder" if path else "no name"
    elif not os.path.isdir(folder):
        reason = "its folder does not exist"
    elif not os.access(path if os.path.exists(path) else folder, os.W_OK):
        reason = "not allowed"
    else:
        return
    raise TargetError(f"cannot write {path or repr(path)}: {reason}")


def write_bytes(path: str, data: bytes) -> None:
    """Write a file whole or not at all. Raises TargetError.

    What is there and no regular file (a device, a pipe) is written to, not replaced.
    """
    try:
        if os.path.exists(path) and not os.path.isfile(path):
            with open(path, "wb") as file:
                file.write(data)
        else:
            replace_file(path, data)
    except (OSError, ValueError) as error:
        raise TargetError(f"cannot write {path}: {explain_error(error)}") from error


def replace_file(path: str, data: bytes) -> None:
    """Put `data` in the place of `path` in one step. Raises OSError."""
    place = os.path.realpath(path)
    folder, name = os.path.split(place)
    mode = os.stat(place).st_mode if os.path.exists(place) else None
    temporary = os.path.join(folder, f".{name}.{os.urandom(4).hex()}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(data)
        if mode is not None:
            os.chmod(temporary, stat.S_IMODE(mode))
        os.replace(temporary, place)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def show_path(path: str) -> str:
    """Return a path as text: what in it is not UTF-8 is escaped."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def explain_error(error: OSError | ValueError) -> str:
    """Say what went wrong with a file, without Python's number and quoting."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)

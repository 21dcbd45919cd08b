"""Snapshot files on disk: read with limits, written whole or not at all."""

import contextlib
import os
import stat
import sys
from pathlib import Path

from qscope.errors import SnapshotError, TargetError
from qscope.model.snapshot import MAX_BYTES

_DESCRIPTORS = ("/dev/fd/", "/dev/stdin", "/proc/self/fd/")


def read_bytes(path: Path) -> bytes:
    """Read a regular file, or `-` for stdin. Raises SnapshotError; never blocks on a FIFO."""
    if str(path) == "-":
        return sys.stdin.buffer.read(MAX_BYTES)
    inherited = str(path).startswith(_DESCRIPTORS)
    try:
        descriptor = os.open(path, os.O_RDONLY | (0 if inherited else os.O_NONBLOCK))
        with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor is no path
            status = os.fstat(descriptor)
            if not (inherited or stat.S_ISREG(status.st_mode)):
                raise SnapshotError(f"{path}: not a regular file")
            if status.st_size > MAX_BYTES:
                raise SnapshotError(f"{path}: larger than 1 GiB")
            return file.read(MAX_BYTES)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise SnapshotError(f"{path}: {reason}") from error


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file whole or not at all. Raises TargetError.

    What is there and no regular file (a device, a pipe) is written to, not replaced.
    """
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(data)
        else:
            replace_file(path, data)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise TargetError(f"cannot write {path}: {reason}") from error


def replace_file(path: Path, data: bytes) -> None:
    """Put `data` in the place of `path` in one step. Raises OSError."""
    place = path.resolve()
    temporary = place.with_name(f".{place.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(data)
        temporary.replace(place)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise

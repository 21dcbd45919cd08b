"""From QAPI source on disk to a schema."""

import errno
import os
from typing import Literal

from qscope import qapi
from qscope.load.files import read_regular

# The largest file of QEMU's has 200 KB.
_MAX_BYTES = 16 << 20


def open_schema(
    path: str | os.PathLike[str], *, docs: Literal["check", "ignore"] = "check"
) -> qapi.Schema:
    """Read and parse a schema; `-` is stdin. Raises SchemaError."""
    root = os.fspath(path)

    def read(name: str) -> bytes:
        # Only what the user names may be a stream; what a schema includes is a file.
        try:
            return read_regular(name, _MAX_BYTES, streams=name == root)
        except ValueError as error:
            raise OSError(errno.EINVAL, str(error)) from error

    return qapi.parse(_Path(root), read=read, docs=docs)


class _Path(os.PathLike[str]):
    """A path as the user wrote it: errors repeat that."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __fspath__(self) -> str:
        return self._path

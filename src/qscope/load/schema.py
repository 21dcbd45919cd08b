"""From QAPI source on disk to a schema."""

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
    return qapi.parse(_Path(os.fspath(path)), read=_read, docs=docs)


class _Path(os.PathLike[str]):
    """A path as the user wrote it: errors repeat that."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __fspath__(self) -> str:
        return self._path


def _read(path: str) -> bytes:
    return read_regular(path, _MAX_BYTES)

"""From QAPI source on disk to a schema, and to the interface of what is built from it."""

import os
from collections.abc import Collection
from typing import Literal

from qscope import qapi
from qscope.load.files import read_regular
from qscope.model.interface import Interface
from qscope.model.listings import Listings
from qscope.qapi.annotate import annotate, annotate_source
from qscope.qapi.match import match

# The largest file of QEMU's has 200 KB.
_MAX_BYTES = 16 << 20


def open_schema(
    path: str | os.PathLike[str], *, docs: Literal["check", "ignore"] = "check"
) -> qapi.Schema:
    """Read and parse a schema; `-` is stdin. Raises SchemaError."""
    return qapi.parse(_Path(os.fspath(path)), read=_read, docs=docs)


def open_interface(path: str, defines: Collection[str] = ()) -> tuple[qapi.Schema, Interface]:
    """Return a schema and the interface of a program built from it with these symbols defined.

    How it is documented does not matter. Raises SchemaError.
    """
    schema = open_schema(path, docs="ignore")
    interface = Interface(
        schema.introspect(defines),
        listings=Listings(silence="a schema does not say"),
        schema_source=path,
        annotations=annotate_source(schema, path),
    )
    return schema, interface


def annotate_by(interface: Interface, path: str) -> Interface:
    """Return an interface with the names and the documentation of a schema that it matches.

    Raises SchemaError.
    """
    schema = open_schema(path, docs="ignore")
    names = match(schema, interface).names
    return interface.with_annotations(annotate(schema, names, f"structural match with {path}"))


class _Path(os.PathLike[str]):
    """A path as the user wrote it: errors repeat that."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __fspath__(self) -> str:
        return self._path


def _read(path: str) -> bytes:
    return read_regular(path, _MAX_BYTES)

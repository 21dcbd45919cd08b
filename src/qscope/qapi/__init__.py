"""The QAPI language: from a schema's text to introspection data.

In: the text of a schema, and a function that reads the files it includes. Out: `Schema`, and from
it SchemaInfo entities (`Schema.introspect`). One module a stage: lexer, parser, define, resolve,
introspect. Nothing here opens a file.
"""

from typing import Literal, Protocol

from qscope.errors import Location, SchemaError
from qscope.qapi.define import define
from qscope.qapi.parser import Reader, decode_text, make_source, parse_files
from qscope.qapi.resolve import resolve
from qscope.qapi.schema import Schema
from qscope.qapi.source import Source

__all__ = ["Reader", "Schema", "parse"]


class PathLike(Protocol):
    """A path, as os.PathLike is one."""

    def __fspath__(self) -> str:
        """Return it as a string."""


def parse(
    schema: str | PathLike,
    *,
    read: Reader | None = None,
    docs: Literal["check", "ignore"] = "check",
    name: str = "<schema>",
) -> Schema:
    """Parse and check a schema.

    `schema` is its text, or where `read` finds it: a path-like object, or a string that can be no
    schema, having neither a brace nor a comment nor a line's end. `read` is called with the path
    of each file, those that the schema includes too, and returns its bytes or raises OSError.
    `name` is what errors call a text; its folder is where includes are looked for. With
    `docs="ignore"` the rules about documentation (as of QEMU 10.2) are not enforced.

    Raises SchemaError: the first error, which is the one that QEMU's front end reports.
    """
    if docs not in ("check", "ignore"):
        raise ValueError(f"docs={docs!r}: it is 'check' or 'ignore'")
    is_text = isinstance(schema, str) and (read is None or not _may_be_path(schema))
    root = make_source(name, str(schema)) if is_text else _open(schema, read)
    check_docs = docs == "check"
    parsed = parse_files(root, read, check_docs=check_docs)
    return resolve(parsed, define(parsed, check_docs=check_docs), check_docs=check_docs)


def _may_be_path(schema: str) -> bool:
    return bool(schema.strip()) and not set(schema) & set("{#\n")


def _open(schema: str | PathLike, read: Reader | None) -> Source:
    path = schema if isinstance(schema, str) else schema.__fspath__()
    if read is None:
        raise TypeError("a path needs a function that reads it: read=…")
    try:
        return decode_text(path, read(path))
    except OSError as error:
        message = f"cannot read the schema: {error.strerror or error}"
        raise SchemaError(message, Location(path)) from error

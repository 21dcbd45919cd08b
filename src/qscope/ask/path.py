"""Paths: libvirt's query language for QAPI schemas, and qscope's prefixes beyond it.

In: the text of a path. Out: `Path`, compiled once and asked often. Next stage: query.py.
"""

import functools
from typing import NamedTuple

from qscope.errors import PathError

# What a prefix asks about; the ones of later releases are reserved, so that they are never read
# as the name of a command.
PREFIXES = (
    "command", "event", "device", "object", "machine", "cpu", "qemuopts", "migration",
    "option", "accel", "chardev", "tpm", "version", "behaviour",
)  # fmt: skip


class Step(NamedTuple):
    """One component after the first: how it is written, its modifier, and the name without it."""

    text: str
    modifier: str
    name: str


class Path(NamedTuple):
    """A compiled path."""

    text: str
    prefix: str | None
    name: str
    steps: tuple[Step, ...]


@functools.lru_cache(maxsize=4096)
def compile_path(text: str) -> Path:
    """Compile a path. Raises PathError when it is empty or no UTF-8."""
    if not text:
        raise PathError("malformed path: it is empty")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise PathError("malformed path: it is not UTF-8") from error
    first, *rest = text.split("/")
    prefix, colon, name = first.partition(":")
    steps = tuple(_compile_step(component) for component in rest)
    if colon and prefix in PREFIXES:
        if not name:
            raise PathError(f"malformed path {text!r}: no name after '{prefix}:'")
        return Path(text, prefix, name, steps)
    return Path(text, None, first, steps)


def _compile_step(component: str) -> Step:
    """Cut off the modifier: any first byte that is no ASCII letter is one (libvirt 9.0).

    Of a longer character that leaves what no name begins with, so it may as well stay whole.
    """
    if component[:1].isalpha() or not component[:1].isascii():
        return Step(component, "", component)
    return Step(component, component[:1], component[1:])

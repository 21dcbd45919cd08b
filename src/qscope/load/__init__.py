"""Load what a user names: a snapshot file, a QMP socket, a QEMU binary, or nothing.

In: a target. Out: `Opened`, an `Interface` and where it came from. Snapshot files, schemas and the
cache are read and written in this room and nowhere else.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qscope.load.opening import (
        Opened,
        Recorded,
        list_candidates,
        load,
        load_snapshot,
        open_interface,
        record,
    )

__all__ = [
    "Opened",
    "Recorded",
    "list_candidates",
    "load",
    "load_snapshot",
    "open_interface",
    "record",
]


def __getattr__(name: str) -> object:
    """Import on first use: compiling a schema opens no snapshot."""
    if name not in __all__:
        raise AttributeError(f"module 'qscope.load' has no attribute {name!r}")
    from qscope.load import opening  # noqa: PLC0415

    return getattr(opening, name)

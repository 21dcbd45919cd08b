"""The cache of schemas that servers announce by a hash: query-qmp-schema replies, as received.

A file's name is the hash of what it says, computed here and never taken on trust, neither when it
is written nor when it is read: what was damaged, or put there by somebody else, is absent. The hash
leaves out what types are called and types that nothing leads to (QEMU has two or three); a reply
with anything that this version does not understand is not kept.
"""

import contextlib
import os
import re
from collections.abc import Iterator
from typing import NamedTuple

from msgspec import Struct

from qscope.errors import SnapshotError
from qscope.load.cache import cache_folder, find_files, remove_files
from qscope.load.files import read_bytes, replace_file
from qscope.model.canonical import schema_hash
from qscope.model.decoding import UNREADABLE
from qscope.model.interface import Interface
from qscope.model.schema_info import decode_entities

_ALGORITHM = "sha256:"
_ENDING = ".schema.json"
_OUR_NAME = re.compile(r"[0-9a-f]{64}\.schema\.json")
_OURS = re.compile(r"\.?[0-9a-f]{64}\.schema\.json(\.[0-9a-f]{8}\.tmp)?")
# QEMU 11.1's reply has 1,230 entries and 220 KB. What is much larger takes long to hash.
_MOST_BYTES = 8 << 20
_MOST_ENTITIES = 4096
# The replies used last are kept: a server whose schema changes has a new hash each time.
_MOST_FILES = 32
_MOST_BYTES_IN_ALL = 32 << 20


class Entry(Struct, frozen=True):
    """A kept reply: its file, the hash that names it, how many commands it has, and bytes."""

    path: str
    schema_hash: str
    commands: int
    size: int


class SchemaCache:
    """Keeps replies in the folder of the cache; probe/schemas.py says what for."""

    def find(self, wanted: str) -> bytes | None:
        """Return the reply with this hash, None where none is kept, or it says something else."""
        path = _place(wanted)
        kept = _read(path, wanted)
        if kept is None:
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        return kept.reply

    def keep(self, reply: bytes) -> None:
        """Keep a reply under its hash; one that is kept already is not replaced."""
        interface = _understand(reply)
        if interface is None:
            return
        found = schema_hash(interface)
        if self.find(found) is None:
            _write(_place(found), reply)


def list_schemas() -> Iterator[Entry]:
    """Yield every reply that says what its name does, by hash."""
    for path in find_files(_OUR_NAME):
        named = _ALGORITHM + os.path.basename(path).removesuffix(_ENDING)
        kept = _read(path, named)
        if kept is not None:
            yield Entry(path, named, len(kept.interface.commands), len(kept.reply))


def clear_schemas() -> int:
    """Remove every kept reply; return how many files that were. Raises TargetError."""
    return remove_files(_OURS)


class _Kept(NamedTuple):
    reply: bytes
    interface: Interface


def _place(named: str) -> str:
    return os.path.join(cache_folder(), named.removeprefix(_ALGORITHM) + _ENDING)


def _read(path: str, named: str) -> _Kept | None:
    """Return what a file has, None unless that has this hash."""
    try:
        reply = read_bytes(path)
    except SnapshotError:
        return None
    interface = _understand(reply)
    if interface is None or schema_hash(interface) != named:
        return None
    return _Kept(reply, interface)


def _write(path: str, reply: bytes) -> None:
    with contextlib.suppress(OSError):
        os.makedirs(cache_folder(), exist_ok=True)
        replace_file(path, reply)
        _drop_oldest()


def _understand(reply: bytes) -> Interface | None:
    """Return the interface that a reply shows, None unless it is understood completely."""
    if len(reply) > _MOST_BYTES:
        return None
    try:
        entities, oddities = decode_entities(reply)
    except UNREADABLE:
        return None
    interface = Interface(entities, oddities=oddities)
    is_plain = len(entities) <= _MOST_ENTITIES and not interface.oddities
    return interface if is_plain else None


def _drop_oldest() -> None:
    """Remove the replies that were not used for the longest time, beyond the limits."""
    used = [(os.stat(path), path) for path in find_files(_OUR_NAME)]
    used.sort(key=lambda each: each[0].st_mtime_ns, reverse=True)
    total = 0
    for number, (status, path) in enumerate(used):
        total += status.st_size
        if number >= _MOST_FILES or total > _MOST_BYTES_IN_ALL:
            os.unlink(path)

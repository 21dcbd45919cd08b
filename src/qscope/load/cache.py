"""The cache of probed binaries: an index to answer from, and the raw snapshot beside it.

An entry holds for one identity of a binary: path, size, mtime and ctime; for a script also what its
`-version` prints, because the QEMU behind it can change without it. Anything wrong with an entry
makes it absent, never an error.
"""

import contextlib
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from qscope._version import PROBE_VERSION
from qscope.errors import SnapshotError, TargetError
from qscope.load.files import read_bytes, replace_file
from qscope.model.index import Index, decode_index, encode_index, make_index
from qscope.model.snapshot import Snapshot, encode_snapshot

_INDEX = ".index"
_SNAPSHOT = ".snapshot.json.gz"


class Entry(NamedTuple):
    """A cached binary: its index file, what it was made from, and both files' size in bytes."""

    path: Path
    key: dict[str, Any]
    index: Index
    size: int


def cache_folder() -> Path:
    """Return the folder of the cache: $QSCOPE_CACHE_DIR, else the platform's."""
    if chosen := os.environ.get("QSCOPE_CACHE_DIR"):
        return Path(chosen)
    import platformdirs  # noqa: PLC0415 - 7 ms, which a chosen folder need not pay

    return Path(platformdirs.user_cache_dir("qscope"))


def make_key(binary: Path, says: str | None) -> dict[str, Any]:
    """Return what identifies a binary; `says` is what a script's `-version` printed."""
    status = binary.stat()
    return {
        "path": str(binary),
        "size": status.st_size,
        "mtime_ns": status.st_mtime_ns,
        "ctime_ns": status.st_ctime_ns,
        "says": says,
        "probe": PROBE_VERSION,
    }


def find_index(key: dict[str, Any]) -> Index | None:
    """Return the index cached for exactly this key, or None."""
    try:
        found, index = decode_index(read_bytes(_place(key, _INDEX)))
    except SnapshotError:
        return None
    return index if found == key else None


def store(key: dict[str, Any], snapshot: Snapshot) -> None:
    """Keep a snapshot and its index. A cache that cannot be written is no error."""
    with contextlib.suppress(OSError):
        cache_folder().mkdir(parents=True, exist_ok=True)
        # The index last: where it is, the snapshot is.
        replace_file(_place(key, _SNAPSHOT), encode_snapshot(snapshot, compress=True))
        replace_file(_place(key, _INDEX), encode_index(make_index(snapshot), key))


def list_entries() -> Iterator[Entry]:
    """Yield every readable entry, by file name."""
    for path in sorted(cache_folder().glob(f"*{_INDEX}")):
        with contextlib.suppress(SnapshotError, OSError):
            key, index = decode_index(read_bytes(path))
            files = [path, path.with_name(path.name.removesuffix(_INDEX) + _SNAPSHOT)]
            size = sum(file.stat().st_size for file in files if file.exists())
            yield Entry(path, key, index, size)


def clear() -> int:
    """Remove every entry; return how many files that were. Raises TargetError."""
    count = 0
    for pattern in (f"*{_INDEX}", f"*{_SNAPSHOT}", ".*.tmp"):
        for path in cache_folder().glob(pattern):
            try:
                path.unlink()
            except OSError as error:
                raise TargetError(f"cannot remove {path}: {error.strerror}") from error
            count += 1
    return count


def _place(key: dict[str, Any], suffix: str) -> Path:
    """Name the file by the binary. Two paths of one name are a mere miss: the key is compared."""
    path = str(key["path"])
    return cache_folder() / f"{Path(path).name}-{zlib.crc32(os.fsencode(path)):08x}{suffix}"

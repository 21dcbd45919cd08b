"""The cache of probed binaries: an index to answer from, and the raw snapshot beside it.

Schemas that servers announce by a hash are kept in the same folder by schemas.py.

An entry holds for one identity of a binary: path, size, mtime and ctime; for a script also what its
`-version` prints, because the QEMU behind it can change without it. Anything wrong with an entry
makes it absent, never an error.
"""

import contextlib
import os
import re
import zlib
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from qscope._version import PROBE_VERSION
from qscope.errors import SnapshotError, TargetError
from qscope.load.files import read_bytes, replace_file, show_path
from qscope.model.index import Index, decode_index, encode_index, make_index
from qscope.model.snapshot import Snapshot, decode_snapshot, encode_snapshot

_INDEX = ".index"
_SNAPSHOT = ".snapshot.json.gz"
# What _place and replace_file name; other files in the folder are somebody else's.
_OUR_INDEX = re.compile(r".+-[0-9a-f]{8}\.index")
_OURS = re.compile(r".+-[0-9a-f]{8}\.(index|snapshot\.json\.gz)(\.[0-9a-f]{8}\.tmp)?")


class Entry(Struct, frozen=True):
    """A cached binary: its index file, what it was made from, and both files' size in bytes."""

    path: str
    key: dict[str, Any]
    index: Index
    size: int


def cache_folder() -> str:
    """Return the folder of the cache: $QSCOPE_CACHE_DIR, else the platform's.

    On Linux with a home that is the XDG rule, applied here because platformdirs costs a query
    7 ms of its 60; whatever else is left to platformdirs.
    """
    if chosen := os.environ.get("QSCOPE_CACHE_DIR"):
        return chosen
    own, home = os.environ.get("XDG_CACHE_HOME", ""), os.environ.get("HOME", "")
    if os.path.isabs(own):
        return os.path.join(own, "qscope")
    if os.path.isabs(home) and not own:
        return os.path.join(home, ".cache", "qscope")
    import platformdirs  # noqa: PLC0415

    return platformdirs.user_cache_dir("qscope")


def make_key(binary: str, says: str | None) -> dict[str, Any]:
    """Return what identifies a binary; `says` is what a script's `-version` printed."""
    status = os.stat(binary)
    return {
        "path": show_path(binary),
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


def find_snapshot(key: dict[str, Any]) -> Snapshot | None:
    """Return the raw snapshot cached for exactly this key, or None."""
    if find_index(key) is None:
        return None
    try:
        return decode_snapshot(read_bytes(_place(key, _SNAPSHOT)))
    except SnapshotError:
        return None


def store(key: dict[str, Any], snapshot: Snapshot) -> bool:
    """Keep a snapshot and its index; return whether that worked."""
    try:
        os.makedirs(cache_folder(), exist_ok=True)
        # The index last: where it is, the snapshot is.
        replace_file(_place(key, _SNAPSHOT), encode_snapshot(snapshot, compress=True))
        replace_file(_place(key, _INDEX), encode_index(make_index(snapshot), key))
    except OSError:
        return False
    return True


def list_entries() -> Iterator[Entry]:
    """Yield every readable entry, by file name."""
    for path in find_files(_OUR_INDEX):
        with contextlib.suppress(SnapshotError, OSError):
            key, index = decode_index(read_bytes(path))
            files = [path, path.removesuffix(_INDEX) + _SNAPSHOT]
            size = sum(os.path.getsize(file) for file in files if os.path.exists(file))
            yield Entry(path, key, index, size)


def clear() -> int:
    """Remove every entry; return how many files that were. Raises TargetError."""
    return remove_files(_OURS)


def remove_files(form: re.Pattern[str]) -> int:
    """Remove the files of the cache whose names have a form; return how many. Raises TargetError.

    What has gone in the meantime somebody else has removed.
    """
    count = 0
    for path in find_files(form):
        try:
            os.unlink(path)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise TargetError(f"cannot remove {path}: {error.strerror}") from error
        count += 1
    return count


def find_files(form: re.Pattern[str]) -> list[str]:
    """Return the files of the cache whose names have a form, sorted."""
    folder = cache_folder()
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    return [os.path.join(folder, name) for name in names if form.fullmatch(name)]


def _place(key: dict[str, Any], ending: str) -> str:
    """Name the file by the binary. Two paths of one name are a mere miss: the key is compared."""
    path = str(key["path"])
    name = f"{os.path.basename(path)}-{zlib.crc32(os.fsencode(path)):08x}{ending}"
    return os.path.join(cache_folder(), name)

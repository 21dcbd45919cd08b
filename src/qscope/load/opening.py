"""From a target, as a user names it, to an `Interface`.

A target is a snapshot file, a QMP server's address, a QEMU binary (a path, or a name on PATH), or
None: then $QSCOPE_SNAPSHOT, else the first QEMU on PATH, else the snapshot that ships with qscope.
"""

import contextlib
import os
import stat
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from qscope.errors import ProbeError, SnapshotError, TargetError
from qscope.load import cache
from qscope.load.files import read_bytes
from qscope.model.index import decode_index
from qscope.model.interface import Interface
from qscope.model.snapshot import Snapshot, decode_snapshot

if TYPE_CHECKING:
    from qscope.probe import Death, Progress

# Beside the code: importlib.resources would cost a query 5 ms.
EMBEDDED = os.path.join(
    os.path.dirname(os.path.dirname(__file__)), "data", "qemu-7.2.22-debian-x86_64.json.gz"
)
# What is concluded from it, for queries that should not have to read all of it.
EMBEDDED_INDEX = EMBEDDED.removesuffix(".json.gz") + ".index"
# Seconds that a script may take to print the version of the QEMU it execs.
_VERSION_TIMEOUT = 5.0
# What Debian and QEMU call a target where the kernel says otherwise.
_TARGETS = {"i686": "i386", "i586": "i386", "ppc64le": "ppc64", "armv7l": "arm", "armv6l": "arm"}


class Opened(NamedTuple):
    """An interface, and in words where it came from."""

    interface: Interface
    origin: str


class Recorded(NamedTuple):
    """Raw answers, who gave them, and the folder of the cache if that keeps them."""

    snapshot: Snapshot
    name: str
    cached_in: str | None


class _Source(NamedTuple):
    """What a target turned out to be: exactly one of the three is there."""

    name: str
    file: str | None = None
    binary: str | None = None
    address: str | None = None


def open_interface(target: str | os.PathLike[str] | None = None) -> Interface:
    """Open what `target` names and return its interface.

    Raises SnapshotError, ProbeError or TargetError.
    """
    return load(None if target is None else os.fspath(target)).interface


def load(
    target: str | None = None,
    *,
    use_cache: bool = True,
    timeout: float | None = None,
    progress: "Progress | None" = None,
) -> Opened:
    """Open what `target` names; a binary is asked only if the cache does not know it.

    `timeout` is in seconds, for each answer of a QEMU; None is the probe's default. Raises
    SnapshotError, ProbeError or TargetError.
    """
    source = _find_default() if target is None else _find_source(target)
    if source is None:
        return Opened(_open_file(EMBEDDED), "the snapshot in qscope")
    if source.file:
        return Opened(_open_file(source.file), source.name)
    key = _make_key(source.binary, timeout) if source.binary and use_cache else None
    index = cache.find_index(key) if key else None
    if index:
        return Opened(Interface.from_index(index), f"{source.name} (cached)")
    snapshot = _probe(source, timeout, progress, use_cache=use_cache)
    if key:
        cache.store(key, snapshot)
    return Opened(Interface.from_snapshot(snapshot), f"{source.name} (probed now)")


def load_snapshot(
    target: str | None = None,
    *,
    use_cache: bool = True,
    timeout: float | None = None,
    progress: "Progress | None" = None,
) -> Recorded:
    """Open what `target` names, as `load` does, and return its raw answers.

    Raises SnapshotError, ProbeError or TargetError.
    """
    source = _find_default() if target is None else _find_source(target)
    if source is None:
        return Recorded(_read_file(EMBEDDED), "the snapshot in qscope", None)
    if source.file:
        return Recorded(_read_file(source.file), source.name, None)
    key = _make_key(source.binary, timeout) if source.binary and use_cache else None
    if key and (cached := cache.find_snapshot(key)):
        return Recorded(cached, f"{source.name} (cached)", cache.cache_folder())
    snapshot = _probe(source, timeout, progress, use_cache=use_cache)
    kept = key is not None and cache.store(key, snapshot)
    name = f"{source.name} (probed now)"
    return Recorded(snapshot, name, cache.cache_folder() if kept else None)


def record(
    target: str | None = None,
    *,
    use_cache: bool = True,
    timeout: float | None = None,
    jobs: int | None = None,
    progress: "Progress | None" = None,
    on_death: "Callable[[Death], None] | None" = None,
) -> Recorded:
    """Ask a QEMU everything now, and keep that in the cache.

    A binary is asked by `jobs` processes of it at once, as many as the probe thinks right if None.
    `on_death` is told of each question that a QEMU did not survive.
    Raises ProbeError, or TargetError when there is nobody to ask.
    """
    source = _find_binary() if target is None else _find_source(target)
    if source is None:
        raise TargetError("no QEMU on PATH: name a binary, a wrapper script or a QMP socket")
    if source.file:
        raise TargetError(f"{source.name} is no QEMU but a file; 'query' and 'show' read snapshots")
    key = _make_key(source.binary, timeout) if source.binary and use_cache else None
    snapshot = _probe(source, timeout, progress, jobs, on_death, use_cache=use_cache)
    kept = key is not None and cache.store(key, snapshot)
    return Recorded(snapshot, source.name, cache.cache_folder() if kept else None)


def list_candidates() -> Iterator[str]:
    """Yield the names under which a QEMU for this machine is looked for, best first."""
    machine = os.uname().machine
    yield f"qemu-system-{_TARGETS.get(machine, machine)}"
    yield "qemu-kvm"
    yield "/usr/libexec/qemu-kvm"


def _find_default() -> _Source | None:
    chosen = os.environ.get("QSCOPE_SNAPSHOT")
    return _find_source(chosen) if chosen else _find_binary()


def _find_binary() -> _Source | None:
    for name in list_candidates():
        if found := _which(name):
            return _Source(found, binary=os.path.abspath(found))
    return None


def _which(name: str) -> str | None:
    """Find a program on PATH as execvp does. Importing shutil for it would cost a query 2 ms."""
    folders = [""] if "/" in name else os.get_exec_path()
    for path in (os.path.join(folder, name) for folder in folders):
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    return None


def _find_source(target: str) -> _Source:
    """Tell by what is there, not by the name, what a target is. A file wins over HOST:PORT."""
    if target == "-":
        return _Source("stdin", file="-")
    if target.startswith(("unix:", "tcp:")):
        return _Source(target, address=target)
    path, mode = target, _mode(target)
    if mode is None and _looks_like_address(target):
        return _Source(target, address=target)
    if mode is None and "/" not in target and (found := _which(target)):
        path, mode = found, _mode(found)
    if mode is None:
        raise TargetError(f"{target!r}: no such file, and no QEMU of that name on PATH")
    if stat.S_ISDIR(mode):
        raise TargetError(f"{target}: a folder, neither a snapshot nor a QEMU")
    if stat.S_ISSOCK(mode):
        return _Source(path, address=path)
    if stat.S_ISREG(mode) and _is_program(path):
        # Not resolved: some programs do what the name says by which they are called.
        return _Source(path, binary=os.path.abspath(path))
    return _Source(path, file=path)


def _mode(path: str) -> int | None:
    try:
        return os.stat(path).st_mode
    except (OSError, ValueError):
        return None


def _looks_like_address(target: str) -> bool:
    host, _, port = target.rpartition(":")
    return bool(host) and port.isdigit() and "/" not in host


def _is_program(path: str) -> bool:
    """Programs begin with ELF's magic or `#!`; no form of snapshot does."""
    start = _read_start(path)
    if start is None:
        # Not readable, but perhaps executable; a snapshot must be readable.
        return os.access(path, os.X_OK)
    return start == b"\x7fELF" or start[:2] == b"#!"


def _read_start(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read(4)
    except OSError:
        return None


def _open_file(path: str) -> Interface:
    if path == EMBEDDED:
        with contextlib.suppress(SnapshotError):
            return Interface.from_index(decode_index(read_bytes(EMBEDDED_INDEX))[1])
    return Interface.from_snapshot(_read_file(path))


def _read_file(path: str) -> Snapshot:
    try:
        return decode_snapshot(read_bytes(path))
    except SnapshotError as error:
        text = str(error)
        raise SnapshotError(text if text.startswith(path) else f"{path}: {text}") from error


def _make_key(binary: str, timeout: float | None) -> dict[str, object] | None:
    """Return what identifies a binary in the cache.

    None for a script that does not answer `-version`: nothing then tells which QEMU is behind it.
    """
    says = None
    if (_read_start(binary) or b"").startswith(b"#!"):
        from pathlib import Path  # noqa: PLC0415 - not for a cached binary

        from qscope.probe import read_version  # noqa: PLC0415

        try:
            says = read_version(Path(binary), min(timeout or _VERSION_TIMEOUT, _VERSION_TIMEOUT))
        except ProbeError:
            return None
    try:
        return cache.make_key(binary, says)
    except OSError as error:
        raise TargetError(f"{binary}: {error.strerror}") from error


def _probe(
    source: _Source,
    timeout: float | None,
    progress: "Progress | None",
    jobs: int | None = None,
    on_death: "Callable[[Death], None] | None" = None,
    *,
    use_cache: bool,
) -> Snapshot:
    from pathlib import Path  # noqa: PLC0415 - starting processes is not for a cached binary

    from qscope import probe  # noqa: PLC0415
    from qscope.qmp.address import parse_address  # noqa: PLC0415

    timeout = timeout or probe.DEFAULT_TIMEOUT
    if source.binary:
        return probe.probe_binary(
            Path(source.binary),
            timeout=timeout,
            jobs=jobs,
            progress=progress,
            on_death=on_death,
        )
    assert source.address is not None
    address = parse_address(source.address)
    if address is None:
        raise TargetError(f"{source.address!r}: not an address; unix:PATH or HOST:PORT is one")
    from qscope.load.schemas import SchemaCache  # noqa: PLC0415 - a binary needs it not

    kept = SchemaCache() if use_cache else None
    return probe.probe_address(address, timeout=timeout, progress=progress, kept=kept)

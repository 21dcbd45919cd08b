"""Snapshot files: the raw answers of one QEMU as bytes, and back.

In: the bytes of a file. Out: `Snapshot`; and the other way. The form is decided by content, never
by name: qscope's own, a `query-qmp-schema` reply, a transcript array, libvirt's .replies, any of
them gzipped. Next stage: index.py.
"""

import zlib
from typing import Any

import msgspec
from msgspec import Raw, Struct, UnsetType, field

from qscope.errors import SnapshotError
from qscope.model.decoding import UNREADABLE
from qscope.model.transcript import (
    Exchange,
    Run,
    decode_replies,
    decode_transcript,
    normalise,
)

FORMAT = "qscope-snapshot-1"
# A complete raw snapshot is 4 to 9 MB; what is a hundred times larger is no snapshot.
MAX_BYTES = 1 << 30
_GZIP_MAGIC = b"\x1f\x8b"


class Identity(Struct, frozen=True, omit_defaults=True):
    """Which QEMU answered, as far as it is known. Times are nanoseconds since the epoch.

    `accelerator` and `compat` are None where QEMU was started without -accel and -compat, as a
    probe does, and where nobody knows. `program` says that it is no QEMU, but a program that
    describes its own command line over QMP: facts about QEMU's releases do not hold for it.
    """

    path: str | None = None
    size: int | None = None
    mtime_ns: int | None = None
    ctime_ns: int | None = None
    version: str | None = None
    package: str | None = None
    target: str | None = None
    accelerator: str | None = None
    compat: str | None = None
    machine: str | None = None
    program: bool = False

    def describe(self) -> str:
        """Name the QEMU in half a line: version, package, target; a program likewise."""
        if self.program:
            return f"{self.package or 'a program'} {self.version or ''}".rstrip()
        words = [f"QEMU {self.version}" if self.version else "an unknown QEMU"]
        words += [f"({self.package})"] if self.package else []
        words += [f"for {self.target}"] if self.target else []
        return " ".join(words)


class Snapshot(Struct, frozen=True):
    """The raw answers of one QEMU, and the runs of its binary that show its command line."""

    identity: Identity
    exchanges: tuple[Exchange, ...]
    greeting: dict[str, Any] | None = None
    runs: tuple[Run, ...] = ()


class _File(Struct, frozen=True, omit_defaults=True):
    format: str
    identity: Identity
    transcript: tuple[Exchange, ...]
    greeting: dict[str, Any] | None = None
    runs: tuple[Run, ...] = field(default=(), name="command-line")


def encode_snapshot(snapshot: Snapshot, *, compress: bool = False) -> bytes:
    """Turn a snapshot into the bytes of a file: the same facts always give the same bytes."""
    exchanges = tuple(
        exchange
        if isinstance(exchange.result, UnsetType)
        else msgspec.structs.replace(exchange, result=normalise(exchange.result))
        for exchange in snapshot.exchanges
    )
    file = _File(FORMAT, snapshot.identity, exchanges, snapshot.greeting, snapshot.runs)
    data = msgspec.json.Encoder(order="deterministic").encode(file) + b"\n"
    return _gzip(data) if compress else data


def decode_snapshot(data: bytes) -> Snapshot:
    """Read any form of snapshot. Raises SnapshotError when `data` is none of them."""
    data = _gunzip(data) if data.startswith(_GZIP_MAGIC) else data
    if not data.strip():
        raise SnapshotError("the file is empty")
    try:
        value = msgspec.json.decode(data, type=dict[str, Raw] | list[Raw])
    except UNREADABLE:
        return Snapshot(Identity(), _decode_stream(data))
    if isinstance(value, dict) and "format" in value:
        return _decode_own(data, msgspec.json.decode(value["format"]))
    return Snapshot(Identity(), _decode_plain(data, value))


def _decode_own(data: bytes, form: object) -> Snapshot:
    if form != FORMAT:
        raise SnapshotError(f"snapshot format {form!r}; this qscope reads {FORMAT!r}")
    try:
        file = msgspec.json.decode(data, type=_File)
    except UNREADABLE as error:
        raise SnapshotError(f"damaged snapshot: {error}") from error
    return Snapshot(file.identity, file.transcript, file.greeting, file.runs)


def _decode_plain(data: bytes, value: dict[str, Raw] | list[Raw]) -> tuple[Exchange, ...]:
    if isinstance(value, dict) and "execute" in value:
        # A transcript of one line.
        return _decode_stream(data)
    if isinstance(value, dict) and "return" in value:
        data = bytes(value["return"])
    keys = _first_keys(data)
    if "meta-type" in keys:
        return (Exchange("query-qmp-schema", result=Raw(data.strip())),)
    if "execute" in keys and isinstance(value, list):
        return decode_transcript(data)
    raise SnapshotError(
        "JSON, but no snapshot: expected qscope's own form, a query-qmp-schema reply, "
        "or an array of exchanges"
    )


def _first_keys(data: bytes) -> set[str]:
    """Return the keys of the first object in an array, which tell what the array is."""
    try:
        items = msgspec.json.decode(data, type=list[Raw])
        return set(msgspec.json.decode(items[0], type=dict[str, Raw])) if items else set()
    except UNREADABLE:
        return set()


def _decode_stream(data: bytes) -> tuple[Exchange, ...]:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SnapshotError(f"not a snapshot: neither JSON nor gzip ({error.reason})") from error
    if not text.lstrip().startswith(("{", "[")):
        raise SnapshotError("not a snapshot: neither JSON nor gzip")
    exchanges = decode_replies(text)
    if not exchanges:
        raise SnapshotError("JSON values, but no answer of a QEMU among them")
    return exchanges


def _gzip(data: bytes) -> bytes:
    # wbits 31 writes a gzip header without a time, so that equal facts give equal bytes.
    engine = zlib.compressobj(level=9, wbits=31)
    return engine.compress(data) + engine.flush()


def _gunzip(data: bytes) -> bytes:
    engine = zlib.decompressobj(wbits=31)
    try:
        text = engine.decompress(data, MAX_BYTES)
    except zlib.error as error:
        raise SnapshotError(f"damaged gzip data: {error}") from error
    if not engine.eof:
        raise SnapshotError("damaged gzip data: it ends too early or is larger than 1 GiB")
    return text

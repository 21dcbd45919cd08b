"""The compact index: what queries need of a snapshot, small and quick to read.

In: a `Snapshot`. Out: `Index`, and its bytes for the cache. Next stage: interface.py.
"""

import zlib
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, Raw, Struct

from qscope.errors import SnapshotError
from qscope.model.decoding import UNREADABLE
from qscope.model.snapshot import Identity, Snapshot
from qscope.model.transcript import Exchange, Run, Transcript, explain_silence, read_result

if TYPE_CHECKING:
    from qscope.model.command_line import CommandLine
    from qscope.model.listings import Listings
    from qscope.model.properties import PropertyTable
    from qscope.model.served import ServedLine

# Raise it whenever Listings or SchemaInfo conclusions change: older caches are then made anew.
INDEX_VERSION = 5


class Index(Struct, frozen=True):
    """Which QEMU, its `query-qmp-schema` result as received, and what all else showed."""

    identity: Identity
    # JSON; `null` when the server has no such command.
    schema: Raw
    # JSON of Listings: few queries need them, and all would pay for decoding.
    enumerated: Raw
    # JSON of PropertyTable, likewise.
    told: Raw
    # JSON of CommandLine, likewise.
    ran: Raw
    # The query-command-line result as received, or a text that says why there is none; `null` when
    # the server has no such command, as no QEMU has.
    served: Raw = Raw(b"null")

    @property
    def listings(self) -> "Listings":
        """What other commands enumerate, decoded anew at each call."""
        # Imported on use, here and below: the schema does without it.
        from qscope.model.listings import Listings  # noqa: PLC0415

        return msgspec.json.decode(self.enumerated, type=Listings)

    @property
    def properties(self) -> "PropertyTable":
        """What types told of their properties, decoded anew at each call."""
        from qscope.model.properties import PropertyTable  # noqa: PLC0415

        return msgspec.json.decode(self.told, type=PropertyTable)

    @property
    def command_line(self) -> "CommandLine":
        """What runs of the binary showed, decoded anew at each call."""
        from qscope.model.command_line import CommandLine  # noqa: PLC0415

        return msgspec.json.decode(self.ran, type=CommandLine)

    @property
    def served_line(self) -> "ServedLine | None":
        """What a server told of its program's options, decoded anew at each call."""
        if bytes(self.served) == b"null":
            return None
        from qscope.model.served import decode_served  # noqa: PLC0415

        return decode_served(self.served)

    @property
    def has_schema(self) -> bool:
        """Whether there is a `query-qmp-schema` result."""
        return bytes(self.schema) != b"null"


class _Version(Struct, frozen=True):
    major: int
    minor: int
    micro: int


class _VersionInfo(Struct, frozen=True):
    qemu: _Version
    package: str = ""


class _File(Struct, frozen=True):
    version: int
    key: dict[str, Any]
    index: Index


def make_index(snapshot: Snapshot) -> Index:
    """Conclude from the raw answers what queries need."""
    from qscope.model.command_runs import learn_command_line  # noqa: PLC0415
    from qscope.model.listings import learn_listings  # noqa: PLC0415
    from qscope.model.properties import learn_properties  # noqa: PLC0415

    transcript = Transcript(snapshot.exchanges)
    listings = learn_listings(transcript)
    exchange = transcript.find("query-qmp-schema")
    schema = exchange.result if exchange else UNSET
    if not (isinstance(schema, Raw) and bytes(schema).lstrip().startswith(b"[")):
        schema = Raw(b"null")
        silent = {**listings.silent, "query-qmp-schema": explain_silence(exchange)}
        listings = msgspec.structs.replace(listings, silent=silent)
    identity = identify(snapshot.identity, transcript)
    told = Raw(msgspec.json.encode(learn_properties(transcript)))
    ran = Raw(msgspec.json.encode(learn_command_line(snapshot.runs)))
    served = _find_served_line(transcript)
    return Index(identity, schema, Raw(msgspec.json.encode(listings)), told, ran, served)


def _find_served_line(transcript: Transcript) -> Raw:
    exchange = transcript.find("query-command-line")
    if exchange is None or not _describes_line(transcript):
        return Raw(b"null")
    result = exchange.result
    if isinstance(result, Raw) and bytes(result).lstrip().startswith(b"["):
        return result
    return Raw(msgspec.json.encode(explain_silence(exchange)))


def take_snapshot(
    identity: Identity,
    exchanges: tuple[Exchange, ...],
    greeting: dict[str, Any] | None = None,
    runs: tuple[Run, ...] = (),
) -> Snapshot:
    """Make a snapshot of answers just given; it says itself which QEMU gave them."""
    return Snapshot(identify(identity, Transcript(exchanges)), exchanges, greeting, runs)


def identify(identity: Identity, transcript: Transcript) -> Identity:
    """Add to `identity` what query-version and query-target say and it does not know yet."""
    version = read_result(transcript.find("query-version"), _VersionInfo)
    target = read_result(transcript.find("query-target"), dict[str, str])
    qemu = version.qemu if version else None
    return msgspec.structs.replace(
        identity,
        version=identity.version or (f"{qemu.major}.{qemu.minor}.{qemu.micro}" if qemu else None),
        package=identity.package or (version.package.strip() or None if version else None),
        target=identity.target or (target or {}).get("arch"),
        program=identity.program or _describes_line(transcript),
    )


def _describes_line(transcript: Transcript) -> bool:
    """Whether there is a command for it, whatever it answered; no QEMU has one."""
    exchange = transcript.find("query-command-line")
    return exchange is not None and not exchange.lacks_command


def encode_index(index: Index, key: dict[str, Any]) -> bytes:
    """Turn an index into bytes; `key` says what it was made from and comes back on decoding."""
    body = msgspec.json.encode(_File(INDEX_VERSION, key, index))
    return b"%08x\n" % zlib.crc32(body) + body


def decode_index(data: bytes) -> tuple[dict[str, Any], Index]:
    """Return the key and the index. Raises SnapshotError for damaged or outdated bytes."""
    checksum, _, body = data.partition(b"\n")
    if checksum != b"%08x" % zlib.crc32(body):
        raise SnapshotError("damaged index")
    try:
        file = msgspec.json.decode(body, type=_File)
    except UNREADABLE as error:
        raise SnapshotError(f"damaged index: {error}") from error
    if file.version != INDEX_VERSION:
        raise SnapshotError(f"index of version {file.version}, not {INDEX_VERSION}")
    return file.key, file.index

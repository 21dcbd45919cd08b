"""Record the snapshot that ships with qscope: Debian 12's QEMU, names and types, no prose.

Usage: python tools/make_default_snapshot.py [BINARY]
Help texts are left out: they are QEMU's, under its licence; names and types are facts.
"""

import sys
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Raw

from qscope.model.snapshot import Snapshot, encode_snapshot
from qscope.model.transcript import Exchange
from qscope.probe import probe_binary

TARGET = Path(__file__).parent.parent / "src/qscope/data/qemu-7.2.22-debian-x86_64.json.gz"
PROSE = {"help", "description"}


def strip_prose(value: Any) -> Any:
    """Return a JSON value less everything written for people."""
    if isinstance(value, dict):
        return {key: strip_prose(item) for key, item in value.items() if key not in PROSE}
    if isinstance(value, list):
        return [strip_prose(item) for item in value]
    return value


def strip_exchange(exchange: Exchange) -> Exchange:
    """Strip the results in which `help` and `description` are keys of prose, not data."""
    if exchange.execute != "query-command-line-options" or not isinstance(exchange.result, Raw):
        return exchange
    result = strip_prose(msgspec.json.decode(exchange.result))
    return msgspec.structs.replace(exchange, result=Raw(msgspec.json.encode(result)))


def main() -> None:
    binary = Path(sys.argv[1] if len(sys.argv) > 1 else "/usr/bin/qemu-system-x86_64")
    snapshot = probe_binary(binary)
    exchanges = tuple(strip_exchange(exchange) for exchange in snapshot.exchanges)
    identity = msgspec.structs.replace(
        snapshot.identity, path=None, size=None, mtime_ns=None, ctime_ns=None
    )
    shipped = Snapshot(identity, exchanges, snapshot.greeting)
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_bytes(encode_snapshot(shipped, compress=True))
    print(f"{TARGET}: {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()

"""Record the snapshot that ships with qscope: Debian 12's QEMU, names and types, no prose.

Usage: python tools/make_default_snapshot.py [BINARY | --index]
With --index only the index is made anew, which a test wants whenever conclusions change.
Help texts are left out: they are QEMU's, under its licence; names and types are facts.
"""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Raw

from qscope.load.opening import EMBEDDED, EMBEDDED_INDEX
from qscope.model.command_runs import ASK_WORDS, HELP, read_help, read_words
from qscope.model.index import encode_index, make_index
from qscope.model.properties import Property
from qscope.model.property_types import find_type
from qscope.model.snapshot import Snapshot, decode_snapshot, encode_snapshot
from qscope.model.transcript import Exchange, Run
from qscope.probe import probe_binary

TARGET = Path(EMBEDDED)
PROSE = {"help", "description"}


def strip_prose(value: Any) -> Any:
    """Return a JSON value less everything written for people."""
    if isinstance(value, dict):
        return {key: strip_prose(item) for key, item in value.items() if key not in PROSE}
    if isinstance(value, list):
        return [strip_prose(item) for item in value]
    return value


def strip_exchange(exchange: Exchange) -> Exchange:
    """Strip the results in which there is prose."""
    strip = STRIPPED.get(exchange.execute)
    if strip is None or not isinstance(exchange.result, Raw):
        return exchange
    result = strip(msgspec.json.decode(exchange.result))
    return msgspec.structs.replace(exchange, result=Raw(msgspec.json.encode(result)))


def strip_properties(properties: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Drop each description from which no type is concluded: the others are data."""
    return [each if tells_type(each) else strip_prose(each) for each in properties]


def tells_type(told: dict[str, Any]) -> bool:
    with_it, without = (
        find_type(msgspec.convert(each, Property), "") for each in (told, strip_prose(told))
    )
    return with_it != without


def strip_qdm(text: str) -> str:
    """Drop the descriptions in the text of `info qdm`."""
    return re.sub(r', desc "[^\n]*"', "", text)


def strip_run(run: Run) -> Run:
    """Drop the descriptions in what `-help` and an option's `help` print; names remain."""
    if run.argv == HELP:
        lines = [f"-{name}{strip_help(text)}" for name, text in read_help(run.output).items()]
    elif ASK_WORDS in run.argv and (words := read_words(run.output)):
        lines = [*words]
    else:
        return run
    return msgspec.structs.replace(run, output="".join(f"{line}\n" for line in lines))


def strip_help(text: str) -> str:
    """Keep of the first line about an option no more than whether it says deprecated."""
    return "  deprecated" if re.search(r"\bdeprecated\b(?!-)", text) else ""


STRIPPED: dict[str, Callable[[Any], Any]] = {
    "query-command-line-options": strip_prose,
    "device-list-properties": strip_properties,
    "qom-list-properties": strip_properties,
    "human-monitor-command": strip_qdm,
}


def main() -> None:
    if sys.argv[1:] == ["--index"]:
        write_index()
        return
    binary = Path(sys.argv[1] if len(sys.argv) > 1 else "/usr/bin/qemu-system-x86_64")
    snapshot = probe_binary(binary)
    exchanges = tuple(strip_exchange(exchange) for exchange in snapshot.exchanges)
    identity = msgspec.structs.replace(
        snapshot.identity, path=None, size=None, mtime_ns=None, ctime_ns=None
    )
    runs = tuple(map(strip_run, snapshot.runs))
    shipped = Snapshot(identity, exchanges, snapshot.greeting, runs)
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_bytes(encode_snapshot(shipped, compress=True))
    write_index()
    print(f"{TARGET}: {TARGET.stat().st_size} bytes, index {Path(EMBEDDED_INDEX).stat().st_size}")


def write_index() -> None:
    """Write the index of the snapshot beside it."""
    index = make_index(decode_snapshot(TARGET.read_bytes()))
    Path(EMBEDDED_INDEX).write_bytes(encode_index(index, {"of": TARGET.name}))


if __name__ == "__main__":
    main()

"""The main job: which QEMU, how much it can do, a tree, answers, a device, itself; then a schema.

Usage: make demo. Asks the first QEMU on PATH, else the one recorded in qscope.
"""

import subprocess
import sys
from pathlib import Path

import qscope
from qscope.ask.names import summarise
from qscope.errors import ProbeError
from qscope.load import load
from qscope.load.opening import EMBEDDED, Opened
from qscope.model.canonical import schema_hash

PATHS = (
    "blockdev-add/arg-type/+file/drop-cache",
    "screendump/arg-type/format/^png",
    "device:virtio-blk-pci/num-queues",
    "device_add/arg-type/+ide-hd/rerror/^stop",
    "machine:q35",
    "behaviour:netdev-json",
    "query-block/ret-type/nosuch",
)
# An interface that exists as a QAPI schema; the demo is run from the project's folder.
SCHEMA = "examples/block-service/block-service.json"


def open_any() -> Opened:
    try:
        return load()
    except ProbeError as error:
        print(f"(the QEMU on PATH could not be asked: {error})")
        return load(EMBEDDED)


def run(*words: str, source: str | None = None) -> None:
    """Run qscope as a user would, on the same source; a "no" among the answers is no failure."""
    command = [str(Path(sys.executable).with_name("qscope")), *words, "--quiet"]
    command += ["--snapshot", source] if source else []
    print(f"\n$ qscope {' '.join(words)}", flush=True)
    subprocess.run(command, check=False)


def main() -> None:
    interface, origin = open_any()
    source = origin.split(" (")[0] if origin.startswith("/") else EMBEDDED
    counts = summarise(interface)
    assert counts is not None
    print(f"{interface.identity.describe()}, from {origin}")
    print(
        f"{counts.commands} commands, {counts.events} events, {counts.named_arguments_and_results} "
        f"named arguments and results, {counts.enum_values} enum values"
    )
    print(schema_hash(interface), f"(qscope {qscope.__version__})")
    run("show", "block_resize", source=source)
    run("query", *PATHS, source=source)
    run("show", "device:usb-net", source=source)
    run("show", "query-qmp-schema/ret-type", "--depth", "1", source=source)
    run("compile", SCHEMA, "--define", "CONFIG_RING", "--format", "text")
    run("show", "--schema", SCHEMA, "--define", "CONFIG_RING", "disk-remove")


if __name__ == "__main__":
    main()

"""The main job: which QEMU, what it can do, a tree, answers, a device, verdicts; then a schema.

Usage: make demo. Asks the first QEMU on PATH, else the one recorded in qscope.
"""

import shlex
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
# A command and a command line, each with something wrong.
COMMAND = '{"execute": "block_resize", "arguments": {"node-name": "disk0", "size": "1G"}}'
LINE = (
    "-M", "q35", "-netdev", "user,id=n0", "-device", "virtio-net-pci,netdev=n1,mq=yep",
    "-device", "usb-tablet", "-realtime", "mlock=off",
)  # fmt: skip
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
    name, *rest = words
    chosen = ["--snapshot", source] if source else []
    command = [str(Path(sys.executable).with_name("qscope")), name, "--quiet", *chosen, *rest]
    print(f"\n$ qscope {shlex.join(words)}", flush=True)
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
    run("show", "option:rtc", source=source)
    run("validate", COMMAND, source=source)
    run("check-cli", "--", *LINE, source=source)
    run("show", "query-qmp-schema/ret-type", "--depth", "1", source=source)
    run("compile", SCHEMA, "--define", "CONFIG_RING", "--format", "text")
    run("show", "--schema", SCHEMA, "--define", "CONFIG_RING", "disk-remove")


if __name__ == "__main__":
    main()

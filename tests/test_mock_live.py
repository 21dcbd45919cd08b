"""A mock made of a QEMU's snapshot and that QEMU, told the same things, say the same.

The truth is taken when this runs: mock_rows.txt has only what is sent. What needs no schema is in
test_protocol_live.py, which tries a mock, too.
"""

import itertools
import json
import random
import re
from collections import Counter
from pathlib import Path

import pytest

from qscope.ask.validation.masked import load_table
from qscope.errors import RefusalError
from qscope.probe import probe_binary
from qscope.serve.mock.server import mock_snapshot
from tests.beside_qemu import run_qemu, run_server
from tests.mock_rows import read_differences, read_rows
from tests.protocol_rows import Row
from tests.protocol_talk import converse, split_bands
from tests.test_serve_types_live import make, spoil

pytestmark = pytest.mark.live

_ROWS = tuple(read_rows())
_DIFFERENCES = tuple(read_differences())
# What no schema judges, what ends QEMU, and two whose integers became unsigned after 7.2, which no
# snapshot tells.
_OTHERS = {"device_add", "quit", "memsave", "pmemsave"}
# Those with the deepest arguments, which come as often as all others together.
_DEEP = (
    "block-export-add", "blockdev-add", "blockdev-create", "blockdev-reopen", "chardev-add",
    "input-send-event", "migrate-set-parameters", "nbd-server-start", "netdev_add", "object-add",
    "query-stats", "send-key", "set-numa-node", "transaction", "yank",
)  # fmt: skip
_SEEDS, _SPOILED = 5, 500
# How many replies of each kind there are at least, what they name left out.
_KINDS = {
    "Parameter  is unexpected": 180,
    "Parameter  is missing": 150,
    "Parameter  does not accept value ": 90,
    "Parameter  expects uint64": 80,
    "Parameter  expects uint8_t": 3,
    "Parameter  expects uint16_t": 5,
    "Parameter  expects uint32_t": 5,
    "Parameter  expects int32_t": 4,
    "Invalid parameter type for , expected: string": 130,
    "Invalid parameter type for , expected: integer": 70,
    "Invalid parameter type for , expected: boolean": 20,
    "Invalid parameter type for , expected: object": 60,
    "Invalid parameter type for , expected: array": 60,
    "Invalid parameter type for , expected: BlockdevRef": 25,
    "Invalid parameter type for , expected: BlockdevRefOrNull": 5,
    "Invalid parameter type for , expected: BlockDirtyBitmapOrStr": 10,
    "Invalid parameter type for , expected: Qcow2OverlapChecks": 5,
    "Invalid parameter type for , expected: StrOrNull": 10,
    "Expecting capabilities negotiation with ": 5,
    "Capabilities negotiation is already complete, command ignored": 5,
}


@pytest.fixture(scope="module")
def snapshot(qemu):
    """Return what a QEMU tells of itself."""
    found = probe_binary(Path(qemu))
    if find_release(found) < (7, 2):
        pytest.skip("the rows are of QEMU 7.2: older ones have other commands, and other words")
    return found


@pytest.fixture(scope="module")
def real(qemu, snapshot, tmp_path_factory):
    with run_qemu(qemu, tmp_path_factory.mktemp("real") / "qmp") as path:
        yield path


@pytest.fixture(scope="module")
def mock(snapshot, tmp_path_factory):
    path = tmp_path_factory.mktemp("mock") / "qmp"
    with run_server(lambda: mock_snapshot(snapshot), path):
        yield path


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in _ROWS])
def test_mock_answers_as_qemu(row, real, mock):
    bands = zip(split_bands(converse(mock, row)), split_bands(converse(real, row)), strict=True)
    for ours, theirs in bands:
        assert ours == theirs


def test_rows_are_faults_of_every_kind(real):
    """Demand what the rows are for, so that no slip in the table passes for agreement."""
    replies = [reply for row in _ROWS for reply in converse(real, row)]
    words = Counter(re.sub("'.*?'", "", reply.desc) for reply in replies)
    for kind, count in _KINDS.items():
        assert words[kind] >= count, kind


@pytest.mark.parametrize("case", [pytest.param(each, id=each.row.name) for each in _DIFFERENCES])
def test_mock_cannot_know(case, real, mock):
    assert (outline(real, case.row), outline(mock, case.row)) == (case.real, case.mock)


def outline(path, row):
    """Return the replies' types and classes."""
    _greeting, _negotiation, *replies, _junk, _end = converse(path, row)
    return ", ".join(f"{each.type} {each.error_class}".strip() for each in replies)


@pytest.mark.parametrize("seed", range(_SEEDS))
def test_spoiled_arguments_are_refused_alike(seed, snapshot, real, mock):
    schema = mock_snapshot(snapshot).schema
    messages = list(itertools.islice(spoil_commands(schema, random.Random(seed)), _SPOILED))
    row = Row(f"{seed}", (b"".join(messages),))
    theirs, ours = converse(real, row)[2:-2], converse(mock, row)[2:-2]
    has_widths = "{}.{}".format(*find_release(snapshot)) in load_table().releases
    for message, true, said in zip(messages, theirs, ours, strict=True):
        assert said.essence == true.essence, message
        assert said.desc == true.desc or not has_widths, message


def find_release(snapshot):
    release = snapshot.greeting["version"]["qemu"]
    return release["major"], release["minor"]


def spoil_commands(schema, rng):
    """Yield commands that the schema refuses: what may be right, nobody runs."""
    every = sorted(schema.list_commands() - _OTHERS)
    deep = [name for name in _DEEP if name in every]
    while True:
        command = schema.find_command(rng.choice(rng.choice((every, deep))))
        arguments = spoil(make(command.arguments, rng), rng)
        if isinstance(arguments, dict) and is_refused(schema, command, arguments):
            message = {"execute": command.name, "arguments": arguments, "id": command.name}
            yield json.dumps(message).encode() + b"\n"


def is_refused(schema, command, arguments):
    try:
        schema.read_arguments(command, arguments)
    except RefusalError:
        return True
    return False

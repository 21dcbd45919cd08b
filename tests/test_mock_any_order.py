"""Any commands in any order: a mock never fails, and every result is of its type."""

import asyncio
import json
import logging
import random
import re

import pytest

from qscope.load import load_snapshot
from qscope.load.opening import EMBEDDED
from qscope.serve.mock import Manner, mock_schema, mock_snapshot, parse_compat
from qscope.serve.types import Reading
from qscope.serve.types.nodes import Alternate, Array, Enum, Scalar
from tests.serve_client import Client, serving

_COMMANDS = 3000
# Few, so that commands meet what others made.
_NAMES = ["a", "b", "c", "disk0", "net0", "a.0", ""]
_DRIVERS = ["e1000", "virtio-blk-pci", "scsi-hd", "virtio-net-pci", "pcie-root-port", "nosuch"]
_SCALARS: dict[str, object] = {"bool": True, "number": 1.5, "null": None, "any": {}}
_REMEMBERED = re.compile(r"^(device_|object-|netdev_|blockdev-(add|del)|chardev-|qom-)")
_ENDING = {"quit", "qmp_capabilities", "query-qmp-schema"}


def make(node, rng, depth=0):
    """Return a value of a type."""
    match node:
        case Scalar(name="str"):
            return rng.choice(_NAMES)
        case Scalar(name=name):
            return _SCALARS[name] if name in _SCALARS else rng.choice([0, 1, 4096])
        case Enum(values=values):
            return rng.choice(list(values))
        case Array(element=element):
            return [make(element, rng, depth + 1) for _ in range(rng.randrange(3))]
        case Alternate(branches=branches):
            return make(rng.choice(branches), rng, depth + 1)
    made = {}
    while node is not None:
        for member in node.members:
            if not member.optional or (depth < 4 and rng.random() < 0.5):
                made[member.name] = make(member.type, rng, depth + 1)
        node = node.branches[made[node.tag]] if node.tag is not None else None
    return made


def make_device(rng):
    members = ("drive", "netdev", "bus", "addr", "chardev")
    given = {name: rng.choice([*_NAMES, 1, None]) for name in members if rng.random() < 0.3}
    return {"driver": rng.choice(_DRIVERS), "id": rng.choice(_NAMES), **given}


def open_mock(source, request):
    if source == "paper":
        path = request.getfixturevalue("shared") / "schemas/qemu-11.0/qapi/qapi-schema.json"
        return mock_schema(path, Manner(seed=2, full=True))
    manner = Manner(policy=parse_compat("deprecated-output=hide,unstable-output=hide"), seed=1)
    snapshot = load_snapshot(EMBEDDED).snapshot
    return mock_snapshot(snapshot, manner) if source == "hiding" else mock_snapshot(snapshot)


@pytest.mark.parametrize("source", ["embedded", "hiding", "paper"])
@pytest.mark.parametrize("seed", range(2))
def test_a_mock_never_fails(source, seed, request, tmp_path, caplog):
    rng = random.Random(seed)
    server = open_mock(source, request)
    names = sorted(server.schema.list_commands() - _ENDING)
    names += [name for name in names if _REMEMBERED.search(name)] * 8

    async def talk():
        returned = 0
        async with serving(server, tmp_path) as path:
            client = await Client.connect(path)
            for _ in range(_COMMANDS):
                command = server.schema.find_command(rng.choice(names))
                node = command.arguments
                arguments = make_device(rng) if node is None else make(node, rng)
                message = {"execute": command.name, "arguments": arguments}
                client.writer.write(json.dumps(message).encode())
                reply = await client.read_reply()
                assert "internal error" not in str(reply.get("error")), message
                if "return" in reply and command.result is not None:
                    returned += 1
                    server.schema._shown.read(command.result, reply["return"], Reading.OUTPUT)
            client.writer.close()
        return returned

    with caplog.at_level(logging.WARNING):
        assert asyncio.run(talk()) > _COMMANDS / 5
    assert not caplog.records

"""What the exact reader refuses of QEMU's own commands, QEMU refuses in the same words."""

import json
import random
from typing import Any

import pytest

from qscope.errors import RefusalError
from qscope.serve.schema import ServedSchema
from qscope.serve.source import open_source
from qscope.serve.types.nodes import Alternate, Array, Enum, Scalar
from tests.qemu_monitor import run_monitor

pytestmark = [pytest.mark.live, pytest.mark.shared]

_BAD: tuple[Any, ...] = (
    5,
    -1,
    "x",
    True,
    None,
    {},
    [],
    1.5,
    {"zz": 1},
    ["x"],
    300,
    1 << 40,
    1 << 63,
    1 << 64,
)
_SCALARS = {"str": "x", "bool": True, "number": 1.5, "null": None, "any": {}}
# What their schema says is not what judges them ('gen': false), or they end QEMU.
_OTHERS = {"device_add", "query-qmp-schema", "quit"}
_SEEDS, _ROWS = 4, 700


@pytest.fixture(scope="module")
def monitor(qemu, tmp_path_factory):
    with run_monitor(qemu, tmp_path_factory.mktemp("qemu")) as monitor:
        monitor.ask(b'{"execute":"qmp_capabilities"}')
        yield monitor


@pytest.fixture(scope="module")
def schema(monitor, shared):
    """Return the schema of Debian 12's QEMU, as it was built."""
    folder = shared / "schemas" / "qemu-7.2"
    if monitor.version != (7, 2) or not folder.is_dir():
        pytest.skip("there is the source of QEMU 7.2's schema only")
    lines = (folder / "debian-7.2.22-x86_64.defines").read_text().split()
    return ServedSchema(open_source(folder / "qapi" / "qapi-schema.json"), defines=lines)


def make(node, rng, depth=0):
    """Return a value of a type."""
    match node:
        case Scalar(name=name):
            return _SCALARS.get(name, 3)
        case Enum(values=values):
            return rng.choice(list(values))
        case Array(element=element):
            return [make(element, rng, depth + 1)] if depth < 4 else []
        case Alternate(branches=branches):
            return make(rng.choice(branches), rng, depth + 1)
    made = {}
    while node is not None:
        for member in node.members:
            if not member.optional or (depth < 3 and rng.random() < 0.4):
                made[member.name] = make(member.type, rng, depth + 1)
        node = node.branches[made[node.tag]] if node.tag is not None else None
    return made


def spoil(value, rng):
    """Return a value with something wrong in it, most likely."""
    dice = rng.random()
    if isinstance(value, dict) and value and dice < 0.75:
        name = rng.choice(list(value))
        if dice < 0.15:
            return {each: value[each] for each in value if each != name}
        if dice < 0.22:
            return {**value, "zz": 1}
        return {**value, name: spoil(value[name], rng)}
    if isinstance(value, list) and value and dice < 0.7:
        index = rng.randrange(len(value))
        return [*value[:index], spoil(value[index], rng), *value[index + 1 :]]
    return rng.choice(_BAD)


@pytest.mark.parametrize("seed", range(_SEEDS))
def test_refusals_are_qemus(schema, monitor, seed):
    rng = random.Random(seed)
    names = sorted(schema.list_commands() - _OTHERS)
    refused = 0
    for _ in range(_ROWS):
        command = schema.find_command(rng.choice(names))
        arguments = spoil(make(command.arguments, rng), rng)
        if not isinstance(arguments, dict):
            continue
        try:
            schema.read_arguments(command, arguments)
        except RefusalError as error:
            ours = {"class": error.error_class, "desc": error.desc}
        else:
            continue  # nobody runs what may be right
        refused += 1
        message = {"execute": command.name, "arguments": arguments}
        theirs = json.loads(monitor.ask(json.dumps(message).encode())[0])
        assert theirs == {"error": ours}, message
    assert refused > _ROWS / 4

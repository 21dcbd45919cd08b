"""Commands of QEMU's names and another shape: a mock remembers nothing of them, and answers."""

import asyncio
import json
from unittest.mock import Mock

import pytest

from qscope.load.opening import EMBEDDED, open_interface
from qscope.serve.mock import mock_schema
from qscope.serve.mock.state import State
from qscope.serve.mock.state.shapes import fits
from tests.serve_client import Client, serving

NEGOTIATION = """
{ 'pragma': { 'command-name-exceptions': [ 'qmp_capabilities', 'device_del', 'netdev_del' ] } }
{ 'command': 'qmp_capabilities' }
"""


async def ask(schema, folder, *messages):
    async with serving(mock_schema(NEGOTIATION + schema), folder) as path:
        client = await Client.connect(path, negotiate=False)
        client.writer.write(b'{"execute": "qmp_capabilities"}')
        await client.read_reply()
        replies = []
        for command, arguments in messages:
            client.writer.write(json.dumps({"execute": command, "arguments": arguments}).encode())
            replies.append(await client.read_reply())
        client.writer.close()
        return replies


@pytest.mark.parametrize(
    ("schema", "command", "arguments"),
    [
        pytest.param(
            "{ 'command': 'object-del', 'data': {'name': 'str'} }",
            "object-del", {"name": "x"}, id="another member",
        ),
        pytest.param(
            "{ 'command': 'device_del', 'data': {'id': ['str']} }",
            "device_del", {"id": ["x"]}, id="another type",
        ),
        pytest.param(
            "{ 'command': 'qom-list', 'data': {'*path': 'str'} }",
            "qom-list", {}, id="a member that may be absent",
        ),
        pytest.param("{ 'command': 'closefd' }", "closefd", {}, id="no member at all"),
        pytest.param(
            "{ 'command': 'netdev_del', 'data': {'id': 'int'} }",
            "netdev_del", {"id": 1}, id="an ID that is a number",
        ),
        pytest.param(
            "{ 'struct': 'Bb', 'data': {'kind': 'str'} }"
            "{ 'command': 'chardev-add', 'data': {'id': 'str', 'backend': 'Bb'} }",
            "chardev-add", {"id": "x", "backend": {"kind": "y"}}, id="no tag within",
        ),
        pytest.param(
            "{ 'struct': 'Mm', 'data': {'of': 'str'} }"
            "{ 'command': 'query-cpu-model-expansion', 'data': {'model': 'Mm'} }",
            "query-cpu-model-expansion", {"model": {"of": "x"}}, id="another member within",
        ),
        pytest.param(
            "{ 'command': 'transaction', 'data': {'actions': ['str']} }",
            "transaction", {"actions": ["x"]}, id="elements of another type",
        ),
        pytest.param(
            "{ 'enum': 'Kk', 'data': ['block-dirty-bitmap-add'] }"
            "{ 'struct': 'Dd', 'data': {'node': 'str', 'name': 'int'} }"
            "{ 'struct': 'Ww', 'data': {'data': 'Dd'} }"
            "{ 'union': 'Aa', 'base': {'type': 'Kk'}, 'discriminator': 'type',"
            "  'data': {'block-dirty-bitmap-add': 'Ww'} }"
            "{ 'command': 'transaction', 'data': {'actions': ['Aa']} }",
            "transaction",
            {"actions": [{"type": "block-dirty-bitmap-add", "data": {"node": "a", "name": 1}}]},
            id="an action of another shape",
        ),
    ],
)  # fmt: skip
def test_a_command_of_another_shape_is_answered(schema, command, arguments, tmp_path, caplog):
    (reply,) = asyncio.run(ask(schema, tmp_path, (command, arguments)))
    assert reply == {"return": {}}
    assert not caplog.records


@pytest.mark.parametrize(
    ("schema", "command", "arguments", "desc"),
    [
        pytest.param(
            "{ 'command': 'object-del', 'data': {'id': 'str', '*force': 'bool'} }",
            "object-del", {"id": "x", "force": True}, "object 'x' not found", id="one member more",
        ),
        pytest.param(
            "{ 'enum': 'Ii', 'data': ['a', 'b'] }"
            "{ 'command': 'device_del', 'data': {'id': 'Ii'} }",
            "device_del", {"id": "a"}, "Device 'a' not found", id="an enum is a string",
        ),
        pytest.param(
            "{ 'command': 'remove-fd', 'data': {'fdset-id': 'uint8'} }",
            "remove-fd", {"fdset-id": 1}, "File descriptor named 'fdset-id:1' not found",
            id="a member less that may be absent",
        ),
    ],
)  # fmt: skip
def test_a_command_of_much_the_same_shape_is_remembered(schema, command, arguments, desc, tmp_path):
    (reply,) = asyncio.run(ask(schema, tmp_path, (command, arguments)))
    assert reply["error"]["desc"] == desc


def test_all_of_a_real_qemu_fits():
    interface = open_interface(EMBEDDED)
    remembered = State(Mock(), interface).commands
    assert len(remembered) > 100
    assert all(fits(interface, each.name) for each in interface.commands)

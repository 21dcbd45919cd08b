"""Faults that a reader of the server found, each with what proved it."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from qscope.serve import Context, ServeError, Server
from tests.serving import Client, serving

SCHEMA = """
{ 'struct': 'Text', 'data': {'text': 'str'} }
{ 'command': 'wait' }
{ 'command': 'go', 'data': 'Text', 'allow-oob': true }
{ 'command': 'get-much', 'returns': 'Text' }
{ 'enum': 'Kind', 'data': ['first', 'second'] }
{ 'struct': 'First', 'data': {'some-member': 'int'} }
{ 'union': 'Change', 'base': {'kind': 'Kind'}, 'discriminator': 'kind',
  'data': {'first': 'First'} }
{ 'event': 'CHANGED', 'data': 'Change', 'boxed': true }
{ 'event': 'GONE', 'data': {'id': 'str', '*why': 'str'} }
"""
MUCH = "x" * (6 << 20)


def make_server(**options: Any) -> Server:
    """Return a server for SCHEMA, whose `wait` waits for `go`."""
    server = Server(SCHEMA, **options)
    gone = asyncio.Event()

    @server.command("wait")
    async def wait(ctx: Context) -> None:
        await gone.wait()

    @server.command("go")
    def go(ctx: Context, args: Any) -> None:
        gone.set()

    @server.command("get-much")
    def get_much(ctx: Context) -> dict[str, str]:
        return {"text": MUCH}

    return server


@pytest.mark.parametrize("ahead", [1, 2, 5])
def test_a_long_message_out_of_band_does_not_wait(tmp_path: Path, ahead: int) -> None:
    async def talk() -> list[Any]:
        async with (
            serving(make_server(), f"unix:{tmp_path}/qmp") as (address,),
            Client.at(address) as client,
        ):
            await client.negotiate("oob")
            client.send(*[{"execute": "wait"}] * ahead)
            client.send({"exec-oob": "go", "arguments": {"text": "y" * 300_000}, "id": "oob"})
            return [await client.take() for _ in range(ahead + 1)]

    replies = asyncio.run(talk())
    assert {"return": {}, "id": "oob"} in replies
    assert replies.count({"return": {}}) == ahead


def test_who_reads_a_long_reply_is_not_dropped_for_an_event(tmp_path: Path) -> None:
    async def talk() -> list[Any]:
        server = make_server()
        async with (
            serving(server, f"unix:{tmp_path}/qmp") as (address,),
            Client.at(address, limit=len(MUCH) * 2) as client,
        ):
            await client.negotiate()
            client.send({"execute": "get-much"})
            # The first bytes of the reply: the rest waits for us.
            start = await client.reader.readexactly(1)
            server.emit("GONE", id="disk0")
            reply = start + await client.reader.readline()
            event = await client.take()
            return [len(reply), event["event"]]

    assert asyncio.run(talk()) == [len(MUCH) + len('{"return": {"text": ""}}\r\n'), "GONE"]


@pytest.mark.parametrize(
    "name", ["schéma.json", "it's.json", "back\\slash.json", "plain.json", "two words.json"]
)
@pytest.mark.parametrize("folder", ["josé", "it's", "back\\slash", "plain"])
def test_a_schema_has_any_path(tmp_path: Path, folder: str, name: str) -> None:
    """A schema's strings hold printable ASCII alone; what includes it must not write its path."""
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "types.json").write_text("{ 'struct': 'Text', 'data': {'text': 'str'} }")
    path = tmp_path / folder / name
    path.write_text("{ 'include': 'types.json' }\n{ 'command': 'go', 'data': 'Text' }")
    for schema in (path, str(path)):
        assert "go" in Server(schema).schema.list_commands()


def test_members_of_branches_have_names_in_python(tmp_path: Path) -> None:
    async def talk() -> Any:
        server = make_server()
        server.limit_rate("CHANGED", key="some-member")
        async with (
            serving(server, f"unix:{tmp_path}/qmp") as (address,),
            Client.at(address) as client,
        ):
            await client.negotiate()
            server.emit("CHANGED", kind="first", some_member=3)
            server.emit("CHANGED", kind="first", some_member=4)
            return [(await client.take())["data"] for _ in range(2)]

    assert asyncio.run(talk()) == [{"kind": "first", "some-member": each} for each in (3, 4)]


def test_data_of_an_event_are_not_given_twice() -> None:
    with pytest.raises(ServeError, match="event GONE: its data are given twice"):
        make_server().emit("GONE", {"id": "a", "why": "b"}, id="c")


def test_a_server_serves_again(tmp_path: Path) -> None:
    """In the same event loop and in another one; what stopped it the first time is over."""
    server = make_server()

    async def talk() -> Any:
        async with Client.at(f"unix:{tmp_path}/qmp") as client:
            await client.negotiate()
            reply = await client.run("go", text="")
            server.stop()
            return reply

    async def serve() -> Any:
        ready = asyncio.Event()
        serving = asyncio.create_task(
            server.serve(f"unix:{tmp_path}/qmp", ready=lambda _: ready.set())
        )
        await asyncio.wait_for(ready.wait(), 5)
        reply = await talk()
        await asyncio.wait_for(serving, 5)
        return reply

    async def serve_twice() -> list[Any]:
        return [await serve(), await serve()]

    assert asyncio.run(serve_twice()) == [{"return": {}}] * 2
    assert asyncio.run(serve()) == {"return": {}}


@pytest.mark.parametrize(
    ("version", "package", "complaint"),
    [
        ((1, 2, 3), "", r"version \(1, 2, 3\): it is a string"),
        (None, "", "version None: it is a string"),
        ("1.2.3", None, "package None: it is a string"),
    ],
)
def test_version_and_package_are_texts(version: Any, package: Any, complaint: str) -> None:
    """It was a TypeError of `re`, or query-version that "needs a handler"."""
    with pytest.raises(ServeError, match=complaint):
        make_server(version=version, package=package)


def test_a_member_called_list_has_a_quick_decoder() -> None:
    server = Server("{ 'command': 'go', 'data': {'*list': ['int'], 'others': ['str']} }")
    command = server.schema.find_command("go")
    assert command is not None
    assert command.decode is not None
    arguments = command.decode(b'{"list": [1], "others": ["a"]}')
    assert (arguments.list, arguments.others) == ([1], ["a"])

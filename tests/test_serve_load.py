"""What clients do to a server: garbage, crowds, silence, and their own sudden deaths."""

import asyncio
import json
import logging
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import cast

import pytest
from hypothesis import HealthCheck, given, settings

from tests.serve_client import DEADLINE, Client, talk
from tests.serve_program import make
from tests.wire_strategies import anything


async def until(condition, what):
    for _ in range(DEADLINE * 100):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"never: {what}")


# Garbage.

MESSAGES = [
    b'{"execute":"double","arguments":{"x":21},"id":7}',
    b'{"execute": "query-version", "id": [1, {"a": null}]}\r\n',
    b"{'execute':'query-commands'}",
    b'{"exec-oob":"poke","id":"o"}',
    b'{"execute":"double","arguments":{"x":1,"note":"\xc3\xa9\\u00e9"},"id":"\\ud83d\\ude00"}',
    b'{"execute":"qmp_capabilities","arguments":{"enable":["oob"]}}',
]


def spoil(dice):
    """Return a random string of bytes, or a message that has gone bad."""
    choice = dice.random()
    if choice < 0.25:
        return dice.randbytes(dice.randint(0, 60))
    if choice < 0.4:
        marks = b"{}[]:,\"'\\\n\t 0-.eEtfnu\xff\x00a"
        return bytes(dice.choice(marks) for _ in range(dice.randint(1, 60)))
    message = bytearray(dice.choice(MESSAGES))
    if choice < 0.55:
        return bytes(message[: dice.randrange(len(message))])
    if choice < 0.552:
        return dice.choice([b"[" * 2000, b"{" * 300, b'"' + b"x" * 300_000, b"1" * 100_000])
    for _ in range(dice.randint(1, 4)):
        start = dice.randrange(len(message) + 1)
        message[start : start + dice.randint(0, 3)] = dice.randbytes(dice.randint(0, 3))
    return bytes(message)


def is_reply(message):
    return isinstance(message, dict) and (message.keys() - {"id"}) in ({"return"}, {"error"})


async def ask_sentinels(client, name):
    """Ask three things; return when their replies have come, in their order."""
    wanted = [f"{name}-{each}" for each in range(3)]
    for number, each in enumerate(wanted):
        request = {"execute": "double", "arguments": {"x": number}, "id": each}
        client.send(json.dumps(request).encode())
    seen = 0
    while seen < 3:
        message = await client.read_message()
        assert is_reply(message), message
        if message.get("id") == wanted[seen]:
            assert message["return"] == {"x": seen * 2}
            seen += 1
        else:
            assert message.get("id") not in wanted, f"out of step: {message}"
            assert seen == 0, f"a reply between the sentinels': {message}"


def ends_string(data):
    """Whether bytes that come behind `data` may be taken in as part of a string of it."""
    return b'"' in data or b"'" in data


def make_resync(data):
    """Return what ends whatever `data` has begun: strings end at control characters."""
    return b"\x00\xff" if ends_string(data) else b"\xff"


@pytest.mark.parametrize("part", range(4))
def test_garbage_leaves_the_server_in_step(tmp_path, part):
    """10 000 strings in four parts; behind each the server answers three commands in order."""

    async def converse(path):
        dice = random.Random(part)
        client = await Client.connect(path, *(["oob"] if part % 2 else []))
        tasks = len(asyncio.all_tasks())
        for number in range(2500):
            data = spoil(dice)
            client.send(data + make_resync(data))
            await ask_sentinels(client, f"s{number}")
            assert len(asyncio.all_tasks()) <= tasks + 1
        await client.close()

    talk(make(), tmp_path, converse)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=anything)
def test_nearly_json_leaves_the_server_in_step(tmp_path_factory, data):
    async def converse(path):
        client = await Client.connect(path)
        client.send(data + make_resync(data))
        await ask_sentinels(client, "s")
        await client.close()

    talk(make(), tmp_path_factory.mktemp("qmp"), converse)


@pytest.mark.parametrize("cut", range(0, 60, 7))
def test_garbage_before_negotiation_and_sudden_ends(tmp_path, cut):
    """A client that leaves at any byte, before or after it has negotiated, costs nothing."""
    message = b'{"execute":"qmp_capabilities"}{"execute":"double","arguments":{"x":1}}'

    async def converse(path):
        for end in ("close", "abort", "eof"):
            reader, writer = await asyncio.open_unix_connection(path)
            writer.write(b"\xff" + message[:cut])
            if end == "eof":
                writer.write_eof()
                await asyncio.wait_for(reader.read(), DEADLINE)
            if end == "abort":
                writer.transport.abort()
            writer.close()
        client = await Client.connect(path)
        await ask_sentinels(client, "s")
        await client.close()

    server = make()
    talk(server, tmp_path, converse)
    assert not server._clients._connections


def test_long_strings_of_garbage(tmp_path):
    """A megabyte of each sort of garbage is answered, and what comes behind it."""

    async def converse(path):
        client = await Client.connect(path)
        for number, piece in enumerate(
            [b"x", b"[", b"\xff", b'"', b"{", b"1", b"\\", b'"\n', b"  "]
        ):
            count = (1 << 20 if piece in (b"x", b"1", b"  ") else 3000) // len(piece)
            client.send(piece * count + b"\x00\xff")
            await ask_sentinels(client, f"s{number}")
        await client.close()

    talk(make(message_bytes=1 << 18), tmp_path, converse)


# Crowds.


async def behave(path, number, connecting):
    """Ask forty things in bursts and check each reply in its order."""
    async with connecting:
        client = await Client.connect(path, *(["oob"] if number % 3 == 0 else []))
    for burst in range(8):
        for each in range(5):
            request = {"execute": "double", "arguments": {"x": each}, "id": [number, burst, each]}
            client.send(json.dumps(request).encode())
        for each in range(5):
            reply = await client.read_reply()
            assert reply == {"return": {"x": each * 2}, "id": [number, burst, each]}
    await client.close()


async def misbehave(path, number):
    """Send garbage, or ask for much and read nothing, or leave in the middle."""
    _, writer = await asyncio.open_unix_connection(path)
    transport = cast("asyncio.Transport", writer.transport)
    dice = random.Random(number)
    writer.write(b'{"execute":"qmp_capabilities"}')
    match number % 4:
        case 0:
            writer.write(b"".join(spoil(dice) for _ in range(100)))
        case 1:
            transport.pause_reading()
            writer.write(b'{"execute":"query-qmp-schema"}' * 400)
        case 2:
            transport.pause_reading()
            writer.write(
                b'{"execute":"pause","arguments":{"seconds":60}}' + b'{"execute":"x"}' * 50
            )
        case _:
            writer.write(b'{"execute":"double","arguments":{"x":')
    return writer


def test_a_hundred_do_not_disturb_a_hundred(tmp_path):
    async def converse(path):
        writers = [await misbehave(path, each) for each in range(100)]
        # A connect() beyond the backlog fails in asyncio in an odd manner.
        connecting = asyncio.Semaphore(20)
        await asyncio.gather(*(behave(path, each, connecting) for each in range(100)))
        for writer in writers:
            writer.transport.abort()

    talk(make(clients=200), tmp_path, converse)


def test_clients_beyond_the_limit_wait(tmp_path):
    async def converse(path):
        clients = [await Client.connect(path) for _ in range(3)]
        reader, writer = await asyncio.open_unix_connection(path)
        waiting = asyncio.ensure_future(reader.readline())
        for client in clients:
            assert await client.ask("poke") == {"return": {}}
        assert not waiting.done(), "a client was greeted beyond the limit"
        clients[1].abort()
        assert b"QMP" in await asyncio.wait_for(waiting, DEADLINE)
        writer.close()
        await clients[0].close()
        await clients[2].close()

    talk(make(clients=3), tmp_path, converse)


# Those who do not read.


@pytest.mark.parametrize("capabilities", [[], ["oob"]], ids=["in band", "oob"])
def test_who_does_not_read_is_not_read_from(tmp_path, capabilities):
    """Commands stay with the client: the server holds neither them nor their replies."""

    async def converse(path):
        client = await Client.connect(path, *capabilities)
        client.writer.transport.pause_reading()
        request = b'{"execute":"fill","arguments":{"bytes":10000},"id":"%s"}\n' % (b"i" * 200)
        sent = 0
        try:
            async with asyncio.timeout(0.5):
                while True:
                    client.send(request * 100)
                    sent += 100
                    await client.writer.drain()
        except TimeoutError:
            pass
        (connection,) = server._clients._connections
        held = connection._transport.get_write_buffer_size() + connection._intake.pending
        assert held < 1 << 20, f"{held} bytes for who does not read"
        assert sent < 100_000
        other = await Client.connect(path)
        await ask_sentinels(other, "s")
        await other.close()
        # Whoever reads at last gets all replies.
        client.writer.transport.resume_reading()
        for _ in range(sent):
            assert (await client.read_message())["id"] == "i" * 200
        await client.close()

    server = make()
    talk(server, tmp_path, converse)


def test_out_of_band_is_not_taken_in_without_end(tmp_path):
    async def converse(path):
        client = await Client.connect(path, "oob")
        request = b'{"exec-oob":"linger","arguments":{"seconds":60},"id":"%s"}' % (b"i" * 1000)
        try:
            async with asyncio.timeout(0.3):
                while True:
                    client.send(request * 100)
                    await client.writer.drain()
        except TimeoutError:
            pass
        (connection,) = server._clients._connections
        assert len(connection._oob) == 8
        assert connection._intake.pending < 1 << 20
        client.abort()

    server = make()
    talk(server, tmp_path, converse)


@pytest.mark.parametrize("way", ["in band", "oob"])
def test_events_cost_a_silent_reader_its_connection(tmp_path, caplog, way):
    async def converse(path):
        silent = await Client.connect(path, *(["oob"] if way == "oob" else []))
        silent.writer.transport.pause_reading()
        reader = await Client.connect(path)
        most = 0
        for number in range(3000):
            server.emit("NOISE", text=f"{number} " + "n" * 1000)
            if number % 50 == 0:
                assert "return" in await reader.ask("poke")
            buffered = [c._transport.get_write_buffer_size() for c in server._clients._connections]
            most = max(most, *buffered)
        await reader.ask("poke")
        assert most <= (1 << 20) + 70_000
        assert len(server._clients._connections) == 1
        texts = [each["data"]["text"].split()[0] for each in reader.events]
        assert texts == [str(each) for each in range(3000)]
        silent.abort()
        await reader.close()

    server = make(output_bytes=1 << 20)
    with caplog.at_level(logging.WARNING):
        talk(server, tmp_path, converse)
    assert [record.message for record in caplog.records] == ["client 1 does not read: dropped"]


def test_idle_clients_are_dropped(tmp_path):
    """Who says nothing goes; who waits for a command, and who speaks, stays."""

    async def converse(path):
        idle = await Client.connect(path)
        busy = await Client.connect(path)
        busy.send(b'{"execute":"pause","arguments":{"seconds":0.6},"id":1}')
        silent = Client(*await asyncio.open_unix_connection(path))
        await silent.read_message()
        with server._clients.dropping_idle():
            assert await idle.read_to_end() == b""
            assert await silent.read_to_end() == b""
            assert (await busy.read_reply())["id"] == 1
            assert await busy.read_to_end() == b""
        for each in (idle, silent, busy):
            await each.close()

    server = make(idle_seconds=0.2)
    talk(server, tmp_path, converse)


# Processes.

_ROOT = Path(__file__).parent.parent


@pytest.fixture
def program(tmp_path):
    """Start a server in a process of its own; return it with the path of its socket."""
    path = str(tmp_path / "qmp")
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "tests.serve_program", f"unix:{path}"],
        cwd=_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            assert process.stdout.readline() == "ready\n", process.stderr.read()
            yield process, path
        finally:
            process.kill()


def connect(path):
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(DEADLINE)
    client.connect(path)
    client.sendall(b'{"execute":"qmp_capabilities"}')
    stream = client.makefile("rb")
    assert b"QMP" in stream.readline()
    assert b"return" in stream.readline()
    return client, stream


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains(program, number):
    """The running command's reply arrives, then the end; exit status 0, nothing on stderr."""
    process, path = program
    client, stream = connect(path)
    idle, idle_stream = connect(path)
    with client, stream, idle, idle_stream:
        client.sendall(b'{"execute":"pause","arguments":{"seconds":0.4},"id":"last"}\n')
        client.sendall(b'{"execute":"double","arguments":{"x":4},"id":"behind"}\n{"execu')
        time.sleep(0.1)
        process.send_signal(number)
        assert json.loads(stream.readline()) == {"return": {}, "id": "last"}
        assert json.loads(stream.readline()) == {"return": {"x": 8}, "id": "behind"}
        assert stream.read() == b""
        assert idle_stream.read() == b""
    assert process.wait(DEADLINE) == 0
    assert process.stderr.read() == ""
    assert not os.path.exists(path)


def test_a_signal_does_not_wait_for_ever(program):
    process, path = program
    client, stream = connect(path)
    with client, stream:
        client.sendall(b'{"execute":"pause","arguments":{"seconds":600}}')
        time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE) == 0
        assert process.stderr.read() == ""


_DYING = """
import socket, time
client = socket.socket(socket.AF_UNIX)
client.connect({path!r})
client.sendall(b'{{"execute":"qmp_capabilities"}}' + {data!r})
print("sent", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize(
    "data",
    [
        b'{"execute":"double","argum',
        b'{"execute":"fill","arguments":{"bytes":1000000}}' * 20,
        b'{"execute":"pause","arguments":{"seconds":0.2}}{"execute":"double"',
    ],
    ids=["in a message", "with replies unread", "with a command running"],
)
def test_killed_clients_cost_nothing(tmp_path, data):
    async def converse(path):
        tasks = len(asyncio.all_tasks())
        text = _DYING.format(path=path, data=data)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-S", "-c", text, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        assert await process.stdout.readline() == b"sent\n"
        process.kill()
        await process.wait()
        client = await Client.connect(path)
        await ask_sentinels(client, "s")
        await client.close()
        await until(lambda: not server._clients._connections, "the clients are gone")
        await until(lambda: not server._clients._workers, "their commands have ended")
        await until(lambda: len(asyncio.all_tasks()) <= tasks, "no task is left")

    server = make()
    talk(server, tmp_path, converse)


def find_memory(pid):
    """Return a process's resident memory in KiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+)", status)
    assert found is not None
    return int(found[1])


def load(path, count):
    """Have so many commands answered, right ones and wrong ones, over one connection."""
    lines = [
        b'{"execute":"double","arguments":{"x":3},"id":1}\n',
        b'{"execute":"double","arguments":{"x":3.5},"id":"x"}\n',
        b'{"execute":"no-such","id":{"a":[]}}\n',
        b'{"execute":"double","arguments":{"x":1,"note":"\\u00e9"}}\n',
        b'\x00{"execute":"query-version"}\n',
    ]
    burst = b"".join(lines) * 20
    client, stream = connect(path)
    with client, stream:
        for _ in range(count // 100):
            client.sendall(burst)
            for _ in range(120):
                stream.readline()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_memory_is_flat(program):
    process, path = program
    load(path, 10_000)
    before = find_memory(process.pid)
    load(path, 40_000)
    for _ in range(300):
        client, stream = connect(path)
        with client, stream:
            client.sendall(b'{"execute":"fill","arguments":{"bytes":100000}}{"x":[')
    load(path, 1000)
    assert find_memory(process.pid) - before < 4096

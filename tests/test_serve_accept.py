"""Clients that are accepted, or cannot be, with a protocol that is trivial."""

import asyncio
import contextlib
import logging
import os
import resource
import socket
import ssl
import struct

import pytest

from qscope.errors import ServeError
from qscope.serve.listening import listen
from qscope.serve.tls import make_tls_context
from tests.certificates import client_context, make_certificates

DEADLINE = 10.0
# struct linger: closing resets the connection.
RESET = struct.pack("ii", 1, 0)


class Echo(asyncio.Protocol):
    """Greets, sends back what it gets, and tells when the client is gone."""

    def __init__(self, when_lost):
        self.when_lost = when_lost

    def connection_made(self, transport):
        self.transport = transport
        transport.write(b"hello")

    def data_received(self, data):
        self.transport.write(data)

    def connection_lost(self, _):
        self.when_lost()


@contextlib.asynccontextmanager
async def listening(address, factory=Echo, *, slots=None, **options):
    """Listen; yield the listener."""
    listener = await listen(address, factory, slots=slots or asyncio.Semaphore(8), **options)
    try:
        yield listener
    finally:
        await listener.close()


async def connect(address, **options):
    kind, _, where = address.partition(":")
    if kind == "unix":
        return await asyncio.open_unix_connection(where, **options)
    host, _, port = where.rpartition(":")
    return await asyncio.open_connection(host.strip("[]"), int(port), **options)


async def greeted(address, **options):
    """Whether a client is greeted; it leaves again."""
    async with asyncio.timeout(DEADLINE):
        reader, writer = await connect(address, **options)
        try:
            return await reader.read(5) == b"hello"
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


async def all_free(slots, number):
    """Wait until that many slots are free."""
    async with asyncio.timeout(DEADLINE):
        for _ in range(number):
            await slots.acquire()
    for _ in range(number):
        slots.release()
    assert slots._value == number


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return make_certificates(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def tls(certificates):
    return make_tls_context(
        certificates / "localhost.pem",
        certificates / "localhost.key",
        client_ca=certificates / "ca.pem",
    )


# Inherited sockets.


def test_client_of_an_inherited_socket_sees_the_end():
    async def run():
        ours, theirs = socket.socketpair()
        number = theirs.detach()
        listener = await listen(f"fd:{number}", Echo, slots=asyncio.Semaphore())
        with pytest.raises(ServeError, match="Bad file descriptor"):
            await listen(f"fd:{number}", Echo, slots=asyncio.Semaphore())
        reader, writer = await asyncio.open_connection(sock=ours)
        assert await reader.read(5) == b"hello"
        assert not listener.gone.is_set()
        writer.write_eof()
        assert await asyncio.wait_for(reader.read(), DEADLINE) == b""
        await asyncio.wait_for(listener.gone.wait(), DEADLINE)
        writer.close()
        await listener.close()

    asyncio.run(run())


def test_inherited_socket_that_others_end(caplog):
    async def run():
        ours = socket.create_server(("127.0.0.1", 0))
        with ours:
            listener = await listen(f"fd:{os.dup(ours.fileno())}", Echo, slots=asyncio.Semaphore())
            await asyncio.sleep(0)
            ours.shutdown(socket.SHUT_RDWR)
            await asyncio.wait_for(listener.gone.wait(), DEADLINE)
            await listener.close()

    asyncio.run(run())
    assert [each.getMessage().partition(": ")[2] for each in caplog.records] == [
        "it has ended: Invalid argument"
    ]


# Bad clients.


@contextlib.contextmanager
def no_descriptors():
    """Let no descriptor be opened for a while."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with open(os.devnull, "rb") as lowest:
        number = lowest.fileno()
    resource.setrlimit(resource.RLIMIT_NOFILE, (number, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_without_descriptors_clients_wait(tmp_path, caplog):
    async def run():
        slots = asyncio.Semaphore(2)
        async with listening(f"unix:{tmp_path}/sock", slots=slots):
            loop = asyncio.get_running_loop()
            with socket.socket(socket.AF_UNIX) as client:
                client.setblocking(False)
                with no_descriptors():
                    await loop.sock_connect(client, f"{tmp_path}/sock")
                    await asyncio.sleep(0.35)
                    assert slots._value == 2
                assert await asyncio.wait_for(loop.sock_recv(client, 5), DEADLINE) == b"hello"
            await all_free(slots, 2)

    asyncio.run(run())
    assert ["Too many open files" in each.getMessage() for each in caplog.records] == [True]


def test_factory_that_fails_costs_no_slot(tmp_path, caplog):
    failing = [True, True, True]

    def factory(when_lost):
        if failing:
            raise RuntimeError(failing.pop())
        return Echo(when_lost)

    async def run():
        slots = asyncio.Semaphore(1)
        async with listening(f"unix:{tmp_path}/sock", factory, slots=slots) as listener:
            for expected in (False, False, False, True):
                assert await greeted(listener.address) is expected
            await all_free(slots, 1)

    asyncio.run(run())
    assert [each.levelno for each in caplog.records] == [logging.ERROR] * 3


@pytest.mark.parametrize("linger", [RESET, None], ids=["reset", "closed"])
def test_clients_that_leave_before_they_are_accepted(linger, caplog):
    caplog.set_level(logging.INFO)

    async def run():
        slots = asyncio.Semaphore(2)
        async with listening("tcp:127.0.0.1:0", slots=slots) as listener:
            port = int(listener.address.rpartition(":")[2])
            for _ in range(10):
                with socket.create_connection(("127.0.0.1", port)) as client:
                    if linger:
                        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            assert await greeted(listener.address)
            await all_free(slots, 2)

    asyncio.run(run())
    assert [each for each in caplog.records if each.exc_info or each.levelno > logging.INFO] == []


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b'{"execute":"qmp_capabilities"}\n', id="no TLS"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", id="half a hello"),
        pytest.param(b"\x16\x03\x01\x00\x02\x01\x00" + bytes(1000), id="a broken hello"),
        pytest.param(b"\xff" * 100_000, id="much"),
    ],
)
def test_clients_without_tls_cost_no_slot(certificates, tls, caplog, words):
    caplog.set_level(logging.INFO)

    async def run():
        slots = asyncio.Semaphore(2)
        async with listening("tcp:127.0.0.1:0", slots=slots, tls=tls) as listener:
            for _ in range(5):
                _, writer = await connect(listener.address)
                writer.write(words)
                await asyncio.sleep(0)
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
            context = client_context(certificates, "client")
            assert await greeted(listener.address, ssl=context, server_hostname="localhost")
            await all_free(slots, 2)

    asyncio.run(run())
    assert [each for each in caplog.records if each.exc_info or each.levelno > logging.INFO] == []


@pytest.mark.parametrize("name", [None, "stranger"])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_stranger_costs_no_slot(certificates, tls, caplog, name, version):
    async def run():
        slots = asyncio.Semaphore(1)
        async with listening("tcp:127.0.0.1:0", slots=slots, tls=tls) as listener:
            context = client_context(certificates, name)
            context.maximum_version = version
            for _ in range(3):
                with contextlib.suppress(ssl.SSLError, ConnectionError):
                    assert not await greeted(
                        listener.address, ssl=context, server_hostname="localhost"
                    )
            await all_free(slots, 1)

    asyncio.run(run())
    assert caplog.records == []


def test_tls_at_a_socket_file(certificates, tls, tmp_path):
    async def run():
        async with listening(f"unix:{tmp_path}/sock", tls=tls) as listener:
            context = client_context(certificates, "client")
            assert await greeted(listener.address, ssl=context, server_hostname="localhost")

    asyncio.run(run())


# The end.


def test_socket_file_of_the_next_server_stays(tmp_path):
    path = f"{tmp_path}/sock"

    async def run():
        async with listening(f"unix:{path}"):
            os.rename(path, f"{path}.old")
            second = await listen(f"unix:{path}", Echo, slots=asyncio.Semaphore())
        assert await greeted(f"unix:{path}")
        await second.close()
        assert not os.path.exists(path)

    asyncio.run(run())


@pytest.mark.parametrize("turns", range(6))
def test_clients_that_are_being_accepted_at_the_end(tls, turns):
    """A listener may be closed at any moment of a client's accepting."""

    async def run():
        slots = asyncio.Semaphore(4)
        clients = []
        for options in ({}, {"tls": tls}):
            async with listening("tcp:127.0.0.1:0", slots=slots, **options) as listener:
                port = int(listener.address.rpartition(":")[2])
                for _ in range(2):
                    clients.append(socket.create_connection(("127.0.0.1", port)))  # noqa: PERF401
                for _ in range(turns):
                    await asyncio.sleep(0)
        for each in clients:
            each.close()
        await all_free(slots, 4)

    asyncio.run(run())


def test_client_that_says_no_hello_is_dropped_at_the_end(tls):
    async def run():
        slots = asyncio.Semaphore(1)
        async with listening("tcp:127.0.0.1:0", slots=slots, tls=tls) as listener:
            reader, writer = await connect(listener.address)
            async with asyncio.timeout(DEADLINE):
                while not slots.locked():
                    await asyncio.sleep(0.001)
        assert await asyncio.wait_for(reader.read(), DEADLINE) == b""
        writer.close()
        await all_free(slots, 1)

    asyncio.run(run())


def test_who_is_there_stays(tmp_path):
    async def run():
        slots = asyncio.Semaphore(1)
        async with listening(f"unix:{tmp_path}/sock", slots=slots) as listener:
            reader, writer = await connect(listener.address)
            assert await reader.read(5) == b"hello"
        await listener.close()
        writer.write(b"still")
        assert await reader.readexactly(5) == b"still"
        assert slots.locked()
        writer.close()
        await all_free(slots, 1)

    asyncio.run(run())


def test_listener_that_waits_for_a_slot_ends(tmp_path):
    async def run():
        slots = asyncio.Semaphore(1)
        async with listening(f"unix:{tmp_path}/sock", slots=slots) as listener:
            _, first = await connect(listener.address)
            _, second = await connect(listener.address)
            async with asyncio.timeout(DEADLINE):
                while not slots.locked():
                    await asyncio.sleep(0.001)
            await asyncio.sleep(0.05)
        first.close()
        second.close()
        await all_free(slots, 1)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(run())

"""Where a server listens: addresses, socket files, TLS, stdio, inherited sockets, slots."""

# ruff: noqa: SIM117 - a client within a server reads best as two blocks

import asyncio
import json
import os
import signal
import socket
import ssl
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from qscope.errors import ServeError
from qscope.serve import Limits, make_tls_context
from tests.certificates import client_context, make_certificates
from tests.serving import Client, make_server, serving

SERVER = [sys.executable, str(Path(__file__).parent / "serving.py")]
NEGOTIATE = b'{"execute":"qmp_capabilities"}'
ROOT = Path(__file__).parent.parent


def start(*addresses, **options):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [*SERVER, *addresses],
        env=environment,
        stdout=options.pop("stdout", subprocess.PIPE),
        stderr=options.pop("stderr", subprocess.PIPE),
        **options,
    )


@pytest.mark.parametrize(
    ("address", "what"),
    [
        pytest.param("", "unix:PATH, tcp:HOST:PORT, fd:N or stdio is right", id="nothing"),
        pytest.param("nonsense", "unix:PATH, tcp:HOST:PORT, fd:N or stdio is right", id="a word"),
        pytest.param("unix:", "it is no path", id="no path"),
        pytest.param("unix:/nonexistent/sock", "No such file", id="no folder"),
        pytest.param("unix:/tmp/" + "x" * 200, "too long", id="long path"),
        pytest.param("unix:/tmp/a\0b", "it is no path", id="NUL in the path"),
        pytest.param("unix:/dev/null", "is there already, and it is no socket", id="no socket"),
        pytest.param("tcp:0.0.0.0:0", "not a loopback address", id="all interfaces"),
        pytest.param("tcp:[::]:0", "not a loopback address", id="all interfaces, V6"),
        pytest.param("tcp:127.0.0.1:70000", "is right", id="no port"),
        pytest.param("tcp:127.0.0.1", "is right", id="port missing"),
        pytest.param("tcp:host.invalid:1", "tcp:host.invalid:1: ", id="unknown host"),
        pytest.param("fd:", "the number of a descriptor", id="no descriptor"),
        pytest.param("fd:-1", "the number of a descriptor", id="negative"),
        pytest.param("fd:٣", "the number of a descriptor", id="other digits"),
        pytest.param("fd:999", "Bad file descriptor", id="closed"),
        pytest.param("fd:0", "no socket|Bad file", id="a file"),
    ],
)
def test_refused_address(address, what):
    async def run():
        with pytest.raises(ServeError, match=what) as caught:
            await make_server().listen(address)
        assert "\n" not in str(caught.value)

    asyncio.run(run())


@pytest.mark.parametrize("mode", [0o600, 0o660, 0o666])
def test_socket_file_has_its_mode_and_goes_at_the_end(tmp_path, mode):
    path = tmp_path / "sock"

    async def run():
        async with serving(make_server(), f"unix:{path}", mode=mode):
            assert stat.S_IMODE(path.stat().st_mode) == mode
        assert not path.exists()

    asyncio.run(run())


def test_stale_socket_file_is_replaced_and_a_live_one_is_not(tmp_path):
    path = tmp_path / "sock"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))

    async def run():
        async with serving(make_server(), f"unix:{path}"):
            with pytest.raises(ServeError, match="another server listens there"):
                await make_server().listen(f"unix:{path}")
            async with Client.at(f"unix:{path}") as client:
                await client.negotiate()

    asyncio.run(run())


def test_socket_file_of_somebody_else_stays(tmp_path):
    path = tmp_path / "sock"

    async def run():
        async with serving(make_server(), f"unix:{path}"):
            path.unlink()
            path.write_text("not ours")
        assert path.read_text() == "not ours"

    asyncio.run(run())


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_tcp_gets_a_port(host):
    async def run():
        async with serving(make_server(), f"tcp:{host}:0") as [address]:
            async with Client.at(address) as client:
                await client.negotiate()
                reply = await client.run("peer")
                assert reply["return"]["address"].startswith("127.0.0.1:")

    asyncio.run(run())


def test_tcp_anywhere_if_told():
    async def run():
        async with serving(make_server(), "tcp:0.0.0.0:0", anywhere=True) as [address]:
            async with Client.at(address.replace("0.0.0.0", "127.0.0.1")) as client:
                await client.negotiate()

    asyncio.run(run())


def test_unix_peer_is_known(tmp_path):
    async def run():
        async with serving(make_server(), f"unix:{tmp_path}/sock") as [address]:
            async with Client.at(address) as client:
                await client.negotiate()
                peer = (await client.run("peer"))["return"]
                assert (peer["pid"], peer["uid"]) == (os.getpid(), os.getuid())

    asyncio.run(run())


def test_clients_beyond_the_limit_wait_without_a_greeting(tmp_path):
    async def run():
        server = make_server(limits=Limits(clients=1))
        addresses = [f"unix:{tmp_path}/a", f"unix:{tmp_path}/b"]
        async with serving(server, *addresses), Client.at(addresses[1]) as first:
            await first.negotiate()
            async with Client.at(addresses[0]) as second:
                with pytest.raises(TimeoutError):
                    await second.take(0.2)
                first.writer.close()
                await second.negotiate()

    asyncio.run(run())


def test_slot_comes_back_from_clients_that_vanish(tmp_path):
    async def run():
        async with serving(make_server(limits=Limits(clients=2)), f"unix:{tmp_path}/a") as [at]:
            for _ in range(20):
                with socket.socket(socket.AF_UNIX) as client:
                    client.connect(at.removeprefix("unix:"))
            async with Client.at(at) as client:
                await client.negotiate()

    asyncio.run(run())


# TLS.


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return make_certificates(tmp_path_factory.mktemp("tls"))


def test_tls_with_client_certificates(certificates):
    tls = make_tls_context(
        certificates / "localhost.pem",
        certificates / "localhost.key",
        client_ca=certificates / "ca.pem",
    )

    async def run():
        async with serving(make_server(), "tcp:0.0.0.0:0", tls=tls) as [address]:
            where = address.replace("0.0.0.0", "127.0.0.1")
            known = client_context(certificates, "client")
            for stranger in (None, "stranger"):
                context = client_context(certificates, stranger)
                with pytest.raises((ssl.SSLError, ConnectionError, AssertionError)):
                    async with Client.at(where, ssl=context, server_hostname="localhost") as client:
                        assert await client.take() is not None
            with socket.create_connection(("127.0.0.1", int(where.rpartition(":")[2]))) as plain:
                plain.sendall(NEGOTIATE)
            async with Client.at(where, ssl=known, server_hostname="localhost") as client:
                await client.negotiate()
                reply = await client.run("peer")
                assert (("commonName", "client"),) in [
                    tuple(map(tuple, each)) for each in reply["return"]["certificate"]["subject"]
                ]

    asyncio.run(run())


@pytest.mark.parametrize(
    ("certificate", "key", "ca", "what"),
    [
        pytest.param("nowhere.pem", "x", None, "certificate .*nowhere.pem: No such", id="none"),
        pytest.param("localhost.pem", "nowhere", None, "key .*nowhere: No such file", id="no key"),
        pytest.param("localhost.pem", ".", None, "key .*: Is a directory", id="key is a folder"),
        pytest.param("a\0b", "x", None, "certificate .*: embedded null", id="NUL in a path"),
        pytest.param("locked.pem", "locked.key", None, "the key is encrypted", id="encrypted key"),
        pytest.param("localhost.pem", "ca.pem", None, "not what is wanted", id="key is none"),
        pytest.param(
            "localhost.pem",
            "client.key",
            None,
            "localhost.pem, .*: key values mismatch",
            id="other key",
        ),
        pytest.param(
            "localhost.key", "localhost.key", None, "not what is wanted", id="certificate is none"
        ),
        pytest.param(
            "localhost.pem", "localhost.key", "nowhere.pem", "TLS CA .*: No such", id="no CA"
        ),
        pytest.param("localhost.pem", "localhost.key", "ca.key", "TLS CA", id="CA is a key"),
    ],
)
def test_refused_certificates(certificates, certificate, key, ca, what):
    with pytest.raises(ServeError, match=what) as caught:
        make_tls_context(
            certificates / certificate,
            certificates / key,
            client_ca=certificates / ca if ca else None,
        )
    assert "\n" not in str(caught.value)


def test_oldest_tls(certificates):
    tls = make_tls_context(certificates / "localhost.pem", certificates / "localhost.key")
    assert tls.minimum_version == ssl.TLSVersion.TLSv1_2
    assert tls.verify_mode == ssl.CERT_NONE


def test_no_tls_on_stdio(certificates):
    tls = make_tls_context(certificates / "localhost.pem", certificates / "localhost.key")

    async def run():
        with pytest.raises(ServeError, match="no TLS"):
            await make_server().listen("stdio", tls=tls)

    asyncio.run(run())


# Processes of their own.

SESSION = (
    NEGOTIATE + b'{"execute":"sleep","arguments":{"seconds":0.1},"id":1}{"execute":"peer","id":2}'
)


def read_ids(output):
    return [json.loads(line).get("id") for line in output.splitlines()]


@pytest.mark.parametrize("kind", ["pipe", "file", "socket"])
def test_stdio_answers_all_then_ends(tmp_path, kind):
    if kind == "file":
        (tmp_path / "in").write_bytes(SESSION)
        with (tmp_path / "in").open("rb") as file, (tmp_path / "out").open("wb") as out:
            process = start("stdio", stdin=file, stdout=out)
            _, errors = process.communicate(timeout=20)
        output = (tmp_path / "out").read_bytes()
    elif kind == "socket":
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.sendall(SESSION)
            ours.shutdown(socket.SHUT_WR)
            process = start("stdio", stdin=theirs, stdout=theirs)
            _, errors = process.communicate(timeout=20)
            theirs.close()
            output = b"".join(iter(lambda: ours.recv(1 << 16), b""))
    else:
        process = start("stdio", stdin=subprocess.PIPE)
        output, errors = process.communicate(SESSION, timeout=20)
    assert read_ids(output) == [None, None, 1, 2]
    assert (process.returncode, errors.strip()) == (0, b"stdio")


@pytest.mark.parametrize("stdin", ["/dev/null", "/dev/zero"])
def test_stdio_of_devices(stdin):
    with open(stdin, "rb") as file:
        process = start("stdio", stdin=file)
        if stdin == "/dev/zero":
            process.stdout.readline()
            process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert output is not None


def test_stdio_whose_reader_leaves():
    process = start("stdio", stdin=subprocess.PIPE)
    process.stdout.readline()
    process.stdout.close()
    process.stdin.write(SESSION)
    process.stdin.flush()
    assert process.wait(timeout=20) == 0
    assert b"Traceback" not in process.stderr.read()
    process.stdin.close()
    process.stderr.close()


def test_pipe_stays_blocking_for_others():
    reading, writing = os.pipe()
    process = start("stdio", stdin=reading)
    process.stdout.readline()
    assert os.get_blocking(reading)
    os.close(writing)
    process.communicate(timeout=20)
    os.close(reading)


def test_inherited_connected_socket():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        number = theirs.fileno()
        process = start(f"fd:{number}", pass_fds=[number])
        theirs.close()
        ours.sendall(SESSION)
        ours.shutdown(socket.SHUT_WR)
        output = b"".join(iter(lambda: ours.recv(1 << 16), b""))
    process.communicate(timeout=20)
    assert read_ids(output) == [None, None, 1, 2]
    assert process.returncode == 0


def test_inherited_listening_socket(tmp_path):
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "sock"))
        listening.listen()
        process = start(f"fd:{listening.fileno()}", pass_fds=[listening.fileno()])

        async def run():
            async with Client.at(f"unix:{tmp_path}/sock") as client:
                await client.negotiate()

        asyncio.run(run())
        process.terminate()
        process.communicate(timeout=20)
        assert process.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_lets_a_command_come_to_its_end(tmp_path, number):
    process = start(f"unix:{tmp_path}/sock")
    process.stderr.readline()

    async def run():
        async with Client.at(f"unix:{tmp_path}/sock") as client:
            await client.negotiate()
            client.send({"execute": "sleep", "arguments": {"seconds": 0.5}, "id": 1})
            await asyncio.sleep(0.2)
            process.send_signal(number)
            assert await client.take() == {"return": {}, "id": 1}
            assert await client.take() is None

    asyncio.run(run())
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0, b"")
    assert not (tmp_path / "sock").exists()

"""What is around a proxy: servers that do as told, clients, and an interface to judge by."""

import asyncio
import contextlib
import json
import signal
import socket
import subprocess
import sys
import threading

from qscope.qmp.address import parse_address
from qscope.serve.proxy import Proxy
from tests.running import DEADLINE, wait_for

SCHEMA = [
    {"name": "qmp_capabilities", "meta-type": "command", "arg-type": "3", "ret-type": "0"},
    {"name": "stop", "meta-type": "command", "arg-type": "0", "ret-type": "0"},
    {"name": "yank", "meta-type": "command", "arg-type": "0", "ret-type": "0", "allow-oob": True},
    {"name": "old", "meta-type": "command", "arg-type": "0", "ret-type": "0",
     "features": ["deprecated"]},
    {"name": "odd", "meta-type": "command", "arg-type": ["not", "understood"]},
    {"name": "set", "meta-type": "command", "arg-type": "1", "ret-type": "0"},
    {"name": "0", "meta-type": "object", "members": []},
    {"name": "1", "meta-type": "object", "members": [
        {"name": "number", "type": "int"},
        {"name": "word", "type": "2", "default": None},
        {"name": "list", "type": "[int]", "default": None},
        {"name": "later", "type": "int", "default": None, "features": ["unstable"]},
    ]},
    {"name": "2", "meta-type": "enum", "values": ["a", "b"]},
    {"name": "3", "meta-type": "object", "members": [
        {"name": "enable", "type": "[4]", "default": None}]},
    {"name": "4", "meta-type": "enum", "values": ["oob"]},
    {"name": "[4]", "meta-type": "array", "element-type": "4"},
    {"name": "[int]", "meta-type": "array", "element-type": "int"},
    {"name": "int", "meta-type": "builtin", "json-type": "int"},
]  # fmt: skip


def ask(command, /, **more):
    """Return a message's bytes."""
    return json.dumps({"execute": command, **more}).encode() + b"\n"


class Watching:
    """What a proxy tells its watcher."""

    def __init__(self):
        self.received = {}
        self.ended = []
        self.missed = {}

    def receive(self, client, data):
        if data:
            self.received[client] = self.received.get(client, b"") + data
        else:
            self.ended.append(client)

    def miss(self, client, why):
        self.missed[client] = why


@contextlib.asynccontextmanager
async def proxied(to, *addresses, watcher=None, once=False):
    """Run a proxy; yield its addresses, and the task that serves."""
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    target = parse_address(to)
    assert target is not None
    proxy = Proxy(target, watcher or Watching(), once=once)
    task = loop.create_task(proxy.serve(*addresses, ready=ready.set_result))
    async with asyncio.timeout(DEADLINE):
        await asyncio.wait({task, ready}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
        try:
            yield ready.result(), task
        finally:
            proxy.stop()
            await task


@contextlib.asynccontextmanager
async def served(folder, talk, *, tcp=False):
    """Serve clients, each with `talk(reader, writer)`; yield the address."""
    if tcp:
        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    else:
        server = await asyncio.start_unix_server(talk, folder / "server")
        address = f"unix:{folder}/server"
    async with server:
        yield address


async def open_client(address):
    if address.startswith("unix:"):
        return await asyncio.open_unix_connection(address.removeprefix("unix:"))
    return await asyncio.open_connection(*address.removeprefix("tcp:").rsplit(":", 1))


class Upstream:
    """A server in a thread that answers each line with an empty result, until the client ends."""

    def __init__(self, folder):
        self.path = folder / "upstream"
        self.received = b""
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(self.path))
        self._socket.listen()
        threading.Thread(target=self._run, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _run(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._socket.accept()
                threading.Thread(target=self._talk, args=(client,), daemon=True).start()

    def _talk(self, client):
        with client, contextlib.suppress(OSError):
            client.sendall(b'{"QMP": {}}\r\n')
            while data := client.recv(1 << 16):
                self.received += data
                client.sendall(b'{"return": {}}\r\n' * data.count(b"\n"))


def write_schema(folder, schema=SCHEMA):
    path = folder / "schema.json"
    path.write_text(json.dumps(schema))
    return path


@contextlib.contextmanager
def start(*words, **options):
    """Run `qscope proxy` with pipes; yield the process, which does not outlive the block."""
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    program = [sys.executable, "-m", "qscope", "proxy"]
    with subprocess.Popen([*program, *map(str, words)], **pipes | options) as process:
        try:
            yield process
        finally:
            process.kill()


def run(*words, data=b""):
    """Run it with this at stdin; return status, stdout and stderr."""
    with start(*words) as process:
        out, err = process.communicate(data, timeout=DEADLINE)
    return process.returncode, out.decode(), err.decode()


def end(process, number=signal.SIGTERM):
    process.send_signal(number)
    out, err = process.communicate(timeout=DEADLINE)
    return process.returncode, out.decode(), err.decode()


def connect(path):
    """Connect a client to a proxy that is about to listen."""
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(DEADLINE)

    def has_connected():
        try:
            sock.connect(str(path))
        except OSError:
            return False
        return True

    wait_for(has_connected)
    return sock


def talk(path, *messages):
    """Send messages as a client, each when the one before is answered; return the replies."""
    with connect(path) as sock, sock.makefile("rb") as lines:
        replies = [lines.readline()]
        for message in messages:
            sock.sendall(message)
            replies.append(lines.readline())
    return replies

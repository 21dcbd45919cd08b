"""Sockets to listen at: their files, their addresses, and what others hand over."""

import contextlib
import fcntl
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from qscope.errors import ServeError
from qscope.serve import sockets

ROOT = Path(__file__).parent.parent


# Socket files.


@pytest.mark.parametrize("umask", [0, 0o022, 0o777])
@pytest.mark.parametrize("mode", [0o600, 0o666, 0o200])
def test_mode_of_a_socket_file_does_not_depend_on_the_umask(tmp_path, umask, mode):
    path = tmp_path / "sock"
    before = os.umask(umask)
    try:
        bound = sockets.bind_unix(str(path), mode)
        assert os.umask(umask) == umask
    finally:
        os.umask(before)
    with bound.sock:
        assert stat.S_IMODE(path.stat().st_mode) == mode
        sockets.remove_file(bound)
    assert not path.exists()


BEGIN = """
import sys, time
from qscope.errors import ServeError
from qscope.serve import sockets
is_served = sockets._is_served
def slow(path):
    try:
        return is_served(path)
    finally:
        time.sleep(0.05)
sockets._is_served = slow
print(flush=True)
sys.stdin.readline()
try:
    bound = sockets.bind_unix(sys.argv[1], 0o600)
except ServeError as error:
    sys.exit(str(error))
print("bound", flush=True)
sys.stdin.read()
"""


def begin(path):
    pipe = subprocess.PIPE
    words = [sys.executable, "-c", BEGIN, path]
    return subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, cwd=ROOT)


def test_of_servers_that_begin_at_once_one_wins(tmp_path):
    path = tmp_path / "sock"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    servers = [begin(path) for _ in range(6)]
    for each in servers:
        each.stdout.readline()
    for each in servers:
        each.stdin.write(b"\n")
        each.stdin.flush()
    first_words = [each.stdout.readline() for each in servers]
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
    errors = [each.communicate(timeout=20)[1] for each in servers]
    assert sorted(first_words) == [b""] * 5 + [b"bound\n"]
    taken = f"unix:{path}: another server listens there\n".encode()
    assert sorted(errors) == [b""] + [taken] * 5


def test_folder_that_somebody_locked(tmp_path, monkeypatch):
    monkeypatch.setattr(sockets, "_LOCK_TIMEOUT", 0.05)
    folder = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    bound = sockets.bind_unix(f"{tmp_path}/sock", 0o600)
    bound.sock.close()
    os.close(folder)


def live_with_a_full_backlog(path, stack):
    sock = stack.enter_context(socket.socket(socket.AF_UNIX))
    sock.bind(path)
    sock.listen(0)
    while True:
        client = stack.enter_context(socket.socket(socket.AF_UNIX))
        client.setblocking(False)
        try:
            client.connect(path)
        except BlockingIOError:
            return


def live_datagrams(path, stack):
    stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)).bind(path)


def symlink_to_a_stale_one(path, stack):
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(f"{path}.stale")
    os.symlink(f"{path}.stale", path)


def regular_file(path, stack):
    Path(path).write_text("precious")


def folder(path, stack):
    os.mkdir(path)


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (live_with_a_full_backlog, "another server listens there"),
        (live_datagrams, "another server listens there"),
        (symlink_to_a_stale_one, "it is no socket"),
        (regular_file, "it is no socket"),
        (folder, "it is no socket"),
    ],
)
def test_what_is_there_stays(tmp_path, make, what):
    path = f"{tmp_path}/sock"
    with contextlib.ExitStack() as stack:
        make(path, stack)
        before = os.lstat(path)
        with pytest.raises(ServeError, match=what):
            sockets.bind_unix(path, 0o600)
        assert os.lstat(path).st_ino == before.st_ino


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET])
def test_stale_file_of_any_socket_is_replaced(tmp_path, kind):
    with socket.socket(socket.AF_UNIX, kind) as stale:
        stale.bind(f"{tmp_path}/sock")
    sockets.bind_unix(f"{tmp_path}/sock", 0o600).sock.close()


@pytest.mark.parametrize("path", ["/proc/sock", "/dev/null/sock", "x" * 108, "a/b\udcff/c"])
def test_place_without_a_socket(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ServeError) as caught:
        sockets.bind_unix(path, 0o600)
    assert str(caught.value).startswith(f"unix:{path}: ")
    assert "\n" not in str(caught.value)


# TCP.


def resolve_to(monkeypatch, *hosts):
    found = [
        (socket.AF_INET6 if ":" in host else socket.AF_INET, 1, 6, "", (host, 0)) for host in hosts
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)


def test_addresses_that_the_machine_lacks_are_left_out(monkeypatch):
    resolve_to(monkeypatch, "2001:db8::1", "127.0.0.1", "127.0.0.1", "127.0.0.2")
    bound = sockets.bind_tcp("somewhere", 0, anywhere=True)
    names = [each.sock.getsockname() for each in bound]
    for each in bound:
        each.sock.close()
    assert [host for host, _ in names] == ["127.0.0.1", "127.0.0.2"]
    assert len({port for _, port in names}) == 1


def test_host_of_which_the_machine_has_no_address(monkeypatch):
    resolve_to(monkeypatch, "2001:db8::1", "192.0.2.1")
    with pytest.raises(ServeError, match=r"tcp:somewhere:0: .*assign"):
        sockets.bind_tcp("somewhere", 0, anywhere=True)


def test_port_that_is_taken_at_one_address(monkeypatch):
    resolve_to(monkeypatch, "127.0.0.1", "127.0.0.2")
    with socket.create_server(("127.0.0.2", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServeError, match=f"tcp:somewhere:{port}: Address already in use"):
            sockets.bind_tcp("somewhere", port, anywhere=False)
        # The other one was given back.
        socket.create_server(("127.0.0.1", port)).close()


def test_one_address_that_is_not_loopback_is_too_many(monkeypatch):
    resolve_to(monkeypatch, "127.0.0.1", "192.0.2.1")
    with pytest.raises(ServeError, match="not a loopback address"):
        sockets.bind_tcp("somewhere", 0, anywhere=False)


# Inherited ones.


def unconnected():
    return socket.socket()


def datagrams():
    return socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)


def packets():
    return socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def null_device():
    return open(os.devnull, "rb")


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (unconnected, "neither listens nor is connected"),
        (datagrams, "it is no stream socket"),
        (packets, "it is no stream socket"),
        (null_device, "it is no socket"),
    ],
)
def test_refused_descriptor_stays_open(make, what):
    with make() as sock:
        with pytest.raises(ServeError, match=what):
            sockets.take_inherited(f"fd:{sock.fileno()}")
        os.fstat(sock.fileno())

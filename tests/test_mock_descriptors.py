"""File descriptors that come with commands: what is tried on the mock is tried on QEMU."""

import contextlib
import json
import os
import re
import socket

import pytest

from qscope.load.opening import EMBEDDED
from tests.qemu_monitor import run_monitor
from tests.running import DEADLINE
from tests.test_mock_cli import start

NONE = "No file descriptor supplied via SCM_RIGHTS"
# How many descriptors come with a command, and what is answered: a text is a refusal's.
STEPS = [
    (0, "getfd", {"fdname": "a"}, NONE),
    (1, "getfd", {"fdname": "a"}, {}),
    (0, "getfd", {"fdname": "b"}, NONE),
    (1, "query-status", {}, ...),
    (0, "getfd", {"fdname": "b"}, {}),
    (0, "getfd", {"fdname": "c"}, NONE),
    (1, "getfd", {"fdname": "1"}, "Parameter 'fdname' expects a name not starting with a digit"),
    (0, "closefd", {"fdname": "c"}, "File descriptor named 'c' not found"),
    (0, "closefd", {"fdname": "a"}, {}),
    (0, "closefd", {"fdname": "a"}, "File descriptor named 'a' not found"),
    (0, "query-fdsets", {}, []),
    (0, "add-fd", {}, NONE),
    (1, "add-fd", {}, {"fd": 0, "fdset-id": 0}),
    (1, "add-fd", {"fdset-id": 7, "opaque": "x"}, {"fd": 0, "fdset-id": 7}),
    (1, "add-fd", {"fdset-id": -1}, "Parameter 'fdset-id' expects a non-negative value"),
    (
        0,
        "query-fdsets",
        {},
        [
            {"fdset-id": 7, "fds": [{"fd": 0, "opaque": "x"}]},
            {"fdset-id": 0, "fds": [{"fd": 0}]},
        ],
    ),
    (0, "remove-fd", {"fdset-id": 0, "fd": 999}, "'fdset-id:0, fd:999' not found"),
    (0, "remove-fd", {"fdset-id": 7}, {}),
    (0, "remove-fd", {"fdset-id": 7}, "'fdset-id:7' not found"),
]


@contextlib.contextmanager
def mocked(folder):
    """Yield a client of a mock."""
    with start("-s", EMBEDDED, "--unix", folder / "m") as process:
        try:
            assert process.stdout.readline()
            with socket.socket(socket.AF_UNIX) as sock:
                sock.settimeout(DEADLINE)
                sock.connect(str(folder / "m"))
                yield sock
        finally:
            process.kill()


@contextlib.contextmanager
def real(qemu, folder):
    """Yield a client of a QEMU, which has read the greeting."""
    with run_monitor(qemu, folder) as monitor:
        yield monitor._connection, monitor.version


def talk(sock, *, greeted, steps=STEPS):
    """Take the steps; yield each with what came."""
    lines = sock.makefile("rb")
    descriptor = os.open(os.devnull, os.O_RDWR)
    try:
        if not greeted:
            lines.readline()
        sock.sendall(b'{"execute": "qmp_capabilities"}')
        lines.readline()
        for count, command, arguments, expected in steps:
            message = json.dumps({"execute": command, "arguments": arguments}).encode()
            socket.send_fds(sock, [message], [descriptor] * count)
            yield command, expected, json.loads(lines.readline())
    finally:
        os.close(descriptor)
        lines.close()


def check(command, expected, reply):
    if isinstance(expected, str):
        assert reply["error"]["desc"].endswith(expected), (command, reply)
    elif expected is not ...:
        # Their numbers are the process's.
        shown = re.sub(r'"fd": \d+', '"fd": 0', json.dumps(reply.get("return", reply)))
        assert json.loads(shown) == expected, (command, reply)


def test_a_mock_sees_whether_one_came(tmp_path):
    with mocked(tmp_path) as sock:
        for step in talk(sock, greeted=False):
            check(*step)


@pytest.mark.live
def test_so_does_qemu(qemu, tmp_path):
    with real(qemu, tmp_path) as (sock, version):
        # Older ones keep what was removed until all monitors have been left.
        for step in talk(sock, greeted=True, steps=STEPS if version >= (9, 1) else STEPS[:-1]):
            check(*step)


def test_descriptors_that_nobody_wants_are_closed(tmp_path):
    with mocked(tmp_path) as sock, start_reading(sock) as lines:
        before = count_descriptors(sock)
        for _ in range(200):
            with open(os.devnull) as file:
                message = b'{"execute": "query-name"}'
                socket.send_fds(sock, [message], [file.fileno()] * 3)
            assert json.loads(lines.readline()) == {"return": {}}
        assert count_descriptors(sock) == before


@contextlib.contextmanager
def start_reading(sock):
    with sock.makefile("rb") as lines:
        lines.readline()
        sock.sendall(b'{"execute": "qmp_capabilities"}')
        lines.readline()
        yield lines


def count_descriptors(sock):
    peer = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    return len(os.listdir(f"/proc/{int.from_bytes(peer[:4], 'little')}/fd"))

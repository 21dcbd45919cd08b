"""The executable mock: a program that can be started as a QEMU is, and QMP spoken with it."""

import contextlib
import json
import shlex
import socket
import subprocess
import sys

from tests.running import DEADLINE, Outcome, wait_for


def write_program(folder, *own, name="qemu-system-x86_64"):
    """Write a script that starts the mock with own options; return its path."""
    path = folder / name
    words = [sys.executable, "-m", "qscope.cli.mock_qemu", *map(str, own)]
    path.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
    path.chmod(0o755)
    return path


@contextlib.contextmanager
def started(program, *words, pass_fds=()):
    """Start a mock; kill it at the end if it still runs."""
    with subprocess.Popen(
        [program, *map(str, words)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        pass_fds=pass_fds,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def run(program, *words):
    """Run a mock that ends by itself."""
    with started(program, *words) as process:
        stdout, stderr = process.communicate(timeout=DEADLINE)
    return Outcome(process.returncode, stdout, stderr)


class Client:
    """A QMP client over a socket, which is its own from then on. A context manager."""

    def __init__(self, sock):
        sock.settimeout(DEADLINE)
        self._reading, self._writing = sock.makefile("r"), sock.makefile("w")
        sock.close()
        self.greeting = self.read()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._reading.close()
        with contextlib.suppress(OSError):
            self._writing.close()

    def read(self):
        line = self._reading.readline()
        return json.loads(line) if line else None

    def send(self, command, **arguments):
        self._writing.write(json.dumps({"execute": command, "arguments": arguments}))
        self._writing.flush()

    def ask(self, command, **arguments):
        """Return the reply to a command; events are passed over."""
        self.send(command, **arguments)
        while "event" in (reply := self.read()):
            pass
        return reply

    def negotiate(self):
        assert self.ask("qmp_capabilities") == {"return": {}}
        return self


def connect(where):
    """Connect to a path, or a port, as soon as it is served, and negotiate."""
    connected = []

    def is_served():
        try:
            connected.append(_open(where))
        except OSError:
            return False
        return True

    wait_for(is_served)
    return Client(connected[0]).negotiate()


def _open(where):
    if isinstance(where, int):
        return socket.create_connection(("127.0.0.1", where))
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.connect(str(where))
    except OSError:
        sock.close()
        raise
    return sock


@contextlib.contextmanager
def listening(path):
    """Listen at a path, as an application does that its QEMU connects to."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(path))
        sock.listen()
        sock.settimeout(DEADLINE)
        yield sock

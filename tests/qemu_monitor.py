"""A real QEMU's monitor, spoken to in raw bytes: the truth that qscope.serve.wire is tried on."""

import contextlib
import json
import socket
import subprocess
import time

_DEADLINE = 30


class Monitor:
    """A QMP monitor of a QEMU that has no machine; `sent` are the bytes of the last question."""

    def __init__(self, connection):
        self._connection = connection
        self._connection.settimeout(_DEADLINE)
        self._unread = b""
        self._marks = 0
        self.sent = b""
        self.version = self._read_version()

    def ask(self, data):
        """Send bytes; return the replies, a line each.

        A NUL is put behind the bytes, which closes whatever they leave open and costs one reply,
        then a command, whose reply is the last.
        """
        self._marks += 1
        mark = b"mark %d" % self._marks
        self.sent = data + b'\0\n{"execute":"no-such","id":"%b"}\n' % mark
        self._connection.sendall(self.sent)
        lines = [self._read_line()]
        while b'{"id": "%b"' % mark not in lines[-1]:
            lines.append(self._read_line())
        return lines

    def _read_line(self):
        while b"\n" not in self._unread:
            data = self._connection.recv(1 << 16)
            assert data, "QEMU has gone"
            self._unread += data
        line, _, self._unread = self._unread.partition(b"\r\n")
        return line

    def _read_version(self):
        version = json.loads(self._read_line())["QMP"]["version"]["qemu"]
        return version["major"], version["minor"]


@contextlib.contextmanager
def run_monitor(binary, folder, *more):
    """Start a QEMU, with more words; yield its monitor, which is not negotiated."""
    path = folder / "monitor.sock"
    words = ["-S", "-machine", "none", "-nodefaults", "-display", "none"]
    words += ["-qmp", f"unix:{path},server=on,wait=off", *more]
    process = subprocess.Popen([binary, *words], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        with _connect(path, process) as connection:
            yield Monitor(connection)
    finally:
        process.kill()
        process.communicate()


def _connect(path, process):
    deadline = time.monotonic() + _DEADLINE
    while True:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(str(path))
        except OSError:
            connection.close()
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < deadline, "QEMU does not listen"
            time.sleep(0.02)
        else:
            return connection

"""Holding one conversation with a QMP server, byte by byte, and telling what came back."""

import contextlib
import json
import select
import socket
import sys
import time
from typing import NamedTuple

from tests.protocol_rows import Session, Step

# Seconds that nothing here takes, however loaded the machine is.
_DEADLINE = 60.0
# Seconds in which a server that has something to say has said it.
_QUIET = 0.1
# What brings a reader back from everything: QEMU's own clients send FF for that.
_END = b'\xff\n{"execute": "query-version", "id": "the end"}\n'
_NEGOTIATIONS = {
    Session.PLAIN: b'{"execute": "qmp_capabilities"}\n',
    Session.OOB: b'{"execute": "qmp_capabilities", "arguments": {"enable": ["oob"]}}\n',
}


class Reply(NamedTuple):
    """A message of a server: what must agree between two of them, and an error's text."""

    type: str
    # As JSON with sorted keys, so that 1, 1.0 and true differ; "" for none.
    id: str
    error_class: str
    desc: str

    @property
    def essence(self):
        return self.type, self.error_class, self.id

    @property
    def is_out_of_band(self):
        """Whether a row says by its id that this may overtake others."""
        return self.id.startswith('"oob')


class Speaker:
    """One connection: it sends, and meanwhile hears, so that neither side has to wait."""

    def __init__(self, path):
        self.messages = []
        self._heard = 0
        self._path = path
        self._received = b""
        self._deadline = time.monotonic() + _DEADLINE
        self._socket = self._connect()

    def close(self):
        self._socket.close()

    def connect_again(self):
        """Leave, in the middle of whatever it was, and come back."""
        self.close()
        self._received = b""
        self._heard = len(self.messages)
        self._socket = self._connect()
        self.hear_one_more()

    def send(self, data):
        rest = memoryview(data)
        while rest:
            readable, writable = self._wait(to_write=True)
            if readable:
                self._receive()
            if writable:
                rest = rest[self._socket.send(rest) :]

    def hear_until(self, holds):
        while not holds():
            self._wait()
            self._receive()

    def hear_one_more(self):
        self._heard += 1
        self.hear_until(lambda: len(self.messages) >= self._heard)

    def expect_quiet(self):
        """Let a server say what it says too early."""
        if select.select([self._socket], [], [], _QUIET)[0]:
            self._receive()
        self.messages.append({"quiet": True})
        self._heard = len(self.messages)

    def _connect(self):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(_DEADLINE)
        connection.connect(str(self._path))
        connection.setblocking(False)
        return connection

    def _wait(self, *, to_write=False):
        """Wait for something to read; or, if asked, until more can be sent."""
        left = self._deadline - time.monotonic()
        ours = [self._socket]
        readable, writable, _ = select.select(ours, ours if to_write else [], [], max(0, left))
        assert readable or writable, f"no more came in time after {self.messages[-3:]}"
        return bool(readable), bool(writable)

    def _receive(self):
        data = self._socket.recv(1 << 16)
        assert data, f"the server left after {self.messages[-3:]}"
        *lines, self._received = (self._received + data).split(b"\n")
        self.messages.extend(map(_decode, lines))


def _decode(line):
    """Read one line as QEMU prints it: ASCII, and CR before the LF."""
    assert line.isascii(), line
    assert line.endswith(b"\r"), line
    with _deep():
        return json.loads(line)


@contextlib.contextmanager
def _deep():
    """Let json go as deep as an id may be, which is deeper than Python's limit."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(limit + 10_000)
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def converse(path, row):
    """Return the replies to a row, from a connection of its own, up to those to its end."""
    speaker = Speaker(path)
    try:
        speaker.hear_one_more()
        if row.session in _NEGOTIATIONS:
            speaker.send(_NEGOTIATIONS[row.session])
            speaker.hear_one_more()
        for step in row.steps:
            _take(speaker, step)
        speaker.send(_END)
        speaker.hear_until(lambda: any(each.get("id") == "the end" for each in speaker.messages))
    finally:
        speaker.close()
    return [_classify(message) for message in speaker.messages]


def _take(speaker, step):
    match step:
        case bytes():
            speaker.send(step)
        case Step.REPLY:
            speaker.hear_one_more()
        case Step.QUIET:
            speaker.expect_quiet()
        case Step.AGAIN:
            speaker.connect_again()


def _classify(message):
    # An error has an id, a class and a text; everything else is named for its key.
    kinds = {"QMP": "greeting", "return": "return", "error": "error", "event": "event"}
    kind = next((kinds[key] for key in message if key in kinds), "quiet")
    error = message.get("error", {})
    with _deep():
        identity = json.dumps(message["id"], sort_keys=True) if "id" in message else ""
    return Reply(kind, identity, error.get("class", ""), error.get("desc", ""))


def split_bands(replies):
    """Return the replies in order, and apart from them those that were out of band."""
    in_band = [reply for reply in replies if not reply.is_out_of_band]
    return in_band, [reply for reply in replies if reply.is_out_of_band]


def ask_version(path):
    """Return the release of a server, from its greeting."""
    speaker = Speaker(path)
    try:
        speaker.hear_one_more()
    finally:
        speaker.close()
    release = speaker.messages[0]["QMP"]["version"]["qemu"]
    return release["major"], release["minor"], release["micro"]

"""The sessions that the mock is tried on, on a real QEMU: what they expect is what it does."""

import json
import time

import pytest

from tests.mock_sessions import SESSIONS, has
from tests.qemu_monitor import run_monitor

pytestmark = pytest.mark.live

_DEADLINE = 20


class _Session:
    """A negotiated session, and the events that came so far."""

    def __init__(self, monitor):
        self._monitor = monitor
        self.events = []
        self.execute("qmp_capabilities", {})

    def execute(self, command, arguments):
        request = {"execute": command, "arguments": arguments}
        self._monitor._connection.sendall(json.dumps(request).encode())
        while True:
            message = json.loads(self._monitor._read_line())
            if "event" not in message:
                return message
            self._note(message)

    def wait_for_events(self, count):
        deadline = time.monotonic() + _DEADLINE
        while len(self.events) < count:
            assert time.monotonic() < deadline, self.events
            self._note(json.loads(self._monitor._read_line()))

    def _note(self, message):
        self.events.append((message["event"], message.get("data", {})))


@pytest.mark.parametrize("session", SESSIONS, ids=lambda session: session.name)
def test_qemu_does_what_the_sessions_expect(qemu, tmp_path, monkeypatch, session):
    monkeypatch.chdir(tmp_path)
    expected = []
    with run_monitor(qemu, tmp_path, "-accel", "tcg", *session.words) as monitor:
        if monitor.version != (7, 2):
            pytest.skip("the sessions are of QEMU 7.2")
        live = _Session(monitor)
        for step in session.steps:
            reply = live.execute(step.command, step.arguments)
            error = reply.get("error")
            refusal = (error["class"], error["desc"]) if error else None
            assert refusal == step.refusal, step
            assert step.result is ... or has(reply["return"], step.result), (step, reply)
            expected += step.before
            assert live.events[: len(expected)] == expected, step
            expected += step.after
            live.wait_for_events(len(expected))
            assert live.events == expected, step

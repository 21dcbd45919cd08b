"""What the mock remembers, on an interface of QEMU 7.2 and on others."""

import pytest

from qscope.errors import RefusalError
from qscope.serve.mock.state import State
from tests.mock_sessions import SESSIONS, has


class Host:
    """A mock that notes what its memory does to it."""

    def __init__(self):
        self.before, self.after, self.stopped = [], [], False

    def emit(self, event, facts):
        self.before.append((event, dict(facts)))

    def emit_later(self, event, facts):
        self.after.append((event, dict(facts)))

    def stop(self):
        self.stopped = True


def _run(state, step):
    try:
        result = state.commands[step.command](step.arguments)
    except RefusalError as error:
        return (error.error_class, error.desc), None
    return None, {} if result is None else result


@pytest.mark.parametrize("session", SESSIONS, ids=lambda session: session.name)
def test_the_mock_answers_as_qemu(interface, session):
    host = Host()
    state = State(host, interface)
    for step in session.steps:
        host.before, host.after = [], []
        refusal, result = _run(state, step)
        assert refusal == step.refusal, step
        assert step.result is ... or has(result, step.result), (step, result)
        assert (host.before, host.after) == (step.before, step.after), step

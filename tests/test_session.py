"""Probing through somebody else's session: anything that can `execute`."""

import asyncio
import json

import pytest

from qscope.errors import CommandError, ProbeError
from qscope.probe import from_session


class Recorded:
    """A session that answers from a table; an exception in it is raised."""

    def __init__(self, answers, default=None):
        self._answers = answers
        self._default = default
        self.asked = []

    async def execute(self, cmd, arguments=None, /):
        self.asked.append((cmd, arguments))
        answer = self._answers.get(cmd, self._default)
        if isinstance(answer, BaseException):
            raise answer
        return answer


class OtherError(Exception):
    """Somebody's error that says its class as qemu.qmp's ExecuteError does."""

    def __init__(self, error_class, text):
        super().__init__(text)
        self.error_class = error_class


def probe(session, timeout=20):
    return asyncio.run(from_session(session, timeout=timeout))


def test_answers_are_kept_as_json():
    session = Recorded({"query-target": {"arch": "s390x", "é": [1.5, None]}}, default=[])
    snapshot = probe(session)
    results = {each.execute: json.loads(bytes(each.result)) for each in snapshot.exchanges}
    assert results.pop("query-target") == {"arch": "s390x", "é": [1.5, None]}
    assert set(map(str, results.values())) == {"[]"}
    assert [each.execute for each in snapshot.exchanges] == [cmd for cmd, _ in session.asked]


@pytest.mark.parametrize(
    ("error", "recorded"),
    [
        pytest.param(OtherError("CommandNotFound", "no"), ("CommandNotFound", "no"), id="other"),
        pytest.param(
            CommandError("x", "GenericError", "why"),
            ("GenericError", "x: why (GenericError)"),
            id="qscope's",
        ),
    ],
)
def test_a_refused_command_is_recorded(error, recorded):
    snapshot = probe(Recorded({"query-target": error}, default=[]))
    found = [each.error for each in snapshot.exchanges if each.outcome()]
    assert [(each.error_class, each.desc) for each in found] == [recorded]


@pytest.mark.parametrize(
    ("lacking", "instead"),
    [("query-qmp-schema", "query-events"), ("query-commands", "guest-info")],
)
def test_an_old_server_is_asked_otherwise(lacking, instead):
    session = Recorded({lacking: OtherError("CommandNotFound", "no")}, default=[])
    snapshot = probe(session)
    asked = [each.execute for each in snapshot.exchanges]
    assert (asked.count(lacking), asked[-1]) == (1, instead)


def test_types_of_a_running_qemu_are_not_instantiated():
    session = Recorded({"qom-list-types": [{"name": "virtio-net-pci"}]}, default=[])
    asked = {each.execute for each in probe(session).exchanges}
    assert not {"device-list-properties", "qom-list-properties"} & asked


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(ConnectionResetError("gone"), id="OSError"),
        pytest.param(OtherError(None, "gone"), id="a class that is no text"),
        pytest.param(TimeoutError("its own"), id="TimeoutError"),
        pytest.param(object(), id="a result that is no JSON"),
        pytest.param("\ud800", id="a result that is no text"),
        pytest.param({1j: 2}, id="a result with a strange key"),
    ],
)
def test_a_session_that_fails(answer):
    with pytest.raises(ProbeError, match="query-target"):
        probe(Recorded({"query-target": answer}, default=[]))


def test_a_result_without_end():
    circle: list[object] = []
    circle.append(circle)
    with pytest.raises(ProbeError, match="query-target"):
        probe(Recorded({"query-target": circle}, default=[]))


def test_a_session_that_hangs():
    class Hanging:
        async def execute(self, cmd, arguments=None, /):
            await asyncio.sleep(99)

    with pytest.raises(ProbeError, match="no answer to 'query-version' within 0"):
        probe(Hanging(), timeout=0.05)


def test_cancelled_from_outside():
    async def cancel():
        session = Recorded({"query-target": asyncio.CancelledError()}, default=[])
        await from_session(session)

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancel())

"""Several commands in flight on one QMP session, without I/O."""

import json

import pytest
from msgspec import UNSET

from qscope.errors import CommandError, ProtocolError
from qscope.qmp.pipeline import Pipeline

_GREETING: dict[str, object] = {"QMP": {"version": {}, "capabilities": []}}


def make_ready(**reply):
    """Return a pipeline whose negotiation got this reply, and forget what it sent."""
    pipeline = Pipeline()
    list(pipeline.feed(encode(_GREETING, {"return": {}, "id": 1, **reply})))
    pipeline.unsent.clear()
    return pipeline


def encode(*messages):
    return b"".join(json.dumps(each).encode() + b"\r\n" for each in messages)


def answer(pipeline, *messages):
    """Feed messages; return the results that came out."""
    return [json.loads(bytes(reply.result)) for reply in pipeline.feed(encode(*messages))]


def test_negotiation_follows_the_greeting():
    pipeline = Pipeline()
    assert (bytes(pipeline.unsent), pipeline.is_ready) == (b"", False)
    assert list(pipeline.feed(encode({"event": "X"}, {"return": 5, "id": 1}, _GREETING))) == []
    assert json.loads(pipeline.unsent) == {"execute": "qmp_capabilities", "id": 1}
    assert (pipeline.greeting, pipeline.is_ready) == (_GREETING["QMP"], False)
    assert list(pipeline.feed(encode({"return": {}, "id": 1}))) == []
    assert pipeline.is_ready


def test_who_refuses_to_negotiate():
    pipeline = Pipeline()
    error = {"class": "CommandNotFound", "desc": "no"}
    with pytest.raises(CommandError, match="qmp_capabilities: no"):
        list(pipeline.feed(encode(_GREETING, {"error": error, "id": 1})))


def test_what_is_sent():
    pipeline = make_ready()
    pipeline.ask("a")
    pipeline.ask("b", {"c": "é\n"})
    assert [json.loads(line) for line in bytes(pipeline.unsent).splitlines()] == [
        {"execute": "a", "id": 2},
        {"execute": "b", "id": 3, "arguments": {"c": "é\n"}},
    ]


@pytest.mark.parametrize(
    ("messages", "results"),
    [
        pytest.param([{"return": 1, "id": 2}, {"return": 2, "id": 3}], [1, 2], id="in order"),
        pytest.param([{"return": 1, "id": 2}, {"return": 9, "id": 2}], [1], id="twice"),
        pytest.param([{"return": 9, "id": 1}, {"return": 1, "id": 2}], [1], id="the last one's"),
        pytest.param([{"return": 9, "id": 4}, {"return": 1, "id": 2}], [1], id="not sent yet"),
        pytest.param([{"return": 9, "id": "2"}, {"return": 1, "id": 2}], [1], id="a string"),
        pytest.param([{"return": 9, "id": 2.0}, {"return": 1, "id": 2}], [1], id="a fraction"),
        pytest.param([{"return": 9, "id": [2]}, {"return": 1, "id": 2}], [1], id="a list"),
        pytest.param([{"return": 9}, {"return": 1, "id": 2}], [1], id="none, though it has some"),
        pytest.param([{"event": "X", "id": 2}, {"return": 1, "id": 2}], [1], id="an event"),
    ],
)
def test_a_reply_is_to_the_oldest(messages, results):
    pipeline = make_ready()
    pipeline.ask("a")
    pipeline.ask("b")
    assert answer(pipeline, *messages) == results


def test_one_left_out_is_nonsense():
    pipeline = make_ready()
    for command in ("a", "b", "c"):
        pipeline.ask(command)
    replies = pipeline.feed(encode({"return": 1, "id": 2}, {"return": 3, "id": 4}))
    assert bytes(next(replies).result) == b"1"
    with pytest.raises(ProtocolError, match="it left out the answer to 'b'"):
        next(replies)


def test_a_server_without_ids():
    pipeline = make_ready(id=None)
    assert not pipeline.is_ready
    pipeline = Pipeline()
    list(pipeline.feed(encode(_GREETING, {"return": {}})))
    pipeline.ask("a")
    pipeline.ask("b")
    assert answer(pipeline, {"return": 1}, {"return": 2}, {"return": 3}) == [1, 2]


def test_an_error_is_a_reply():
    pipeline = make_ready()
    pipeline.ask("a")
    error = {"class": "GenericError", "desc": "no"}
    (reply,) = pipeline.feed(encode({"error": error, "id": 2}))
    assert (reply.result, reply.error.error_class) == (UNSET, "GenericError")


def test_what_did_not_come():
    pipeline = Pipeline()
    assert pipeline.describe_silence(3) == "sent no QMP greeting within 3 s"
    list(pipeline.feed(encode(_GREETING) + b'{"return'))
    silence = "did not answer 'qmp_capabilities' within 0.5 s (half a message: 8 bytes)"
    assert pipeline.describe_silence(0.5) == silence
    assert pipeline.describe_end() == "closed the connection in the middle of a message"

"""The shape of a message: what a client is told that sends JSON, but no command."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from qscope.serve.wire.message import Rejection, Request, check_message
from qscope.serve.wire.qdict import order_keys


@pytest.mark.parametrize(
    ("message", "oob", "request_"),
    [
        ({"execute": "a"}, False, Request("a", None, UNSET, oob=False)),
        ({"execute": ""}, False, Request("", None, UNSET, oob=False)),
        ({"id": None, "execute": "a"}, False, Request("a", None, None, oob=False)),
        ({"execute": "a", "arguments": {}}, True, Request("a", {}, UNSET, oob=False)),
        ({"execute": "a", "arguments": {"b": 1}}, True, Request("a", {"b": 1}, UNSET, oob=False)),
        ({"exec-oob": "a", "id": [1]}, True, Request("a", None, [1], oob=True)),
        ({"exec-oob": "a", "arguments": {}}, True, Request("a", {}, UNSET, oob=True)),
    ],
)
def test_requests(message, oob, request_):
    assert check_message(message, oob=oob) == request_


@pytest.mark.parametrize("value", [None, True, 0, 1.5, "execute", [], [{"execute": "a"}]])
@pytest.mark.parametrize("oob", [False, True])
def test_what_is_no_object(value, oob):
    desc = "QMP input must be a JSON object"
    assert check_message(value, oob=oob) == Rejection("GenericError", desc, UNSET)


_LACKS = "QMP input lacks member 'execute'"
_NO_STRING = "QMP input member 'execute' must be a string"
_NO_OBJECT = "QMP input member 'arguments' must be an object"


@pytest.mark.parametrize(
    ("message", "oob", "desc"),
    [
        ({}, False, _LACKS),
        ({"id": 1}, False, _LACKS),
        ({"arguments": {}}, True, _LACKS),
        ({"execute": None}, False, _NO_STRING),
        ({"execute": 1, "id": {}}, True, _NO_STRING),
        ({"execute": ["a"]}, True, _NO_STRING),
        ({"exec-oob": {}}, True, "QMP input member 'exec-oob' must be a string"),
        ({"execute": "a", "arguments": None}, False, _NO_OBJECT),
        ({"execute": "a", "arguments": []}, False, _NO_OBJECT),
        ({"execute": "a", "arguments": "{}"}, False, _NO_OBJECT),
        ({"arguments": 1}, False, _NO_OBJECT),
        ({"execute": "a", "extra": 1}, False, "QMP input member 'extra' is unexpected"),
        ({"execute": "a", "": 1}, False, "QMP input member '' is unexpected"),
        ({"EXECUTE": "a"}, False, "QMP input member 'EXECUTE' is unexpected"),
        ({"exec-oob": "a"}, False, "QMP input member 'exec-oob' is unexpected"),
        ({"exec-oob": 1}, False, "QMP input member 'exec-oob' is unexpected"),
        (
            {"execute": "a", "exec-oob": "b"},
            False,
            "QMP input member 'exec-oob' is unexpected",
        ),
        # Of several faults, the first in the order of QEMU's hash table is told.
        (
            {"execute": "a", "exec-oob": "b"},
            True,
            "QMP input member 'execute' clashes with 'exec-oob'",
        ),
        (
            {"exec-oob": "b", "execute": "a"},
            True,
            "QMP input member 'execute' clashes with 'exec-oob'",
        ),
    ],
)
def test_rejections(message, oob, desc):
    id_ = message.get("id", UNSET)
    assert check_message(message, oob=oob) == Rejection("GenericError", desc, id_)


_KEYS = st.sampled_from(["execute", "exec-oob", "arguments", "id", "extra", "", "\0", "\xe9"])
_MEMBERS = st.none() | st.sampled_from([1, "a", {}, []])


@given(message=st.dictionaries(_KEYS, _MEMBERS), oob=st.booleans())
def test_a_request_or_a_reason(message, oob):
    result = check_message(message, oob=oob)
    assert result.id == message.get("id", UNSET)
    if isinstance(result, Request):
        assert message[("exec-oob" if result.oob else "execute")] == result.command
        assert oob or not result.oob
        assert set(message) <= {"execute", "exec-oob", "arguments", "id"}
    else:
        assert result.desc.startswith("QMP input ")


def test_the_order_of_keys_is_qemus():
    # As QEMU 7.2 printed them; the first two share a bucket, where the later is first.
    assert order_keys({"z": 1, "m": 2, "a": 3}) == ["a", "z", "m"]
    status = {"running": 1, "singlestep": 2, "status": 3}
    assert order_keys(status) == ["status", "singlestep", "running"]
    assert order_keys({"return": 1, "id": 2, "error": 3}) == ["return", "id", "error"]


@given(keys=st.lists(st.text(max_size=60), unique=True))
def test_every_key_is_in_the_order(keys):
    assert sorted(order_keys(dict.fromkeys(keys))) == sorted(keys)

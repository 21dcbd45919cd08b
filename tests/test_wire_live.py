"""JSON as qscope.serve reads and prints it against a real QEMU: every reply is byte for byte equal.

The truth is what the QEMU that QSCOPE_QEMU names answers; its release decides on the dialect.
"""

import json
import sys

import pytest
from hypothesis import given, settings

from qscope.serve.wire.stream import JSONDialect
from tests.qemu_monitor import run_monitor
from tests.wire_replies import ModelMonitor
from tests.wire_strategies import CHARACTERS, ESCAPES, NUMBERS, anything

pytestmark = pytest.mark.live

_LONG = b"x" * 70_000
_STRANGE = [
    *(b"null", b"42", b"[]", b'"x"', b"true false", b"{}{}", b"{}{", b"{]", b"[}", b"{]}", b"[{]}"),
    *(b"}", b"]", b",", b":", b"{,}", b"[,1]", b"[1,]", b'{"a":1,}', b'{"a"}', b'{"a":}', b"{1:2}"),
    *(b"{[1]:2}", b"{{}:2}", b'{{"a":1,"a":2}:3}', b'{"a":1,"a":2}', b'{"a" 1}', b"[1 2]"),
    *(b'{"a":1 "b":2}', b'{"a":1]', b'[{"a":[}]]', b"{'a':1,\"a\":2}", b'{"a":nul}'),
    *(b"/* */ {}", b"// x\n{}", b"# x\n{}", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
    *(b"A B\tC\rD\nE", b"\xff{}", b"\xff\xff", b"x\xfe{}", b'"a\nb"', b'"a\tb"', b"?" + _LONG),
    *(b'"' + _LONG + b"\xff", b"'" + b"\xc3" * 100 + b"\x00", _LONG, b'"\xff' + _LONG, b"0.5.5"),
    *(b"\n\n  {\n}\n", b"\t\r\n\t[\r\n}", b"{}01{}", b"null01x null", b"--1", b"1-1", b"true1"),
    *(b'{"\xc0\x80":1,"\\u0000":2}', b'{"a":"\\u0\xc3\xa9"}', b'"\\u\xc3\xa9\xc3\xa9"'),
    *([b'{"execute":"no-such","id":%b}' % (b"[" * depth + b"]" * depth) for depth in (1023, 1024)]),
    b'{"a":' * 1024 + b"1" + b"}" * 1024,
    b'{"a":' * 1025,
]


def echo(value):
    return b'{"execute":"no-such","id":' + value + b"}"


_ROWS = [
    *_STRANGE,
    *(echo(number) for number in NUMBERS),
    *NUMBERS,
    *(echo(b'"' + part + b'"') for part in CHARACTERS + ESCAPES),
    *(echo(b"'x" + part + b"'") for part in CHARACTERS + ESCAPES),
    *CHARACTERS,
    *(bytes([byte]) for byte in range(256)),
    *(b'{"id":"%c"}' % byte for byte in range(256)),
    *(b'{"id":"\\%c"}' % byte for byte in range(256)),
]


@pytest.fixture(scope="module")
def pair(qemu, tmp_path_factory):
    """Return a real monitor, negotiated, and the model of it."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(before + 10_000)  # to sort the keys of what is 1024 levels deep
    with run_monitor(qemu, tmp_path_factory.mktemp("monitor")) as monitor:
        yield monitor, start_model(monitor)
    sys.setrecursionlimit(before)


def start_model(monitor, *, oob=False):
    enable = b'"enable": ["oob"]' if oob else b""
    monitor.ask(b'{"execute": "qmp_capabilities", "arguments": {%b}}' % enable)
    sent = monitor.sent
    status = json.loads(monitor.ask(b'{"execute": "query-status"}')[0])["return"]
    dialect = JSONDialect.V11_1 if monitor.version >= (11, 1) else JSONDialect.V2_5
    model = ModelMonitor(status=status, dialect=dialect, oob=oob)
    model.answer(sent + monitor.sent)
    return model


def test_rows(pair):
    monitor, model = pair
    for row in _ROWS:
        truth = monitor.ask(row)
        assert model.answer(monitor.sent) == truth, row[:100]


@given(data=anything)
@settings(max_examples=500, deadline=None)
def test_any_bytes(pair, data):
    monitor, model = pair
    truth = monitor.ask(data)
    assert model.answer(monitor.sent) == truth


_OOB_MEMBERS = [
    *('"execute":"query-status"', '"execute":"no-such"', '"execute":null'),
    *('"exec-oob":"query-status"', '"exec-oob":"no-such"', '"exec-oob":1'),
    *('"id":1', '"arguments":{}', '"arguments":null', '"extra":1', '"":1'),
]


def test_every_pair_of_members_with_oob(qemu, tmp_path):
    with run_monitor(qemu, tmp_path) as monitor:
        model = start_model(monitor, oob=True)
        for one in _OOB_MEMBERS:
            for other in _OOB_MEMBERS:
                truth = monitor.ask(f'{{{one},"a":1,{other}}}{{{one},{other}}}{{{one}}}'.encode())
                # What is out of band overtakes the faults around it.
                assert sorted(model.answer(monitor.sent)) == sorted(truth), (one, other)

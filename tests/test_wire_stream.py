"""Bytes to JSON values and faults: tables of what QEMU says, and laws that hold for any bytes.

The tables are what QEMU 7.2 and 11.1 were measured to say; tests/test_wire_live.py asks them.
"""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qscope.serve.wire.stream import Fault, JSONDialect, JSONStream, Parsed
from tests.wire_strategies import anything, echoes, messages, values

_OLD, _NEW = JSONDialect.V2_5, JSONDialect.V11_1
_PREFIX = "JSON parse error, "


def read(data, dialect=_OLD, *, size=None, **limits):
    """Return every value and fault in bytes, fed whole or in pieces of a size."""
    return list(read_on(JSONStream(dialect, **limits), data, size or len(data) or 1))


def read_on(stream, data, size):
    for start in range(0, len(data), size):
        stream.feed(data[start : start + size])
        yield from iter(stream.take, None)


def read_exactly(data, dialect=_OLD):
    """Return the same, with no help from Python's parser."""
    stream = JSONStream(dialect)
    stream.feed(data)
    outcomes: list[Any] = []
    while True:
        stream._is_plain = False
        if (outcome := stream.take()) is None:
            return outcomes
        outcomes.append(outcome)


def show(outcomes):
    """Return values as they are, and faults as what follows their common prefix."""
    return [
        outcome.value if isinstance(outcome, Parsed) else (outcome.desc.removeprefix(_PREFIX),)
        for outcome in outcomes
    ]


def same(one, other):
    """Whether outcomes are equal, true and 1, 1 and 1.0, 0.0 and -0.0 being different."""
    return repr(one) == repr(other)


@pytest.mark.parametrize(
    ("data", "values"),
    [
        (b"", []),
        (b" \t\r\n", []),
        (b"null", []),
        (b"null ", [None]),
        (b"null null{}{}[]", [None, None, {}, {}, []]),
        (b"\"a\"'b'1 ", ["a", "b", 1]),
        (b'{"execute"', []),
        (b'{"execute"\n:\r\n"x"\n}', [{"execute": "x"}]),
        (b"{'a':'\"',\"b\":\"'\"}", [{"a": '"', "b": "'"}]),
        (b"'\\'\\\"\\\\\"'", ['\'"\\"']),
        (b"[true,false,null]", [[True, False, None]]),
        (b"[0,-0,1.0,-0.0,1e2,1E+2,1e-2]", [[0, 0, 1.0, -0.0, 100.0, 100.0, 0.01]]),
        (b"[9223372036854775807,18446744073709551615]", [[2**63 - 1, 2**64 - 1]]),
        (b"[18446744073709551616,-9223372036854775809]", [[float(2**64), -float(2**63)]]),
        (b"[1e400,-1e400,1" + b"0" * 400 + b"]", [[float("inf"), -float("inf"), float("inf")]]),
        (b'"\x7f\\u0000\xc0\x80"', ["\x7f\0\0"]),
        (b'"\\ud83d\\ude00\xf0\x9f\x98\x80"', ["\U0001f600\U0001f600"]),
        (b'{"a":{"a":[{"a":1}]}}', [{"a": {"a": [{"a": 1}]}}]),
        (b'{"\\u0000":1,"":2,"\\u0061":3}', [{"\0": 1, "": 2, "a": 3}]),
    ],
)
@pytest.mark.parametrize("dialect", [_OLD, _NEW])
def test_values(data, values, dialect):
    assert same(show(read(data, dialect)), values)


@pytest.mark.parametrize(
    ("data", "outcomes"),
    [
        # What is no token costs an error, and so may each part of what follows it.
        (b"01}", [("stray '01'",), ("expecting value",)]),
        (b"1.}", [("stray '1.}'",)]),
        (b"-x,", [("stray '-x'",), ("expecting value",)]),
        (b".5 ", [("stray '.'",)]),
        (b"+1 ", [("stray '+'",)]),
        (b"0x10 ", [0, ("invalid keyword 'x'",), 10]),
        (b"0e5 ", [0, ("invalid keyword 'e'",), 5]),
        (b"True\n1 ", [("stray 'T'",), 1]),
        (b"nan ", [("invalid keyword 'nan'",)]),
        (b"%p", [("stray '%'",)]),
        (b"/* x */ {}", [("stray '/'",), {}]),
        (b"\xef\xbb\xbf{}", [("stray '\ufffd'",), {}]),
        (b"\xff{}", [("stray '\ufffd'",), {}]),
        (b"\xff\xff", [("stray '\ufffd'",), ("stray '\ufffd'",)]),
        (b"\x00", [("stray ''",)]),
        (b'"ab\x00', [("stray '\"ab'",)]),
        (b'"a\tb"', [("stray '\"a\t'",)]),
        (b'{"a\nb":{}', [("stray '\"a\n'",), ("expecting value",), {}]),
        (
            b"GET / HTTP/1.1\r\nHost: x\r\n",
            [("stray 'G'",), ("stray 'H'",), ("expecting value",), ("invalid keyword 'x'",)],
        ),
        # What is no value costs one, when its brackets balance or one kind is closed too often.
        (b"}", [("expecting value",)]),
        (b",:", [("expecting value",), ("expecting value",)]),
        (b"{]", [("expecting value",)]),
        (b"[}", [("expecting value",)]),
        (b"[{]", []),
        (b"[{]}", [("expecting value",)]),
        (b"{,}", [("expecting value",)]),
        (b"[,]", [("expecting value",)]),
        (b"[1,]", [("expecting value",)]),
        (b'{"a":1,}', [("expecting value",)]),
        (b'{"a"}', [("missing : in object pair",)]),
        (b'{"a":}', [("expecting value",)]),
        (b"{1:2}", [("key is not a string in object",)]),
        (b"{[1]:2}", [("key is not a string in object",)]),
        (b"{{,}:2}", [("expecting value",)]),
        (b"[1 2]", [("expected separator in list",)]),
        (b'{"a":1 "b":2}', [("expected separator in dict",)]),
        (b'{"a":1]', [("expected separator in dict",)]),
        (b'{"a":1,"\\u0061":2}', [("duplicate key",)]),
        (b'{"a":{"b":1,"b":2},"a":nul}', [("duplicate key",)]),
        (b"[nul,01,]", [("stray '01'",), ("expecting value",), ("expecting value",)]),
        (b"x" * 2000 + b" ", [(f"invalid keyword '{'x' * 1006}",)]),
    ],
)
def test_faults(data, outcomes):
    assert show(read(data)) == outcomes


@pytest.mark.parametrize(
    ("data", "outcomes"),
    [
        (b"01}", ["1:1: stray '01'", "1:4: expecting value"]),
        # A column late: what ends before a byte is not ended before that byte is counted.
        (b"[1}", ["1:4: expected ',' or ']'"]),
        (b"[1 }", ["1:4: expected ',' or ']'"]),
        (b"[1\n}", ["2:1: expected ',' or ']'"]),
        (b'[""}', ["1:4: expected ',' or ']'"]),
        (b"[1true:", ["1:4: expected ',' or ']'"]),
        (b"? ?,", ["1:1: stray '?'", "1:5: expecting value"]),
        (b"?\n,", ["1:1: stray '?'", "2:1: expecting value"]),
        (b"?\x01", ["1:1: stray '?'", "1:3: stray '\x01'"]),
        (b'\n\n {"a":}', ["3:7: expecting value"]),
        (b"{,}", ["1:2: expecting key"]),
        (b'{"a":1,}', ["1:8: expecting key"]),
        (b"{1:2}", ["1:2: expecting key"]),
        (b'{"a"}', ["1:5: expecting ':'"]),
        (b'{"a":1]', ["1:8: expected ',' or '}'"]),
        (b"[1 2]", ["1:4: expected ',' or ']'"]),
        (b'{"a":1,"a":{}}', ["1:13: duplicate key"]),
        (b"{]{}", ["1:2: expecting key"]),
        (b"[{]}", ["1:3: expecting key"]),
        (b"[{] nonsense 01}", ["1:3: expecting key"]),
        (b"[{] nonsense \x01", ["1:3: expecting key"]),
        (b'{}\r\n{"a":\n"\\x"}', ["3:1: invalid escape sequence in string"]),
        (b"?" * 2000 + b"\n" + b'"' + b"y" * 2000 + b"\x00", ["1:1: stray '?'"]),
        (b'"' + b"y" * 2000 + b"\x00", [f"1:1: stray '\"{'y' * 1015}"]),
    ],
)
def test_faults_of_11_1(data, outcomes):
    found = [outcome for outcome in read(data, _NEW) if isinstance(outcome, Fault)]
    place = (outcome.split(": ", 1) for outcome in outcomes)
    expected = [f"{where}: {_PREFIX}{text}" for where, text in place]
    assert [fault.desc for fault in found][: len(expected)] == expected


def test_11_1_passes_over_the_rest_of_what_is_faulty():
    assert same(read(b"[1 2 {x} {nul}]{}", _NEW)[1:], [Parsed({})])


@pytest.mark.parametrize(("dialect", "replies"), [(_OLD, 1026), (_NEW, 1)])
def test_deeper_than_the_limit(dialect, replies):
    deep = b'{"id":' + b"[" * 1024 + b"]" * 1024 + b"}"
    outcomes = read(deep, dialect)
    assert outcomes[0] == Fault("JSON nesting depth limit exceeded")
    assert len(outcomes) == replies


@pytest.mark.parametrize("dialect", [_OLD, _NEW])
@pytest.mark.parametrize("open_", [b"[", b'{"a":'])
def test_as_deep_as_the_limit(dialect, open_):
    close = {b"[": b"]", b'{"a":': b"}"}[open_]
    (outcome,) = read(open_ * 1024 + b"1" + close * 1024, dialect)
    value = outcome.value
    for _ in range(1024):
        value = value[0] if isinstance(value, list) else value["a"]
    assert value == 1


@pytest.mark.parametrize(
    ("limits", "data", "outcomes"),
    [
        ({"max_tokens": 5}, b"[1,2] ", [[1, 2]]),
        ({"max_tokens": 5}, b"[1,2,{", [("JSON token count limit exceeded",)]),
        ({"max_bytes": 6}, b"[1,2] ", [[1, 2]]),
        ({"max_bytes": 5}, b"[1,2 ] ", [("JSON token size limit exceeded",)]),
        ({"max_bytes": 5}, b'"abc" ', [("JSON token size limit exceeded",)]),
        ({"max_bytes": 5}, b'"ab"  ', ["ab"]),
        ({"max_bytes": 5}, b'"abcde" ', [("JSON token size limit exceeded",)]),
        ({"max_bytes": 5}, b"1234567890", [("JSON token size limit exceeded",)]),
        ({"max_bytes": 5}, b"123456,", [("JSON token size limit exceeded",), ("expecting value",)]),
        (
            {"max_bytes": 5},
            b'"abcdtrue ',
            [("JSON token size limit exceeded",), ("invalid keyword 'rue'",)],
        ),
        ({"max_bytes": 5}, b"          1 ", [1]),
        ({"max_depth": 2}, b"[[1]] ", [[[1]]]),
        ({"max_depth": 2}, b'{"[[[":"{{"}', [{"[[[": "{{"}]),
        ({"max_depth": 1}, b'{"a":{', [("JSON nesting depth limit exceeded",)]),
        (
            {"max_depth": 1},
            b'{"a":{}',
            [("JSON nesting depth limit exceeded",), ("expecting value",)],
        ),
    ],
)
def test_limits(limits, data, outcomes):
    for size in (None, 1, 2, 3):
        assert show(read(data, size=size, **limits)) == outcomes


@pytest.mark.parametrize(
    ("limits", "desc"),
    [
        ({"max_bytes": 5}, "JSON token size limit exceeded"),
        ({"max_tokens": 6}, "JSON token count limit exceeded"),
        ({"max_depth": 1}, "JSON nesting depth limit exceeded"),
    ],
)
def test_limits_of_11_1_cost_one_fault_without_a_place(limits, desc):
    data = b"[[1],[2],[3,4,5],'6']true "
    assert read(data, _NEW, **limits) == [Fault(desc), Parsed(value=True)]


@given(data=anything, size=st.integers(1, 9), dialect=st.sampled_from(JSONDialect))
def test_the_pieces_do_not_matter(data, size, dialect):
    assert same(read(data, dialect, size=size), read(data, dialect))


@given(data=anything, dialect=st.sampled_from(JSONDialect))
def test_the_quick_way_changes_nothing(data, dialect):
    assert same(read(data, dialect), read_exactly(data, dialect))


_TEMPTING = [
    *(
        b'{"a":1,"a":2}',
        b'{"a":0e5}',
        b'{"a":-0E5}',
        b'{"a":0.0e5}',
        b'{"a":NaN}',
        b'{"a":Infinity}',
    ),
    *(b'{"a":-Infinity}', b'{"a":"\\ud800"}', b'{"a":"\\uffff"}', b'{"a":"\xe9"}', b'{"a":"\x7f"}'),
    *(b'{"a":18446744073709551616}', b'{"a":-9223372036854775809}', b'{"a":1e999}', b'{"a":01}'),
    *(b'{"a":"\xc3\xa9"}', b'{"a":"\t"}', b"{'a':1}", b'{"a":-0}', b'{"a":1.}', b'{"a":"\\/\\b"}'),
    *(
        b'{"a":"\\\\u0041"}',
        b'{"a":"\\\\\\u0041"}',
        b'{"a" :\r\n1\t, "b":{} } {"c":[]}',
        b'{"a":\x0b1}',
    ),
    b'{"a":' * 100 + b"1" + b"}" * 100,
]


@pytest.mark.parametrize("data", _TEMPTING)
def test_what_tempts_the_quick_way(data):
    assert same(read(data), read_exactly(data))


@given(data=anything, dialect=st.sampled_from(JSONDialect))
def test_what_follows_garbage_is_read(data, dialect):
    last = read(data + b"\x00{}", dialect)[-1]
    assert last == Parsed({})


@given(data=echoes | messages | values)
def test_what_is_right_is_the_same_in_both_dialects(data):
    old = read(data + b"\n")
    if all(isinstance(outcome, Parsed) for outcome in old):
        assert same(read(data + b"\n", _NEW), old)
    else:
        assert not all(isinstance(outcome, Parsed) for outcome in read(data + b"\n", _NEW))


class TestBetween:
    def test_a_stream_is_between_at_first_and_behind_each_value(self):
        stream = JSONStream()
        assert stream.is_between
        for piece, is_between in [(b"{", False), (b"}", True), (b"[]\n", False), (b" ", True)]:
            stream.feed(piece)
            stream.take()
            if piece == b" ":
                assert stream.take() is None
            assert stream.is_between == is_between

    @pytest.mark.parametrize("data", [b"nul", b'"', b"[", b"1", b"?", b"{]", b"\xff", b"x"])
    def test_it_is_not_while_something_is_begun(self, data):
        stream = JSONStream()
        stream.feed(data)
        while stream.take() is not None:
            pass
        assert stream.is_between == (data == b"{]")

    def test_unread_bytes_are_not_lexed(self):
        stream = JSONStream()
        stream.feed(b"{}{}")
        assert stream.take() == Parsed({})
        assert (stream.is_between, stream.pending) == (False, 2)

    def test_bytes_that_others_took_count_for_places(self):
        stream = JSONStream(_NEW)
        for taken in (b"{}\n", b'{"a":1}', b"{}\r\n\r\n{}"):
            stream.pass_over(taken)
        stream.feed(b"\n,")
        assert stream.take() == Fault(f"5:1: {_PREFIX}expecting value")
        stream.pass_over(b"   ")
        stream.feed(b" ,")
        assert stream.take() == Fault(f"5:6: {_PREFIX}expecting value")


class TestPending:
    @pytest.mark.parametrize(
        ("data", "pending"),
        [
            (b"", 0),
            (b"{}", 0),
            (b"{}   ", 0),
            (b'{"abc"', 6),
            (b'{ "abc" :', 7),
            (b'["abc', 5),
            (b"12345", 5),
            (b"?" * 1000, 0),
            # A faulty value is not kept, however long it is.
            (b"[1 2 3 4 5,", 0),
        ],
    )
    def test_bytes_of_the_unfinished_value(self, data, pending):
        stream = JSONStream()
        stream.feed(data)
        while stream.take() is not None:
            pass
        assert stream.pending == pending


@pytest.mark.parametrize("dialect", [_OLD, _NEW])
@pytest.mark.parametrize(
    "part",
    [
        b"x",
        b"1",
        b'"\\"',
        b"'\xff",
        b"?",
        b"01",
        b" ",
        b"\\",
        b"0.",
        b"1e",
        b'"\xc3',
        b"{{",
        b'{"a":',
    ],
)
def test_garbage_is_read_however_it_is_cut(part, dialect):
    """Small pieces of long garbage: what grows with the square of its length would take minutes."""
    data = part * (100_000 // len(part))
    stream = JSONStream(dialect)
    count = sum(1 for _ in read_on(stream, data, 7))
    assert count <= len(data)
    assert stream.pending <= len(data)


def test_a_long_string_in_many_pieces():
    body = b"\\n\xc3\xa9x" * 200_000
    expected = Parsed({"a": "\n\xe9x" * 200_000})
    assert read(b'{"a":"' + body + b'"}', size=1000) == [expected]

"""Bytes that are nearly JSON: pieces of it in any order, and messages that have gone bad."""

from hypothesis import strategies as st

_MARKS = [bytes([byte]) for byte in b"{}[]:,"] + [b" ", b"\n", b"\t", b"\r", b"\r\n"]
NUMBERS = [
    *(b"0", b"-0", b"01", b"00", b"-1", b"12", b"-", b"+1", b".5", b"1.", b"1.5", b"-0.0", b"0x10"),
    *(b"1e5", b"1E-2", b"1e+3", b"1e", b"1e+", b"0e1", b"0.0e1", b"1.e1", b"1e400", b"-1e400"),
    *(b"9223372036854775807", b"9223372036854775808", b"18446744073709551615"),
    *(b"18446744073709551616", b"-9223372036854775808", b"-9223372036854775809"),
    *(b"123456789012345678901234567890", b"0.1", b"5e-324", b"1e-400", b"100000.0", b"1e22"),
]
_WORDS = [b"true", b"false", b"null", b"nul", b"nan", b"True", b"NaN", b"Infinity", b"x" * 1100]
# What may be within a string or be astray.
CHARACTERS = [
    *(b"a", b"\x7f", b"/", b"%p", b"\x00", b"\x01", b"\x0b", b"\x1f", b"\xef\xbb\xbf", b"\xc2\xa0"),
    *(b"\xff", b"\xfe", b"\x80", b"\xc0\x80", b"\xc1\x81", b"\xc3\xa9", b"\xe2\x82\xac"),
    *(b"\xe2\x82", b"\xed\xa0\x80", b"\xef\xbf\xbe", b"\xef\xb7\x90", b"\xef\xb7\xb0"),
    *(b"\xf0\x9f\x98\x80", b"\xf0\x9f\xbf\xbf", b"\xf4\x8f\xbf\xbd", b"\xf4\x90\x80\x80"),
    *(b"\xf8\x88\x80\x80\x80", b"\xfc\x84\x80\x80\x80\x80", b"\xe0\x80\x80", b"\xf0\x80\x80\x80"),
]
ESCAPES = [
    *(b"\\u0041", b"\\u00e9", b"\\u0000", b"\\u001F", b"\\ufffd", b"\\uFFFE", b"\\uffff"),
    *(b"\\ufdcf", b"\\uFDD0", b"\\ufdef", b"\\ufdf0", b"\\ud7ff", b"\\ud800", b"\\udc00"),
    *(b"\\ud83d\\ude00", b"\\uD83F\\uDFFE", b"\\udbff\\udfff", b"\\ud800\\u", b"\\uD800\\uDBFF"),
    *(b"\\u", b"\\u1", b"\\u12", b"\\u123", b"\\u123g", b"\\a", b"\\x41", b"\\0", b"\\U0041"),
    *(b'\\"', b"\\'", b"\\\\", b"\\/", b"\\b", b"\\f", b"\\n", b"\\r", b"\\t", b"\\"),
]
_STRINGS = [b'""', b"''", b'"a"', b"'b'", b'"execute"', b"'id'", b'"arguments"', b'"no-such"']
_MESSAGES = [
    b'{"execute":"no-such"}',
    b'{"execute":"query-status"}',
    b'{"execute":"no-such","id":{"a":[1,2.5,"x\\u00e9\\\\"],"b":null}}',
    b"{'execute':'no-such','id':'\\''}",
    b'{"execute": "no-such",\n "id": [true, false, null, "\xf0\x9f\x98\x80", -0.0]}\r\n',
    b'{"execute":"no-such","id":[',
    b'{"execute":"no-such","id":"',
    b'{"execute":"no-such","id":{"a":',
]

_pieces = st.one_of(
    st.sampled_from([*_MARKS, b'"', b"'", b"?"]),
    st.sampled_from(NUMBERS + _WORDS),
    st.sampled_from(CHARACTERS),
    st.sampled_from(ESCAPES),
    st.sampled_from(_STRINGS + _MESSAGES),
    st.binary(min_size=1, max_size=3),
)
heaps = st.lists(_pieces, max_size=20).map(b"".join)


def _quote(quote):
    body = st.lists(st.sampled_from(CHARACTERS + ESCAPES) | st.binary(max_size=2), max_size=5)
    return body.map(lambda parts: quote + b"".join(parts) + quote)


strings = _quote(b'"') | _quote(b"'")
_scalars = st.sampled_from(NUMBERS + _WORDS) | strings
_keys = st.sampled_from([b'"a"', b'"b"', b"'a'", b'"execute"', b'"id"', b'""', b'"\xc3\xa9"'])
values = st.recursive(
    _scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: b"[" + b",".join(items) + b"]"),
        st.lists(st.tuples(_keys, inner).map(b": ".join), max_size=3).map(
            lambda pairs: b"{" + b", ".join(pairs) + b"}"
        ),
    ),
    max_leaves=8,
)
echoes = values.map(lambda value: b'{"execute":"no-such","id":' + value + b"}")

_members = st.one_of(
    st.sampled_from([b'"execute":"no-such"', b'"execute":"query-status"', b'"execute":1']),
    st.sampled_from([b'"arguments":{}', b'"arguments":[]', b'"arguments":{"b":1}']),
    st.sampled_from([b'"exec-oob":"no-such"', b'"extra":1', b'"EXECUTE":"x"', b'"a\\u0000":1']),
    values.map(lambda value: b'"id":' + value),
)
messages = st.lists(_members, max_size=4).map(lambda members: b"{" + b",".join(members) + b"}")


@st.composite
def damaged(draw):
    """Draw a message that some bytes were lost from, changed in, or put into."""
    data = draw(st.sampled_from([message for message in _MESSAGES if b"query" not in message]))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(start + 3, len(data))))
        data = data[:start] + draw(_pieces | st.just(b"")) + data[end:]
    return data


anything = st.one_of(heaps, echoes, messages, damaged(), values)

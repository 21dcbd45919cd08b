"""JSON strings as QEMU decodes them: every way to be wrong has its text, and both ways agree."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qscope.serve.wire.lexer import STRING, Lexer
from qscope.serve.wire.strings import (
    INVALID_CHARACTER,
    StringError,
    decode_output,
    decode_string,
    find_wrong,
)
from tests.wire_strategies import CHARACTERS, strings

_ESCAPE = "invalid escape sequence in string"
_UTF8 = "invalid UTF-8 sequence in string"


def decode(data):
    return decode_string(data.decode("latin-1"))


@pytest.mark.parametrize(
    ("token", "value"),
    [
        (b'""', ""),
        (b"''", ""),
        (b'"\'"', "'"),
        (b"'\"'", '"'),
        (b'"\\\'\\"\\\\\\/"', "'\"\\/"),
        (b"'\\'\\\"\\\\\\/'", "'\"\\/"),
        (b"'\\\\\\\\'", "\\\\"),
        (b"'\\\\\\''", "\\'"),
        (b'"\\b\\f\\n\\r\\t"', "\b\f\n\r\t"),
        (b'"\x7f"', "\x7f"),
        (b'"\xc0\x80"', "\0"),
        (b'"\\\\\xc0\x80"', "\\\0"),
        (b"'\\\\u0041\\u0041'", "\\u0041A"),
        (b'"\\u0000"', "\0"),
        (b'"\\u00e9\\u00E9\xc3\xa9"', "\xe9\xe9\xe9"),
        (b'"\\ud7ff\\ue000\xed\x9f\xbf\xee\x80\x80"', "\ud7ff\ue000\ud7ff\ue000"),
        (b'"\\ufdcf\\ufdf0\\ufffd"', "\ufdcf\ufdf0\ufffd"),
        (b'"\\ud83d\\ude00\xf0\x9f\x98\x80"', "\U0001f600\U0001f600"),
        (b'"\\uDBFF\\uDFFD\xf4\x8f\xbf\xbd"', "\U0010fffd\U0010fffd"),
        (
            b'"\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbd\xf0\x90\x80\x80"',
            "\x80\u07ff\u0800\ufffd\U00010000",
        ),
    ],
)
def test_right(token, value):
    assert decode(token) == value


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"\\a", _ESCAPE),
        (b"\\x41", _ESCAPE),
        (b"\\0", _ESCAPE),
        (b"\\U0041", _ESCAPE),
        (b"\\\xc3\xa9", _ESCAPE),
        (b"\\\xc0\x80", _ESCAPE),
        (b"\\ ", _ESCAPE),
        # The first fault counts.
        (b"\\a\xff\\ud800", _ESCAPE),
        (b"\x80\\a", _UTF8),
        (b"\\ud800\\a", "\\ud800 is not a valid Unicode character"),
        (b"\x80", _UTF8),
        (b"\xc3", _UTF8),
        (b"\xc3x", _UTF8),
        (b"\xc1\x81", _UTF8),
        (b"\xe0\x80\x80", _UTF8),
        (b"\xe2\x82", _UTF8),
        (b"\xed\xa0\x80", _UTF8),
        (b"\xef\xb7\x90", _UTF8),
        (b"\xef\xbf\xbe", _UTF8),
        (b"\xf0\x80\x80\x80", _UTF8),
        (b"\xf0\x9f\xbf\xbe", _UTF8),
        (b"\xf4\x90\x80\x80", _UTF8),
        (b"\xf8\x88\x80\x80\x80", _UTF8),
        (b"\\ud800", "\\ud800 is not a valid Unicode character"),
        (b"\\uDFff\\ud800", "\\uDFff is not a valid Unicode character"),
        (b"\\ud800x", "\\ud800 is not a valid Unicode character"),
        (b"\\ud800\\ud800", "\\ud800 is not a valid Unicode character"),
        (b"\\ud800\\u", "\\ud800 is not a valid Unicode character"),
        (b"\\ufffe", "\\ufffe is not a valid Unicode character"),
        (b"\\uFDD0", "\\uFDD0 is not a valid Unicode character"),
        (b"\\ud83f\\udfff", "\\ud83f\\udfff is not a valid Unicode character"),
        (b"\\u004g", "\\u004g is not a valid Unicode character"),
        (b"\\u12xyz", "\\u12xy is not a valid Unicode character"),
        (b"\\u12", '\\u12" is not a valid Unicode character'),
        (b"\\u", '\\u" is not a valid Unicode character'),
    ],
)
def test_wrong(body, fault):
    with pytest.raises(StringError) as error:
        decode(b'"good \\n' + body + b'"')
    assert str(error.value) == fault


def find_tokens(data):
    """Yield the strings in bytes, as the lexer cuts them."""
    lexer = Lexer(1 << 20)
    lexer.feed(data)
    while (kind := lexer.read()) is not None:
        if kind == STRING:
            yield lexer.text


@given(data=strings)
def test_both_ways_agree_on_what_is_right(data):
    """What the codecs refuse has a fault that the pattern finds, and the other way round."""
    for text in find_tokens(data):
        is_right = find_wrong(text) == len(text) - 1
        try:
            decoded = decode_string(text)
        except StringError:
            assert not is_right
        else:
            assert is_right
            assert not INVALID_CHARACTER.search(decoded)


@given(text=st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.just("\x7f")))
def test_what_is_right_is_what_was_meant(text):
    if INVALID_CHARACTER.search(text):
        return
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    assert decode(f'"{quoted}"'.encode()) == text
    escaped = "".join(f"\\u{unit:04x}" for unit in memoryview(text.encode("utf-16-le")).cast("H"))
    assert decode(f"'{escaped}'".encode()) == text


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"plain\n\x7f", "plain\n\x7f"),
        (b"\xc3\xa9\xf0\x9f\x98\x80", "\xe9\U0001f600"),
        (b"\xc0\x80", "\0"),
        # One sign for each byte that begins nothing, and one for a sequence, whole or not.
        (b"\x80\xbf\xfe\xff", "\ufffd\ufffd\ufffd\ufffd"),
        (b"\xe2\x82x\xc3\xc3", "\ufffdx\ufffd\ufffd"),
        (b"\xed\xa0\x80\xef\xbf\xbe\xc1\x81", "\ufffd\ufffd\ufffd"),
        (b"\xf8\x88\x80\x80\x80\x80", "\ufffd\ufffd"),
        (b"\xfc\x84\x80\x80\x80\x80\x80", "\ufffd\ufffd"),
    ],
)
def test_output(data, text):
    assert decode_output(data.decode("latin-1")) == text


@given(data=st.binary())
def test_output_can_always_be_sent(data):
    assert not INVALID_CHARACTER.search(decode_output(data.decode("latin-1")))


@given(data=st.lists(st.sampled_from(CHARACTERS), min_size=8).map(b"".join), size=st.integers(6, 9))
def test_long_output_is_cut_between_characters(data, size):
    text = data.decode("latin-1")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("qscope.serve.wire.strings._AT_ONCE", size)
        in_parts = decode_output(text)
    assert in_parts == decode_output(text)

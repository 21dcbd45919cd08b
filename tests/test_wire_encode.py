"""JSON as QEMU prints it: digits, escapes, blanks, and values as deep as the reader takes them."""

import enum
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qscope.serve.wire.encode import encode_value
from qscope.serve.wire.stream import JSONDialect, JSONStream, Parsed
from qscope.serve.wire.strings import INVALID_CHARACTER


class Word(enum.StrEnum):
    ONE = "one"


class Number(enum.IntEnum):
    ONE = 1


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (-(2**63), "-9223372036854775808"),
        (2**64 - 1, "18446744073709551615"),
        (1.0, "1"),
        (-0.0, "-0"),
        (0.1, "0.10000000000000001"),
        (1e16, "10000000000000000"),
        (1e17, "1e+17"),
        (2.0**64, "1.8446744073709552e+19"),
        (1e-5, "1.0000000000000001e-05"),
        (5e-324, "4.9406564584124654e-324"),
        (float("inf"), "1e999"),
        (-float("inf"), "-1e999"),
        ("", '""'),
        ("a/'", '"a/\'"'),
        ('"\\\b\f\n\r\t', r'"\"\\\b\f\n\r\t"'),
        ("\0\x01\x0b\x1f\x7f", r'"\u0000\u0001\u000B\u001F\u007F"'),
        ("\xe9\u20ac\U0001f600", r'"\u00E9\u20AC\uD83D\uDE00"'),
        ("\\u00e9\xe9\\\xe9", r'"\\u00e9\u00E9\\\u00E9"'),
        ("\ufffe\ud800\ufdd0", r'"\uFFFD\uFFFD\uFFFD"'),
        ([], "[]"),
        ({}, "{}"),
        ([[], {}, [1, "a"]], '[[], {}, [1, "a"]]'),
        ({"b": 1, "a": {"": []}}, '{"b": 1, "a": {"": []}}'),
        ((1, (2,)), "[1, [2]]"),
        ([Word.ONE, Number.ONE], '["one", 1]'),
        ({Word.ONE: None}, '{"one": null}'),
    ],
)
def test_text(value, text):
    assert encode_value(value) == text.encode()


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        (1, ["1"]),
        ({}, ["{", "}"]),
        ([{}, []], ["[", "    {", "    },", "    [", "    ]", "]"]),
        (
            {"return": {"a": [1, None]}, "id": "x"},
            [
                "{",
                '    "return": {',
                '        "a": [',
                "            1,",
                "            null",
                "        ]",
                "    },",
                '    "id": "x"',
                "}",
            ],
        ),
    ],
)
def test_pretty(value, lines):
    assert encode_value(value, pretty=True).decode().split("\n") == lines


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (float("nan"), ValueError),
        ([{"a": float("nan")}], ValueError),
        (b"bytes", TypeError),
        ([{1, 2}], TypeError),
        ({1: 2}, TypeError),
        ({None: 2}, TypeError),
        ({"a": object()}, TypeError),
    ],
)
@pytest.mark.parametrize("pretty", [False, True])
def test_what_is_no_json(value, error, pretty):
    with pytest.raises(error):
        encode_value(value, pretty=pretty)


def test_what_is_printed_is_not_changed():
    value = {"a": [1, {"b": []}]}
    encode_value(value)
    assert value == {"a": [1, {"b": []}]}


@pytest.mark.parametrize("pretty", [False, True])
def test_depth(pretty):
    value: Any = {"end": 1}
    for _ in range(2000):
        value = [{"a": value}]
    text = encode_value(value, pretty=pretty)
    assert text.count(b"[") == text.count(b"]") == 2000


_texts = st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from("\0\x1f\x7f\"'\\/é")
).filter(lambda text: not INVALID_CHARACTER.search(text))
_numbers = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False)
_values = st.recursive(
    st.none() | st.booleans() | _numbers | _texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_texts, inner, max_size=4),
    max_leaves=15,
)


@given(value=_values, pretty=st.booleans(), dialect=st.sampled_from(JSONDialect))
def test_what_is_printed_is_read(value, pretty, dialect):
    text = encode_value(value, pretty=pretty)
    stream = JSONStream(dialect)
    stream.feed(text + b"\n")
    (parsed,) = iter(stream.take, None)
    # A float that is whole is printed, and so comes back, as an integer.
    assert parsed == Parsed(value)


@given(value=_values, pretty=st.booleans())
def test_others_read_the_same(value, pretty):
    text = encode_value(value, pretty=pretty)
    assert all(0x20 <= byte < 0x7F or byte == 0x0A for byte in text)
    assert json.loads(text) == value

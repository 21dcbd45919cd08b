"""Numbers, sizes, booleans, JSON and -cpu as QEMU reads them; rows measured on 5.2 to 11.1."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qscope.ask.syntax.cpu import Feature, Form, parse_cpu, render_cpu
from qscope.ask.syntax.json_text import parse_json_text, render_json_text
from qscope.ask.syntax.scalars import Dialect, parse_bool, parse_int, parse_size, parse_uint
from qscope.errors import ArgumentError

REFUSED = "refused"


def read(parse, *arguments):
    try:
        return parse(*arguments)
    except ArgumentError:
        return REFUSED


@pytest.mark.parametrize("text", ["on", "yes", "true", "y"])
def test_true_words(text):
    assert parse_bool(text) is True


@pytest.mark.parametrize("text", ["off", "no", "false", "n"])
def test_false_words(text):
    assert parse_bool(text) is False


@pytest.mark.parametrize("text", ["", "ON", "Yes", "1", "0", "t", "0n", "enable", " on", "on "])
def test_no_booleans(text):
    with pytest.raises(ArgumentError, match="'on' or 'off' is right"):
        parse_bool(text)


@pytest.mark.parametrize(
    ("text", "signed", "unsigned"),
    [
        ("0", 0, 0),
        ("0x1f", 31, 31),
        ("0X1F", 31, 31),
        ("010", 8, 8),
        ("0b11", 3, 3),
        (" 1", 1, 1),
        ("\t+1", 1, 1),
        ("-1", -1, (1 << 64) - 1),
        ("-0x10", -16, (1 << 64) - 16),
        ("9223372036854775807", (1 << 63) - 1, (1 << 63) - 1),
        ("9223372036854775808", REFUSED, 1 << 63),
        ("-9223372036854775808", -(1 << 63), 1 << 63),
        ("-9223372036854775809", REFUSED, (1 << 63) - 1),
        ("18446744073709551615", REFUSED, (1 << 64) - 1),
        ("18446744073709551616", REFUSED, REFUSED),
        ("-18446744073709551615", REFUSED, 1),
        ("-18446744073709551616", REFUSED, REFUSED),
        ("0" * 5000 + "7", 7, 7),
        ("9" * 5000, REFUSED, REFUSED),
        *[
            (bad, REFUSED, REFUSED)
            for bad in ["", " ", "x", "08", "1 ", "1\n", "- 1", "+ 1", "--1", "0x", "0b", "0b12"]
        ],
        *[
            (bad, REFUSED, REFUSED)
            for bad in ["1.0", "1e1", "1k", "1-3", "0o17", "1_000", "١", "\xa01", "on"]  # noqa: RUF001
        ],
    ],
)
def test_integers(text, signed, unsigned):
    assert (read(parse_int, text), read(parse_uint, text)) == (signed, unsigned)


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        # In the rules of 2.5 to 5.2, of 6.0 to 8.0, and since 8.1.
        ("0", 0),
        ("16", 16),
        ("010", 10),
        (" +16", 16),
        ("16B", 16),
        ("16b", 16),
        ("2k", 2048),
        ("1e", 1 << 60),
        ("1.5G", 3 << 29),
        ("1.M", 1 << 20),
        ("1.9K", (1945, 1946, 1946)),
        ("1.9999999999999999999", 2),
        ("0x10", 16),
        ("0X10", 16),
        ("0x10B", 0x10B),
        (".5G", (1 << 29, REFUSED, 1 << 29)),
        ("0x10M", (16 << 20, 16 << 20, REFUSED)),
        ("1e3", (1000, REFUSED, REFUSED)),
        ("1.5e1M", (15 << 20, REFUSED, REFUSED)),
        ("0x1p3", (8, REFUSED, REFUSED)),
        ("-0", (0, REFUSED, REFUSED)),
        ("15E", 15 << 60),
        ("18446744073709551615", (REFUSED, (1 << 64) - 1, (1 << 64) - 1)),
        ("1e999", (REFUSED, REFUSED, REFUSED)),
        *[
            (bad, REFUSED)
            for bad in ["16E", "18446744073709551616", "9" * 5000, "-1", "--1", "- 1", "", " ", "M"]
        ],
        *[
            (bad, REFUSED)
            for bad in [
                ".",
                ".M",
                "1.5",
                "1.5B",
                "0.1",
                "16 ",
                "16 M",
                "16MB",
                "16Mi",
                "1Z",
                "1.2.3",
            ]
        ],
        *[
            (bad, REFUSED)
            for bad in ["0x", "0xg", "0x1.8", "x10", "inf", "nan", "1. 5", "1.+5", "1,5"]
        ],
    ],
)
def test_sizes(text, sizes):
    expected = sizes if isinstance(sizes, tuple) else (sizes,) * 3
    assert tuple(read(parse_size, text, dialect) for dialect in Dialect) == expected


def test_sizes_are_read_as_the_newest_qemu_does():
    assert parse_size(".5G") == 1 << 29
    with pytest.raises(ArgumentError, match="'0x10M' is no size: a number and perhaps one of B, K"):
        parse_size("0x10M")


@given(st.integers(0, (1 << 64) - 1))
def test_numbers_and_sizes_read_what_python_prints(number):
    assert parse_uint(str(number)) == parse_uint(hex(number)) == parse_size(str(number)) == number


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{}", {}),
        ("[]", []),
        (' {"a" :\t[1 , -2.5e1,true,false,null]}\r\n', {"a": [1, -25.0, True, False, None]}),
        ("{'a': 'it''s'}", REFUSED),
        ("{'a': 'it\\'s \"b\"'}", {"a": 'it\'s "b"'}),
        (r'"\b\f\n\r\t\/\\\"\u0041\u0000"', '\b\f\n\r\t/\\"A\0'),
        (r'"\ud83d\ude00"', "\U0001f600"),
        ('"\x7f\u2028"', "\x7f\u2028"),
        ("18446744073709551615", (1 << 64) - 1),
        ("18446744073709551616", 18446744073709551616.0),
        ("-9223372036854775809", -9223372036854775809.0),
        ("-0", 0),
        ("1e400", math.inf),
        ("[" * 200 + "]" * 200, None),
        *[
            (bad, REFUSED)
            for bad in ["", " ", "{", "}", "[", "]", "{]", "[}", '"', '"a', "'a\"", '"\\"']
        ],
        *[
            (bad, REFUSED)
            for bad in ['{"a":1,}', '{,"a":1}', '{"a":1,,"b":2}', '{"a":1 "b":2}', '{"a" 1}']
        ],
        *[
            (bad, REFUSED)
            for bad in ['{"a":}', '{"a"}', "{a:1}", "{1:2}", "[1,]", "[,1]", "[1 2]", "[:]"]
        ],
        *[(bad, REFUSED) for bad in ['{"a":1,"a":1}', "{'a':1,\"a\":2}", r'{"a":1,"\u0061":2}']],
        *[(bad, REFUSED) for bad in ["{}{}", "{} x", "{};", "{}]", "1 2", "nullnull", '"a""b"']],
        *[
            (bad, REFUSED)
            for bad in ["01", "1.", ".5", "+1", "-", "1e", "0x10", "1a", "--1", "1_0"]
        ],
        *[
            (bad, REFUSED)
            for bad in ["NaN", "nan", "Infinity", "-inf", "True", "TRUE", "tru", "nul", "%d"]
        ],
        *[
            (bad, REFUSED)
            for bad in [r'"\a"', r'"\x41"', r'"\0"', r'"\u12"', r'"\u12g4"', '"\\\n"']
        ],
        *[(bad, REFUSED) for bad in [r'"\ud800"', r'"\udc00\ud800"', r'"\uffff"', r'"\ufdd0"']],
        *[(bad, REFUSED) for bad in [r'"\ud83f\udffe"', '"\ufffe"', '"\U0001fffe"', '"\udce9"']],
        *[
            (bad, REFUSED)
            for bad in ['"a\tb"', '"a\nb"', '"a\0b"', "\v1", "\f1", "\xa01", "\ufeff{}"]
        ],
        *[(bad, REFUSED) for bad in ["1//c\n", "/**/1", "#\n1", "[" * 201 + "]" * 201, "[" * 9999]],
    ],
)
def test_json(text, value):
    found = read(parse_json_text, text)
    if value is None:
        assert found != REFUSED
    else:
        assert found == value
        assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a":1,}', "JSON, line 1, column 8: unexpected '}'; a member's name in quotes is right"),
        ('{\n "a": x}', "JSON, line 2, column 7: unexpected 'x'; a value is right"),
        ('{"a":1', "JSON, line 1, column 7: the text ends; ',' or '}' is right"),
        ("{} {}", "JSON, line 1, column 4: something behind the value; one value is right"),
        ('["a', "JSON, line 1, column 2: a string without its end; a value is right"),
        ('{"a":1,"a":2}', "JSON, line 1, column 8: member 'a' for the second time; once is right"),
    ],
)
def test_json_errors_say_where(text, message):
    with pytest.raises(ArgumentError) as caught:
        parse_json_text(text)
    assert str(caught.value) == message


def is_character(letter):
    code = ord(letter)
    return not 0xFDD0 <= code <= 0xFDEF and code & 0xFFFE != 0xFFFE


TEXTS = st.text(st.characters(exclude_categories=["Cs"]).filter(is_character), max_size=8)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 64) - 1)
    | st.floats(allow_nan=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_json_reads_what_it_prints(value):
    text = render_json_text(value)
    assert parse_json_text(text) == value
    assert render_json_text(parse_json_text(text)) == text


@given(st.text("{}[]:,\"'\\u01eE.-+ \ntfn", max_size=12))
def test_json_never_fails_otherwise(text):
    read(parse_json_text, text)


@pytest.mark.parametrize(
    ("text", "model", "features"),
    [
        ("EPYC", "EPYC", []),
        ("EPYC,", "EPYC", []),
        ("EPYC,,,", "EPYC", []),
        ("EPYC,+avx", "EPYC", [("avx", "on", Form.PLUS)]),
        ("EPYC,-avx", "EPYC", [("avx", "off", Form.MINUS)]),
        ("EPYC,avx=off", "EPYC", [("avx", "off", Form.VALUE)]),
        ("EPYC,avx", "EPYC", [("avx", "on", Form.BARE)]),
        # No 'no' here: QEMU looks for a feature of this name.
        ("EPYC,noavx", "EPYC", [("noavx", "on", Form.BARE)]),
        ("EPYC,+avx=on", "EPYC", [("avx=on", "on", Form.PLUS)]),
        ("EPYC,avx=", "EPYC", [("avx", "", Form.VALUE)]),
        ("EPYC,model_id=a=b", "EPYC", [("model_id", "a=b", Form.VALUE)]),
        ("EPYC,a=1,,b", "EPYC", [("a", "1", Form.VALUE), ("b", "on", Form.BARE)]),
        ("EPYC,+", "EPYC", [("", "on", Form.PLUS)]),
        ("EPYC, avx", "EPYC", [(" avx", "on", Form.BARE)]),
        ("-EPYC=x", "-EPYC=x", []),
    ],
)
def test_cpu(text, model, features):
    assert parse_cpu(text) == (model, tuple(Feature(*each) for each in features))


@pytest.mark.parametrize("text", ["", ",", ",avx"])
def test_cpu_needs_a_model(text):
    with pytest.raises(ArgumentError, match=r"MODEL\[,FEATURE…\] is right"):
        parse_cpu(text)


def test_underscores_are_dashes():
    assert Feature("sse4_1", "on", Form.PLUS).property == "sse4-1"


@given(st.text("ab,+-=_ ", max_size=20))
def test_cpu_reads_what_it_prints(text):
    found = read(parse_cpu, text)
    if found != REFUSED:
        assert parse_cpu(render_cpu(*found)) == found


@pytest.mark.parametrize("parse", [parse_int, parse_uint, parse_size, parse_bool])
def test_messages_are_short_and_of_one_line(parse):
    with pytest.raises(ArgumentError) as caught:
        parse("\n\x1b" * 9000)
    assert len(str(caught.value)) < 300
    assert str(caught.value).isprintable()

"""The parsers beside QEMUs that run: each row is given to both.

`-version` behind an option makes QEMU stop when it has parsed it; nothing is created. $QSCOPE_QEMUS
names more binaries than the one of $QSCOPE_QEMU, with colons between them.
"""

import functools
import os
import re
import subprocess
from types import SimpleNamespace

import pytest

from qscope.ask.syntax.json_text import parse_json_text
from qscope.ask.syntax.keyval import parse_keyval
from qscope.ask.syntax.qemuopts import parse_qemuopts
from qscope.ask.syntax.scalars import Dialect, parse_bool, parse_int, parse_size, parse_uint
from qscope.ask.syntax.words import Problem, split_words
from qscope.errors import ArgumentError

OTHERS = list(filter(None, os.environ.get("QSCOPE_QEMUS", "").split(":")))

pytestmark = pytest.mark.live


@pytest.fixture(scope="module", params=[None, *OTHERS])
def binary(request):
    return request.param or request.getfixturevalue("qemu")


@functools.cache
def run(binary, *words):
    """Return what QEMU says on stderr, None when it takes the words."""
    found = subprocess.run(
        [binary, *words, "-version"], capture_output=True, stdin=subprocess.DEVNULL, timeout=30
    )
    return found.stderr.decode(errors="replace") if found.returncode else None


def takes(parse, *arguments):
    try:
        parse(*arguments)
    except ArgumentError:
        return False
    return True


def find_dialect(binary):
    """Return how a QEMU reads sizes, by two of them; the rows say that the others agree."""
    if run(binary, "-m", "1e3") is None:
        return Dialect.V2_5
    return Dialect.V6_0 if run(binary, "-m", "0x10M") is None else Dialect.V8_1


SIZES = """
    16 16M 16m 16b 16B 0x10 0x10M 0x10B 0X10 1.5G .5G 1.M 1.5 1.5B 0.1 1e3 1e 1E 8E 16E 15.9999E
    18446744073709551616 18446744073709551615 -1 -0 +16 --1 16MB 16Mi 1T 1P 1Z 1.2.3 0 010 010M
    . .M M 1.5e1M 1.+5 0x 0xg 0x1.8 0x1p3 x10 inf nan 1.9999999999999999999
    1.0000000000000000001M k
"""


@pytest.mark.parametrize("text", [*SIZES.split(), " 16", "16 ", "16 M", "\t1", "1\n", "1. 5"])
def test_sizes(binary, text):
    assert (run(binary, "-m", f"size={text}") is None) == takes(
        parse_size, text, find_dialect(binary)
    )


INTEGERS = """
    1 0x1f 0X1F 010 08 +1 -1 --1 0x x 1.0 1e1 0o17 1k 1-3 1_000 -0x10 4294967296
    9223372036854775807 9223372036854775808 18446744073709551615 18446744073709551616
    -9223372036854775808 -9223372036854775809 -18446744073709551615 -18446744073709551616
"""


@pytest.mark.parametrize(
    "text", [*INTEGERS.split(), "", " 1", "1 ", "\t1", "\v1", "1\n", "- 1", "+ 1", "\xa01"]
)
def test_integers(binary, text):
    signed = run(binary, "-blockdev", f"raw,node-name=a,file=x,offset={text}")
    assert (signed is None) == takes(parse_int, text)
    unsigned = run(binary, "-chardev", f"null,id=a,cols={text}")
    assert (unsigned is None) == takes(parse_uint, text)


BOOLEANS = "on off yes no true false y n ON Yes TRUE 1 0 t 0n enable onoff"


@pytest.mark.parametrize("text", [*BOOLEANS.split(), "", " on", "on "])
def test_booleans(binary, text):
    assert (run(binary, "-chardev", f"null,id=a,mux={text}") is None) == takes(parse_bool, text)
    keyval = run(binary, "-audiodev", f"none,id=a,out.fixed-settings={text}")
    assert (keyval is None) == takes(parse_bool, text)


# What QEMU says to syntax; anything else is said to a parameter that it understood.
MALFORMED = re.compile(
    r"Expected '=' after|Invalid parameter '|used inconsistently|Parameter '\S+' missing"
    r"|is too long|Help is not available|JSON parse error|at most one JSON value|nesting depth"
)

KEYVAL = """
    raw raw,file=x raw,node-name=a,file=x, raw,a=x,, raw,,a=x ,a=x =raw raw, raw,a raw,=x
    raw,1=x raw,-a=x raw,a-=x raw,_a=x raw,__a=x raw,__a.b=x raw,__a_b=x raw,___x=1 raw,__a__b=1
    raw,__org.qemu_x=1 raw,__org.qemu_=1 raw,a.=x raw,.a=x raw,a..b=x raw,a+b=x raw,A=x
    raw,a_b=x raw,é=x raw,file=x,file.driver=file raw,file.driver=file,file=x raw,a=1,a=2
    node-name=a,raw raw,driver=raw,raw help ? raw,help raw,? raw,help=1 help,raw raw,help,foo
    raw,hel raw,a=b,,c raw,a.0=1,a.1=2 raw,a.1=2,a.0=1 raw,a.0=1,a.2=2 raw,a.1=1 raw,a.0=1,a.0=2
    raw,a.00=1 raw,a.0=1,a.01=2 raw,a.0=1,a.x=2 raw,a.0=1,a.0.b=2 raw,a.0.b=1,a.0.c=2
    raw,a.2147483648=1 raw,a.99999999999999999999=1 raw,a.0x0=1 raw,a.+0=1 raw,a.-0=1 raw,a.0a=1
    raw,0=1 raw,0.a=1 raw,a.0.0=1 raw=x x.y=1 raw,a=b=c raw,a=,b= raw,a==
"""


@pytest.mark.parametrize(
    "text", [*KEYVAL.split(), "raw,a b=x", "raw, a=x", "raw,a. 0=1", "raw," + "a" * 127 + "=1",
             "raw," + "a" * 128 + "=1", "raw,a." + "0" * 128 + "=1", "raw,b." + "a" * 128 + "=1"]
)  # fmt: skip
def test_keyval(binary, text):
    said = run(binary, "-blockdev", text)
    assert (said is None or not MALFORMED.search(said)) == takes(parse_keyval, text, "driver")


JSON = r"""
    {} { {"a":1,} {"a":1,"a":1} {'a':'b'} {"a":1}{} {"a":1}] {"a":1}x {"a":1}; {"a":"\u0078"}
    {"a":"\u0000"} {"a":"\ud800"} {"a":"\ud83d\ude00"} {"a":"\ude00\ud83d"} {"a":"\uffff"}
    {"a":"\x41"} {"a":"\'\/"} {"a":"é"} {"a":"\ufdd0"} {"a":"\ud83f\udffe"} {"a":"\u12"}
    {"a":"\u12g4"} {"a":"\"} {"x":01} {"x":1.} {"x":.5} {"x":+1} {"x":-} {"x":-0} {"x":0x10}
    {"x":1e5} {"x":1E+5} {"x":1e} {"x":1e400} {"x":NaN} {"x":nan} {"x":True} {"x":tru}
    {"x":null} {"x":%d} {"x":1//c} {x:1} {"x"1} {"x":} {"x":1"y":2} {"x":1,,"y":2} {,"x":1}
    {1:2} {"x":[1,]} {"x":[}} {"x":[} {"x":]} {"x":"a} {"x":'a"} {"x":18446744073709551616}
    {"":1} {"x":truefalse} {"x":1a} {"x":"a""b"} {"x":[[],{}]} {"x":{"x":{"x":[]}}}
"""


@pytest.mark.parametrize(
    "text",
    [
        *JSON.split(),
        *['{"a":1} ', '{"a":1} 2', '{\n"x"\t:\r1}', '{"x":\v1}', '{"x":\xa01}', '{"x":[1 2]}'],
        *['{"a":"a\tb"}', '{"a":"a\nb"}', '{"a":"\x7f"}', '{"a":"\ufffe"}', '{"a":"\U0001fffe"}'],
        *['{"a":"\udce9"}', '{"a":' + "[" * 1030 + "]" * 1030 + "}"],
    ],
)
def test_json(binary, text):
    said = run(binary, "-blockdev", text)
    assert (said is None or not MALFORMED.search(said)) == takes(parse_json_text, text)


QEMUOPTS = """
    null null,id=a null,id=a, null,,id=a id=a,backend=null =null,id=a ,id=a null,mux null,nomux
    null,nofoo null,foo null,no null,=x null,= null,path,,mux=on null,path,,,mux=on
    null,nopath,, null,path,,=x null,path=a=b null,path== null,path=,,,,,mux=on null,path=,,,foo
    nu,,ll,foo backend,foo nobackend,id=a null,a.b=1 null,-x=1 null,path=a,path=b,foo=c
    null,Mux=on null,mux=on,nomux,noNo
"""
KNOWN = {"backend", "id", "mux", "path"}


@pytest.mark.parametrize(
    "text", [*QEMUOPTS.split(), "null,pa th=1", "null, id=a", "", "null,path= ,foo=,"]
)
def test_qemuopts(binary, text):
    """QEMU names the first parameter that it does not know."""
    said = run(binary, "-chardev", text)
    named = re.findall(r"Invalid parameter '(.*)'", said or "")
    assert not said or named
    unknown = [each.name for each in parse_qemuopts(text, "backend") if each.name not in KNOWN]
    assert named == unknown[:1]


OPTIONS = {"m": True, "S": False, "M": True, "name": True, "version": False}
LINES = [
    *[[], ["-S"], ["--S"], ["---S"], ["-"], ["--"], ["x"], ["x", "y"], [""], ["-m", "1"]],
    *[["--m", "1"], ["-m=1"], ["-name", "-S"], ["-name", "--"], ["-Name", "x"], ["-NAME"]],
    *[["- S"], ["-S", "x", "-s-"], ["-S="], ["-m", "1", "x,y", "-S"], ["-no-such"], ["-name", ""]],
    ["-M", "none", "--M", "none"],
]


def find(name):
    return SimpleNamespace(arg=OPTIONS[name]) if name in OPTIONS else None


@pytest.mark.parametrize("words", LINES, ids=" ".join)
def test_words(binary, words):
    said = run(binary, *words)
    named = re.findall(r": (\S*.*): invalid option", said or "")
    unknown = [
        each.typed for each in split_words(words, find) if each.problem is Problem.UNKNOWN_OPTION
    ]
    assert named == unknown[:1]
    assert said is None or named


@pytest.mark.parametrize("words", [["-m"], ["-S", "--name"], ["-name", "x", "-M"]], ids=" ".join)
def test_a_missing_argument(binary, words):
    found = subprocess.run(
        [binary, "-version", *words], capture_output=True, stdin=subprocess.DEVNULL, timeout=30
    )
    assert f"{words[-1]}: requires an argument".encode() in found.stderr
    assert split_words(words, find)[-1].problem is Problem.MISSING_ARGUMENT

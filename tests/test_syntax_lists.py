"""QemuOpts and keyval, whole arguments, command lines and shells' text; measured on 5.2 to 11.1."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qscope.ask.syntax.argument import Cpu, parse_argument, render_argument
from qscope.ask.syntax.keyval import parse_keyval, read_keyval, render_keyval
from qscope.ask.syntax.qemuopts import Parameter, parse_qemuopts, render_qemuopts, spell_out
from qscope.ask.syntax.shell import find_target, is_qemu, read_invocation, split_line
from qscope.ask.syntax.words import Problem, split_words
from qscope.errors import ArgumentError

REFUSED = "refused"


@pytest.mark.parametrize(
    ("text", "implied_key", "parameters"),
    [
        ("", "backend", []),
        ("null,id=a", "backend", ["backend=null", "id=a"]),
        ("null,id=a", None, ["null", "id=a"]),
        ("id=a,null", "backend", ["id=a", "null"]),
        ("backend=null", "backend", ["backend=null"]),
        ("null,id=a,", "backend", ["backend=null", "id=a"]),
        (",id=a", "backend", ["backend=", "id=a"]),
        (",id=a", None, ["", "id=a"]),
        ("=null", "backend", ["=null"]),
        # A doubled comma stands for itself in values, the implied key's included.
        ("file=a,,b", None, ["file=a,b"]),
        ("null,,id=a", "backend", ["backend=null,id=a"]),
        ("id=a,,", None, ["id=a,"]),
        ("id=a,,,b=c", None, ["id=a,", "b=c"]),
        ("id=,,,,,b", None, ["id=,,", "b"]),
        ("id=a=b", None, ["id=a=b"]),
        # In front of `=` and behind a flag it does not.
        ("path,,mux=on", None, ["path", "", "mux=on"]),
        ("path,,=x", None, ["path", "", "=x"]),
        ("nomux", None, [("mux", "off")]),
        ("no", None, [("", "off")]),
        ("nobackend", "backend", ["backend=nobackend"]),
        ("x,nowait,mux", "backend", ["backend=x", ("wait", "off"), "mux"]),
        ("node=1", None, ["node=1"]),
        ("node", None, [("de", "off")]),
        ("a=1,a=2,a", None, ["a=1", "a=2", "a"]),
        ("host-nodes.0=x, y =z", None, ["host-nodes.0=x", " y =z"]),
    ],
)
def test_qemuopts(text, implied_key, parameters):
    assert parse_qemuopts(text, implied_key) == tuple(map(make_parameter, parameters))


def make_parameter(given_as):
    if isinstance(given_as, tuple):
        name, value = given_as
        return Parameter(name, value, bare=True)
    name, equals, value = given_as.partition("=")
    return Parameter(name, value) if equals else Parameter(name, "on", bare=True)


@given(st.text("ab=,no", max_size=20), st.sampled_from([None, "a", "driver"]))
def test_qemuopts_read_what_they_print(text, implied_key):
    parameters = parse_qemuopts(text, implied_key)
    assert parse_qemuopts(render_qemuopts(parameters)) == parameters


@given(st.lists(st.builds(Parameter, st.text("abn-", min_size=1), st.text("a,=n"))))
def test_qemuopts_print_any_value(parameters):
    printed = render_qemuopts(parameters)
    assert parse_qemuopts(printed, "driver") == tuple(parameters)
    assert render_qemuopts(parse_qemuopts(printed)) == printed


def test_spelling_out_leaves_help():
    assert render_qemuopts(spell_out(parse_qemuopts("a,noa,help,b=c"))) == "a=on,a=off,help,b=c"


def read(text):
    try:
        return parse_keyval(text, "driver")
    except ArgumentError:
        return REFUSED


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", {}),
        ("raw", {"driver": "raw"}),
        ("raw,", {"driver": "raw"}),
        ("driver=raw,a=b", {"driver": "raw", "a": "b"}),
        ("a=b,a=c", {"a": "c"}),
        ("a=", {"a": ""}),
        ("a=b=c", {"a": "b=c"}),
        ("a=b,,c,d=,,", {"a": "b,c", "d": ","}),
        ("raw,help=1", {"driver": "raw", "help": "1"}),
        ("a=help", {"a": "help"}),
        (
            "file.driver=file,x=1,file.a.b=c",
            {"file": {"driver": "file", "a": {"b": "c"}}, "x": "1"},
        ),
        ("A-_0=x", {"A-_0": "x"}),
        ("__org.qemu_x=1", {"__org.qemu_x": "1"}),
        ("a.__b_c.d=1", {"a": {"__b_c": {"d": "1"}}}),
        ("___x=1", {"___x": "1"}),
        ("x." + "a" * 127 + "=1", {"x": {"a" * 127: "1"}}),
        ("c.0=a,c.1=b", {"c": ["a", "b"]}),
        ("c.1=b,c.0=a", {"c": ["a", "b"]}),
        ("c.0=a,c.0=b", {"c": ["b"]}),
        ("c.00=a,c.01=b", {"c": ["a", "b"]}),
        ("c.0.0=a", {"c": [["a"]]}),
        ("c.0.x=a,c.1.x=b,c.0.y=c", {"c": [{"x": "a", "y": "c"}, {"x": "b"}]}),
        *[
            (bad, REFUSED)
            for bad in [",", ",a=b", "=b", "a=b,=c", "a=b,,c=d,e", "raw,,a=b", "ra,,w=x"]
        ],
        *[
            (bad, REFUSED)
            for bad in ["raw,a", "a=b,raw", "raw,a,b=c", "help,raw", "raw,hel", "raw,nohelp"]
        ],
        *[
            (bad, REFUSED)
            for bad in ["1=x", "-a=x", "_a=x", "__a=x", "__a.b=x", "__a__b=x", "__a_=x"]
        ],
        *[
            (bad, REFUSED)
            for bad in ["a.=x", ".a=x", "a..b=x", ".=x", "a b=x", " a=x", "a+b=x", "é=x"]
        ],
        *[
            (bad, REFUSED)
            for bad in ["0=x", "0.a=x", "a.0x0=x", "a.+0=x", "a.-0=x", "a. 0=x", "a.0b=x"]
        ],
        *[
            (bad, REFUSED)
            for bad in ["a.1=x", "a.0=x,a.2=y", "a.0=x,a.b=y", "a.99999999999999999999=x"]
        ],
        *[
            (bad, REFUSED)
            for bad in ["a=1,a.b=2", "a.b=2,a=1", "a.0=1,a.0.b=2", "a.0=1,a=2", "a=1,a.0=2"]
        ],
        *[
            (bad, REFUSED)
            for bad in ["a" * 128 + "=1", "a." + "1" * 128 + "=1", "a" + ".a" * 999 + "=1"]
        ],
        *[(bad, REFUSED) for bad in ["help", "?", "raw,help", "a.٠=x"]],  # noqa: RUF001
    ],
)
def test_keyval(text, value):
    assert read(text) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("usb", "parameter 'usb' has no value: usb=VALUE is right"),
        (
            "a=b,c,,d=e",
            "parameter 'c' has no value: c=VALUE is right",
        ),
        ("a=b,=c", "a parameter without a name: NAME=VALUE is right"),
        ("c.0=a,c.2=b", "parameter 'c.1' is missing from the list"),
        ("c=a,c.d=b", "parameter 'c' is given a value and has members: one of the two is right"),
        ("c.0=a,c.d=b", "parameter 'c' has numbered and named members: either is right"),
    ],
)
def test_keyval_errors_say_what_is_right(text, message):
    with pytest.raises(ArgumentError) as caught:
        parse_keyval(text)
    assert str(caught.value) == message


@pytest.mark.parametrize("text", ["help", "?", "pc,help", "pc,a=b,?,c=d", "help,"])
def test_help_is_asked_for_beside_parameters(text):
    assert read_keyval(text, "type").help


@pytest.mark.parametrize("text", ["pc", "help=1", "pc,help=", "type=help"])
def test_help_is_not_asked_for(text):
    assert not read_keyval(text, "type").help


NAMES = st.from_regex(r"\A(__[a-z.]*_)?[a-z][a-z0-9_-]{0,3}\Z")
LEAVES = st.text("a,=.", max_size=4)
TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3)
        | st.dictionaries(NAMES, inner, min_size=1, max_size=3)
    ),
    max_leaves=10,
)


@given(st.dictionaries(NAMES, TREES, max_size=3))
def test_keyval_reads_what_it_prints(value):
    printed = render_keyval(value)
    assert parse_keyval(printed, "driver") == value
    assert render_keyval(parse_keyval(printed)) == printed


@given(st.text("ab.01=,_-", max_size=16))
def test_keyval_prints_what_it_read(text):
    try:
        value = parse_keyval(text, "driver")
    except ArgumentError:
        return
    assert parse_keyval(render_keyval(value)) == value


def test_keyval_prints_scalars_of_json():
    assert render_keyval({"a": True, "b": False, "c": -1, "d": [0.5]}) == "a=on,b=off,c=-1,d.0=0.5"


@pytest.mark.parametrize(
    "value", [{"a": None}, {"a": {}}, {"a": []}, {"": 1}, {"a.b": 1}, {"a": {"0": 1}}, {"é": 1}]
)
def test_keyval_does_not_print_what_no_text_says(value):
    with pytest.raises(ArgumentError):
        render_keyval(value)


NETDEV = ("qemuopts", "keyval", "json")
INCOMING = ("string", "keyval", "json")
DISPLAY = ("words", "keyval", "json")
GLOBAL = ("string", "qemuopts")


@pytest.mark.parametrize(
    ("syntax", "text", "implied_key", "read_as", "canonical"),
    [
        (("string",), "a,,b", None, "string", "a,,b"),
        (("number",), "1", None, "number", "1"),
        (("chardev",), "unix:/x,server", None, "chardev", "unix:/x,server"),
        ((), "{", None, "string", "{"),
        (("qemuopts",), "a,nob,c=d", "x", "qemuopts", "x=a,b=off,c=d"),
        (("qemuopts",), "{}", "x", "qemuopts", "x={}"),
        (("qemuopts", "json"), "{'a': 1}", "x", "json", '{"a":1}'),
        (("qemuopts", "json"), " {}", "x", "qemuopts", "x= {}"),
        (("keyval", "json"), "[1]", "driver", "keyval", "driver=[1]"),
        (("machine-props",), "pc,usb=on,help", "type", "machine-props", "type=pc,usb=on,help"),
        (("machine-props",), "help", "type", "machine-props", "help"),
        (NETDEV, "user,restrict", "type", "qemuopts", "type=user,restrict=on"),
        (NETDEV, "stream,addr.type=inet", "type", "keyval", "type=stream,addr.type=inet"),
        (NETDEV, "user,type=dgram", "type", "keyval", "type=dgram"),
        (NETDEV, "stream,,a=b", "type", "qemuopts", "type=stream,,a=b"),
        (NETDEV, "{}", "type", "json", "{}"),
        (INCOMING, "tcp:0:1,a", "channel-type", "string", "tcp:0:1,a"),
        (INCOMING, "defer", "channel-type", "string", "defer"),
        (INCOMING, ":x", "channel-type", "string", ":x"),
        (INCOMING, "main", "channel-type", "keyval", "channel-type=main"),
        (INCOMING, "deferred", "channel-type", "keyval", "channel-type=deferred"),
        (DISPLAY, "gtk,gl=on", "type", "keyval", "type=gtk,gl=on"),
        (DISPLAY, "vnc=:1,to=9", "type", "words", "vnc=:1,to=9"),
        (GLOBAL, "a.b=c,d", None, "qemuopts", "driver=a,property=b,value=c,,d"),
        (GLOBAL, "driver=a.b,property=c", None, "qemuopts", "driver=a.b,property=c"),
    ],
)
def test_the_text_decides_between_syntaxes(syntax, text, implied_key, read_as, canonical):
    parsed = parse_argument(syntax, text, implied_key)
    assert (parsed.syntax, render_argument(parsed)) == (read_as, canonical)
    again = parse_argument(syntax, canonical, implied_key)
    assert render_argument(again) == canonical


@pytest.mark.parametrize(
    ("syntax", "text", "implied_key"),
    [
        (("machine-props",), "pc,usb", "type"),
        (("keyval", "json"), "{", "driver"),
        (("keyval", "json"), "{} x", "driver"),
        (NETDEV, "stream,server", "type"),
        (INCOMING, "main,foo", "channel-type"),
        (INCOMING, "tc+p", None),
        (GLOBAL, "a.b", None),
        (GLOBAL, "driver=a,property", None),
        (DISPLAY, "gtk,gl", "type"),
    ],
)
def test_malformed_arguments(syntax, text, implied_key):
    with pytest.raises(ArgumentError):
        parse_argument(syntax, text, implied_key)


def test_cpu_is_an_option_of_its_own():
    parsed = parse_argument(("string",), "EPYC,+avx,", name="cpu")
    assert isinstance(parsed.value, Cpu)
    assert render_argument(parsed) == "EPYC,+avx"
    assert parse_argument(("string",), "help", name="cpu").help


@pytest.mark.parametrize(
    ("syntax", "text", "asked"),
    [
        (("qemuopts",), "help", True),
        (("qemuopts",), "?", True),
        (("qemuopts",), "e1000,help", True),
        (("qemuopts",), "e1000,help=on", False),
        (("qemuopts",), "e1000,nohelp", False),
        (("words",), "help", True),
        (("string",), "help", False),
        (("keyval",), "none,help", True),
    ],
)
def test_help(syntax, text, asked):
    assert parse_argument(syntax, text, "driver").help == asked


OPTIONS = {"m": True, "M": True, "S": False, "hda": True}


def find(name):
    return SimpleNamespace(arg=OPTIONS[name]) if name in OPTIONS else None


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], []),
        (["-S", "-m", "1"], [("S", None, None), ("m", "1", None)]),
        (["--S", "--M", "pc"], [("S", None, None), ("M", "pc", None)]),
        (["-m", "-S"], [("m", "-S", None)]),
        (["-m", ""], [("m", "", None)]),
        (["-S", "-m"], [("S", None, None), ("m", None, Problem.MISSING_ARGUMENT)]),
        (["a,b", "-S"], [("hda", "a,b", Problem.IMAGE), ("S", None, None)]),
        (
            ["-S", "a", ""],
            [("S", None, None), ("hda", "a", Problem.IMAGE), ("hda", "", Problem.STRAY)],
        ),
        (["-s"], [("s", None, Problem.UNKNOWN_OPTION)]),
        (["-s", "x", "-S"], [("s", "x", Problem.UNKNOWN_OPTION), ("S", None, None)]),
        (["-m=1"], [("m=1", None, Problem.UNKNOWN_OPTION)]),
        (["---S"], [("-S", None, Problem.UNKNOWN_OPTION)]),
        (["-", "--"], [("", None, Problem.UNKNOWN_OPTION)] * 2),
        (["- S"], [(" S", None, Problem.UNKNOWN_OPTION)]),
    ],
)
def test_words(words, expected):
    found = split_words(words, find)
    assert [(each.name, each.argument, each.problem) for each in found] == expected
    assert [words[each.position] for each in found] == [each.typed for each in found]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("qemu", []),
        ("\ufeffqemu -S", ["-S"]),
        ("sudo -u joe nice -n 5 /usr/bin/qemu-kvm -S", ["-S"]),
        ("exec qemu-system-x86_64 -S", ["-S"]),
        ("foo -name qemu", ["-name", "qemu"]),
        ("/usr/bin/qemu -S", ["-S"]),
        ("-S", ["-S"]),
        ("LC_ALL=C PATH='a b' qemu -S", ["-S"]),
        ("qemu -m 1 \\\n  -S \\\r\n", ["-m", "1", "-S"]),
        ("qemu -m 1\n-S # end\n#-h\n-M pc", ["-m", "1", "-S", "-M", "pc"]),
        ("qemu a#b", ["a#b"]),
        ("qemu 'a b'\"c d\"e\\ f ''", ["a bc de f", ""]),
        (r"""qemu "a\"b\\c\d" 'e\'""", ['a"b\\c\\d', "e\\"]),
        ('qemu "a\\\nb"x\\\ny', ["abxy"]),
        ("qemu $HOME '#x' \"|\" \\;", ["$HOME", "#x", "|", ";"]),
        ("qemu a\\", ["a\\"]),
        ("qemu é\u2028", ["é\u2028"]),
    ],
)
def test_shell(text, words):
    assert split_line(text) == tuple(words)


@pytest.mark.parametrize(
    ("text", "program", "target"),
    [
        ("-S", "", ""),
        ("qemu-system-aarch64 -S", "qemu-system-aarch64", "aarch64"),
        ("X=1 sudo /usr/libexec/qemu-kvm", "/usr/libexec/qemu-kvm", ""),
        ("foo -S", "foo", ""),
        ("sudo foo -S", "sudo", ""),
    ],
)
def test_the_program_of_a_line(text, program, target):
    invocation = read_invocation(text)
    assert invocation.program == program
    assert find_target(program) == target
    assert is_qemu(program) is ("qemu" in program)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("qemu 'a", "line 1: the quote ' has no end"),
        ('qemu \\\n -name "a\\"', 'line 2: the quote " has no end'),
        ("qemu a'b'c'", "line 1: the quote ' has no end"),
        ("qemu -S >log", "line 1: '>' means something to a shell"),
        ("qemu -S\n&", "line 2: '&' means something to a shell"),
        ("qemu -S; ls", "line 1: ';' means something"),
        ("qemu | tee", "line 1: '|' means something"),
        ("$(which qemu)", "line 1: '(' means something"),
        ("", "there is no command line in it"),
        (" # nothing\n", "there is no command line in it"),
        ("qemu\0", "there is a NUL in it"),
        ('{"execute": "stop"}', "it is JSON"),
        (" [[", "it is JSON"),
    ],
)
def test_text_that_is_no_simple_command(text, message):
    with pytest.raises(ArgumentError) as caught:
        split_line(text)
    assert str(caught.value).startswith(message)

"""Verdicts on QMP commands: what is found and where, and what is let pass."""

import json
import runpy
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import qscope
from qscope.ask import Verdict
from qscope.ask.finding import Severity, conclude
from qscope.ask.validation import Checker, Reader, find_masked, validate, validate_message
from qscope.ask.validation.formats import find_format_error
from qscope.ask.validation.masked import ALTERNATE, load_table
from qscope.ask.validation.stream import split_messages
from qscope.load.opening import EMBEDDED
from qscope.load.schema import open_schema
from qscope.model.interface import Interface
from qscope.model.schema_info import decode_entities
from qscope.model.snapshot import Identity

_SCHEMA = [
    {"meta-type": "command", "name": "go", "arg-type": "0", "ret-type": "1"},
    {"meta-type": "command", "name": "old", "arg-type": "1", "ret-type": "1",
     "features": ["deprecated"], "allow-oob": True},
    {"meta-type": "command", "name": "broken", "arg-type": "99", "ret-type": "1"},
    {"meta-type": "event", "name": "GONE", "arg-type": "1"},
    {"meta-type": "object", "name": "1", "members": []},
    {"meta-type": "object", "name": "0", "members": [
        {"name": "type", "type": "2"},
        {"name": "any", "type": "any", "default": None},
        {"name": "real", "type": "number", "default": None},
        {"name": "text", "type": "str", "default": None, "features": ["unstable"]},
        {"name": "either", "type": "5", "default": None},
        {"name": "list", "type": "[0]", "default": None},
        {"name": "names", "type": "[str]", "default": None},
        {"name": "odd", "type": "7", "default": None},
    ], "tag": "type", "variants": [
        {"case": "plain", "type": "1"}, {"case": "deep", "type": "3"},
        {"case": "lost", "type": "98"}, {"case": "odd", "type": "7"},
    ]},
    {"meta-type": "enum", "name": "2", "members": [
        {"name": "plain"}, {"name": "deep"}, {"name": "lost"}, {"name": "odd"},
        {"name": "bare", "features": ["deprecated"]},
    ]},
    {"meta-type": "object", "name": "3", "members": [
        {"name": "form", "type": "4"}, {"name": "size", "type": "int", "default": None},
    ], "tag": "form", "variants": [{"case": "a", "type": "6"}]},
    {"meta-type": "enum", "name": "4", "values": ["a", "b"]},
    {"meta-type": "alternate", "name": "5", "members": [
        {"type": "4"}, {"type": "int"}, {"type": "null"}, {"type": "6"}, {"type": "[str]"},
    ]},
    {"meta-type": "object", "name": "6", "members": [{"name": "on", "type": "bool"}]},
    {"meta-type": "future", "name": "7"},
    {"meta-type": "array", "name": "[0]", "element-type": "0"},
    {"meta-type": "array", "name": "[str]", "element-type": "str"},
    *({"meta-type": "builtin", "name": name, "json-type": json_type} for name, json_type in (
        ("any", "value"), ("number", "number"), ("str", "string"), ("int", "int"),
        ("bool", "boolean"), ("null", "null"))),
]  # fmt: skip


def make_interface(**more):
    entities, oddities = decode_entities(json.dumps(_SCHEMA).encode())
    return Interface(entities, oddities=oddities, **more)


@pytest.fixture(scope="module")
def shipped():
    return qscope.open(EMBEDDED)


def summarise(findings):
    """Return place and rule of each finding, with a mark for what is no error."""
    marks = {Severity.ERROR: "", Severity.WARNING: "~", Severity.UNKNOWN: "?"}
    return [f"{each.where} {marks[each.severity]}{each.rule}" for each in findings]


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        pytest.param({"type": "plain"}, [], id="nothing"),
        pytest.param({}, ["type member-missing"], id="no tag"),
        pytest.param({"type": None}, ["type wrong-type"], id="tag null"),
        pytest.param({"type": ["plain"]}, ["type wrong-type"], id="tag an array"),
        pytest.param({"type": "plane"}, ["type value-unknown"], id="tag unknown"),
        pytest.param(
            {"type": "plane", "form": 1, "x": 1},
            ["x member-unknown", "type value-unknown"],
            id="no branch is known: a member of some branch passes",
        ),
        pytest.param({"type": "bare"}, ["type ~deprecated"], id="value deprecated, no branch"),
        pytest.param(
            {"type": "bare", "form": "a"},
            ["form member-of-branch", "type ~deprecated"],
            id="a value without a branch adds nothing",
        ),
        pytest.param({"type": "plain", "form": "a"}, ["form member-of-branch"], id="other branch"),
        pytest.param({"type": "deep"}, ["form member-missing"], id="branch's own tag"),
        pytest.param({"type": "deep", "form": "a"}, ["on member-missing"], id="nested union"),
        pytest.param({"type": "deep", "form": "a", "on": True}, [], id="nested union, right"),
        pytest.param(
            {"type": "deep", "form": "b", "on": 1}, ["on member-of-branch"], id="nested b"
        ),
        pytest.param({"type": "deep", "form": "c"}, ["form value-unknown"], id="nested unknown"),
        pytest.param({"type": "lost", "x": 1}, [" ?type-missing"], id="branch not in the schema"),
        pytest.param({"type": "odd", "x": 1}, [" ?type-unknown"], id="branch of a future kind"),
        pytest.param({"type": "plain", "any": {"x": [None]}}, [], id="any"),
        pytest.param({"type": "plain", "real": 1}, [], id="an integer is a number"),
        pytest.param({"type": "plain", "real": 1.5}, [], id="a number"),
        pytest.param({"type": "plain", "real": float("inf")}, [], id="beyond all limits"),
        pytest.param({"type": "plain", "real": float("nan")}, ["real wrong-type"], id="nan"),
        pytest.param({"type": "plain", "real": True}, ["real wrong-type"], id="true is no number"),
        pytest.param({"type": "plain", "text": "x"}, ["text ~unstable"], id="unstable"),
        pytest.param(
            {"type": "plain", "text": None},
            ["text ~unstable", "text wrong-type"],
            id="null is not the same as nothing",
        ),
        pytest.param({"type": "plain", "either": "a"}, [], id="alternate, enum"),
        pytest.param({"type": "plain", "either": "c"}, ["either value-unknown"], id="either c"),
        pytest.param({"type": "plain", "either": 5}, [], id="alternate, int"),
        pytest.param({"type": "plain", "either": 5.5}, ["either wrong-type"], id="either real"),
        pytest.param({"type": "plain", "either": None}, [], id="alternate, null"),
        pytest.param(
            {"type": "plain", "either": False}, ["either wrong-type"], id="alternate, bool"
        ),
        pytest.param(
            {"type": "plain", "either": {}}, ["either.on member-missing"], id="alternate, {}"
        ),
        pytest.param({"type": "plain", "either": [1]}, ["either[0] wrong-type"], id="either []"),
        pytest.param({"type": "plain", "names": "x"}, ["names wrong-type"], id="no array"),
        pytest.param(
            {"type": "plain", "names": ["x", 1, None]},
            ["names[1] wrong-type", "names[2] wrong-type"],
            id="all elements",
        ),
        pytest.param(
            {"type": "plain", "list": [{"type": "deep"}, 5, {"y": 1}]},
            [
                "list[0].form member-missing",
                "list[1] wrong-type",
                "list[2].type member-missing",
                "list[2].y member-unknown",
            ],
            id="recursion",
        ),
        pytest.param({"type": "plain", "odd": 1}, ["odd ?type-unknown"], id="future meta-type"),
        pytest.param(
            {"type": "deep", "form": "b", "size": 2**64}, ["size out-of-range"], id="2^64"
        ),
        pytest.param({"type": "deep", "form": "b", "size": -(2**63)}, [], id="-2^63"),
        pytest.param({"type": "deep", "form": "b", "size": 1.0}, ["size wrong-type"], id="1.0"),
        pytest.param({"type": "plain", 5: 1}, ["5 member-unknown"], id="a name that is none"),
        pytest.param([], ["arguments wrong-type"], id="no object"),
    ],
)
def test_values(arguments, found):
    assert summarise(validate(make_interface(), "go", arguments)) == found


@pytest.mark.parametrize(
    ("message", "found"),
    [
        pytest.param({"execute": "old"}, ["old ~deprecated"], id="deprecated"),
        pytest.param({"execute": "old", "arguments": {}, "id": 1}, ["old ~deprecated"], id="all"),
        pytest.param({"exec-oob": "old"}, ["old ~deprecated"], id="out of band"),
        pytest.param({"exec-oob": "go"}, ["exec-oob oob", "type member-missing"], id="not oob"),
        pytest.param({"execute": "old", "exec-oob": "old"},
                     ["exec-oob key-clash", "old ~deprecated"], id="both"),
        pytest.param({}, ["execute key-missing"], id="empty"),
        pytest.param({"execut": "go"}, ["execut key-unknown", "execute key-missing"], id="typo"),
        pytest.param({"execute": 5}, ["execute wrong-type"], id="no name"),
        pytest.param({"execute": "old", "arguments": None},
                     ["arguments wrong-type"], id="null for arguments"),
        pytest.param({"execute": "GONE"}, ["GONE command-unknown"], id="an event"),
        pytest.param({"execute": "0"}, ["0 command-unknown"], id="a type"),
        pytest.param({"execute": "7"}, ["7 ?command-not-described"], id="what is not understood"),
        pytest.param({"execute": "gp"}, ["gp command-unknown"], id="command typo"),
        pytest.param({"execute": "broken"}, [" ?type-missing"], id="arguments not in the schema"),
        pytest.param([], [" no-object"], id="array"),
        pytest.param(None, [" no-object"], id="null"),
    ],
)  # fmt: skip
def test_messages(message, found):
    assert summarise(validate_message(make_interface(), message)) == found


def test_without_a_schema():
    assert summarise(validate(Interface(None), "stop")) == ["stop ?command-not-described"]
    (finding,) = validate(Interface(None), "stop")
    assert "it was not asked" in finding.message


_E100 = "driver: the string \"e100\" is no driver that a user can add (did you mean 'e1000' or"
_BAD_ID = (
    'node-name: the string "1x" is no identifier;'
    " takes a letter, then letters, digits, '-', '.' and '_'"
)
_TYPO = {"driver": "file", "filename": "x", "lokcing": 1}


@pytest.mark.parametrize(
    ("command", "arguments", "line"),
    [
        ("blockdev-add", {"driver": "qcow2", "file": _TYPO},
         "file.lokcing: there is no such member (did you mean 'locking'?)"),
        ("blockdev-add", {"driver": "qcow2", "file": 5},
         "file: the number 5 was given; takes an object or string"),
        ("screendump", {"filename": "x", "format": "pgn"},
         "format: the string \"pgn\" is none of its values (did you mean 'png'?); takes ppm | png"),
        ("blockdev-add", {"driver": "raw", "file": "x", "lazy-refcounts": True},
         "lazy-refcounts: there is no such member here; only with driver=qcow2"),
        ("migrate-set-parameters", {"multifd-channels": 256},
         "multifd-channels: the number 256 was given; takes 0..255"),
        ("device_add", {"driver": "e100"},
         _E100),
        ("device_add", {"driver": "e1000", "mac": "52:54"},
         "mac: the string \"52:54\" was given; takes a MAC address, as 52:54:00:12:34:56"),
        ("device_add", {"driver": "e1000", "netdve": "x"},
         "netdve: e1000 has no such property (did you mean 'netdev'?)"),
        ("device_add", {"bus": "pci.0"}, "driver: it is missing; takes string"),
        ("object-add", {"qom-type": "dbus-vmstate", "id": "1"},
         "addr: it is missing; takes string"),
        ("query-stauts", {},
         "query-stauts: there is no such command (did you mean 'query-stats' or 'query-status'"),
        ("blockdev-add", {"driver": "null-co", "node-name": "1x"},
         _BAD_ID),
    ],
)  # fmt: skip
def test_words(shipped, command, arguments, line):
    found = list(map(str, validate(shipped, command, arguments)))
    assert any(each.startswith(line) for each in found), found


_BOOTINDEX = {"driver": "virtio-net-pci", "bootindex": "1"}


@pytest.mark.parametrize(
    ("version", "arguments", "found"),
    [
        pytest.param("7.2.22", _BOOTINDEX, [], id="read as QemuOpts"),
        pytest.param("10.0.0", _BOOTINDEX, ["bootindex wrong-type"], id="read as JSON"),
        pytest.param(None, _BOOTINDEX, ["bootindex ?wrong-type"], id="read as nobody knows"),
        pytest.param("9.1.50", _BOOTINDEX, ["bootindex ?wrong-type"], id="on the way to 9.2"),
        pytest.param("9.1.2", _BOOTINDEX, [], id="the last release before"),
        pytest.param(None, _BOOTINDEX | {"bootindex": "x"}, ["bootindex wrong-type"], id="neither"),
        pytest.param("7.2.22", _BOOTINDEX | {"bootindex": None}, ["bootindex ~argument-ignored"],
                     id="dropped"),
        pytest.param("10.0.0", _BOOTINDEX | {"bootindex": None}, ["bootindex wrong-type"],
                     id="null"),
        pytest.param("7.2.22", _BOOTINDEX | {"mq": "yes"}, [], id="a word for true"),
        pytest.param("7.2.22", _BOOTINDEX | {"mq": 1}, ["mq wrong-type"], id="1 is no boolean"),
        pytest.param("7.2.22", _BOOTINDEX | {"tx": 1}, [], id="a number is a string"),
        pytest.param("7.2.22", _BOOTINDEX | {"id": "1x"}, ["id id"], id="an ID"),
        pytest.param("10.0.0", {"driver": "virtio-net-pci", "id": "1x"}, [], id="any ID"),
        pytest.param("10.0.0", {"driver": "virtio-net-pci", "id": 1, "bus": 1},
                     ["id ~argument-ignored", "bus ~argument-ignored"], id="not looked at"),
        pytest.param("10.0.0", {"driver": "virtio-net-pci", "realized": True},
                     ["realized property-read-only"], id="QEMU's own"),
        pytest.param("10.0.0", {"driver": "virtio-net"}, [], id="an alias"),
        pytest.param("10.0.0", {"driver": "mch"}, ["driver name-unknown"], id="not for users"),
        pytest.param("10.0.0", {"driver": "pci-device"}, ["driver name-unknown"], id="abstract"),
        pytest.param("10.0.0", {"driver": 5}, ["driver wrong-type"], id="no name"),
        pytest.param("10.0.0", {"driver": "pc-dimm", "size": 1}, ["size property-read-only"],
                     id="read-only"),
    ],
)  # fmt: skip
def test_device_add_by_release(shipped, version, arguments, found):
    interface = Interface(
        shipped.entities,
        listings=shipped.listings,
        properties=shipped.properties,
        identity=Identity(version=version),
    )
    findings = validate(interface, "device_add", arguments)
    assert summarise(findings) == found
    if version == "10.0.0" and arguments is _BOOTINDEX:
        assert "the version QEMU gives itself" in findings[0].evidence


def check_keyval(shipped, command, value, dialect=None):
    more = {} if dialect is None else {"dialect": dialect}
    checker = Checker(shipped.find, Reader.KEYVAL, find_masked(command), **more)
    return summarise(checker.check(shipped.by_name[command].arg_type, value))


@pytest.mark.parametrize(
    ("command", "value", "found"),
    [
        ("blockdev-add", {"driver": "qcow2", "file": "x", "cache": {"direct": "on"}}, []),
        ("blockdev-add", {"driver": "qcow2", "file": "x", "cache": {"direct": "1"}},
         ["cache.direct wrong-type"]),
        ("blockdev-add", {"driver": "qcow2", "file": "x", "cache-size": "1G"},
         ["cache-size wrong-type"]),
        ("blockdev-add", {"driver": "qcow2", "file": "x", "cache-size": "0x10"}, []),
        ("blockdev-add", {"driver": "qcow2", "file": "x", "read-only": True},
         ["read-only wrong-type"]),
        ("blockdev-add", {"driver": "qcow2", "file": "x", "overlap-check": "alll"},
         ["overlap-check value-unknown"]),
        ("blockdev-add",
         {"driver": "quorum", "vote-threshold": "1", "children": ["a", {"driver": "x"}]},
         ["children.1.driver value-unknown"]),
        ("object-add", {"qom-type": "memory-backend-ram", "id": "m", "size": "1G"}, []),
        ("object-add", {"qom-type": "memory-backend-ram", "id": "m", "size": "1X"},
         ["size wrong-type"]),
        ("object-add",
         {"qom-type": "memory-backend-ram", "id": "m", "size": "1", "host-nodes": ["65536"]},
         ["host-nodes.0 out-of-range"]),
        ("netdev_add", {"type": "hubport", "id": "h", "hubid": "x"}, ["hubid wrong-type"]),
    ],
)  # fmt: skip
def test_keyval(shipped, command, value, found):
    assert check_keyval(shipped, command, value) == found


def test_integers_of_unknown_width():
    """Without the table nothing says whether a suffix is taken."""
    checker = Checker(make_interface().find, Reader.KEYVAL)
    found = checker.check("0", {"type": "deep", "form": "b", "size": "1G"})
    assert summarise(found) == ["size ?size-unknown"]


@pytest.mark.parametrize(
    ("command", "edges", "kind"),
    [
        ("object-add", ["+memory-backend-ram", "size"], "size"),
        ("object-add", ["+memory-backend-ram", "host-nodes"], "uint16"),
        ("migrate-set-parameters", ["multifd-channels"], "uint8"),
        ("blockdev-add", ["+raw", "file", "+raw", "file", "+null-co", "size"], "int"),
        ("Audiodev", ["timer-period"], "uint32"),
        ("blockdev-add", ["+raw", "nosuch"], None),
        ("blockdev-add", [""], None),
    ],
)
def test_masked_integers(command, edges, kind):
    place = find_masked(command)
    for edge in edges:
        place = place and place.enter(edge)
    assert (place.kind if place else None) == kind


@pytest.mark.parametrize(
    ("command", "edges", "alternate"),
    [
        ("blockdev-add", ["+raw", "file"], "BlockdevRef"),
        ("blockdev-add", ["+qcow2", "backing"], "BlockdevRefOrNull"),
        ("blockdev-add", ["+qcow2", "overlap-check"], "Qcow2OverlapChecks"),
        ("blockdev-add", ["+raw", "file", "+quorum", "children"], "BlockdevRef"),
        ("blockdev-reopen", ["options", "+raw", "file"], "BlockdevRef"),
        ("block-dirty-bitmap-merge", ["bitmaps"], "BlockDirtyBitmapOrStr"),
        ("transaction", ["actions", "+block-dirty-bitmap-merge", "data", "bitmaps"],
         "BlockDirtyBitmapOrStr"),
        ("migrate-set-parameters", ["tls-creds"], "StrOrNull"),
        ("x-blockdev-set-iothread", ["iothread"], "StrOrNull"),
        ("block-export-add", ["iothread"], "BlockExportIothreads"),
        ("blockdev-add", ["+raw", "file", "+null-co", "size"], None),
        ("blockdev-add", ["+raw"], None),
        ("blockdev-add", ["|"], None),
    ],
)  # fmt: skip
def test_masked_alternates(command, edges, alternate):
    place = find_masked(command)
    for edge in edges:
        place = place and place.enter(edge)
    assert (place.alternate if place else None) == alternate


def test_all_masked_alternates():
    """Each has its branches' edges, too: where it is a reference, those of a block device."""
    places = [place for place in load_table().places if ALTERNATE in place]
    assert {place[ALTERNATE] for place in places if "+quorum" in place} == {
        "BlockdevRef",
        "BlockdevRefOrNull",
    }
    assert {place[ALTERNATE] for place in places if "+quorum" not in place} == {
        "BlockDirtyBitmapOrStr",
        "BlockExportIothreads",
        "Qcow2OverlapChecks",
        "StrOrNull",
    }


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param('{"execute":"a"}', [(1, "a")], id="one"),
        pytest.param('{"execute":"a"} {"execute":"b"}', [(1, "a"), (1, "b")], id="in a line"),
        pytest.param('\n{"execute":\n"a"}\n\n{"execute":"b"}', [(2, "a"), (5, "b")], id="laid out"),
        pytest.param('-> {"execute":"a"}\n<- {"return":{}}\n-> {"execute":\n "b"}',
                     [(1, "a"), (3, "b")], id="dialogue"),
        pytest.param('{"QMP":{}}\n{"execute":"a"}\n{"return":{}}', [(2, "a")], id="recorded"),
        pytest.param("{'execute':'a'}", [(1, "a")], id="single quotes"),
        pytest.param('{"execute":"}"}', [(1, "}")], id="a brace in a string"),
        pytest.param('{"execute":"a"\n{"execute":"b"}', [(1, "json"), (2, "b")], id="not closed"),
        pytest.param('foo bar\n{"execute":"b"}', [(1, "json"), (2, "b")], id="no JSON"),
        pytest.param('{"execute":"a\n{"execute":"b"}', [(1, "json"), (2, "b")], id="open string"),
        pytest.param('}{"execute":"b"}\n', [(1, "json")], id="stray"),
        pytest.param("", [], id="nothing"),
        pytest.param("\u2028", [], id="blank"),
        pytest.param('{"execute":NaN}', [(1, "json")], id="nan"),
        pytest.param('{"execute":"a","execute":"a"}', [(1, "json")], id="twice"),
    ],
)  # fmt: skip
def test_streams(text, found):
    messages = split_messages(text)
    told = [(each.line, "json" if each.error else each.value["execute"]) for each in messages]
    assert told == found


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=12,
)
_NAMES = (
    "driver",
    "qom-type",
    "type",
    "id",
    "file",
    "backend",
    "addr",
    "node-name",
    "keys",
    "size",
)
_VALUES = ("qcow2", "file", "memory-backend-ram", "e1000", "tap", "socket", "", "\udc80", "a" * 200)
_ARGUMENTS = st.recursive(
    _JSON | st.sampled_from(_VALUES),
    lambda inner: st.dictionaries(st.sampled_from(_NAMES) | st.text(max_size=4), inner, max_size=5),
    max_leaves=20,
)
_COMMANDS = ("blockdev-add", "device_add", "object-add", "netdev_add", "chardev-add", "transaction",
             "send-key", "migrate-set-parameters", "qom-set", "nosuch")  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(command=st.sampled_from(_COMMANDS), arguments=_ARGUMENTS)
def test_nothing_raises(shipped, command, arguments):
    message = {"execute": command, "arguments": arguments}
    findings = validate_message(shipped, message)
    assert conclude(findings) in Verdict
    assert all(str(each).isprintable() for each in findings)
    assert all(each.rule and each.message for each in findings)


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=60) | st.text(alphabet="{}[]\"':,\\ \n-><1a", max_size=60))
def test_no_text_raises(text):
    messages = split_messages(text)
    assert [each.line for each in messages] == sorted(each.line for each in messages)


@settings(max_examples=200, deadline=None)
@given(value=_JSON)
def test_what_is_right_stays_right(value):
    """Where anything goes, anything goes."""
    assert validate(make_interface(), "go", {"type": "plain", "any": value}) == []


@pytest.mark.parametrize(
    ("depth", "found"), [(1022, []), (1023, [" nesting"]), (50_000, [" nesting"])]
)
def test_nesting(depth, found):
    value: list[object] = []
    for _ in range(depth - 1):
        value = [value]
    assert summarise(validate(make_interface(), "go", {"type": "plain", "any": value})) == found


@pytest.mark.shared
def test_table_is_what_the_schemas_say(shared):
    tool = runpy.run_path(str(Path(__file__).parent.parent / "tools/make_masked.py"))
    paths = {
        release: shared / f"schemas/qemu-{release}/qapi/qapi-schema.json"
        for release in ("7.2", "11.0")
    }
    schemas = {release: open_schema(path, docs="ignore") for release, path in paths.items()}
    assert tool["make_table"](schemas) == load_table()


# --- formats of strings: the last that is right, and the first that is not ---


@pytest.mark.parametrize(
    ("form", "text", "right"),
    [
        ("mac", "52:54:00-12:34:5F", True),
        ("mac", "52:54:00:12:34", False),
        ("mac", "52:54:00:12:34:5g", False),
        ("uuid", "auto", True),
        ("uuid", "01234567-89ab-cdef-0123-456789ABCDEF", True),
        ("uuid", "0123456789abcdef0123456789abcdef", False),
        ("pci-address", "1f.7", True),
        ("pci-address", "0x1f", True),
        ("pci-address", "20", False),
        ("pci-address", "1f.8", False),
        ("pci-address", "5.", False),
        ("host-pci-address", "ffff:ff:1f.7", True),
        ("host-pci-address", "ff:1f.7", True),
        ("host-pci-address", "10000:0:0.0", False),
        ("host-pci-address", "100:0.0", False),
        ("host-pci-address", "0:20.0", False),
        ("host-pci-address", "0:0.8", False),
        ("host-pci-address", "0:0", False),
        ("no such format", "x", True),
    ],
)
def test_formats(form, text, right):
    assert (find_format_error(form, text) == "") is right

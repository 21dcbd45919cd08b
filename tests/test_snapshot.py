"""Snapshot files: every form is known by its content; what is none is refused in one line."""

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from qscope.errors import SnapshotError
from qscope.model.index import decode_index, encode_index, make_index
from qscope.model.interface import Interface
from qscope.model.snapshot import Identity, Snapshot, decode_snapshot, encode_snapshot
from qscope.model.transcript import ErrorInfo, Exchange, Transcript

SCHEMA = [
    {"meta-type": "command", "name": "stop", "arg-type": "0", "ret-type": "0"},
    {"meta-type": "object", "name": "0", "members": []},
]
EXCHANGE = {"execute": "query-qmp-schema", "return": SCHEMA}
REPLIES = """{
  "execute": "qmp_capabilities",
  "id": "libvirt-1"
}

{
  "return": {},
  "id": "libvirt-1"
}

{
  "execute": "query-qmp-schema",
  "id": "libvirt-2"
}

{
  "return": SCHEMA,
  "id": "libvirt-2"
}

{
  "execute": "device-list-properties",
  "arguments": {
    "typename": "nosuch"
  },
  "id": "libvirt-3"
}

{
  "id": "libvirt-3",
  "error": {
    "class": "DeviceNotFound",
    "desc": "Device 'nosuch' not found"
  }
}
""".replace("SCHEMA", json.dumps(SCHEMA))

FORMS = {
    "bare reply": json.dumps(SCHEMA),
    "reply with return": json.dumps({"return": SCHEMA, "id": 1}),
    "transcript": json.dumps([EXCHANGE]),
    "libvirt's replies": REPLIES,
    "replies without commands": json.dumps({"QMP": {}}) + json.dumps({"return": SCHEMA}),
    "qscope's own": encode_snapshot(
        Snapshot(
            Identity(), (Exchange("query-qmp-schema", result=Raw(json.dumps(SCHEMA).encode())),)
        )
    ).decode(),
}


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzipped"])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_interface(form, packed):
    data = FORMS[form].encode()
    snapshot = decode_snapshot(gzip.compress(data) if packed else data)
    assert [each.name for each in Interface.from_snapshot(snapshot).entities or ()] == ["stop", "0"]


def test_a_number_beyond_64_bits_is_kept_as_it_came():
    data = b'[{"execute":"query-x","return":{"b":[123456789012345678901234567890],"a":1e400}}]'
    once = encode_snapshot(decode_snapshot(data))
    assert b'{"b":[123456789012345678901234567890],"a":1e400}' in once
    assert encode_snapshot(decode_snapshot(once)) == once


def test_replies_keep_errors_and_arguments():
    exchange = Transcript(decode_snapshot(REPLIES.encode()).exchanges).find(
        "device-list-properties", typename="nosuch"
    )
    assert exchange is not None
    assert exchange.error == ErrorInfo("DeviceNotFound", "Device 'nosuch' not found")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b" \n", id="white space"),
        pytest.param(b"{", id="half an object"),
        pytest.param(b"[" * 100_000, id="nested for ever"),
        pytest.param(b'{"return": [{"meta-type"', id="half a reply"),
        pytest.param(b"[]", id="empty array"),
        pytest.param(b"{}", id="empty object"),
        pytest.param(b"5", id="a number"),
        pytest.param(b"[5]", id="an array of numbers"),
        pytest.param(b'[{"a": 1}]', id="an array of other objects"),
        pytest.param(b'[{"execute": 5}]', id="a command that is no string"),
        pytest.param(b'[{"execute": "x", "arguments": 5}]', id="arguments that are no object"),
        pytest.param(b'[{"execute": "x", "error": "y"}]', id="an error that is no object"),
        pytest.param(b'{"return": {}}', id="a reply to something else"),
        pytest.param(b'{"format": "qscope-snapshot-99"}', id="a later format"),
        pytest.param(b'{"format": 5}', id="a format that is no string"),
        pytest.param(b'{"format": "qscope-snapshot-1"}', id="our format without content"),
        pytest.param(b'{"format": "qscope-snapshot-1", "identity": 5, "transcript": []}', id="5"),
        pytest.param(b'{"execute": "x"} 5', id="a stream with a number"),
        pytest.param(b'{"execute": "x"} {"execute": "y"}', id="a stream without answers"),
        pytest.param(b'{"return": 1} }', id="a stream with junk"),
        pytest.param(b"\x1f\x8bjunk", id="bad gzip"),
        pytest.param(gzip.compress(b"[1, 2]")[:-4], id="gzip cut short"),
        pytest.param(b"\x7fELF\x02\x01\x01", id="a program"),
        pytest.param(b"\xff\xfe{\x00", id="utf-16"),
        pytest.param(b"name: value\n", id="text"),
    ],
)
def test_what_is_no_snapshot_is_refused_in_one_line(data):
    with pytest.raises(SnapshotError) as caught:
        decode_snapshot(data)
    assert str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.binary(max_size=200))
def test_random_bytes_are_a_snapshot_or_refused(data):
    try:
        decode_snapshot(data)
    except SnapshotError:
        return


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)
OUTCOMES = st.one_of(
    JSON.map(lambda value: {"return": value}),
    st.just({"error": {"class": "GenericError", "desc": "no"}}),
    st.just({"crashed": True}),
    st.just({}),
)
TRANSCRIPTS = st.lists(
    st.builds(
        lambda name, arguments, outcome: {"execute": name, **arguments, **outcome},
        st.sampled_from(["query-version", "query-qmp-schema", "qom-list-types", "query-machines"]),
        st.sampled_from([{}, {"arguments": {"abstract": True}}]),
        OUTCOMES,
    ),
    min_size=1,
    max_size=4,
)


@given(TRANSCRIPTS)
def test_a_snapshot_survives_its_file(items):
    once = encode_snapshot(decode_snapshot(json.dumps(items).encode()))
    again = decode_snapshot(once)
    assert encode_snapshot(again) == once
    assert json.loads(once)["transcript"] == items
    assert gzip.decompress(encode_snapshot(again, compress=True)) == once


@given(TRANSCRIPTS)
def test_any_answers_make_an_interface_and_an_index_survives_its_file(items):
    """Whatever a server answers, the worst is that something is not known."""
    index = make_index(decode_snapshot(json.dumps(items).encode()))
    key = {"path": "/x", "size": 5}
    assert decode_index(encode_index(index, key)) == (key, index)
    Interface.from_index(index)


def test_spelling_and_key_order_change_no_byte():
    one = decode_snapshot(b'[{"execute": "x", "return": {"b": 1, "a": [2, 1]}}]')
    other = decode_snapshot(b'[{"return":{"a":[2,1],"b":1},"execute":"x"}]')
    assert encode_snapshot(one, compress=True) == encode_snapshot(other, compress=True)


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "version"])
def test_a_damaged_index_is_refused(damage):
    data = encode_index(make_index(decode_snapshot(FORMS["transcript"].encode())), {"path": "/x"})
    damaged = {
        "cut": data[:-1],
        "flip": data[:-9] + bytes([data[-9] ^ 1]) + data[-8:],
        "empty": b"",
        "version": data.replace(b'"version":5', b'"version":0'),
    }
    with pytest.raises(SnapshotError):
        decode_index(damaged[damage])


def test_the_first_answer_to_the_same_question_counts():
    items = [
        {"execute": "query-machines", "return": [{"name": "first"}]},
        {"execute": "query-machines", "return": [{"name": "second"}]},
    ]
    machines = make_index(decode_snapshot(json.dumps(items).encode())).listings.machines
    assert [machine.name for machine in machines or ()] == ["first"]


def test_a_recorded_qemu_is_read_whole(shared):
    path = shared / "snapshots/qemu-10.0.13-debian-x86_64.transcript.json.gz"
    interface = Interface.from_snapshot(decode_snapshot(path.read_bytes()))
    assert interface.identity.version == "10.0.13"
    assert (len(interface.entities or ()), interface.oddities) == (1177, ())
    devices = [each for each in interface.listings.devices or () if not each.abstract]
    assert (len(devices), len(interface.listings.machines or ())) == (495, 65)

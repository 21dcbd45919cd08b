"""Members in the order in which QEMU prints them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qscope.load import load_snapshot
from qscope.serve.mock.ordering import arrange
from qscope.serve.types.nodes import Alternate, Array, Enum, Member, Object, Scalar
from tests.qemu_monitor import run_monitor
from tests.test_mock_recorded import as_asked, serve_recorded

STR = Scalar("str")
# Both fall into one bucket.
VERSION = Object("V", tuple(Member(name, STR, False, ()) for name in ("major", "minor", "micro")))
UNION = Object(
    "U",
    (Member("kind", Enum("K", {"v": ()}), False, ()),),
    "kind",
    {"v": VERSION},
)


def nest(value):
    return {"micro": value, "minor": value}


@pytest.mark.parametrize(
    ("node", "value", "keys"),
    [
        pytest.param(VERSION, nest(1), ["micro", "minor"], id="the later member first"),
        pytest.param(None, nest(1), ["minor", "micro"], id="the later key first"),
        pytest.param(UNION, {"kind": "v", **nest(1)}, ["kind", "micro", "minor"], id="a branch"),
        pytest.param(UNION, {"kind": "x", **nest(1)}, ["kind", "minor", "micro"], id="none"),
        pytest.param(UNION, nest(1), ["minor", "micro"], id="no tag"),
        pytest.param(Alternate("A", (STR, VERSION)), nest(1), ["micro", "minor"], id="alternate"),
        pytest.param(STR, nest(1), ["minor", "micro"], id="not of its type"),
    ],
)
def test_members_stand_in_the_order_of_their_buckets(node, value, keys):
    backwards = dict(reversed(value.items()))
    assert sorted(arrange(value, node)) == sorted(keys)
    shown = [key for key in arrange(value, node) if key in keys]
    assert shown == [key for key in arrange(backwards, node) if key in keys]
    assert [key for key in shown if key != "kind"] == [key for key in keys if key != "kind"]


@pytest.mark.parametrize(
    "node", [Array("VList", VERSION), Alternate("A", (Array("VList", VERSION), STR))]
)
def test_elements_are_arranged_as_well(node):
    assert list(arrange([nest(1)], node)[0]) == ["micro", "minor"]


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from("abkmn"), inner),
)


@given(JSON, st.sampled_from([None, STR, VERSION, UNION, Array("l", UNION)]))
def test_nothing_is_lost(value, node):
    assert arrange(value, node) == value


@pytest.mark.live
def test_recorded_replies_are_qemus_to_the_byte(qemu, tmp_path):
    """All that a probe asks; a snapshot has the keys sorted."""
    snapshot = load_snapshot(qemu).snapshot
    exchanges = [each for each in snapshot.exchanges if not each.crashed]
    with run_monitor(qemu, tmp_path) as monitor:
        monitor.ask(b'{"execute": "qmp_capabilities"}')
        theirs = [monitor.ask(json.dumps(as_asked(each)).encode())[0] for each in exchanges]
    ours = serve_recorded(snapshot, exchanges, tmp_path)
    assert len(ours) > 500
    # What QEMU counts from the beginning of the process differs by what was asked before.
    differ = [one for one, other in zip(ours, theirs, strict=True) if one.rstrip() != other]
    assert len(differ) <= len(exchanges) // 100, differ[:3]

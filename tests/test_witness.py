"""Witnesses: the table that ships, answers through it, and what it refuses to conclude."""

import json
import re
import subprocess
import sys
import tomllib
from importlib import resources

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qscope.ask import Verdict, ask, compile_path
from qscope.ask.suggest import complete
from qscope.ask.witness import ask_witness, list_behaviours
from qscope.ask.witness_table import Table, decode_table, load_table
from qscope.errors import PathError
from qscope.load.opening import EMBEDDED
from qscope.model.interface import Interface
from qscope.model.snapshot import Identity, decode_snapshot

YES, NO, UNKNOWN = Verdict.YES, Verdict.NO, Verdict.UNKNOWN
TABLE = load_table()
ROWS = tomllib.loads(resources.files("qscope").joinpath("data/witnesses.toml").read_text())
WITNESSES = [pytest.param(row, id=row.fact) for row in TABLE.witnesses.values()]
BEHAVIOURS = [pytest.param(row, id=row.name) for row in TABLE.behaviours.values()]


# --- the table ---


def test_every_row_is_found_by_its_name():
    assert [row["fact"] for row in ROWS["witness"]] == list(TABLE.witnesses)
    assert [row["name"] for row in ROWS["behaviour"]] == list(TABLE.behaviours)


@pytest.mark.parametrize("row", WITNESSES)
def test_a_witness_stands_for_what_is_asked_and_rests_on_what_qemu_tells(row):
    fact = compile_path(row.fact)
    assert fact.prefix in ("behaviour", "option")
    assert fact.prefix != "behaviour" or fact.name in TABLE.behaviours
    for path in filter(None, (row.path, row.given)):
        # Not on another conclusion, nor on a version.
        assert compile_path(path).prefix not in ("behaviour", "option", "version")


@pytest.mark.parametrize("row", WITNESSES)
def test_absence_means_no_only_where_both_were_seen_to_be_absent(row):
    assert row.absent == "unknown" or False in row.checked.values()


@pytest.mark.parametrize("row", BEHAVIOURS)
def test_a_behaviour_was_seen(row):
    witness = TABLE.witnesses.get(f"behaviour:{row.name}")
    if witness:
        assert not row.checked
        assert not row.how
    checked, how = (witness or row).checked, (witness or row).how
    assert list(checked) == ["5.2.0", "7.2.22", "10.0.13", "11.1.3"]
    assert how


@pytest.mark.parametrize("row", BEHAVIOURS)
def test_a_behaviour_agrees_with_what_upstream_is_said_to_do(row):
    checked = (TABLE.witnesses.get(f"behaviour:{row.name}") or row).checked
    for release, holds in checked.items():
        after = [_is_before(bound, release) for bound in (row.since, row.until) if bound]
        if after:
            assert holds == (after == ([False] if row.until and not row.since else [True]))


def _is_before(bound, release):
    return tuple(map(int, bound.split("."))) <= tuple(map(int, release.split(".")))


@pytest.mark.parametrize("row", BEHAVIOURS)
def test_a_behaviour_reads_well(row):
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", row.name)
    assert not row.text.endswith(".")
    assert all(re.fullmatch(r"\d+\.\d+", each) for each in (row.since, row.until) if each)


WITNESS = """
[[witness]]
fact = "option:x"
path = "command:x"
why = "they came together"
absent = "no"
checked = { "5.2.0" = true }
how = "-x -version"
"""
BEHAVIOUR = """
[[behaviour]]
name = "x"
text = "it does"
"""


def test_a_table_needs_no_more_than_this():
    assert isinstance(decode_table((WITNESS + BEHAVIOUR).encode()), Table)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(WITNESS, id="no behaviour"),
        pytest.param(BEHAVIOUR, id="no witness"),
        pytest.param("", id="empty"),
        pytest.param(WITNESS + BEHAVIOUR + "[[witnes]]\n", id="a third kind"),
        pytest.param(WITNESS + BEHAVIOUR + "txet = 1\n", id="an unknown key of a behaviour"),
        pytest.param(WITNESS + "releases = 1\n" + BEHAVIOUR, id="an unknown key of a witness"),
        pytest.param(WITNESS.replace("absent", "#") + BEHAVIOUR, id="absence means nothing"),
        pytest.param(WITNESS.replace('"no"', '"yes"') + BEHAVIOUR, id="absence means yes"),
        pytest.param(WITNESS.replace("true", '"yes"') + BEHAVIOUR, id="seen, but as a string"),
        pytest.param(WITNESS.replace("how", "#") + BEHAVIOUR, id="nobody knows how"),
        pytest.param(WITNESS + BEHAVIOUR.replace("text", "#"), id="a behaviour without words"),
        pytest.param(WITNESS + BEHAVIOUR + "text = 1\n", id="a key twice"),
        pytest.param(WITNESS + BEHAVIOUR + "[[", id="no TOML"),
    ],
)
def test_a_table_with_an_error_is_refused(text):
    with pytest.raises((msgspec.ValidationError, tomllib.TOMLDecodeError)):
        decode_table(text.encode())


# --- answers ---


def command(name, *features, arg_type="q_empty"):
    entity = {"meta-type": "command", "name": name, "arg-type": arg_type, "ret-type": "q_empty"}
    return entity | {"features": list(features)} if features else entity


def learn(*entities):
    """The interface whose schema has these entities; `q_empty` is always there."""
    empty = {"meta-type": "object", "name": "q_empty", "members": []}
    return Interface.from_snapshot(decode_snapshot(json.dumps([empty, *entities]).encode()))


def struct(name, **members):
    listed = [{"name": key, "type": value} for key, value in members.items()]
    return {"meta-type": "object", "name": name, "members": listed}


def enum(name, *values):
    return {"meta-type": "enum", "name": name, "values": list(values)}


def netdev(*types):
    return (command("netdev_add", arg_type="1"), struct("1", type="2"), enum("2", *types))


def object_add(*types):
    return (
        command("object-add", arg_type="1"),
        struct("1", **{"qom-type": "2"}),
        enum("2", *types),
    )


def block_commit(*, optional):
    member = {"name": "top", "type": "str"} | ({"default": None} if optional else {})
    string = {"meta-type": "builtin", "name": "str", "json-type": "string"}
    arguments = {"meta-type": "object", "name": "1", "members": [member]}
    return (command("block-commit", arg_type="1"), arguments, string)


BROKEN = (command("netdev_add", arg_type="1"), struct("1", type="9"))


@pytest.mark.parametrize(
    ("entities", "fact", "verdict"),
    [
        (netdev("user", "dgram"), "behaviour:netdev-json", YES),
        (netdev("user", "socket"), "behaviour:netdev-json", NO),
        ((), "behaviour:netdev-json", NO),
        (BROKEN, "behaviour:netdev-json", UNKNOWN),
        ([command("device_add", "json-cli", "json-cli-hotplug")], "behaviour:device-json", YES),
        ([command("device_add", "json-cli")], "behaviour:device-json", NO),
        ([command("device_add")], "behaviour:device-json", NO),
        (object_add("secret"), "behaviour:object-json", YES),
        ([command("object-add")], "behaviour:object-json", NO),
        (block_commit(optional=True), "behaviour:block-commit-active", YES),
        (block_commit(optional=False), "behaviour:block-commit-active", UNKNOWN),
        ([command("human-monitor-command")], "behaviour:savevm-blockdev", UNKNOWN),
        ([command("set-action")], "option:action", YES),
        ([command("set-actions")], "option:action", NO),
        ([*object_add("secret"), command("device_add")], "option:compat", YES),
        ([*object_add("iothread"), command("device_add")], "option:compat", NO),
        pytest.param(object_add("secret"), "option:compat", UNKNOWN, id="a storage daemon"),
        ([command("set-action")], "option:set-action", UNKNOWN),
        ([command("set-action")], "option:action/panic", UNKNOWN),
        ([command("set-action")], "option:nosuch", UNKNOWN),
        ((), "behaviour:machine-smp", UNKNOWN),
        ((), "behaviour:device-add-strict", UNKNOWN),
    ],
)
def test_a_witness_decides(entities, fact, verdict):
    assert ask(learn(*entities), fact).verdict is verdict


def machine(*properties):
    exchanges = [
        {"execute": "query-machines", "return": [{"name": "none", "cpu-max": 1}]},
        {
            "execute": "qom-list-properties",
            "arguments": {"typename": "none-machine"},
            "return": [{"name": name, "type": "SMPConfiguration"} for name in properties],
        },
    ]
    return Interface.from_snapshot(decode_snapshot(json.dumps(exchanges).encode()))


@pytest.mark.parametrize(("properties", "verdict"), [(["smp"], YES), (["smm"], NO), ([], NO)])
def test_a_property_of_the_machine_is_a_witness(properties, verdict):
    answer = ask(machine(*properties), "behaviour:machine-smp")
    assert answer.verdict is verdict
    assert "the witness rests on qom-list-properties none-machine" in answer.why


def test_nothing_asked_is_nothing_known():
    nothing = Interface(None)
    facts = [*TABLE.witnesses, *(f"behaviour:{name}" for name in TABLE.behaviours)]
    assert {ask(nothing, fact).verdict for fact in facts} == {UNKNOWN}


@pytest.mark.parametrize("row", WITNESSES)
@pytest.mark.parametrize("recording", ["embedded", "shared"])
def test_a_recording_is_answered_as_its_qemu_behaved(row, recording, request):
    if recording == "shared":
        folder = request.getfixturevalue("shared") / "snapshots"
        path, release = folder / "qemu-10.0.13-debian-x86_64.transcript.json.gz", "10.0.13"
    else:
        path, release = EMBEDDED, "7.2.22"
    with open(path, "rb") as file:
        interface = Interface.from_snapshot(decode_snapshot(file.read()))
    answer = ask(interface, row.fact)
    if answer.verdict is UNKNOWN:
        # Not every recording was asked for the properties of machines.
        assert row.path.startswith("machine:")
        assert "were not asked" in answer.why
    else:
        assert (answer.verdict is YES) == row.checked[release]


@pytest.mark.parametrize(
    ("entities", "fact", "parts"),
    [
        (netdev("dgram"), "behaviour:netdev-json", ["only a witness says so", "checked on QEMU"]),
        (netdev("user"), "behaviour:netdev-json", ["only a witness says so", "5.2.0 (no)"]),
        (BROKEN, "behaviour:netdev-json", ["the witness cannot tell", "'9'"]),
        (block_commit(optional=False), "behaviour:block-commit-active", ["proves nothing", "2.1"]),
        (object_add("secret"), "option:compat", ["speaks only where 'command:device_add'"]),
    ],
)
def test_an_answer_through_a_witness_says_so(entities, fact, parts):
    answer = ask(learn(*entities), fact)
    row = TABLE.witnesses[fact]
    assert answer.evidence == f"witness {row.path}"
    assert [part for part in parts if part not in answer.why] == []
    if "checked on QEMU" in answer.why:
        assert row.why in answer.why
        assert f"by {row.how}" in answer.why
        assert answer.why.endswith("the witness rests on query-qmp-schema")


def test_a_behaviour_without_a_witness_tells_what_is_known_of_it():
    answer = ask(learn(), "behaviour:device-add-strict")
    assert answer.evidence == ""
    for part in ("no introspection", "no proof", "since 9.2", "7.2.22 (no), 10.0.13 (yes)"):
        assert part in answer.why
    assert "did so before 9.0" in ask(learn(), "behaviour:smp-zero").why


@given(st.sampled_from(["2.0.0", "5.2.0", "7.2.22", "9.2.50", "11.1.3", "99.0.0", None]))
def test_no_answer_rests_on_a_version(version):
    entities = learn(*netdev("dgram"), command("device_add")).entities
    one, other = (Interface(entities, identity=Identity(version=each)) for each in (version, "1.0"))
    for name in TABLE.behaviours:
        assert ask(one, f"behaviour:{name}") == ask(other, f"behaviour:{name}")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (
            "behaviour:netdev-jsno",
            "no behaviour is called 'netdev-jsno'; did you mean 'netdev-json'",
        ),
        ("behaviour:Netdev-json", "did you mean 'netdev-json'"),
        ("behaviour:zzz", "no behaviour is called 'zzz': 'qscope list --behaviours' names them"),
        ("behaviour:netdev-json/x", "nothing comes behind the name of a behaviour"),
        ("behaviour:netdev-json/", "nothing comes behind the name of a behaviour"),
        ("behaviour:zzz/x", "nothing comes behind the name of a behaviour"),
        ("behaviour:", "no name after 'behaviour:'"),
        ("behaviour:/x", "no name after 'behaviour:'"),
    ],
)
def test_what_no_behaviour_is_called_is_refused(path, message):
    with pytest.raises(PathError) as caught:
        ask(learn(*netdev("dgram")), path)
    assert str(caught.value).startswith("malformed path")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "fact", ["option:spice", "option:compat/x", "netdev_add", "", "behaviour:x"]
)
def test_what_has_no_witness_is_left_to_others(fact):
    assert ask_witness(learn(*netdev("dgram")), fact, ask) is None


def test_the_list_has_every_behaviour_by_name():
    listed = {each.name: each for each in list_behaviours()}
    assert list(listed) == sorted(TABLE.behaviours)
    assert listed["netdev-json"].witness == "netdev_add/arg-type/type/^dgram"
    assert listed["netdev-json"].since == "7.2"
    assert listed["device-add-strict"].witness is None
    assert listed["smp-zero"].until == "9.0"


def test_names_are_completed():
    found = ["behaviour:netdev-add-id-check", "behaviour:netdev-json"]
    assert list(complete(learn(), "behaviour:netdev")) == found


_WITHOUT = """
import sys
from qscope.ask import ask
from qscope.model.interface import Interface
ask(Interface(()), "eject")
print([name for name in ("qscope.ask.witness", "qscope.ask.versions", "tomllib", "pkgutil")
       if name in sys.modules])
"""


def test_a_query_of_the_schema_does_not_load_the_table():
    words = [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{_WITHOUT}"]
    outcome = subprocess.run(words, capture_output=True, text=True, timeout=30, check=True)
    assert outcome.stdout == "[]\n"

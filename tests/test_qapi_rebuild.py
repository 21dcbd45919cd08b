"""Introspection back to a schema: nothing that it tells is lost, whatever a snapshot holds."""

import contextlib

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from qscope import qapi
from qscope.errors import RefusalError, SnapshotError
from qscope.load import load
from qscope.load.opening import EMBEDDED
from qscope.load.schema import open_schema
from qscope.model.canonical import schema_hash
from qscope.model.interface import Interface
from qscope.model.schema_info import convert_entities
from qscope.qapi.rebuild import rebuild
from qscope.serve.mock.unmasking import unmask
from qscope.serve.schema import ServedSchema
from tests.source_strategies import sources
from tests.strategies import interfaces

TENS = "snapshots/qemu-10.0.13-debian-x86_64.transcript.json.gz"


@pytest.fixture(params=["embedded", TENS])
def recorded(request):
    if request.param == "embedded":
        return load(EMBEDDED).interface
    return load(str(request.getfixturevalue("shared") / TENS)).interface


def test_a_recorded_schema_comes_back_whole(recorded):
    assert schema_hash(Interface(rebuild(recorded).introspect())) == schema_hash(recorded)


def test_what_is_unmasked_is_masked_again(recorded):
    schema = unmask(rebuild(recorded))
    assert schema_hash(Interface(schema.introspect())) == schema_hash(recorded)


def test_every_command_and_event_of_it_can_be_served(recorded):
    served = ServedSchema(unmask(rebuild(recorded)))
    assert served.list_commands() == {each.name for each in recorded.commands}
    assert all(served.find_command(each.name) for each in recorded.commands)
    assert all(served.has_event(each.name) for each in recorded.events)


def test_introspection_of_qemus_source_comes_back(shared):
    folder = shared / "schemas" / "qemu-7.2" / "qapi"
    source = open_schema(folder / "qapi-schema.json", docs="ignore")
    interface = Interface(source.introspect())
    assert schema_hash(Interface(rebuild(interface).introspect())) == schema_hash(interface)


@given(sources(), st.sets(st.sampled_from(["A", "B", "C"])))
def test_what_a_source_makes_comes_back(text, defines):
    interface = Interface(qapi.parse(text, docs="ignore").introspect(defines))
    assume(not list(interface.find_dangling()))
    assert schema_hash(Interface(rebuild(interface).introspect())) == schema_hash(interface)


@given(interfaces())
def test_any_interface_is_refused_or_served(interface):
    try:
        served = ServedSchema(unmask(rebuild(interface)))
    except SnapshotError:
        return
    for name in served.list_commands():
        command = served.find_command(name)
        if command is not None and command.arguments is not None:
            with contextlib.suppress(RefusalError):
                served.read_arguments(command, {})


OBJECT = {"name": "1", "meta-type": "object", "members": []}
NAMED = {"name": "a", "type": "str"}


@pytest.mark.parametrize(
    ("entities", "words"),
    [
        pytest.param(
            [{**OBJECT, "members": [NAMED], "tag": "a", "variants": []}],
            "schema entry 1: its tag 'a' is no enum",
            id="a tag that is a string",
        ),
        pytest.param(
            [{**OBJECT, "tag": "a", "variants": []}],
            "schema entry 1: its tag 'a' is no enum",
            id="a tag that is no member",
        ),
        pytest.param(
            [{**OBJECT, "members": [NAMED, NAMED]}],
            "schema entry 1: the member 'a' is there twice",
            id="a member twice",
        ),
        pytest.param(
            [{**OBJECT, "members": [{**NAMED, "name": "a-b"}, {**NAMED, "name": "a_b"}]}],
            "schema entry 1: the member 'a_b' is there twice",
            id="members that C cannot tell apart",
        ),
        pytest.param(
            [
                {
                    **OBJECT,
                    "members": [{**NAMED, "type": "2"}],
                    "tag": "a",
                    "variants": [{"case": "x", "type": "1"}],
                },
                {"name": "2", "meta-type": "enum", "members": [{"name": "x"}], "values": ["x"]},
            ],
            "schema entry 1: a union that is a branch of itself",
            id="a union within itself",
        ),
        pytest.param(
            [
                {"name": "1", "meta-type": "alternate", "members": [{"type": "2"}]},
                {"name": "2", "meta-type": "alternate", "members": [{"type": "str"}]},
            ],
            "schema entry 2: an alternate within an alternate",
            id="an alternate within another",
        ),
        pytest.param(
            [
                {**OBJECT, "members": [{**NAMED, "type": "[2]"}]},
                {"name": "[2]", "meta-type": "array", "element-type": "[2]"},
            ],
            "schema entry [2]: an array of itself",
            id="an array of itself",
        ),
    ],
)
def test_what_no_source_has_is_refused(entities, words):
    builtin = {"name": "str", "meta-type": "builtin", "json-type": "string"}
    interface = Interface(convert_entities([builtin, *entities])[0])
    with pytest.raises(SnapshotError) as caught:
        rebuild(interface)
    assert str(caught.value) == words


def test_without_a_schema_there_is_nothing_to_serve():
    with pytest.raises(SnapshotError, match="no query-qmp-schema reply"):
        rebuild(Interface(None))


def test_what_was_not_sent_is_anything():
    entities = [
        {**OBJECT, "members": [{**NAMED, "type": "gone"}]},
        {"name": "go", "meta-type": "command", "arg-type": "1", "ret-type": "gone"},
        {"name": "run", "meta-type": "command", "arg-type": "gone", "ret-type": "1"},
    ]
    served = ServedSchema(rebuild(Interface(convert_entities(entities)[0])))
    go, run = served.find_command("go"), served.find_command("run")
    assert go is not None
    assert run is not None
    assert served.read_arguments(go, {"a": [None, {}]}).a == [None, {}]
    assert served.read_arguments(run, {"whatever": 1}) == {"whatever": 1}
    assert served.encode_result(go, [1]) == b"[1]"


# What introspection masks.


@pytest.fixture(scope="module")
def unmasked(interface):
    return ServedSchema(unmask(rebuild(interface)))


@pytest.mark.parametrize(
    ("command", "arguments", "desc"),
    [
        ("balloon", {"value": 1 << 63}, "Invalid parameter type for 'value', expected: integer"),
        ("block_resize", {"size": 1.5}, "Invalid parameter type for 'size', expected: integer"),
        ("memsave", {"val": 0, "size": 0, "filename": 1},
         "Invalid parameter type for 'filename', expected: string"),
        ("blockdev-add", {"driver": "null-co", "size": True},
         "Invalid parameter type for 'size', expected: integer"),
        ("blockdev-add", {"driver": "qcow2", "file": 5},
         "Invalid parameter type for 'file', expected: BlockdevRef"),
        ("blockdev-add", {"driver": "qcow2", "file": "f", "backing": 5},
         "Invalid parameter type for 'backing', expected: BlockdevRefOrNull"),
        ("blockdev-add", {"driver": "null-co", "latency-ns": 1.5},
         "Parameter 'latency-ns' expects uint64"),
        ("migrate-set-parameters", {"tls-creds": 1},
         "Invalid parameter type for 'tls-creds', expected: StrOrNull"),
        ("migrate-set-parameters", {"multifd-channels": 256},
         "Parameter 'multifd-channels' expects uint8_t"),
        ("set-numa-node", {"type": "node", "nodeid": 1 << 16},
         "Parameter 'nodeid' expects uint16_t"),
    ],
)  # fmt: skip
def test_masked_types_are_known_by_their_place(unmasked, command, arguments, desc):
    with pytest.raises(RefusalError) as caught:
        unmasked.read_arguments(unmasked.find_command(command), arguments)
    assert caught.value.desc == desc


def test_what_hand_written_code_judges_is_open(unmasked):
    command = unmasked.find_command("device_add")
    assert unmasked.read_arguments(command, {"driver": 1, "x": []}) == {"driver": 1, "x": []}
    assert unmasked.find_command("object-add").arguments is not None

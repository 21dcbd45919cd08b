"""Made-up results: valid whatever the type, small, and the same for the same seed."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qscope.errors import SnapshotError
from qscope.load import load
from qscope.load.opening import EMBEDDED
from qscope.qapi.rebuild import rebuild
from qscope.serve.mock.making import Maker
from qscope.serve.schema import ServedSchema
from qscope.serve.source import open_source
from qscope.serve.types import Reading
from qscope.serve.types.nodes import Alternate, Array, Enum, Object, Scalar
from tests.strategies import interfaces

TENS = "snapshots/qemu-10.0.13-debian-x86_64.transcript.json.gz"
ELEVEN = "schemas/qemu-11.0/qapi/qapi-schema.json"
MAKERS = [
    pytest.param(Maker(), id="the simplest"),
    pytest.param(Maker(full=True), id="full"),
    *(pytest.param(Maker(seed), id=f"seed {seed}") for seed in (1, 2, -3)),
    *(pytest.param(Maker(seed, full=True), id=f"full, seed {seed}") for seed in (1, 2)),
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture(scope="module", params=["embedded", TENS, ELEVEN])
def schema(request):
    if request.param == "embedded":
        return ServedSchema(rebuild(load(EMBEDDED).interface))
    path = request.getfixturevalue("shared") / request.param
    if request.param == TENS:
        return ServedSchema(rebuild(load(str(path)).interface))
    if not path.is_file():
        pytest.skip(f"no {path}")
    return ServedSchema(open_source(path))


def list_results(schema):
    commands = [schema.find_command(name) for name in sorted(schema.list_commands())]
    return [each for each in commands if each.result is not None]


@pytest.mark.parametrize("maker", MAKERS)
def test_every_commands_result_is_valid(schema, maker):
    results = list_results(schema)
    assert len(results) > 80
    for command in results:
        made = maker.make(command.result, command.name)
        schema.encode_result(command, made)


@pytest.mark.parametrize("maker", MAKERS)
def test_every_events_data_are_valid(schema, maker):
    names = [each.name for each in schema.schema.find_commands_and_events()]
    events = [name for name in names if schema.has_event(name)]
    assert len(events) > 40
    for name in events:
        schema.encode_data(name, maker.make(schema.find_data(name), name))


def list_optional(node, made):
    """Return the optional members that a value has."""
    match node:
        case Array(element=element):
            return [name for each in made for name in list_optional(element, each)]
        case Object():
            found = []
            for member in node.members:
                if member.name in made:
                    found += [member.name] * member.optional
                    found += list_optional(member.type, made[member.name])
            if node.tag is not None:
                found += list_optional(node.branches[made[node.tag]], made)
            return found
        case _:
            return []


@pytest.mark.parametrize("seed", [0, 5])
def test_a_result_has_nothing_that_it_need_not_have(schema, seed):
    maker = Maker(seed)
    for command in list_results(schema):
        made = maker.make(command.result, command.name)
        assert list_optional(command.result, made) == []
        if isinstance(command.result, Array):
            assert made == []


def test_full_results_have_what_minimal_ones_lack(schema):
    command = schema.find_command("query-block")
    assert Maker().make(command.result, "query-block") == []
    (made,) = Maker(full=True).make(command.result, "query-block")
    assert "inserted" in made


def test_a_seed_decides(schema):
    command = schema.find_command("query-status")
    made = {
        seed: [Maker(seed).make(command.result, "query-status") for _ in range(2)]
        for seed in range(1, 20)
    }
    assert all(one == other for one, other in made.values())
    assert len({msgspec.json.encode(one) for one, _ in made.values()}) > 5


def test_the_name_of_the_command_decides_besides(schema):
    command = schema.find_command("query-status")
    made = {str(Maker(1).make(command.result, f"x-{number}")) for number in range(20)}
    assert len(made) > 5


# Facts.


@given(facts=JSON, seed=st.integers(0, 3), full=st.booleans(), number=st.integers(0, 10_000))
def test_facts_of_any_shape_leave_results_valid(served, facts, seed, full, number):
    results = list_results(served)
    command = results[number % len(results)]
    made = Maker(seed, full=full).make(command.result, command.name, facts)
    try:
        served.encode_result(command, made)
    except Exception as error:
        raise AssertionError(f"{command.name}: {made}") from error


@pytest.fixture(scope="module")
def served(interface):
    return ServedSchema(rebuild(interface))


STATUS = Enum("S", {"running": (), "paused": ()})


def an_object(*members, tag=None, branches=None):
    from qscope.serve.types.nodes import Member

    made = tuple(Member(name.lstrip("*"), node, name[0] == "*", ()) for name, node in members)
    return Object("O", made, tag, branches or {})


@pytest.mark.parametrize(
    ("node", "facts", "made"),
    [
        pytest.param(Scalar("str"), "x", "x", id="a fact of the type"),
        pytest.param(Scalar("str"), 1, "", id="a fact of another type"),
        pytest.param(Scalar("int"), True, 0, id="a boolean is no integer"),
        pytest.param(Scalar("bool"), 1, False, id="an integer is no boolean"),
        pytest.param(Scalar("number"), 1, 1, id="an integer is a number"),
        pytest.param(Scalar("uint8"), 7, 7, id="an integer of any width"),
        pytest.param(Scalar("uint8"), 256, 0, id="an integer that is too large"),
        pytest.param(Scalar("size"), -1, 0, id="a size that is negative"),
        pytest.param(Scalar("int"), 1 << 63, 0, id="an integer beyond 64 bits"),
        pytest.param(Scalar("any"), [None], [None], id="anything"),
        pytest.param(Scalar("null"), 1, None, id="null"),
        pytest.param(STATUS, "paused", "paused", id="a value of the enum"),
        pytest.param(STATUS, "gone", "running", id="a value that this release lacks"),
        pytest.param(Array("l", STATUS), ["gone", "paused"], ["running", "paused"], id="elements"),
        pytest.param(Array("l", STATUS), "paused", [], id="no array"),
        pytest.param(
            an_object(("a", Scalar("str")), ("*b", Scalar("str")), ("*c", Scalar("str"))),
            {"b": "x", "zz": 1},
            {"a": "", "b": "x"},
            id="members that are known, demanded, neither, and unknown",
        ),
        pytest.param(
            Alternate("A", (Scalar("str"), Scalar("bool"))), True, True, id="a fact chooses"
        ),
        pytest.param(Alternate("A", (Scalar("bool"), Scalar("str"))), 1, False, id="no fact does"),
        pytest.param(
            an_object(
                ("t", STATUS),
                tag="t",
                branches={"running": an_object(), "paused": an_object(("why", Scalar("str")))},
            ),
            {"t": "paused", "why": "x"},
            {"t": "paused", "why": "x"},
            id="a tag that is known",
        ),
    ],
)
def test_facts_are_told_as_far_as_the_type_has_them(node, facts, made):
    assert Maker().make(node, "x", facts) == made


# Types that have few values, or none.


def recursive(*, ends):
    node = an_object()
    kinds = Enum("K", {"more": (), **({"end": ()} if ends else {})})
    branches = {"more": an_object(("next", node)), **({"end": an_object()} if ends else {})}
    union = an_object(("kind", kinds), tag="kind", branches=branches)
    node.members, node.tag, node.branches = union.members, union.tag, union.branches
    return node


@pytest.mark.parametrize("maker", MAKERS)
def test_a_recursive_type_comes_to_an_end(maker):
    made = maker.make(recursive(ends=True), "x")
    depth = 0
    while "next" in made:
        made, depth = made["next"], depth + 1
    assert made == {"kind": "end"}
    assert depth < 10


@pytest.mark.parametrize(
    "node",
    [
        pytest.param(Enum("E"), id="an enum without values"),
        pytest.param(Alternate("A"), id="an alternate without branches"),
        pytest.param(recursive(ends=False), id="a type that contains itself"),
        pytest.param(an_object(("a", Enum("E"))), id="a member that cannot be"),
        pytest.param(an_object(("t", Enum("E")), tag="t"), id="a union without branches"),
    ],
)
def test_what_has_no_value_is_not_made_up(node):
    with pytest.raises(ValueError, match="no value is of the type"):
        Maker(1, full=True).make(node, "x")
    assert Maker(full=True).make(Array("l", node), "x") == []
    assert Maker(full=True).make(an_object(("*a", node)), "x") == {}


@given(interfaces(), st.integers(0, 3), st.booleans())
def test_what_is_made_up_for_any_interface_is_valid(interface, seed, full):
    try:
        schema = ServedSchema(rebuild(interface))
    except SnapshotError:
        return
    maker = Maker(seed, full=full)
    for command in list_results(schema):
        try:
            made = maker.make(command.result, command.name)
        except ValueError:
            continue
        schema.types.read(command.result, made, Reading.OUTPUT)

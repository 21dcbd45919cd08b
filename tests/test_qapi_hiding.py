"""What a policy hides: commands, events, members and values, and what hangs on them."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qscope import qapi
from qscope.errors import SchemaError, UnknownNameError
from qscope.load.defines import read_defines
from qscope.load.schema import open_schema
from qscope.model.canonical import canonical_form, schema_hash
from qscope.model.interface import Interface
from qscope.model.schema_info import convert_entities
from qscope.qapi.definitions import Object
from qscope.qapi.drivers import add_branch, remove_branch
from qscope.qapi.hiding import hide
from tests.driver_sources import DRIVERS, add_all, find_end
from tests.qemu_monitor import run_monitor
from tests.schemas import SYMBOLS, hash_of, introspect, parse_example
from tests.source_strategies import DEFINES, sources

BOTH = ("deprecated", "unstable")
OLD = "'features': [ 'deprecated' ]"
SHAKY = "'features': [ 'unstable' ]"
OLD_IF = "'features': [ { 'name': 'deprecated', 'if': 'A' } ]"


def hide_in(entities, features):
    """Hide in a query-qmp-schema reply, naively: what is told of it is all there is."""
    by_name = {entity["name"]: entity for entity in entities}
    for entity in entities:
        if entity["meta-type"] in ("command", "event") and carries(entity, features):
            continue
        if entity["meta-type"] == "enum":
            values = [each for each in entity["members"] if not carries(each, features)]
            yield entity | {"members": values, "values": [each["name"] for each in values]}
        elif entity["meta-type"] == "object":
            yield hide_in_object(entity, by_name, features)
        else:
            yield entity


def hide_in_object(entity, by_name, features):
    members = [each for each in entity["members"] if not carries(each, features)]
    found = entity | {"members": members}
    if "tag" not in entity:
        return found
    (tag,) = (each for each in entity["members"] if each["name"] == entity["tag"])
    if carries(tag, features):
        del found["tag"], found["variants"]
        return found
    values = by_name[tag["type"]]["members"]
    gone = {value["name"] for value in values if carries(value, features)}
    return found | {"variants": [each for each in entity["variants"] if each["case"] not in gone]}


def carries(part, features):
    return not set(features).isdisjoint(part.get("features", ()))


def form(entities):
    found, oddities = convert_entities(entities)
    assert not oddities
    return canonical_form(Interface(found)).split(b"\n")


# What is hidden.


TYPES = "{ 'enum': 'Kind', 'data': [ 'x', 'y' ] }\n{ 'struct': 'Arm', 'data': { 'arm': 'int' } }\n"
BASE = "'base': { 'kind': 'Kind', '*id': 'str' }"
UNION = TYPES + (
    f"{{ 'union': 'Uni', {BASE}, 'discriminator': 'kind', 'data': {{ 'y': 'Arm' }} }}\n"
    "{ 'command': 'a', 'data': 'Uni', 'boxed': true }"
)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(f"{{ 'command': 'a' }}\n{{ 'command': 'b', {OLD} }}", "{ 'command': 'a' }"),
        pytest.param(f"{{ 'command': 'a' }}\n{{ 'event': 'E', {SHAKY} }}", "{ 'command': 'a' }"),
        pytest.param(
            f"{{ 'struct': 'Arg', 'data': {{ 'x': 'int', 'y': {{ 'type': 'str', {OLD} }} }} }}\n"
            "{ 'event': 'E', 'data': 'Arg' }",
            "{ 'event': 'E', 'data': { 'x': 'int' } }",
            id="member",
        ),
        pytest.param(
            f"{{ 'command': 'a', 'data': {{ '*x': {{ 'type': 'str', {SHAKY} }} }} }}",
            "{ 'command': 'a' }",
            id="the only argument",
        ),
        pytest.param(
            f"{{ 'struct': 'Old', 'data': {{ '*x': {{ 'type': 'str', {SHAKY} }} }} }}\n"
            "{ 'struct': 'Sub', 'base': 'Old', 'data': { 'y': [ 'Old' ] } }\n"
            "{ 'command': 'a', 'returns': 'Sub' }",
            "{ 'struct': 'Old', 'data': {} }\n{ 'struct': 'Sub', 'data': { 'y': [ 'Old' ] } }\n"
            "{ 'command': 'a', 'returns': 'Sub' }",
            id="inherited member",
        ),
        pytest.param(
            f"{{ 'enum': 'Kind', 'data': [ 'x', {{ 'name': 'y', {OLD} }}, 'z' ] }}\n"
            "{ 'command': 'a', 'data': { 'k': [ 'Kind' ] } }",
            "{ 'enum': 'Kind', 'data': [ 'x', 'z' ] }\n"
            "{ 'command': 'a', 'data': { 'k': [ 'Kind' ] } }",
            id="value",
        ),
        pytest.param(
            f"{{ 'enum': 'Kind', 'data': [ {{ 'name': 'y', {OLD} }} ] }}\n"
            "{ 'alternate': 'Alt', 'data': { 'k': 'Kind', 'n': 'int' } }\n"
            "{ 'command': 'a', 'data': { 'k': 'Alt' } }",
            "{ 'enum': 'Kind', 'data': [] }\n"
            "{ 'alternate': 'Alt', 'data': { 'k': 'Kind', 'n': 'int' } }\n"
            "{ 'command': 'a', 'data': { 'k': 'Alt' } }",
            id="the only value",
        ),
        pytest.param(
            UNION.replace("'y' ]", f"{{ 'name': 'y', {OLD} }} ]"),
            UNION.replace(", 'y' ]", " ]").replace("'y': 'Arm'", ""),
            id="value with a branch",
        ),
        pytest.param(
            UNION.replace("'x'", f"{{ 'name': 'x', {OLD} }}"),
            UNION.replace("'x',", ""),
            id="value without a branch",
        ),
        pytest.param(
            UNION.replace("'*id': 'str'", f"'*id': {{ 'type': 'str', {SHAKY} }}"),
            UNION.replace(", '*id': 'str'", ""),
            id="member of a union's base",
        ),
        pytest.param(
            UNION.replace("'kind': 'Kind'", f"'kind': {{ 'type': 'Kind', {OLD} }}"),
            "{ 'command': 'a', 'data': { '*id': 'str' } }",
            id="tag",
        ),
        pytest.param(
            UNION.replace("'kind': 'Kind'", f"'kind': {{ 'type': 'Kind', {OLD_IF} }}"),
            # A tag that is there under a condition is none; at least the member is.
            "{ 'enum': 'Kind', 'data': [ 'x', 'y' ] }\n{ 'struct': 'Arg',"
            " 'data': { 'kind': { 'type': 'Kind', 'if': { 'not': 'A' } }, '*id': 'str' } }\n"
            "{ 'command': 'a', 'data': 'Arg', 'boxed': true }",
            id="tag under a condition",
        ),
        pytest.param(
            f"{{ 'command': 'a' }}\n{{ 'command': 'b', {OLD_IF} }}",
            "{ 'command': 'a' }\n{ 'command': 'b', 'if': { 'not': 'A' } }",
            id="command under a condition",
        ),
        pytest.param(
            "{ 'command': 'a', 'if': 'B', 'features': [ { 'name': 'deprecated', 'if': 'A' },"
            " { 'name': 'unstable', 'if': { 'all': [ 'B', 'C' ] } } ] }",
            "{ 'command': 'a', 'if': { 'all': [ 'B', { 'not': 'A' }, { 'not': 'C' } ] } }",
            id="two features under conditions",
        ),
        pytest.param(
            "{ 'command': 'a', 'features': [ 'unstable', { 'name': 'deprecated', 'if': 'A' } ] }",
            "",
            id="one feature under a condition and one not",
        ),
        pytest.param(
            UNION.replace("'y' ]", f"{{ 'name': 'y', {OLD_IF}, 'if': 'B' }} ]"),
            UNION.replace(
                "'y' ]", "{ 'name': 'y', 'if': { 'all': [ 'B', { 'not': 'A' } ] } } ]"
            ).replace("'y': 'Arm'", "'y': { 'type': 'Arm', 'if': { 'not': 'A' } }"),
            id="a branch's value under a condition",
        ),
        pytest.param(
            UNION.replace("'x'", f"{{ 'name': 'x', {OLD_IF} }}"),
            UNION.replace("'x'", "{ 'name': 'x', 'if': { 'not': 'A' } }"),
            id="an empty branch's value under a condition",
        ),
    ],
)
def test_what_is_hidden(before, after):
    hidden = hide(qapi.parse(before), BOTH)
    expected = qapi.parse(after)
    for defines in ([], ["A"], ["B"], ["A", "B"], ["B", "C"], ["A", "B", "C"]):
        assert hash_of(hidden, defines) == hash_of(expected, defines)
        names = [each["name"] for each in introspect(expected, defines, unmask=True)]
        users = [each.name for each in expected.find_commands_and_events() if each.name in names]
        assert [each["name"] for each in introspect(hidden, defines)][: len(users)] == users


@pytest.mark.parametrize(
    "text",
    [
        "{ 'command': 'a', 'features': [ 'deprecate', 'f' ] }",
        "{ 'command': 'deprecated' }\n{ 'event': 'UNSTABLE', 'data': { 'unstable': 'int' } }",
        TYPES.replace("'x'", "'deprecated'") + "{ 'command': 'a', 'returns': 'Arm' }",
        UNION,
    ],
)
def test_what_carries_no_such_feature_stays(text):
    schema = qapi.parse(text)
    hidden = hide(schema, BOTH)
    assert introspect(hidden) == introspect(schema)
    assert hidden.entities == schema.entities
    assert hidden.shapes == schema.shapes


def test_each_feature_is_hidden_by_itself():
    schema = qapi.parse(f"{{ 'command': 'a', {OLD} }}\n{{ 'command': 'b', {SHAKY} }}")
    assert hide(schema, ["deprecated"]).by_name.keys().isdisjoint({"a"})
    assert "b" in hide(schema, ["deprecated"]).by_name
    assert "a" in hide(schema, ["unstable"]).by_name


@pytest.mark.parametrize(
    ("part", "marked", "discriminator"),
    [
        pytest.param("'y' ]", f"{{ 'name': 'y', {OLD} }} ]", "kind", id="value"),
        pytest.param("'kind': 'Kind'", f"'kind': {{ 'type': 'Kind', {OLD} }}", None, id="tag"),
    ],
)
def test_definitions_are_hidden_as_introspection_is(part, marked, discriminator):
    union = hide(qapi.parse(UNION.replace(part, marked)), BOTH).by_name["Uni"]
    assert isinstance(union, Object)
    assert (union.discriminator, union.branches) == (discriminator, ())


def test_a_union_whose_values_are_all_hidden_has_no_branch():
    text = UNION.replace("[ 'x', 'y' ]", f"[ {{ 'name': 'y', {OLD} }} ]")
    hidden = hide(qapi.parse(text), BOTH)
    assert hidden.shapes["Uni"].branches == ()
    added = add_branch(hidden, "Uni", "z", "Arm")
    assert [branch.name for branch in added.shapes["Uni"].branches] == ["z"]


def test_hiding_nothing_is_no_change():
    schema = parse_example()
    assert hide(schema, ()) is schema
    hidden = hide(schema, BOTH)
    assert hide(hidden, ()) is hidden
    assert hide(hidden, ["unstable"]) is hidden
    assert schema.hidden == frozenset()


@pytest.mark.parametrize(
    ("features", "error"),
    [
        ("deprecated", TypeError),
        (["dynamic-auto-read-only"], UnknownNameError),
        ([""], UnknownNameError),
        (["deprecated", "Unstable"], UnknownNameError),
        ([None], UnknownNameError),
    ],
)
def test_features_that_nobody_hides(features, error):
    """Types can carry others, and what of them were left could not be told."""
    with pytest.raises(error):
        hide(parse_example(), features)


# A hidden schema gets and loses branches as the whole one does.


def test_what_is_hidden_is_there_all_the_same():
    text = UNION.replace("'y' ]", f"{{ 'name': 'y', {OLD} }} ]")
    hidden = hide(qapi.parse(text), BOTH)
    with pytest.raises(SchemaError, match="has a branch 'y' already"):
        add_branch(hidden, "Uni", "y", "Arm")
    with pytest.raises(SchemaError, match="stands in the schema itself"):
        remove_branch(hidden, "Uni", "y")


def test_what_a_branch_brings_is_hidden_too():
    member = {"type": "int", "features": ["unstable"]}
    hidden = hide(qapi.parse(UNION), ["unstable"])
    added = add_branch(hidden, "a", "z", {"m": "int", "n": member})
    assert hash_of(added) == hash_of(add_branch(qapi.parse(UNION), "a", "z", {"m": "int"}))
    assert introspect(remove_branch(added, "a", "z")) == introspect(hidden)


# Laws.


MARKS = st.sampled_from([OLD, SHAKY, OLD_IF])


@st.composite
def marked_sources(draw):
    """A schema in which any part is deprecated or unstable, or only under a condition."""
    lines = []
    for line in draw(sources()).splitlines():
        end = len(line)
        if line.startswith("{ 'struct'"):
            # Types cannot be.
            end = find_end(line, line.index("'data': {") + len("'data': {"))
        names = st.sampled_from(["f", "deprecated", "unstable"])
        parts = line[:end].split("'name': 'f'")
        text = parts[0]
        for part in parts[1:]:
            text += f"'name': '{draw(names)}'" + part
        lines.append(text + line[end:])
    source = "\n".join(lines)
    if draw(st.booleans()):
        source = source.replace("'z' ] }", f"{{ 'name': 'z', {draw(MARKS)} }} ] }}")
    if draw(st.booleans()):
        source = source.replace(
            "{ 'kind': 'Kind' }", f"{{ 'kind': {{ 'type': 'Kind', {SHAKY} }} }}"
        )
    return source


HIDDEN = st.sets(st.sampled_from(BOTH))


@settings(deadline=None)
@given(marked_sources(), HIDDEN, DEFINES)
def test_hiding_is_leaving_out_what_introspection_marks(source, hidden, defines):
    schema = qapi.parse(source)
    found = introspect(hide(schema, hidden), defines)
    assert form(found) == form(list(hide_in(introspect(schema, defines), hidden)))
    for entity in found:
        for part in (entity, *entity.get("members", ())):
            assert not carries(part, hidden)


@settings(deadline=None)
@given(marked_sources(), HIDDEN, HIDDEN, DEFINES)
def test_hiding_twice_is_hiding_both(source, one, other, defines):
    schema = qapi.parse(source)
    twice = hide(hide(schema, one), other)
    assert introspect(twice, defines) == introspect(hide(schema, one | other), defines)
    assert introspect(hide(twice, one), defines) == introspect(twice, defines)


@settings(deadline=None)
@given(
    marked_sources(),
    HIDDEN,
    st.lists(st.sampled_from(sorted(DRIVERS)), unique=True),
    st.integers(0, 9),
    DEFINES,
)
def test_hiding_and_adding_go_in_any_order(source, hidden, cases, when, defines):
    schema = qapi.parse(source)
    late = hide(add_all(schema, cases), hidden)
    early = add_all(hide(add_all(schema, cases[:when]), hidden), cases[when:])
    assert introspect(early, defines) == introspect(late, defines)
    for case in cases:
        early = remove_branch(early, "Uni0x", case)
    assert introspect(early, defines) == introspect(hide(schema, hidden), defines)


@pytest.mark.parametrize("defines", [[], SYMBOLS, *([symbol] for symbol in SYMBOLS)])
@pytest.mark.parametrize("hidden", [["deprecated"], ["unstable"], BOTH])
def test_the_example(defines, hidden):
    schema = parse_example()
    found = introspect(hide(schema, hidden), defines)
    assert form(found) == form(list(hide_in(introspect(schema, defines), hidden)))


# QEMU's own hiding. It leaves values and their branches alone, and all that is unstable.


@pytest.mark.live
@pytest.mark.shared
def test_qemu_hides_the_same(qemu, shared, tmp_path):
    folder = shared / "schemas/qemu-7.2"
    defines = read_defines(str(folder / "debian-7.2.22-x86_64.defines"))
    schema = open_schema(folder / "qapi/qapi-schema.json", docs="ignore")
    whole = ask_schema(qemu, tmp_path)
    if schema_hash(Interface(convert_entities(whole)[0])) != hash_of(schema, defines):
        pytest.skip("this QEMU is not the one whose schema is at hand")
    hidden = ask_schema(qemu, tmp_path, "-compat", "deprecated-output=hide")
    left = sum(carries(value, BOTH) for each in hidden for value in each.get("members", ()))
    assert left
    ours = introspect(hide(schema, ["deprecated"]), defines)
    assert form(ours) == form(list(hide_in(hidden, ["deprecated"])))
    assert users_of(ours) == users_of(hidden) < users_of(whole)


def ask_schema(qemu, folder, *more):
    with run_monitor(qemu, folder, *more) as monitor:
        monitor.ask(b'{"execute": "qmp_capabilities"}')
        replies = monitor.ask(b'{"execute": "query-qmp-schema", "id": 1}')
        (reply,) = (each for each in replies if b'"meta-type"' in each)
        return json.loads(reply)["return"]


def users_of(entities):
    return {each["name"] for each in entities if each["meta-type"] in ("command", "event")}

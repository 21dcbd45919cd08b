"""Paths through a schema: libvirt's language rule by rule, and random paths against the oracle."""

import gzip
import json
from collections import Counter
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import qscope
from qscope.ask import Verdict, ask, compile_path
from qscope.errors import PathError
from qscope.model.interface import Interface
from qscope.model.schema_info import decode_entities, encode_entity
from qscope.model.snapshot import decode_snapshot
from tests.path_oracle import Json, ask_schema, make_paths
from tests.strategies import entities

DEPRECATED = ["deprecated"]
OPTIONAL = {"default": None}

SCHEMA: list[Json] = [
    {"name": "add", "meta-type": "command", "arg-type": "1", "ret-type": "[[box]]",
     "features": ["json-cli"], "allow-oob": True},
    {"name": "list", "meta-type": "command", "arg-type": "0", "ret-type": "any"},
    {"name": "GONE", "meta-type": "event", "arg-type": "box", "features": DEPRECATED},
    {"name": "0", "meta-type": "object", "members": []},
    {"name": "1", "meta-type": "object", "tag": "driver", "features": ["fancy"],
     "members": [
         {"name": "driver", "type": "new"},
         {"name": "node", "type": "str", **OPTIONAL},
         {"name": "cache", "type": "box", **OPTIONAL, "features": DEPRECATED},
         {"name": "drivers", "type": "[new]", "features": ["unstable"]},
     ],
     "variants": [
         {"case": "file", "type": "2"},
         {"case": "null", "type": "0"},
         {"case": "1st", "type": "box"},
     ]},
    {"name": "2", "meta-type": "object",
     "members": [
         {"name": "filename", "type": "str"},
         {"name": "aio", "type": "old", **OPTIONAL, "features": DEPRECATED},
         {"name": "1x", "type": "int", **OPTIONAL},
         {"name": "_private", "type": "bool"},
     ]},
    {"name": "box", "meta-type": "object",
     "members": [
         {"name": "size", "type": "int"},
         {"name": "next", "type": "box", **OPTIONAL},
         {"name": "either", "type": "either"},
         {"name": "broken", "type": "broken"},
         {"name": "lost", "type": "nowhere"},
         {"name": "ring", "type": "[ring]"},
     ]},
    # QEMU sends both lists alike; that they differ here shows which one counts.
    {"name": "new", "meta-type": "enum", "values": ["file", "null", "1st", "forgotten"],
     "members": [{"name": "file", "features": DEPRECATED}, {"name": "null"}, {"name": "1st"}]},
    {"name": "old", "meta-type": "enum", "values": ["threads", "native"]},
    {"name": "either", "meta-type": "alternate",
     "members": [{"type": "str"}, {"type": "1"}, {"type": "box"}, {"type": "old"}]},
    {"name": "broken", "meta-type": "alternate",
     "members": [{"type": "str"}, {"type": "0"}, {"type": "nowhere"}, {"type": "box"}]},
    {"name": "[new]", "meta-type": "array", "element-type": "new"},
    {"name": "[box]", "meta-type": "array", "element-type": "box"},
    {"name": "[[box]]", "meta-type": "array", "element-type": "[box]"},
    {"name": "[ring]", "meta-type": "array", "element-type": "[ring]"},
    {"name": "str", "meta-type": "builtin", "json-type": "string"},
    {"name": "int", "meta-type": "builtin", "json-type": "int"},
    {"name": "bool", "meta-type": "builtin", "json-type": "boolean"},
    {"name": "any", "meta-type": "builtin", "json-type": "value"},
]  # fmt: skip
INTERFACE = Interface(decode_entities(msgspec.json.encode(SCHEMA))[0])

YES = [
    # The first component: any name, raw.
    "add", "GONE", "1", "0", "str", "old", "[[box]]", "[ring]",
    # Commands and events; `name` leads back to the command, as in libvirt.
    "add/arg-type", "add/ret-type", "GONE/arg-type", "add/$json-cli", "GONE/$deprecated",
    "add/name", "add/name/name/arg-type/node", "add/ arg-type", "add/_arg-type", "list/ret-type",
    # Objects.
    "add/arg-type/driver", "add/arg-type/node", "add/arg-type/*node", "add/arg-type/$fancy",
    "1/node", "GONE/arg-type/size", "GONE/arg-type/next/next/size",
    # Variants.
    "add/arg-type/+file", "add/arg-type/+file/filename", "add/arg-type/+file/*aio",
    "add/arg-type/+null", "add/arg-type/+1st", "add/arg-type/+1st/size",
    # A first character that is no letter is cut off: so are names written that begin with one.
    "add/arg-type/1node", "add/arg-type/-node",
    "add/arg-type/+file/ 1x", "add/arg-type/+file/-1x", "add/arg-type/+file/*1x",
    "add/arg-type/+file/ _private", "add/arg-type/+file/__private",
    # Arrays consume nothing.
    "add/ret-type/size", "add/ret-type/next/*next", "[[box]]/size", "1/drivers/^file",
    # Enums.
    "add/arg-type/driver/^file", "add/arg-type/driver/^1st", "new/^null",
    "add/arg-type/driver/^file/$deprecated", "add/arg-type/+file/aio/^threads",
    # Builtins.
    "str/!string", "int/!int", "bool/!boolean", "any/!value", "list/ret-type/!value",
    "add/arg-type/node/!string",
    # Alternates: the branch that has it, wherever it stands before an error.
    "GONE/arg-type/either", "either/!string", "either/size", "either/node", "either/$fancy",
    "either/^native", "either/+file/aio/^native", "either/next/either/size", "broken/!string",
    # qscope's own: features of the member itself.
    "1/cache/$$deprecated", "1/*cache/$$deprecated", "1/drivers/$$unstable",
    "add/arg-type/+file/aio/$$deprecated", "either/cache/$$deprecated",
]  # fmt: skip
NO = [
    # Nothing of that name, and the first component has no modifiers.
    "subtract", "Add", " add", "^add", "*add", "$add", "add ", "ring", "3", "nowhere",
    # Empty components.
    "/", "/add", "add/", "add//node", "add/arg-type/", "new/", "old/", "str/", "either/", "new/^",
    # Commands and events.
    "add/arg", "add/ArgType", "add/^arg-type", "add/!arg-type", "add/+arg-type", "add/*arg-type",
    "add/$deprecated", "add/$", "add/allow-oob", "add/features", "GONE/ret-type", "list/$json-cli",
    "add/1arg", "add/1", "add/arg-type ",
    # Objects.
    "add/arg-type/missing", "add/arg-type/*missing", "add/arg-type/*driver", "add/arg-type/Node",
    "add/arg-type/^node", "add/arg-type/!node", "add/arg-type/!object", "add/arg-type/$deprecated",
    "0/driver", "add/arg-type/tag",
    # Variants: not a member, not one of theirs without a `+`, and after it the base is hidden.
    "add/arg-type/+missing", "add/arg-type/+node", "add/arg-type/+File", "add/arg-type/filename",
    "add/arg-type/aio", "add/arg-type/+file/driver", "add/arg-type/+file/node",
    "add/arg-type/+null/driver", "add/arg-type/+file/$fancy", "add/arg-type/+file/+file",
    "2/+file", "add/arg-type/file",
    # A first character that is no letter is cut off.
    "add/arg-type/+file/1x", "add/arg-type/+file/_private", "add/arg-type/ +file",
    "add/arg-type/+ 1st",
    # But libvirt cuts bytes: of an umlaut one is left, which no name begins with.
    "add/arg-type/\u00e9node", "add/\u00e9arg-type", "new/\u00e9file",
    # Enums: `members` wins over `values`, and the old form has no features.
    "new/file", "new/^File", "new/^forgotten", "new/^missing", "new/!string", "new/$deprecated",
    "new/+file", "new/*file", "new/^null/$deprecated", "new/^file/$unstable", "new/^file/$",
    "new/^missing/$deprecated", "old/threads", "old/^missing", "old/^threads/$deprecated",
    # Builtins.
    "str/string", "str/!int", "str/!String", "str/^string", "str/$string", "str/!", "int/!number",
    # Arrays have no components of their own.
    "[[box]]/$deprecated", "[[box]]/!array", "[[box]]/element-type",
    # Alternates: no branch has it.
    "either/missing", "either/^missing", "either/!int", "either/$deprecated",
    # Features: a plain `$` asks the type, `$$` the member; nothing else is a member.
    "1/cache/$deprecated", "1/node/$$deprecated", "1/cache/$$unstable", "1/missing/$$deprecated",
    "1/*driver/$$deprecated", "add/$$json-cli", "1/$$fancy", "1/+file/$$deprecated",
    "add/arg-type/$$deprecated", "1/cache/$$",
    # What is malformed, where evaluation never gets there.
    "subtract/$a/b", "1/missing/^x/y", "1/+missing/$a/b", "new/file/^x/y", "add/^a/$b/c",
    "either/missing/^x/y", "box/missing/lost", "1/*driver/$$deprecated/x",
]  # fmt: skip
MALFORMED = [
    "",
    # A component after one that must be the last, whether that one holds or not.
    "add/$json-cli/x", "add/$missing/x", "add/$json-cli/", "GONE/$deprecated/$deprecated",
    "1/$fancy/node", "1/$missing/node",
    "new/^file/x", "new/^missing/x", "new/^file/^null", "new/^file/", "new/^file/!string",
    "new/^file/$deprecated/x", "old/^threads/x", "old/^threads/$deprecated/x", "new/^/x",
    "str/!string/x", "str/!int/x", "str/!string/",
    "1/cache/$$deprecated/x", "1/node/$$missing/x",
    # A type that the schema mentions and does not have.
    "box/lost", "box/lost/x", "box/lost/$x/y", "add/meta-type", "GONE/meta-type/x",
    # In an alternate the first branch that does not say no decides, an error included.
    "broken/size", "broken/missing", "GONE/arg-type/broken/size", "either/!string/x",
    "either/$fancy/x", "either/lost",
    # Loops.
    "[ring]/x", "box/ring/x", "[ring]/$x/y",
]  # fmt: skip
WANTED = {
    **dict.fromkeys(YES, Verdict.YES),
    **dict.fromkeys(NO, Verdict.NO),
    **dict.fromkeys(MALFORMED, None),
}
CODES = {Verdict.YES: 1, Verdict.NO: 0, Verdict.UNKNOWN: 3, None: -1}


def judge(interface, path):
    """The verdict, or None for a malformed path."""
    try:
        return ask(interface, path).verdict
    except PathError:
        return None


def test_no_row_contradicts_another():
    assert len(WANTED) == len(YES) + len(NO) + len(MALFORMED)


@pytest.mark.parametrize(("path", "wanted"), WANTED.items())
def test_a_path_is_answered_as_libvirt_does(path, wanted):
    assert judge(INTERFACE, path) is wanted


@pytest.mark.parametrize(("path", "wanted"), WANTED.items())
def test_the_oracle_knows_the_rules_too(path, wanted):
    assert ask_schema(SCHEMA, path) == CODES[wanted]


def test_asking_twice_changes_nothing():
    interface = Interface(INTERFACE.entities)
    first = [judge(interface, path) for path in WANTED]
    assert [judge(interface, path) for path in reversed(WANTED)] == first[::-1]


def test_a_compiled_path_is_asked_like_its_text():
    assert ask(INTERFACE, compile_path("add/arg-type/+file")) == ask(
        Interface(INTERFACE.entities), "add/arg-type/+file"
    )


@pytest.mark.parametrize(
    ("length", "wanted"),
    [
        pytest.param(1000, Verdict.YES, id="1001 entries"),
        pytest.param(1001, None, id="1002 entries"),
        pytest.param(5000, None, id="far more"),
    ],
)
@pytest.mark.parametrize("start", ["box/next", "box/*next"])
def test_a_path_that_enters_too_many_entries_is_taken_for_a_loop(start, length, wanted):
    path = start + "/next" * (length - 1)
    assert (judge(INTERFACE, path), ask_schema(SCHEMA, path)) == (wanted, CODES[wanted])


@pytest.mark.parametrize(
    ("count", "wanted"),
    [
        pytest.param(999, Verdict.YES, id="1000 arrays and the int"),
        pytest.param(1000, Verdict.YES, id="1001 entries"),
        pytest.param(1001, None, id="1002 entries"),
    ],
)
def test_arrays_of_arrays_count_too(count, wanted):
    targets = [*(str(number) for number in range(1, count)), "int"]
    schema = [
        {"name": str(number), "meta-type": "array", "element-type": target}
        for number, target in enumerate(targets)
    ]
    schema.append({"name": "int", "meta-type": "builtin", "json-type": "int"})
    interface = Interface(decode_entities(msgspec.json.encode(schema))[0])
    assert judge(interface, "0/!int") is wanted
    assert ask_schema(schema, "0/!int") == CODES[wanted]


def test_an_alternate_of_itself_is_a_loop_not_an_endless_wait():
    schema = [
        {"name": "a", "meta-type": "alternate", "members": [{"type": "[a]"}, {"type": "a"}]},
        {"name": "[a]", "meta-type": "array", "element-type": "a"},
    ]
    interface = Interface(decode_entities(msgspec.json.encode(schema))[0])
    assert judge(interface, "a") is Verdict.YES
    assert judge(interface, "a/x") is None


@pytest.mark.parametrize(
    ("path", "entity"),
    [
        ("add", "add"),
        ("add/arg-type", "1"),
        ("add/arg-type/+file", "2"),
        ("add/ret-type", "[[box]]"),
        ("add/ret-type/next", "box"),
        ("add/ret-type/either", "either"),
        ("1/driver", "new"),
        ("1/*node", "str"),
        ("1/driver/^file", None),
        ("1/driver/^file/$deprecated", None),
        ("1/node/!string", None),
        ("add/$json-cli", None),
        ("1/cache/$$deprecated", None),
    ],
)
def test_a_path_to_a_type_names_it_and_a_boolean_one_does_not(path, entity):
    answer = ask(INTERFACE, path)
    assert (answer.verdict, answer.entity, answer.position) == (Verdict.YES, entity, None)


@pytest.mark.parametrize(
    ("path", "position"),
    [
        ("subtract", 0),
        ("add/arg", 1),
        ("add/arg-type/filename", 2),
        ("add/arg-type/+file/driver", 3),
        ("add/arg-type/+flie/driver", 2),
        ("add/ret-type/siez", 2),
        ("1/driver/^flie", 2),
        ("1/cache/$deprecated", 2),
        ("either/next/missing", 2),
        pytest.param("1/cache/$$missing", 2),
        pytest.param("1/driver/^file/$missing", 3),
    ],
)
def test_a_no_says_at_which_component_it_stops(path, position):
    answer = ask(INTERFACE, path)
    assert (answer.verdict, answer.position) == (Verdict.NO, position)


FUTURE = [
    {"name": "do", "meta-type": "command", "arg-type": "1", "ret-type": "2"},
    {"name": "1", "meta-type": "object",
     "members": [{"name": "a", "type": "2"}, {"name": "b", "type": "3"}]},
    {"name": "2", "meta-type": "quantum", "spin": 1},
    {"name": "3", "meta-type": "alternate", "members": [{"type": "2"}, {"type": "1"}]},
]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        pytest.param("do/ret-type", Verdict.YES, id="that it is there is known"),
        pytest.param("1/a", Verdict.YES, id="also of a member"),
        pytest.param("1/a/x", Verdict.UNKNOWN, id="what is inside is not"),
        pytest.param("do/ret-type/$x", Verdict.UNKNOWN, id="nor its features"),
        pytest.param("1/x/y", Verdict.NO, id="elsewhere nothing changes"),
        pytest.param("3/x", Verdict.UNKNOWN, id="a branch not understood, the other says no"),
        pytest.param(
            "3/a",
            Verdict.YES,
            id="a branch not understood, the other says yes",
        ),
    ],
)
def test_an_entity_of_a_future_meta_type_is_unknown_inside(path, wanted):
    interface = Interface(decode_entities(msgspec.json.encode(FUTURE))[0])
    assert judge(interface, path) is wanted


COMPONENTS = (
    "a", "b", "c", "*a", "*b", "+a", "+b", "^a", "^b", " a", "$deprecated", "$unstable",
    "$$deprecated", "!int", "!string", "arg-type", "ret-type", "name", "meta-type", "", "query-x",
)  # fmt: skip
STARTS = ("query-x", "x-add", "X_GONE", "0", "1", "2", "3", "")


@given(
    entities(),
    st.lists(
        st.tuples(
            st.sampled_from(STARTS), st.lists(st.sampled_from(COMPONENTS), min_size=1, max_size=5)
        ),
        min_size=20,
        max_size=40,
    ),
)
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_any_path_through_any_schema_is_answered_like_the_oracle(found, paths):
    schema = [encode_entity(entity) for entity in found]
    interface = Interface(found)
    for start, components in paths:
        path = "/".join([start, *components])
        assert (path, CODES[judge(interface, path)]) == (path, ask_schema(schema, path))


def read_schema(data):
    """The raw query-qmp-schema result in the bytes of a gzipped snapshot of either form."""
    value = json.loads(gzip.decompress(data))
    exchanges = value["transcript"] if isinstance(value, dict) else value
    return next(each["return"] for each in exchanges if each["execute"] == "query-qmp-schema")


def read_embedded():
    """The bytes of the newest snapshot that ships with qscope."""
    folder = Path(qscope.__file__).parent / "data"
    return max(folder.glob("*.json.gz")).read_bytes()


PATHS_PER_SEED = 200


def compare(interface, schema, seed):
    """Ask random paths; return how often each answer came."""
    seen: Counter[int] = Counter()
    for path in make_paths(schema, seed, PATHS_PER_SEED):
        mine, theirs = CODES[judge(interface, path)], ask_schema(schema, path)
        assert (path, mine) == (path, theirs)
        seen[theirs] += 1
    return seen


@pytest.fixture(scope="module")
def recorded(request):
    """An interface and its raw schema: the snapshot in qscope, or one of the shared ones."""
    if request.param == "embedded":
        data = read_embedded()
    else:
        folder = request.getfixturevalue("shared") / "snapshots"
        (file,) = folder.glob("*.transcript.json.gz")
        data = file.read_bytes()
    return Interface.from_snapshot(decode_snapshot(data)), read_schema(data)


@pytest.mark.parametrize("recorded", ["embedded", "shared"], indirect=True)
@given(seed=st.integers(0, 1 << 32))
@example(seed=0)
@settings(deadline=None, max_examples=100)
def test_random_paths_are_answered_like_the_oracle(recorded, seed):
    interface, schema = recorded
    compare(interface, schema, seed)


@pytest.mark.parametrize("recorded", ["embedded", "shared"], indirect=True)
def test_random_paths_are_of_every_sort(recorded):
    interface, schema = recorded
    seen: Counter[int] = Counter()
    for seed in range(20):
        seen += compare(interface, schema, seed)
    assert seen.total() == 20 * PATHS_PER_SEED
    assert min(seen[1], seen[0], seen[-1]) > 200


@pytest.mark.parametrize("recorded", ["embedded", "shared"], indirect=True)
def test_every_step_of_a_real_schema_is_there(recorded):
    interface, schema = recorded
    for entry in schema:
        if entry["meta-type"] == "object":
            for member in entry["members"]:
                assert judge(interface, f"{entry['name']}/ {member['name']}") is Verdict.YES
                wanted = Verdict.YES if "default" in member else Verdict.NO
                assert judge(interface, f"{entry['name']}/*{member['name']}") is wanted

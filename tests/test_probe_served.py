"""Servers that announce the hash of their schema: what is downloaded, kept, and believed."""

import json
import os
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from qscope.cli.main import qscope as program
from qscope.errors import TargetError
from qscope.load import cache, load, record, schemas
from qscope.load.schemas import SchemaCache
from qscope.model.canonical import schema_hash
from qscope.model.greeting import read_schema_hash
from qscope.model.interface import Interface
from qscope.model.schema_info import decode_entities, encode_entity
from qscope.model.snapshot import encode_snapshot
from tests.fake_server import EMPTY, FakeServer, make_schema

SCHEMA = make_schema("query-commands", "stop")
OTHER = make_schema("query-commands", "cont")
COMMANDS = [{"name": each["name"]} for each in SCHEMA if each["meta-type"] == "command"]
ANSWERS = {"query-qmp-schema": SCHEMA, "query-commands": COMMANDS}
QUERY = "query-qmp-schema"


def hash_of(schema):
    entities, oddities = decode_entities(json.dumps(schema).encode())
    return schema_hash(Interface(entities, oddities=oddities))


HASH = hash_of(SCHEMA)
ANNOUNCED = {"hash": HASH, "serial": 1}


def kept_hashes():
    return [each.schema_hash for each in schemas.list_schemas()]


def place(named=HASH):
    return Path(cache.cache_folder()) / f"{named.removeprefix('sha256:')}.schema.json"


@pytest.fixture
def serve(tmp_path):
    """Return a function that starts a server; it ends with the test."""
    servers = []

    def start(answers=ANSWERS, schema=ANNOUNCED):
        server = FakeServer(tmp_path, answers, schema)
        servers.append(server.__enter__())
        return server

    yield start
    for server in servers:
        server.__exit__()


def probe(server, **settings):
    return record(server.address, timeout=10, **settings).snapshot


def test_what_the_cache_has_is_not_downloaded(serve):
    server = serve()
    snapshots = [encode_snapshot(probe(server)) for _ in range(3)]
    assert server.count(QUERY) == 1
    assert kept_hashes() == [HASH]
    without = encode_snapshot(probe(server, use_cache=False))
    assert server.count(QUERY) == 2
    assert {*snapshots, without} == {without}


def test_other_questions_are_asked_all_the_same(serve):
    server = serve()
    probe(server)
    first = list(server.asked)
    server.asked.clear()
    probe(server)
    assert [each for each in first if each != QUERY] == server.asked


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(["query", "-s", "ADDR", "stop"], id="query"),
        pytest.param(["show", "-s", "ADDR", "stop"], id="show"),
        pytest.param(["list", "-s", "ADDR"], id="list"),
        pytest.param(["probe", "ADDR"], id="probe"),
        pytest.param(["validate", "-s", "ADDR", '{"execute": "stop"}'], id="validate"),
        pytest.param(["call", "ADDR", "query-commands"], id="call"),
    ],
)
def test_every_command_with_an_address(serve, line):
    server = serve()
    words = [each.replace("ADDR", server.address) for each in line]
    for _ in range(2):
        assert run(*words)[0] == 0
    assert server.count(QUERY) == 1
    server.asked.clear()
    assert run(words[0], "--no-cache", *words[1:])[0] == 0
    assert server.count(QUERY) == 1


def test_without_cache_nothing_is_kept(serve):
    probe(serve(), use_cache=False)
    assert not os.path.exists(place())


def test_call_that_validates_nothing_asks_nothing(serve):
    server = serve()
    assert run("call", "--no-validate", server.address, "query-commands")[0] == 0
    assert server.count(QUERY) == 0
    assert kept_hashes() == []


def run(*words):
    """Return the exit status and what was printed."""
    done = CliRunner().invoke(program, words, standalone_mode=False)
    assert done.exception is None
    return done.return_value, done.output


# What a greeting's member may be, and whether it announces HASH.
MEMBERS = [
    pytest.param(ANNOUNCED, True, id="right"),
    pytest.param({"hash": HASH}, True, id="no serial"),
    pytest.param({"hash": HASH, "serial": 2**70}, True, id="serial of 70 bits"),
    pytest.param({**ANNOUNCED, "added": ["x"]}, True, id="more members"),
    pytest.param(None, False, id="absent"),
    pytest.param(HASH, False, id="a string"),
    pytest.param([HASH], False, id="an array"),
    pytest.param(True, False, id="a boolean"),
    pytest.param(17, False, id="a number"),
    pytest.param({}, False, id="empty"),
    pytest.param({"serial": 1}, False, id="no hash"),
    pytest.param({"hash": None, "serial": 1}, False, id="null"),
    pytest.param({"hash": [HASH]}, False, id="hash in an array"),
    pytest.param({"hash": 2**200}, False, id="hash a number"),
    pytest.param({"hash": ""}, False, id="hash empty"),
    pytest.param({"hash": HASH.removeprefix("sha256:")}, False, id="no algorithm"),
    pytest.param({"hash": HASH.replace("sha256", "sha1")}, False, id="other algorithm"),
    pytest.param({"hash": HASH.upper()}, False, id="upper case"),
    pytest.param({"hash": HASH[:-1]}, False, id="too short"),
    pytest.param({"hash": HASH + "0"}, False, id="too long"),
    pytest.param({"hash": HASH + "\n"}, False, id="line end"),
    pytest.param({"hash": " " + HASH}, False, id="blank"),
    pytest.param({"hash": HASH[:-1] + "٣"}, False, id="a digit that is not ASCII"),
    pytest.param({"hash": "sha256:" + "g" * 64}, False, id="no hexadecimal"),
    pytest.param({"hash": "sha256:../../../../etc/passwd"}, False, id="path"),
    pytest.param({"hash": "sha256:" + "../" * 21 + "x"}, False, id="path as long as a hash"),
    pytest.param({"hash": "/etc/passwd"}, False, id="absolute path"),
    pytest.param({"hash": HASH + "\0"}, False, id="NUL"),
    pytest.param({"hash": "sha256:" + "0" * (1 << 20)}, False, id="huge"),
    pytest.param({"hash": HASH, "serial": "1"}, False, id="serial a string"),
    pytest.param({"hash": HASH, "serial": -1}, False, id="serial negative"),
    pytest.param({"hash": HASH, "serial": 1.5}, False, id="serial a fraction"),
    pytest.param({"hash": HASH, "serial": True}, False, id="serial a boolean"),
    pytest.param({"hash": HASH, "serial": None}, False, id="serial null"),
    pytest.param({"Hash": HASH}, False, id="other spelling"),
]


@pytest.mark.parametrize(("member", "announces"), MEMBERS)
def test_what_announces_a_hash(serve, member, announces):
    server = serve(schema=member)
    plain = encode_snapshot(probe(server, use_cache=False))
    SchemaCache().keep(json.dumps(SCHEMA).encode())
    server.asked.clear()
    assert encode_snapshot(probe(server)) == plain
    assert server.count(QUERY) == (0 if announces else 1)


@pytest.mark.parametrize(("member", "announces"), MEMBERS)
def test_nothing_is_kept_of_who_announces_nothing(serve, member, announces):
    probe(serve(schema=member))
    assert kept_hashes() == ([HASH] if announces else [])


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(),
                    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))  # fmt: skip
def test_any_member_is_read_without_error(member):
    assert read_schema_hash({"schema": member}) is None
    assert read_schema_hash({"schema": {"hash": member}}) is None
    assert read_schema_hash(None) is None


def test_a_reply_is_kept_under_its_own_hash_not_under_a_claimed_one(serve):
    claimed = {"hash": hash_of(OTHER), "serial": 1}
    server = serve(schema=claimed)
    for _ in range(2):
        assert load(server.address, timeout=10).interface.by_name.keys() >= {"stop"}
    assert server.count(QUERY) == 2
    assert kept_hashes() == [HASH]


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param([*SCHEMA, *EMPTY], id="an entry twice"),
        pytest.param([*SCHEMA, {"name": "x", "meta-type": "new"}], id="unknown meta-type"),
        pytest.param([{**SCHEMA[0], "new": 1}, *SCHEMA[1:]], id="unknown key"),
        pytest.param([*SCHEMA, {"meta-type": "object"}], id="no name"),
        pytest.param([*SCHEMA, 5], id="no entry"),
        pytest.param({"no": "array"}, id="an object"),
        pytest.param(5, id="a number"),
        pytest.param("refused", id="an error"),
    ],
)
def test_what_is_not_understood_is_not_kept(serve, schema):
    server = serve({**ANSWERS, QUERY: schema})
    plain = encode_snapshot(probe(server, use_cache=False))
    assert encode_snapshot(probe(server)) == plain
    assert kept_hashes() == []
    assert not os.path.exists(place())


def test_a_schema_that_lacks_types_is_kept(serve):
    schema = SCHEMA[:-1]
    server = serve({**ANSWERS, QUERY: schema}, {"hash": hash_of(schema)})
    plain = [encode_snapshot(probe(server)) for _ in range(2)]
    assert server.count(QUERY) == 1
    assert plain[0] == plain[1]


def test_other_servers_cannot_change_what_is_kept(serve):
    """Another reply with the same hash, here with other names of types, does not replace it."""
    SchemaCache().keep(json.dumps(SCHEMA).encode())
    before = place().read_bytes()
    renamed = json.loads(json.dumps(SCHEMA).replace('"0"', '"77"'))
    assert hash_of(renamed) == HASH
    SchemaCache().keep(json.dumps(renamed).encode())
    assert place().read_bytes() == before


def put_folder(path):
    path.unlink()
    path.mkdir()


def put_fifo(path):
    path.unlink()
    os.mkfifo(path)


def put_loop(path):
    path.unlink()
    path.symlink_to(path)


def cut(path):
    path.write_bytes(path.read_bytes()[:-9])


DAMAGES = [
    pytest.param(lambda path: path.write_bytes(b""), id="empty"),
    pytest.param(cut, id="cut"),
    pytest.param(lambda path: path.write_bytes(b"\xff" * 99), id="no text"),
    pytest.param(lambda path: path.write_bytes(b"[" * 100_000), id="nested"),
    pytest.param(lambda path: path.write_text("[]"), id="nothing in it"),
    pytest.param(lambda path: path.write_text("{}"), id="an object"),
    pytest.param(lambda path: path.write_text(json.dumps(OTHER)), id="another schema"),
    pytest.param(lambda path: path.write_bytes(b" " * (9 << 20) + b"[]"), id="large"),
    pytest.param(put_folder, id="a folder"),
    pytest.param(put_fifo, id="a FIFO"),
    pytest.param(put_loop, id="a link to itself"),
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_entry_is_absent(serve, damage):
    server = serve()
    plain = encode_snapshot(probe(server))
    damage(place())
    assert SchemaCache().find(HASH) is None
    assert kept_hashes() == []
    assert encode_snapshot(probe(server)) == plain
    assert server.count(QUERY) == 2
    if place().is_file():
        # It was made anew.
        assert kept_hashes() == [HASH]


@pytest.mark.parametrize("damage", DAMAGES[:-3])
def test_damaged_entries_are_cleared(damage):
    SchemaCache().keep(json.dumps(SCHEMA).encode())
    damage(place())
    assert schemas.clear_schemas() == 1
    assert not place().exists()


@given(st.integers(0), st.binary(min_size=1, max_size=3))
def test_a_kept_reply_is_never_another_one(position, junk):
    """Whatever some bytes of a file become: it says what its hash does, or is absent."""
    SchemaCache().keep(json.dumps(SCHEMA).encode())
    data = bytearray(json.dumps(SCHEMA).encode())
    position %= len(data)
    data[position : position + len(junk)] = junk
    place().write_bytes(data)
    found = SchemaCache().find(HASH)
    if found is not None:
        assert found == bytes(data)
        assert hash_of(json.loads(found)) == HASH
    place().unlink()


def test_a_cache_that_cannot_be_written_is_no_error(serve, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("QSCOPE_CACHE_DIR", str(tmp_path / "file" / "cache"))
    server = serve()
    assert encode_snapshot(probe(server)) == encode_snapshot(probe(server))
    assert server.count(QUERY) == 2


def keep_numbered(number):
    schema = make_schema(f"command-{number}")
    SchemaCache().keep(json.dumps(schema).encode())
    os.utime(place(hash_of(schema)), (number, number))
    return hash_of(schema)


def test_the_schemas_used_last_are_kept(monkeypatch):
    monkeypatch.setattr(schemas, "_MOST_FILES", 3)
    first, second, third = map(keep_numbered, (1, 2, 3))
    assert SchemaCache().find(first) is not None
    fourth = keep_numbered(4)
    assert set(kept_hashes()) == {first, third, fourth}
    assert SchemaCache().find(second) is None


def test_all_of_them_together_have_a_limit(monkeypatch):
    size = len(json.dumps(make_schema("command-1")))
    monkeypatch.setattr(schemas, "_MOST_BYTES_IN_ALL", 2 * size)
    hashes = list(map(keep_numbered, (1, 2, 3)))
    assert set(kept_hashes()) == set(hashes[1:])


@pytest.mark.parametrize(
    ("limit", "most"),
    [("_MOST_BYTES", len(json.dumps(SCHEMA)) - 1), ("_MOST_ENTITIES", len(SCHEMA) - 1)],
)
def test_what_is_too_large_is_not_kept(monkeypatch, limit, most):
    monkeypatch.setattr(schemas, limit, most)
    SchemaCache().keep(json.dumps(SCHEMA).encode())
    assert kept_hashes() == []
    monkeypatch.setattr(schemas, limit, most + 1)
    SchemaCache().keep(json.dumps(SCHEMA).encode())
    assert kept_hashes() == [HASH]


def test_the_cache_lists_and_clears_schemas_and_leaves_other_files_alone():
    SchemaCache().keep(json.dumps(SCHEMA).encode())
    folder = Path(cache.cache_folder())
    mine = ["mine.schema.json", "f" * 63 + ".schema.json", "F" * 64 + ".schema.json"]
    for name in mine:
        (folder / name).write_text("")
    (folder / f".{place().name}.0123abcd.tmp").write_text("half")
    assert run("cache", "list") == (0, f"{HASH}  3 commands  1 KiB\n")
    told = run("cache", "list", "--format", "json")[1]
    size = place().stat().st_size
    entry = {"path": None, "qemu": None, "schema-hash": HASH, "bytes": size, "file": str(place())}
    assert json.loads(told) == [entry]
    assert run("cache", "clear")[1].startswith("removed 2 files")
    assert sorted(os.listdir(folder)) == sorted(mine)


def test_what_cannot_be_cleared_is_said():
    SchemaCache().keep(json.dumps(SCHEMA).encode())
    put_folder(place())
    with pytest.raises(TargetError, match="cannot remove"):
        schemas.clear_schemas()


def test_an_entry_is_readable_for_whom_files_are():
    SchemaCache().keep(json.dumps(SCHEMA).encode())
    assert stat.S_ISREG(place().lstat().st_mode)
    assert place().read_bytes() == json.dumps(SCHEMA).encode()


def test_a_real_schema_is_kept(serve, interface):
    schema = [encode_entity(each) for each in interface.entities]
    announced = {"hash": schema_hash(interface), "serial": 0}
    server = serve({**ANSWERS, QUERY: schema}, announced)
    snapshots = {encode_snapshot(probe(server)) for _ in range(2)}
    assert (len(snapshots), server.count(QUERY)) == (1, 1)
    assert kept_hashes() == [announced["hash"]]

"""`qscope proxy` before a real QEMU: nothing changes, and what QEMU says of garbage is foreseen."""

import asyncio
import gzip
import json
from pathlib import Path

import pytest
from msgspec import structs
from qemu.qmp import QMPClient

from qscope.load.opening import EMBEDDED
from qscope.model.interface import Interface
from qscope.model.schema_info import decode_entities
from qscope.serve.proxy import Judge
from tests.beside_qemu import run_qemu
from tests.protocol_rows import ROWS, Session, Step
from tests.protocol_talk import ask_version, converse
from tests.proxying import SCHEMA, ask, connect, end, start, talk
from tests.running import wait_for

pytestmark = pytest.mark.live

_SLOW = ("more tokens than fit",)
_ROWS = [row for row in ROWS if row.name not in _SLOW]
_UNBROKEN = [row for row in _ROWS if Step.AGAIN not in row.steps]
_NEGOTIATIONS = {
    Session.RAW: b"",
    Session.PLAIN: ask("qmp_capabilities"),
    Session.OOB: ask("qmp_capabilities", arguments={"enable": ["oob"]}),
}


@pytest.fixture(scope="module")
def real(qemu, tmp_path_factory):
    """Return the socket of a running QEMU."""
    with run_qemu(qemu, tmp_path_factory.mktemp("real") / "qmp") as path:
        yield path


@pytest.fixture(scope="module")
def proxy(real, tmp_path_factory):
    """Return the socket of a proxy before it."""
    front = tmp_path_factory.mktemp("proxy") / "front"
    with start("-q", "--to", real, "--against", EMBEDDED, "--unix", front) as process:
        wait_for(front.exists)
        yield front
        assert end(process)[2] == ""


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in _ROWS[::4]])
def test_sessions_are_those_without_a_proxy(row, real, proxy):
    assert sorted(converse(proxy, row)) == sorted(converse(real, row))


@pytest.fixture(scope="module")
def interface(real):
    entities, _ = decode_entities(json.dumps(SCHEMA).encode())
    made = Interface(entities)
    version = ".".join(map(str, ask_version(real)))
    made.identity = structs.replace(made.identity, version=version)
    return made


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in _UNBROKEN])
def test_what_is_no_command_is_refused_in_qemus_words(row, real, interface):
    judge = Judge(interface)
    sent = [_NEGOTIATIONS[row.session], *(each for each in row.steps if isinstance(each, bytes))]
    # What brings the conversation to its end.
    sent.append(b'\xff\n{"execute": "query-version"}')
    judged = [each for piece in sent for each in judge.judge(piece)]
    foreseen = [each.findings[0].message for each in judged if not each.is_command]
    said = [each.desc for each in converse(real, row) if _is_about_the_message(each.desc)]
    assert sorted(each[:200] for each in foreseen) == sorted(each[:200] for each in said)


def _is_about_the_message(desc):
    return desc.startswith(("JSON ", "QMP input "))


@pytest.fixture(scope="module")
def doctored(tmp_path_factory):
    """Return a snapshot of a QEMU that has less."""
    whole = json.loads(gzip.decompress(Path(EMBEDDED).read_bytes()))
    told = {each["execute"]: each for each in whole["transcript"]}
    for command in ("query-qmp-schema", "query-commands"):
        listed = told[command]["return"]
        listed[:] = [each for each in listed if each["name"] != "query-name"]
    for each in told["query-qmp-schema"]["return"]:
        if each["meta-type"] == "enum" and "null-co" in each["values"]:
            each["values"].remove("null-co")
            each["members"] = [member for member in each["members"] if member["name"] != "null-co"]
    path = tmp_path_factory.mktemp("doctored") / "snapshot.json"
    path.write_text(json.dumps(whole))
    return path


_NULL = {"driver": "null-co", "node-name": "n"}
_MESSAGES = (
    ask("qmp_capabilities"),
    ask("query-name", id="a"),
    ask("blockdev-add", arguments=_NULL),
    ask("blockdev-del", arguments={"node-name": "n"}),
    ask("device_add", arguments={"driver": "nothing"}),
    ask("query-name"),
)


@pytest.mark.parametrize(
    ("against", "status", "lines"),
    [
        (
            "embedded",
            1,
            ['client 1, message 5: device_add: driver: the string "nothing" is no driver that'],
        ),
        (
            "doctored",
            1,
            [
                'client 1, id "a": query-name: there is no such command (did you mean',
                'client 1, message 3: blockdev-add: driver: the string "null-co" is none of its',
                'client 1, message 5: device_add: driver: the string "nothing" is no driver that',
            ],
        ),
    ],
)
def test_a_session_is_judged_by_another_qemu(real, doctored, tmp_path, against, status, lines):
    """What S refuses this QEMU executes all the same."""
    judge = doctored if against == "doctored" else EMBEDDED
    front = tmp_path / "front"
    with start("-q", "--to", real, "--against", judge, "--unix", front, "--once") as process:
        replies = talk(front, *_MESSAGES)
        out, err = process.communicate(timeout=30)
    assert [b'"error"' in each for each in replies[1:]] == [False] * 4 + [True, False]
    found = out.decode().splitlines()
    assert (process.returncode, err, len(found)) == (status, b"", len(lines))
    assert [one[: len(line)] for one, line in zip(found, lines, strict=True)] == lines


def test_last_words_of_a_qemu_that_quits(qemu, tmp_path):
    with (
        run_qemu(qemu, tmp_path / "qmp") as path,
        start("-q", "--to", path, "--against", EMBEDDED, "--stdio") as process,
    ):
        data = ask("qmp_capabilities") + ask("quit", id=1) + ask("query-status") * 100
        process.stdin.write(data)
        process.stdin.flush()
        said = process.stdout.read()
        assert process.wait(30) == 0
    assert b'"event": "SHUTDOWN"' in said
    assert b'{"return": {}, "id": 1}' in said


def test_client_of_qemu(real, proxy):
    async def ask_all():
        client = QMPClient("test")
        await client.connect(str(proxy))
        told = await client.execute("query-version")
        await client.disconnect()
        return told

    told = asyncio.run(ask_all())
    assert told["qemu"]["major"] == ask_version(real)[0]


def test_second_client_waits_as_it_does_at_the_monitor(proxy):
    with connect(proxy) as first, connect(proxy) as second:
        assert b"QMP" in first.recv(1000)
        second.settimeout(0.3)
        with pytest.raises(TimeoutError):
            second.recv(1000)
        first.close()
        second.settimeout(30)
        assert b"QMP" in second.recv(1000)

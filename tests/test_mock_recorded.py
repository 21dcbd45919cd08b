"""What was recorded comes back: asking the mock gives the transcript that it was made from."""

import asyncio
import json

import msgspec
import pytest
from msgspec import UNSET, Raw

from qscope.load import load_snapshot
from qscope.load.opening import EMBEDDED
from qscope.model.snapshot import Identity, Snapshot
from qscope.model.transcript import ErrorInfo, Exchange, normalise
from qscope.probe.session import from_session
from qscope.serve.mock import Manner, mock_snapshot, parse_compat
from qscope.serve.mock.recorded import Recorded
from tests.serve_client import Client, serving

TENS = "snapshots/qemu-10.0.13-debian-x86_64.transcript.json.gz"


@pytest.fixture(scope="module", params=["embedded", TENS])
def snapshot(request):
    if request.param == "embedded":
        return load_snapshot(EMBEDDED).snapshot
    return load_snapshot(str(request.getfixturevalue("shared") / TENS)).snapshot


async def ask_again(path, exchanges):
    """Ask each question anew; connect again where the connection is closed."""
    client = await Client.connect(path)
    for each in exchanges:
        question = as_asked(each)
        client.writer.write(json.dumps(question).encode())
        line = await client.read_line()
        if not line:
            client.writer.close()
            client = await Client.connect(path)
            yield msgspec.structs.replace(each, result=UNSET, error=UNSET, crashed=True)
            continue
        outcome = msgspec.json.decode(line, type=dict[str, Raw])
        known = {**question, **outcome, "ended": each.ended}
        yield msgspec.json.decode(msgspec.json.encode(known), type=Exchange)
    client.writer.close()


def as_asked(exchange):
    """Return a question as a client sends it."""
    given = {} if exchange.arguments is UNSET else {"arguments": exchange.arguments}
    return {"execute": exchange.execute, **given}


def serve_recorded(snapshot, exchanges, folder):
    """Return the lines with which a mock answers questions that crash nothing."""

    async def talk():
        async with serving(mock_snapshot(snapshot), folder) as path:
            client = await Client.connect(path)
            lines = []
            for each in exchanges:
                client.writer.write(json.dumps(as_asked(each)).encode())
                lines.append(await client.read_line())
            client.writer.close()
            return lines

    return asyncio.run(talk())


def compare(exchange):
    """Return what is compared of an exchange; results by value, the order of keys aside."""
    result = exchange.result
    return msgspec.structs.replace(exchange, result=UNSET if result is UNSET else normalise(result))


def test_every_recorded_question_is_answered_as_it_was(snapshot, tmp_path):
    async def talk():
        async with serving(mock_snapshot(snapshot), tmp_path) as path:
            return [each async for each in ask_again(path, snapshot.exchanges)]

    again = asyncio.run(talk())
    assert len(again) == len(snapshot.exchanges) > 500
    assert sum(each.fatal for each in snapshot.exchanges) > 3
    for one, other in zip(again, snapshot.exchanges, strict=True):
        assert one.crashed == other.fatal
        assert other.fatal or compare(one) == compare(other)


def test_the_greeting_is_the_recorded_one(snapshot, tmp_path):
    async def greet():
        async with serving(mock_snapshot(snapshot), tmp_path) as path:
            client = await Client.connect(path, negotiate=False)
            client.writer.close()
            return client.greeting

    greeting = asyncio.run(greet())
    if snapshot.greeting is not None:
        assert greeting == snapshot.greeting
    version = next(each for each in snapshot.exchanges if each.execute == "query-version")
    assert greeting["version"] == msgspec.json.decode(version.result)
    assert greeting["capabilities"] == ["oob"]


def test_the_mock_of_a_mock_is_the_same(snapshot, tmp_path):
    """Probe a mock over its socket, and a mock of that: the questions that a socket is asked."""

    async def probe(source, folder):
        folder.mkdir()
        async with serving(mock_snapshot(source), folder) as path:
            client = await Client.connect(path)
            found = await from_session(_Session(client))
            client.writer.close()
            return found

    async def talk():
        first = await probe(snapshot, tmp_path / "a")
        return first, await probe(first, tmp_path / "b")

    first, second = asyncio.run(talk())
    assert first.exchanges == second.exchanges
    known = {(each.execute, str(each.arguments)): each for each in snapshot.exchanges}
    for each in first.exchanges:
        recorded = known.get((each.execute, str(each.arguments)))
        # Some of what a probe asks today follows from what was recorded.
        assert recorded is None or compare(each) == compare(recorded)


class _RefusedError(Exception):
    def __init__(self, error):
        super().__init__(error["desc"])
        self.error_class = error["class"]


class _Session:
    def __init__(self, client):
        self._client = client

    async def execute(self, cmd, arguments=None, /):
        reply = await self._client.ask(cmd, arguments)
        if "error" in reply:
            raise _RefusedError(reply["error"])
        return reply["return"]


# Questions that nobody asked.


@pytest.fixture(scope="module")
def recorded():
    return Recorded(load_snapshot(EMBEDDED).snapshot)


def read(exchange):
    return msgspec.json.decode(exchange.result)


@pytest.mark.live
@pytest.mark.parametrize(
    "arguments",
    [
        {"implements": "rng-backend"},
        {"implements": "rng-backend", "abstract": True},
        {"implements": "rng-backend", "abstract": False},
        {"implements": "nosuch"},
        {"implements": "nosuch", "abstract": True},
        {"implements": "i386-cpu", "abstract": True},
        {"abstract": False},
        {},
    ],
)
def test_types_follow_from_the_list_of_all(monitor, recorded, arguments):
    theirs = monitor("qom-list-types", arguments)["return"]
    ours = read(recorded.find("qom-list-types", arguments))
    assert sorted(map(str, ours)) == sorted(map(str, map(_sort, theirs)))


@pytest.mark.live
@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("query-command-line-options", {"option": "rtc"}),
        ("query-command-line-options", {"option": "nosuch"}),
        ("device-list-properties", {"typename": "nosuch"}),
        ("device-list-properties", {"typename": "device"}),
        ("device-list-properties", {"typename": "container"}),
        ("device-list-properties", {"typename": ""}),
        ("qom-list-properties", {"typename": "nosuch"}),
    ],
)
def test_what_follows_from_other_answers_is_qemus(monitor, recorded, command, arguments):
    theirs = monitor(command, arguments)
    ours = recorded.find(command, arguments)
    if "error" in theirs:
        assert ours.error == ErrorInfo(theirs["error"]["class"], theirs["error"]["desc"])
    else:
        assert read(ours) == theirs["return"]


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        pytest.param("query-block", {}, id="a command that was not asked"),
        pytest.param("device-list-properties", {"typename": "e1001"[:4]}, id="unknown by listing"),
        pytest.param("qom-list-properties", {"typename": "rng-backend"}, id="an abstract class"),
        pytest.param("query-machines", {"compat-props": True}, id="other arguments"),
        pytest.param("human-monitor-command", {"command-line": "info qtree"}, id="another line"),
    ],
)
def test_nothing_is_invented(recorded, command, arguments):
    found = recorded.find(command, arguments)
    assert found is None or found.error_class == "DeviceNotFound"


def test_without_a_list_of_types_nothing_follows():
    recorded = Recorded(Snapshot(Identity(), (Exchange("qom-list-types", result=Raw(b"5")),)))
    for command in ("device-list-properties", "qom-list-properties"):
        assert recorded.find(command, {"typename": "x"}) is None
    assert recorded.find("qom-list-types", {"implements": "x"}) is None
    assert recorded.find("query-command-line-options", {"option": "x"}) is None


@pytest.fixture(scope="module")
def monitor(qemu, tmp_path_factory):
    from tests.qemu_monitor import run_monitor

    with run_monitor(qemu, tmp_path_factory.mktemp("qemu")) as monitor:
        if monitor.version != (7, 2):
            pytest.skip("the shipped snapshot is of QEMU 7.2")
        monitor.ask(b'{"execute": "qmp_capabilities"}')
        yield lambda command, arguments: json.loads(
            monitor.ask(json.dumps({"execute": command, "arguments": arguments}).encode())[0]
        )


def _sort(entry):
    return dict(sorted(entry.items()))


# Policies.


@pytest.mark.live
@pytest.mark.parametrize(
    "compat",
    [
        "deprecated-output=hide",
        "unstable-output=hide",
        "deprecated-output=hide,unstable-output=hide",
    ],
)
def test_what_is_hidden_is_what_qemu_hides(qemu, compat, tmp_path):
    from tests.qemu_monitor import run_monitor

    names = ["query-qmp-schema", "query-commands", "query-migrate-parameters"]
    with run_monitor(qemu, tmp_path, "-compat", compat) as monitor:
        if monitor.version != (7, 2):
            pytest.skip("the shipped snapshot is of QEMU 7.2")
        monitor.ask(b'{"execute": "qmp_capabilities"}')
        theirs = [
            json.loads(monitor.ask(json.dumps({"execute": each}).encode())[0]) for each in names
        ]

    async def talk():
        manner = Manner(policy=parse_compat(compat))
        async with serving(mock_snapshot(load_snapshot(EMBEDDED).snapshot, manner), tmp_path) as at:
            client = await Client.connect(at)
            found = [await client.ask(each) for each in names]
            client.writer.close()
            return found

    ours = asyncio.run(talk())
    for one, other in zip(ours, theirs, strict=True):
        assert _order(one) == _order(other)


def _order(reply):
    result = reply["return"]
    return sorted(result, key=str) if isinstance(result, list) else result


MESSAGES = [
    {"execute": "nbd-server-remove", "arguments": {"name": "x"}},
    {"execute": "nbd-server-remove", "arguments": {"name": 5}},
    {"execute": "nbd-server-remove"},
    {"execute": "x-query-jit", "arguments": {"zz": 1}},
    {"execute": "x-query-rdma"},
    {"execute": "eject", "arguments": {"device": "x"}},
    {"execute": "eject", "arguments": {"device": 5}},
    {"execute": "eject", "arguments": {"device": "x", "zz": 1}},
    {"execute": "eject", "arguments": {"force": 1, "device": "x"}},
    {"execute": "migrate-set-parameters", "arguments": {"x-checkpoint-delay": 5}},
    {"execute": "migrate-set-parameters", "arguments": {"x-checkpoint-delay": "x"}},
    {"execute": "migrate-set-parameters", "arguments": {"max-bandwidth": "x"}},
    {
        "execute": "migrate-set-capabilities",
        "arguments": {"capabilities": [{"capability": "x-colo", "state": False}]},
    },
    {
        "execute": "migrate-set-capabilities",
        "arguments": {"capabilities": [{"capability": "xbzrle", "state": False}]},
    },
    {"execute": "blockdev-add", "arguments": {"driver": "nvme", "x": 1}},
    {
        "execute": "blockdev-add",
        "arguments": {"driver": "file", "filename": "x", "x-check-cache-dropped": True},
    },
    {
        "execute": "object-add",
        "arguments": {"qom-type": "secret", "id": "s", "data": "x", "loaded": "x"},
    },
    {"execute": "query-status"},
    {"execute": "nosuch"},
]


@pytest.mark.live
@pytest.mark.parametrize(
    "compat",
    [
        "deprecated-input=reject",
        "unstable-input=reject",
        "deprecated-input=reject,unstable-input=reject,deprecated-output=hide",
    ],
)
def test_what_is_rejected_is_what_qemu_rejects(qemu, compat, tmp_path):
    from tests.qemu_monitor import run_monitor

    with run_monitor(qemu, tmp_path, "-compat", compat) as monitor:
        if monitor.version != (7, 2):
            pytest.skip("the shipped snapshot is of QEMU 7.2")
        monitor.ask(b'{"execute": "qmp_capabilities"}')
        theirs = [monitor.ask(json.dumps(each).encode())[0] for each in MESSAGES]

    async def talk():
        manner = Manner(policy=parse_compat(compat))
        async with serving(mock_snapshot(load_snapshot(EMBEDDED).snapshot, manner), tmp_path) as at:
            client = await Client.connect(at)
            found = []
            for each in MESSAGES:
                client.writer.write(json.dumps(each).encode())
                found.append((await client.read_line()).rstrip())
            client.writer.close()
            return found

    for message, one, other in zip(MESSAGES, asyncio.run(talk()), theirs, strict=True):
        assert one == other, message


@pytest.mark.parametrize(
    "damaged",
    [
        pytest.param({"name": []}, id="name"),
        pytest.param({"name": "b", "parent": {}}, id="parent"),
        pytest.param({"name": {}, "parent": "object"}, id="child"),
        pytest.param(5, id="entry"),
    ],
)
def test_what_is_no_type_among_recorded_types_is_passed_over(damaged):
    types = [damaged, {"name": "a", "parent": "object"}]
    result = Raw(msgspec.json.encode(types))
    asked = Exchange("qom-list-types", {"abstract": True}, result=result)
    recorded = Recorded(Snapshot(Identity(), (asked,)))
    found = recorded.find("qom-list-types", {"implements": "object"})
    assert read(found) == types[1:]
    assert recorded.find("qom-list-properties", {"typename": "a"}) is None
    refused = recorded.find("qom-list-properties", {"typename": "c"})
    assert refused is not None
    assert refused.error_class == "DeviceNotFound"


@pytest.mark.parametrize(
    ("negotiation", "capabilities"),
    [
        pytest.param([], [], id="QEMU before 2.12 has none"),
        pytest.param(["oob"], ["oob"], id="since then"),
        pytest.param(["oob", "later"], ["oob"], id="what a mock does not know it does not offer"),
    ],
)
def test_a_greeting_that_was_not_recorded_is_made(tmp_path, negotiation, capabilities):
    entities = [
        {"name": "qmp_capabilities", "meta-type": "command", "arg-type": "1", "ret-type": "0"},
        {"name": "0", "meta-type": "object", "members": []},
        {"name": "1", "meta-type": "object", "members": [
            {"name": "enable", "type": "[2]", "default": None}] if negotiation else []},
        {"name": "[2]", "meta-type": "array", "element-type": "2"},
        {"name": "2", "meta-type": "enum", "values": negotiation},
    ]  # fmt: skip
    exchange = Exchange("query-qmp-schema", result=Raw(msgspec.json.encode(entities)))

    async def greet():
        async with serving(mock_snapshot(Snapshot(Identity(), (exchange,))), tmp_path) as path:
            client = await Client.connect(path, negotiate=False)
            client.writer.close()
            return client.greeting

    assert asyncio.run(greet()) == {
        "version": {"qemu": {"micro": 0, "minor": 0, "major": 0}, "package": ""},
        "capabilities": capabilities,
    }


@pytest.mark.parametrize(
    ("version", "program", "desc"),
    [
        pytest.param("10.0.13", False, "JSON parse error, stray 'N", id="an older QEMU"),
        pytest.param("11.0.2", False, "JSON parse error, stray 'N", id="the last of its kind"),
        pytest.param("11.0.50", False, "JSON parse error, stray 'N", id="between both"),
        pytest.param("11.1.3", False, "2:1: JSON parse error, ", id="a newer one"),
        pytest.param(None, False, "JSON parse error, stray 'N", id="one that does not say"),
        pytest.param("12.0.0", True, "JSON parse error, stray 'N", id="a program of that number"),
    ],
)
def test_json_is_judged_in_the_words_of_the_release(tmp_path, version, program, desc):
    entities = [
        {"name": "qmp_capabilities", "meta-type": "command", "arg-type": "0", "ret-type": "0"},
        {"name": "0", "meta-type": "object", "members": []},
    ]
    schema = Exchange("query-qmp-schema", result=Raw(msgspec.json.encode(entities)))
    snapshot = Snapshot(Identity(version=version, program=program), (schema,))

    async def talk():
        async with serving(mock_snapshot(snapshot), tmp_path) as path:
            client = await Client.connect(path, negotiate=False)
            client.writer.write(b'{"execute": "qmp_capabilities"}\nN\n')
            replies = [await client.read_reply() for _ in range(2)]
            client.writer.close()
            return replies

    assert asyncio.run(talk())[1]["error"]["desc"].startswith(desc)

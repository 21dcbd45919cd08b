"""`qscope proxy`: bytes pass unchanged whatever happens, and what passes is judged."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from qscope.ask import Verdict
from qscope.ask.finding import Finding, Severity
from qscope.ask.validation import validate_message
from qscope.errors import ServeError
from qscope.model.interface import Interface
from qscope.model.schema_info import decode_entities
from qscope.serve.proxy import Judge, Judged, Observer, Tally
from tests.proxying import (
    SCHEMA,
    Upstream,
    Watching,
    ask,
    connect,
    end,
    open_client,
    proxied,
    run,
    served,
    start,
    talk,
    write_schema,
)
from tests.running import DEADLINE, wait_for

_PIECES = st.lists(st.binary(min_size=1, max_size=300), max_size=8)
_MESSAGES = st.sampled_from(
    [b'{"execute":"stop"}', b"{", b"}", b'"', b"x", b"\xff", b"\n", b"[", b'{"execute":1}', b"'"]
)


@pytest.fixture(scope="module")
def small():
    """Return the interface of a few commands."""
    return make_interface()


def make_interface(version=None):
    entities, _ = decode_entities(json.dumps(SCHEMA).encode())
    made = Interface(entities)
    if version:
        made.identity = structs.replace(made.identity, version=version)
    return made


async def _send(writer, pieces):
    for each in pieces:
        writer.write(each)
        await writer.drain()
    writer.write_eof()


def pass_both_ways(folder, up, down, *, front="unix", tcp=False, watcher=None):
    """Return what arrived at the server, and what at the client."""

    async def exchange():
        arrived = asyncio.get_running_loop().create_future()

        async def serve(reader, writer):
            data, _ = await asyncio.gather(reader.read(), _send(writer, down))
            writer.close()
            arrived.set_result(data)

        address = "tcp:127.0.0.1:0" if front == "tcp" else f"unix:{folder}/front"
        async with (
            served(folder, serve, tcp=tcp) as to,
            proxied(to, address, watcher=watcher) as (bound, _),
        ):
            reader, writer = await open_client(next(e for e in bound if "[" not in e))
            received, _ = await asyncio.gather(reader.read(), _send(writer, up))
            writer.close()
            return await arrived, received

    return asyncio.run(exchange())


class TestPassing:
    @settings(max_examples=60, deadline=None)
    @given(up=_PIECES, down=_PIECES, front=st.sampled_from(["unix", "tcp"]), tcp=st.booleans())
    def test_bytes_arrive_as_they_were_sent(self, tmp_path_factory, up, down, front, tcp):
        folder = tmp_path_factory.mktemp("law")
        watcher = Watching()
        arrived = pass_both_ways(folder, up, down, front=front, tcp=tcp, watcher=watcher)
        assert arrived == (b"".join(up), b"".join(down))
        assert watcher.received.get(1, b"") == b"".join(up)
        assert watcher.ended == [1]

    def test_much_in_both_directions_at_once(self, tmp_path):
        up, down = os.urandom(9_000_001), os.urandom(7_000_003)
        assert pass_both_ways(tmp_path, [up], [down]) == (up, down)

    @pytest.mark.parametrize("silent", ["client", "server"])
    def test_who_does_not_read_stops_the_other(self, tmp_path, silent):
        """Both sides' buffers, the kernel's and ours, are all that goes on its way."""

        async def flood(writer):
            sent = 0
            with contextlib.suppress(TimeoutError):
                while sent < 64 << 20:
                    writer.write(b"x" * 65536)
                    await asyncio.wait_for(writer.drain(), 0.5)
                    sent += 65536
            return sent

        async def exchange():
            sent = asyncio.get_running_loop().create_future()

            async def serve(_, writer):
                if silent == "client":
                    sent.set_result(await flood(writer))
                else:
                    await sent
                writer.transport.abort()

            async with (
                served(tmp_path, serve) as to,
                proxied(to, f"unix:{tmp_path}/front") as (bound, _),
            ):
                reader, writer = await open_client(bound[0])
                reader._transport.pause_reading()
                if silent == "server":
                    sent.set_result(await flood(writer))
                assert await sent < 4 << 20
                writer.transport.abort()

        asyncio.run(exchange())

    def test_one_direction_may_end_before_the_other(self, tmp_path):
        async def exchange():
            async def serve(reader, writer):
                writer.write_eof()
                writer.close() if await reader.read() == b"after your end" else None

            async def serve_late(reader, writer):
                writer.write(b"after your end: " + await reader.read())
                writer.close()

            for number, each in enumerate((serve, serve_late)):
                folder = tmp_path / str(number)
                folder.mkdir()
                async with (
                    served(folder, each) as to,
                    proxied(to, f"unix:{folder}/front", once=True) as (bound, task),
                ):
                    reader, writer = await open_client(bound[0])
                    if each is serve:
                        assert await reader.read() == b""
                        writer.write(b"after your end")
                        writer.write_eof()
                    else:
                        writer.write(b"hello")
                        writer.write_eof()
                        assert await reader.read() == b"after your end: hello"
                    writer.close()
                    await task

        asyncio.run(exchange())

    def test_a_server_that_minds_no_end_is_closed_when_the_client_is_gone(self, tmp_path):
        async def exchange():
            gone = asyncio.Event()

            async def serve(reader, writer):
                assert await reader.read() == b"hello"
                while not writer.transport.is_closing():
                    writer.write(b"event")
                    await asyncio.sleep(0.01)
                gone.set()

            async with (
                served(tmp_path, serve) as to,
                proxied(to, f"unix:{tmp_path}/front", once=True) as (bound, task),
            ):
                _, writer = await open_client(bound[0])
                writer.write(b"hello")
                await writer.drain()
                writer.close()
                await task
                await gone.wait()

        asyncio.run(exchange())

    def test_last_words_of_a_server_arrive_though_it_reads_no_more(self, tmp_path):
        """As of a QEMU that quits, while the client sends its next command."""

        async def exchange():
            async def serve(reader, writer):
                await reader.read(4)
                writer.write(b"bye")
                await writer.drain()
                writer.transport.abort()

            async with (
                served(tmp_path, serve) as to,
                proxied(to, f"unix:{tmp_path}/front") as (bound, _),
            ):
                for _ in range(50):
                    client = socket.socket(socket.AF_UNIX)
                    with client:
                        client.connect(bound[0].removeprefix("unix:"))
                        client.setblocking(False)
                        heard = b""
                        loop = asyncio.get_running_loop()
                        with contextlib.suppress(OSError):
                            for _ in range(20):
                                await loop.sock_sendall(client, b"quit")
                                await asyncio.sleep(0)
                        # What the server did not read is a reset behind its words, also without us.
                        with contextlib.suppress(ConnectionResetError):
                            while data := await loop.sock_recv(client, 100):
                                heard += data
                        assert heard == b"bye"

        asyncio.run(exchange())

    @pytest.mark.parametrize("tcp", [False, True], ids=["unix", "tcp"])
    def test_what_a_client_sent_before_it_left_arrives(self, tmp_path, tcp):
        """Also when it has not taken the greeting, which then cannot be delivered."""

        async def exchange():
            heard: asyncio.Queue[bytes] = asyncio.Queue()

            async def serve(reader, writer):
                writer.write(b"greeting" * 50_000)
                heard.put_nowait(await reader.read())
                writer.transport.abort()

            watcher = Watching()
            async with (
                served(tmp_path, serve, tcp=tcp) as to,
                proxied(to, f"unix:{tmp_path}/front", watcher=watcher) as (bound, _),
            ):
                sent = b"command" * 5_000
                for _ in range(30):
                    _, writer = await open_client(bound[0])
                    writer.write(sent)
                    await writer.drain()
                    writer.transport.abort()
                    assert await heard.get() == sent
            assert set(watcher.received.values()) == {sent}

        asyncio.run(exchange())

    def test_client_is_closed_when_the_server_goes_away(self, tmp_path):
        async def exchange():
            async def serve(_, writer):
                writer.transport.abort()

            async with (
                served(tmp_path, serve) as to,
                proxied(to, f"unix:{tmp_path}/front", once=True) as (bound, task),
            ):
                reader, writer = await open_client(bound[0])
                assert await reader.read() == b""
                # Not only to be read from: the client says nothing, and the session is over.
                await task
                writer.close()

        asyncio.run(exchange())

    def test_sessions_are_apart(self, tmp_path):
        async def exchange():
            async def serve(reader, writer):
                writer.write(b"you said " + await reader.readline())
                writer.close()

            watcher = Watching()
            async with (
                served(tmp_path, serve) as to,
                proxied(to, f"unix:{tmp_path}/a", f"unix:{tmp_path}/b", watcher=watcher) as (
                    bound,
                    _,
                ),
            ):
                first, second = [await open_client(each) for each in bound]
                for (reader, writer), word in ((second, b"two\n"), (first, b"one\n")):
                    writer.write(word)
                    assert await reader.read() == b"you said " + word
                    writer.close()
            assert sorted(watcher.received.values()) == [b"one\n", b"two\n"]

        asyncio.run(exchange())

    @pytest.mark.parametrize(
        ("to", "why"),
        [
            ("unix:{folder}/none", "{folder}/none: No such file or directory"),
            ("unix:{folder}/file", "{folder}/file: Connection refused"),
            ("unix:{folder}/" + "x" * 120, "{folder}/" + "x" * 120 + ": AF_UNIX path too long"),
            ("127.0.0.1:1", "127.0.0.1:1: Connection refused"),
            ("[::1]:1", "[::1]:1: "),
            ("no.such.host.invalid:1", "no.such.host.invalid:1: "),
        ],
    )
    def test_server_that_is_not_there(self, tmp_path, to, why):
        with socket.socket(socket.AF_UNIX) as unserved:
            unserved.bind(f"{tmp_path}/file")

        async def exchange():
            watcher = Watching()
            async with proxied(
                to.format(folder=tmp_path), f"unix:{tmp_path}/front", watcher=watcher, once=True
            ) as (bound, task):
                reader, writer = await open_client(bound[0])
                assert await reader.read() == b""
                writer.close()
                await task
            return watcher.missed

        (found,) = asyncio.run(exchange()).values()
        assert found.startswith(why.format(folder=tmp_path))

    def test_server_that_comes_later(self, tmp_path):
        async def hear(address):
            reader, writer = await open_client(address)
            heard = await reader.read()
            writer.close()
            return heard

        async def exchange():
            async def serve(_, writer):
                writer.write(b"here")
                writer.close()

            watcher = Watching()
            to, front = f"unix:{tmp_path}/server", f"unix:{tmp_path}/front"
            async with proxied(to, front, watcher=watcher):
                assert await hear(front) == b""
                async with served(tmp_path, serve):
                    assert await hear(front) == b"here"
            assert list(watcher.missed) == [1]

        asyncio.run(exchange())

    def test_server_that_serves_somebody_else(self, tmp_path):
        """A monitor takes one client at a time: its backlog, even a full one, is waited in."""

        async def exchange():
            busy = socket.socket(socket.AF_UNIX)
            busy.bind(f"{tmp_path}/server")
            busy.listen(0)
            others = [socket.socket(socket.AF_UNIX)]
            others[0].connect(f"{tmp_path}/server")
            async with proxied(f"unix:{tmp_path}/server", f"unix:{tmp_path}/front") as (bound, _):
                reader, writer = await open_client(bound[0])
                writer.write(b"hello")
                await asyncio.sleep(0.2)
                others.append(busy.accept()[0])
                loop = asyncio.get_running_loop()
                busy.setblocking(False)
                served, _ = await loop.sock_accept(busy)
                others.append(served)
                assert await loop.sock_recv(served, 100) == b"hello"
                served.send(b"hello, you")
                assert await reader.read(100) == b"hello, you"
                writer.close()
            for each in (busy, *others):
                each.close()

        asyncio.run(exchange())

    @pytest.mark.parametrize(
        "address", ["unix:/nonexistent/x", "tcp:1.2.3.4:1", "nonsense", "unix:"]
    )
    def test_where_it_cannot_listen(self, address):
        async def exchange():
            async with proxied("127.0.0.1:1", address):
                pass

        with pytest.raises(ServeError):
            asyncio.run(exchange())


class TestObserver:
    def test_it_sees_all_in_order(self):
        seen = []

        async def offer():
            observer = Observer(lambda *each: seen.append(each), lambda *_: None)
            offered = [(number % 3, b"%d" % number) for number in range(500)]
            for each in offered:
                observer.offer(*each)
            await observer.finish()
            assert seen == offered

        asyncio.run(offer())

    def test_one_that_fails_is_told_of_once_and_hears_no_more_of_that_client(self):
        seen, lost = [], []

        def observe(client, data):
            seen.append((client, data))
            if data == b"bad":
                raise RuntimeError("broken")

        async def offer():
            observer = Observer(observe, lambda *each: lost.append(each))
            for each in ((1, b"bad"), (1, b"more"), (2, b"good"), (1, b"")):
                observer.offer(*each)
            await observer.finish()

        asyncio.run(offer())
        assert seen == [(1, b"bad"), (2, b"good")]
        assert [client for client, _ in lost] == [1]
        assert "broken" in lost[0][1]

    def test_one_that_falls_behind_keeps_only_so_much(self):
        """Nobody waits for it, and what it missed it does not hear the rest of."""
        go_on = threading.Event()
        seen, lost = [], []

        def observe(client, data):
            go_on.wait(DEADLINE)
            seen.append((client, data))

        async def offer():
            observer = Observer(observe, lambda *each: lost.append(each), most=10)
            for each in ((1, b"12345678"), (2, b"12"), (1, b"x"), (1, b"y"), (2, b"z")):
                observer.offer(*each)
            go_on.set()
            await observer.finish()
            assert seen == [(1, b"12345678"), (2, b"12")]
            assert [client for client, _ in lost] == [1, 2]

        asyncio.run(offer())

    def test_room_is_there_again_when_it_has_caught_up(self):
        seen, lost = [], []

        async def offer():
            observer = Observer(
                lambda *each: seen.append(each), lambda *each: lost.append(each), most=10
            )
            for number in range(5):
                observer.offer(1, b"12345678")
                while len(seen) <= number:
                    await asyncio.sleep(0.001)
                await asyncio.sleep(0.01)
            await observer.finish()

        asyncio.run(offer())
        assert not lost


def judge_all(interface, *pieces):
    judge = Judge(interface)
    return [judged for piece in pieces for judged in judge.judge(piece)]


_OOB = ask("qmp_capabilities", arguments={"enable": ["oob"]})
_YANK = b'{"exec-oob": "yank"}'
_UNEXPECTED = "QMP input member 'exec-oob' is unexpected"


class TestJudge:
    @pytest.mark.parametrize(
        ("sent", "says"),
        [
            pytest.param(ask("stop"), [[]], id="right"),
            pytest.param(b'{"execute":"stop"}{"execute":"stop"}', [[], []], id="nothing between"),
            pytest.param(b'{"execute":\n"stop"\n}', [[]], id="over lines"),
            pytest.param(b"{'execute':'stop'}", [[]], id="single quotes"),
            pytest.param(b'{"execute":"stop"', [], id="not complete"),
            pytest.param(b" \n\t\r\n", [], id="blank"),
            pytest.param(ask("stop", id=None), [[]], id="id null"),
            pytest.param(
                ask("stpo"),
                [["stpo: there is no such command (did you mean 'stop'?)"]],
                id="unknown",
            ),
            pytest.param(
                ask("odd", arguments={"x": 1}), [["odd: its arguments are not known"]], id="odd"
            ),
            pytest.param(ask("old"), [["old: the command is deprecated"]], id="deprecated"),
            pytest.param(ask("set"), [["number: it is missing; takes int"]], id="missing"),
            pytest.param(
                ask("set", arguments={"number": "1", "word": "c"}),
                [
                    [
                        'number: the string "1" was given; takes int',
                        'word: the string "c" is none of its values; takes a | b',
                    ]
                ],
                id="all of them",
            ),
            pytest.param(b"42 ", [["QMP input must be a JSON object"]], id="no object"),
            pytest.param(b"[]", [["QMP input must be a JSON object"]], id="array"),
            pytest.param(b"{}", [["QMP input lacks member 'execute'"]], id="empty"),
            pytest.param(
                b'{"execute": null}',
                [["QMP input member 'execute' must be a string"]],
                id="no name",
            ),
            pytest.param(
                b'{"execute": "stop", "arguments": []}',
                [["QMP input member 'arguments' must be an object"]],
                id="arguments",
            ),
            pytest.param(
                ask("stop", extra=1), [["QMP input member 'extra' is unexpected"]], id="extra"
            ),
            pytest.param(b"nan ", [["JSON parse error, invalid keyword 'nan'"]], id="keyword"),
            pytest.param(
                b'{"execute":"stop",}', [["JSON parse error, expecting value"]], id="comma"
            ),
            pytest.param(b'{"a":1,"a":2}', [["JSON parse error, duplicate key"]], id="twice"),
            pytest.param(
                b"\xff" + ask("stop"), [["JSON parse error, stray '\ufffd'"], []], id="FF"
            ),
            pytest.param(b"[" * 1025, [["JSON nesting depth limit exceeded"]], id="deep"),
            pytest.param(_YANK, [[_UNEXPECTED]], id="oob before negotiation"),
            pytest.param(
                ask("qmp_capabilities") + _YANK, [[], [_UNEXPECTED]], id="oob not enabled"
            ),
            pytest.param(_OOB + _YANK, [[], []], id="oob"),
            pytest.param(
                _OOB + b'{"exec-oob": "stop"}',
                [[], ["exec-oob: stop cannot be executed out of band; takes execute"]],
                id="oob, but not this one",
            ),
            pytest.param(
                ask("qmp_capabilities") + _OOB + _YANK, [[], [], [_UNEXPECTED]], id="oob too late"
            ),
            pytest.param(
                ask("qmp_capabilities", arguments={"enable": [3]}) + _OOB + _YANK,
                [["enable[0]: the number 3 was given; takes oob"], [], []],
                id="oob after a refused negotiation",
            ),
            pytest.param(
                ask("qmp_capabilities", arguments={"enable": ["oob", "x"]}) + _YANK,
                [
                    ['enable[1]: the string "x" is none of its values; takes oob'],
                    [_UNEXPECTED],
                ],
                id="oob in a refused negotiation",
            ),
        ],
    )
    def test_what_it_says(self, small, sent, says):
        found = judge_all(small, sent)
        assert [[str(each) for each in judged.findings] for judged in found] == says
        assert [judged.number for judged in found] == list(range(1, len(says) + 1))

    @pytest.mark.parametrize(
        ("version", "says"),
        [
            ("7.2.22", "JSON parse error, expected separator in list"),
            ("11.1.0", "1:4: JSON parse error, expected ',' or ']'"),
        ],
    )
    def test_json_is_refused_in_the_words_of_the_release(self, version, says):
        (judged,) = judge_all(make_interface(version), b"[1 2]")
        assert [each.message for each in judged.findings] == [says]

    def test_what_is_long_is_not_quoted_whole(self, small):
        (judged,) = judge_all(small, b'{"' + b"x" * 100_000 + b'": 1}')
        assert len(judged.findings[0].message) < 300

    @given(st.lists(_MESSAGES, max_size=20), st.data())
    def test_pieces_make_no_difference(self, small, parts, data):
        sent = b"".join(parts)
        cuts = sorted(data.draw(st.sets(st.integers(0, len(sent)), max_size=5)))
        pieces = [
            sent[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(sent)], strict=True)
        ]
        assert judge_all(small, *pieces) == judge_all(small, sent)

    @given(
        st.sampled_from(["set", "stop", "qmp_capabilities", "old", "odd", "none"]),
        st.dictionaries(
            st.sampled_from(["number", "word", "list", "later", "enable", "x"]),
            st.sampled_from([1, "a", "c", [1], ["oob"], None, {}]),
        ),
    )
    def test_commands_are_judged_as_validate_does(self, small, command, arguments):
        message = {"execute": command, "arguments": arguments}
        (judged,) = judge_all(small, json.dumps(message).encode())
        assert list(judged.findings) == validate_message(small, message)
        assert judged.command == command
        assert judged.is_command

    def test_a_validator_that_fails_spoils_one_message(self, small, monkeypatch):
        def fail(_, message):
            if message["execute"] == "bad":
                raise RecursionError("too deep")
            return []

        monkeypatch.setattr("qscope.serve.proxy.judge.validate_message", fail)
        bad, good = judge_all(small, ask("bad") + ask("good"))
        assert [each.severity for each in bad.findings] == [Severity.UNKNOWN]
        assert not good.findings


def judged(command, *findings, is_command=True):
    return Judged(1, command, is_command, None, findings)


_WRONG = Finding("wrong-type", "a[0].b", "the number 1 was given")
_UNKNOWN = Finding("odd", "a", "it is odd", Severity.UNKNOWN)
_WARNING = Finding("deprecated", "a", "it is deprecated", Severity.WARNING)


class TestTally:
    @pytest.mark.parametrize(
        ("first", "second", "is_new"),
        [
            pytest.param(_WRONG, _WRONG, False, id="same"),
            pytest.param(_WRONG, structs.replace(_WRONG, message="other"), False, id="other value"),
            pytest.param(
                _WRONG, structs.replace(_WRONG, where="a[7].b"), False, id="other element"
            ),
            pytest.param(_WRONG, structs.replace(_WRONG, where="a[0].c"), True, id="other member"),
            pytest.param(_WRONG, structs.replace(_WRONG, rule="id"), True, id="other rule"),
            pytest.param(
                Finding("name-unknown", "driver", "nope is no driver"),
                Finding("name-unknown", "driver", "none is no driver"),
                True,
                id="other driver",
            ),
            pytest.param(
                Finding("json", "", "1:1: JSON parse error"),
                Finding("json", "", "2:1: JSON parse error"),
                False,
                id="more garbage",
            ),
            pytest.param(
                Finding("message", "", "'execute' must be a string"),
                Finding("message", "", "must be an object"),
                True,
                id="other message",
            ),
        ],
    )
    def test_what_is_new(self, first, second, is_new):
        tally = Tally()
        assert tally.add(judged("x", first)) == [first]
        assert tally.add(judged("x", second)) == [second] * is_new
        assert tally.repeated == (not is_new)
        assert tally.add(judged("y", second)) == [second]

    @pytest.mark.parametrize(
        ("all_judged", "verdict", "says"),
        [
            ([], Verdict.YES, "0 commands of 0 kinds passed, 0 would be refused"),
            (
                [judged("x"), judged("x", _WARNING), judged("y")],
                Verdict.YES,
                "3 commands of 2 kinds passed, 0 would be refused",
            ),
            (
                [judged("x", _UNKNOWN), judged("y")],
                Verdict.UNKNOWN,
                "2 commands of 2 kinds passed, 0 would be refused, 1 cannot be told",
            ),
            (
                [judged("x", _UNKNOWN, _WRONG), judged("x", _WRONG)],
                Verdict.NO,
                "2 commands of 1 kind passed, 2 would be refused",
            ),
            (
                [judged(None, _WRONG, is_command=False)],
                Verdict.NO,
                "0 commands of 0 kinds passed, 0 would be refused, 1 more message was no command",
            ),
        ],
    )
    def test_what_it_comes_to(self, all_judged, verdict, says):
        tally = Tally()
        for each in all_judged:
            tally.add(each)
        assert (tally.verdict, tally.describe()) == (verdict, says)

    def test_who_was_not_judged_to_the_end_leaves_it_open(self):
        tally = Tally()
        tally.lost += 1
        assert tally.verdict is Verdict.UNKNOWN
        assert tally.describe().endswith("of 1 client not all was judged")


@pytest.fixture(scope="module")
def schema(tmp_path_factory):
    return write_schema(tmp_path_factory.mktemp("schema"))


@pytest.fixture
def upstream(tmp_path):
    with Upstream(tmp_path) as started:
        yield started


class TestCommand:
    @pytest.mark.parametrize(
        ("words", "says"),
        [
            ([], "Missing option '--to'"),
            (["--to", "x:1"], "Missing option '--against'"),
            (["--to", "x:1", "--against", "{schema}"], "where to listen?"),
            (["--to", "nonsense", "--against", "{schema}", "--stdio"], "'nonsense': unix:PATH"),
            (["--to", "x:0", "--against", "{schema}", "--stdio"], "'x:0': unix:PATH"),
            (["--to", "unix:", "--against", "{schema}", "--stdio"], "'unix:': unix:PATH"),
            (["--to", "x:1", "--against", "-", "--stdio"], "cannot both be stdin"),
            (["--to", "x:1", "--against", "/nonexistent", "--stdio"], "no such file"),
            (["--to", "x:1", "--against", "{schema}", "--tcp", "x"], "'tcp:x'"),
            (["--to", "x:1", "--against", "{schema}", "--tcp", "0.0.0.0:0"], "not a loopback"),
            (["--to", "x:1", "--against", "{schema}", "--unix", "/nonexistent/x"], "No such file"),
            (["--to", "x:1", "--against", "{schema}", "--stdio", "--report", "/"], "/: Is a dir"),
            (["--to", "x:1", "--against", "{schema}", "--stdio", "--format", "xml"], "'xml'"),
            (["--to", "x:1", "--against", "{schema}", "--stdio", "--unstable", "no"], "'no'"),
            (["--to", "x:1", "--against", "{schema}", "--stdio", "more"], "unexpected extra"),
        ],
    )
    def test_refusals(self, schema, words, says):
        status, out, err = run("-q", *(each.format(schema=schema) for each in words))
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert says in err

    @pytest.mark.parametrize(
        ("sent", "status", "lines"),
        [
            pytest.param([], 0, [], id="nothing"),
            pytest.param([ask("stop"), ask("stop", id=1)], 0, [], id="right"),
            pytest.param(
                [ask("stop"), ask("stpo")],
                1,
                ["client 1, message 2: stpo: there is no such command (did you mean 'stop'?)"],
                id="unknown command",
            ),
            pytest.param(
                [ask("set", id="libvirt-1"), ask("set", id=2), ask("set")],
                1,
                ['client 1, id "libvirt-1": set: number: it is missing; takes int'],
                id="once",
            ),
            pytest.param(
                [ask("set", id={"a": 1}), ask("stop", arguments={"x\x1b": 1}, id="\x1b")],
                1,
                [
                    "client 1, message 1: set: number: it is missing; takes int",
                    (
                        r'client 1, id "\u001b": stop: x\x1b: there is no such member; '
                        "there are no members at all"
                    ),
                ],
                id="what a terminal must not see",
            ),
            pytest.param(
                [b"GET / HTTP/1.1\r\n\r\n", ask("stop")],
                1,
                ["client 1, message 1: JSON parse error, stray 'G'"],
                id="garbage",
            ),
            pytest.param(
                [b'{"exec-oob": "yank", "id": 7}\n'],
                1,
                ["client 1, id 7: yank: QMP input member 'exec-oob' is unexpected"],
                id="no command",
            ),
            pytest.param(
                [ask("odd", arguments={"x": 1}), ask("stop")],
                3,
                ["client 1, message 1: odd: its arguments are not known [cannot tell]"],
                id="unknown",
            ),
            pytest.param(
                [ask("old"), ask("set", arguments={"number": 1, "later": 1})],
                0,
                [
                    "client 1, message 1: old: the command is deprecated [warning]",
                    "client 1, message 2: set: later: it is unstable [warning]",
                ],
                id="warnings",
            ),
        ],
    )
    def test_dialogues_at_stdio(self, schema, upstream, sent, status, lines):
        """Replies and nothing else are at stdout, and all that was sent has arrived."""
        data = b"".join(sent)
        words = ("-q", "--stdio", "--to", upstream.path, "--against", schema)
        found, out, err = run(*words, data=data)
        assert (found, err.splitlines()) == (status, lines)
        assert out == '{"QMP": {}}\r\n' + '{"return": {}}\r\n' * data.count(b"\n")
        assert upstream.received == data

    @pytest.mark.parametrize(
        ("words", "status", "count"),
        [
            ([], 0, 2),
            (["--all"], 0, 4),
            (["--deprecated", "accept"], 0, 1),
            (["--deprecated", "accept", "--unstable", "accept", "--all"], 0, 0),
            (["--unstable", "reject"], 1, 2),
        ],
    )
    def test_what_is_reported(self, schema, upstream, words, status, count):
        data = (ask("old") + ask("set", arguments={"number": 1, "later": 1})) * 2
        words = ["-q", "--stdio", "--to", upstream.path, "--against", schema, *words]
        found, _, err = run(*words, data=data)
        assert (found, err.count("\n")) == (status, count)

    def test_summary(self, schema, upstream):
        data = ask("stop") + ask("set") * 3 + b"x\n"
        _, _, err = run("--stdio", "--to", upstream.path, "--against", schema, data=data)
        assert err.splitlines()[-2:] == [
            (
                "qscope: note: 4 commands of 2 kinds passed, 3 would be refused, "
                "1 more message was no command"
            ),
            "qscope: note: findings that were not reported again: 2 (--all reports them)",
        ]

    def test_report_file_in_json(self, schema, upstream, tmp_path):
        words = ["-q", "--stdio", "--to", upstream.path, "--against", schema]
        words += ["--format", "json", "--report", tmp_path / "report"]
        data = ask("stpo", id="a") + b'{"a"\n}' + ask("set", id=[1])
        status, _, err = run(*words, data=data)
        assert (status, err) == (1, "")
        lines = [json.loads(each) for each in (tmp_path / "report").read_text().splitlines()]
        keys = ("client", "number", "id", "command", "member", "rule", "severity")
        assert [[each[key] for key in keys] for each in lines] == [
            [1, 1, "a", "stpo", "stpo", "command-unknown", "error"],
            [1, 2, None, None, "", "json", "error"],
            [1, 3, None, "set", "number", "member-missing", "error"],
        ]

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_signals_end_it_in_order(self, schema, upstream, tmp_path, number):
        front = tmp_path / "front"
        with start("--to", upstream.path, "--against", schema, "--unix", front) as process:
            for _ in range(2):
                replies = talk(front, ask("stop"), ask("stpo"))
                assert replies == [b'{"QMP": {}}\r\n', *[b'{"return": {}}\r\n'] * 2]
            with connect(front) as idle:
                assert idle.recv(100)
                status, out, err = end(process, number)
                assert idle.recv(100) == b""
        assert (status, out.count("\n")) == (1, 1)
        assert "4 commands of 2 kinds passed, 2 would be refused" in err
        assert not front.exists()

    def test_reports_come_at_once(self, schema, upstream, tmp_path):
        front = tmp_path / "front"
        with start("--to", upstream.path, "--against", schema, "--unix", front) as process:
            with connect(front) as client:
                client.sendall(ask("stpo"))
                assert b"no such command" in process.stdout.readline()
            assert end(process)[0] == 1

    def test_once(self, schema, upstream, tmp_path):
        words = ("-q", "--once", "--to", upstream.path, "--against", schema)
        with start(*words, "--unix", tmp_path / "front") as process:
            talk(tmp_path / "front", ask("stop"))
            assert process.wait(DEADLINE) == 0

    def test_sessions_leave_nothing_behind(self, schema, upstream, tmp_path):
        front = tmp_path / "front"
        words = ("-q", "--to", upstream.path, "--against", schema, "--unix", front)
        with start(*words) as process:
            talk(front)
            descriptors = Path(f"/proc/{process.pid}/fd")
            before = len(list(descriptors.iterdir()))
            for number in range(100):
                with connect(front) as client:
                    client.sendall(ask("stop") * 50)
                    # Some wait for an answer, others just leave.
                    if number % 2:
                        client.recv(100)
            wait_for(lambda: len(list(descriptors.iterdir())) <= before)
            assert end(process) == (0, "", "")

    def test_session_at_stdio_is_over_when_stdout_is_closed(self, schema, upstream):
        with start("-q", "--stdio", "--to", upstream.path, "--against", schema) as process:
            assert process.stdout.read(5) == b'{"QMP'
            process.stdout.close()
            assert process.wait(DEADLINE) == 0

    @pytest.mark.parametrize("to", ["unix:{folder}/none", "{folder}/none"])
    def test_server_that_is_not_there(self, schema, tmp_path, to):
        words = ["-q", "--to", to.format(folder=tmp_path), "--against", schema]
        with start(*words, "--once", "--unix", tmp_path / "front") as process:
            with connect(tmp_path / "front") as client:
                assert client.recv(100) == b""
            _, err = process.communicate(timeout=DEADLINE)
        says = f"qscope: client 1 is closed: {tmp_path}/none: No such file or directory"
        assert err.decode().splitlines() == [says]
        assert process.returncode == 2

    def test_tcp(self, schema, upstream):
        words = ["--to", upstream.path, "--against", schema, "--tcp", "127.0.0.1:0", "--once"]
        with start(*words) as process:
            said = iter(process.stderr.readline, b"")
            found = next(each for each in said if b"listening at tcp:127.0.0.1:" in each)
            port = int(found.rpartition(b":")[2])
            with socket.create_connection(("127.0.0.1", port), DEADLINE) as client:
                client.sendall(ask("stop"))
                client.shutdown(socket.SHUT_WR)
                assert client.makefile("rb").read() == b'{"QMP": {}}\r\n{"return": {}}\r\n'
            assert process.wait(DEADLINE) == 0

    @pytest.mark.parametrize("closed", [True, False], ids=["closed", "full"])
    def test_reports_that_nobody_can_have_do_not_end_the_session(
        self, schema, upstream, tmp_path, closed
    ):
        """The status is what a shell sees of other programs: 141, or 2."""
        front = tmp_path / "front"
        words = ("--to", upstream.path, "--against", schema, "--unix", front)
        with contextlib.ExitStack() as stack:
            options = {}
            if not closed:
                options["stdout"] = stack.enter_context(open("/dev/full", "wb"))
            process = stack.enter_context(start(*words, **options))
            if closed:
                process.stdout.close()
                process.stdout = None
            for _ in range(3):
                assert len(talk(front, ask("stpo"), ask("set"), ask("stop"))) == 4
            process.send_signal(signal.SIGTERM)
            err = process.stderr.read().decode()
            assert "9 commands of 3 kinds passed, 6 would be refused" in err
            assert process.wait(DEADLINE) == (141 if closed else 2)

    def test_reports_that_nobody_reads_do_not_hold_up_the_session(self, schema, upstream, tmp_path):
        front = tmp_path / "front"
        words = ("--to", upstream.path, "--against", schema, "--unix", front, "--all")
        with start(*words) as process:
            talk(front, *[b"".join([ask("none")] * 200)] * 20, ask("stop"))
            with connect(front) as client:
                client.sendall(ask("stop"))
                assert client.recv(100)
            process.send_signal(signal.SIGTERM)
            wait_for(lambda: not front.exists())
            # It waits for whoever reads the report, until it is told again.
            with pytest.raises(Exception, match="timed out"):
                process.wait(0.3)
            process.send_signal(signal.SIGTERM)
            assert process.wait(DEADLINE) == -signal.SIGTERM

    def test_a_message_of_100_mb_passes_and_what_follows_is_judged(self, schema, tmp_path):
        """It is longer than any QEMU takes; the proxy keeps no more of it than a QEMU does."""
        size = 100 << 20

        async def exchange():
            arrived = 0

            async def serve(reader, writer):
                nonlocal arrived
                while data := await reader.read(1 << 20):
                    arrived += len(data)
                writer.write(b"bye")
                writer.close()

            front = tmp_path / "front"
            words = ("--once", "--against", schema, "--unix", front)
            async with served(tmp_path, serve) as to:
                process = stack.enter_context(start("--to", to, *words))
                await asyncio.to_thread(wait_for, front.exists)
                reader, writer = await open_client(f"unix:{front}")
                writer.write(b'{"execute": "')
                for _ in range(100):
                    writer.write(b"x" * (1 << 20))
                    await writer.drain()
                writer.write(b'"}\n' + ask("stpo"))
                writer.write_eof()
                assert await reader.read() == b"bye"
                writer.close()
                out, _ = await asyncio.to_thread(process.communicate, None, DEADLINE)
                return arrived, out.decode()

        with contextlib.ExitStack() as stack:
            arrived, out = asyncio.run(exchange())
        assert arrived == size + len(b'{"execute": ""}\n' + ask("stpo"))
        assert "JSON token size limit exceeded" in out
        assert "stpo: there is no such command" in out

    def test_slow_judging_holds_nothing_up(self, schema, upstream, tmp_path):
        """Each of 200,000 wrong values is a finding."""
        front = tmp_path / "front"
        words = ("-q", "--to", upstream.path, "--against", schema, "--unix", front)
        with start(*words) as process, connect(front) as client:
            lines = client.makefile("rb")
            lines.readline()
            wrong = {"number": 1, "list": ["x"] * 200_000}
            client.sendall(ask("set", arguments=wrong))
            lines.readline()
            began = time.monotonic()
            for _ in range(20):
                client.sendall(ask("stop"))
                assert lines.readline()
            assert time.monotonic() - began < 1
            lines.close()
            client.close()
            assert end(process)[0] == 1

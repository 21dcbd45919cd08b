"""QMP: bytes to messages whatever the pieces, addresses, and a client that never waits for ever."""

import contextlib
import json
import re
import socket
import threading
import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qscope.errors import (
    CommandError,
    ConnectError,
    DeadlineError,
    DisconnectError,
    ProbeError,
    ProtocolError,
    QMPError,
)
from qscope.probe import probe_address
from qscope.qmp.address import Address, connect, parse_address
from qscope.qmp.client import QMPClient
from qscope.qmp.messages import MessageStream, encode_command

# Strings that look like structure, and escapes at every place.
_strings = st.text(st.sampled_from('{}[]",:\\/\n\x00 aé\u20ac\U0001f600'), max_size=8) | st.text(
    st.characters(exclude_categories=["Cs"]), max_size=8
)
_numbers = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
_values = st.recursive(
    st.none() | st.booleans() | _numbers | _strings,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_strings, inner, max_size=3),
    max_leaves=12,
)
_messages = st.one_of(
    st.fixed_dictionaries({"return": _values}, optional={"id": _values}),
    st.fixed_dictionaries(
        {"error": st.fixed_dictionaries({"class": _strings, "desc": _strings})},
        optional={"id": _values},
    ),
    st.fixed_dictionaries({"event": _strings, "data": _values}),
    st.fixed_dictionaries({"QMP": _values}),
    st.just({}),
)
_spelled = st.tuples(
    _messages,
    st.sampled_from([None, 0, 4, "\t"]),
    st.booleans(),
    st.sampled_from([b"", b"\n", b"\r\n", b" \r\n\t \r\n         ", b"\xff"]),
)


def spell(message, indent, ascii_only, between):
    """Return a message as bytes: in one line or many, behind what may be between messages."""
    return between + json.dumps(message, indent=indent, ensure_ascii=ascii_only).encode()


def take_all(stream):
    return list(iter(stream.take, None))


def feed_in_steps(stream, text, step):
    for start in range(0, len(text), step):
        stream.feed(text[start : start + step])
        take_all(stream)


def to_json(message):
    return json.loads(msgspec.json.encode(message))


class TestStream:
    @given(data=st.data(), spelled=st.lists(_spelled, max_size=6))
    def test_any_messages_in_any_pieces(self, data, spelled):
        text = b"".join(spell(*each) for each in spelled) + data.draw(
            st.sampled_from([b"", b"\r\n", b" " * 20])
        )
        cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=8).map(sorted))
        stream, found = MessageStream(), []
        for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
            stream.feed(text[start:end])
            found += take_all(stream)
        expected = [{k: v for k, v in each[0].items() if k != "data"} for each in spelled]
        assert [to_json(each) for each in found] == expected
        assert stream.rest == b""

    @given(spelled=st.lists(_spelled, min_size=1, max_size=3))
    def test_a_byte_at_a_time(self, spelled):
        stream, found = MessageStream(), []
        for byte in b"".join(spell(*each) for each in spelled):
            stream.feed(bytes([byte]))
            found += take_all(stream)
        assert len(found) == len(spelled)

    @given(spelled=_spelled, data=st.data())
    def test_a_prefix_is_no_message_and_no_error(self, spelled, data):
        text = spell(*spelled)
        stream = MessageStream()
        stream.feed(text[: data.draw(st.integers(0, len(text) - 1))])
        assert stream.take() is None

    @given(first=_spelled, second=_spelled, data=st.data())
    def test_a_message_does_not_wait_for_the_next(self, first, second, data):
        text = spell(*second)
        stream = MessageStream()
        stream.feed(spell(*first) + text[: data.draw(st.integers(0, len(text) - 1))])
        assert len(take_all(stream)) == 1

    @pytest.mark.parametrize(
        "text",
        [
            pytest.param(b"hello\n", id="words"),
            pytest.param(b"[]", id="an array"),
            pytest.param(b"null\n", id="null"),
            pytest.param(b'"QMP"', id="a string"),
            pytest.param(b"\x00", id="NUL"),
            pytest.param(b"\xef\xbb\xbf{}", id="a byte order mark"),
            pytest.param(b"}", id="an end"),
            pytest.param(b"{]\n", id="another end"),
            pytest.param(b"{}}", id="an end too many"),
            pytest.param(b"{'return': 1}\n", id="single quotes"),
            pytest.param(b'{"return": 1,}', id="a comma too many"),
            pytest.param(b'{"return": nan}', id="NaN"),
            pytest.param(b'{"return": "\xe9"}\n', id="Latin-1"),
            pytest.param(b'{"event": "\xe9"}', id="Latin-1 in an event"),
            pytest.param(b'{"return": "\\ud800"}', id="half a surrogate pair"),
            pytest.param(b'{"return": "a\nb"}', id="a newline in a string"),
            pytest.param(b'{"error": 5}', id="an error that is a number"),
            pytest.param(b'{"error": {}}', id="an error without a class"),
            pytest.param(b'{"event": 5}', id="an event that is a number"),
            pytest.param(b'{"return": ' + b"[" * 9999 + b"]" * 9999 + b"}", id="too deep"),
            pytest.param(b'{"id": ' + b"[" * 9999 + b"]" * 9999 + b"}\n", id="too deep an id"),
        ],
    )
    @pytest.mark.parametrize("step", [1, 1 << 16])
    def test_what_is_no_qmp(self, text, step):
        stream = MessageStream()
        with pytest.raises(ProtocolError, match="expected QMP, got "):
            feed_in_steps(stream, text, step)

    @pytest.mark.parametrize(
        "text",
        [
            b'{"return": "' + b"x" * 999,
            b"{\n" * 500,
            b'{"a":' * 200,
            b'{"a": ["}{", "\\"}{' + b"}{" * 999,
        ],
    )
    def test_a_message_over_the_limit(self, text):
        stream = MessageStream(limit=500)
        stream.feed(text[:500])
        assert stream.take() is None
        stream.feed(text[500:501])
        with pytest.raises(ProtocolError, match="more than 500 bytes"):
            stream.take()

    def test_many_messages_are_over_no_limit(self):
        stream = MessageStream(limit=30)
        stream.feed(b'{"event": "X"}\r\n' * 100)
        assert len(take_all(stream)) == 100

    def test_a_command_is_compact(self):
        assert encode_command("stop", None, 7) == b'{"execute":"stop","id":7}'
        assert json.loads(encode_command("a", {"b": "c"}, 7))["arguments"] == {"b": "c"}


@pytest.mark.parametrize(
    ("text", "address"),
    [
        pytest.param("unix:/run/q.sock", Address("/run/q.sock"), id="unix"),
        pytest.param("unix:q", Address("q"), id="unix, relative"),
        pytest.param("unix:host:1", Address("host:1"), id="unix, like a host"),
        pytest.param("localhost:4444", Address(None, "localhost", 4444), id="host"),
        pytest.param("10.0.0.1:1", Address(None, "10.0.0.1", 1), id="the lowest port"),
        pytest.param("tcp:h:65535", Address(None, "h", 65535), id="tcp, the highest port"),
        pytest.param("[::1]:4444", Address(None, "::1", 4444), id="IPv6"),
        pytest.param("tcp:[fe80::1]:9", Address(None, "fe80::1", 9), id="tcp, IPv6"),
        *(
            pytest.param(text, None, id=repr(text))
            for text in [
                "", "unix:", ":", "host", "host:", ":4444", "tcp:", "tcp:4444", "tcp::4444",
                "host:70000", "host:65536", "host:0", "host:-1", "host:1x", "host:\u0661",
                "host:000001", "a b:1", "::1:4444", "[::1]", "[::1]4444", "[host]:1",
                "/no/such/path", "a/b:1", "host:1\n", "udp:h:1",
            ]
        ),
    ],
)  # fmt: skip
def test_address(text, address):
    assert parse_address(text) == address


def test_a_path_is_an_address_if_a_socket_is_there(tmp_path):
    place = tmp_path / "qmp"
    assert parse_address(str(place)) is None
    place.write_text("no socket")
    assert parse_address(str(place)) is None
    place.unlink()
    with listen(str(place)):
        assert parse_address(str(place)) == Address(str(place))


@pytest.mark.parametrize(
    ("address", "text"),
    [
        (Address("/run/q"), "/run/q"),
        (Address(None, "h", 1), "h:1"),
        (Address(None, "::1", 1), "[::1]:1"),
    ],
)
def test_an_address_is_shown_as_it_is_written(address, text):
    assert str(address) == text


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        pytest.param(Address("/no/such/socket"), "No such file", id="absent"),
        pytest.param(Address("/dev/null"), "Connection refused", id="no socket"),
        pytest.param(Address("x" * 200), "path too long", id="long"),
        pytest.param(Address("a\0b"), "/", id="NUL"),
        pytest.param(Address(None, "127.0.0.1", 1), "Connection refused", id="nobody listens"),
        pytest.param(Address(None, "x" * 99, 1), "too long", id="a long host"),
    ],
)
def test_connect_refuses(address, reason):
    with pytest.raises(ConnectError) as caught:
        connect(address, 5)
    assert str(caught.value).startswith(f"{address}: ")
    assert reason == "/" or reason in str(caught.value)


GREETING = b'{"QMP": {"version": {"qemu": {"major": 9, "minor": 8, "micro": 7}}}}\r\n'
_TIMEOUT = 20  # for what must succeed
_SHORT = 0.3  # for what must not


class Peer:
    """The server's end of a connection."""

    def __init__(self, sock):
        self._sock = sock
        self._file = sock.makefile("rb")

    def send(self, data):
        self._sock.sendall(data)

    def read(self):
        line = self._file.readline()
        return json.loads(line) if line else None

    def reply(self, **members):
        self.send(json.dumps(members).encode() + b"\n")

    def serve(self, **answers):
        """Answer by command until the client leaves; what is not in `answers` is not found."""
        while command := self.read():
            name = command["execute"].replace("-", "_")
            if name in answers:
                self.reply(**{"return": answers[name]}, id=command["id"])
            else:
                self.reply(error={"class": "CommandNotFound", "desc": "no"}, id=command["id"])

    def close(self):
        self._file.close()
        self._sock.close()


@contextlib.contextmanager
def serve(script, sock):
    """Run `script(peer)` in a thread; what it raises fails the test."""
    errors = []

    def work():
        peer = Peer(sock)
        try:
            script(peer)
        except OSError:
            pass  # the client has left
        except BaseException as error:  # noqa: BLE001 - raised again in the test's own thread
            errors.append(error)
        finally:
            peer.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        thread.join(_TIMEOUT)
    assert not thread.is_alive()
    for error in errors:
        raise error


@contextlib.contextmanager
def talk(script, *, timeout=_TIMEOUT):
    """Yield a client whose server is `script`."""
    ours, theirs = socket.socketpair()
    with serve(script, theirs), QMPClient(ours, timeout=timeout, name="it") as client:
        yield client


@contextlib.contextmanager
def listen(place):
    """Listen at a path, or at a free port of a host."""
    family = socket.AF_UNIX if isinstance(place, str) else socket.AF_INET
    with socket.socket(family) as listener:
        listener.settimeout(_TIMEOUT)
        listener.bind(place)
        listener.listen(1)
        yield listener


@contextlib.contextmanager
def serve_at(place, script):
    """Serve one client at a place; yield the place's address."""
    with listen(place) as listener:
        name = listener.getsockname()
        address = Address(name) if isinstance(name, str) else Address(None, *name)

        def accept(peer):
            sock, _ = listener.accept()
            guest = Peer(sock)
            try:
                script(guest)
            finally:
                guest.close()

        spare, other = socket.socketpair()
        with spare, serve(accept, other):
            yield address


class TestClient:
    def test_negotiates_and_executes(self):
        def script(peer):
            peer.send(GREETING)
            peer.serve(qmp_capabilities={}, query_name={"name": "é"})

        with talk(script) as client:
            client.negotiate()
            assert client.greeting == json.loads(GREETING)["QMP"]
            assert json.loads(bytes(client.execute("query-name"))) == {"name": "é"}
            with pytest.raises(CommandError, match="no") as caught:
                client.execute("nope")
        assert (caught.value.command, caught.value.error_class) == ("nope", "CommandNotFound")

    def test_finds_its_reply_among_others(self):
        def script(peer):
            ident = peer.read()["id"]
            peer.reply(event="STOP", timestamp={"seconds": 1, "microseconds": 2})
            peer.reply(**{"return": "not yours"}, id="x")
            peer.reply(error={"class": "GenericError"}, id=None)
            peer.reply(id=ident)
            peer.reply(**{"return": "yours"}, id=ident)

        with talk(script) as client:
            assert bytes(client.execute("stop")) == b'"yours"'

    def test_an_error_without_id_is_its_own(self):
        def script(peer):
            peer.read()
            peer.reply(error={"class": "GenericError", "desc": "JSON parse error"})

        with talk(script) as client, pytest.raises(CommandError, match="JSON parse error"):
            client.execute("stop")

    def test_a_result_in_pieces(self):
        text = b'{\r\n"id": 1,\r\n"return":\r\n"' + b"\\u0041}" * 5000 + b'"\r\n}\r\n'

        def script(peer):
            peer.read()
            for start in range(0, len(text), 1000):
                peer.send(text[start : start + 1000])

        with talk(script) as client:
            assert json.loads(bytes(client.execute("x"))) == "A}" * 5000

    @pytest.mark.parametrize(
        ("data", "error", "words"),
        [
            pytest.param(b"", DisconnectError, "it closed the connection", id="nothing"),
            pytest.param(
                b'{"ret', DisconnectError, "closed the connection in the middle", id="half"
            ),
            pytest.param(b"what?", ProtocolError, "expected QMP, got 'what\\?'", id="garbage"),
        ],
    )
    def test_a_server_that_breaks_off(self, data, error, words):
        def script(peer):
            peer.read()
            peer.send(data)

        with talk(script) as client, pytest.raises(error, match=words):
            client.execute("stop")

    @pytest.mark.parametrize(
        ("data", "words"),
        [
            pytest.param(b"", "it did not answer 'stop' within 0.3 s$", id="nothing"),
            pytest.param(b'{"return"', r"within 0.3 s \(half a message: 9 bytes\)$", id="half"),
            pytest.param(b'{"event": "X"}\n' * 999, "within 0.3 s$", id="events"),
        ],
    )
    def test_a_server_that_falls_silent(self, data, words):
        def script(peer):
            peer.read()
            peer.send(data)
            peer.read()

        with talk(script, timeout=_SHORT) as client, pytest.raises(DeadlineError, match=words):
            client.execute("stop")

    def test_a_server_that_does_not_read(self):
        done = threading.Event()
        with talk(lambda _: done.wait(_TIMEOUT), timeout=_SHORT) as client:
            with pytest.raises(DeadlineError, match="does not read 'big'"):
                client.execute("big", {"data": "x" * (8 << 20)})
            done.set()

    def test_a_server_that_has_left(self):
        with talk(lambda _: None) as client:
            time.sleep(0.05)
            with pytest.raises(DisconnectError):
                client.execute("stop")

    def test_a_deadline_of_its_own(self):
        with (
            talk(lambda peer: [peer.read(), peer.read()]) as client,
            pytest.raises(DeadlineError, match=r"within 0\.1 s"),
        ):
            client.execute("quit", timeout=0.1)

    @pytest.mark.parametrize(
        ("greeting", "words"),
        [
            pytest.param(b'{"QMP": []}', "strange greeting", id="an array"),
            pytest.param(b'{"QMP": null}', "strange greeting", id="null"),
            pytest.param(b'{"QMP": {"a": 1e999}}', "strange greeting", id="no number"),
            pytest.param(b'{"hello": 1}', "closed the connection", id="none"),
        ],
    )
    def test_a_strange_greeting(self, greeting, words):
        with (
            talk(lambda peer: peer.send(greeting)) as client,
            pytest.raises(QMPError, match=f"^it .*{words}"),
        ):
            client.negotiate()

    def test_a_refused_negotiation(self):
        def script(peer):
            peer.send(GREETING)
            peer.serve()

        with talk(script) as client, pytest.raises(CommandError, match="qmp_capabilities"):
            client.negotiate()


def play_agent(peer):
    """Answer like the guest agent: no greeting, ids echoed."""
    while command := peer.read():
        match command:
            case {"execute": "guest-sync", "arguments": {"id": number}, "id": ident}:
                peer.reply(**{"return": number}, id=ident)
            case {"execute": "guest-info", "id": ident}:
                commands = [{"name": "guest-info", "enabled": True, "success-response": True}]
                peer.reply(**{"return": {"version": "9", "supported_commands": commands}}, id=ident)
            case {"id": ident}:
                peer.reply(error={"class": "CommandNotFound", "desc": "no"}, id=ident)


class TestConnect:
    @pytest.mark.parametrize("timeout", [1, _TIMEOUT])
    def test_guest_agent(self, tmp_path, timeout):
        with (
            serve_at(str(tmp_path / "agent"), play_agent) as address,
            QMPClient.connect(address, timeout=timeout) as client,
        ):
            assert client.greeting is None
            assert b'"guest-info"' in bytes(client.execute("guest-info"))

    def test_guest_agent_that_owes_replies(self, tmp_path):
        def script(peer):
            peer.reply(**{"return": 12})
            peer.reply(**{"return": {}}, id=1)
            peer.reply(error={"class": "GenericError", "desc": "JSON parse error"})
            peer.send(b"\xff")
            play_agent(peer)

        with (
            serve_at(str(tmp_path / "agent"), script) as address,
            QMPClient.connect(address, timeout=_TIMEOUT) as client,
        ):
            assert b'"guest-info"' in bytes(client.execute("guest-info"))

    def test_late_greeting(self, tmp_path):
        def script(peer):
            sync = peer.read()  # it took us for an agent
            peer.send(GREETING)
            peer.reply(
                error={"class": "CommandNotFound", "desc": "Expecting negotiation"}, id=sync["id"]
            )
            peer.serve(qmp_capabilities={}, query_name={})

        with (
            serve_at(str(tmp_path / "late"), script) as address,
            QMPClient.connect(address, timeout=_TIMEOUT) as client,
        ):
            assert client.greeting is not None
            assert bytes(client.execute("query-name")) == b"{}"

    def test_tcp(self):
        def script(peer):
            peer.send(GREETING)
            peer.serve(qmp_capabilities={}, query_target={"arch": "s390x"})

        with serve_at(("127.0.0.1", 0), script) as address:
            snapshot = probe_address(address, timeout=_TIMEOUT)
        assert snapshot.greeting == json.loads(GREETING)["QMP"]
        found = {each.execute: each.outcome() for each in snapshot.exchanges}
        assert found["query-target"] in (None, "")
        assert found["query-machines"]

    def test_busy_server(self, tmp_path):
        place = str(tmp_path / "busy")
        with (
            listen(place),
            pytest.raises(ProbeError, match=f"^{re.escape(place)} sent no QMP greeting within"),
        ):
            probe_address(Address(place), timeout=_SHORT)

    def test_a_server_that_hangs_up(self, tmp_path):
        place = str(tmp_path / "curt")
        with (
            serve_at(place, lambda peer: None) as address,
            pytest.raises(ProbeError, match=f"^{re.escape(place)} closed the connection"),
        ):
            probe_address(address, timeout=_TIMEOUT)

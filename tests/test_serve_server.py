"""The server as programs use it: handlers, what they return and raise, policies, events."""

import asyncio
import contextvars
import functools
import logging
import math
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from qscope.errors import QscopeError, SchemaError
from qscope.serve import UNSET, Limits, Policy, RefusalError, ServeError, Server, Wire
from tests.serve_client import Client, make_server, talk

SCHEMA = """
{ 'pragma': { 'command-returns-exceptions': [ 'give-any', 'give-text', 'give-ints' ] } }
{ 'enum': 'Mode', 'data': [ 'on', { 'name': 'old', 'features': [ 'deprecated' ] },
                            { 'name': 'x-new', 'features': [ 'unstable' ] } ] }
{ 'struct': 'Part', 'data': { 'n': 'uint8', '*text': 'str', '*none': 'OrNull' } }
{ 'alternate': 'OrNull', 'data': { 's': 'str', 'n': 'null' } }
{ 'union': 'Shape', 'base': { 'mode': 'Mode' }, 'discriminator': 'mode', 'data': { 'on': 'Part' } }
{ 'command': 'nothing' }
{ 'command': 'take', 'data': 'Part' }
{ 'command': 'shape', 'data': 'Shape', 'boxed': true }
{ 'command': 'give', 'returns': 'Part' }
{ 'command': 'give-list', 'returns': [ 'Part' ] }
{ 'command': 'give-shape', 'returns': 'Shape' }
{ 'command': 'give-any', 'returns': 'any' }
{ 'command': 'give-text', 'returns': 'str' }
{ 'command': 'give-ints', 'returns': [ 'int' ] }
{ 'command': 'free', 'data': { '*x': 'int' }, 'gen': false }
{ 'command': 'silent', 'success-response': false }
{ 'command': 'at-once', 'allow-oob': true }
{ 'event': 'HAPPENED', 'data': { 'id': 'str', '*class': 'int', '*no-such': 'bool' } }
{ 'event': 'PLAIN' }
"""
NAMES = sorted(Server(SCHEMA).schema.list_commands() - Server("").schema.list_commands())


def make(handlers=None, **options):
    """Return a server whose other commands do nothing."""
    rest = {each: (lambda _, args=None: None) for each in NAMES}
    return make_server(SCHEMA, {**rest, **(handlers or {})}, **options)


def ask(server, folder, command, arguments=None, *, oob=False):
    """Return the reply to one command; the connection must be of use after it."""

    async def converse(path):
        client = await Client.connect(path, *(["oob"] if oob else []))
        reply = await client.ask(command, arguments, oob=oob)
        assert await client.ask("nothing") == {"return": {}}
        await client.close()
        return reply

    return talk(server, folder, converse)


def fail(desc, error_class="GenericError"):
    return {"error": {"class": error_class, "desc": desc}}


# Registration.


def _none():
    pass


def _one(ctx):
    pass


def _two(ctx, args):
    pass


def _three(ctx, args, more):
    pass


class Methods:
    def two(self, ctx, args):
        pass

    async def __call__(self, ctx, args):
        pass


@pytest.mark.parametrize(
    ("command", "function"),
    [
        ("nothing", _one),
        ("nothing", _two),
        ("take", _two),
        ("take", lambda *args: None),
        ("nothing", lambda *args: None),
        ("take", lambda ctx, args, more=1: None),
        ("take", functools.partial(_three, more=1)),
        ("take", Methods().two),
        ("take", Methods()),
        ("free", _two),
        ("query-version", _two),
    ],
)
def test_takes_handlers(command, function):
    Server(SCHEMA).add_command(command, function)


@pytest.mark.parametrize(
    ("command", "function", "message"),
    [
        ("take", _none, "_none(); (ctx, args) is right"),
        ("take", _one, "_one(ctx); (ctx, args) is right"),
        ("take", _three, "_three(ctx, args, more); (ctx, args) is right"),
        ("nothing", _none, "(ctx) or (ctx, args) is right"),
        ("nothing", _three, "(ctx) or (ctx, args) is right"),
        ("take", lambda ctx, *, args: None, "(ctx, args) is right"),
        ("take", lambda ctx, args, *, more: None, "(ctx, args) is right"),
        ("free", _one, "(ctx, args) is right"),
        ("take", 5, "is no function: 5"),
        ("take", None, "is no function: None"),
        ("take", "take", "is no function: 'take'"),
        ("take", dict, "the handler of 'take'"),
        ("tak", _two, "no command 'tak' (did you mean 'take'?)"),
        ("", _two, "no command ''"),
        ("Part", _two, "no command 'Part'"),
        ("HAPPENED", _two, "no command 'HAPPENED'"),
        ("qmp_capabilities", _two, "is the server's own"),
    ],
)
def test_refuses_handlers(command, function, message):
    with pytest.raises(ServeError) as raised:
        Server(SCHEMA).add_command(command, function)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_refuses_a_second_handler():
    server = Server(SCHEMA)
    assert server.command("take")(_two) is _two
    with pytest.raises(ServeError, match="the command 'take' has a handler already"):
        server.command("take")(_two)


def test_a_missing_handler_is_an_error_before_the_first_client(tmp_path):
    server = make_server(SCHEMA, {each: _two for each in NAMES if each not in ("give", "take")})

    async def converse(path):
        raise AssertionError("it serves")

    with pytest.raises(ServeError, match=r"without a handler: 'give', 'take'$"):
        talk(server, tmp_path, converse)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"schema": "{ 'command': 'x', 'data': 'Nope' }"}, SchemaError),
        ({"schema": "{"}, SchemaError),
        ({"schema": "/no/such/file.json"}, SchemaError),
        ({"version": "x"}, ServeError),
        ({"version": ""}, ServeError),
        ({"version": "99999999999"}, ServeError),
        ({"command_line": "Nope"}, QscopeError),
    ],
)
def test_refuses_what_is_no_server(options, error):
    with pytest.raises(error):
        Server(**{"schema": SCHEMA, **options})


@pytest.mark.parametrize(
    ("version", "triple"), [("7", (7, 0, 0)), ("7.2", (7, 2, 0)), ("1.2.3-rc1", (1, 2, 3))]
)
def test_reads_versions(version, triple):
    assert Server(SCHEMA, version=version).version == triple


@pytest.mark.parametrize(
    "limits",
    [
        *({name: 0} for name in ("clients", "message_bytes", "queue", "output_bytes")),
        *({name: -1} for name in ("queue", "idle_seconds", "drain_seconds")),
        {"idle_seconds": math.nan},
    ],
)
def test_refuses_limits(limits):
    with pytest.raises(ValueError, match=next(iter(limits))):
        Limits(**limits)


# Results.

WRONG = "failed: its result is not of its type"


@pytest.mark.parametrize(
    ("command", "result", "shown"),
    [
        ("nothing", None, {}),
        ("nothing", {}, {}),
        ("give", {"n": 1}, {"n": 1}),
        ("give", {"n": 1, "none": None}, {"n": 1, "none": None}),
        ("give", Raw(b'{"n": 1}'), {"n": 1}),
        ("give-list", [], []),
        ("give-list", [{"n": 1}, Raw(b'{"n":2}')], [{"n": 1}, {"n": 2}]),
        ("give-list", ({"n": 1},), [{"n": 1}]),
        ("give-any", None, None),
        ("give-any", [1, "x", {"a": 1.5}], [1, "x", {"a": 1.5}]),
        ("give-any", 1 << 63, 1 << 63),
        ("give-any", "\x7f\u00e9\U0001f600\x00", "\x7f\u00e9\U0001f600\x00"),
        ("give-text", "x", "x"),
        ("give-ints", [1, 2], [1, 2]),
        ("give-shape", {"mode": "on", "n": 1}, {"mode": "on", "n": 1}),
        ("give-shape", {"mode": "old"}, {"mode": "old"}),
        ("free", None, {}),
    ],
)
@pytest.mark.parametrize("is_async", [False, True])
def test_sends_right_results(tmp_path, command, result, shown, is_async):
    async def later(_, args=None):
        await asyncio.sleep(0)
        return result

    handler = later if is_async else lambda _, args=None: result
    assert ask(make({command: handler}), tmp_path, command) == {"return": shown}


class Nasty:
    def __eq__(self, other):
        raise ValueError("not to be compared")

    __hash__ = None  # type: ignore[assignment]


_endless: list[object] = []
_endless.append(_endless)


@pytest.mark.parametrize(
    ("command", "result"),
    [
        ("take", 0),
        ("take", False),
        ("take", []),
        ("take", {"x": 1}),
        ("give", None),
        ("give", {}),
        ("give", []),
        ("give", {"n": 256}),
        ("give", {"n": 1.0}),
        ("give", {"n": True}),
        ("give", {"n": "1"}),
        ("give", {"n": 1, "x": 2}),
        ("give", {"n": 1, "text": None}),
        ("give", {"n": 1, "text": "\ud800"}),
        ("give", {"n": 1, "none": 5}),
        ("give", {"n": object()}),
        ("give", object()),
        ("give", Raw(b"{")),
        ("give", Raw(b"")),
        ("give", Raw(b'{"n":"x"}')),
        ("give", {"n": Raw(b"1,")}),
        ("give-list", {"n": 1}),
        ("give-list", [{"n": 1}, {"n": -1}]),
        ("give-list", iter(())),
        ("give-any", {1j: 2}),
        ("give-any", _endless),
        ("give-any", {"x": Raw(b"nope")}),
        ("give-text", None),
        ("give-text", 5),
        ("give-ints", [1, "x"]),
        ("give-ints", [1 << 63]),
        ("give-shape", {"n": 1}),
        ("give-shape", {"mode": "nope"}),
        ("give-shape", {"mode": "old", "n": 1}),
    ],
)
def test_wrong_results_are_logged_and_never_sent(tmp_path, caplog, command, result):
    server = make({command: lambda _, args=None: result})
    arguments = {"n": 1} if command == "take" else None
    assert ask(server, tmp_path, command, arguments) == fail(f"The command {command} {WRONG}")
    (record,) = (each for each in caplog.records if each.name == "qscope.serve")
    assert record.levelno == logging.ERROR
    assert command in record.getMessage()


@pytest.mark.parametrize("result", [Nasty(), [Nasty()]])
def test_results_that_cannot_be_looked_at(tmp_path, caplog, result):
    reply = ask(make({"take": lambda _, args: result}), tmp_path, "take", {"n": 1})
    assert reply["error"]["class"] == "GenericError"
    assert reply["error"]["desc"].startswith("The command take failed: ")
    assert caplog.records


def test_results_may_be_of_the_schemas_classes(tmp_path):
    part = Server(SCHEMA).find_class("Part")
    assert issubclass(part, msgspec.Struct)
    server = make({"give": lambda ctx: ctx.server.find_class("Part")(n=7)})
    assert ask(server, tmp_path, "give") == {"return": {"n": 7}}


# Exceptions.


class OddError(Exception):
    def __str__(self):
        raise ValueError("no text")


def _raise(error):
    def handler(_, args=None):
        raise error

    return handler


def _raise_later(error):
    async def handler(_, args=None):
        await asyncio.sleep(0)
        raise error

    return handler


@pytest.mark.parametrize("make_handler", [_raise, _raise_later])
@pytest.mark.parametrize(
    "error",
    [
        ValueError("secret"),
        KeyError("secret"),
        OddError(),
        AssertionError(),
        RecursionError(),
        ServeError("secret"),
        TimeoutError("secret"),
        ExceptionGroup("secret", [ValueError()]),
        MemoryError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_exceptions_are_logged_and_told_to_nobody(tmp_path, caplog, make_handler, error):
    reply = ask(make({"take": make_handler(error)}), tmp_path, "take", {"n": 1})
    assert reply == fail("The command take failed: internal error")
    (record,) = (each for each in caplog.records if each.name == "qscope.serve")
    assert record.exc_info is not None
    assert record.exc_info[1] is error


@pytest.mark.parametrize("make_handler", [_raise, _raise_later])
@pytest.mark.parametrize(
    ("error", "reply"),
    [
        (RefusalError("no"), fail("no")),
        (RefusalError("no", "DeviceNotFound"), fail("no", "DeviceNotFound")),
        (RefusalError("", "CommandNotFound"), fail("", "CommandNotFound")),
        (RefusalError("\u00e9\x7f\n\"'\\ %s \U0001f600"), fail("\u00e9\x7f\n\"'\\ %s \U0001f600")),
        (RefusalError("x" * 100_000), fail("x" * 100_000)),
    ],
)
def test_refusals_go_out_as_they_are(tmp_path, caplog, make_handler, error, reply):
    assert ask(make({"take": make_handler(error)}), tmp_path, "take", {"n": 1}) == reply
    assert not caplog.records


def test_a_command_that_is_cancelled_is_answered(tmp_path):
    async def handler(_, args):
        task = asyncio.ensure_future(asyncio.sleep(10))
        task.cancel()
        await task

    reply = ask(make({"take": handler}), tmp_path, "take", {"n": 1})
    assert reply == fail("The command take was cancelled")


# asyncio within handlers.


async def _time_out(_):
    async with asyncio.timeout(0.01):
        await asyncio.sleep(10)


async def _time_out_at_once(_):
    async with asyncio.timeout(0):
        await asyncio.sleep(10)


async def _time_out_inside():
    inner = asyncio.ensure_future(asyncio.sleep(10))
    try:
        async with asyncio.timeout(0):
            await inner
    except TimeoutError:
        assert inner.cancelled()
        return "timeout"


async def _wait_for(_):
    await asyncio.wait_for(asyncio.sleep(10), 0)


async def _group(_):
    async def fail_at_once():
        raise TimeoutError

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail_at_once())
            await asyncio.sleep(10)
    except ExceptionGroup as error:
        # Not except*: Python 3.11.2 wraps what is raised there.
        raise error.exceptions[0] from None


async def _no_timeout(_):
    async with asyncio.timeout(10):
        await asyncio.sleep(0)
    raise TimeoutError


@pytest.mark.parametrize("function", [_time_out, _time_out_at_once, _wait_for, _group, _no_timeout])
@pytest.mark.parametrize("command", ["give-text", "at-once"])
def test_deadlines_work_in_handlers(tmp_path, function, command):
    async def handler(ctx):
        try:
            await function(ctx)
        except TimeoutError as error:
            task = asyncio.current_task()
            assert task is not None
            assert task.cancelling() == 0
            raise RefusalError("timeout") from error

    server = make({command: handler})
    reply = ask(server, tmp_path, command, oob=command == "at-once")
    assert reply == fail("timeout")


def test_deadlines_cancel_what_they_waited_for(tmp_path):
    server = make({"give-text": lambda _: _time_out_inside()})
    assert ask(server, tmp_path, "give-text") == {"return": "timeout"}


def test_context_variables_are_a_clients_own(tmp_path):
    variable = contextvars.ContextVar("variable", default="unset")

    async def handler(ctx):
        before = variable.get()
        variable.set(f"client {ctx.session.number}")
        await asyncio.sleep(0.01)
        assert variable.get() == f"client {ctx.session.number}"
        return before

    async def converse(path):
        clients = [await Client.connect(path) for _ in range(3)]
        replies = await asyncio.gather(*(each.ask("give-text") for each in clients))
        assert replies == [{"return": "unset"}] * 3
        for each in clients:
            await each.close()

    talk(make({"give-text": handler}), tmp_path, converse)
    assert variable.get() == "unset"


def test_handlers_know_their_context(tmp_path):
    seen: list[Any] = []

    async def converse(path):
        client = await Client.connect(path, "oob")
        await client.ask("at-once", oob=True)
        await client.ask("at-once")
        await client.close()

    server = make({"at-once": seen.append})
    talk(server, tmp_path, converse)
    assert [(each.command, each.oob, each.schema.serial) for each in seen] == [
        ("at-once", True, 1),
        ("at-once", False, 1),
    ]
    assert {each.server for each in seen} == {server}
    assert seen[0].session.capabilities == {"oob"}
    assert seen[0].session.peer.address == "unix"
    assert seen[0].session.peer.pid is not None


# Arguments.


def test_absent_is_told_from_null(tmp_path):
    seen: list[object] = []

    async def converse(path):
        client = await Client.connect(path)
        for arguments in ({"n": 1}, {"n": 1, "none": None}, {"n": 1, "none": "", "text": ""}):
            # Once by each lane: the id is one that the quick lane leaves to the other.
            assert "return" in await client.ask("take", arguments)
            client.send(
                msgspec.json.encode({"execute": "take", "arguments": arguments, "id": None})
            )
            assert await client.read_reply() == {"return": {}, "id": None}
        await client.close()

    talk(make({"take": lambda _, args: seen.append((args.text, args.none))}), tmp_path, converse)
    assert seen == [(UNSET, UNSET)] * 2 + [(UNSET, None)] * 2 + [("", "")] * 2


def test_anything_goes_where_nothing_is_generated(tmp_path):
    seen = []
    server = make({"free": lambda _, args: seen.append(args)})
    assert ask(server, tmp_path, "free", {"any": [1, {"x": None}], "x": "no int"}) == {"return": {}}
    assert seen == [{"any": [1, {"x": None}], "x": "no int"}]


def test_success_may_be_without_a_response(tmp_path):
    async def converse(path):
        client = await Client.connect(path)
        client.send(b'{"execute":"silent","id":1}{"execute":"nothing","id":2}')
        assert (await client.read_reply())["id"] == 2
        assert "error" in await client.ask("silent", {"x": 1})
        await client.close()

    talk(make(), tmp_path, converse)


@pytest.mark.parametrize("error", [RefusalError("no"), ValueError()])
def test_failure_is_with_a_response(tmp_path, error):
    reply = ask(make({"silent": _raise(error)}), tmp_path, "silent")
    assert reply["error"]["class"] == "GenericError"


# Who may do what.

DISABLED = "Command take has been disabled: the command is not allowed"


async def _later(value):
    await asyncio.sleep(0)
    if isinstance(value, Exception):
        raise value
    return value


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(
    ("answer", "reply"),
    [
        (True, {"return": {}}),
        (1, {"return": {}}),
        (False, fail(DISABLED, "CommandNotFound")),
        (None, fail(DISABLED, "CommandNotFound")),
        (ValueError(), fail(DISABLED, "CommandNotFound")),
        (RefusalError("ask your mother"), fail("ask your mother")),
        (RefusalError("no", "DeviceNotFound"), fail("no", "DeviceNotFound")),
    ],
)
def test_authorize_is_asked_before_each_command(tmp_path, is_async, answer, reply):
    asked, ran = [], []

    def authorize(ctx, command):
        asked.append((ctx.session.number, command, ctx.command))
        if command != "take":
            return True
        if is_async:
            return _later(answer)
        if isinstance(answer, Exception):
            raise answer
        return answer

    server = make({"take": lambda _, args: ran.append(args)}, authorize=authorize)
    assert ask(server, tmp_path, "take", {"n": 1}) == reply
    assert asked == [(1, "take", "take"), (1, "nothing", "nothing")]
    assert len(ran) == ("return" in reply)


def test_who_may_not_learns_nothing_of_arguments(tmp_path):
    server = make(authorize=lambda ctx, command: command == "nothing")
    wrong = fail(DISABLED, "CommandNotFound")
    assert ask(server, tmp_path, "take", {"n": "wrong"}) == wrong


# Policies.

POLICED = """
{ 'enum': 'Mode', 'data': [ 'on', { 'name': 'old', 'features': [ 'deprecated' ] },
                            { 'name': 'x-new', 'features': [ 'unstable' ] } ] }
{ 'struct': 'Part', 'data': {
    'n': 'int', '*mode': 'Mode', '*old': { 'type': 'int', 'features': [ 'deprecated' ] },
    '*x-new': { 'type': 'int', 'features': [ 'unstable' ] } } }
{ 'command': 'nothing' }
{ 'command': 'both', 'data': 'Part', 'returns': 'Part' }
{ 'command': 'old-one', 'features': [ 'deprecated' ] }
{ 'command': 'x-new-one', 'features': [ 'unstable' ] }
{ 'event': 'SEEN', 'data': 'Part' }
{ 'event': 'OLD', 'features': [ 'deprecated' ] }
{ 'event': 'X_NEW', 'features': [ 'unstable' ] }
"""
ALL = {"n": 1, "old": 2, "x-new": 3}


def make_policed(**switches):
    handlers = dict.fromkeys(("nothing", "old-one", "x-new-one"), _one)
    both = {"both": lambda _, args: ALL}
    return make_server(POLICED, {**handlers, **both}, policy=Policy(**switches))


@pytest.mark.parametrize(
    ("switch", "command", "arguments", "reply"),
    [
        ("deprecated_input", "old-one", {}, ("command", "old-one")),
        ("deprecated_input", "x-new-one", {}, None),
        ("deprecated_input", "both", {"n": 1, "old": 1}, ("parameter", "old")),
        ("deprecated_input", "both", {"n": 1, "x-new": 1}, None),
        ("deprecated_input", "both", {"n": 1, "mode": "old"}, ("value", "old")),
        ("deprecated_input", "both", {"n": 1, "mode": "x-new"}, None),
        ("deprecated_input", "both", {"n": 1, "mode": "on"}, None),
        ("unstable_input", "old-one", {}, None),
        ("unstable_input", "x-new-one", {}, ("command", "x-new-one")),
        ("unstable_input", "both", {"n": 1, "old": 1}, None),
        ("unstable_input", "both", {"n": 1, "x-new": 1}, ("parameter", "x-new")),
        ("unstable_input", "both", {"n": 1, "mode": "x-new"}, ("value", "x-new")),
        ("deprecated_output", "both", {"n": 1, "old": 1}, None),
        ("unstable_output", "x-new-one", {}, None),
    ],
)
def test_policies_of_input(tmp_path, switch, command, arguments, reply):
    value = "reject" if switch.endswith("input") else "hide"
    answer = ask(make_policed(**{switch: value}), tmp_path, command, arguments)
    if reply is None:
        assert "return" in answer
    else:
        what, name = reply
        desc = f"{switch.split('_')[0].capitalize()} {what} {name} disabled by policy"
        assert answer == fail(desc, "CommandNotFound" if what == "command" else "GenericError")


@pytest.mark.parametrize(
    ("switches", "gone"),
    [
        ({}, set()),
        ({"deprecated_output": "hide"}, {"old"}),
        ({"unstable_output": "hide"}, {"x-new"}),
        ({"deprecated_output": "hide", "unstable_output": "hide"}, {"old", "x-new"}),
        ({"deprecated_input": "reject", "unstable_input": "reject"}, set()),
    ],
)
def test_policies_of_output(tmp_path, switches, gone):
    """What is hidden is in no reply and no event; the two introspections agree."""

    async def converse(path):
        client = await Client.connect(path)
        entities = (await client.ask("query-qmp-schema"))["return"]
        names = {each["name"] for each in (await client.ask("query-commands"))["return"]}
        shown = {each["name"] for each in entities if each["meta-type"] == "command"}
        assert names == shown
        assert {each for each in gone if f"{each}-one" in names} == set()
        assert "nothing" in names
        assert len(names & {"old-one", "x-new-one"}) == 2 - len(gone)
        events = {each["name"] for each in entities if each["meta-type"] == "event"}
        members = {one["name"] for each in entities for one in each.get("members", [])}
        assert not gone & members
        assert await client.ask("both", {"n": 1}) == {
            "return": {name: value for name, value in ALL.items() if name not in gone}
        }
        server.emit("OLD")
        server.emit("X_NEW")
        server.emit("SEEN", ALL)
        await client.ask("nothing")
        told = {each["event"]: each.get("data") for each in client.events}
        assert told.keys() == events & {"OLD", "X_NEW", "SEEN"}
        assert told["SEEN"].keys() == ALL.keys() - gone
        await client.close()

    server = make_policed(**switches)
    talk(server, tmp_path, converse)


@pytest.mark.parametrize("switch", ["deprecated_input", "unstable_input"])
def test_policy_crash_aborts(monkeypatch, tmp_path, switch):
    aborted = []
    monkeypatch.setattr("os.abort", lambda: aborted.append(True))
    name = "old-one" if switch == "deprecated_input" else "x-new-one"
    ask(make_policed(**{switch: "crash"}), tmp_path, name)
    assert aborted == [True]


# Events.


@pytest.mark.parametrize(
    ("data", "members", "shown"),
    [
        ({"id": "a"}, {}, {"id": "a"}),
        (None, {"id": "a"}, {"id": "a"}),
        (None, {"id": "a", "class_": 1, "no_such": True}, {"id": "a", "class": 1, "no-such": True}),
    ],
)
def test_sends_events(tmp_path, data, members, shown):
    async def converse(path):
        client = await Client.connect(path)
        server.emit("HAPPENED", data, **members)
        server.emit("PLAIN")
        await client.ask("nothing")
        first, second = client.events
        assert (first["event"], first["data"]) == ("HAPPENED", shown)
        assert second.keys() == {"event", "timestamp"}
        assert first["timestamp"].keys() == {"seconds", "microseconds"}
        await client.close()

    server = make()
    talk(server, tmp_path, converse)


@pytest.mark.parametrize(
    ("event", "data", "members"),
    [
        ("NOPE", None, {}),
        ("take", {"n": 1}, {}),
        ("", None, {}),
        ("HAPPENED", None, {}),
        ("HAPPENED", {"id": 5}, {}),
        ("HAPPENED", {"id": "x", "y": 1}, {}),
        ("HAPPENED", None, {"id": "x", "y": 1}),
        ("HAPPENED", {"id": object()}, {}),
        ("HAPPENED", Raw(b"{"), {}),
        ("PLAIN", {"x": 1}, {}),
    ],
)
def test_refuses_events(event, data, members):
    with pytest.raises(ServeError) as raised:
        make().emit(event, data, **members)
    assert event in str(raised.value)


@pytest.mark.parametrize(("event", "key"), [("NOPE", None), ("HAPPENED", "nope"), ("PLAIN", "id")])
def test_refuses_rates(event, key):
    with pytest.raises(ServeError):
        make().limit_rate(event, key=key)


@pytest.mark.parametrize(
    ("key", "sent", "heard"),
    [
        (None, ["a1", "a2", "b3", "a4"], ["a1", "a4"]),
        (None, ["a1"], ["a1"]),
        (None, ["a1", "b2"], ["a1", "b2"]),
        ("id", ["a1", "a2", "b3", "a4", "b5"], ["a1", "b3", "a4", "b5"]),
        ("class", ["a1", "b1", "a2", "c1", "b2"], ["a1", "a2", "c1", "b2"]),
    ],
)
def test_events_come_no_more_often_than_told(tmp_path, key, sent, heard):
    async def converse(path):
        client = await Client.connect(path)
        for each in sent:
            server.emit("HAPPENED", id=each[0], class_=int(each[1]))
        await client.ask("nothing")
        at_once = len(client.events)
        while len(client.events) < len(heard):
            client.events.append(await client.read_message())
        await asyncio.sleep(0.12)
        await client.ask("nothing")
        names = [each["data"]["id"] + str(each["data"]["class"]) for each in client.events]
        assert sorted(names) == sorted(heard)
        assert names[:at_once] == heard[:at_once]
        keys = {each[0] if key == "id" else each[1] for each in sent} if key else {""}
        assert at_once == len(keys)
        await client.close()

    server = make()
    server.limit_rate("HAPPENED", seconds=0.05, key=key)
    talk(server, tmp_path, converse)


def test_events_before_anybody_is_there_cost_nothing(tmp_path):
    server = make()
    server.limit_rate("PLAIN", seconds=60)
    for _ in range(3):
        server.emit("PLAIN")

    async def converse(path):
        client = await Client.connect(path)
        server.emit("PLAIN")
        await client.ask("nothing")
        assert [each["event"] for each in client.events] == ["PLAIN"]
        await client.close()

    talk(server, tmp_path, converse)


def test_no_event_is_delayed_into_the_servers_end(tmp_path):
    async def converse(path):
        client = await Client.connect(path)
        for each in "ab":
            server.emit("HAPPENED", id=each)
        await client.close()

    server = make()
    server.limit_rate("HAPPENED", seconds=60)
    talk(server, tmp_path, converse)
    assert not server._throttle._timers


# Printing.


@pytest.mark.parametrize(
    "ident",
    [b"1", b'"\\u00e9"', b"null", b"1e400", b"-0.0", b'{"b":[],"a":{}}', b"[" * 1000 + b"]" * 1000],
)
def test_pretty_and_plain_say_the_same(tmp_path, ident):
    async def converse(path):
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(
            b'{"execute":"qmp_capabilities"}'
            b'{"execute":"query-version","id":%s}{"execute":"nope","id":%s}' % (ident, ident)
        )
        writer.write_eof()
        data = await asyncio.wait_for(reader.read(), 20)
        writer.close()
        return data

    plain = talk(make(), tmp_path, converse)
    pretty = talk(make(wire=Wire(pretty=True)), tmp_path, converse)
    assert plain.count(b"\r\n") == 4
    assert pretty.count(b"\r\n") > 20
    assert b"\n" not in pretty.replace(b"\r\n", b"")
    assert b"".join(pretty.split()) == b"".join(plain.split())


def test_a_handler_that_does_not_end_does_not_keep_the_server(tmp_path):
    is_over = False

    async def handler(_):
        while not is_over:
            try:
                await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                continue

    async def run():
        nonlocal is_over
        server = make({"nothing": handler}, limits=Limits(drain_seconds=0))
        (address,) = await server.listen(f"unix:{tmp_path}/qmp")
        client = await Client.connect(address.removeprefix("unix:"))
        client.send(b'{"execute":"nothing"}')
        await asyncio.sleep(0.02)
        await asyncio.wait_for(server.close(), 10)
        is_over = True
        await client.close()

    asyncio.run(run())


LINGER = """
{ 'command': 'wait', 'data': { 'seconds': 'number' } }
{ 'command': 'linger', 'data': { 'seconds': 'number' }, 'allow-oob': true }
"""


def make_lingering():
    async def wait(_, args):
        await asyncio.sleep(args.seconds)

    return make_server(LINGER, {"wait": wait, "linger": wait})


@pytest.mark.parametrize("ending", ["", "eof"])
def test_out_of_band_does_not_wait_for_what_is_in_band(tmp_path, ending):
    """More of it than the queue holds is begun as soon as there is room."""
    late = b'{"execute":"wait","arguments":{"seconds":0.5},"id":"late"}'
    soon = b'{"exec-oob":"linger","arguments":{"seconds":0.001},"id":%d}'
    behind = b'{"execute":"wait","arguments":{"seconds":0},"id":"behind"}'

    async def converse(path):
        client = await Client.connect(path, "oob")
        client.send(late + b"".join(soon % each for each in range(30)) + behind)
        if ending:
            client.writer.write_eof()
        idents = [(await client.read_reply())["id"] for _ in range(32)]
        assert sorted(idents[:30]) == list(range(30))
        assert idents[30:] == ["late", "behind"]
        await client.close()

    talk(make_lingering(), tmp_path, converse)


def test_the_end_waits_for_all_that_is_out_of_band(tmp_path):
    async def converse(path):
        client = await Client.connect(path, "oob")
        request = b'{"exec-oob":"linger","arguments":{"seconds":0.001},"id":1}'
        client.send(request * 30 + b'{"execute":"query-version","id":2}')
        client.writer.write_eof()
        assert (await client.read_to_end()).count(b'"return"') == 31
        await client.close()

    talk(make_lingering(), tmp_path, converse)


def test_no_message_is_longer_than_the_limit(tmp_path):
    async def converse(path):
        client = await Client.connect(path)
        client.send(b'{"execute":"nothing","id":"%s"}\n' % (b"x" * 300))
        reply = await client.read_reply()
        assert reply["error"]["desc"] == "JSON token size limit exceeded"
        client.abort()

    talk(make(limits=Limits(message_bytes=200)), tmp_path, converse)

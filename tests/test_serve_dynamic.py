"""A schema that changes while clients are at work: each reply fits the schema that was current."""

import asyncio
import tempfile

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from qscope.errors import SchemaError, UnknownNameError
from qscope.model.canonical import schema_hash
from qscope.model.interface import Interface
from qscope.model.schema_info import decode_entities
from qscope.serve import Limits, Policy
from tests.serve_client import Client, make_server, talk

SCHEMA = """
{ 'enum': 'Driver', 'data': [ 'disk', { 'name': 'tape', 'features': [ 'deprecated' ] } ] }
{ 'struct': 'Disk', 'data': { 'size': 'size' } }
{ 'union': 'Device', 'base': { 'driver': 'Driver', 'id': 'str' }, 'discriminator': 'driver',
  'data': { 'disk': 'Disk' } }
{ 'command': 'device_add', 'boxed': true, 'data': 'Device', 'returns': 'Device' }
{ 'command': 'check', 'boxed': true, 'data': 'Device' }
{ 'command': 'list-all', 'returns': [ 'Device' ] }
{ 'event': 'ADDED', 'boxed': true, 'data': 'Device' }
{ 'pragma': { 'command-name-exceptions': [ 'device_add' ] } }
"""
TYPES = [
    {"mac": "str"},
    {"*vlan": "uint16", "mac": "str"},
    """{ 'struct': 'Extra', 'data': { 'path': 'str', '*deep': [ 'Inner' ] } }
       { 'struct': 'Inner', 'data': { 'n': 'int8' } }""",
    "Disk",
]
# Right arguments for each of TYPES.
FITTING: list[dict[str, object]] = [
    {"mac": "x"},
    {"mac": "y", "vlan": 7},
    {"path": "p", "deep": [{"n": 1}]},
    {"size": 5},
]
DRIVERS = ["nic", "e1000x", "virtio-9p"]


def find_hash(reply):
    entities, oddities = decode_entities(msgspec.json.encode(reply))
    assert not oddities
    return schema_hash(Interface(entities))


def find_drivers(reply):
    """Return the cases of device_add's union, from a query-qmp-schema reply."""
    entities = {each["name"]: each for each in reply}
    union = entities[entities["device_add"]["arg-type"]]
    cases = {each["case"]: entities[each["type"]] for each in union["variants"]}
    return {case: {each["name"] for each in entity["members"]} for case, entity in cases.items()}


class Running:
    """A command that was sent, and goes on when its gate is opened."""

    def __init__(self, ident, driver, number):
        self.ident, self.driver, self.number = ident, driver, number
        self.gate, self.started = asyncio.Event(), asyncio.Event()
        self.is_right = None
        members = {"none": 1} if number is None else FITTING[number]
        self.arguments = {"driver": driver, "id": f"d{ident}", **members}


class ChangingSchema(RuleBasedStateMachine):
    """Registers, asks and introspects in any order, as three clients see it."""

    def __init__(self):
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.sent = {}
        self.registered = {}
        self.serials = [1]
        self.waiting = []

    def run(self, awaitable):
        return self.loop.run_until_complete(asyncio.wait_for(awaitable, 20))

    @initialize()
    def start(self):
        self.server = make_server(SCHEMA, limits=Limits(drain_seconds=1))

        async def device_add(ctx, args):
            if one := self.sent.get(args.id):
                one.started.set()
                await one.gate.wait()
            return args

        self.server.add_command("device_add", device_add)
        self.server.add_command("check", lambda ctx, args: None)
        self.server.add_command("list-all", lambda ctx: [])
        self.run(self._connect())

    async def _connect(self):
        (address,) = await self.server.listen(f"unix:{self.folder.name}/qmp")
        self.path = address.removeprefix("unix:")
        self.told = await Client.connect(self.path, "schema-changed")
        self.untold = await Client.connect(self.path)
        # Its commands wait for their gates, each before the next.
        self.busy = await Client.connect(self.path, "oob")

    def teardown(self):
        if hasattr(self, "server"):
            self.run(self._end())
        self.loop.close()
        self.folder.cleanup()

    async def _end(self):
        for one in self.sent.values():
            one.gate.set()
        await self._settle()
        for each in (self.told, self.untold, self.busy):
            await each.close()
        await self.server.close()
        for each in (self.untold, self.busy):
            assert {event["event"] for event in each.events} <= {"ADDED"}

    # Changing.

    @rule(driver=st.sampled_from(DRIVERS), number=st.integers(0, len(TYPES) - 1))
    def register(self, driver, number):
        self.run(self._register(driver, number))

    async def _register(self, driver, number):
        if driver in self.registered:
            with pytest.raises(SchemaError):
                self.server.register_driver("device_add", driver, TYPES[number])
            return
        self.server.register_driver("device_add", driver, TYPES[number])
        self.registered[driver] = number
        await self._hear("added", driver)

    @rule(driver=st.sampled_from(DRIVERS))
    def unregister(self, driver):
        self.run(self._unregister(driver))

    async def _unregister(self, driver):
        if driver not in self.registered:
            with pytest.raises(UnknownNameError):
                self.server.unregister_driver("device_add", driver)
            return
        self.server.unregister_driver("device_add", driver)
        del self.registered[driver]
        await self._hear("removed", driver)

    async def _hear(self, what, driver):
        """Check what the client that asked for it is told."""
        message = await self.told.read_message()
        assert message["event"] == "SCHEMA_CHANGED"
        data = message["data"]
        users = ("ADDED", "check", "device_add")
        assert sorted(data.pop(what)) == [f"{each}/arg-type/+{driver}" for each in users]
        assert data == {
            "hash": self.server.schema.hash,
            "serial": self.serials[-1] + 1,
            "added" if what == "removed" else "removed": [],
        }
        self.serials.append(data["serial"])

    @rule(type_=st.sampled_from([{"driver": "str"}, "NoType", {"x": "Nope"}, "{ 'enum': 'E' }"]))
    def register_in_vain(self, type_):
        before = self.server.schema
        with pytest.raises((SchemaError, UnknownNameError)):
            self.server.register_driver("device_add", "broken", type_)
        assert self.server.schema is before

    # Asking.

    @rule(driver=st.sampled_from([*DRIVERS, "disk", "tape"]), number=st.integers(0, 3))
    def add(self, driver, number):
        self.run(self._add(driver, number))

    async def _add(self, driver, number):
        arguments = {"driver": driver, "id": "at-once", **FITTING[number]}
        for client in (self.told, self.untold):
            reply = await client.ask("device_add", arguments)
            known = {**self.registered, "disk": 3, "tape": None}
            if driver not in known:
                text = f"Parameter 'driver' does not accept value '{driver}'"
                assert reply["error"]["desc"] == text
            elif known[driver] is not None and self._fits(known[driver], number):
                assert reply == {"return": arguments}
            else:
                assert "error" in reply
            # What one command takes, the other takes: the union is the same.
            assert ("error" in await client.ask("check", arguments)) == ("error" in reply)

    def _fits(self, registered, number):
        return registered == number or (registered, number) == (1, 0)

    @rule(choice=st.integers(0, 11))
    def begin(self, choice):
        """Send a command that waits in its handler, or behind the one that does."""
        drivers = [*self.registered, *self.registered, "disk", "none"]
        driver = drivers[choice % len(drivers)]
        number = 3 if driver == "disk" else self.registered.get(driver)
        one = Running(len(self.sent), driver, number)
        self.sent[one.arguments["id"]] = one
        self.waiting.append(one)
        request = {"execute": "device_add", "arguments": one.arguments, "id": one.ident}
        self.busy.send(msgspec.json.encode(request))
        self.run(self._settle())

    @precondition(lambda self: self.waiting)
    @rule()
    def finish(self):
        self.waiting[0].gate.set()
        self.run(self._settle())

    async def _settle(self):
        """Read the replies that can be there; each is right by the schema of its beginning."""
        while self.waiting:
            one = self.waiting[0]
            if one.is_right is None:
                known = {**self.registered, "disk": 3}.get(one.driver)
                one.is_right = known is not None and self._fits(known, one.number)
            if one.is_right:
                await one.started.wait()
                if not one.gate.is_set():
                    return
            self.waiting.pop(0)
            reply = await self.busy.read_reply()
            assert reply.pop("id") == one.ident
            if one.is_right:
                assert reply == {"return": one.arguments}
            else:
                assert reply["error"]["class"] == "GenericError"

    @rule()
    def introspect(self):
        self.run(self._introspect())

    async def _introspect(self):
        fresh = await Client.connect(self.path)
        claimed = fresh.greeting["schema"]
        assert claimed == {"hash": self.server.schema.hash, "serial": self.serials[-1]}
        for client in (fresh, self.told, self.untold):
            reply = (await client.ask("query-qmp-schema"))["return"]
            assert find_hash(reply) == claimed["hash"]
            drivers = find_drivers(reply)
            assert drivers.keys() == {"disk", "tape", *self.registered}
            for driver, number in self.registered.items():
                assert FITTING[number].keys() <= drivers[driver]
        await fresh.close()

    @rule(driver=st.sampled_from([*DRIVERS, "disk"]))
    def send_event(self, driver):
        number = 3 if driver == "disk" else self.registered.get(driver)
        data = {"driver": driver, "id": "e", **FITTING[number or 0]}
        if number is None:
            with pytest.raises(Exception, match="does not accept value"):
                self.server.emit("ADDED", data)
            return
        self.server.emit("ADDED", data)
        self.run(self._expect_event(data))

    async def _expect_event(self, data):
        for client in (self.told, self.untold):
            message = await client.read_message()
            assert (message["event"], message["data"]) == ("ADDED", data)

    @invariant()
    def nobody_else_is_told(self):
        if hasattr(self, "server"):
            assert not self.untold.events
            assert self.serials == sorted(set(self.serials))
            assert self.server.schema.serial == self.serials[-1]


ChangingSchema.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestChangingSchema = ChangingSchema.TestCase


def make(**options):
    server = make_server(SCHEMA, **options)

    @server.command("device_add")
    async def device_add(ctx, args):
        return args

    server.add_command("check", lambda ctx, args: None)
    server.add_command("list-all", lambda ctx: [])
    return server


def test_changes_before_anybody_is_there(tmp_path):
    server = make()
    first = server.schema.hash
    server.register_driver("Device", "nic", {"mac": "str"})
    assert (server.schema.serial, server.schema.hash != first) == (2, True)

    async def converse(path):
        client = await Client.connect(path)
        reply = (await client.ask("query-qmp-schema"))["return"]
        assert client.greeting["schema"] == {"hash": find_hash(reply), "serial": 2}
        arguments = {"driver": "nic", "id": "n", "mac": "m"}
        assert await client.ask("device_add", arguments) == {"return": arguments}
        await client.close()

    talk(server, tmp_path, converse)


def test_the_same_schema_has_the_same_hash_again():
    server = make()
    first = server.schema.hash
    for serial in (2, 4, 6):
        server.register_driver("device_add", "nic", {"mac": "str"})
        assert server.schema.serial == serial
        assert server.schema.hash != first
        server.unregister_driver("Device", "nic")
        assert server.schema.hash == first


@pytest.mark.parametrize("in_order", [True, False])
def test_a_handler_may_change_the_schema(tmp_path, in_order):
    """The event precedes the reply; what follows is read under the new schema."""
    serials: list[int] = []

    async def converse(path):
        client = await Client.connect(path, "schema-changed", *([] if in_order else ["oob"]))
        client.send(
            b'{"execute":"check","arguments":{"driver":"disk","id":"1","size":1},"id":1}'
            b'{"execute":"check","arguments":{"driver":"nic","id":"2","mac":"m"},"id":2}'
        )
        messages = [await client.read_message() for _ in range(3)]
        assert [each.get("event", each.get("id")) for each in messages] == ["SCHEMA_CHANGED", 1, 2]
        assert messages[2] == {"return": {}, "id": 2}
        assert serials == [1, 2]
        await client.close()

    def check(ctx, args):
        serials.append(ctx.schema.serial)
        if args.driver == "disk":
            server.register_driver("device_add", "nic", {"mac": "str"})

    server = make_server(SCHEMA, {"check": check})
    server.add_command("device_add", lambda ctx, args: args)
    server.add_command("list-all", lambda ctx: [])
    talk(server, tmp_path, converse)


def test_only_who_asked_for_it_is_told(tmp_path):
    async def converse(path):
        wanted = [
            ["schema-changed"],
            [],
            ["oob"],
            ["oob", "schema-changed"],
            [],
            ["schema-changed"],
        ]
        clients = [await Client.connect(path, *each) for each in wanted]
        strange = Client(*await asyncio.open_unix_connection(path))
        await strange.read_message()
        server.register_driver("device_add", "nic", {"mac": "str"})
        server.unregister_driver("device_add", "nic")
        for client, capabilities in zip(clients, wanted, strict=True):
            assert await client.ask("list-all") == {"return": []}
            serials = [each["data"]["serial"] for each in client.events]
            assert serials == ([2, 3] if "schema-changed" in capabilities else [])
            await client.close()
        assert "error" in await strange.ask("list-all")
        assert not strange.events
        await strange.close()

    server = make()
    talk(server, tmp_path, converse)


def test_what_is_hidden_stays_hidden(tmp_path):
    """Under a policy, too, the hash is that of what is shown; hidden members do not go out."""
    server = make(policy=Policy(deprecated_output="hide"))
    old = {"type": "str", "features": ["deprecated"]}
    server.register_driver("device_add", "nic", {"mac": "str", "*old": old})

    async def converse(path):
        client = await Client.connect(path)
        reply = (await client.ask("query-qmp-schema"))["return"]
        assert client.greeting["schema"]["hash"] == find_hash(reply)
        assert find_drivers(reply) == {"disk": {"size"}, "nic": {"mac"}}
        arguments = {"driver": "nic", "id": "n", "mac": "m"}
        answer = await client.ask("device_add", {**arguments, "old": "x"})
        assert answer == {"return": arguments}
        await client.close()

    talk(server, tmp_path, converse)


@pytest.mark.parametrize(
    ("where", "driver", "type_"),
    [
        ("device_add", "disk", {"x": "int"}),
        ("device_add", "tape", {"x": "int"}),
        ("device_add", "nic", {"driver": "int"}),
        ("device_add", "nic", {"id": "str"}),
        ("device_add", "nic", {"x": "Nothing"}),
        ("device_add", "nic", "{ 'struct': 'Device', 'data': {} }"),
        ("device_add", "no name", {"x": "int"}),
        ("device_add", "", {"x": "int"}),
        ("device_ad", "nic", {"x": "int"}),
        ("list-all", "nic", {"x": "int"}),
        ("Disk", "nic", {"x": "int"}),
        ("ADDED", "nic", {"x": 5}),
    ],
)
def test_what_cannot_be_registered_changes_nothing(where, driver, type_):
    server = make()
    before = server.schema
    with pytest.raises((SchemaError, UnknownNameError)):
        server.register_driver(where, driver, type_)
    with pytest.raises((SchemaError, UnknownNameError)):
        server.unregister_driver(where, driver)
    assert server.schema is before


@pytest.mark.parametrize("capabilities", [[], ["oob"]])
def test_commands_that_run_keep_their_schema(tmp_path, capabilities):
    """The driver is gone when its command ends: the reply is of the schema that had it."""
    gate = asyncio.Event()
    seen: list[int] = []

    async def device_add(ctx, args):
        await gate.wait()
        seen.append(ctx.schema.serial)
        return args

    async def converse(path):
        client = await Client.connect(path, *capabilities)
        arguments = {"driver": "nic", "id": "n", "mac": "m"}
        line = msgspec.json.encode({"execute": "device_add", "arguments": arguments})
        # The second one waits for the first, and is read when that has ended.
        client.send(line + line)
        await asyncio.sleep(0.02)
        server.unregister_driver("device_add", "nic")
        gate.set()
        assert await client.read_reply() == {"return": arguments}
        reply = await client.read_reply()
        assert reply["error"]["desc"] == "Parameter 'driver' does not accept value 'nic'"
        assert seen == [2]
        await client.close()

    handlers = {"device_add": device_add, "check": lambda _, args: None, "list-all": lambda _: []}
    server = make_server(SCHEMA, handlers)
    server.register_driver("device_add", "nic", {"mac": "str"})
    talk(server, tmp_path, converse)

"""`MockServer`: a server that answers as a recorded QEMU, or as a program that is not written yet.

In: a snapshot or a schema, and how to answer. Out: a `Server` whose commands all have an answer.
answering.py finds it.
"""

import asyncio
import os
from collections.abc import Callable, Collection, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from qscope.model.interface import Interface
from qscope.model.snapshot import Snapshot
from qscope.qapi.hiding import hide
from qscope.qapi.rebuild import rebuild
from qscope.qapi.schema import Schema
from qscope.serve import own_commands
from qscope.serve.connection import Connection
from qscope.serve.context import Context
from qscope.serve.dialect import find_json_dialect
from qscope.serve.handlers import Handler
from qscope.serve.limits import Limits
from qscope.serve.mock.answering import Answerer
from qscope.serve.mock.answers import Answers, EventAnswer, TimedEvent, check_answers
from qscope.serve.mock.descriptors import ReceivingConnection
from qscope.serve.mock.making import Maker
from qscope.serve.mock.ordering import arrange
from qscope.serve.mock.recorded import Recorded
from qscope.serve.mock.recorder import Recorder
from qscope.serve.mock.state import MONITOR, State
from qscope.serve.mock.unmasking import is_before_6, unmask
from qscope.serve.policy import ACCEPT, Policy
from qscope.serve.schema import ServedSchema
from qscope.serve.server import Server, Wire
from qscope.serve.source import open_served, open_source
from qscope.serve.types.read import ENUM_TEXT, OLD_ENUM_TEXT
from qscope.serve.wire.parser import JSONDialect

# A monitor of QEMU's serves one client at a time; others wait without a greeting. It does not wait
# long at its end for a client that does not read, or for an answer that a tester delays.
LIMITS = Limits(clients=1, drain_seconds=0.3)
# What QEMU sends once a second at most, and by which member's value (monitor/monitor.c).
_RATES: dict[str, str | None] = {
    "RTC_CHANGE": None,
    "WATCHDOG": None,
    "BALLOON_CHANGE": None,
    "QUORUM_REPORT_BAD": "node-name",
    "QUORUM_FAILURE": None,
    "VSERPORT_CHANGE": "id",
    "MEMORY_DEVICE_SIZE_CHANGE": "qom-path",
    "HV_BALLOON_STATUS_REPORT": None,
}


class Manner(Struct, frozen=True, kw_only=True):
    """How a mock answers.

    `seed` and `full` are the Maker's; `answers` come before all others; `paused` is whether the
    guest has not begun to run, as with -S. `pretty` answers over many lines. `record` takes a line
    for each command answered. `monitors` are the IDs of the character devices that clients are at.
    """

    seed: int = 0
    full: bool = False
    answers: Answers | None = None
    policy: Policy = ACCEPT
    limits: Limits = LIMITS
    pretty: bool = False
    record: Callable[[bytes], None] | None = None
    paused: bool = True
    monitors: tuple[str, ...] = (MONITOR,)


PLAIN = Manner()


class MockServer(Server):
    """A mock; `recorded` is what the QEMU answered that it stands for.

    `interface` is None for what is no QEMU: then nothing is remembered.
    """

    def __init__(
        self,
        schema: ServedSchema,
        manner: Manner,
        *,
        interface: Interface | None = None,
        recorded: Recorded | None = None,
        greeting: Mapping[str, Any] | None = None,
    ) -> None:
        dialect = find_json_dialect(interface) if interface else JSONDialect.V2_5
        wire = Wire(dialect=dialect, pretty=manner.pretty)
        super().__init__(schema, policy=manner.policy, limits=manner.limits, wire=wire)
        self.answers = manner.answers or Answers(())
        check_answers(self.answers, schema)
        self._maker = Maker(manner.seed, full=manner.full)
        self._recorded_greeting = _arrange_greeting(greeting, self.schema) if greeting else None
        self.is_ending = False
        self._clocks: set[asyncio.Task[None]] = set()
        state = self._remember(interface, manner) if interface else None
        self._answerer = Answerer(
            self,
            self._maker,
            self.answers,
            state,
            recorded,
            self._find_own(),
            manner.policy,
        )
        if manner.record is not None:
            self._dispatcher = Recorder(self._dispatcher, manner.record)
        for event, key in _RATES.items():
            if self.schema.has_event(event) and key in (None, *self.schema.list_data(event)):
                self.limit_rate(event, key=key)

    def check(self) -> None:
        """Have an answer for every command: there is none that a mock cannot answer."""
        for name in self.schema.list_commands():
            self._handlers.setdefault(name, Handler(self._answerer.answer, takes_arguments=True))
        self._handlers[own_commands.NEGOTIATION] = Handler(self._negotiate, takes_arguments=True)

    def _negotiate(self, context: Context, arguments: Any) -> None:
        """Let a client begin, and the clock of its events."""
        self._own[own_commands.NEGOTIATION].call(context, arguments)
        for timed in self.answers.timed:
            task = asyncio.get_running_loop().create_task(self._send_timed(timed, context))
            self._clocks.add(task)
            task.add_done_callback(self._clocks.discard)

    async def _send_timed(self, timed: TimedEvent, context: Context) -> None:
        """Send one client an event when its time has come, and again if it says so."""
        line = context.session.line
        assert line is not None
        event = EventAnswer(timed.event, timed.data)
        seconds: float | None = timed.after
        while seconds is not None:
            await asyncio.sleep(seconds)
            if not line.is_open:
                return
            data = self._encode_event(event, unchecked=timed.unchecked)
            line.send(self._printer.print_event(timed.event, data))
            seconds = timed.every

    def _remember(self, interface: Interface, manner: Manner) -> State:
        host = _StateHost(self)
        return State(host, interface, paused=manner.paused, monitors=manner.monitors)

    def _find_own(self) -> dict[str, Handler]:
        """Return the handlers of commands about the server itself that fit the schema."""
        misfits = set(own_commands.find_misfits(self.schema, self.describe_version()))
        names = self._own.keys() - misfits - {own_commands.NEGOTIATION, "query-command-line"}
        return {name: self._own[name] for name in names}

    @property
    def greeting(self) -> bytes:
        """What a client is sent first: what was recorded, if it was."""
        if self._recorded_greeting is None:
            return super().greeting
        return self._printer.print_greeting(self._recorded_greeting)

    @property
    def capabilities(self) -> tuple[str, ...]:
        """What clients may enable."""
        known = super().capabilities
        if self._recorded_greeting is None:
            return known
        offered = self._recorded_greeting.get("capabilities")
        return tuple(each for each in known if isinstance(offered, list) and each in offered)

    def make_connection(self, when_lost: Callable[[], None] = lambda: None) -> Connection:
        """Return the protocol for a new client, which sees descriptors that come beside bytes."""
        dialect = self._wire.dialect
        return ReceivingConnection(self._clients, self._dispatcher, dialect, when_lost)

    def _find_slots(self) -> asyncio.Semaphore:
        """Return how many clients one more address may have: each is a monitor of its own."""
        return asyncio.Semaphore(self.limits.clients)

    # Events.

    def send_event(self, event: EventAnswer, *, unchecked: bool = False) -> None:
        """Send an event of a file of answers. Raises ServeError for data that are not its type."""
        self._broadcast(event.event, self._encode_event(event, unchecked=unchecked))

    def _encode_event(self, event: EventAnswer, *, unchecked: bool) -> bytes | None:
        if unchecked:
            return msgspec.json.encode(event.data) if event.data else None
        return self.schema.encode_data(event.event, event.data)

    def tell(self, event: str, facts: Mapping[str, Any]) -> None:
        """Send an event that tells these facts, and what its type demands besides."""
        node = self.schema.find_data(event)
        if node is not None and self.schema.is_shown(event):
            self.emit(event, self._maker.make(node, event, dict(facts)))


class _StateHost:
    """What the state may do to the mock that has it: see state.Host."""

    def __init__(self, server: MockServer) -> None:
        self._server = server

    def emit(self, event: str, facts: Mapping[str, Any]) -> None:
        self._server.tell(event, facts)

    def emit_later(self, event: str, facts: Mapping[str, Any]) -> None:
        asyncio.get_running_loop().call_soon(self._server.tell, event, facts)

    def stop(self) -> None:
        self._server.is_ending = True
        asyncio.get_running_loop().call_soon(self._server.stop)


def mock_snapshot(snapshot: Snapshot, manner: Manner = PLAIN) -> MockServer:
    """Return a mock of the QEMU, or the program, that a snapshot was taken of.

    Raises SnapshotError where it has no schema, ServeError for answers that do not fit it.
    """
    interface = Interface.from_snapshot(snapshot)
    recorded = Recorded(snapshot)
    schema = _serve(unmask(rebuild(interface)), manner.policy)
    return MockServer(
        schema,
        manner,
        interface=None if interface.identity.program else interface,
        recorded=recorded,
        greeting=_greet(snapshot, recorded, schema),
    )


def mock_schema(
    schema: str | os.PathLike[str],
    manner: Manner = PLAIN,
    *,
    defines: Collection[str] = (),
) -> MockServer:
    """Return a mock of what is built from a schema with these symbols defined.

    A schema that defines the negotiation itself is a QEMU's; others get what every server has.
    Raises SchemaError, ServeError for answers that do not fit it.
    """
    source = open_source(schema)
    is_qemu = own_commands.NEGOTIATION in source.by_name
    whole = source if is_qemu else open_served(schema)
    interface = Interface(whole.introspect(defines)) if is_qemu else None
    served = ServedSchema(whole, defines=defines, policy=manner.policy)
    return MockServer(served, manner, interface=interface)


def _serve(schema: Schema, policy: Policy) -> ServedSchema:
    shown = hide(schema, policy.hidden, values=False) if policy.hidden else None
    enum_text = OLD_ENUM_TEXT if is_before_6(schema) else ENUM_TEXT
    return ServedSchema(schema, policy=policy, shown=shown, enum_text=enum_text)


def _arrange_greeting(greeting: Mapping[str, Any], schema: ServedSchema) -> dict[str, Any]:
    """Return a greeting with its keys in QEMU's order."""
    arranged: dict[str, Any] = arrange(dict(greeting))
    query = schema.find_command("query-version")
    if "version" in arranged and query is not None:
        arranged["version"] = arrange(arranged["version"], query.result)
    return arranged


def _greet(snapshot: Snapshot, recorded: Recorded, schema: ServedSchema) -> Mapping[str, Any]:
    """Return the greeting that was recorded, or would have been."""
    if snapshot.greeting is not None:
        return snapshot.greeting
    version = recorded.read("query-version")
    if not isinstance(version, dict):
        version = {"qemu": {"micro": 0, "minor": 0, "major": 0}, "package": ""}
    return {"version": version, "capabilities": list(own_commands.find_capabilities(schema))}

"""`Server`: a schema, functions for its commands, and whoever is connected.

In: a QAPI schema and handlers. Out: a QMP server that describes itself. This is what a program
works with; listening.py brings the clients, connection.py speaks with each.
"""

import asyncio
import contextlib
import os
import re
import signal
import ssl
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, TypeVar

import msgspec

from qscope.errors import RefusalError, ServeError
from qscope.model.near import near
from qscope.qapi.drivers import add_branch, remove_branch
from qscope.serve import own_commands
from qscope.serve.clients import Clients
from qscope.serve.connection import Answering, Connection
from qscope.serve.dispatch import Authorize, Dispatcher
from qscope.serve.events import RateLimit, Throttle
from qscope.serve.handlers import Handler, make_handler
from qscope.serve.limits import Limits
from qscope.serve.listening import Listener, listen
from qscope.serve.policy import ACCEPT, Policy
from qscope.serve.replies import Printer
from qscope.serve.schema import HiddenError, ServedSchema
from qscope.serve.source import naming_the_program, open_served
from qscope.serve.types.classes import name_attribute
from qscope.serve.wire.parser import JSONDialect

_Function = TypeVar("_Function", bound=Callable[..., Any])
_VERSION = re.compile(r"([0-9]{1,9})(?:\.([0-9]{1,9}))?(?:\.([0-9]{1,9}))?(?![0-9])")


class Wire(msgspec.Struct, frozen=True, kw_only=True):
    """How QMP is spoken: by which release's JSON parser, and whether over many lines a message."""

    dialect: JSONDialect = JSONDialect.V2_5
    pretty: bool = False

    def __post_init__(self) -> None:
        """Refuse what is no dialect. Raises TypeError."""
        if not isinstance(self.dialect, JSONDialect):
            known = ", ".join(map(str, JSONDialect))
            raise TypeError(f"Wire: dialect is {self.dialect!r}; one of {known} is right")


class Server:
    """A QMP server for one program.

    `schema` is the text of a QAPI schema or a file's path; `defines` are the symbols that its
    conditions ask for. `version` and `package` are what query-version tells, `command_line` the
    struct that describes the program's own command line. `authorize` is asked before each command,
    `wire` is how QMP is spoken.

    Register a function for each command, then `run` it, or `await serve(…)`. All of it belongs to
    the event loop that serves: from another thread use `loop.call_soon_threadsafe`.
    Raises SchemaError, and ServeError for what does not fit the schema.
    """

    def __init__(
        self,
        schema: str | os.PathLike[str] | ServedSchema,
        *,
        version: str = "0.0.0",
        package: str = "",
        defines: Collection[str] = (),
        command_line: str | None = None,
        policy: Policy = ACCEPT,
        limits: Limits | None = None,
        authorize: Authorize | None = None,
        wire: Wire = Wire(),  # noqa: B008 - it is frozen
    ) -> None:
        _require_texts(version=version, package=package)
        self._defines = frozenset(defines)
        self.policy = policy
        self.limits = limits or Limits()
        self.schema = self._open(schema)
        self.version = _parse_version(version)
        self.package = package
        self._wire = wire
        self._printer = Printer(pretty=wire.pretty)
        self._greetings: dict[int, bytes] = {}
        self._handlers: dict[str, Handler] = {}
        self._own = own_commands.make_handlers(self._describe_line(command_line))
        self._dispatcher: Answering = Dispatcher(self, self._handlers, self._printer, authorize)
        self._throttle = Throttle(self._broadcast)
        self._clients = Clients(self.limits, lambda: self.greeting)
        self._listeners: list[Listener] = []
        self._slots: asyncio.Semaphore | None = None
        self._stopping: asyncio.Event | None = None

    def _open(self, schema: str | os.PathLike[str] | ServedSchema) -> ServedSchema:
        if isinstance(schema, ServedSchema):
            return schema
        return ServedSchema(open_served(schema), defines=self._defines, policy=self.policy)

    # Handlers.

    def command(self, name: str) -> Callable[[_Function], _Function]:
        """Register the decorated function as the handler of a command.

        It is called with a Context, and with the typed arguments where the command takes some; it
        may be a coroutine function. What it returns (plain data, or values of the schema's classes)
        is checked. It raises RefusalError to refuse. Raises ServeError if the schema has no such
        command, it has a handler already, or the function's parameters do not fit.
        """

        def register(function: _Function) -> _Function:
            self.add_command(name, function)
            return function

        return register

    def add_command(self, name: str, function: Callable[..., Any]) -> None:
        """Register the handler of a command, as the decorator `command` does."""
        command = self.schema.find_command(name)
        if command is None:
            raise ServeError(f"the schema has no command '{name}'{self._suggest(name)}")
        if name in self._handlers:
            raise ServeError(f"the command '{name}' has a handler already")
        if name == own_commands.NEGOTIATION:
            raise ServeError(f"the command '{name}' is the server's own")
        self._handlers[name] = make_handler(command, function)

    def check(self) -> None:
        """Raise ServeError unless each command has a handler, and ours do what the schema says."""
        misfits = own_commands.find_misfits(self.schema, self.describe_version())
        if other := next((name for name in misfits if name not in self._handlers), None):
            what = (
                "the event is the server's"
                if self.schema.has_event(other)
                else "it needs a handler"
            )
            raise ServeError(f"the schema defines '{other}' in a way of its own: {what}")
        for name, handler in self._own.items():
            self._handlers.setdefault(name, handler)
        missing = sorted(self.schema.list_commands() - self._handlers.keys())
        if missing:
            names = ", ".join(f"'{name}'" for name in missing)
            raise ServeError(f"commands of the schema without a handler: {names}")

    def _describe_line(self, type_name: str | None) -> list[dict[str, Any]] | None:
        if type_name is None:
            return None
        from qscope.serve.command_line import describe  # noqa: PLC0415 - few programs need it

        return describe(self.schema.schema, type_name, defines=self._defines)

    def _suggest(self, name: str) -> str:
        guesses = near(name, self.schema.list_commands())
        return f" (did you mean '{guesses[0]}'?)" if guesses else ""

    def find_class(self, name: str) -> type[msgspec.Struct]:
        """Return the class of an object type of the schema. Raises UnknownNameError.

        Each version of a schema that changes has classes of its own: arguments that are read after
        a driver came or went are no instances of this one. Results and data may be.
        """
        return self.schema.types.find_class(name)

    # Events.

    def emit(
        self, event: str, data: Mapping[str, Any] | msgspec.Struct | None = None, /, **members: Any
    ) -> None:
        """Send an event to all clients that have negotiated.

        Its data are plain data or an instance of the schema's class, or members by their names in
        Python. Raises ServeError for an event that the schema lacks and for data not of its type.
        """
        if members and data is not None:
            raise ServeError(f"event {event}: its data are given twice, whole and by member")
        if members:
            data = {self._find_member(event, name): each for name, each in members.items()}
        try:
            encoded = self.schema.encode_data(event, {} if data is None else data)
        except HiddenError:
            return
        except RefusalError as error:
            raise ServeError(f"event {event}: {error.desc}") from error
        if self.schema.is_shown(event):
            self._throttle.offer(event, encoded)

    def limit_rate(self, event: str, *, seconds: float = 1.0, key: str | None = None) -> None:
        """Send an event at most once in `seconds`: the first at once, then the last of the period.

        With `key`, a member of its data, events with another value of it are counted by themselves.
        Raises ServeError.
        """
        if not self.schema.has_event(event):
            raise ServeError(f"the schema has no event '{event}'")
        if key is not None and key not in self.schema.list_data(event):
            raise ServeError(f"the event {event} has no member '{key}'")
        self._throttle.limit(event, RateLimit(seconds, key))

    def _find_member(self, event: str, attribute: str) -> str:
        names = {name_attribute(name): name for name in self.schema.list_data(event)}
        return names.get(attribute, attribute)

    def _broadcast(self, event: str, data: bytes | None) -> None:
        capability = "schema-changed" if event == own_commands.SCHEMA_CHANGED else None
        self._clients.tell(self._printer.print_event(event, data), capability=capability)

    # A schema that changes.

    def register_driver(self, where: str, driver: str, type: str | Mapping[str, Any]) -> None:  # noqa: A002
        """Add a branch to a union while the server runs.

        `where` is a command whose argument is a union, or the name of a union; `driver` the value
        of its tag; `type` the struct that the branch adds: its name in the schema, QAPI text that
        defines it, or its members as a schema has them. Commands that run keep the schema under
        which their arguments were read. Clients that enabled `schema-changed` are told.
        Raises SchemaError or UnknownNameError.
        """
        with naming_the_program():
            changed = add_branch(self.schema.schema, where, driver, type)
        self._change(changed, added=self._list_paths(where, driver))

    def unregister_driver(self, where: str, driver: str) -> None:
        """Remove a branch that was registered. Raises UnknownNameError, or SchemaError.

        What stands in the schema itself cannot be removed.
        """
        with naming_the_program():
            changed = remove_branch(self.schema.schema, where, driver)
        self._change(changed, removed=self._list_paths(where, driver))

    def _change(
        self, schema: Any, added: tuple[str, ...] = (), removed: tuple[str, ...] = ()
    ) -> None:
        serial = self.schema.serial + 1
        self.schema = ServedSchema(schema, defines=self._defines, policy=self.policy, serial=serial)
        self.emit(
            own_commands.SCHEMA_CHANGED,
            hash=self.schema.hash,
            serial=serial,
            added=added,
            removed=removed,
        )

    def _list_paths(self, where: str, driver: str) -> tuple[str, ...]:
        return tuple(f"{name}/arg-type/+{driver}" for name in self.schema.find_users(where))

    # Sessions.

    @property
    def greeting(self) -> bytes:
        """What a client is sent first."""
        serial = self.schema.serial
        if serial not in self._greetings:
            greeting = {
                "version": self.describe_version(),
                "capabilities": list(self.capabilities),
                "schema": {"hash": self.schema.hash, "serial": serial},
            }
            self._greetings = {serial: self._printer.print_greeting(greeting)}
        return self._greetings[serial]

    @property
    def capabilities(self) -> tuple[str, ...]:
        """What clients may enable."""
        return own_commands.find_capabilities(self.schema)

    def describe_version(self) -> dict[str, Any]:
        """Return the reply to query-version."""
        major, minor, micro = self.version
        return {"qemu": {"micro": micro, "minor": minor, "major": major}, "package": self.package}

    def make_connection(self, when_lost: Callable[[], None] = lambda: None) -> Connection:
        """Return the protocol for a new client, for those who bring transports of their own.

        `when_lost` is called when the client is gone.
        """
        return Connection(self._clients, self._dispatcher, self._wire.dialect, when_lost)

    # Serving.

    async def listen(
        self,
        *addresses: str,
        tls: ssl.SSLContext | None = None,
        mode: int = 0o600,
        anywhere: bool = False,
    ) -> list[str]:
        """Begin to serve at these addresses; return them as bound.

        `unix:PATH` (the socket file gets `mode`), `tcp:HOST:PORT`, `fd:N` (a socket that listens or
        is connected; the descriptor is the server's from then on), `stdio` (which the program must
        not print to). TCP is bound to loopback addresses only, unless there is `tls` or `anywhere`
        is true. Raises ServeError.
        """
        self.check()
        self._stopping = self._stopping or asyncio.Event()
        bound = []
        for address in addresses:
            listener = await listen(
                address,
                self.make_connection,
                tls=tls,
                mode=mode,
                anywhere=anywhere,
                slots=self._find_slots(),
            )
            self._listeners.append(listener)
            bound.append(listener.address)
        return bound

    def _find_slots(self) -> asyncio.Semaphore:
        """Return how many clients one more address may have: all addresses share them."""
        self._slots = self._slots or asyncio.Semaphore(self.limits.clients)
        return self._slots

    async def serve(
        self,
        *addresses: str,
        tls: ssl.SSLContext | None = None,
        mode: int = 0o600,
        anywhere: bool = False,
        ready: Callable[[list[str]], None] | None = None,
        ending: Callable[[], None] | None = None,
    ) -> None:
        """Serve until `stop` is called, or SIGTERM or SIGINT comes; then end in order.

        So it does when stdio or a connected socket was all there is, and its client is gone.

        `ready` is called with the addresses once clients can connect, `ending` when the end begins,
        so that what commands wait for can be brought to an end. For the rest see `listen`.
        """
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(self._end)
            bound = await self.listen(*addresses, tls=tls, mode=mode, anywhere=anywhere)
            assert self._stopping is not None
            stack.enter_context(_signals(self.stop))
            if ready is not None:
                ready(bound)
            with self._clients.dropping_idle(), self._ending_when_alone():
                await self._stopping.wait()
            if ending is not None:
                ending()

    def run(self, *addresses: str, **options: Any) -> None:
        """Serve in an event loop of its own; takes what `serve` takes."""
        asyncio.run(self.serve(*addresses, **options))

    def stop(self) -> None:
        """Let `serve` end: no new clients, no new commands; those that run are waited for."""
        if self._stopping is not None:
            self._stopping.set()

    async def close(self) -> None:
        """End in order, for those who called `listen`."""
        await self._end()

    @contextlib.contextmanager
    def _ending_when_alone(self) -> Iterator[None]:
        """Stop when the only clients that there can be are gone: of stdio, of connected sockets."""
        task = asyncio.create_task(self._stop_when_alone())
        try:
            yield
        finally:
            task.cancel()

    async def _stop_when_alone(self) -> None:
        for listener in self._listeners:
            await listener.gone.wait()
        self.stop()

    async def _end(self) -> None:
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            await listener.close()
        await self._clients.end()
        self._throttle.close()
        # It may serve once more, perhaps in another event loop.
        self._slots = self._stopping = None


@contextlib.contextmanager
def _signals(stop: Callable[[], None]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    wanted = (signal.SIGTERM, signal.SIGINT)
    try:
        for each in wanted:
            loop.add_signal_handler(each, stop)
    except (RuntimeError, ValueError):
        # Not in the main thread: then whoever started the thread stops it.
        yield
        return
    try:
        yield
    finally:
        for each in wanted:
            loop.remove_signal_handler(each)


def _require_texts(**texts: Any) -> None:
    for name, text in texts.items():
        if not isinstance(text, str):
            raise ServeError(f"{name} {text!r:.80}: it is a string")


def _parse_version(version: str) -> tuple[int, int, int]:
    found = _VERSION.match(version)
    if found is None:
        raise ServeError(f"version '{version}': MAJOR.MINOR.MICRO is right")
    major, minor, micro = (int(each or 0) for each in found.groups())
    return major, minor, micro

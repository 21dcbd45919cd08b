"""The answer to a command that a mock was sent: from a file, remembered, recorded, or made up.

In: a command and its arguments, which are right. Out: its result as JSON. Who comes first has it:
the file of answers, what the mock remembers, what was recorded, what the server knows of itself.
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import msgspec
from msgspec import Raw, Struct, UnsetType

from qscope.errors import RefusalError
from qscope.model.decoding import UNREADABLE
from qscope.model.transcript import Exchange
from qscope.serve.context import Context, Line, UnansweredError
from qscope.serve.handlers import Handler
from qscope.serve.mock.answers import Answer, Answers, EventAnswer
from qscope.serve.mock.making import Maker
from qscope.serve.mock.ordering import arrange
from qscope.serve.mock.recorded import Recorded
from qscope.serve.mock.state import Command, State
from qscope.serve.mock.zapping import zap_deprecated
from qscope.serve.policy import Policy
from qscope.serve.schema import Encoded, ServedCommand
from qscope.serve.types.nodes import Node
from qscope.serve.types.prune import prune
from qscope.serve.wire.encode import encode_value

_SCHEMA = "query-qmp-schema"
# A file descriptor comes with them.
_TAKING = ("getfd", "add-fd")
_NOTHING = Encoded(b"{}")
# Results that are kept.
_MOST = 1000
_encode = msgspec.json.Encoder().encode


class Speaker(Protocol):
    """What sends the events of a mock: see MockServer."""

    @property
    def is_ending(self) -> bool:
        """Whether the mock was told to quit."""

    def send_event(self, event: EventAnswer, *, unchecked: bool) -> None:
        """Send an event of a file of answers."""


class Answerer:
    """Answers commands.

    `state` answers from memory (None: nothing is remembered), `own` are the handlers of what the
    server knows of itself; `policy` says what recorded answers must not show.
    """

    def __init__(
        self,
        speaker: Speaker,
        maker: Maker,
        answers: Answers,
        state: State | None,
        recorded: Recorded | None,
        own: Mapping[str, Handler],
        policy: Policy,
    ) -> None:
        self._speaker = speaker
        self._maker = maker
        self._answers = answers
        self._state = state
        self._recorded = recorded
        self._own = own
        self._policy = policy
        # Results that were made of facts: most are asked for again and again.
        self._completed: dict[tuple[str, bytes], Encoded] = {}
        # Results that do not depend on arguments.
        self._fixed: dict[str, Encoded] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def answer(self, context: Context, arguments: Any) -> Any:
        """Return a result as Encoded, or what is to be awaited for it.

        Raises RefusalError, and UnansweredError where there is no reply.
        """
        command = context.command
        if self._answers.mentions(command):
            plain = _make_plain(arguments)
            found = self._answers.find(command, plain)
            if found is not None:
                return self._follow(context, found, plain)
        return self._answer_itself(context, arguments)

    async def _follow(self, context: Context, answer: Answer, arguments: dict[str, Any]) -> Any:
        """Do what a file of answers says."""
        line = _find_line(context)
        await _sleep(answer.delay)
        await self._send_events(answer.events, unchecked=answer.unchecked)
        if answer.garbage is not None:
            line.send(answer.garbage)
        says = (answer.error, answer.result)
        has_reply = answer.is_own or any(not isinstance(each, UnsetType) for each in says)
        if answer.events_after:
            asyncio.get_running_loop().call_soon(self._go_on, answer, line)
        elif answer.drop:
            line.hang_up(behind_reply=has_reply)
        if not isinstance(answer.error, UnsetType):
            raise RefusalError(answer.error.desc, answer.error.error_class)
        if not isinstance(answer.result, UnsetType):
            return Encoded(_encode(answer.result))
        if not has_reply:
            raise UnansweredError
        return self._answer_itself(context, arguments)

    def _go_on(self, answer: Answer, line: Line) -> None:
        task = asyncio.get_running_loop().create_task(self._end(answer, line))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _end(self, answer: Answer, line: Line) -> None:
        """Do what comes behind the reply."""
        await self._send_events(answer.events_after, unchecked=answer.unchecked)
        if answer.drop:
            line.hang_up()

    async def _send_events(self, events: Iterable[EventAnswer], *, unchecked: bool) -> None:
        for event in events:
            await _sleep(event.delay)
            self._speaker.send_event(event, unchecked=unchecked)

    def _answer_itself(self, context: Context, arguments: Any) -> Any:
        """Return the mock's own answer."""
        name = context.command
        if self._state is not None and name in self._state.commands:
            if name in _TAKING and not _find_line(context).take_descriptor():
                raise RefusalError("No file descriptor supplied via SCM_RIGHTS")
            plain = _make_plain(arguments)
            if not (self._state.is_fresh(name) and self._was_recorded(name, plain)):
                return self._remember(context, self._state.commands[name], plain)
        if name in self._fixed:
            return self._fixed[name]
        if self._recorded is not None and self._recorded.knows(name):
            plain = _make_plain(arguments)
            if found := self._recorded.find(name, plain):
                return self._repeat(context, found)
        elif name in self._own:
            return self._own[name].call(context, arguments)
        return self._complete(context, msgspec.UNSET)

    def _remember(self, context: Context, command: Command, arguments: dict[str, Any]) -> Encoded:
        facts = command(arguments)
        if self._speaker.is_ending:
            _find_line(context).hang_up(behind_reply=True)
        return self._complete(context, facts)

    def _was_recorded(self, name: str, arguments: dict[str, Any]) -> bool:
        recorded = self._recorded
        if recorded is None or not recorded.knows(name):
            return False
        return recorded.find(name, arguments) is not None

    def _complete(self, context: Context, facts: Any) -> Encoded:
        """Return a result of the command's type that tells the facts."""
        node = _find_command(context).result
        if node is None:
            return _NOTHING
        key = (context.command, b"" if facts is msgspec.UNSET else _encode(facts))
        if key not in self._completed:
            if len(self._completed) >= _MOST:
                self._completed.clear()
            self._completed[key] = Encoded(self._make(context.command, node, facts))
        return self._completed[key]

    def _make(self, command: str, node: Node, facts: Any) -> bytes:
        try:
            made = self._maker.make(node, command, facts)
        except ValueError as error:
            raise RefusalError(f"The mock cannot answer {command}: {error}") from error
        return encode_value(arrange(made, node))

    def _repeat(self, context: Context, exchange: Exchange) -> Encoded:
        """Answer as it was recorded; what did not survive the question closes the connection."""
        if exchange.fatal:
            _find_line(context).hang_up()
            raise UnansweredError
        if not isinstance(exchange.error, UnsetType):
            raise RefusalError(exchange.error.desc, exchange.error.error_class)
        assert isinstance(exchange.result, Raw)
        command = _find_command(context)
        try:
            value = self._hide(command, msgspec.json.decode(exchange.result))
        except UNREADABLE as error:
            # QEMU itself sends 1e400.
            raise RefusalError(f"What was recorded is no JSON: {error}") from error
        body = Encoded(encode_value(arrange(value, command.result)))
        if command.takes_nothing:
            self._fixed[context.command] = body
        return body

    def _hide(self, command: ServedCommand, value: Any) -> Any:
        """Leave out of a recorded result what the policy hides."""
        if not self._policy.hidden or command.result is None:
            return value
        if command.name == _SCHEMA and self._policy.deprecated_output == "hide":
            value = zap_deprecated(value)
        return prune(command.result, value)


def _find_command(context: Context) -> ServedCommand:
    command = context.schema.find_command(context.command)
    assert command is not None
    return command


def _find_line(context: Context) -> Line:
    assert context.session.line is not None
    return context.session.line


def _make_plain(arguments: Any) -> dict[str, Any]:
    """Return arguments as the client sent them."""
    if isinstance(arguments, Struct):
        plain: dict[str, Any] = msgspec.to_builtins(arguments)
        return plain
    return dict(arguments)


async def _sleep(seconds: float) -> None:
    if seconds > 0:
        await asyncio.sleep(seconds)

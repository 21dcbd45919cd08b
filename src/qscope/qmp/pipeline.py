"""One QMP session with several commands in flight, without I/O.

In: commands, and the bytes received. Out: the bytes to send, and the replies in the order of the
commands. Next stage: qscope.probe, which asks several QEMUs at once.
"""

from collections import deque
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from qscope.errors import CommandError, ProtocolError
from qscope.model.decoding import UNREADABLE
from qscope.qmp.messages import Message, MessageStream, encode_command

_NEGOTIATION = "qmp_capabilities"


class _Sent(NamedTuple):
    ident: int
    command: str


class Pipeline:
    """What was sent and not answered, and what is to be sent.

    A server answers in the order in which it was asked (docs/interop/qmp-spec), so that a reply
    always is to the oldest command. The session begins with the greeting and its negotiation;
    commands come after that, when `is_ready`.
    """

    def __init__(self) -> None:
        self.unsent = bytearray()
        self.greeting: dict[str, Any] | None = None
        self.is_ready = False
        self._echoes = True
        self._stream = MessageStream()
        self._in_flight: deque[_Sent] = deque()
        self._last_id = 0

    def ask(self, command: str, arguments: dict[str, Any] | None = None) -> None:
        """Add a command to what is to be sent."""
        self._last_id += 1
        self._in_flight.append(_Sent(self._last_id, command))
        self.unsent += encode_command(command, arguments, self._last_id) + b"\n"

    def feed(self, data: bytes) -> Iterator[Message]:
        """Take in what was received; yield each reply to the oldest command in flight.

        Raises ProtocolError for what is not QMP, CommandError when negotiation fails.
        """
        self._stream.feed(data)
        while message := self._stream.take():
            if self.greeting is None:
                self._greet(message)
            elif message.is_reply and self._in_flight and self._is_expected(message):
                self._in_flight.popleft()
                if self.is_ready:
                    yield message
                else:
                    self._finish_negotiation(message)

    def describe_silence(self, seconds: float) -> str:
        """Say what did not come within so many seconds."""
        rest = self._stream.rest
        half = f" (half a message: {len(rest)} bytes)" if rest else ""
        if self._in_flight:
            return f"did not answer {self._in_flight[0].command!r} within {seconds:g} s{half}"
        return f"sent no QMP greeting within {seconds:g} s{half}"

    def describe_end(self) -> str:
        """Say where in the session the connection was closed."""
        half = " in the middle of a message" if self._stream.rest else ""
        return f"closed the connection{half}"

    def _greet(self, message: Message) -> None:
        if isinstance(message.greeting, UnsetType):
            return
        try:
            self.greeting = msgspec.json.decode(message.greeting, type=dict[str, Any])
        except UNREADABLE as error:
            raise ProtocolError(f"it sent a strange greeting: {error}") from error
        self.ask(_NEGOTIATION)

    def _is_expected(self, reply: Message) -> bool:
        """Whether a reply is to the oldest command; others are nobody's and dropped.

        Who answers the first command without an id is taken to have none for the others either.
        """
        if not self.is_ready and reply.id is UNSET:
            self._echoes = False
        if reply.id is UNSET or not self._echoes:
            return not self._echoes
        position = self._find(reply.id)
        if position:
            late = self._in_flight[0].command
            raise ProtocolError(f"it left out the answer to {late!r}")
        return position == 0

    def _find(self, ident: object) -> int | None:
        """Return which command in flight has this id; `true` and `1.0` are none of ours."""
        if type(ident) is not int or not self._in_flight:
            return None
        position = ident - self._in_flight[0].ident
        return position if 0 <= position < len(self._in_flight) else None

    def _finish_negotiation(self, reply: Message) -> None:
        if not isinstance(reply.error, UnsetType):
            raise CommandError(_NEGOTIATION, reply.error.error_class, reply.error.desc)
        self.is_ready = True

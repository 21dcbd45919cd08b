"""A small synchronous QMP client that keeps results raw and never waits without a deadline.

In: a connected socket. Out: results as received. For the message layer see messages.py.
"""

import secrets
import socket
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

import msgspec
from msgspec import Raw, UnsetType

from qscope.errors import (
    CommandError,
    DeadlineError,
    DisconnectError,
    ProtocolError,
)
from qscope.model.decoding import UNREADABLE
from qscope.qmp.address import Address, connect
from qscope.qmp.messages import Message, MessageStream, encode_command

# QEMU's guest agent neither greets nor negotiates. Who says nothing for this many seconds, or for
# half of what it may take, is asked whether he is one.
_SILENCE = 1.0
_CHUNK = 1 << 16
# Seconds; sockets refuse much longer timeouts.
_LONGEST = 86400.0


class QMPClient:
    """One QMP session. A context manager: leaving it closes the connection."""

    def __init__(self, sock: socket.socket, *, timeout: float, name: str = "the server") -> None:
        """Take over a connected socket; each answer may take `timeout` seconds."""
        self._sock = sock
        self._timeout = min(timeout, _LONGEST)
        self._name = name
        self._stream = MessageStream()
        self._last_id = 0
        self.greeting: dict[str, Any] | None = None

    @classmethod
    def connect(cls, address: Address, *, timeout: float) -> "QMPClient":
        """Connect and negotiate. Raises QMPError."""
        client = cls(connect(address, timeout), timeout=timeout, name=str(address))
        try:
            client.negotiate(may_be_agent=True)
        except BaseException:
            client.close()
            raise
        return client

    def __enter__(self) -> "QMPClient":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._sock.close()

    def negotiate(self, *, may_be_agent: bool = False) -> None:
        """Wait for the greeting and leave negotiation mode.

        With `may_be_agent` a server that does not greet is tried as a guest agent: it has no
        greeting, and it answers `guest-sync` with the number it was given.
        """
        deadline = time.monotonic() + self._timeout
        if may_be_agent:
            silence = min(_SILENCE, self._timeout / 2)
            message = self._receive(time.monotonic() + silence, _is_greeting)
            message = message or self._greet_agent(deadline)
        else:
            message = self._receive(deadline, _is_greeting)
        if message is None:
            busy = " (a QMP socket serves one client at a time: another may hold it)"
            raise DeadlineError(
                f"{self._name} sent no QMP greeting within {self._timeout:g} s"
                + (self._describe_rest() or (busy if may_be_agent else ""))
            )
        if isinstance(message.greeting, UnsetType):
            return
        try:
            self.greeting = msgspec.json.decode(message.greeting, type=dict[str, Any])
        except UNREADABLE as error:
            raise ProtocolError(f"{self._name} sent a strange greeting: {error}") from error
        self.execute("qmp_capabilities")

    def _greet_agent(self, deadline: float) -> Message | None:
        """Return the guest agent's reply, or the greeting of a QMP server that was late.

        The agent may still owe replies to somebody before us: only ours has this number.
        """
        number = secrets.randbits(31)
        ident = self._send("guest-sync", {"id": number}, deadline)

        def is_wanted(each: Message) -> bool:
            is_ours = each.is_reply and each.id == ident
            return _is_greeting(each) or (is_ours and _echoes(each, number))

        return self._receive(deadline, is_wanted)

    def execute(
        self, command: str, arguments: dict[str, Any] | None = None, *, timeout: float | None = None
    ) -> Raw:
        """Execute a command and return its raw result, within `timeout` or the session's.

        Raises CommandError when the server refuses, another QMPError when it does not answer.
        """
        timeout = self._timeout if timeout is None else timeout
        deadline = time.monotonic() + timeout
        ident = self._send(command, arguments, deadline)
        # An error without an id is about a message whose id could not be read: it can only be ours.
        reply = self._receive(
            deadline, lambda each: each.is_reply and each.id in (ident, msgspec.UNSET)
        )
        if reply is None:
            raise DeadlineError(
                f"{self._name} did not answer {command!r} within {timeout:g} s"
                + self._describe_rest()
            )
        if isinstance(reply.error, UnsetType):
            assert isinstance(reply.result, Raw)
            return reply.result
        raise CommandError(command, reply.error.error_class, reply.error.desc)

    def _send(self, command: str, arguments: dict[str, Any] | None, deadline: float) -> int:
        self._last_id += 1
        try:
            self._sock.settimeout(max(deadline - time.monotonic(), 0.001))
            self._sock.sendall(encode_command(command, arguments, self._last_id) + b"\n")
        except TimeoutError as error:
            raise DeadlineError(f"{self._name} does not read {command!r}") from error
        except OSError as error:
            raise DisconnectError(f"{self._name} closed the connection") from error
        return self._last_id

    def _receive(self, deadline: float, wanted: Callable[[Message], bool]) -> Message | None:
        """Return the first message that is wanted, or None at the deadline. Others are dropped."""
        while True:
            while message := self._stream.take():
                if wanted(message):
                    return message
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            self._sock.settimeout(left)
            try:
                data = self._sock.recv(_CHUNK)
            except TimeoutError:
                return None
            except OSError as error:
                raise DisconnectError(f"{self._name} closed the connection") from error
            if not data:
                half = " in the middle of a message" if self._stream.rest else ""
                raise DisconnectError(f"{self._name} closed the connection{half}")
            self._stream.feed(data)

    def _describe_rest(self) -> str:
        rest = self._stream.rest
        return f" (half a message: {len(rest)} bytes)" if rest else ""


def _is_greeting(message: Message) -> bool:
    return message.greeting is not msgspec.UNSET


def _echoes(reply: Message, number: int) -> bool:
    """Whether a reply to `guest-sync` is not somebody else's; an agent may forbid the command."""
    return not isinstance(reply.result, Raw) or bytes(reply.result) == b"%d" % number

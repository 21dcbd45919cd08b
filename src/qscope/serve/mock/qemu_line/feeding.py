"""A mock is told what its command line makes, before anybody else can speak with it.

In: a mock that does not serve yet, and commands. They go over a connection of their own, so that
they are judged as a client's are. What it refuses is not there.
"""

import asyncio
import socket
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec import UnsetType

from qscope.errors import DisconnectError
from qscope.qmp.messages import Message, MessageStream, encode_command
from qscope.serve.mock.answers import Answer, Answers
from qscope.serve.mock.qemu_line.given import Given
from qscope.serve.mock.server import MockServer

_CHUNK = 1 << 16


class Gate:
    """What begins to act when the first client may come: rules of a tester, and the recording."""

    def __init__(self) -> None:
        self.is_open = False

    def guard(self, take: Callable[[bytes], None]) -> Callable[[bytes], None]:
        """Return a function that takes lines when the gate is open, and drops them before."""

        def pass_on(line: bytes) -> None:
            if self.is_open:
                take(line)

        return pass_on


class GuardedAnswers(Answers):
    """Rules that are not tried, and do not count, before a gate is open."""

    def __init__(self, answers: Answers, gate: Gate) -> None:
        super().__init__(answers.rules, answers.timed)
        self._gate = gate

    def mentions(self, command: str) -> bool:
        """Whether there is a rule for a command."""
        return self._gate.is_open and super().mentions(command)

    def find(self, command: str, arguments: Mapping[str, Any]) -> Answer | None:
        """Return the answer of the first rule that fits."""
        return super().find(command, arguments) if self._gate.is_open else None


async def feed(server: MockServer, commands: Iterable[Given]) -> None:
    """Have a mock do these commands."""
    ours, theirs = socket.socketpair()
    with ours:
        ours.setblocking(False)
        await server.listen(f"fd:{theirs.detach()}")
        teller = _Teller(ours)
        await teller.ask("qmp_capabilities", {})
        for given in commands:
            for arguments in given.choices:
                if await teller.ask(given.command, arguments):
                    break


class _Teller:
    """A client that tells one command after the other."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._stream = MessageStream()

    async def ask(self, command: str, arguments: dict[str, Any]) -> bool:
        """Send a command; return whether it was done. Raises DisconnectError."""
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(self._sock, encode_command(command, arguments, 0))
        while not (message := await self._receive()).is_reply:
            pass
        return isinstance(message.error, UnsetType)

    async def _receive(self) -> Message:
        loop = asyncio.get_running_loop()
        while (message := self._stream.take()) is None:
            data = await loop.sock_recv(self._sock, _CHUNK)
            if not data:
                raise DisconnectError("the mock has closed its own connection")
            self._stream.feed(data)
        return message

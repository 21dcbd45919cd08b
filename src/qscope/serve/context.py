"""What a handler is told besides its arguments: who asks, and under which schema."""

from collections.abc import Mapping
from typing import Any, Protocol

from msgspec import Struct

from qscope.serve.schema import ServedSchema


class Host(Protocol):
    """What a handler may ask of the server that it runs in: see Server."""

    @property
    def schema(self) -> ServedSchema:
        """The version of the schema that is served now."""

    @property
    def capabilities(self) -> tuple[str, ...]:
        """What clients may enable."""

    def describe_version(self) -> dict[str, Any]:
        """Return the reply to query-version."""

    def emit(
        self, event: str, data: Mapping[str, Any] | Struct | None = None, /, **members: Any
    ) -> None:
        """Send an event to all clients."""

    def register_driver(self, where: str, driver: str, type: str | Mapping[str, Any]) -> None:  # noqa: A002
        """Add a branch to a union."""

    def unregister_driver(self, where: str, driver: str) -> None:
        """Remove a branch that was registered."""

    def stop(self) -> None:
        """Let the server end, after this command."""


class Peer(Struct, frozen=True):
    """Who is at the other end.

    `address` is HOST:PORT, or what a local transport is called; `pid`, `uid` and `gid` are known of
    a unix socket's client, `certificate` (as ssl's getpeercert() returns it) of one that showed
    one that the server's client_ca vouches for.
    """

    address: str
    pid: int | None = None
    uid: int | None = None
    gid: int | None = None
    certificate: dict[str, Any] | None = None


class Line(Protocol):
    """What a handler may do with the connection that its command came from: see Connection."""

    @property
    def is_open(self) -> bool:
        """Whether the client is still there."""

    def send(self, data: bytes) -> None:
        """Send bytes as they are, behind all that was sent so far."""

    def take_descriptor(self) -> bool:
        """Return whether a file descriptor came that no command has taken."""

    def hang_up(self, *, behind_reply: bool = False) -> None:
        """Close the connection behind what was sent; nothing that came is answered any more.

        `behind_reply`: behind the next reply, which is that to the command that runs in band.
        """


class UnansweredError(Exception):
    """What a handler raises whose command gets no reply from the server.

    Whoever raises it has answered by itself, or closed the connection.
    """


class Session:
    """One client's session: what it has negotiated. `line` is None before it has begun."""

    def __init__(self, number: int, peer: Peer, line: Line | None = None) -> None:
        self.number = number
        self.peer = peer
        self.line = line
        # None in negotiation mode.
        self.capabilities: frozenset[str] | None = None

    @property
    def oob(self) -> bool:
        """Whether the client may send commands out of band."""
        return self.capabilities is not None and "oob" in self.capabilities


class Context(Struct, frozen=True, gc=False):
    """One command that runs. `schema` is the version under which its arguments were read."""

    server: Host
    session: Session
    command: str
    schema: ServedSchema
    oob: bool = False

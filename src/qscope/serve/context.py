"""What a handler is told besides its arguments: who asks, and under which schema."""

from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    from qscope.serve.schema import ServedSchema
    from qscope.serve.server import Server


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


class Session:
    """One client's session: what it has negotiated."""

    def __init__(self, number: int, peer: Peer) -> None:
        self.number = number
        self.peer = peer
        # None in negotiation mode.
        self.capabilities: frozenset[str] | None = None

    @property
    def oob(self) -> bool:
        """Whether the client may send commands out of band."""
        return self.capabilities is not None and "oob" in self.capabilities


class Context(Struct, frozen=True, gc=False):
    """One command that runs. `schema` is the version under which its arguments were read."""

    server: "Server"
    session: Session
    command: str
    schema: "ServedSchema"
    oob: bool = False

"""What one client may cost a server."""

from msgspec import Struct


class Limits(Struct, frozen=True, kw_only=True):
    """Limits of a server; QEMU's where it has them.

    `clients` may be connected at once, others wait without a greeting. A message has no more than
    `message_bytes`. `queue` commands of a client that negotiated `oob` are taken in ahead of the
    one that runs. A client that does not read is dropped when `output_bytes` of events wait for
    it; what it sends is not read in the meantime. `idle_seconds` is for how long a client may say
    nothing, None for ever. `drain_seconds` is how long commands that run may take when the server
    ends.
    """

    clients: int = 128
    message_bytes: int = 64 << 20
    queue: int = 8
    output_bytes: int = 4 << 20
    idle_seconds: float | None = None
    drain_seconds: float = 5.0

    def __post_init__(self) -> None:
        """Refuse what no server can keep. Raises ValueError."""
        for name in ("clients", "message_bytes", "queue", "output_bytes"):
            if getattr(self, name) < 1:
                raise ValueError(f"Limits: {name} is {getattr(self, name)}; at least 1 is right")
        for name in ("idle_seconds", "drain_seconds"):
            value = getattr(self, name)
            if value is not None and not value >= 0:
                raise ValueError(f"Limits: {name} is {value}; a number of seconds is right")

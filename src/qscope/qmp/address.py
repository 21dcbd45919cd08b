"""Where a QMP server listens: `unix:PATH`, a path, `HOST:PORT`, `tcp:HOST:PORT`, `[V6]:PORT`."""

import re
import socket
import stat
from pathlib import Path
from typing import NamedTuple

from qscope.errors import ConnectError

_TCP = re.compile(
    r"(?:tcp:)?+(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<host>[^/\s:\[\]]+)):(?P<port>[0-9]{1,5})"
)


class Address(NamedTuple):
    """An address as `socket` takes it: a path for AF_UNIX, else host and port."""

    path: str | None
    host: str = ""
    port: int = 0

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.path if self.path is not None else f"{host}:{self.port}"


def parse_address(text: str) -> Address | None:
    """Read an address; None when `text` is none. A bare path is one only if a socket is there."""
    if text.startswith("unix:"):
        return Address(text.removeprefix("unix:")) if len(text) > len("unix:") else None
    if _is_socket(text):
        return Address(text)
    found = _TCP.fullmatch(text)
    if found is None or not 0 < int(found["port"]) <= 0xFFFF:
        return None
    return Address(None, found["v6"] or found["host"], int(found["port"]))


def connect(address: Address, timeout: float) -> socket.socket:
    """Connect within `timeout` seconds. Raises ConnectError."""
    try:
        if address.path is None:
            return socket.create_connection((address.host, address.port), timeout)
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ConnectError(f"{address}: {_reason(error)}") from error
    try:
        sock.settimeout(timeout)
        sock.connect(address.path)
    except (OSError, ValueError) as error:
        sock.close()
        raise ConnectError(f"{address}: {_reason(error)}") from error
    return sock


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _is_socket(text: str) -> bool:
    try:
        return stat.S_ISSOCK(Path(text).stat().st_mode)
    except (OSError, ValueError):
        return False

"""Disks on an NBD server; nothing is connected, since storaged moves no data."""

from typing import Any

from qscope.serve import UNSET

OPTIONS = "{ 'struct': 'DiskNbd', 'data': { 'host': 'str', '*port': 'uint16', 'size': 'size' } }"

# Registered by IANA.
_PORT = 10809


def measure(options: Any) -> int:
    """Return what the client says."""
    size: int = options.size
    return size


def locate(options: Any) -> str:
    """Return the server's URI."""
    port = _PORT if options.port is UNSET else options.port
    return f"nbd://{options.host}:{port}"

"""Who is at the other end of a transport."""

import asyncio
import socket
import struct

from qscope.serve.context import Peer

# struct ucred: pid, uid, gid (unix(7)).
_CREDENTIALS = struct.Struct("3i")


def describe_peer(transport: asyncio.BaseTransport) -> Peer:
    """Return what is known of the client of a transport."""
    certificate = transport.get_extra_info("peercert") or None
    sock = transport.get_extra_info("socket")
    name = transport.get_extra_info("peername")
    if isinstance(name, tuple):
        host = f"[{name[0]}]" if ":" in str(name[0]) else name[0]
        return Peer(f"{host}:{name[1]}", certificate=certificate)
    if sock is None or sock.family != socket.AF_UNIX:
        return Peer("stdio")
    try:
        data = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    except OSError:
        return Peer("unix")
    pid, uid, gid = _CREDENTIALS.unpack(data)
    return Peer("unix", pid, uid, gid, certificate)

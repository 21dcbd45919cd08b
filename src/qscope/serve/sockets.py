"""Sockets to listen at: unix, TCP, and inherited ones. Raises ServeError with one clear line."""

import contextlib
import ipaddress
import os
import re
import socket
import stat
from typing import NamedTuple

from qscope.errors import ServeError

_BACKLOG = 128
_TCP = re.compile(r"(?:tcp:)?(?:\[(?P<v6>[^\[\]]+)\]|(?P<host>[^:/\[\]]+)):(?P<port>[0-9]{1,5})")
# Seconds for finding out whether somebody listens at a socket file.
_LIVE_TIMEOUT = 1.0


class Bound(NamedTuple):
    """A socket: where it listens, and which file is to be removed at the end (as dev and inode)."""

    sock: socket.socket
    address: str
    path: str | None = None
    inode: tuple[int, int] | None = None


def bind_unix(path: str, mode: int) -> Bound:
    """Listen at a socket file of exactly this mode, in the place of one that nobody serves."""
    if not path or "\0" in path:
        # They would be abstract addresses, which have no mode: everybody could connect.
        raise ServeError(f"unix:{path!r:.80}: it is no path")
    _clear_place(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # Never wider than that, not for a moment: bind() leaves 0777 less the umask.
    umask = os.umask(0o777 & ~mode)
    try:
        sock.bind(path)
    except (OSError, ValueError) as error:
        sock.close()
        raise ServeError(f"unix:{path}: {_explain(error)}") from error
    finally:
        os.umask(umask)
    sock.listen(_BACKLOG)
    status = os.stat(path)
    return Bound(sock, f"unix:{path}", path, (status.st_dev, status.st_ino))


def remove_file(bound: Bound) -> None:
    """Remove the socket file, if it is still ours."""
    if bound.path is None:
        return
    with contextlib.suppress(OSError):
        status = os.stat(bound.path)
        if (status.st_dev, status.st_ino) == bound.inode:
            os.unlink(bound.path)


def _clear_place(path: str) -> None:
    """Remove a socket file that nobody serves. Raises ServeError where something else is."""
    try:
        is_socket = stat.S_ISSOCK(os.lstat(path).st_mode)
    except (OSError, ValueError):
        return  # bind() says what is wrong with it
    if not is_socket:
        raise ServeError(f"unix:{path}: something is there already, and it is no socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_LIVE_TIMEOUT)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            with contextlib.suppress(OSError):
                os.unlink(path)
            return
        except OSError as error:
            raise ServeError(f"unix:{path}: {_explain(error)}") from error
    raise ServeError(f"unix:{path}: another server listens there")


def split_tcp(address: str) -> tuple[str, int] | None:
    """Return host and port; None for what is no TCP address. Port 0: the system chooses one."""
    found = _TCP.fullmatch(address)
    if found is None or int(found["port"]) > 0xFFFF:
        return None
    return found["v6"] or found["host"], int(found["port"])


def bind_tcp(host: str, port: int, *, anywhere: bool) -> list[Bound]:
    """Listen at all addresses of a host; only at loopback ones unless `anywhere` is true."""
    shown = f"tcp:{_bracket(host)}:{port}"
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise ServeError(f"{shown}: {_explain(error)}") from error
    addresses = list(dict.fromkeys((family, where[0]) for family, _, _, _, where in found))
    if not anywhere and not all(_is_loopback(str(each)) for _, each in addresses):
        raise ServeError(
            f"{shown}: not a loopback address; without TLS everybody could connect "
            "(anywhere=True allows it)"
        )
    bound: list[Bound] = []
    try:
        for family, each in addresses:
            bound.append(_bind_one(family, str(each), port or _find_port(bound)))
    except OSError as error:
        for other in bound:
            other.sock.close()
        raise ServeError(f"{shown}: {_explain(error)}") from error
    return bound


def _bind_one(family: int, host: str, port: int) -> Bound:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((host, port))
        sock.listen(_BACKLOG)
    except OSError:
        sock.close()
        raise
    return Bound(sock, f"tcp:{_bracket(host)}:{sock.getsockname()[1]}")


def _find_port(bound: list[Bound]) -> int:
    return int(bound[0].sock.getsockname()[1]) if bound else 0


def _bracket(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _is_loopback(host: str) -> bool:
    return ipaddress.ip_address(host.partition("%")[0]).is_loopback


def take_inherited(address: str) -> Bound:
    """Return the socket behind `fd:N`, listening or connected."""
    number = address.removeprefix("fd:")
    if not (number.isascii() and number.isdigit()) or len(number) > 9:
        raise ServeError(f"{address}: fd:N with the number of a descriptor is right")
    try:
        is_socket = stat.S_ISSOCK(os.fstat(int(number)).st_mode)
        if not is_socket:
            raise ServeError(f"{address}: it is no socket")
        return Bound(socket.socket(fileno=os.dup(int(number))), address)
    except OSError as error:
        raise ServeError(f"{address}: {_explain(error)}") from error


def is_listening(sock: socket.socket) -> bool:
    """Whether clients can be accepted from a socket; else it is connected to one."""
    return bool(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


def _explain(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)

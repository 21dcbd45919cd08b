"""Sockets to listen at: unix, TCP, and inherited ones. Raises ServeError with one clear line."""

import contextlib
import errno
import fcntl
import ipaddress
import os
import re
import socket
import stat
import time
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from qscope.errors import ServeError

_BACKLOG = 128
_TCP = re.compile(r"(?:tcp:)?(?:\[(?P<v6>[^\[\]]+)\]|(?P<host>[^:/\[\]]+)):(?P<port>[0-9]{1,5})")
# Seconds for finding out whether somebody listens at a socket file, and for others who do.
_LIVE_TIMEOUT = 1.0
_LOCK_TIMEOUT = 2.0
# A host's address that this machine does not have: localhost is ::1, too, even without IPv6.
_UNAVAILABLE = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


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
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _alone_in(os.path.dirname(path) or "."):
            _clear_place(path)
            _bind_file(sock, path, mode)
            # At once: a socket that does not listen yet looks like one that nobody serves.
            sock.listen(_BACKLOG)
        return Bound(sock, f"unix:{path}", path, _find_inode(path))
    except (OSError, ValueError) as error:
        sock.close()
        raise ServeError(f"unix:{path}: {_explain(error)}") from error
    except ServeError:
        sock.close()
        raise


def remove_file(bound: Bound) -> None:
    """Remove the socket file, if it is still ours.

    As long as the socket is open, no other file can have its inode.
    """
    if bound.path is not None:
        with contextlib.suppress(OSError):
            if _find_inode(bound.path) == bound.inode:
                os.unlink(bound.path)


def _find_inode(path: str) -> tuple[int, int]:
    status = os.lstat(path)
    return status.st_dev, status.st_ino


def _bind_file(sock: socket.socket, path: str, mode: int) -> None:
    """Make a socket's file; it never has a wider mode, not for a moment."""
    # Linux' bind() leaves the socket's own mode less the umask; a folder's default ACL, which takes
    # the umask's place, narrows it only.
    os.fchmod(sock.fileno(), mode)
    umask = os.umask(0o777 & ~mode)
    try:
        sock.bind(path)
    finally:
        os.umask(umask)


@contextlib.contextmanager
def _alone_in(folder: str) -> Iterator[None]:
    """Keep other servers that begin to listen out of a folder.

    Between finding that nobody serves a file and replacing it, one of them could begin to. Where
    the folder cannot be locked, or somebody keeps it locked, they are trusted not to.
    """
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            stack.callback(os.close, descriptor)
            _lock(descriptor)
        yield


def _lock(descriptor: int) -> None:
    deadline = time.monotonic() + _LOCK_TIMEOUT
    while time.monotonic() < deadline:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(0.01)


def _clear_place(path: str) -> None:
    """Remove a socket file that nobody serves. Raises ServeError where something else is."""
    try:
        is_socket = stat.S_ISSOCK(os.lstat(path).st_mode)
    except (OSError, ValueError):
        return  # bind() says what is wrong with it
    if not is_socket:
        raise ServeError(f"unix:{path}: something is there already, and it is no socket")
    if _is_served(path):
        raise ServeError(f"unix:{path}: another server listens there")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def _is_served(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_LIVE_TIMEOUT)
        try:
            probe.connect(path)
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except (BlockingIOError, TimeoutError):
            return True  # its backlog is full
        except OSError as error:
            if error.errno == errno.EPROTOTYPE:
                return True  # by datagrams
            raise
    return True


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
    addresses = list(dict.fromkeys((family, str(where[0])) for family, _, _, _, where in found))
    if not anywhere and not all(_is_loopback(each) for _, each in addresses):
        raise ServeError(
            f"{shown}: not a loopback address; without TLS everybody could connect "
            "(anywhere allows it)"
        )
    try:
        return _bind_all(addresses, port)
    except OSError as error:
        raise ServeError(f"{shown}: {_explain(error)}") from error


def _bind_all(addresses: Iterable[tuple[int, str]], port: int) -> list[Bound]:
    """Listen at each address that this machine has, always at the same port."""
    bound: list[Bound] = []
    lacking: OSError | None = None
    with contextlib.ExitStack() as undo:
        for family, host in addresses:
            try:
                bound.append(_bind_one(family, host, port or _find_port(bound)))
            except OSError as error:
                if error.errno not in _UNAVAILABLE:
                    raise
                lacking = error
            else:
                undo.callback(bound[-1].sock.close)
        if not bound and lacking:
            raise lacking
        undo.pop_all()
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
    """Return the socket behind `fd:N`, listening or connected.

    It is ours from then on and N is closed: else the client would see no end of the connection,
    and programs that we start would inherit it. 0, 1 and 2 are left open, since whatever is opened
    next would become stdin or stdout.
    """
    number = address.removeprefix("fd:")
    if not (number.isascii() and number.isdigit()) or len(number) > 9:
        raise ServeError(f"{address}: fd:N with the number of a descriptor is right")
    try:
        if not stat.S_ISSOCK(os.fstat(int(number)).st_mode):
            raise ServeError(f"{address}: it is no socket")
        sock = socket.socket(fileno=os.dup(int(number)))
    except OSError as error:
        raise ServeError(f"{address}: {_explain(error)}") from error
    if mistake := _find_mistake(sock):
        sock.close()
        raise ServeError(f"{address}: {mistake}")
    if int(number) > 2:
        os.close(int(number))
    return Bound(sock, address)


def _find_mistake(sock: socket.socket) -> str | None:
    if sock.type != socket.SOCK_STREAM:
        return "it is no stream socket"
    if is_listening(sock):
        return None
    try:
        sock.getpeername()
    except OSError:
        return "it is a socket that neither listens nor is connected"
    return None


def is_listening(sock: socket.socket) -> bool:
    """Whether clients can be accepted from a socket; else it is connected to one."""
    return bool(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


def _explain(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)

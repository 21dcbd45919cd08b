"""The sockets of a line, open before the mock runs.

In: monitors. Out: addresses for Server.listen. Raises ServeError, in one line that begins with the
option, as QEMU does when it cannot listen or nobody listens where it connects to.
"""

import contextlib
import os
import select
import socket
from collections.abc import Iterable, Iterator

from qscope.errors import ServeError
from qscope.serve.mock.qemu_line.asked import Monitor
from qscope.serve.mock.qemu_line.places import Place
from qscope.serve.sockets import (
    Bound,
    bind_tcp,
    bind_unix,
    is_listening,
    remove_file,
    take_inherited,
)

# Seconds for connecting to an application, which should listen before it starts a QEMU.
_PATIENCE = 10.0


class Sockets:
    """The sockets of some monitors. A context manager: the files of those that listen go with it.

    `addresses` are those to serve at; `lasting` are the places to connect to again and again.
    """

    def __init__(self) -> None:
        self.addresses: list[str] = []
        self.lasting: list[Place] = []
        self.has_listener = False
        self._stack = contextlib.ExitStack()
        self._awaited: list[tuple[Monitor, list[Bound]]] = []

    def __enter__(self) -> "Sockets":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def open(self, monitor: Monitor) -> None:
        """Listen, connect, or take what was inherited."""
        place = monitor.place
        if place.reconnect and place.number is None:
            self.lasting.append(place)
            return
        if place.is_stdio:
            self.addresses.append("stdio")
            return
        try:
            opened = list(_open(place))
        except (ServeError, OSError) as error:
            raise ServeError(f"{monitor.typed}: {_explain(place, error)}") from error
        for each in opened:
            self._keep(each)
        if place.waits:
            self._awaited.append((monitor, opened))

    def wait(self) -> Iterator[str]:
        """Wait for a client at each place where QEMU would; yield what it says before it does."""
        for monitor, bound in self._awaited:
            listening = [each.sock for each in bound if is_listening(each.sock)]
            if listening and not select.select(listening, (), (), 0)[0]:
                yield f"{monitor.typed}: info: QEMU waiting for connection on: {monitor.place}"
                select.select(listening, (), ())

    def _keep(self, bound: Bound) -> None:
        """Hand a duplicate on, and know what to remove when all has ended."""
        self._stack.callback(bound.sock.close)
        self._stack.callback(remove_file, bound)
        self.has_listener |= is_listening(bound.sock)
        if not is_listening(bound.sock):
            self.addresses.append(f"fd:{bound.sock.detach()}")
            return
        self.addresses.append(f"fd:{os.dup(bound.sock.fileno())}")


def _open(place: Place) -> Iterable[Bound]:
    if place.number is not None:
        return [take_inherited(f"fd:{place.number}")]
    if not place.server:
        return [Bound(connect(place), str(place))]
    if place.path is not None:
        # The file has the mode that QEMU's has, and the daemon is in another folder.
        return [bind_unix(os.path.abspath(place.path), 0o777 & ~_read_umask())]
    return _listen_at(place.host or "", find_port(place))


def _listen_at(host: str, port: int) -> list[Bound]:
    """Listen at a host; without one, at all addresses, as QEMU does what its line says."""
    if host:
        return bind_tcp(host, port, anywhere=True)
    bound = bind_tcp("0.0.0.0", port, anywhere=True)  # noqa: S104
    with contextlib.suppress(ServeError):
        bound += bind_tcp("::", port or int(bound[0].sock.getsockname()[1]), anywhere=True)
    return bound


def find_port(place: Place) -> int:
    """Return the number of a port, which may be a service's name. Raises ServeError."""
    if place.port.isascii() and place.port.isdigit() and int(place.port) <= 0xFFFF:
        return int(place.port)
    try:
        return socket.getservbyname(place.port, "tcp")
    except OSError as error:
        raise ServeError(f"{place.port!r} is no port") from error


def connect(place: Place) -> socket.socket:
    """Connect to who listens at a place. Raises OSError or ServeError."""
    if place.path is None:
        return socket.create_connection((place.host or "localhost", find_port(place)), _PATIENCE)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.settimeout(_PATIENCE)
        sock.connect(place.path)
    except OSError:
        sock.close()
        raise
    return sock


def _explain(place: Place, error: ServeError | OSError) -> str:
    if isinstance(error, ServeError):
        return str(error)
    return f"Failed to connect to '{str(place).partition(':')[2]}': {error.strerror or error}"


def _read_umask() -> int:
    umask = os.umask(0o077)
    os.umask(umask)
    return umask

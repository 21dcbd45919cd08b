"""Where the client of a monitor is.

In: a character device. Out: `Place`, or None for one that a mock has not. Raises ArgumentError, as
QEMU 7.2 refuses a socket's parameters (chardev/char-socket.c), and for what a mock cannot do.
"""

from msgspec import Struct

from qscope.ask.syntax.scalars import parse_bool, parse_uint
from qscope.errors import ArgumentError
from qscope.serve.mock.qemu_line.chardevs import Backend

_PROTOCOLS = ("telnet", "tn3270", "websocket")


class Place(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A socket file, a TCP port, a descriptor (`number`), or stdio where it is none of them.

    `server`: QEMU listens there, else it connects. `waits`: it goes on when a client is there.
    `reconnect` is after how many seconds it connects again, 0 for never.
    """

    path: str | None = None
    host: str | None = None
    port: str = ""
    number: int | None = None
    server: bool = False
    waits: bool = False
    reconnect: float = 0.0

    @property
    def is_stdio(self) -> bool:
        """Whether it is no socket."""
        return self.path is None and self.host is None and self.number is None

    def __str__(self) -> str:
        if self.path is not None:
            return f"unix:{self.path}"
        if self.host is not None:
            return f"tcp:{self.host}:{self.port}"
        return "stdio" if self.number is None else f"fd:{self.number}"


def find_place(backend: Backend) -> Place | None:
    """Return where a client of this character device is."""
    if backend.kind == "stdio":
        return Place()
    if backend.kind != "socket":
        return None
    try:
        return _read_socket(backend)
    except ArgumentError as error:
        raise ArgumentError(f"{backend.typed}: {error}") from error


def _read_socket(backend: Backend) -> Place:
    _refuse_others(backend)
    given = backend.parameters
    server = _read_bool(backend, "server")
    reconnect = _read_reconnect(backend)
    if not server and "wait" in given:
        raise ArgumentError("'wait' option is incompatible with socket in client connect mode")
    if server and reconnect:
        raise ArgumentError("'reconnect' option is incompatible with socket in server listen mode")
    waits = server and _read_bool(backend, "wait", default=True)
    place = _read_address(backend)
    return Place(
        path=place.path,
        host=place.host,
        port=place.port,
        number=place.number,
        server=server,
        waits=waits,
        reconnect=reconnect,
    )


def _refuse_others(backend: Backend) -> None:
    """Refuse what is another protocol, and sockets that anybody may connect to."""
    for name in _PROTOCOLS:
        if _read_bool(backend, name):
            raise ArgumentError(f"{name}: a mock speaks QMP without another protocol around it")
    if backend.parameters.get("tls-creds"):
        raise ArgumentError("tls-creds: a mock has no credentials, and speaks QMP without TLS")
    if _read_bool(backend, "abstract"):
        raise ArgumentError("abstract: a mock has no abstract sockets; a path is right")


def _read_address(backend: Backend) -> Place:
    path, host, number = (backend.parameters.get(name) for name in ("path", "host", "fd"))
    given = [each for each in (path, host, number) if each is not None]
    if len(given) != 1:
        raise ArgumentError("one of 'path', 'fd' and 'host' is right")
    if path is not None:
        return Place(path=_require_path(path))
    if number is not None:
        return Place(number=_read_number(number))
    port = backend.parameters.get("port")
    if not port:
        raise ArgumentError("chardev: socket: no port given")
    return Place(host=host, port=port)


def _require_path(path: str) -> str:
    if not path:
        raise ArgumentError("the path is empty")
    return path


def _read_number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ArgumentError(f"Unable to parse FD number {text}")
    return int(text)


def _read_bool(backend: Backend, name: str, *, default: bool = False) -> bool:
    text = backend.parameters.get(name)
    if text is None:
        return default
    try:
        return parse_bool(text)
    except ArgumentError as error:
        raise ArgumentError(f"Parameter '{name}' expects 'on' or 'off'") from error


def _read_reconnect(backend: Backend) -> float:
    """Return after how many seconds to connect again; milliseconds are told since 9.2."""
    for name, unit in (("reconnect", 1.0), ("reconnect-ms", 0.001)):
        text = backend.parameters.get(name)
        if text is not None:
            try:
                return parse_uint(text) * unit
            except ArgumentError as error:
                raise ArgumentError(f"Parameter '{name}' expects a number") from error
    return 0.0

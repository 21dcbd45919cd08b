"""Rules about sockets of character devices: addresses, servers and clients, TLS.

QEMU's chardev/char-socket.c and char-udp.c; all releases agree but where a table says otherwise.
"""

from collections.abc import Iterator

from qscope.ask.line.backends import Backend, is_server, list_backends
from qscope.ask.line.inet import check_host, check_port, read_families
from qscope.ask.line.line import Line
from qscope.ask.line.rules.rule import ALL, SINCE_7_2, Fault, Rule
from qscope.ask.line.scalars import is_descriptor

_ADDRESSES = ("path", "fd", "host")


def _list_sockets(line: Line) -> Iterator[Backend]:
    return (each for each in list_backends(line) if each.kind == "socket")


def _blame(backend: Backend, name: str, message: str, right: str = "") -> Fault:
    """Say it of a parameter, or of the whole text that has no parameters."""
    where = backend.where or (name if backend.stream is None or _is_parsed(backend, name) else "")
    return Fault(backend.occurrence, where, message, right)


def _is_parsed(backend: Backend, name: str) -> bool:
    parsed = backend.stream.parsed if backend.stream else ()
    return any(each.name == name for each in parsed)


def find_addresses(line: Line) -> Iterator[Fault]:
    """Yield each socket that has no address, or several."""
    is_old = line.is_before(6, 0)
    for backend in _list_sockets(line):
        given = [name for name in _ADDRESSES if backend.given.has(name)]
        right = "one of path, host or fd is right"
        if not given and is_server(backend) and not is_old:
            # QEMU listens nowhere until it is told where.
            continue
        if not given:
            yield _blame(backend, "", "it has no address", right)
        elif len(given) > 1:
            yield _blame(backend, given[-1], f"{' and '.join(given)} are given", right)
        elif given == ["host"] and not backend.given.has("port"):
            yield _blame(backend, "port", "it is missing")
        elif given == ["path"] and not backend.given.get("path") and not is_server(backend):
            yield _blame(backend, "path", "it is empty")


def find_ports(line: Line) -> Iterator[Fault]:
    """Yield each host and port that no name service knows."""
    for backend in list_backends(line):
        if backend.kind not in ("socket", "udp"):
            continue
        for host, port in (("host", "port"), ("localaddr", "localport")):
            wrong = check_port(backend.given.get(port) or "")
            if wrong and (backend.given.has(host) or backend.kind == "udp"):
                yield _blame(backend, port, wrong)
        wrong = check_host(backend.given.get("host") or "", **read_families(backend.given))
        if wrong and backend.given.has("host"):
            yield _blame(backend, "host", wrong)


def find_descriptors(line: Line) -> Iterator[Fault]:
    """Yield each file descriptor that is no number."""
    for backend in _list_sockets(line):
        text = backend.given.get("fd")
        if text is not None and not is_descriptor(text):
            yield _blame(backend, "fd", f"{text!r} is no number of a file descriptor")


def find_roles(line: Line) -> Iterator[Fault]:
    """Yield what only a server, or only a client, can have."""
    is_old = line.is_before(6, 0)
    for backend in _list_sockets(line):
        given = backend.given
        reconnects = [name for name in ("reconnect", "reconnect-ms") if given.has(name)]
        if is_server(backend):
            for name in reconnects:
                yield _blame(backend, name, "a server does not connect")
            continue
        if given.is_on("websocket"):
            yield _blame(backend, "websocket", "there is no client for it", "server=on is right")
        # Before 6.0 a client could say that it does not wait.
        if given.has("wait") and not (is_old and not given.is_on("wait", default=True)):
            yield _blame(backend, "wait", "a client does not wait", "server=on is right")
        if given.has("fd"):
            for name in reconnects:
                yield _blame(backend, name, "a file descriptor cannot connect again")
        if len(reconnects) > 1:
            yield _blame(backend, "reconnect", "reconnect and reconnect-ms are both given")
        if given.get("port") == "0" and not reconnects:
            yield _blame(backend, "port", "nobody listens at port 0", "server=on may be meant")


def find_delays(line: Line) -> Iterator[Fault]:
    """Yield each socket with delay and nodelay."""
    for backend in _list_sockets(line):
        if backend.given.has("delay") and backend.given.has("nodelay"):
            yield _blame(backend, "nodelay", "delay and nodelay are both given")


def find_tls(line: Line) -> Iterator[Fault]:
    """Yield where TLS cannot be used."""
    for backend in _list_sockets(line):
        given = backend.given
        if given.has("tls-authz") and not given.has("tls-creds"):
            yield _blame(backend, "tls-authz", "there is no TLS without tls-creds")
        if given.has("tls-creds") and given.has("path"):
            yield _blame(backend, "tls-creds", "a UNIX socket has no TLS")
        if given.has("tls-creds") and given.has("fd") and not is_server(backend):
            yield _blame(backend, "tls-creds", "a file descriptor of a client has no TLS")


def find_udp(line: Line) -> Iterator[Fault]:
    """Yield each UDP device without a remote port."""
    for backend in list_backends(line):
        if backend.kind == "udp" and not backend.given.get("port"):
            yield _blame(backend, "port", "the port of the other side is missing")


_SERVED = "-chardev socket,id=s,host=127.0.0.1,port=0,server=on,wait=off"

RULES = (
    Rule(
        "socket-address",
        "a socket has one address",
        ALL,
        "-chardev socket,id=s",
        _SERVED,
        find_addresses,
    ),
    Rule(
        "socket-port",
        "a port is a number, a host has an address of the family that is asked for",
        ALL,
        "-serial tcp::abc,server=on,wait=off",
        "-serial tcp::0,server=on,wait=off",
        find_ports,
    ),
    Rule(
        "socket-descriptor",
        "file descriptors are numbers",
        ALL,
        "-chardev socket,id=s,fd=abc",
        _SERVED,
        find_descriptors,
    ),
    Rule(
        "socket-role",
        "servers wait, clients connect",
        ALL,
        "-chardev socket,id=s,host=127.0.0.1,port=1,websocket=on",
        f"{_SERVED},websocket=on",
        find_roles,
    ),
    Rule(
        "socket-delay",
        "delay is the contrary of nodelay",
        SINCE_7_2,
        f"{_SERVED},delay=on,nodelay=on",
        f"{_SERVED},delay=off",
        find_delays,
    ),
    Rule(
        "socket-tls",
        "TLS is for TCP, and needs credentials",
        ALL,
        f"{_SERVED},tls-authz=a0",
        f"-object tls-creds-anon,id=t0,endpoint=server {_SERVED},tls-creds=t0",
        find_tls,
    ),
    Rule(
        "udp-port",
        "datagrams are sent somewhere",
        ALL,
        "-chardev udp,id=u,host=127.0.0.1",
        "-chardev udp,id=u,host=127.0.0.1,port=1234",
        find_udp,
    ),
)

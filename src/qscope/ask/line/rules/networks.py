"""Rules about network back ends: which of their parameters exclude or need each other.

QEMU's net/*.c; 5.2 to 11.1 agree but where a rule says otherwise.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from qscope.ask.line.backends import index_chardevs, is_unix
from qscope.ask.line.given import Given, list_given
from qscope.ask.line.line import Line
from qscope.ask.line.rules.rule import ALL, SINCE_7_2, SINCE_10_0, Fault, Rule
from qscope.ask.line.scalars import is_descriptor, read_int
from qscope.ask.line.slirp import parse_ipv4

_NUMBER = re.compile(r"\s*[+-]?[0-9]", re.ASCII)
_TRANSPORTS = ("fd", "listen", "connect", "mcast", "udp")


def _list_kind(line: Line, kind: str) -> Iterator[Given]:
    for given in list_given(line, "netdev", "nic", "net"):
        if given.get("type") == kind:
            yield given


def find_transports(line: Line) -> Iterator[Fault]:
    """Yield each socket that does not have exactly one transport, or not what it needs."""
    for given in _list_kind(line, "socket"):
        used = [name for name in _TRANSPORTS if given.has(name)]
        if len(used) != 1:
            right = f"one of {', '.join(_TRANSPORTS)} is right"
            what = f"{' and '.join(used)} are given" if used else "it has no address"
            yield Fault(given.occurrence, used[-1] if used else "", what, right)
        elif given.has("localaddr") and not given.has("mcast", "udp"):
            yield Fault(given.occurrence, "localaddr", "it is for mcast and udp")
        elif given.has("udp") and not given.has("localaddr"):
            yield Fault(given.occurrence, "localaddr", "udp needs one")


def find_socket_addresses(line: Line) -> Iterator[Fault]:
    """Yield each address of a socket that is no HOST:PORT."""
    for given in _list_kind(line, "socket"):
        names = ("listen", "connect", "mcast", "udp")
        for name in (*names, "localaddr") if given.has("udp") else names:
            text = given.get(name)
            wrong = _check_address(text) if text is not None else ""
            if wrong:
                yield Fault(given.occurrence, name, wrong, "HOST:PORT is right")
        if given.has("mcast") and not any(_check_address(given.get("mcast") or "")):
            yield from _check_multicast(given)


def _check_address(text: str) -> str:
    host, colon, port = text.partition(":")
    if not colon:
        return f"{text!r} has no ':'"
    return _check_host_port(host, port)


def _check_host_port(host: str, port: str) -> str:
    if host[:1].isdigit() and parse_ipv4(host) is None:
        return f"{host!r} is no IPv4 address"
    if host.endswith(".invalid"):
        return f"no host is called {host!r}"
    # As for strtol(), a number in front is enough.
    return "" if _NUMBER.match(port) else f"{port!r} is no port"


def _check_multicast(given: Given) -> Iterator[Fault]:
    address = parse_ipv4((given.get("mcast") or "").partition(":")[0])
    if address is not None and address >> 28 != 0xE:
        yield Fault(given.occurrence, "mcast", "it is no multicast address")
    local = given.get("localaddr")
    if local is not None and parse_ipv4(local) is None:
        yield Fault(given.occurrence, "localaddr", f"{local!r} is no IPv4 address")


# Type -> parameters that are numbers of file descriptors, perhaps several of them.
_DESCRIPTORS: Mapping[str, Sequence[str]] = {
    "socket": ("fd",),
    "tap": ("fd", "fds", "vhostfd", "vhostfds"),
    "vhost-vdpa": ("vhostfd",),
}


def find_descriptors(line: Line) -> Iterator[Fault]:
    """Yield each file descriptor that is no number."""
    for given in list_given(line, "netdev", "nic", "net"):
        for name in _DESCRIPTORS.get(given.get("type") or "", ()):
            text = given.get(name)
            parts = [] if text is None else text.split(":") if name.endswith("s") else [text]
            wrong = [each for each in parts if not is_descriptor(each)]
            if wrong:
                what = f"{wrong[0]!r} is no number of a file descriptor"
                yield Fault(given.occurrence, name, what)


# What a tap that is given as file descriptor(s), or made by a helper, does not take.
_INTERFACE = ("ifname", "script", "downscript", "vnet_hdr")
_TAPS: Mapping[str, Sequence[str]] = {
    "fd": (*_INTERFACE, "helper", "queues", "fds", "vhostfds"),
    "fds": (*_INTERFACE, "helper", "queues", "vhostfd"),
    "helper": (*_INTERFACE, "queues", "vhostfds"),
}


def find_taps(line: Line) -> Iterator[Fault]:
    """Yield what a tap cannot take together."""
    for given in _list_kind(line, "tap"):
        opened = next((name for name in _TAPS if given.has(name)), None)
        for name in _TAPS[opened] if opened else ("vhostfds",):
            if given.has(name):
                what = f"it cannot be given with {opened}" if opened else "it needs fds"
                yield Fault(given.occurrence, name, what)
        if given.get("queues") == "0":
            yield Fault(given.occurrence, "queues", "there must be at least 1")


def find_streams(line: Line) -> Iterator[Fault]:
    """Yield each server that should connect again, and a client that should in two ways."""
    for given in _list_kind(line, "stream"):
        names = [name for name in ("reconnect", "reconnect-ms") if given.has(name)]
        if names and given.is_on("server"):
            yield Fault(given.occurrence, names[0], "a server does not connect")
        elif len(names) > 1:
            yield Fault(given.occurrence, names[0], "reconnect and reconnect-ms are both given")


def find_datagrams(line: Line) -> Iterator[Fault]:
    """Yield each dgram whose sides do not fit together."""
    for given in _list_kind(line, "dgram"):
        wrong = _check_datagram(given) or _check_sides(given)
        if wrong:
            yield Fault(given.occurrence, *wrong)


def _check_datagram(given: Given) -> tuple[str, str] | None:
    local, remote = given.get("local.type"), given.get("remote.type")
    address = parse_ipv4(given.get("remote.host") or "")
    if remote == "inet" and address is not None and address >> 28 == 0xE:
        return None
    if local is None:
        return "local", "only multicast goes without a local address"
    if remote is not None and local == "fd":
        return "remote", "it cannot be given with local.type=fd"
    text = given.get("local.str")
    if local == "fd":
        return (
            None if is_descriptor(text or "") else ("local.str", f"{text!r} is no file descriptor")
        )
    if remote is None:
        return "remote", f"local.type={local} needs one"
    return None if local == remote else ("remote.type", f"it must be {local}, as local.type")


def _check_sides(given: Given) -> tuple[str, str] | None:
    for side in ("local", "remote"):
        if given.get(f"{side}.type") == "inet":
            host, port = given.get(f"{side}.host") or "", given.get(f"{side}.port") or ""
            wrong = _check_host_port(host, port)
            if wrong:
                return side, wrong
    return None


def find_tunnels(line: Line) -> Iterator[Fault]:
    """Yield each l2tpv3 that lacks a port or a cookie."""
    for given in _list_kind(line, "l2tpv3"):
        if given.is_on("udp") and not (given.has("srcport") and given.has("dstport")):
            where = "dstport" if given.has("srcport") else "srcport"
            yield Fault(given.occurrence, where, "udp needs srcport and dstport")
        if given.has("rxcookie") != given.has("txcookie"):
            where = "rxcookie" if given.has("rxcookie") else "txcookie"
            yield Fault(given.occurrence, where, "rxcookie and txcookie go together")


def find_vhost_users(line: Line) -> Iterator[Fault]:
    """Yield each vhost-user whose character device is no UNIX socket, or that has no queue."""
    made = index_chardevs(line)
    for given in _list_kind(line, "vhost-user"):
        backend = made.get(given.get("chardev"))
        if backend is not None and not is_unix(backend):
            what = f"chardev {backend.name!r} is no UNIX socket"
            yield Fault(given.occurrence, "chardev", what)
        queues = read_int(given.get("queues"))
        if queues is not None and not 1 <= queues <= 1024:
            yield Fault(given.occurrence, "queues", "1 to 1024 is right")


def find_vdpas(line: Line) -> Iterator[Fault]:
    """Yield each vhost-vdpa without its device, or with two."""
    for given in _list_kind(line, "vhost-vdpa"):
        if given.has("vhostdev") == given.has("vhostfd"):
            yield Fault(given.occurrence, "vhostdev", "one of vhostdev and vhostfd is right")


def find_hubs(line: Line) -> Iterator[Fault]:
    """Yield each hub port whose -netdev is made only later, or has a port already."""
    made: list[str | None] = []
    used: set[str] = set()
    for given in list_given(line, "netdev", "nic"):
        name = given.get("netdev") if given.get("type") == "hubport" else None
        if name is not None and name not in made:
            yield Fault(given.occurrence, "netdev", f"netdev {name!r} is not made before it")
        elif name is not None and name in used:
            yield Fault(given.occurrence, "netdev", f"netdev {name!r} has a port already")
        used |= {name} if name else set()
        made.append(given.get("id"))


RULES = (
    Rule(
        "netdev-socket-transport",
        "a socket is of one kind",
        ALL,
        "-netdev socket,id=s0",
        "-netdev socket,id=s0,listen=127.0.0.1:0",
        find_transports,
    ),
    Rule(
        "netdev-socket-address",
        "addresses are HOST:PORT",
        ALL,
        "-netdev socket,id=s0,listen=127.0.0.1",
        "-netdev socket,id=s0,listen=:0",
        find_socket_addresses,
    ),
    Rule(
        "netdev-descriptor",
        "file descriptors are numbers",
        ALL,
        "-netdev tap,id=t0,fd=abc",
        "-netdev socket,id=s0,listen=:0",
        find_descriptors,
    ),
    Rule(
        "netdev-tap",
        "an interface that is there already is not made again",
        ALL,
        "-netdev tap,id=t0,fd=3,ifname=tap0",
        "-netdev user,id=n0",
        find_taps,
    ),
    Rule(
        "netdev-stream",
        "a server does not connect",
        SINCE_10_0,
        "-netdev stream,id=s0,server=on,reconnect-ms=1,addr.type=inet,addr.host=127.0.0.1,"
        "addr.port=0",
        "-netdev stream,id=s0,reconnect-ms=1000,addr.type=inet,addr.host=127.0.0.1,addr.port=1",
        find_streams,
    ),
    Rule(
        "netdev-dgram",
        "datagrams come from somewhere and go somewhere",
        SINCE_7_2,
        "-netdev dgram,id=s0",
        "-netdev dgram,id=s0,remote.type=inet,remote.host=224.0.0.1,remote.port=1234",
        find_datagrams,
    ),
    Rule(
        "netdev-l2tpv3",
        "both sides of a tunnel have a port, and a cookie",
        ALL,
        "-netdev l2tpv3,id=l0,src=127.0.0.1,dst=127.0.0.1,txsession=1,udp=on",
        "-netdev l2tpv3,id=l0,src=127.0.0.1,dst=127.0.0.1,txsession=1,udp=on,srcport=0,"
        "dstport=5000",
        find_tunnels,
    ),
    Rule(
        "netdev-vhost-user",
        "memory is shared by file descriptors",
        ALL,
        "-chardev null,id=c0 -netdev vhost-user,id=v0,chardev=c0",
        "-chardev null,id=c0 -netdev user,id=v0",
        find_vhost_users,
    ),
    Rule(
        "netdev-vhost-vdpa",
        "a vDPA device is given by its path or by a descriptor",
        SINCE_7_2,
        "-netdev vhost-vdpa,id=v0",
        "-netdev user,id=v0",
        find_vdpas,
    ),
    Rule(
        "netdev-hubport",
        "a port stands before what is plugged in",
        ALL,
        "-netdev hubport,id=h0,hubid=0,netdev=n0 -netdev user,id=n0",
        "-netdev user,id=n0 -netdev hubport,id=h0,hubid=0,netdev=n0",
        find_hubs,
    ),
)

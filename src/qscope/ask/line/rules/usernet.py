"""Rules about -netdev user, and -nic and -net of that type: addresses and forwarding."""

from collections.abc import Iterator

from qscope.ask.line.given import Given, list_given
from qscope.ask.line.line import Line
from qscope.ask.line.rules.rule import ALL, Fault, Rule
from qscope.ask.line.slirp import (
    Network,
    check_families,
    check_hostfwd,
    check_ipv4,
    check_ipv6,
    find_network,
    parse_guestfwd,
)

_LONGEST_NAME = 255


def list_users(line: Line) -> Iterator[Given]:
    """Yield each user network; -nic without a type is one, too."""
    for given in list_given(line, "netdev", "nic", "net"):
        default = "user" if given.occurrence.name == "nic" else ""
        if (given.get("type") or default) == "user":
            yield given


def find_families(line: Line) -> Iterator[Fault]:
    """Yield what is of a version of IP that is off."""
    for given in list_users(line):
        yield from (Fault(given.occurrence, *each) for each in check_families(given))


def find_addresses(line: Line) -> Iterator[Fault]:
    """Yield addresses that are none, or not in their network."""
    for given in list_users(line):
        for where, what in (*check_ipv4(given), *check_ipv6(given)):
            yield Fault(given.occurrence, where, what)


def find_names(line: Line) -> Iterator[Fault]:
    """Yield names that DHCP cannot hand out."""
    for given in list_users(line):
        if given.get("domainname") == "":
            yield Fault(given.occurrence, "domainname", "it is empty")
        for name in ("domainname", "hostname", "tftp-server-name"):
            if len((given.get(name) or "").encode("utf-8", "surrogateescape")) > _LONGEST_NAME:
                yield Fault(given.occurrence, name, "it has more than 255 bytes")


def find_host_forwards(line: Line) -> Iterator[Fault]:
    """Yield each rule of hostfwd that is malformed."""
    is_lenient = line.is_before(9, 2)
    has_unix = not line.is_before(10, 1)
    for given in list_users(line):
        for text in given.list_all("hostfwd"):
            is_unix = has_unix and text.startswith("unix:")
            wrong = _check_unix(text) if is_unix else check_hostfwd(text, is_lenient=is_lenient)
            if wrong:
                yield Fault(given.occurrence, "hostfwd", f"{text!r}: {wrong}")


def _check_unix(text: str) -> str:
    """Say what is wrong with `unix:/run/socket-:22`."""
    path, dash, rest = text.removeprefix("unix:").partition("-")
    if not path.startswith("/"):
        return "a path that begins with '/' is right"
    return check_hostfwd(f"tcp::1{dash}{rest}", is_lenient=False)


def find_guest_forwards(line: Line) -> Iterator[Fault]:
    """Yield each rule of guestfwd that is malformed, or not in the network."""
    for given in list_users(line):
        network = find_network(given)
        for text in given.list_all("guestfwd"):
            forward = parse_guestfwd(text)
            if isinstance(forward, str):
                yield Fault(given.occurrence, "guestfwd", f"{text!r}: {forward}")
            elif isinstance(network, Network) and forward.server:
                wrong = _check_server(line, network, forward.server)
                if wrong:
                    yield Fault(given.occurrence, "guestfwd", f"{text!r}: {wrong}")


def _check_server(line: Line, network: Network, server: int) -> str:
    """Say why an address cannot be a server; libslirp before 4.9 has servers of its own."""
    if not network.contains(server):
        return "the server is not in the network"
    is_old = line.is_before(10, 1)
    is_own = is_old and server in (network.host, network.dns)
    return "the server is host or dns" if is_own else ""


RULES = (
    Rule(
        "user-net-family",
        "addresses are of a version of IP that is on",
        ALL,
        "-netdev user,id=n0,ipv4=off,ipv6=off",
        "-netdev user,id=n0,ipv6=off",
        find_families,
    ),
    Rule(
        "user-net-address",
        "host, DNS and DHCP are different places of one network",
        ALL,
        "-netdev user,id=n0,host=192.168.1.1",
        "-netdev user,id=n0,net=192.168.1.0/24,host=192.168.1.1",
        find_addresses,
    ),
    Rule(
        "user-net-name",
        "names go into one byte's length of DHCP",
        ALL,
        "-netdev user,id=n0,domainname=",
        "-netdev user,id=n0,domainname=example.org",
        find_names,
    ),
    Rule(
        "user-net-hostfwd",
        "what is forwarded is PROTOCOL:HOST:PORT-GUEST:PORT",
        ALL,
        "-netdev user,id=n0,hostfwd=tcp:2222:22",
        "-netdev user,id=n0,hostfwd=tcp::0-:22",
        find_host_forwards,
    ),
    Rule(
        "user-net-guestfwd",
        "what is forwarded is tcp:SERVER:PORT-TARGET",
        ALL,
        "-netdev user,id=n0,guestfwd=tcp:1.2.3.4:80-null",
        "-netdev user,id=n0,guestfwd=tcp:10.0.2.100:80-null",
        find_guest_forwards,
    ),
)

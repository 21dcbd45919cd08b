"""What -netdev user checks of its addresses and forwarding rules (net/slirp.c).

In: texts. Out: complaints in words, "" for none. Addresses are read as the C library reads them:
`10.1` is one.
"""

import ipaddress
import re
from collections.abc import Iterator
from typing import NamedTuple

from qscope.ask.line.given import Given
from qscope.ask.line.scalars import read_int

_PART = re.compile(r"0[xX][0-9a-fA-F]+|[0-9]+", re.ASCII)
# strtol() with base 10.
_DECIMAL = re.compile(r"\s*([+-]?[0-9]*)", re.ASCII)
_ALL = 0xFFFFFFFF


def parse_ipv4(text: str) -> int | None:
    """Return an IPv4 address as inet_aton() reads it: one to four numbers, the last the rest."""
    parts = [_parse_part(part) for part in text.rstrip(" \t\n").split(".")]
    if len(parts) > 4 or any(part is None for part in parts):
        return None
    *bytes_, rest = (part for part in parts if part is not None)
    if any(byte > 255 for byte in bytes_) or rest >= 1 << (8 * (4 - len(bytes_))):
        return None
    address = rest
    for position, byte in enumerate(bytes_):
        address |= byte << (8 * (3 - position))
    return address


def _parse_part(text: str) -> int | None:
    if not _PART.fullmatch(text) or len(text) > 16:
        return None
    base = 16 if text[:2] in ("0x", "0X") else 8 if text.startswith("0") else 10
    try:
        return int(text, base)
    except ValueError:
        return None


def parse_ipv6(text: str) -> ipaddress.IPv6Address | None:
    """Return an IPv6 address as inet_pton() reads it."""
    try:
        return None if "%" in text else ipaddress.IPv6Address(text)
    except ValueError:
        return None


class Network(NamedTuple):
    """An IPv4 network of the guest's: addresses as numbers."""

    net: int = 0x0A000200
    mask: int = 0xFFFFFF00
    host: int = 0x0A000202
    dhcp: int = 0x0A00020F
    dns: int = 0x0A000203

    def contains(self, address: int) -> bool:
        """Whether an address is one of the network."""
        return address & self.mask == self.net


# First bits of an address -> the network's mask where none is given.
_CLASSES = (
    (0x80000000, 0x00000000, 0xFF000000),
    (0xFFF00000, 0xAC100000, 0xFFF00000),
    (0xC0000000, 0x80000000, 0xFFFF0000),
    (0xFFFF0000, 0xC0A80000, 0xFFFF0000),
    (0xFFFF0000, 0xC6120000, 0xFFFE0000),
    (0xE0000000, 0xE0000000, 0xFFFFFF00),
)


def parse_network(text: str) -> Network | str:
    """Return the network that `10.0.2.0/24` is, or what is wrong with it."""
    start, slash, end = text.partition("/")
    address = parse_ipv4(start)
    if address is None:
        return f"{start!r} is no IPv4 address"
    mask = _parse_mask(end) if slash else _guess_mask(address)
    if mask is None:
        return f"{end!r} is no netmask: 4 to 32, or one as 255.255.255.0"
    net, rest = address & mask, ~mask & _ALL
    return Network(net, mask, net | 0x0202 & rest, net | 0x020F & rest, net | 0x0203 & rest)


def _parse_mask(text: str) -> int | None:
    found = _DECIMAL.match(text)
    assert found is not None  # it matches nothing, too
    if found.end() < len(text):
        return parse_ipv4(text)
    bits = int(found[1]) if found[1] not in ("", "+", "-") and len(found[1]) < 10 else 0
    return _ALL << (32 - bits) & _ALL if 4 <= bits <= 32 else None


def _guess_mask(address: int) -> int:
    masks = (mask for bits, value, mask in _CLASSES if address & bits == value)
    return next(masks, 0xFFFFFFF0)


def check_families(given: Given) -> Iterator[tuple[str, str]]:
    """Yield that both versions of IP are off, or what belongs to one that is."""
    ipv4, ipv6 = find_families(given)
    if not ipv4 and not ipv6:
        yield "ipv4", "IPv4 and IPv6 are both off"
    for name in ("net", "ip", "host", "dns") if not ipv4 else ():
        if given.has(name):
            yield name, "IPv4 is off"
    for name in ("ipv6-prefix", "ipv6-net", "ipv6-host", "ipv6-dns") if not ipv6 else ():
        if given.has(name):
            yield name, "IPv6 is off"


def find_families(given: Given) -> tuple[bool, bool]:
    """Return whether IPv4 and IPv6 are on: to turn one on turns the other off."""
    four, six = given.has("ipv4"), given.has("ipv6")
    ipv4_on, ipv6_on = given.is_on("ipv4", default=True), given.is_on("ipv6", default=True)
    ipv4 = not ((six and ipv6_on and not four) or (four and not ipv4_on))
    ipv6 = not ((four and ipv4_on and not six) or (six and not ipv6_on))
    return ipv4, ipv6


def find_network(given: Given) -> Network | str:
    """Return the IPv4 network of a -netdev user, or what is wrong with it."""
    text = given.get("net")
    if text is None and given.get("ip") is not None:
        text = f"{given.get('ip')}/24"
    return Network() if text is None else parse_network(text)


def check_ipv4(given: Given) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the IPv4 addresses."""
    network = find_network(given)
    if isinstance(network, str):
        yield ("net" if given.has("net") else "ip"), network
        return
    for parameter, member in (("host", "host"), ("dns", "dns"), ("dhcpstart", "dhcp")):
        text = given.get(parameter)
        address = parse_ipv4(text) if text is not None else getattr(network, member)
        if address is None:
            yield parameter, f"{text!r} is no IPv4 address"
            return
        network = network._replace(**{member: address})
    if given.has("smbserver") and parse_ipv4(given.get("smbserver") or "") is None:
        yield "smbserver", "it is no IPv4 address"
    yield from _check_places(given, network)


def _check_places(given: Given, network: Network) -> Iterator[tuple[str, str]]:
    """Yield which addresses are outside of the network, or the same."""
    if not network.contains(network.host):
        yield "host", "it is not in the network"
    elif given.is_on("restrict") and not network.contains(network.dns):
        yield "dns", "it is not in the network, as restrict=on demands"
    elif network.dns == network.host:
        yield _name(given, "dns", "host"), "dns and host are the same address"
    elif not network.contains(network.dhcp):
        yield "dhcpstart", "it is not in the network"
    elif network.dhcp in (network.host, network.dns):
        yield _name(given, "dhcpstart", "host"), "dhcpstart is the address of host or dns"


def _name(given: Given, *names: str) -> str:
    """Return the first of the parameters that is given, else the network's."""
    return next((name for name in names if given.has(name)), "net")


def check_ipv6(given: Given) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the IPv6 addresses."""
    where, prefix_text, length = _find_prefix(given)
    prefix = parse_ipv6(prefix_text)
    if prefix is None:
        yield where, f"{prefix_text!r} is no IPv6 prefix"
        return
    if length is None or not 0 <= length <= 126:
        where = where if where == "ipv6-net" else "ipv6-prefixlen"
        yield where, "a prefix has 0 to 126 bits"
        return
    for name in ("ipv6-host", "ipv6-dns"):
        text = given.get(name)
        address = parse_ipv6(text) if text is not None else None
        if text is not None and address is None:
            yield name, f"{text!r} is no IPv6 address"
        is_bound = name == "ipv6-host" or given.is_on("restrict")
        if address and is_bound and (int(address) ^ int(prefix)) >> (128 - (length or 64)):
            yield name, "it is not in the network"


def _find_prefix(given: Given) -> tuple[str, str, int | None]:
    """Return the parameter, the prefix and its length (None: that is no number)."""
    net = given.get("ipv6-net")
    if net is not None:
        prefix, slash, bits = net.partition("/")
        return "ipv6-net", prefix, read_int(bits) if slash else 64
    bits = given.get("ipv6-prefixlen") or "64"
    return "ipv6-prefix", given.get("ipv6-prefix") or "fec0::", read_int(bits)


def check_hostfwd(text: str, *, is_lenient: bool) -> str:
    """Say what is wrong with `tcp:127.0.0.1:2222-10.0.2.15:22`; "" for nothing.

    Before 9.2 an empty port of the host was 0 (`is_lenient`).
    """
    protocol, colon, rest = text.partition(":")
    if not colon:
        return "it has no ':': tcp:HOST:PORT-GUEST:PORT is right"
    if protocol not in ("", "tcp", "udp"):
        return f"{protocol!r} is no protocol: tcp or udp is right"
    host, colon, rest = rest.partition(":")
    if not colon:
        return "it has no ':' behind the host's address: tcp:HOST:PORT-GUEST:PORT is right"
    port, dash, rest = rest.partition("-")
    guest, colon, guest_port = rest.partition(":")
    if host and parse_ipv4(host) is None:
        return f"{host!r} is no IPv4 address"
    if not dash:
        return "it has no '-' between the host's port and the guest"
    if not (_is_port(port, 0) or (is_lenient and not port)):
        return f"{port!r} is no port of the host"
    if not colon:
        return "it has no ':' in front of the guest's port"
    if guest and parse_ipv4(guest) is None:
        return f"{guest!r} is no IPv4 address"
    if not _is_port(guest_port, 1, junk=not is_lenient):
        return f"{guest_port!r} is no port of the guest"
    return ""


def _is_port(text: str, lowest: int, *, junk: bool = False) -> bool:
    if junk:
        # Since 9.2 what follows the number is not looked at.
        found = re.match(r"\s*[+-]?(?:0[xX][0-9a-fA-F]+|[0-9]+)", text, re.ASCII)
        text = found[0] if found else text
    number = read_int(text)
    return number is not None and lowest <= number <= 65535


class GuestForward(NamedTuple):
    """What a guestfwd asks for: an address (0: QEMU chooses), and where it leads to."""

    server: int
    target: str


def parse_guestfwd(text: str) -> GuestForward | str:
    """Return what `tcp:10.0.2.100:80-chardev:c0` means, or what is wrong with it."""
    protocol, colon, rest = text.partition(":")
    server, second, rest = rest.partition(":")
    port, dash, target = rest.partition("-")
    if not (colon and second and dash):
        return "tcp:SERVER:PORT-TARGET is right"
    if protocol not in ("", "tcp"):
        return f"{protocol!r} cannot be forwarded: tcp is right"
    address = parse_ipv4(server) if server else 0
    if address is None:
        return f"{server!r} is no IPv4 address"
    if not (port.strip().isascii() and port.strip().isdigit() and 1 <= int(port[:9]) <= 65535):
        return f"{port!r} is no port"
    return GuestForward(address, target)

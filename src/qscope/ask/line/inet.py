"""Hosts and ports as character devices, VNC and migration take them: what can never work.

In: texts. Out: complaints in words, "" for none. Whether a name can be looked up and a port is
free is the host's to say.
"""

import re

from qscope.ask.line.given import Given
from qscope.ask.line.slirp import parse_ipv6

_IPV4 = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}", re.ASCII)
_PORT = re.compile(r"[0-9]*", re.ASCII)
# Names of services that every /etc/services has; others are rarely meant.
_SERVICES = frozenset(("http", "https", "ssh", "telnet", "ftp", "smtp", "domain", "ntp", "vnc"))


def check_port(text: str) -> str:
    """Say what is wrong with a port: a number, or the name of a service."""
    if _PORT.fullmatch(text) or text in _SERVICES:
        return ""
    return f"{text!r} is no port"


def check_host(text: str, *, ipv4: bool | None = None, ipv6: bool | None = None) -> str:
    """Say what is wrong with a host; `ipv4` and `ipv6`: what is set of them, None for nothing."""
    if ipv4 is False and ipv6 is False:
        return "IPv4 and IPv6 are both off"
    only_ipv6 = (ipv6 and not ipv4) or ipv4 is False
    only_ipv4 = (ipv4 and not ipv6) or ipv6 is False
    if text.endswith(".invalid"):
        return f"no host is called {text!r}"
    if only_ipv6 and _IPV4.fullmatch(text):
        return f"{text} is an IPv4 address, and IPv6 is asked for"
    if only_ipv4 and parse_ipv6(text) is not None:
        return f"{text} is an IPv6 address, and IPv4 is asked for"
    return ""


def read_families(given: Given) -> dict[str, bool | None]:
    """Return what is set of ipv4 and ipv6, for check_host()."""
    return {name: given.is_on(name) if given.has(name) else None for name in ("ipv4", "ipv6")}


def is_name(text: str) -> bool:
    """Whether a host has to be looked up."""
    return bool(text) and not _IPV4.fullmatch(text) and parse_ipv6(text) is None

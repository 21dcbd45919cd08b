"""Rules about TCP and UDP ports that a line listens at: each is one listener's."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from qscope.ask.line.backends import is_server, list_backends
from qscope.ask.line.given import list_given
from qscope.ask.line.line import Line, Occurrence
from qscope.ask.line.rules.rule import ALL, Fault, Rule
from qscope.ask.line.rules.usernet import list_users
from qscope.ask.line.vnc import FIRST_PORT, list_screens

_ANY = ("", "0.0.0.0", "::")  # noqa: S104
_FORWARD = re.compile(r"(tcp|udp|):([^:]*):([0-9]+)-.*", re.ASCII | re.DOTALL)
_PORT = re.compile(r"[0-9]{1,5}", re.ASCII)
# In which order QEMU begins to listen.
_ORDER = ("chardev", "monitor", "qmp", "qmp-pretty", "netdev", "nic", "net", "serial", "parallel")
_LATE = ("debugcon", "display", "vnc", "s", "gdb", "incoming")


class Listener(NamedTuple):
    """Who listens where."""

    occurrence: Occurrence
    where: str
    protocol: str
    host: str
    port: str


def list_listeners(line: Line) -> list[Listener]:
    """Return who listens at a port that is chosen, in the order in which QEMU begins to."""
    found = [*_list_backends(line), *_list_forwards(line), *_list_sockets(line)]
    found += [*_list_screens(line), *_list_debuggers(line)]
    chosen = [each for each in found if _PORT.fullmatch(each.port) and int(each.port)]
    return sorted(chosen, key=lambda each: (*_ORDER, *_LATE).index(each.occurrence.name))


def _list_backends(line: Line) -> Iterator[Listener]:
    for backend in list_backends(line):
        given = backend.given
        if backend.kind == "socket" and is_server(backend) and not given.has("to"):
            where = "port" if backend.stream is None else ""
            host, port = given.get("host") or "", given.get("port") or ""
            if given.has("host"):
                yield Listener(backend.occurrence, where, "tcp", host, port)


def _list_forwards(line: Line) -> Iterator[Listener]:
    for given in list_users(line):
        for text in given.list_all("hostfwd"):
            found = _FORWARD.fullmatch(text)
            if found:
                yield Listener(given.occurrence, "hostfwd", found[1] or "tcp", found[2], found[3])


def _list_sockets(line: Line) -> Iterator[Listener]:
    for given in list_given(line, "netdev", "nic", "net"):
        text = given.get("listen") if given.get("type") == "socket" else None
        if text is not None:
            host, _, port = text.partition(":")
            yield Listener(given.occurrence, "listen", "tcp", host, port)


def _list_screens(line: Line) -> Iterator[Listener]:
    for screen in list_screens(line):
        host, colon, display = screen.address.rpartition(":")
        if colon and _PORT.fullmatch(display) and not screen.given.has("to", "reverse"):
            where = "vnc" if screen.occurrence.name == "vnc" else ""
            port = str(int(display) + FIRST_PORT)
            yield Listener(screen.occurrence, where, "tcp", host.strip("[]"), port)


def _list_debuggers(line: Line) -> Iterator[Listener]:
    for occurrence in line.select("s"):
        yield Listener(occurrence, "", "tcp", "", "1234")


def find_taken(line: Line) -> Iterator[Fault]:
    """Yield each listener at a port that another one of the line has."""
    seen: list[Listener] = []
    for listener in list_listeners(line):
        if any(_meet(listener, other) for other in seen):
            what = f"something else of this line listens at port {int(listener.port)}"
            yield Fault(listener.occurrence, listener.where, what)
        seen.append(listener)


def _meet(first: Listener, second: Listener) -> bool:
    if (first.protocol, int(first.port)) != (second.protocol, int(second.port)):
        return False
    is_any = first.host in _ANY or second.host in _ANY
    return is_any or first.host == second.host


RULES = (
    Rule(
        "port-taken",
        "who listens at a port has it alone",
        ALL,
        "-vnc 127.0.0.1:7 -vnc 127.0.0.1:7",
        "-vnc 127.0.0.1:7,to=99 -vnc 127.0.0.1:7,to=99",
        find_taken,
    ),
)

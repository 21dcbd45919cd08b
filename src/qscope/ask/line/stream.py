"""Character devices as -serial, -monitor, -gdb and others write them: `tcp:127.0.0.1:0,server=on`.

In: the text. Out: `Stream`, what -chardev would be given instead (chardev/char.c,
qemu_chr_parse_compat). Raises ArgumentError where QEMU finds no character device in the text.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from qscope.ask.syntax.qemuopts import Parameter, parse_qemuopts
from qscope.errors import ArgumentError

# Words that are a back end without parameters.
_WORDS = ("null", "pty", "msmouse", "wctablet", "braille", "testdev", "stdio")
_SOCKETS = ("tcp", "telnet", "tn3270", "websocket")
_ADDRESS = re.compile(r"([^:]{1,64}):([^,]{1,32})|:([^,]{1,32})", re.DOTALL)
_UDP = re.compile(r"([^:]{1,64}):([^@,]{1,32})|:([^@,]{1,32})", re.DOTALL)
_SCREEN = re.compile(r"([0-9]{1,7})(C?)x([0-9]{1,7})\2", re.ASCII)
_PATHS = ("file", "pipe")
RIGHT = "null, stdio, vc, pty, file:PATH, pipe:PATH, tcp:HOST:PORT, unix:PATH, … or chardev:ID"


class Stream(NamedTuple):
    """A back end and its parameters; `parsed` are those that were given as parameters."""

    backend: str
    parameters: Mapping[str, str]
    parsed: tuple[Parameter, ...] = ()
    mux: bool = False


def parse_stream(text: str) -> Stream:
    """Return what a text stands for; `mon:` in front adds a monitor."""
    if text.startswith("mon:"):
        inner = parse_plain(text[4:])
        return inner._replace(mux=True)
    return parse_plain(text)


def parse_plain(text: str) -> Stream:
    """Return what a text without `mon:` stands for."""
    if text in _WORDS:
        return Stream(text, {})
    if text.startswith("vc"):
        # What else follows is not looked at.
        return _parse_screen(text[3:]) if text.startswith("vc:") else Stream("vc", {})
    kind, colon, rest = text.partition(":")
    if colon and kind in _PATHS:
        return Stream(kind, {"path": rest})
    if text == "con:":
        return Stream("console", {})
    if colon and kind in _SOCKETS:
        return _parse_socket(kind, rest)
    if colon and kind == "udp":
        return _parse_udp(rest)
    if colon and kind == "unix":
        parsed = parse_qemuopts(rest, "path")
        return Stream("socket", {each.name: each.value for each in parsed}, parsed)
    if text.startswith(("/dev/parport", "/dev/ppi")):
        return Stream("parallel", {"path": text})
    if text.startswith(("/dev/", "COM")):
        return Stream("serial", {"path": text})
    raise ArgumentError(f"{text!r} is no character device: {RIGHT} is right")


def _parse_screen(text: str) -> Stream:
    found = _SCREEN.match(text)
    if not found:
        raise ArgumentError(f"{text!r} is no size of a screen: 800x600 or 80Cx24C is right")
    names = ("cols", "rows") if found[2] else ("width", "height")
    return Stream("vc", dict(zip(names, (found[1], found[3]), strict=True)))


def _parse_socket(kind: str, text: str) -> Stream:
    found = _ADDRESS.match(text)
    if not found:
        raise ArgumentError(f"{text!r} is no address: {kind}:HOST:PORT is right")
    parameters = {"host": found[1] or "", "port": found[2] or found[3]}
    rest = text[found.end() :]
    parsed = parse_qemuopts(rest[1:]) if rest.startswith(",") else ()
    parameters |= {each.name: each.value for each in parsed}
    if kind != "tcp":
        parameters[kind] = "on"
    return Stream("socket", parameters, parsed)


def _parse_udp(text: str) -> Stream:
    found = _UDP.match(text)
    if not found:
        raise ArgumentError(f"{text!r} is no address: udp:HOST:PORT is right")
    parameters = {"host": found[1] or "", "port": found[2] or found[3]}
    rest = text[found.end() :]
    if rest.startswith("@"):
        local = _ADDRESS.match(rest[1:])
        if not local:
            raise ArgumentError(f"{rest[1:]!r} is no local address: @HOST:PORT is right")
        parameters |= {"localaddr": local[1] or "", "localport": local[2] or local[3]}
    return Stream("udp", parameters)

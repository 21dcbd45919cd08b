"""The character devices that a line makes, by -chardev or by an option that takes one as text.

In: a line. Out: `Backend`s in the order in which QEMU makes them: -chardev and monitors first, as
they were typed, then -serial, -parallel, -debugcon, and at last -gdb.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from qscope.ask.line.given import Given, read_given
from qscope.ask.line.line import Line, Occurrence
from qscope.ask.line.slirp import GuestForward, parse_guestfwd
from qscope.ask.line.stream import Stream, parse_stream
from qscope.errors import ArgumentError

# Options whose argument is a character device, and what it may be instead.
STREAMS: Mapping[str, tuple[str, ...]] = {
    "monitor": ("none",),
    "qmp": (),
    "qmp-pretty": (),
    "serial": ("none",),
    "parallel": ("none",),
    "debugcon": (),
    "gdb": ("none",),
    "virtioconsole": ("none",),
    "qtest": (),
}
# Option -> how QEMU calls the character device that it makes, with a number behind it but for the
# last two, of which there is one.
LABELS: Mapping[str, str] = {
    "serial": "serial",
    "parallel": "parallel",
    "monitor": "compat_monitor",
    "qmp": "compat_monitor",
    "qmp-pretty": "compat_monitor",
    "gdb": "gdb",
    "debugcon": "debugcon",
}
_MONITORS = ("monitor", "qmp", "qmp-pretty")
_LATER = ("netdev", "nic", "net", "serial", "parallel", "debugcon", "gdb")


class Backend(NamedTuple):
    """A character device: who makes it, at which parameter, as which back end, with what."""

    occurrence: Occurrence
    where: str
    kind: str
    given: Given
    stream: Stream | None = None

    @property
    def name(self) -> str | None:
        """Its ID where it is a -chardev."""
        return self.given.get("id") if self.stream is None else None


def find_target(text: str) -> str | None:
    """Return the ID in `chardev:ID`; None where a text is something else."""
    start, colon, name = text.partition(":")
    return name if colon and start == "chardev" else None


def is_stream(option: str, text: str) -> bool:
    """Whether a text makes a character device, and does not refer to one or to none."""
    return find_target(text) is None and not is_none(option, text)


def is_none(option: str, text: str) -> bool:
    """Whether a text says that there shall be no device; of -monitor's word the start counts."""
    return text in STREAMS[option] or (option == "monitor" and text.startswith("none"))


def list_backends(line: Line) -> Iterator[Backend]:
    """Yield each character device; a malformed text is nobody's here."""
    for occurrence in line.select("chardev", *_MONITORS):
        yield from read_backends(occurrence)
    for option in _LATER:
        for occurrence in line.select(option):
            yield from read_backends(occurrence)


class Base(NamedTuple):
    """A -chardev that a mux or a hub stands on: whose, in which parameter, its ID."""

    backend: Backend
    parameter: str
    name: str


def list_bases(line: Line) -> Iterator[Base]:
    """Yield what each mux and each hub stands on."""
    for backend in list_backends(line):
        for parameter, name in backend.given.parameters.items():
            start = parameter.partition(".")[0]
            if (backend.kind, start) in (("mux", "chardev"), ("hub", "chardevs")):
                yield Base(backend, parameter, name)


def index_chardevs(line: Line) -> dict[str | None, Backend]:
    """Return each -chardev by its ID, None where it has none."""
    return {each.name: each for each in list_backends(line) if each.stream is None}


def read_backends(occurrence: Occurrence) -> Iterator[Backend]:
    """Yield the character devices that one option makes."""
    text = occurrence.word.argument or ""
    if occurrence.parsed is None or occurrence.parsed.help:
        return
    if occurrence.name == "chardev":
        given = read_given(occurrence)
        yield Backend(occurrence, "", given.get("backend") or "", given)
    elif occurrence.name in STREAMS:
        if is_stream(occurrence.name, text):
            yield from _read_text(occurrence, "", text)
    else:
        for forward in list_forwards(read_given(occurrence)):
            if not forward.target.startswith("cmd:") and find_target(forward.target) is None:
                yield from _read_text(occurrence, "guestfwd", forward.target)


def list_forwards(given: Given) -> Iterator[GuestForward]:
    """Yield what a -netdev user forwards to character devices, and to commands."""
    for text in given.list_all("guestfwd"):
        forward = parse_guestfwd(text)
        if isinstance(forward, GuestForward):
            yield forward


def _read_text(occurrence: Occurrence, where: str, text: str) -> Iterator[Backend]:
    try:
        stream = parse_stream(text)
    except ArgumentError:
        return
    yield Backend(occurrence, where, stream.backend, Given(occurrence, stream.parameters), stream)


def is_unix(backend: Backend) -> bool:
    """Whether it is a UNIX socket, through which file descriptors can be handed."""
    return backend.kind == "socket" and backend.given.has("path", "fd")


def is_server(backend: Backend) -> bool:
    """Whether a socket listens: -gdb makes each TCP port a server."""
    is_gdb = backend.occurrence.name == "gdb" and backend.given.has("host")
    return is_gdb or backend.given.is_on("server")

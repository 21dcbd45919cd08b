"""What a character device needs of the host: notes, which decide nothing.

In: a back end. Out: findings of the severity NOTE.
"""

from collections.abc import Iterator, Mapping

from qscope.ask.finding import Finding, Severity
from qscope.ask.line.backends import Backend, is_server
from qscope.ask.line.inet import is_name

# What a back end opens.
_OPENED: Mapping[str, str] = {
    "file": "QEMU must be able to write {path!r}",
    "pipe": "{path!r} must be there",
    "serial": "{path!r} must be there",
    "tty": "{path!r} must be there",
    "parallel": "{path!r} must be a parallel port",
    "parport": "{path!r} must be a parallel port",
    "pty": "the host must have pseudo terminals",
    "braille": "BrlAPI must run",
    "dbus": "-display dbus must be there",
}


def note(message: str, where: str = "") -> Finding:
    """Return a note."""
    return Finding("host", where, message, Severity.NOTE)


def note_backend(backend: Backend) -> Iterator[Finding]:
    """Yield what a character device needs of the host."""
    path = backend.given.get("path")
    form = _OPENED.get(backend.kind)
    if form and path != "/dev/null":
        yield note(form.format(path=path), "path" if path and not backend.stream else "")
    if backend.given.has("logfile"):
        yield note("QEMU must be able to write it", "logfile")
    if backend.kind == "socket":
        yield from _note_socket(backend)
    host = backend.given.get("host") or ""
    if is_name(host):
        yield note(f"the host must find {host!r}", "" if backend.stream else "host")


def _note_socket(backend: Backend) -> Iterator[Finding]:
    given = backend.given
    if given.has("fd"):
        yield note(f"file descriptor {given.get('fd')} must be an open socket", "fd")
    elif is_server(backend):
        if given.get("port") != "0":
            yield note("the address must be free")
        if given.is_on("wait", default=backend.occurrence.name != "gdb"):
            yield note("QEMU waits until somebody connects (wait=off: it does not)")
    elif not given.has("reconnect", "reconnect-ms"):
        yield note("somebody must listen there")

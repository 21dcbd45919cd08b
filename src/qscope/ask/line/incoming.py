"""Judge -incoming: a URI, since 8.2 a migration channel as well (migration/migration.c).

In: a line and an occurrence. Out: findings. Whether a port is free or a file there is the host's
to say.
"""

import re
from collections.abc import Iterator

from qscope.ask.finding import Finding
from qscope.ask.line.given import Given, read_given
from qscope.ask.line.host import note
from qscope.ask.line.inet import check_host, check_port, is_name
from qscope.ask.line.line import Line, Occurrence, doubt_parameters
from qscope.ask.line.scalars import is_descriptor, read_uint
from qscope.ask.syntax.qemuopts import parse_qemuopts
from qscope.ask.syntax.scalars import parse_size
from qscope.errors import ArgumentError
from qscope.model.near import near

_URI = re.compile(r"([A-Za-z]+):(.*)", re.DOTALL)
_SCHEMES = ("tcp", "unix", "fd", "exec", "rdma", "vsock", "file", "defer")
# util/qemu-sockets.c, inet_parse().
_INET = re.compile(r"(?:\[([^\]]{1,64})\]|([^:,]{0,64})):([^:,]{1,32})(?:,(.*))?", re.DOTALL)
_VSOCK = re.compile(r"[0-9]+:[0-9]+", re.ASCII)


def judge_incoming(line: Line, occurrence: Occurrence) -> Iterator[Finding]:
    """Yield what is wrong with one -incoming; up to 8.1 the last one alone counts."""
    text = occurrence.word.argument or ""
    parsed = occurrence.parsed
    if parsed is not None and isinstance(parsed.value, dict):
        option = occurrence.option
        if option is None or option.arg_type is None:
            yield doubt_parameters()
            return
        checker = line.make_checker(occurrence, "migrate-incoming", ("channels",))
        yield from checker.check(option.arg_type, parsed.value, "")
        yield from _judge_channel(read_given(occurrence))
    elif not _is_ignored(line, occurrence):
        yield from _judge_uri(line, text)


def _is_ignored(line: Line, occurrence: Occurrence) -> bool:
    is_old = line.is_before(8, 2)
    return is_old and occurrence is not line.find_last("incoming")


def _judge_channel(given: Given) -> Iterator[Finding]:
    """Yield what is wrong with the address of a channel over TCP."""
    if (given.get("addr.transport"), given.get("addr.type")) == ("socket", "inet"):
        for name, check in (("host", check_host), ("port", check_port)):
            wrong = check(given.get(f"addr.{name}") or "")
            if wrong:
                yield Finding("uri-malformed", f"addr.{name}", wrong)


def _judge_uri(line: Line, text: str) -> Iterator[Finding]:
    if text == "defer":
        return
    found = _URI.fullmatch(text)
    scheme, rest = (found[1], found[2]) if found else ("", "")
    is_file = scheme == "file" and line.is_before(8, 2)
    if scheme not in _JUDGES or is_file:
        guesses = tuple(near(scheme or text, _SCHEMES))
        what = f"no way to migrate {text!r}"
        right = "tcp:HOST:PORT, unix:PATH, fd:NUMBER, exec:COMMAND, file:PATH or defer"
        yield Finding("uri-unknown", "", what, right=right, suggestions=guesses)
        return
    wrong = _JUDGES[scheme](line, rest)
    if wrong:
        yield Finding("uri-malformed", "", f"{text!r}: {wrong}")
    elif scheme in _HOST:
        yield note(_HOST[scheme])
    if scheme == "tcp":
        host, _, _ = rest.rpartition(":")
        if is_name(host.strip("[]")):
            yield note(f"the host must find {host!r}")


def _check_tcp(line: Line, text: str) -> str:
    found = _INET.fullmatch(text)
    if not found:
        return "tcp:HOST:PORT is right"
    wrong = check_port(found[3]) or check_host(found[1] or found[2] or "")
    return wrong or _check_inet_options(line, found[4] or "")


def _check_inet_options(line: Line, text: str) -> str:
    """Check `to=10,ipv4=on`: before 10.1 QEMU looked for these words alone."""
    is_lenient = line.is_before(10, 1)
    for each in parse_qemuopts(text):
        if each.name == "to" and read_uint(each.value) is None:
            return f"{each.value!r} is no number"
        if each.name in _INET_FLAGS and each.value not in ("on", "off"):
            return f"{each.value!r} is neither on nor off"
        if each.name not in _INET_NAMES and not is_lenient:
            return f"there is no parameter {each.name!r}"
    return ""


_INET_FLAGS = ("ipv4", "ipv6", "keep-alive", "mptcp")
_INET_NAMES = frozenset(
    (
        "id",
        "to",
        "ipv4",
        "ipv6",
        "keep-alive",
        "keep-alive-count",
        "keep-alive-idle",
        "keep-alive-interval",
        "mptcp",
        "numeric",
        "host",
        "port",
    )
)


def _check_unix(_: Line, text: str) -> str:
    return "" if text else "unix:PATH is right"


def _check_fd(_: Line, text: str) -> str:
    return "" if is_descriptor(text) else "fd:NUMBER is right"


def _check_vsock(_: Line, text: str) -> str:
    return "" if _VSOCK.fullmatch(text) else "vsock:CID:PORT is right"


def _check_file(line: Line, text: str) -> str:
    path, comma, rest = text.partition(",offset=")
    if not path or path == "/dev/null":
        return "file:PATH is right, and the file holds a machine's state"
    try:
        if comma:
            parse_size(rest, line.dialect)
    except ArgumentError as error:
        return str(error)
    return ""


def _pass(_: Line, text: str) -> str:
    del text
    return ""


_JUDGES = {
    "tcp": _check_tcp,
    "unix": _check_unix,
    "fd": _check_fd,
    "exec": _pass,
    "rdma": _pass,
    "vsock": _check_vsock,
    "file": _check_file,
}
_HOST = {
    "unix": "its folder must be there",
    "fd": "the file descriptor must be open",
    "file": "the file must hold a machine's state",
    "rdma": "the host must have RDMA",
    "vsock": "the host must have vsock",
}

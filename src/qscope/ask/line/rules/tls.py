"""Rules about TLS credentials: a server needs those of a server."""

from collections.abc import Iterator

from qscope.ask.line.backends import Backend, is_server, list_backends
from qscope.ask.line.given import list_given, read_given
from qscope.ask.line.line import Line, Occurrence
from qscope.ask.line.rules.rule import ALL, Fault, Rule


def find_endpoints(line: Line) -> Iterator[Fault]:
    """Yield each use of credentials that are for the other side."""
    ends = {
        occurrence.get("id"): read_given(occurrence).get("endpoint") or "client"
        for occurrence in line.select("object")
        if (occurrence.get("qom-type") or "").startswith("tls-creds-")
    }
    for occurrence, name, end in _list_uses(line):
        if ends.get(name, end) != end:
            yield Fault(occurrence, "tls-creds", f"{name!r} is not for a {end}", f"endpoint={end}")


def _list_uses(line: Line) -> Iterator[tuple[Occurrence, str, str]]:
    """Yield who uses credentials, their ID, and for which end."""
    for backend in list_backends(line):
        name = backend.given.get("tls-creds")
        if name is not None and backend.kind == "socket":
            yield backend.occurrence, name, _name_end(backend)
    for given in list_given(line, "vnc"):
        name = given.get("tls-creds")
        if name is not None:
            yield given.occurrence, name, "server"


def _name_end(backend: Backend) -> str:
    return "server" if is_server(backend) else "client"


RULES = (
    Rule(
        "tls-endpoint",
        "who listens proves who it is in another way than who connects",
        ALL,
        "-object tls-creds-anon,id=t0,endpoint=client -vnc none,tls-creds=t0",
        "-object tls-creds-anon,id=t0,endpoint=server -vnc none,tls-creds=t0",
        find_endpoints,
    ),
)

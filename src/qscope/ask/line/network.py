"""Judge -netdev, -nic and -net by netdev_add's schema, and by the back ends that QEMU lists.

In: a line and an occurrence. Out: findings about types and parameters. What they mean together are
rules (rules/usernet.py, rules/networks.py).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from qscope.ask.finding import Finding, Severity
from qscope.ask.line.backends import read_backends
from qscope.ask.line.chardev import check_forwards
from qscope.ask.line.host import note, note_backend
from qscope.ask.line.line import Line, Occurrence, doubt_parameters
from qscope.ask.line.opts_values import build_value
from qscope.ask.options.scalars import find_in_schema
from qscope.ask.syntax.qemuopts import Parameter
from qscope.model.near import near
from qscope.model.schema_info import ObjectType

# What no -netdev is, though it is a value of the type (net/net.c, net_client_init1).
_NEVER: Mapping[str, tuple[str, ...]] = {
    "netdev": ("none", "nic"),
    "nic": ("nic", "stream", "dgram"),
    "net": ("hubport", "stream", "dgram"),
}
# Which back ends a build has cannot be seen in the schema: these are rarely built.
_RARE = ("netmap", "vde")
# What of the host a back end needs.
_HOST: Mapping[str, str] = {
    "tap": "QEMU must be allowed to make or open a tap interface",
    "bridge": "the bridge helper and the bridge must be there",
    "vde": "a VDE switch must run",
    "vhost-vdpa": "the vDPA device must be there",
    "passt": "passt must be installed",
    "af-xdp": "the interface must be there",
    "l2tpv3": "QEMU must be allowed to use raw sockets",
}
# Parameters of -nic itself.
_NIC = ("model", "mac")


def judge_network(line: Line, occurrence: Occurrence) -> Iterator[Finding]:
    """Yield what is wrong with one network back end or network card."""
    given = _read(line, occurrence)
    kind = given.get("type")
    if occurrence.name == "nic" and kind == "none":
        return
    yield from _check_type(line, occurrence, given)
    if isinstance(kind, str):
        yield from _judge_kind(line, occurrence, kind)
        yield from check_forwards(line, occurrence)
        if kind in _HOST and not any(name in given for name in ("fd", "fds")):
            yield note(_HOST[kind])
    for backend in read_backends(occurrence):
        yield from note_backend(backend)


def _read(line: Line, occurrence: Occurrence) -> dict[str, Any]:
    """Return what netdev_add would be given."""
    value = occurrence.parsed.value if occurrence.parsed else None
    given = value if isinstance(value, dict) else {}
    if isinstance(value, tuple):
        parameters = [_rename(each) for each in value if isinstance(each, Parameter)]
        if occurrence.name == "nic" and not any(each.name == "type" for each in parameters):
            parameters.append(Parameter("type", "user"))
        name = find_in_schema(line.interface, "netdev_add/arg-type")
        given = build_value(line.find, name or "", parameters)
    if occurrence.name == "nic":
        given = {name: each for name, each in given.items() if name not in _NIC}
    return given if occurrence.name == "netdev" else {"id": "chosen", **given}


def _rename(parameter: Parameter) -> Parameter:
    """Return a parameter as the schema has it: ipv6-net is two others in one."""
    if parameter.name == "ipv6-net":
        return Parameter("ipv6-prefix", parameter.value)
    return parameter


def _check_type(line: Line, occurrence: Occurrence, given: dict[str, Any]) -> Iterator[Finding]:
    name = find_in_schema(line.interface, "netdev_add/arg-type")
    entity = line.find(name) if name else None
    if isinstance(entity, ObjectType) and entity.tag:
        yield from line.make_checker(occurrence, "netdev_add").check(entity.name, given, "")
    else:
        yield doubt_parameters()


def _judge_kind(line: Line, occurrence: Occurrence, kind: str) -> Iterator[Finding]:
    """Yield that this build, or this option, has no such back end."""
    words = line.interface.command_line.words.get("netdev", ())
    if kind in _NEVER[occurrence.name]:
        what = f"-{occurrence.name} cannot make a {kind!r}"
        yield Finding("netdev-unavailable", "type", what)
    elif words and kind not in words and kind not in ("nic", "none"):
        guesses = tuple(near(kind, words))
        what = f"this QEMU has no network back end {kind!r}"
        yield Finding("netdev-unavailable", "type", what, suggestions=guesses)
    elif not words and kind in _RARE:
        what = f"whether this QEMU is built with {kind} is not known"
        yield Finding("netdev-unavailable", "type", what, Severity.UNKNOWN)

"""Rules about names that refer to what another option makes, whatever their order is."""

from collections.abc import Iterator
from typing import NamedTuple

from qscope.ask.line.backends import LABELS, find_target
from qscope.ask.line.line import Line, Occurrence
from qscope.ask.line.names import Names
from qscope.ask.line.rules.rule import ALL, Fault, Rule
from qscope.ask.line.scalars import read_bool
from qscope.ask.owner import resolve_driver
from qscope.model.near import near
from qscope.model.property_types import ScalarType
from qscope.model.schema_info import ObjectType


class Reference(NamedTuple):
    """A parameter whose value names something of a kind."""

    occurrence: Occurrence
    parameter: str
    kind: str
    name: str


# (option, value of its first parameter or "" for any, parameter) -> what it names.
_PARAMETERS = {
    ("netdev", "vhost-user", "chardev"): "chardev",
    ("nic", "vhost-user", "chardev"): "chardev",
    ("net", "nic", "netdev"): "netdev",
    ("object", "filter-buffer", "netdev"): "netdev",
    ("object", "filter-dump", "netdev"): "netdev",
    ("object", "filter-mirror", "netdev"): "netdev",
    ("object", "filter-redirector", "netdev"): "netdev",
    ("object", "filter-replay", "netdev"): "netdev",
    ("object", "filter-rewriter", "netdev"): "netdev",
    ("tpmdev", "emulator", "chardev"): "chardev",
    ("mon", "", "chardev"): "chardev",
    ("chardev", "socket", "tls-creds"): "tls-creds",
    ("vnc", "", "tls-creds"): "tls-creds",
    ("vnc", "", "password-secret"): "secret_common",
    ("vnc", "", "audiodev"): "audiodev",
    ("vnc", "", "display"): "device",
    ("spice", "", "password-secret"): "secret_common",
    ("spice", "", "display"): "device",
    ("machine", "", "pflash0"): "drive",
    ("machine", "", "pflash1"): "drive",
    ("machine", "", "pcspk-audiodev"): "audiodev",
}
_FIRST = {
    "netdev": "type",
    "nic": "type",
    "net": "type",
    "object": "qom-type",
    "tpmdev": "type",
    "numa": "type",
    "chardev": "backend",
}
# Options whose argument is a character device, where `chardev:ID` refers to one.
_STREAMS = tuple(LABELS)


def find_references(line: Line) -> Iterator[Reference]:
    """Yield each parameter that names what another option makes."""
    for occurrence in line.occurrences:
        if occurrence.name == "device":
            yield from _find_in_device(line, occurrence)
        elif occurrence.name in _STREAMS:
            name = find_target(occurrence.word.argument or "")
            if name is not None:
                yield Reference(occurrence, "", "chardev", name)
        else:
            yield from _find_in_parameters(occurrence)


def _find_in_parameters(occurrence: Occurrence) -> Iterator[Reference]:
    first = occurrence.get(_FIRST.get(occurrence.name, ""))
    for (option, value, parameter), kind in _PARAMETERS.items():
        name = occurrence.get(parameter)
        # A machine that has no name for its flash has none.
        if option == occurrence.name == "machine" and kind == "drive" and not name:
            continue
        if option == occurrence.name and value in ("", first) and name is not None:
            yield Reference(occurrence, parameter, kind, name)


def _find_in_device(line: Line, occurrence: Occurrence) -> Iterator[Reference]:
    """Yield references by the formats of a driver's properties: `id:netdev`, `id:iothread`."""
    driver = resolve_driver(line.interface.listings, occurrence.get("driver") or "")
    made = line.interface.qom.make("device", driver, arguments=True)
    for member in made.members if isinstance(made, ObjectType) else ():
        name = occurrence.get(member.name)
        entity = line.find(member.type)
        if member.name in _LATER:
            continue
        if name is not None and isinstance(entity, ScalarType) and entity.format[:3] == "id:":
            yield Reference(occurrence, member.name, entity.format[3:], name)


# Properties whose value may be the ID of what is plugged in later, or never (hw/net/virtio-net.c).
_LATER = ("failover_pair_id",)


def find_missing(line: Line) -> Iterator[Fault]:
    """Yield each reference to what no option makes."""
    names = line.once(Names)
    for reference in find_references(line):
        fault = _judge(line, names, reference)
        if fault:
            yield fault


_KINDS = ("netdev", "chardev", "audiodev", "tpmdev", "drive", "object", "device", "fsdev")


def _judge(line: Line, names: Names, reference: Reference) -> Fault | None:
    kind, name = reference.kind, reference.name
    if kind not in _KINDS:
        return _judge_link(line, names, reference)
    if names.find(kind, name) or names.may_be_chosen(kind, name):
        return None
    if kind == "drive" and name.startswith("/"):
        return None
    what = {"drive": "drive and no node"}.get(kind, kind)
    return _complain(names, reference, kind, f"there is no {what} {name!r}")


def _judge_link(line: Line, names: Names, reference: Reference) -> Fault | None:
    """Judge a link to an object or a device: a device has to be there already."""
    wanted, name = reference.kind, reference.name
    if "/" in name:
        return None
    found = names.find("object", name)
    if found is not None:
        typename = found.occurrence.get("qom-type") or ""
        if is_a(line, typename, wanted) is False:
            return _complain(names, reference, "", f"{name!r} is a {typename}, no {wanted}")
        return None
    device = names.find("device", name)
    if device is None:
        return _complain(names, reference, "object", f"there is no {wanted} {name!r}")
    if device.position > line.occurrences.index(reference.occurrence):
        return _complain(names, reference, "", f"device {name!r} is made only later")
    return None


def _complain(names: Names, reference: Reference, kind: str, what: str) -> Fault:
    known = names.list_names(kind) if kind else []
    guesses = tuple(near(reference.name, known))
    few = ", ".join(known) if len(known) <= _FEW else ""
    right = f"{few} {'is' if len(known) == 1 else 'are'}" if few and not guesses else ""
    return Fault(reference.occurrence, reference.parameter, what, right, suggestions=guesses)


# So many names are listed where none is near.
_FEW = 4


def is_a(line: Line, typename: str, wanted: str) -> bool | None:
    """Whether a QOM type is one of `wanted`, by its parents; None where that cannot be told.

    Parents are classes; which interfaces a type implements is not told.
    """
    if wanted in line.list_ancestry(typename):
        return True
    return False if typename in line.parents and _is_class(line, wanted) else None


def _is_class(line: Line, name: str) -> bool:
    """Whether a QOM type is known, and no interface, which others implement unseen."""
    return name in line.parents and "interface" not in line.list_ancestry(name)


# What only one device at a time can have.
_EXCLUSIVE = ("netdev", "chardev", "drive")


def find_shared(line: Line) -> Iterator[Fault]:
    """Yield each back end that a second device wants to have."""
    taken: set[tuple[str, str]] = set()
    for reference in find_references(line):
        key = (reference.kind, reference.name)
        if reference.occurrence.name != "device" or reference.kind not in _EXCLUSIVE:
            continue
        if key in taken and not _may_be_shared(line, reference):
            what = f"{reference.kind} {reference.name!r} is in use by another device"
            yield Fault(reference.occurrence, reference.parameter, what)
        taken.add(key)


def _may_be_shared(line: Line, reference: Reference) -> bool:
    """Whether a multiplexed chardev, or a node that writers share, is meant."""
    made = line.once(Names).find(reference.kind, reference.name)
    if made is None:
        return True
    if reference.kind == "chardev":
        return read_bool(made.occurrence.get("mux")) is True
    return reference.kind == "drive" and _is_shareable(made.occurrence, reference.occurrence)


def _is_shareable(node: Occurrence, device: Occurrence) -> bool:
    """Whether a block node serves several devices: one that nobody writes, or that all share."""
    if node.name != "blockdev":
        return False
    if read_bool(node.parameters.get("read-only")) or (device.get("driver") or "").endswith("-cd"):
        return True
    return read_bool(device.parameters.get("share-rw")) is True


RULES = (
    Rule(
        "reference-missing",
        "what a name refers to must be made by the same command line",
        ALL,
        "-device virtio-net-pci,netdev=n1 -netdev user,id=n0",
        "-device virtio-net-pci,netdev=n0 -netdev user,id=n0",
        find_missing,
    ),
    Rule(
        "reference-shared",
        "a back end serves one device",
        ALL,
        "-netdev user,id=n0 -device virtio-net-pci,netdev=n0 -device e1000,netdev=n0",
        "-netdev user,id=n0 -netdev user,id=n1 -device e1000,netdev=n0 -device e1000,netdev=n1",
        find_shared,
    ),
)

"""Rules about what -object refers to, and about throttle groups.

Other objects come first. What refers to an -object is in references.py, as is all else.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from qscope.ask.line.line import Line
from qscope.ask.line.names import Names
from qscope.ask.line.rules.objects import read_value, select_objects
from qscope.ask.line.rules.rule import ALL, SINCE_7_2, Fault, Rule
from qscope.ask.line.scalars import read_bool

_FASTEST = 10**15


class Link(NamedTuple):
    """Which objects' properties (a pattern) refer to an object of a type."""

    types: str
    properties: str
    wanted: str


_LINKS = (
    Link("memory-backend-.*", "prealloc-context", "thread-context"),
    Link("can-host-socketcan", "canbus", "can-bus"),
    Link("colo-compare", "iothread", "iothread"),
)
# Which objects have a character device to themselves.
_CHARDEVS = (
    ("rng-egd|cryptodev-vhost-user|qtest|monitor-.*", "chardev"),
    ("filter-mirror", "outdev"),
    ("filter-redirector", "indev|outdev"),
    ("colo-compare", "primary_in|secondary_in|outdev|notify_dev"),
)


def find_bad_links(line: Line) -> Iterator[Fault]:
    """Yield references to objects that are not there, or are of another type."""
    names = Names(line)
    for link in _LINKS:
        for occurrence in select_objects(line, link.types):
            name = occurrence.get(link.properties)
            if name is None or "/" in name:
                continue
            made = names.find("object", name)
            if made is None:
                yield Fault(occurrence, link.properties, f"there is no {link.wanted} {name!r}")
            elif made.occurrence.get("qom-type") != link.wanted:
                yield Fault(occurrence, link.properties, f"{name!r} is no {link.wanted}")


def find_bad_chardevs(line: Line) -> Iterator[Fault]:
    """Yield character devices that are not there, or another object's."""
    names = Names(line)
    taken: set[str] = set()
    for types, properties in _CHARDEVS:
        for occurrence in select_objects(line, types):
            for name in [each for each in occurrence.parameters if re.fullmatch(properties, each)]:
                value = occurrence.get(name) or ""
                made = names.find("chardev", value)
                if made is None and not names.may_be_chosen("chardev", value):
                    yield Fault(occurrence, name, f"there is no chardev {value!r}")
                elif value in taken and made and not read_bool(made.occurrence.get("mux")):
                    yield Fault(occurrence, name, f"chardev {value!r} is in use")
                taken.add(value)


def find_lasting_chardevs(line: Line) -> Iterator[Fault]:
    """Yield what COLO compares that cannot be connected anew (net/colo-compare.c)."""
    names = Names(line)
    for occurrence in select_objects(line, "colo-compare"):
        for name in ("primary_in", "secondary_in", "outdev"):
            made = names.find("chardev", occurrence.get(name) or "")
            if made is not None and made.occurrence.get("backend") != "socket":
                yield Fault(occurrence, name, f"{made.name!r} is no socket")
                break


class Bucket(NamedTuple):
    """What a throttle group limits one kind of traffic to, and for how long to more."""

    name: str
    average: int
    most: int
    length: int | None


def _read_buckets(line: Line, occurrence_parameters: dict[str, object]) -> list[Bucket]:
    limits = occurrence_parameters.get("limits")
    given = {
        name.removeprefix("x-"): read_value(line, value) or 0
        for name, value in occurrence_parameters.items()
        if name.startswith("x-")
    }
    if isinstance(limits, dict):
        given = {name: value for name, value in limits.items() if type(value) is int} | given
    return [
        Bucket(
            name, given.get(name, 0), given.get(f"{name}-max", 0), given.get(f"{name}-max-length")
        )
        for kind in ("bps", "iops")
        for name in (f"{kind}-total", f"{kind}-read", f"{kind}-write")
    ]


def find_bad_throttles(line: Line) -> Iterator[Fault]:
    """Yield limits of traffic that contradict each other (throttle_is_valid in util/throttle.c)."""
    for occurrence in select_objects(line, "throttle-group"):
        buckets = _read_buckets(line, occurrence.parameters)
        size = read_value(line, occurrence.parameters.get("x-iops-size")) or 0
        what = _find_mixture(buckets) or _find_bad_bucket(buckets)
        if any(not 0 <= each.average <= _FASTEST for each in buckets):
            what = "0..10^15 is right"
        if not what and size and not any(each.average for each in buckets[3:]):
            what = "x-iops-size needs a limit of operations"
        if what:
            yield Fault(occurrence, "", what)


def _find_mixture(buckets: list[Bucket]) -> str:
    for total, *parts in (buckets[:3], buckets[3:]):
        if (total.average and any(each.average for each in parts)) or (
            total.most and any(each.most for each in parts)
        ):
            return f"{total.name} is limited, and its parts are, too"
    return ""


def _find_bad_bucket(buckets: list[Bucket]) -> str:
    for each in buckets:
        if each.most and not each.average:
            return f"{each.name}-max needs {each.name}"
        if each.most and each.most < each.average:
            return f"{each.name}-max is less than {each.name}"
        if (each.length or 1) > 1 and not each.most:
            return f"{each.name}-max-length needs {each.name}-max"
    return ""


RULES = (
    Rule(
        "object-link",
        "objects refer to objects of a type",
        SINCE_7_2,
        "-object iothread,id=t0"
        " -object memory-backend-ram,id=m0,size=16M,prealloc=on,prealloc-context=t0",
        "-object thread-context,id=t0"
        " -object memory-backend-ram,id=m0,size=16M,prealloc=on,prealloc-context=t0",
        find_bad_links,
    ),
    Rule(
        "object-chardev",
        "a character device is one object's",
        ALL,
        "-chardev null,id=c0 -object rng-egd,id=r0,chardev=c0 -object rng-egd,id=r1,chardev=c0",
        "-chardev null,id=c0 -object rng-egd,id=r0,chardev=c0",
        find_bad_chardevs,
    ),
    Rule(
        "object-compare",
        "COLO reconnects to the other side",
        ("5.2",),
        "-chardev null,id=a -chardev null,id=b -chardev null,id=c -object iothread,id=io"
        " -object colo-compare,id=cc,primary_in=a,secondary_in=b,outdev=c,iothread=io",
        "-object iothread,id=io",
        find_lasting_chardevs,
    ),
    Rule(
        "object-throttle",
        "limits of all traffic and of its parts exclude each other",
        ALL,
        "-object throttle-group,id=t0,x-iops-total=100,x-iops-read=5",
        "-object throttle-group,id=t0,x-iops-total=100,x-iops-total-max=200",
        find_bad_throttles,
    ),
)

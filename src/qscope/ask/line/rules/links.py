"""Rules about what -object refers to.

Other objects come first. What refers to an -object is in references.py, as is all else.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from qscope.ask.line.line import Line
from qscope.ask.line.names import Names
from qscope.ask.line.rules.objects import select_objects
from qscope.ask.line.rules.rule import ALL, SINCE_7_2, Fault, Rule
from qscope.ask.line.scalars import read_bool


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
    names = line.once(Names)
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
    names = line.once(Names)
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
    names = line.once(Names)
    for occurrence in select_objects(line, "colo-compare"):
        for name in ("primary_in", "secondary_in", "outdev"):
            made = names.find("chardev", occurrence.get(name) or "")
            if made is not None and made.occurrence.get("backend") != "socket":
                yield Fault(occurrence, name, f"{made.name!r} is no socket")
                break


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
)

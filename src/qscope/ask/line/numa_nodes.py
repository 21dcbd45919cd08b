"""NUMA nodes of a line, as QEMU builds them from -numa, one after the other (hw/core/numa.c).

In: a line. Out: `Nodes`: which there are when an option is read, their memory, CPUs, distances.
"""

from collections.abc import Iterator
from typing import NamedTuple

from qscope.ask.line.line import Line, Occurrence
from qscope.ask.line.opts_values import expand_ranges
from qscope.ask.syntax.qemuopts import Parameter
from qscope.ask.syntax.scalars import parse_uint
from qscope.errors import ArgumentError

MOST = 128
# What -numa's number of nodes, CPUs and distances may be at all.
_MANY = 1 << 16


class Node(NamedTuple):
    """A node, and the option that makes it; those of one number are one."""

    number: int
    occurrence: Occurrence


def read_numbers(occurrence: Occurrence, name: str) -> list[int] | None:
    """Return the numbers of a parameter that may be repeated or a range; None if one is none."""
    value = occurrence.parsed.value if occurrence.parsed else None
    if isinstance(value, dict):
        found = value.get(name, [])
        texts = [str(each) for each in (found if isinstance(found, list) else [found])]
    else:
        given = value if isinstance(value, tuple) else ()
        texts = [each.value for each in given if isinstance(each, Parameter) and each.name == name]
    try:
        return [parse_uint(text) for text in expand_ranges(texts)]
    except ArgumentError:
        return None


def read_parameter(occurrence: Occurrence, name: str) -> int | None:
    """Return the number of a parameter, None where there is none."""
    found = read_numbers(occurrence, name)
    return found[-1] if found else None


def list_nodes(line: Line, until: Occurrence | None = None) -> list[Node]:
    """Return the nodes that the options before `until` make, all without it."""
    made: list[Node] = []
    for occurrence in line.select("numa"):
        if occurrence is until:
            break
        if occurrence.get("type") == "node":
            made.append(Node(number_node(occurrence, made), occurrence))
    return made


def number_node(occurrence: Occurrence, before: list[Node]) -> int:
    """Return the number of a node: the next one where it has none."""
    given = read_parameter(occurrence, "nodeid")
    return len(before) if given is None else given


def has_node(line: Line, number: int, until: Occurrence | None = None) -> bool:
    """Whether a node is there, made before the option `until`."""
    return any(each.number == number for each in list_nodes(line, until))


def list_assignments(line: Line) -> Iterator[tuple[Occurrence, int, int]]:
    """Yield (option, CPU, node) for each CPU that -numa node,cpus= assigns, in their order."""
    for node in list_nodes(line):
        for cpu in read_numbers(node.occurrence, "cpus") or ():
            if cpu < _MANY:
                yield node.occurrence, cpu, node.number

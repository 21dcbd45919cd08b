"""Rules about -numa: nodes share all RAM and CPUs of the machine.

QEMU's hw/core/numa.c and machine.c; x86_possible_cpu_arch_ids() in hw/i386/x86-common.c.
"""

from collections.abc import Iterator, Mapping

from qscope.ask.line.line import Line, Occurrence
from qscope.ask.line.machines import find_name, find_version, is_known, is_pc
from qscope.ask.line.names import Names
from qscope.ask.line.numa_nodes import (
    MOST,
    has_node,
    list_assignments,
    list_nodes,
    number_node,
    read_parameter,
)
from qscope.ask.line.rules.memory import find_backend_size, find_ram
from qscope.ask.line.rules.rule import ALL, Fault, Rule
from qscope.ask.line.rules.smp import X86_PLACES, Topology, count_cpus
from qscope.ask.line.settings import read_size

_MIB = 1 << 20
_LOCAL = 10


def find_no_numa(line: Line) -> Iterator[Fault]:
    """Yield -numa of a machine that has no nodes."""
    if find_name(line) == "none":
        for occurrence in line.select("numa"):
            yield Fault(occurrence, "", "machine type none has no NUMA nodes")


def _select(line: Line, kind: str) -> Iterator[Occurrence]:
    """Yield the options of one type, where the machine type is known to have nodes."""
    if find_name(line) != "none":
        yield from (each for each in line.select("numa") if each.get("type") == kind)


def find_bad_nodes(line: Line) -> Iterator[Fault]:
    """Yield nodes that are too many, or there already."""
    for occurrence in _select(line, "node"):
        before = list_nodes(line, occurrence)
        number = number_node(occurrence, before)
        if number >= MOST:
            yield Fault(occurrence, "nodeid", f"no node {number}", f"0..{MOST - 1} is right")
        elif any(each.number == number for each in before):
            yield Fault(occurrence, "nodeid", f"there is a node {number} already")


def find_gaps(line: Line) -> Iterator[Fault]:
    """Yield the last node if one before it is missing."""
    nodes = [each for each in list_nodes(line) if each.number < MOST]
    numbers = {each.number for each in nodes}
    missing = next((each for each in range(max(numbers, default=0)) if each not in numbers), None)
    if missing is not None and find_name(line) != "none":
        highest = max(nodes, key=lambda each: each.number)
        yield Fault(highest.occurrence, "nodeid", f"there is no node {missing}")


def find_legacy_memory(line: Line) -> Iterator[Fault]:
    """Yield mem= of a machine type that takes memdev= alone, as all since 5.1."""
    version = find_version(find_name(line))
    if not is_known(find_name(line)) or (version is not None and version < (5, 1)):
        return
    for occurrence in _select(line, "node"):
        if occurrence.get("mem") is not None and occurrence.get("memdev") is None:
            what = f"{find_name(line)} does not take it"
            yield Fault(occurrence, "mem", what, "memdev= is right")


def find_mixture(line: Line) -> Iterator[Fault]:
    """Yield the first node that has memory in another way than those before."""
    seen: set[str] = set()
    for occurrence in _select(line, "node"):
        seen |= {name for name in ("mem", "memdev") if name in occurrence.parameters}
        if len(seen) > 1:
            name = "memdev" if "memdev" in occurrence.parameters else "mem"
            yield Fault(occurrence, name, "nodes with mem= and with memdev=", "one is right")
            return


def find_missing_backends(line: Line) -> Iterator[Fault]:
    """Yield memory backends that are not there, or in use."""
    seen: set[str] = set()
    names = line.once(Names)
    for occurrence in _select(line, "node"):
        name = occurrence.get("memdev")
        if name is None or "/" in name:
            continue
        made = names.find("object", name)
        typename = made.occurrence.get("qom-type") or "" if made else ""
        if not typename.startswith("memory-backend"):
            yield Fault(occurrence, "memdev", f"there is no memory backend {name!r}")
        elif name in seen:
            yield Fault(occurrence, "memdev", f"another node has {name!r}")
        seen.add(name)


def find_wrong_sum(line: Line) -> Iterator[Fault]:
    """Yield that the nodes' memory is not all RAM there is."""
    nodes, ram = list_nodes(line), find_ram(line)
    sizes = [_read_memory(line, each.occurrence) for each in nodes]
    if not nodes or ram is None or find_name(line) == "none" or not is_known(find_name(line)):
        return
    total = sum(size for size in sizes if size is not None)
    if None not in sizes and total != ram:
        what = f"the nodes have {total} bytes, and the machine {ram}"
        yield Fault(nodes[-1].occurrence, "", what, "both must be the same")


def _read_memory(line: Line, occurrence: Occurrence) -> int | None:
    """Return the memory of a node, None where it cannot be read."""
    name, text = occurrence.get("memdev"), occurrence.get("mem")
    if name is not None:
        return find_backend_size(line, name)
    size = 0 if text is None else read_size(line, text)
    if size is not None and text is not None and text[-1:].isdigit():
        return size * _MIB
    return size


def find_bad_cpus(line: Line) -> Iterator[Fault]:
    """Yield CPUs that there are not, or that a node has already."""
    topology = count_cpus(line)
    owners: dict[int, int] = {}
    blamed: set[int] = set()
    for occurrence, cpu, node in list_assignments(line):
        if id(occurrence) in blamed or topology is None or find_name(line) == "none":
            continue
        if cpu >= topology.maxcpus:
            yield Fault(occurrence, "cpus", f"no CPU {cpu}: maxcpus is {topology.maxcpus}")
            blamed.add(id(occurrence))
        elif owners.setdefault(cpu, node) != node:
            yield Fault(occurrence, "cpus", f"CPU {cpu} is in node {owners[cpu]}")
            blamed.add(id(occurrence))


def find_bad_places(line: Line) -> Iterator[Fault]:
    """Yield what is wrong with -numa cpu: its node, and where the CPU is."""
    topology = count_cpus(line)
    owners: dict[int, int] = {}
    if topology is not None:
        owners = {cpu: node for _, cpu, node in list_assignments(line) if cpu < topology.maxcpus}
    for occurrence in _select(line, "cpu"):
        node = read_parameter(occurrence, "node-id")
        if "node-id" not in occurrence.parameters:
            yield Fault(occurrence, "node-id", "a node is mandatory")
        elif node is not None and not has_node(line, node, occurrence):
            yield Fault(occurrence, "node-id", f"there is no node {node} yet")
        elif node is not None and topology is not None and is_pc(find_name(line)):
            yield from _find_place(occurrence, topology, node, owners)


def _find_place(
    occurrence: Occurrence, topology: Topology, node: int, owners: dict[int, int]
) -> Iterator[Fault]:
    """Look for the CPUs of a PC that are meant, and take them."""
    supported = {
        name: level
        for name, level in X86_PLACES.items()
        if level not in ("dies", "modules") or topology.levels.get(level, 1) > 1
    }
    given = {name: read_parameter(occurrence, name) for name in occurrence.parameters}
    wanted = {name: number for name, number in given.items() if name.endswith("-id")}
    wanted.pop("node-id", None)
    for name in wanted.keys() - supported.keys():
        yield Fault(occurrence, name, "the machine's CPUs have none")
        return
    places = {name: supported[name] for name in wanted}
    found = [
        cpu
        for cpu in range(min(topology.maxcpus, 1 << 14))
        if all(topology.locate(cpu, places[name]) == wanted[name] for name in places)
    ]
    taken = [cpu for cpu in found if owners.get(cpu, node) != node]
    if not found:
        yield Fault(occurrence, next(iter(wanted), ""), "there is no such CPU")
    elif taken:
        yield Fault(occurrence, "node-id", f"CPU {taken[0]} is in node {owners[taken[0]]}")
    owners |= dict.fromkeys(found, node)


def find_bad_distances(line: Line) -> Iterator[Fault]:
    """Yield distances between nodes that are not there yet, or that are none."""
    for occurrence in _select(line, "dist"):
        ends = {name: read_parameter(occurrence, name) for name in ("src", "dst")}
        value = read_parameter(occurrence, "val")
        far = [name for name, node in ends.items() if node is not None and node >= MOST]
        missing = [
            name
            for name, node in ends.items()
            if node is not None and not has_node(line, node, occurrence)
        ]
        if far or missing:
            name = [*far, *missing][0]
            yield Fault(occurrence, name, f"there is no node {ends[name]} yet")
        elif value is not None and value < _LOCAL:
            yield Fault(occurrence, "val", f"{value} is too near", "10..255 is right")
        elif ends["src"] == ends["dst"] and value not in (None, _LOCAL):
            yield Fault(occurrence, "val", "a node is 10 from itself")


def find_missing_distances(line: Line) -> Iterator[Fault]:
    """Yield that distances are given for some pairs of nodes, and not for all."""
    given: dict[tuple[int, int], int] = {}
    last = None
    for occurrence in _select(line, "dist"):
        source, target = read_parameter(occurrence, "src"), read_parameter(occurrence, "dst")
        value = read_parameter(occurrence, "val")
        if source is None or target is None or value is None:
            return
        given[source, target], last = value, occurrence
    if last is None:
        return
    numbers = sorted({each.number for each in list_nodes(line)})
    pairs = [(one, two) for one in numbers for two in numbers if one < two]
    lonely = [pair for pair in pairs if pair not in given and pair[::-1] not in given]
    if lonely:
        yield Fault(last, "", f"no distance between nodes {lonely[0][0]} and {lonely[0][1]}")
    elif _is_lopsided(pairs, given):
        yield Fault(last, "", "distances differ by direction, and some have only one direction")


def _is_lopsided(pairs: list[tuple[int, int]], given: Mapping[tuple[int, int], int]) -> bool:
    both = [pair for pair in pairs if pair in given and pair[::-1] in given]
    differ = any(given[pair] != given[pair[::-1]] for pair in both)
    return differ and len(both) < len(pairs)


RULES = (
    Rule(
        "numa-none",
        "machine type none has no memory and no CPUs",
        ALL,
        "-machine none -numa node",
        "-machine none",
        find_no_numa,
    ),
    Rule(
        "numa-node",
        "a node has a number of its own, below 128",
        ALL,
        "-numa node,nodeid=128",
        "-object memory-backend-ram,id=m0,size=128M -numa node,nodeid=0,memdev=m0",
        find_bad_nodes,
    ),
    Rule(
        "numa-gap",
        "nodes are numbered without a gap",
        ALL,
        "-object memory-backend-ram,id=m0,size=128M -numa node,nodeid=1,memdev=m0",
        "-object memory-backend-ram,id=m0,size=128M -numa node,nodeid=1,memdev=m0"
        " -numa node,nodeid=0",
        find_gaps,
    ),
    Rule(
        "numa-memory-legacy",
        "memory of nodes has a back end, since machine types of 5.1",
        ALL,
        "-numa node,mem=128M",
        "-object memory-backend-ram,id=m0,size=128M -numa node,memdev=m0",
        find_legacy_memory,
    ),
    Rule(
        "numa-memory-mixed",
        "all nodes have memory in the same way",
        ALL,
        "-object memory-backend-ram,id=m0,size=128M -numa node,mem=128M,memdev=m0",
        "-object memory-backend-ram,id=m0,size=128M -numa node,memdev=m0 -numa node",
        find_mixture,
    ),
    Rule(
        "numa-memory-backend",
        "a memory backend is one node's",
        ALL,
        "-numa node,memdev=m0",
        "-numa node,memdev=m0 -object memory-backend-ram,id=m0,size=128M",
        find_missing_backends,
    ),
    Rule(
        "numa-memory-sum",
        "the nodes share all RAM",
        ALL,
        "-object memory-backend-ram,id=m0,size=64M -numa node,memdev=m0",
        "-object memory-backend-ram,id=m0,size=64M -numa node,memdev=m0 -m 64M",
        find_wrong_sum,
    ),
    Rule(
        "numa-node-cpus",
        "a CPU is in one node",
        ALL,
        "-smp 2 -object memory-backend-ram,id=m0,size=128M -numa node,memdev=m0,cpus=0-2",
        "-smp 2 -object memory-backend-ram,id=m0,size=128M -numa node,memdev=m0,cpus=0-1",
        find_bad_cpus,
    ),
    Rule(
        "numa-cpu-place",
        "a CPU has a place in the topology, and is in a node",
        ALL,
        "-object memory-backend-ram,id=m0,size=128M -numa node,memdev=m0"
        " -numa cpu,node-id=0,socket-id=5",
        "-object memory-backend-ram,id=m0,size=128M -numa node,memdev=m0"
        " -numa cpu,node-id=0,socket-id=0",
        find_bad_places,
    ),
    Rule(
        "numa-distance",
        "nodes are further from others than from themselves",
        ALL,
        "-object memory-backend-ram,id=m0,size=128M -numa node,memdev=m0 -numa node"
        " -numa dist,src=0,dst=1,val=5",
        "-object memory-backend-ram,id=m0,size=128M -numa node,memdev=m0 -numa node"
        " -numa dist,src=0,dst=1,val=20",
        find_bad_distances,
    ),
    Rule(
        "numa-distance-missing",
        "all nodes are some distance apart",
        ALL,
        "-object memory-backend-ram,id=m0,size=128M -numa node,memdev=m0 -numa node -numa node"
        " -numa dist,src=0,dst=1,val=20",
        "-object memory-backend-ram,id=m0,size=128M -numa node,memdev=m0 -numa node"
        " -numa dist,src=1,dst=0,val=20",
        find_missing_distances,
    ),
)

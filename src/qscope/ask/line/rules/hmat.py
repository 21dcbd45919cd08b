"""Rules about -numa with -machine hmat=on: which CPUs reach which memory how fast.

QEMU's hw/core/numa.c, parse_numa_hmat_lb() and parse_numa_hmat_cache().
"""

from collections.abc import Iterator

from qscope.ask.line.line import Line, Occurrence
from qscope.ask.line.machines import find_name
from qscope.ask.line.numa_nodes import has_node, list_nodes, read_parameter
from qscope.ask.line.rules.rule import ALL, Fault, Rule
from qscope.ask.line.scalars import read_bool
from qscope.ask.line.settings import find_properties, read_size

_KINDS = ("hmat-lb", "hmat-cache")
_MIB = 1 << 20


def is_enabled(line: Line) -> bool:
    """Whether the machine has the table."""
    setting = find_properties(line).get("hmat")
    return setting is not None and read_bool(setting.value) is not False


def find_disabled(line: Line) -> Iterator[Fault]:
    """Yield what needs hmat=on."""
    if is_enabled(line) or find_name(line) == "none":
        return
    for occurrence in line.select("numa"):
        kind = occurrence.get("type")
        if kind in _KINDS or (kind == "node" and "initiator" in occurrence.parameters):
            where = "initiator" if kind == "node" else ""
            yield Fault(occurrence, where, "the machine has no HMAT", "-machine hmat=on is right")


def _has_cpu(line: Line, node: int, until: Occurrence | None) -> bool:
    """Whether a CPU is put into a node by the options before `until`."""
    for occurrence in line.select("numa"):
        if occurrence is until:
            return False
        if occurrence.get("type") == "cpu" and read_parameter(occurrence, "node-id") == node:
            return True
        if "cpus" in occurrence.parameters and any(
            each.occurrence is occurrence and each.number == node for each in list_nodes(line)
        ):
            return True
    return False


def find_bad_initiators(line: Line) -> Iterator[Fault]:
    """Yield nodes whose CPUs are elsewhere, though they have some, or are nowhere."""
    if not is_enabled(line):
        return
    for node in list_nodes(line):
        initiator = read_parameter(node.occurrence, "initiator")
        if initiator is None:
            continue
        if _has_cpu(line, node.number, None) and initiator != node.number:
            what = f"node {node.number} has CPUs of its own"
            yield Fault(node.occurrence, "initiator", what, f"{node.number} is right")
        elif not has_node(line, initiator):
            yield Fault(node.occurrence, "initiator", f"there is no node {initiator}")
        elif not _has_cpu(line, initiator, None) and any(_list_placed(line)):
            yield Fault(node.occurrence, "initiator", f"node {initiator} has no CPUs")


def _list_placed(line: Line) -> Iterator[Occurrence]:
    return (
        each
        for each in line.select("numa")
        if each.get("type") == "cpu" or "cpus" in each.parameters
    )


def find_missing_initiators(line: Line) -> Iterator[Fault]:
    """Yield nodes that do not say who reaches them: before 6.2 all had to."""
    if not is_enabled(line) or not line.is_before(6, 2):
        return
    for node in list_nodes(line):
        placed = any(
            each.get("type") == "cpu" and read_parameter(each, "node-id") == node.number
            for each in line.select("numa")
        )
        if "initiator" not in node.occurrence.parameters and any(_list_placed(line)) and not placed:
            yield Fault(node.occurrence, "", "it has no CPUs, and no initiator")


def find_bad_entries(line: Line) -> Iterator[Fault]:
    """Yield latencies and bandwidths that are between nothing, or are none."""
    if not is_enabled(line):
        return
    seen: set[tuple[object, ...]] = set()
    for occurrence in line.select("numa"):
        if occurrence.get("type") != "hmat-lb":
            continue
        fault = _judge_ends(line, occurrence) or _judge_value(line, occurrence)
        key = tuple(
            occurrence.get(name) for name in ("initiator", "target", "hierarchy", "data-type")
        )
        if fault is None and key in seen:
            fault = Fault(occurrence, "", "it is there already")
        seen.add(key)
        if fault is not None:
            yield fault


def _judge_ends(line: Line, occurrence: Occurrence) -> Fault | None:
    initiator, target = (
        read_parameter(occurrence, "initiator"),
        read_parameter(occurrence, "target"),
    )
    if initiator is not None and not _has_cpu(line, initiator, occurrence):
        return Fault(occurrence, "initiator", f"node {initiator} has no CPUs")
    if target is not None and not has_node(line, target, occurrence):
        return Fault(occurrence, "target", f"there is no node {target}")
    return None


def _judge_value(line: Line, occurrence: Occurrence) -> Fault | None:
    kind = (occurrence.get("data-type") or "").rpartition("-")[2]
    others = {"latency": "bandwidth", "bandwidth": "latency"}
    if kind not in others:
        return None
    if kind not in occurrence.parameters:
        return Fault(occurrence, kind, "it is missing")
    if others[kind] in occurrence.parameters:
        return Fault(occurrence, others[kind], f"the data are of {kind}")
    size = read_size(line, occurrence.get("bandwidth"))
    if kind == "bandwidth" and size is not None and size % _MIB:
        return Fault(occurrence, "bandwidth", "it is no multiple of 1M")
    return None


def find_bad_caches(line: Line) -> Iterator[Fault]:
    """Yield caches of nodes that are not there, or whose memory nothing is told of."""
    if not is_enabled(line):
        return
    for occurrence in line.select("numa"):
        node = read_parameter(occurrence, "node-id")
        if occurrence.get("type") != "hmat-cache" or node is None:
            continue
        level = read_parameter(occurrence, "level")
        if not has_node(line, node, occurrence):
            yield Fault(occurrence, "node-id", f"there is no node {node}")
        elif not _is_described(line, node, occurrence):
            what = f"latency and bandwidth of node {node} must be told first"
            yield Fault(occurrence, "node-id", what)
        elif level is not None and not 1 <= level <= 3:
            yield Fault(occurrence, "level", f"no level {level}", "1..3 is right")


def _is_described(line: Line, node: int, until: Occurrence) -> bool:
    """Whether both latency and bandwidth of a node's memory are told before an option."""
    told: set[str] = set()
    for occurrence in line.select("numa"):
        if occurrence is until:
            break
        if occurrence.get("type") == "hmat-lb" and read_parameter(occurrence, "target") == node:
            told.add((occurrence.get("data-type") or "").rpartition("-")[2])
    return {"latency", "bandwidth"} <= told


RULES = (
    Rule(
        "hmat-disabled",
        "a machine has the table of memory's attributes where hmat=on",
        ALL,
        "-numa node,initiator=0",
        "-machine q35,hmat=on -object memory-backend-ram,id=m0,size=128M"
        " -numa node,nodeid=0,memdev=m0,initiator=0 -numa cpu,node-id=0,socket-id=0",
        find_disabled,
    ),
    Rule(
        "hmat-initiator",
        "the CPUs that reach a node's memory best are its own, if it has some",
        ALL,
        "-machine q35,hmat=on -object memory-backend-ram,id=m0,size=128M"
        " -numa node,nodeid=0,memdev=m0,initiator=1 -numa cpu,node-id=0,socket-id=0",
        "-machine q35,hmat=on -object memory-backend-ram,id=m0,size=128M"
        " -numa node,nodeid=0,memdev=m0,initiator=0 -numa cpu,node-id=0,socket-id=0",
        find_bad_initiators,
    ),
    Rule(
        "hmat-initiator-missing",
        "a node without CPUs is reached by others'",
        ("5.2",),
        "-machine q35,hmat=on -smp 2 -object memory-backend-ram,id=m0,size=128M"
        " -numa node,memdev=m0 -numa node -numa cpu,node-id=0,socket-id=0",
        "-machine q35,hmat=on -smp 2 -object memory-backend-ram,id=m0,size=128M"
        " -numa node,memdev=m0 -numa node,initiator=0 -numa cpu,node-id=0,socket-id=0",
        find_missing_initiators,
    ),
    Rule(
        "hmat-entry",
        "latency and bandwidth are between a node with CPUs and one with memory",
        ALL,
        "-machine q35,hmat=on -object memory-backend-ram,id=m0,size=128M -numa node,memdev=m0"
        " -numa cpu,node-id=0,socket-id=0 -numa hmat-lb,initiator=0,target=0,hierarchy=memory"
        ",data-type=access-latency",
        "-machine q35,hmat=on -object memory-backend-ram,id=m0,size=128M -numa node,memdev=m0"
        " -numa cpu,node-id=0,socket-id=0 -numa hmat-lb,initiator=0,target=0,hierarchy=memory"
        ",data-type=access-latency,latency=10",
        find_bad_entries,
    ),
    Rule(
        "hmat-cache",
        "a cache is before memory that is described",
        ALL,
        "-machine q35,hmat=on -object memory-backend-ram,id=m0,size=128M -numa node,memdev=m0"
        " -numa cpu,node-id=0,socket-id=0 -numa hmat-cache,node-id=0,size=10K,level=1"
        ",associativity=direct,policy=write-back,line=8",
        "-machine q35,hmat=on -object memory-backend-ram,id=m0,size=128M -numa node,memdev=m0"
        " -numa cpu,node-id=0,socket-id=0 -numa hmat-lb,initiator=0,target=0,hierarchy=memory"
        ",data-type=access-latency,latency=10 -numa hmat-lb,initiator=0,target=0"
        ",hierarchy=memory,data-type=access-bandwidth,bandwidth=200M -numa hmat-cache,node-id=0"
        ",size=10K,level=1,associativity=direct,policy=write-back,line=8",
        find_bad_caches,
    ),
)

"""Rules about CPUs that are devices: each takes a free place of the topology.

QEMU's hw/i386/x86.c, x86_cpu_pre_plug(). Which models may be plugged in is a rule of devices.py.
"""

from collections.abc import Iterator

from qscope.ask.line.line import Line, Occurrence
from qscope.ask.line.machines import find_name, is_pc
from qscope.ask.line.rules.rule import ALL, Fault, Rule
from qscope.ask.line.rules.smp import X86_PLACES, Topology, count_cpus
from qscope.ask.line.scalars import read_uint

# What all have to be told; of the other places a topology may have only one.
_MANDATORY = ("core-id", "thread-id")


def find_bad_places(line: Line) -> Iterator[Fault]:
    """Yield CPUs that are put nowhere, beyond the topology or where one is."""
    topology = count_cpus(line)
    if topology is None or not is_pc(find_name(line)):
        return
    taken = set(range(min(topology.cpus, 1 << 12)))
    for occurrence in line.select("device"):
        driver = occurrence.get("driver") or ""
        if not driver.endswith(("-x86_64-cpu", "-i386-cpu")) or "apic-id" in occurrence.parameters:
            continue
        if "socket-id" not in occurrence.parameters:
            continue
        fault = _judge_place(occurrence, topology)
        number = None if fault else _count(occurrence, topology)
        if number in taken:
            fault = Fault(occurrence, "socket-id", f"CPU {number} is there already")
        if fault is not None:
            yield fault
        elif number is not None:
            taken.add(number)


def _judge_place(occurrence: Occurrence, topology: Topology) -> Fault | None:
    """Say what is wrong with a place by itself."""
    for name in _MANDATORY:
        if name not in occurrence.parameters:
            return Fault(occurrence, name, "it is missing")
    for name, level in X86_PLACES.items():
        count, number = topology.levels.get(level, 1) or 1, _read(occurrence, name)
        if number is not None and number >= count:
            return Fault(occurrence, name, f"{number} was given", f"0..{count - 1} is right")
    return None


def _count(occurrence: Occurrence, topology: Topology) -> int | None:
    """Return the number of the CPU at a place, None where that cannot be read."""
    number, below = 0, 1
    for name, level in X86_PLACES.items():
        here = _read(occurrence, name) if name in occurrence.parameters else 0
        if here is None:
            return None
        number += here * below
        below *= topology.levels.get(level, 1) or 1
    return number


def _read(occurrence: Occurrence, name: str) -> int | None:
    return read_uint(occurrence.parameters.get(name))


RULES = (
    Rule(
        "cpu-plugged",
        "a CPU takes a place that the topology has, and no CPU yet",
        ALL,
        "-smp 1,maxcpus=2,cores=2 -device qemu64-x86_64-cpu,socket-id=0,core-id=0,thread-id=0",
        "-smp 1,maxcpus=2,cores=2 -device qemu64-x86_64-cpu,socket-id=0,core-id=1,thread-id=0",
        find_bad_places,
    ),
)

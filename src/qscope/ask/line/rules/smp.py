"""Rules about -smp: the levels of the topology have to make the CPUs that are asked for.

QEMU's hw/core/machine-smp.c since 6.2, hw/i386/pc.c and hw/core/machine.c before; APIC IDs:
hw/i386/x86-cpu.c and target/i386/topology.h.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from qscope.ask.line.accel import may_be_virtualised
from qscope.ask.line.line import Line
from qscope.ask.line.machines import find_name, find_version, is_known, is_pc
from qscope.ask.line.rules.rule import ALL, SINCE_7_2, SINCE_10_0, Fault, Rule
from qscope.ask.line.settings import Setting, find_structure, read_integer

# From the whole to its parts.
_LEVELS = ("drawers", "books", "sockets", "dies", "clusters", "modules", "cores", "threads")
# Of these an x86 CPU's place is made, the smallest part first; the property that tells of each.
X86_PLACES: Mapping[str, str] = {
    "thread-id": "threads",
    "core-id": "cores",
    "module-id": "modules",
    "die-id": "dies",
    "socket-id": "sockets",
}
_COUNTS = (*_LEVELS, "cpus", "maxcpus")
# The APIC ID that QEMU's own APIC cannot have, and no PC without x2APIC.
_BROADCAST = 255
_WRAP = 1 << 32


class Topology(NamedTuple):
    """How many there are of each level, and of CPUs, as QEMU completes what was given."""

    levels: Mapping[str, int]
    cpus: int
    maxcpus: int

    @property
    def product(self) -> int:
        """How many CPUs the levels make."""
        product = 1
        for count in self.levels.values():
            product *= count
        return product

    def locate(self, cpu: int, level: str) -> int:
        """Return the number of the part of a level that an x86 CPU is in, as in the one above."""
        below = 1
        for name in X86_PLACES.values():
            count = self.levels.get(name, 1) or 1
            if name == level:
                return cpu // below if name == "sockets" else cpu // below % count
            below *= count
        return -1


def complete(line: Line, given: Mapping[str, int]) -> Topology:
    """Complete what was given as this QEMU does."""
    if line.is_before(6, 2):
        return _complete_old(given)
    version = find_version(find_name(line))
    return _complete(given, prefer_sockets=version is not None and version < (6, 2))


def _complete(given: Mapping[str, int], *, prefer_sockets: bool) -> Topology:
    """As since 6.2: cores first, sockets then, threads at last."""
    levels = {name: given.get(name) or 0 for name in _LEVELS}
    levels |= {
        name: levels[name] or 1 for name in _LEVELS if name not in ("sockets", "cores", "threads")
    }
    cpus, maxcpus = given.get("cpus") or 0, given.get("maxcpus") or 0
    if not cpus and not maxcpus:
        levels = {name: count or 1 for name, count in levels.items()}
    maxcpus = maxcpus or cpus
    order = ("sockets", "cores") if prefer_sockets else ("cores", "sockets")
    wanted = next((name for name in (*order, "threads") if not levels[name]), None)
    if wanted:
        rest = {name: count or 1 for name, count in levels.items() if name != wanted}
        levels = {**rest, wanted: maxcpus // Topology(rest, 0, 0).product}
    product = Topology(levels, 0, 0).product
    return Topology(levels, cpus or maxcpus or product, maxcpus or product)


def _complete_old(given: Mapping[str, int]) -> Topology:
    """As before 6.2: sockets first, then cores, then threads; maxcpus counts for sockets alone."""
    cpus, sockets = given.get("cpus") or 0, given.get("sockets") or 0
    cores, threads = given.get("cores") or 0, given.get("threads") or 0
    dies = given.get("dies") or 1
    if not cpus or not sockets:
        cores, threads = cores or 1, threads or 1
        sockets = sockets if not cpus else given.get("maxcpus", cpus) // (cores * threads * dies)
        if not cpus:
            sockets = sockets or 1
            cpus = sockets * dies * cores * threads
    elif not cores:
        threads = threads or 1
        cores = cpus // (sockets * dies * threads) or 1
    elif not threads:
        threads = cpus // (sockets * dies * cores) or 1
    levels = {"sockets": sockets, "dies": dies, "cores": cores, "threads": threads}
    return Topology(levels, cpus, given.get("maxcpus", cpus))


def read_topology(line: Line) -> tuple[dict[str, Setting], dict[str, int]] | None:
    """Return what is set of the topology, and its numbers; None where one is no number."""
    settings = {name: each for name, each in find_structure(line, "smp").items() if name in _COUNTS}
    numbers = {name: read_integer(each) for name, each in settings.items()}
    if any(number is None for number in numbers.values()):
        return None
    return settings, {
        name: number % _WRAP for name, number in numbers.items() if number is not None
    }


def count_cpus(line: Line) -> Topology | None:
    """Return the topology of the line's machine; None where it cannot be told."""
    read = read_topology(line)
    return None if read is None else complete(line, read[1])


def _blame(settings: Mapping[str, Setting], *names: str) -> Setting:
    """Return the setting to blame: the last of all, at one of `names` if it was given there."""
    for name in names:
        if name in settings:
            return settings[name]
    return list(settings.values())[-1]


def find_zeros(line: Line) -> Iterator[Fault]:
    """Yield each level that is 0, which was tolerated from 6.2 to 8.2, and means nothing before."""
    if line.is_before(9, 0):
        return
    for setting in find_structure(line, "smp").values():
        if read_integer(setting) == 0:
            yield Fault(setting.occurrence, setting.where, "there must be at least 1")


def find_unsupported(line: Line) -> Iterator[Fault]:
    """Yield each level of which the machine type cannot have more than one."""
    if line.is_before(6, 2):
        return
    name = find_name(line)
    if not is_known(name):
        return
    supported = {"dies", "modules"} if is_pc(name) else set()
    supported |= {"clusters"} if name.startswith("virt-") else set()
    rare = {"drawers", "books", "dies", "clusters", "modules"} - supported
    for level, setting in find_structure(line, "smp").items():
        if level in rare and (read_integer(setting) or 0) > 1:
            what = f"{name} has no {level}"
            yield Fault(setting.occurrence, setting.where, what, "1, or nothing, is right")


def find_contradictions(line: Line) -> Iterator[Fault]:
    """Yield that the levels make another number of CPUs than there can be."""
    read = read_topology(line)
    if read is None or not read[0] or any(find_zeros(line)) or any(find_unsupported(line)):
        return
    settings, numbers = read
    made = complete(line, numbers)
    if made.maxcpus < made.cpus:
        setting = _blame(settings, "maxcpus", "cpus")
        what = f"{made.cpus} CPUs are more than maxcpus, {made.maxcpus}"
        yield Fault(setting.occurrence, setting.where, what)
    elif made.product % _WRAP != made.maxcpus:
        setting = _blame(settings)
        factors = " * ".join(f"{count} {name}" for name, count in made.levels.items() if count != 1)
        what = f"{factors or '1'} make {made.product} CPUs, and maxcpus is {made.maxcpus}"
        yield Fault(setting.occurrence, setting.where, what, "the product must be maxcpus")


def find_too_many(line: Line) -> Iterator[Fault]:
    """Yield that the machine type cannot have as many CPUs."""
    read, machine = read_topology(line), line.machine
    if read is None or machine is None or machine.cpu_max is None or not read[0]:
        return
    if any(find_contradictions(line)) or any(find_zeros(line)):
        return
    made = complete(line, read[1])
    if made.maxcpus > machine.cpu_max:
        setting = _blame(read[0], "maxcpus", "cpus")
        what = f"{made.maxcpus} CPUs are too many for {machine.name}"
        right = f"at most {machine.cpu_max} are right"
        yield Fault(setting.occurrence, setting.where, what, right)


def find_wide_apics(line: Line) -> Iterator[Fault]:
    """Yield that CPUs get APIC IDs that need x2APIC, which TCG has since 9.0."""
    read, name = read_topology(line), find_name(line)
    if read is None or not read[0] or not is_pc(name) or may_be_virtualised(line):
        return
    if line.has("device") and any(find_remapping(line)):
        return
    made = complete(line, read[1])
    if any(find_too_many(line)) or any(find_contradictions(line)) or made.maxcpus < 1:
        return
    is_new = not line.is_before(9, 0)
    if is_new and line.has("cpu"):
        return
    if _find_apic(made, (made.cpus if is_new else made.maxcpus) - 1) >= _BROADCAST:
        setting = _blame(read[0], "maxcpus", "cpus")
        what = "a CPU gets an APIC ID above 254, which needs x2APIC"
        yield Fault(setting.occurrence, setting.where, what, "fewer CPUs, or levels, are right")


def find_remapping(line: Line) -> Iterator[bool]:
    """Yield once for each device that remaps interrupts."""
    return (True for each in line.select("device") if each.get("driver") == "intel-iommu")


def _find_apic(made: Topology, index: int) -> int:
    """Return the APIC ID of a CPU: each level has a field as wide as its count needs."""
    number, shift = 0, 0
    for name in ("threads", "cores", "modules", "dies"):
        count = made.levels.get(name, 1) or 1
        number |= (index % count) << shift
        index //= count
        shift += (count - 1).bit_length()
    return number | index << shift


RULES = (
    Rule(
        "smp-zero",
        "a level of the topology has at least one part",
        SINCE_10_0,
        "-smp 4,cores=0",
        "-smp 4,cores=1",
        find_zeros,
    ),
    Rule(
        "smp-level",
        "machines differ in which levels their topology has",
        SINCE_7_2,
        "-smp 4,clusters=2",
        "-smp 4,clusters=1",
        find_unsupported,
    ),
    Rule(
        "smp-product",
        "the levels of the topology make all CPUs there can be",
        ALL,
        "-smp 4,sockets=2,cores=4,threads=1",
        "-smp 4,sockets=2,cores=4,threads=1,maxcpus=8",
        find_contradictions,
    ),
    Rule(
        "smp-maximum",
        "each machine type has a largest number of CPUs",
        ALL,
        "-smp 1,maxcpus=5000",
        "-smp 1,maxcpus=255",
        find_too_many,
    ),
    Rule(
        "smp-apic",
        "TCG's APIC had no x2APIC before 9.0, and other APIC IDs have 8 bits",
        ("5.2", "7.2"),
        "-smp 1,maxcpus=256",
        "-smp 1,maxcpus=255",
        find_wide_apics,
    ),
)

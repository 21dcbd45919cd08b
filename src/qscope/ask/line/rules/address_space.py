"""Rules about a CPU's address space: all memory there may be must be where it reaches.

QEMU's hw/i386/pc.c, pc_max_used_gpa() and pc_memory_init(), since 7.1; isapc's own limit.
"""

from collections.abc import Iterator

from qscope.ask.line.accel import may_be_virtualised
from qscope.ask.line.cpu import find_last_cpu
from qscope.ask.line.line import Line
from qscope.ask.line.machines import find_name, find_version, is_q35
from qscope.ask.line.rules.cpus import NARROW, find_bad_width, find_features
from qscope.ask.line.rules.memory import align, find_large_numbers, find_ram, read_memory
from qscope.ask.line.rules.rule import SINCE_7_2, SINCE_10_0, Fault, Rule
from qscope.ask.line.scalars import read_uint
from qscope.ask.line.settings import Setting, find_structure

_MIB = 1 << 20
_GIB = 1 << 30
# What TCG's CPUs with 64 bits address unless they are told otherwise.
_USUAL = 40
# AMD's CPUs have nothing in the last 12 GiB below 1 TiB; QEMU moves all that reaches into it.
_AMD = ("qemu64", "max", "EPYC", "Opteron", "phenom")
_INTEL = (
    "Haswell", "Broadwell", "Skylake", "Cascadelake", "Icelake", "Cooperlake", "SapphireRapids",
    "GraniteRapids", "SierraForest", "ClearwaterForest", "Snowridge", "Denverton", "KnightsMill",
    "SandyBridge", "IvyBridge", "Nehalem", "Westmere", "Penryn", "Conroe", "core2duo", "kvm64",
)  # fmt: skip
_HOLE = 12 * _GIB
_ISA_MOST = 3584 * _MIB


def find_width(line: Line) -> tuple[int, bool] | None:
    """Return how many bits a CPU's addresses have, and whether it is AMD's; None if unknown."""
    found = find_last_cpu(line)
    if found is None:
        return (_USUAL, True) if not line.has("cpu") else None
    features = find_features(found[1])
    is_amd = found[1].model.startswith(_AMD)
    if not is_amd and not found[1].model.startswith(_INTEL):
        return None
    if {"vendor", "lm", "host-phys-bits"} & features.keys():
        return None
    width = read_uint(features["phys-bits"].value) if "phys-bits" in features else 0
    return None if width is None else (width or _USUAL, is_amd)


def find_narrow_addresses(line: Line) -> Iterator[Fault]:
    """Yield memory above what a CPU without long mode reaches: for PCI nothing is needed there."""
    found, ram = find_last_cpu(line), find_ram(line)
    width = NARROW.get(found[1].model) if found else None
    # Before 10.0 only those counted that say they have 36 bits (PSE36).
    name, first = find_name(line), (10, 0)
    if found is not None and found[1].model in ("athlon", "pentium2", "pentium3"):
        first = (7, 1)
    if width is None or ram is None or line.is_before(*first) or may_be_virtualised(line):
        return
    above = _count_above(line, name, ram)
    setting = _find_setting(line)
    end = _find_end(line, name, ram) if line.is_before(10, 0) else 4 * _GIB + above
    if above and setting and name.startswith("pc-") and end > 1 << width:
        yield Fault(setting.occurrence, setting.where, f"the CPU's addresses have {width} bits")


def find_wide_addresses(line: Line) -> Iterator[Fault]:
    """Yield that TCG's CPU cannot address all memory there may be."""
    name, width, ram = find_name(line), find_width(line), find_ram(line)
    if not name.startswith("pc-") or width is None or ram is None or may_be_virtualised(line):
        return
    # Before 9.0 32 bits were enough for anything.
    if line.is_before(7, 1) or (width[0] == 32 and line.is_before(9, 0)):
        return
    if any(find_bad_width(line)) or any(find_large_numbers(line)):
        return
    if _find_end(line, name, ram) > _find_limit(name, *width):
        setting = _find_setting(line)
        what = f"the CPU's addresses have {width[0]} bits"
        if setting is not None:
            yield Fault(setting.occurrence, setting.where, what)
        elif found := find_last_cpu(line):
            yield Fault(found[0], "phys-bits", what)


def _find_limit(name: str, width: int, is_amd: bool) -> int:  # noqa: FBT001 - find_width's pair
    version = find_version(name)
    has_hole = is_amd and width == _USUAL and (version is None or version >= (7, 1))
    return (1 << width) - (_HOLE if has_hole else 0)


def _find_end(line: Line, name: str, ram: int) -> int:
    """Return where the last thing ends that a PC has: RAM, what is plugged in, PCI's window."""
    window = (32 if is_q35(name) else 2) * _GIB
    return align(4 * _GIB + _count_above(line, name, ram), _GIB) + window


def _count_above(line: Line, name: str, ram: int) -> int:
    """Return how much memory of a PC is above 4 GiB: RAM in PCI's way, and what is plugged in."""
    most, low = (0xB0000000, 2 * _GIB) if is_q35(name) else (0xE0000000, 3 * _GIB)
    memory = read_memory(line)
    plugged = 0
    if memory is not None and memory.maximum > ram:
        plugged = memory.maximum - ram + memory.slots * _GIB
    return plugged + (0 if ram < most else ram - low)


def _find_setting(line: Line) -> Setting | None:
    """Return what says how much memory there may be."""
    settings = find_structure(line, "m")
    return settings.get("maxmem") or settings.get("size")


def find_large_isa(line: Line) -> Iterator[Fault]:
    """Yield more RAM than a machine without PCI has below 4 GiB."""
    setting, ram = find_structure(line, "m").get("size"), find_ram(line)
    if find_name(line) != "isapc" or setting is None or ram is None or ram <= _ISA_MOST:
        return
    if not line.is_before(*((11, 0) if line.has("cpu") else (10, 0))):
        yield Fault(setting.occurrence, setting.where, "isapc has at most 3584M")


RULES = (
    Rule(
        "memory-address-bits",
        "QEMU puts nothing where the CPU cannot address it, since 7.1",
        SINCE_7_2,
        "-m 128,slots=4,maxmem=1T",
        "-m 128,slots=4,maxmem=900G",
        find_wide_addresses,
    ),
    Rule(
        "memory-address-narrow",
        "QEMU puts nothing where a CPU with 32 bits cannot address it",
        SINCE_10_0,
        "-cpu pentium -m 128,slots=2,maxmem=4G",
        "-cpu pentium -m 128",
        find_narrow_addresses,
    ),
    Rule(
        "memory-isa",
        "a machine without PCI has all RAM below 4 GiB",
        SINCE_10_0,
        "-machine isapc -m 4G",
        "-machine isapc -m 3G",
        find_large_isa,
    ),
)

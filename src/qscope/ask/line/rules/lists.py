"""Rules about lists that -machine takes: CXL's windows, SGX's memory, caches.

QEMU's hw/cxl/cxl-host.c, hw/i386/sgx.c, hw/core/machine-smp.c.
"""

from collections.abc import Iterator
from typing import Any

from qscope.ask.line.line import Line, Occurrence
from qscope.ask.line.machines import find_name, is_pc
from qscope.ask.line.names import Names
from qscope.ask.line.rules.rule import SINCE_7_2, SINCE_10_0, Fault, Rule
from qscope.ask.line.scalars import read_bool
from qscope.ask.line.settings import find_properties, read_size, spell

_WINDOW = 256 << 20
_GRANULARITIES = tuple(256 << shift for shift in range(7))
# The smallest first.
_LEVELS = ("core", "module", "die", "socket")
_CACHES = ("l1d", "l1i", "l2", "l3")


def list_items(line: Line, name: str) -> Iterator[tuple[Occurrence, str, dict[str, Any]]]:
    """Yield the items of a list: who gives it, where, and its members."""
    for occurrence in line.select("machine"):
        for given, items in occurrence.parameters.items():
            if spell(given) == name and isinstance(items, list):
                for index, item in enumerate(items):
                    if isinstance(item, dict):
                        yield occurrence, f"{given}.{index}", item


def find_bad_windows(line: Line) -> Iterator[Fault]:
    """Yield windows of another size than CXL has, or to where nothing is."""
    setting = find_properties(line).get("cxl")
    is_on = setting is not None and read_bool(setting.value)
    for occurrence, where, item in list_items(line, "cxl-fmw"):
        size, granularity = _read(line, item, "size"), _read(line, item, "interleave-granularity")
        if size is not None and size % _WINDOW:
            yield Fault(occurrence, f"{where}.size", "it is no multiple of 256M")
        elif granularity is not None and granularity not in _GRANULARITIES:
            right = "a power of two from 256 to 16384 is right"
            yield Fault(occurrence, f"{where}.interleave-granularity", "no such value", right)
        elif is_on:
            yield from _judge_targets(line, occurrence, where, item.get("targets"))


def _read(line: Line, item: dict[str, Any], name: str) -> int | None:
    value = item.get(name)
    return read_size(line, value) if isinstance(value, str) else None


def _judge_targets(
    line: Line, occurrence: Occurrence, where: str, targets: object
) -> Iterator[Fault]:
    """Yield the first target that is no host bridge, or that there is a wrong number of them."""
    names = line.once(Names)
    given = targets if isinstance(targets, list) else []
    for index, target in enumerate(given):
        made = names.find("device", target) if isinstance(target, str) else None
        if made is None or made.occurrence.get("driver") != "pxb-cxl":
            what = f"there is no pxb-cxl {target!r}"
            yield Fault(occurrence, f"{where}.targets.{index}", what)
            return
    if given and len(given) not in (1, 2, 3, 4, 6, 8, 12, 16):
        yield Fault(occurrence, f"{where}.targets", "a power of two of targets is right")


def find_missing_enclaves(line: Line) -> Iterator[Fault]:
    """Yield memory for enclaves that is not there."""
    names = line.once(Names)
    for occurrence, where, item in list_items(line, "sgx-epc"):
        name = item.get("memdev")
        if isinstance(name, str) and names.find("object", name) is None:
            yield Fault(occurrence, f"{where}.memdev", f"there is no memory backend {name!r}")


def find_bad_caches(line: Line) -> Iterator[Fault]:
    """Yield caches of levels that a PC does not have, that are there twice or within another."""
    seen: dict[str, int] = {}
    for occurrence, where, item in list_items(line, "smp-cache"):
        cache, level = item.get("cache"), item.get("topology")
        if not is_pc(find_name(line)) or cache not in _CACHES or not isinstance(level, str):
            continue
        if cache in seen:
            yield Fault(occurrence, f"{where}.cache", f"{cache} is there twice")
        elif level not in (*_LEVELS, "default"):
            yield Fault(occurrence, f"{where}.topology", f"a PC has no caches of a {level}")
        elif level != "default" and any(
            _is_inside(cache, _LEVELS.index(level), other, rank) for other, rank in seen.items()
        ):
            yield Fault(occurrence, f"{where}.topology", "a smaller cache has a larger level")
        seen[cache] = _LEVELS.index(level) if level in _LEVELS else -1


def _is_inside(cache: str, rank: int, other: str, other_rank: int) -> bool:
    """Whether one of two caches is nearer to the CPU and serves more of them."""
    if other_rank < 0 or cache[:2] == other[:2]:
        return False
    return (cache[1] < other[1]) == (rank > other_rank) and rank != other_rank


RULES = (
    Rule(
        "cxl-window",
        "a window is made of 256 MiB, and leads to host bridges",
        SINCE_7_2,
        "-machine q35,cxl=on,cxl-fmw.0.targets.0=cxl.1,cxl-fmw.0.size=4G",
        "-machine q35,cxl=on,cxl-fmw.0.targets.0=cxl.1,cxl-fmw.0.size=4G"
        " -device pxb-cxl,bus_nr=12,bus=pcie.0,id=cxl.1",
        find_bad_windows,
    ),
    Rule(
        "sgx-memory",
        "memory of enclaves has a back end",
        SINCE_7_2,
        "-machine q35,sgx-epc.0.memdev=e0,sgx-epc.0.node=0",
        "-machine q35",
        find_missing_enclaves,
    ),
    Rule(
        "smp-cache",
        "caches further from a CPU serve as many CPUs, or more",
        SINCE_10_0,
        "-machine q35,smp-cache.0.cache=l1d,smp-cache.0.topology=thread",
        "-machine q35,smp-cache.0.cache=l1d,smp-cache.0.topology=core",
        find_bad_caches,
    ),
)

"""Rules about single properties of machines, and about accelerators.

QEMU's hw/i386/pc.c, hw/i386/x86-common.c, hw/core/machine.c, system/vl.c.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from qscope.ask.finding import Severity
from qscope.ask.line.accel import may_be_virtualised
from qscope.ask.line.line import Line
from qscope.ask.line.machines import find_name, is_known
from qscope.ask.line.names import Names
from qscope.ask.line.rules.rule import ALL, SINCE_7_2, SINCE_10_0, Fault, Rule
from qscope.ask.line.settings import find_properties, read_size


class Limit(NamedTuple):
    """Which values of a property a machine refuses when it is set."""

    property: str
    accepts: Callable[[Line, str], bool]
    right: str


def _up_to(most: int) -> Callable[[Line, str], bool]:
    return lambda line, text: (read_size(line, text) or 0) <= most


def _is_short(most: int) -> Callable[[Line, str], bool]:
    return lambda _, text: len(text.encode()) <= most


def _is_one_of(*words: str) -> Callable[[Line, str], bool]:
    return lambda _, text: text in words


def _is_entry_point(line: Line, text: str) -> bool:
    return text in ("32", "64") or (text == "auto" and not line.is_before(9, 1))


_LIMITS = (
    Limit("max-ram-below-4g", _up_to(1 << 32), "at most 4G is right"),
    Limit("max-fw-size", _up_to(16 << 20), "at most 16M is right"),
    Limit("x-oem-id", _is_short(6), "at most 6 bytes are right"),
    Limit("x-oem-table-id", _is_short(8), "at most 8 bytes are right"),
    Limit("smbios-entry-point-type", _is_entry_point, "32 or 64 is right"),
    Limit("gic-version", _is_one_of("2", "3", "4", "host", "max"), "2, 3 or max is right"),
    Limit("iommu", _is_one_of("none", "smmuv3"), "none or smmuv3 is right"),
    Limit("nvdimm-persistence", _is_one_of("cpu", "mem-ctrl"), "cpu or mem-ctrl is right"),
)


def find_bad_values(line: Line) -> Iterator[Fault]:
    """Yield each value that a machine does not take, whatever its type says."""
    settings = find_properties(line)
    for limit in _LIMITS:
        setting = settings.get(limit.property)
        if setting is not None and not limit.accepts(line, setting.value):
            what = f"{setting.value!r} was given"
            yield Fault(setting.occurrence, setting.where, what, limit.right)


def find_lonely_arguments(line: Line) -> Iterator[Fault]:
    """Yield arguments of a kernel that is not there: PCs and others look at them."""
    settings = find_properties(line)
    if settings.get("kernel") is not None and settings["kernel"].value:
        return
    for name in ("append", "initrd", "shim"):
        setting = settings.get(name)
        # 5.2 takes no arguments for none.
        is_none = name == "append" and line.is_before(6, 0)
        if setting is not None and (setting.value or not is_none):
            what = f"{name} without a kernel"
            yield Fault(setting.occurrence, setting.where, what, "-kernel must be given")


def find_no_tree(line: Line) -> Iterator[Fault]:
    """Yield that a machine without a device tree shall write it: QEMU tells it since 10.0."""
    setting, name = find_properties(line).get("dumpdtb"), find_name(line)
    is_new = not line.is_before(10, 0)
    if setting is not None and is_new and is_known(name) and not name.startswith("virt-"):
        yield Fault(setting.occurrence, setting.where, f"{name} has no device tree")


# Machine types that are for one accelerator alone, and it.
_ACCELERATED = {"xenfv": "xen", "xenpv": "xen", "nitro": "nitro"}


def find_wrong_accelerator(line: Line) -> Iterator[Fault]:
    """Yield machine types that need an accelerator: where it is asked for the host decides."""
    name = find_name(line)
    wanted = next((each for kind, each in _ACCELERATED.items() if name.startswith(kind)), "")
    occurrence = line.find_last("machine")
    if not wanted or occurrence is None:
        return
    asked = line.merged("machine").get("accel") or ":".join(
        each.get("accel") or "" for each in line.select("accel")
    )
    is_asked = wanted in str(asked).split(":") or (not asked and name != "xenfv")
    severity = Severity.NOTE if is_asked else Severity.ERROR
    yield Fault(occurrence, "type", f"{name} needs {wanted}", "", severity)


_GUARDS = ("confidential-guest-support", "memory-encryption")


def find_missing_guards(line: Line) -> Iterator[Fault]:
    """Yield that the object which shall protect the guest is not there."""
    settings = find_properties(line)
    names = line.once(Names)
    # 5.2 asks for the object only where KVM is used.
    if line.is_before(6, 0):
        return
    for name in (each for each in _GUARDS if each in settings):
        setting = settings[name]
        # A link may lead nowhere, or be a path.
        if "/" in setting.value or (name == _GUARDS[0] and not setting.value):
            continue
        made = names.find("object", setting.value)
        if made is None:
            what = f"there is no object {setting.value!r}"
            yield Fault(setting.occurrence, setting.where, what)
        elif not (made.occurrence.get("qom-type") or "").endswith("-guest"):
            what = f"{setting.value!r} does not protect guests"
            yield Fault(setting.occurrence, setting.where, what)
        elif not may_be_virtualised(line):
            what = "TCG cannot protect guests"
            yield Fault(setting.occurrence, setting.where, what, "-accel kvm is right")


def find_two_ways(line: Line) -> Iterator[Fault]:
    """Yield that accelerators are asked for in two ways."""
    first = next(line.select("accel"), None)
    if first is not None and "accel" in find_properties(line):
        what = "-machine accel= (or -enable-kvm) asks for accelerators, too"
        yield Fault(first, "", what, "one of the two is right")


def find_bad_rings(line: Line) -> Iterator[Fault]:
    """Yield a size of kvm's ring of dirty pages that is no power of two, in what is tried."""
    for occurrence in line.select("accel"):
        if occurrence.get("accel") == "tcg":
            return
        text = occurrence.get("dirty-ring-size")
        number = read_size(line, text)
        if number is not None and number & (number - 1):
            yield Fault(occurrence, "dirty-ring-size", f"{text} is no power of two")


RULES = (
    Rule(
        "machine-value",
        "what a property takes is narrower than its type",
        ALL,
        "-machine q35,max-ram-below-4g=5G",
        "-machine q35,max-ram-below-4g=4G",
        find_bad_values,
    ),
    Rule(
        "machine-kernel",
        "a kernel is what an initrd and arguments are for",
        ALL,
        "-append quiet",
        "-dtb /nonexistent",
        find_lonely_arguments,
    ),
    Rule(
        "machine-tree",
        "PCs have no device tree",
        SINCE_10_0,
        "-machine q35,dumpdtb=/nonexistent/x",
        "-machine q35",
        find_no_tree,
    ),
    Rule(
        "machine-accelerator",
        "Xen's and Nitro's machines are theirs",
        ("5.2",),
        "-machine xenfv,accel=tcg",
        "-machine pc,accel=tcg",
        find_wrong_accelerator,
    ),
    Rule(
        "machine-guard",
        "confidential guests have an object that protects them",
        SINCE_7_2,
        "-machine q35,memory-encryption=sev0",
        "-machine q35",
        find_missing_guards,
    ),
    Rule(
        "accelerator-twice",
        "accelerators are asked for by -accel or by -machine",
        ALL,
        "-machine q35,accel=tcg -accel tcg",
        "-machine q35 -accel tcg",
        find_two_ways,
    ),
    Rule(
        "accelerator-ring",
        "a ring has a power of two of entries",
        SINCE_7_2,
        "-accel kvm,dirty-ring-size=1000 -accel tcg",
        "-accel kvm,dirty-ring-size=1024 -accel tcg",
        find_bad_rings,
    ),
)

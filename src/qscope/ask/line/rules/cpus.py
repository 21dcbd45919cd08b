"""Rules about -cpu: what TCG can do, and what an x86 CPU checks when it is made.

QEMU's target/i386/cpu.c. Nothing is refused where another accelerator may be in use.
"""

from collections.abc import Iterator, Mapping

from qscope.ask.finding import Severity
from qscope.ask.line.accel import may_be_virtualised
from qscope.ask.line.cpu import find_last_cpu, is_x86
from qscope.ask.line.line import Line, Occurrence
from qscope.ask.line.machines import find_name
from qscope.ask.line.rules.rule import ALL, Fault, Rule
from qscope.ask.line.rules.smp import X86_PLACES, count_cpus
from qscope.ask.line.scalars import read_bool, read_uint
from qscope.ask.owner import find_cpu
from qscope.ask.syntax.argument import Cpu
from qscope.ask.syntax.cpu import Feature, Form

_VENDOR = 12
# Models without long mode, and how many bits their addresses have; nobody sets that.
NARROW: Mapping[str, int] = {
    **dict.fromkeys(("486", "pentium"), 32),
    **dict.fromkeys(("athlon", "coreduo", "kvm32", "n270", "pentium2", "pentium3", "qemu32"), 36),
}
# Models that say which caches they have.
_CACHED = (
    "ClearwaterForest", "DiamondRapids", "EPYC", "GraniteRapids", "SapphireRapids", "SierraForest",
    "YongFeng",
)  # fmt: skip
# Where a CPU is; no release was asked about module-id.
_PLACES = {name: level for name, level in X86_PLACES.items() if name != "module-id"}
# Features of no model, which TCG lacks in all releases that were tried (5.2 to 11.1).
_LACKING = frozenset(
    (
        "ace2-en", "amd-no-ssb", "cid", "dca", "decodeassists", "ds", "ds-cpl", "dtes64",
        "est", "extapic", "ia64", "ibs", "intel-pt", "invtsc", "lwp", "nodeid-msr", "pbe",
        "perfctr-nb", "pn", "skinit", "smx", "svm-lock", "tce", "tm", "tm2", "virt-ssbd",
        "vme", "vmx", "waitpkg", "wdt", "xtpr",
    )
)  # fmt: skip


def find_features(cpu: Cpu) -> dict[str, Feature]:
    """Return the features by property; +name and -name win over the others."""
    signed = (Form.PLUS, Form.MINUS)
    found = {each.property: each for each in cpu.features if each.form not in signed}
    return found | {each.property: each for each in cpu.features if each.form in signed}


def _find(line: Line) -> tuple[Occurrence, Cpu, dict[str, Feature]] | None:
    """Return the -cpu that counts, where its model is one of an x86 QEMU."""
    found = find_last_cpu(line)
    if found is None or not is_x86(line):
        return None
    if find_cpu(line.interface.listings, found[1].model) is None:
        return None
    return found[0], found[1], find_features(found[1])


def _read(features: dict[str, Feature], name: str) -> bool | None:
    return read_bool(features[name].value) if name in features else None


def _read_number(features: dict[str, Feature], name: str) -> int | None:
    return read_uint(features[name].value) if name in features else None


def find_host(line: Line) -> Iterator[Fault]:
    """Yield the host's CPU for a machine that TCG runs."""
    found = find_last_cpu(line)
    if found is not None and found[1].model == "host":
        if not may_be_virtualised(line):
            right = "-accel kvm is right, or -cpu max"
            yield Fault(found[0], "model", "TCG does not have the host's CPU", right)
        else:
            what = "kvm must be usable on the host"
            yield Fault(found[0], "model", what, "", Severity.NOTE)


def find_lacking(line: Line) -> Iterator[Fault]:
    """Yield `enforce` of features that TCG lacks (query-cpu-definitions tells those of models)."""
    found = _find(line)
    if found is None or may_be_virtualised(line) or not _read(found[2], "enforce"):
        return
    occurrence, cpu, features = found
    model = find_cpu(line.interface.listings, cpu.model)
    if model is None or model.unavailable_features is None or model.name == "host":
        return
    models = line.interface.listings.cpus or ()
    lacking = {name for each in models for name in each.unavailable_features or ()} | _LACKING
    switched = {name: _read(features, name) for name in features}
    wanted = {name for name in model.unavailable_features if switched.get(name) is not False}
    wanted |= {name for name, value in switched.items() if value and name in lacking}
    wanted -= {"kvm"}
    if wanted:
        what = f"TCG lacks {', '.join(sorted(wanted))}"
        yield Fault(occurrence, "enforce", what)


def find_bad_vendor(line: Line) -> Iterator[Fault]:
    """Yield a vendor that does not fill three registers."""
    found = _find(line)
    vendor = found[2].get("vendor") if found else None
    if found and vendor is not None and len(vendor.value.encode()) != _VENDOR:
        right = f"{_VENDOR} characters are right"
        yield Fault(found[0], "vendor", f"{vendor.value!r} was given", right)


def find_bad_width(line: Line) -> Iterator[Fault]:
    """Yield a width of addresses that the CPU does not have."""
    found = _find(line)
    width = _read_number(found[2], "phys-bits") if found else None
    inner = _read_number(found[2], "guest-phys-bits") if found else None
    if found is None:
        return
    if inner and not 32 <= inner <= (width or 40) and not may_be_virtualised(line):
        right = f"32..{width or 40} is right"
        yield Fault(found[0], "guest-phys-bits", f"{inner} was given", right)
    if not width:
        return
    occurrence, cpu, features = found
    is_wide = _read(features, "lm")
    if is_wide is None:
        is_wide = cpu.model.removesuffix("-v1") not in (*NARROW, "base")
    most = 52 if line.is_before(11, 0) else 63
    if not is_wide:
        yield Fault(occurrence, "phys-bits", "nobody sets it of a CPU with 32 bits")
    elif line.is_before(6, 0) and width != 40 and not may_be_virtualised(line):
        yield Fault(occurrence, "phys-bits", f"TCG has no {width}", "40 is right")
    elif not 32 <= width <= most:
        yield Fault(occurrence, "phys-bits", f"{width} was given", f"32..{most} is right")


def find_missing_caches(line: Line) -> Iterator[Fault]:
    """Yield that a model shall have its own caches which tells of none."""
    found = _find(line)
    if found is None or found[1].model.startswith(_CACHED):
        return
    if _read(found[2], "legacy-cache") is False:
        yield Fault(found[0], "legacy-cache", f"{found[1].model} has no caches of its own")


def find_no_board(line: Line) -> Iterator[Fault]:
    """Yield a CPU of a machine that has none to put it on."""
    found = _find(line)
    if found and find_name(line) == "none":
        yield Fault(found[0], "", "machine type none has no x86 CPUs")


def find_wrong_places(line: Line) -> Iterator[Fault]:
    """Yield a place in the topology that the first CPU does not have, and memory of its own."""
    found = _find(line)
    if found is None:
        return
    topology = count_cpus(line)
    cpus = range(min(topology.cpus, 1 << 12)) if topology else range(1)
    for name, level in _PLACES.items():
        value = _read_number(found[2], name)
        places = {topology.locate(cpu, level) for cpu in cpus} if topology else {0}
        if value is not None and places != {value}:
            yield Fault(found[0], name, "each CPU has a place of its own", "leave it out")
    if _read_number(found[2], "node-id") and not line.has("numa"):
        yield Fault(found[0], "node-id", "there are no NUMA nodes")
    memory = found[2].get("memory")
    if memory is not None and memory.value and "/" not in memory.value:
        yield Fault(found[0], "memory", f"there is no memory region {memory.value!r}")


def find_hyperv(line: Line) -> Iterator[Fault]:
    """Yield what Hyper-V needs of the kernel, which was asked for whatever ran the machine."""
    found = _find(line)
    if found is None or not line.is_before(8, 0):
        return
    if _read(found[2], "hv-vpindex") and not may_be_virtualised(line):
        yield Fault(found[0], "hv-vpindex", "TCG does not have it")


RULES = (
    Rule(
        "cpu-host",
        "only virtualised machines have the host's CPU",
        ALL,
        "-cpu host",
        "-cpu max",
        find_host,
    ),
    Rule(
        "cpu-enforce",
        "enforce refuses what the accelerator lacks",
        ALL,
        "-cpu phenom,enforce",
        "-cpu phenom,-fxsr-opt,enforce",
        find_lacking,
    ),
    Rule(
        "cpu-vendor",
        "CPUID returns the vendor in three registers",
        ALL,
        "-cpu qemu64,vendor=Foo",
        "-cpu qemu64,vendor=GenuineIntel",
        find_bad_vendor,
    ),
    Rule(
        "cpu-width",
        "addresses have as many bits as CPUs have",
        ALL,
        "-cpu qemu64,phys-bits=31",
        "-cpu qemu64,phys-bits=40",
        find_bad_width,
    ),
    Rule(
        "cpu-cache",
        "some models have caches of their own",
        ALL,
        "-cpu qemu64,legacy-cache=off",
        "-cpu EPYC,legacy-cache=off",
        find_missing_caches,
    ),
    Rule(
        "cpu-board",
        "machine type none has no place for a CPU",
        ALL,
        "-machine none -cpu qemu64",
        "-machine none",
        find_no_board,
    ),
    Rule(
        "cpu-place",
        "the machine puts CPUs where they belong",
        ALL,
        "-cpu qemu64,core-id=5",
        "-cpu qemu64,socket-id=0",
        find_wrong_places,
    ),
    Rule(
        "cpu-hyperv",
        "the kernel tells Hyper-V's guests which CPU they run on",
        ("5.2", "7.2"),
        "-cpu qemu64,hv-vpindex",
        "-cpu qemu64,hv-synic",
        find_hyperv,
    ),
)

"""Judge -accel, and the accelerators that -machine names.

In: a line and an occurrence. Out: findings about names and properties. Whether KVM can be used is
the host's to say: a note.
"""

from collections.abc import Collection, Iterator

from qscope.ask.finding import Finding, Severity
from qscope.ask.line.line import Line, Occurrence
from qscope.ask.owner import ACCELERATOR, name_accelerator
from qscope.ask.syntax.qemuopts import Parameter
from qscope.ask.validation.properties import PropertyOwner
from qscope.model.near import near

# Accelerators that need something of the host; tcg needs nothing.
_HOSTS = frozenset(("kvm", "xen", "hvf", "whpx", "nvmm", "hax", "mshv", "nitro"))


def judge_accel(line: Line, occurrence: Occurrence) -> Iterator[Finding]:
    """Yield what is wrong with an accelerator's name and its properties.

    QEMU takes the first -accel that works, and looks at no other one behind it.
    """
    name = occurrence.get("accel")
    if not name:
        yield Finding("member-missing", "accel", "an accelerator is mandatory")
        return
    names = [each.get("accel") or "" for each in line.select("accel")]
    position = next(n for n, each in enumerate(line.select("accel")) if each is occurrence)
    known = list_accelerators(line)
    if known is not None and any(each in known - _HOSTS for each in names[:position]):
        return
    yield from _judge_names(line, [name], names, "accel")
    owner = PropertyOwner("object", name_accelerator(name))
    value = occurrence.parsed.value if occurrence.parsed else ()
    if line.interface.properties.find(*owner) is None or not isinstance(value, tuple):
        return
    # All are set, one after the other, though a later one replaces an earlier one.
    for each in value:
        if isinstance(each, Parameter) and each.name != "accel":
            yield from line.judge_properties(occurrence, owner, {each.name: each.value})


def judge_accelerators(line: Line, names: str, where: str) -> Iterator[Finding]:
    """Judge a list such as `kvm:tcg`: QEMU takes the first that works, and needs one."""
    asked = names.split(":")
    yield from _judge_names(line, asked, asked, where)


def _judge_names(
    line: Line, names: Collection[str], candidates: Collection[str], where: str
) -> Iterator[Finding]:
    """Judge names, of all `candidates` that QEMU tries: one has to be there."""
    known = list_accelerators(line)
    if known is None:
        why = line.interface.listings.explain("qom-list-types implements=accel")
        yield Finding("accelerator-unknown", where, why, Severity.UNKNOWN)
        return
    there = [name for name in candidates if name in known]
    for name in names:
        if name not in known:
            severity = Severity.WARNING if there else Severity.ERROR
            guesses = tuple(near(name, known))
            what = f"no accelerator {name!r}"
            yield Finding("accelerator-unknown", where, what, severity, suggestions=guesses)
        elif all(each in _HOSTS for each in there):
            what = f"{name} must be usable on the host"
            yield Finding("accelerator-host", where, what, Severity.NOTE)


def list_accelerators(line: Line) -> frozenset[str] | None:
    """Return the names of the accelerators that are there; None where nothing lists them."""
    accelerators = line.interface.listings.accelerators
    if accelerators is None:
        return None
    names = (each.name for each in accelerators if not each.abstract)
    return frozenset(name.removesuffix(ACCELERATOR) for name in names if name.endswith(ACCELERATOR))


def may_be_virtualised(line: Line) -> bool:
    """Whether something else than TCG is asked for; QEMU's own choice is TCG."""
    asked = [each.get("accel") or "" for each in line.select("accel")]
    asked += str(line.merged("machine").get("accel", "")).split(":")
    return line.has("enable-kvm") or any(name in _HOSTS for name in asked)

"""Judge -accel, and the accelerators that -machine names.

In: a line and an occurrence. Out: findings about names and properties. Whether KVM can be used is
the host's to say: a note.
"""

from collections.abc import Iterator

from qscope.ask.finding import Finding, Severity
from qscope.ask.line.line import Line, Occurrence
from qscope.ask.owner import ACCELERATOR, name_accelerator
from qscope.ask.validation.properties import PropertyOwner
from qscope.model.near import near

# Accelerators that need something of the host; tcg needs nothing.
_HOSTS = frozenset(("kvm", "xen", "hvf", "whpx", "nvmm", "hax", "mshv"))


def judge_accel(line: Line, occurrence: Occurrence) -> Iterator[Finding]:
    """Yield what is wrong with an accelerator's name and its properties."""
    name = occurrence.get("accel")
    if name is None:
        yield Finding("member-missing", "accel", "an accelerator is mandatory")
        return
    yield from judge_accelerators(line, name, "accel")
    given = {key: value for key, value in occurrence.parameters.items() if key != "accel"}
    owner = PropertyOwner("object", name_accelerator(name))
    if line.interface.properties.find(*owner) is not None:
        yield from line.judge_properties(occurrence, owner, given)


def judge_accelerators(line: Line, names: str, where: str) -> Iterator[Finding]:
    """Judge a list such as `kvm:tcg`: QEMU takes the first that works, and needs one."""
    listings = line.interface.listings
    known = {
        each.name.removesuffix(ACCELERATOR)
        for each in listings.accelerators or ()
        if not each.abstract
    }
    asked = names.split(":")
    if listings.accelerators is None:
        why = listings.explain("qom-list-types implements=accel")
        yield Finding("accelerator-unknown", where, why, Severity.UNKNOWN)
        return
    there = [name for name in asked if name in known]
    for name in asked:
        if name not in known:
            severity = Severity.WARNING if there else Severity.ERROR
            guesses = tuple(near(name, known))
            what = f"no accelerator {name!r}"
            yield Finding("accelerator-unknown", where, what, severity, suggestions=guesses)
    if there and all(name in _HOSTS for name in there):
        what = f"{' or '.join(there)} must be usable on the host"
        yield Finding("accelerator-host", where, what, Severity.NOTE)

"""Judge -machine by the machine types and by what theirs told of their properties.

In: a line and an occurrence of -machine or -M. Out: findings about its type and its properties.
"""

from collections.abc import Iterator, Mapping

from qscope.ask.finding import Finding, Severity
from qscope.ask.line.accel import judge_accelerators
from qscope.ask.line.line import Line, Occurrence
from qscope.ask.owner import find_machine
from qscope.ask.validation.properties import PropertyOwner
from qscope.model.near import near
from qscope.model.schema_info import ObjectType

# Parameters that are none of the machine's properties: QEMU takes them out (system/vl.c,
# machine_parse_property_opt and machine_merge_property), and some it hands to an accelerator.
_OWN = frozenset(("type", "accel", "help"))
_ACCELERATORS = frozenset(("kernel-irqchip", "kvm-shadow-mem", "igd-passthru"))
# Parameters that are structures of their own: their types are those of the options of that name.
_OPTIONS: Mapping[str, str] = {"smp": "smp", "boot": "boot", "memory": "m"}


def judge_machine(line: Line, occurrence: Occurrence) -> Iterator[Finding]:
    """Yield what is wrong with a machine's type and its properties."""
    name = occurrence.get("type")
    if name is not None:
        yield from _judge_type(line, name)
    accelerators = occurrence.get("accel")
    if accelerators is not None:
        yield from judge_accelerators(line, accelerators, "accel")
    if line.machine is not None:
        yield from _judge_properties(line, occurrence, f"{line.machine.name}-machine")


def _judge_type(line: Line, name: str) -> Iterator[Finding]:
    listings = line.interface.listings
    if listings.machines is None:
        why = listings.explain("query-machines")
        yield Finding("machine-unknown", "type", f"{name}: {why}", Severity.UNKNOWN)
        return
    machine = find_machine(listings, name)
    if machine is None:
        names = [each.name for each in listings.machines]
        names += [each.alias for each in listings.machines if each.alias]
        guesses = tuple(near(name, names))
        yield Finding("machine-unknown", "type", f"no machine type {name!r}", suggestions=guesses)
    elif machine.deprecated:
        yield Finding("machine-deprecated", "type", f"{name} is deprecated", Severity.WARNING)


def _judge_properties(line: Line, occurrence: Occurrence, typename: str) -> Iterator[Finding]:
    given = {
        spell(name): value
        for name, value in occurrence.parameters.items()
        if spell(name) not in _OWN | _ACCELERATORS
    }
    made = line.interface.qom.make("object", typename)
    if made is None:
        if given:
            what = f"properties of {typename} are not known"
            yield Finding("properties-unknown", next(iter(given)), what, Severity.UNKNOWN)
        return
    plain = {name: value for name, value in given.items() if name not in _OPTIONS}
    yield from line.judge_properties(occurrence, PropertyOwner("object", typename), plain)
    yield from _judge_structures(made, given)


def _judge_structures(made: ObjectType, given: Mapping[str, object]) -> Iterator[Finding]:
    """Judge `smp.cpus=2` and the like, which machines take as properties since 6.2."""
    names = {member.name for member in made.members}
    for name in _OPTIONS.keys() & given.keys():
        if name not in names:
            yield Finding("member-unknown", name, f"no property {name!r}")


def spell(name: str) -> str:
    """Return the name of a property: QEMU takes `kernel_irqchip` for kernel-irqchip."""
    return name.replace("_", "-")

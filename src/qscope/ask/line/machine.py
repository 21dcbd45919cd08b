"""Judge -machine by the machine types and by what theirs told of their properties.

In: a line and an occurrence of -machine or -M. Out: findings about its type and its properties.
How properties hang together with others is left to rules/.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from qscope.ask.finding import Finding, Severity
from qscope.ask.line.accel import judge_accelerators
from qscope.ask.line.line import Line, Occurrence
from qscope.ask.line.microvm import make_microvm
from qscope.ask.line.settings import spell
from qscope.ask.line.structures import find_structure_type
from qscope.ask.owner import find_machine
from qscope.ask.syntax.qemuopts import Parameter
from qscope.ask.validation.properties import PropertyOwner
from qscope.model.near import near
from qscope.model.schema_info import ObjectType

# Parameters that are none of the machine's properties: QEMU takes them out (system/vl.c,
# machine_parse_property_opt and machine_merge_property), and some it hands to an accelerator.
_OWN = frozenset(("type", "accel", "help"))
_ACCELERATORS = frozenset(("kernel-irqchip", "kvm-shadow-mem", "igd-passthru"))


def judge_machine(line: Line, occurrence: Occurrence) -> Iterator[Finding]:
    """Yield what is wrong with a machine's type and its properties."""
    given = line.find_effective(occurrence)
    name, accelerators = given.get("type"), given.get("accel")
    if isinstance(name, str):
        yield from _judge_type(line, name)
    if isinstance(accelerators, str):
        yield from judge_accelerators(line, accelerators, "accel")
    if line.machine is not None:
        typename = f"{line.machine.name}-machine"
        for properties in _list_properties(occurrence, given):
            yield from _judge_properties(line, occurrence, typename, properties)


def _list_properties(occurrence: Occurrence, effective: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what is given to the machine: QemuOpts one by one, keyval when all is merged.

    keyval takes `mem_merge` for mem-merge; QemuOpts those only that become an accelerator's.
    """
    value = occurrence.parsed.value if occurrence.parsed else None
    others = _OWN | _ACCELERATORS
    if isinstance(value, tuple):
        for each in value:
            if isinstance(each, Parameter) and spell(each.name) not in others:
                yield {each.name: each.value}
    else:
        found = {spell(name): value for name, value in effective.items()}
        yield {name: value for name, value in found.items() if name not in others}


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


def _judge_properties(
    line: Line, occurrence: Occurrence, typename: str, given: Mapping[str, Any]
) -> Iterator[Finding]:
    made = _find_machine_type(line, typename)
    if made is None:
        if given:
            what = f"properties of {typename} are not known"
            yield Finding("properties-unknown", next(iter(given)), what, Severity.UNKNOWN)
        return
    declared = {member.name: getattr(member, "declared", "") for member in made.members}
    structures = {
        name: found
        for name in given
        if name in declared and (found := find_structure_type(line, name, declared[name]))
    }
    plain = {name: value for name, value in given.items() if name not in structures}
    if made.name == f"object:{typename}":
        yield from line.judge_properties(occurrence, PropertyOwner("object", typename), plain)
    else:
        yield from line.make_checker(occurrence).check(made.name, plain, "")
    for name, found in structures.items():
        checker = line.make_checker(occurrence, found.command)
        yield from checker.check(found.type, given[name], name)


def _find_machine_type(line: Line, typename: str) -> ObjectType | None:
    """Return the type of a machine's properties, None where nothing tells it."""
    made = line.interface.qom.make("object", typename)
    return make_microvm(line) if made is None and typename == "microvm-machine" else made

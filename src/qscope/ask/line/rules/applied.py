"""Rules about -global: what the devices that QEMU makes take of it.

QEMU applies each one to every device of its type when it makes it, the machine's own included, and
ends where a device lacks the property or does not take the value; it then blames the option that
wants the device.
"""

from collections.abc import Iterator

from qscope.ask.finding import Finding, Severity
from qscope.ask.line.instances import Instance, find_instances
from qscope.ask.line.line import Line, Occurrence
from qscope.ask.line.names import Names
from qscope.ask.line.rules.limits import find_right
from qscope.ask.line.rules.rule import ALL, Fault, Rule
from qscope.ask.validation.properties import PropertyOwner
from qscope.model.property_types import ScalarType


def find_refused(line: Line) -> Iterator[Fault]:
    """Yield each -global that a device refuses, at it and at the option that wants the device."""
    settings = [each for each in line.select("global") if each.get("property")]
    instances = _index_instances(line) if settings else {}
    for setting in settings:
        for instance in instances.get(setting.get("driver") or "", ()):
            faults = list(_judge(line, setting, instance))
            yield from faults
            if faults:
                break


def _index_instances(line: Line) -> dict[str, list[Instance]]:
    """Return what QEMU makes, by its type and by each type that this one inherits from."""
    index: dict[str, list[Instance]] = {}
    for instance in find_instances(line):
        for typename in line.list_ancestry(instance.typename):
            index.setdefault(typename, []).append(instance)
    return index


def _judge(line: Line, setting: Occurrence, instance: Instance) -> Iterator[Fault]:
    name, value = setting.get("property") or "", setting.get("value") or ""
    owner = _find_owner(line, instance.typename)
    if owner is None:
        return
    wrong = [
        *line.judge_properties(setting, owner, {name: value}),
        *_judge_reference(line, instance, owner, name, value),
        *_judge_limit(line, instance, name, value),
    ]
    for finding in wrong:
        if finding.severity is Severity.ERROR:
            yield from _complain(setting, instance, name, finding)


def _judge_limit(line: Line, instance: Instance, name: str, value: str) -> Iterator[Finding]:
    """Yield that the device refuses a value that its type allows, unless it is given another."""
    maker = instance.maker
    is_open = (
        maker is not None and maker.name not in ("usb", "machine") and name not in maker.parameters
    )
    if is_open or instance.typename == "migration":
        right = find_right(line, instance.typename, name, value)
        if right:
            yield Finding("limit", name, f"{value!r} is out of range", right=right)


# Made before what -audiodev, -drive and the like are: nothing they refer to is there.
_EARLY = ("isa-pcspk", "cfi.pflash01")


def _judge_reference(
    line: Line, instance: Instance, owner: PropertyOwner, name: str, value: str
) -> Iterator[Finding]:
    """Yield that what a value names is not there when the device is made."""
    made = line.interface.qom.make(owner.asked, owner.typename)
    types = {member.name: member.type for member in made.members} if made else {}
    entity = line.find(types[name]) if name in types else None
    kind = entity.format[3:] if isinstance(entity, ScalarType) else ""
    if not isinstance(entity, ScalarType) or entity.format[:3] != "id:" or not value:
        return
    names = line.once(Names)
    if instance.typename in _EARLY:
        yield Finding("reference-missing", name, f"there is no {kind} {value!r} so early")
    elif kind in _KINDS and not (names.find(kind, value) or names.may_be_chosen(kind, value)):
        yield Finding("reference-missing", name, f"there is no {kind} {value!r}")


_KINDS = ("netdev", "chardev", "audiodev", "drive")


def _find_owner(line: Line, typename: str) -> PropertyOwner | None:
    """Return the question that told the properties of a type, None where none did."""
    for asked in ("device", "object"):
        if line.interface.qom.make(asked, typename) is not None:
            return PropertyOwner(asked, typename)
    return None


def _complain(
    setting: Occurrence, instance: Instance, name: str, finding: Finding
) -> Iterator[Fault]:
    where = f"{setting.get('driver')}.{name}"
    maker = instance.maker
    whose = "which the machine has" if maker is None else f"which {maker.word.typed} asks for"
    what = f"{finding.message}: {instance.typename}, {whose}, does not take it"
    yield Fault(setting, where, what, finding.right, suggestions=finding.suggestions)
    if maker is not None:
        what = f"{instance.typename} does not take {setting.word.typed} {setting.word.argument}"
        yield Fault(maker, "", what, finding.right)


RULES = (
    Rule(
        "global-refused",
        "a -global is applied to each device of its type, the machine's own included",
        ALL,
        "-global ICH9-LPC.bogus=1",
        "-global VGA.bogus=1",
        find_refused,
    ),
)

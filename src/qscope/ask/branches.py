"""The branches that QEMU's schema does not have: device_add's drivers, object-add's before 6.0.

In: an interface and a path such as `device_add/arg-type/+virtio-blk-pci/num-queues`, at which the
schema itself found nothing. Out: an `Answer`, or None where the schema's no stands. Also what the
schema has and the build lacks.
"""

from collections.abc import Sequence

from msgspec import structs

from qscope.ask.answer import Answer, Verdict, unknown
from qscope.ask.listed import has_device, has_object
from qscope.ask.owner import Owner, resolve_driver
from qscope.ask.path import Path, Step
from qscope.ask.typed import ask_argument
from qscope.ask.walk import Walk, try_walk
from qscope.model.interface import Interface
from qscope.model.schema_info import EnumType, ObjectType

# Where in a path the branch is, counted from the name of the command.
_POSITION = 2
_ARGUMENTS = Step("arg-type", "", "arg-type")


def is_open(path: Path, ended: Walk) -> bool:
    """Whether a walk stopped at a branch of arguments that the schema leaves open."""
    return (
        path.name in ("device_add", "object-add")
        and ended.position == 1
        and path.steps[0].text == "arg-type"
        and path.steps[1].modifier == "+"
        and isinstance(ended.entity, ObjectType)
        and ended.entity.tag is None
    )


def ask_branch(interface: Interface, path: Path) -> Answer:
    """Answer for a branch that is open, and what comes behind it."""
    name, steps = path.steps[1].name, path.steps[2:]
    if path.name == "device_add":
        present = is_creatable_device(interface, name)
        owner = Owner("device", resolve_driver(interface.listings, name))
    else:
        present = is_creatable_object(interface, name)
        owner = Owner("object", name)
    if present.verdict is not Verdict.YES:
        return present
    if steps:
        return ask_argument(interface, owner, steps, present, _POSITION + 1)
    made = interface.qom.make(owner.asked, owner.typename, arguments=True)
    return structs.replace(present, entity=made.name if made else None)


def find_arguments(interface: Interface, path: Path) -> ObjectType | None:
    """Return the type of an open branch that `path` enters, None where it enters none."""
    if path.name not in ("device_add", "object-add") or len(path.steps) < _POSITION:
        return None
    if path.steps[1].modifier != "+" or not _leaves_open(interface, path.name, path.steps[0]):
        return None
    name = path.steps[1].name
    if path.name == "object-add":
        return interface.qom.make("object", name, arguments=True)
    typename = resolve_driver(interface.listings, name)
    return interface.qom.make("device", typename, arguments=True)


def _leaves_open(interface: Interface, command: str, step: Step) -> bool:
    """Whether the schema has a command's arguments without saying which branches they have."""
    ended = try_walk(interface.by_name.get, command, [step]) if step == _ARGUMENTS else None
    return ended is not None and isinstance(ended.entity, ObjectType) and ended.entity.tag is None


def list_branches(interface: Interface, command: str) -> list[str]:
    """Return what `device_add` takes as a driver, or `object-add` before 6.0 as a type."""
    if command not in ("device_add", "object-add"):
        return []
    if not _leaves_open(interface, command, _ARGUMENTS):
        return []
    listings = interface.listings
    if command == "device_add":
        return sorted(each.name for each in listings.drivers or () if each.creatable)
    return sorted(each.name for each in listings.creatable_objects or () if not each.abstract)


def is_creatable_device(interface: Interface, name: str) -> Answer:
    """Answer whether a user may create a device, by its name or its alias."""
    present = has_device(interface, name)
    if present.verdict is not Verdict.YES:
        return _at_branch(present)
    listings, typename = interface.listings, resolve_driver(interface.listings, name)
    if listings.drivers is None:
        reason = listings.explain("info qdm")
        return unknown("info qdm", f"{name} is there; whether a user may create one: {reason}")
    driver = next((each for each in listings.drivers if each.name == typename), None)
    if driver is None:
        return unknown("info qdm", f"{name} is there, but not listed")
    if not driver.creatable:
        why = f"{name} is there, but no user may create one"
        return Answer(Verdict.NO, "info qdm", why, position=_POSITION)
    whys = [present.why, "whether it can be plugged in while a guest runs is not known"]
    return Answer(Verdict.YES, "info qdm", "; ".join(filter(None, whys)))


def is_creatable_object(interface: Interface, name: str) -> Answer:
    """Answer whether a user may create an object of a QOM type."""
    listings, source = interface.listings, "qom-list-types implements=user-creatable"
    present = has_object(interface, name)
    if present.verdict is not Verdict.YES:
        return _at_branch(present)
    if listings.creatable_objects is None:
        reason = listings.explain(source)
        return unknown(source, f"{name} is there; whether a user may create one: {reason}")
    if name not in list_branches(interface, "object-add"):
        why = f"{name} is there, but no user may create one"
        return Answer(Verdict.NO, source, why, position=_POSITION)
    return Answer(Verdict.YES, source)


def list_creatable_objects(interface: Interface) -> set[str] | None:
    """Return which QOM types a user may create, None where nobody tells.

    Since 6.0 that is what object-add's schema and QOM both have, neither alone: the schema has what
    a build leaves out, and QOM calls authz-list-file creatable, which no command creates.
    """
    creatable = interface.listings.creatable_objects
    if creatable is None:
        return None
    names = {each.name for each in creatable if not each.abstract}
    branches = _list_schema_branches(interface)
    return names if branches is None else names & branches


def _list_schema_branches(interface: Interface) -> set[str] | None:
    """Return the types of object-add's schema, None where it leaves them open or is not known."""
    ended = try_walk(interface.by_name.get, "object-add", [_ARGUMENTS])
    if ended is None or not isinstance(ended.entity, ObjectType) or ended.entity.tag is None:
        return None
    tag = next((each for each in ended.entity.members if each.name == ended.entity.tag), None)
    values = interface.find(tag.type) if tag else None
    return set(values.values) if isinstance(values, EnumType) else set()


def _at_branch(answer: Answer) -> Answer:
    """Return the answer for the name of a branch, which is not at the start of its path."""
    position = _POSITION if answer.verdict is Verdict.NO else None
    return Answer(answer.verdict, answer.evidence, answer.why, position=position)


def explain_lack(interface: Interface, path: Path) -> str:
    """Say that the schema has something that this build lacks ("" when it does not lack it)."""
    if path.name == "object-add":
        name = _find_object_name(path.steps)
        absent = bool(name) and has_object(interface, name).verdict is Verdict.NO
        what = f"this build has no QOM type {name!r} (qom-list-types): object-add would refuse it"
    elif path.name in ("query-tpm-models", "query-tpm-types"):
        listings = interface.listings
        known = listings.tpm_models if path.name == "query-tpm-models" else listings.tpm_types
        name = path.steps[-1].name if path.steps and path.steps[-1].modifier == "^" else ""
        absent = bool(name) and known is not None and name not in known
        what = f"{path.name} does not return {name!r} in this build"
    else:
        return ""
    return f"the schema has it, but {what}" if absent else ""


def _find_object_name(steps: Sequence[Step]) -> str:
    """Return which QOM type a path into object-add's arguments names ("" for none)."""
    match [step.text for step in steps[:3]]:
        case ["arg-type", "qom-type", value] if value.startswith("^"):
            return value[1:]
        case ["arg-type", branch, *_] if branch.startswith("+"):
            return branch[1:]
        case _:
            return ""

"""Answers about options and what they take: `option:chardev/+socket/reconnect`.

In: an interface and a path. Out: an `Answer` of three values: yes by whatever says so; no where
what is asked is complete; unknown otherwise. A witness is asked last.
"""

from collections.abc import Iterator, Sequence

from msgspec import structs

from qscope.ask.answer import Answer, Verdict, unknown
from qscope.ask.describe import describe_type
from qscope.ask.listed import BY_PREFIX
from qscope.ask.options.find import find_option
from qscope.ask.options.groups import KINDS
from qscope.ask.options.presence import QCLO, presence
from qscope.ask.options.scalars import list_open_words
from qscope.ask.path import Path, Step, compile_path
from qscope.ask.walk import Walk, walk
from qscope.ask.witness import Asking, ask_witness
from qscope.model.interface import Interface
from qscope.model.option import Option, OptionEvidence
from qscope.model.schema_info import EnumType, Member, ObjectType, OpaqueEntity

# How much must be known of an argument for absence to mean something.
_COMPLETE = frozenset(("exact", "names", "scalar"))
# The path that asks about one kind of what an option makes, and how much further its components are
# in the option's path.
_KINDS = {
    "device": ("device_add/arg-type/+", -1),
    "machine": ("machine:", 1),
    "M": ("machine:", 1),
    "accel": ("accel:", 1),
    "cpu": ("cpu:", 1),
    # Written DRIVER.PROPERTY=VALUE.
    "global": ("device:", 1),
}
# In how many branches what was found is named.
_MOST_NAMED = 3


def ask_option(interface: Interface, path: Path, ask: Asking) -> Answer:
    """Answer `option:NAME` and what comes behind it."""
    answer = _ask_directly(interface, path, ask)
    if answer.verdict is not Verdict.UNKNOWN or interface.served is not None:
        return answer
    by_witness = ask_witness(interface, path.text, ask)
    return answer if by_witness is None else by_witness


def _ask_directly(interface: Interface, path: Path, ask: Asking) -> Answer:
    present = presence(interface, path.name)
    if present.verdict is not Verdict.YES:
        return present
    option = find_option(interface, path.name)
    if option is None:
        if not path.steps:
            return present
        return unknown(present.evidence, "whether it takes an argument is not known")
    if not path.steps:
        return Answer(Verdict.YES, present.evidence, present.why, option.arg_type)
    if not option.arg:
        return Answer(Verdict.NO, present.evidence, "it takes no argument", position=1)
    if option.availability != "ok":
        why = f"QEMU refuses -{option.name} whatever its argument is: {option.availability}"
        return Answer(Verdict.NO, present.evidence, why, position=1)
    answer = _ask_kind(interface, option, path.steps, ask)
    answer = answer or _ask_argument(interface, option, path.steps)
    if answer.verdict is Verdict.YES and _lacks_group(interface, option):
        why = f"this QEMU does not list the group {option.group!r}: perhaps it lacks what it needs"
        return unknown(answer.evidence, why)
    return answer


def _ask_kind(
    interface: Interface, option: Option, steps: Sequence[Step], ask: Asking
) -> Answer | None:
    """Answer for one driver, machine, … as the path does that asks about it; None for others.

    Types are made only of what told its properties: whether another one exists, its path knows.
    """
    if interface.served is not None:
        return None
    stem, shift = _KINDS.get(option.name, ("", 0))
    if not stem or steps[0].modifier != "+":
        return None
    entity = interface.find(option.arg_type or "")
    cases = [each.case for each in entity.variants] if isinstance(entity, ObjectType) else []
    if steps[0].name in cases and option.name != "device":
        return None
    rest = "".join(f"/{step.text}" for step in steps[1:])
    found = ask(interface, f"{stem}{steps[0].name}{rest}")
    position = None if found.position is None else found.position + shift
    return structs.replace(found, position=position)


def _lacks_group(interface: Interface, option: Option) -> bool:
    """Whether QEMU lists QemuOpts groups, and not the one that the option should have.

    A build without SPICE has the option all the same, and refuses it.
    """
    groups = interface.listings.option_groups
    if groups is None or option.group is None or "qemuopts" not in option.syntax:
        return False
    return all(each.option != option.group for each in groups)


def _ask_argument(interface: Interface, option: Option, steps: Sequence[Step]) -> Answer:
    source = describe_evidence(option)
    entity = interface.find(option.arg_type) if option.arg_type else None
    if entity is None:
        return unknown(source, f"nothing tells what -{option.name} takes")
    steps = _take_literally(entity, steps)
    ended = walk(interface.find, entity.name, steps)
    if ended.found:
        return _affirm(interface, option, steps, ended, source)
    if ended.found is None:
        assert isinstance(ended.entity, OpaqueEntity)
        before = steps[ended.position - 1].text if ended.position else option.name
        return unknown(source, f"what {before!r} takes is not known")
    if ended.position == 0 and isinstance(entity, ObjectType):
        within = _ask_branches(interface, option, entity, steps, source)
        if within is not None:
            return within
    return _deny(interface, option, steps, ended, source)


def _take_literally(entity: object, steps: Sequence[Step]) -> Sequence[Step]:
    """Let the first step be a name as it is written, if it is one: `3dnow` has no modifier."""
    first, *rest = steps
    members = entity.members if isinstance(entity, ObjectType) else ()
    if any(member.name == first.text for member in members):
        return (Step(first.text, "", first.text), *rest)
    return steps


def describe_evidence(option: Option) -> str:
    """Say what the type of an option's argument rests on."""
    said = [_NAMES[each.kind].format(each.path) for each in option.evidence if _is_about_type(each)]
    return ", ".join(said) or "the table of options"


def _is_about_type(evidence: OptionEvidence) -> bool:
    """Whether it says what an argument is, not only that there is such an option."""
    return evidence.kind in _NAMES and evidence.path not in ("options", "-help", QCLO)


_NAMES = {
    "qmp-arg": "query-qmp-schema {}",
    "qmp-ret": "query-qmp-schema {}",
    "qom": "{}",
    "qclo": f"{QCLO} {{}}",
    "help": "{}",
    "table": "the table of {}",
    "served": "{}",
}


def _affirm(
    interface: Interface, option: Option, steps: Sequence[Step], ended: Walk, source: str
) -> Answer:
    whys = [_find_basis(interface, option, steps), _doubt(interface, option, steps)]
    is_type = ended.position == len(steps)
    if is_type:
        whys.insert(0, describe_type(interface.find, ended.entity.name))
    why = "; ".join(filter(None, whys))
    return Answer(Verdict.YES, source, why, ended.entity.name if is_type else None)


def _find_basis(interface: Interface, option: Option, steps: Sequence[Step]) -> str:
    """Say what the type of a parameter rests on, where its option has several sources."""
    entity = interface.find(option.arg_type or "")
    for step in steps:
        if isinstance(entity, ObjectType) and step.modifier == "+":
            entity = interface.find(
                next((each.type for each in entity.variants if each.case == step.name), "")
            )
            continue
        members: tuple[Member, ...] = entity.members if isinstance(entity, ObjectType) else ()
        member = next((each for each in members if each.name == step.name), None)
        basis = getattr(member, "basis", "")
        return f"by {basis}" if basis else ""
    return ""


def _doubt(interface: Interface, option: Option, steps: Sequence[Step]) -> str:
    """Say that what is known as a kind of back end is not what the binary lists."""
    words = interface.command_line.words.get(option.name)
    step = steps[0] if steps[0].modifier in ("+", "^") else steps[1] if len(steps) > 1 else None
    if not words or step is None or step.modifier not in ("+", "^") or step.name in words:
        return ""
    is_case = steps[0] is step or steps[0].name == option.implied_key
    return f"'-{option.name} help' does not list it: its module may be missing" if is_case else ""


def _ask_branches(
    interface: Interface,
    option: Option,
    entity: ObjectType,
    steps: Sequence[Step],
    source: str,
) -> Answer | None:
    """Answer for a parameter that only some branches have: on the command line all are flat."""
    if steps[0].modifier not in ("", "*"):
        return None
    found: list[tuple[str, Walk]] = []
    blind = False
    for case, branch in _list_branches(interface, entity):
        ended = walk(interface.find, branch, steps)
        if ended.found:
            found.append((case, ended))
        blind = blind or ended.found is None
    if found:
        return _name_branches(interface, entity, found, steps, source)
    if blind:
        return unknown(source, f"of some kinds of -{option.name} nothing is known")
    return None


def _list_branches(interface: Interface, entity: ObjectType) -> Iterator[tuple[str, str]]:
    for variant in entity.variants:
        if interface.find(variant.type) is not None:
            yield variant.case, variant.type


def _name_branches(
    interface: Interface,
    entity: ObjectType,
    found: list[tuple[str, Walk]],
    steps: Sequence[Step],
    source: str,
) -> Answer:
    cases = [case for case, _ in found]
    named = ", ".join(cases[:_MOST_NAMED])
    more = f" and {len(cases) - _MOST_NAMED} more" if len(cases) > _MOST_NAMED else ""
    first = found[0][1]
    is_type = first.position == len(steps)
    said = f"{describe_type(interface.find, first.entity.name)}; " if is_type else ""
    why = f"{said}with {entity.tag} {named}{more}"
    return Answer(Verdict.YES, source, why, first.entity.name if is_type else None)


def _deny(
    interface: Interface, option: Option, steps: Sequence[Step], ended: Walk, source: str
) -> Answer:
    """Answer no if what is asked is known completely, else unknown."""
    step, entity = steps[ended.position], ended.entity
    if step.modifier == "^" and not isinstance(entity, EnumType):
        words = list_open_words(entity)
        if step.name in words and ended.position == len(steps) - 1:
            return Answer(Verdict.YES, source, "one of the words that it takes")
        if words or entity.name == "option:untold":
            return unknown(source, "it takes a string: which ones is not known")
    why = f"{step.text!r} is not there"
    is_kind = step.modifier == "+" and option.name in KINDS and interface.served is None
    if ended.position == 0 and is_kind:
        # QEMU lists all kinds there are, those of modules by their QOM type.
        prefix = KINDS[option.name]
        kind = BY_PREFIX[prefix](interface, compile_path(f"{prefix}:{step.name}"))
        position = 1 if kind.verdict is Verdict.NO else None
        return Answer(kind.verdict, kind.evidence, kind.why, position=position)
    if ended.position == 0 and not _is_complete(interface, option, step):
        reason = "what is known of its parameters is incomplete"
        return unknown(source, f"{why}, and {reason}")
    return Answer(Verdict.NO, source, why, entity.name, ended.position + 1)


def _is_complete(interface: Interface, option: Option, step: Step) -> bool:
    """Whether the absence of something from an argument's type means anything."""
    if option.completeness in _COMPLETE:
        return True
    # What QemuOpts lists for a group that takes nothing else is all there is, of any kind of it.
    entity = interface.find(option.arg_type or "")
    closed = option.closed is True and any(each.kind == "qclo" for each in option.evidence)
    return closed and step.modifier in ("", "*") and isinstance(entity, ObjectType)

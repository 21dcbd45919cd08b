"""Types of arguments that QemuOpts parses: a group's parameters, and what the table adds to them.

In: an interface, an option, its QemuOpts group. Out: `Argument`. query-command-line-options has
the names and coarse types of most groups, all back ends of a group in one list; the table has
words, and which back end reads what. Where QEMU lists a group, what it does not list is not there.
"""

from collections.abc import Iterator

from qscope.ask.answer import Verdict
from qscope.ask.listed import BY_PREFIX
from qscope.ask.options.argument import Argument
from qscope.ask.options.parameters import Parameters, find_parameters
from qscope.ask.options.scalars import COARSE, make_scalar, make_words, may_refine
from qscope.ask.path import compile_path
from qscope.ask.versions import read_release
from qscope.model.interface import Interface
from qscope.model.option import Completeness, OptionEvidence
from qscope.model.schema_info import Member, ObjectType, OpaqueEntity, Variant


class ParameterMember(Member, frozen=True, kw_only=True, gc=False):
    """A parameter as a member; `basis` is what its type was concluded from."""

    basis: str = ""


# Groups that list what other options or all their kinds take together.
_MERGED = frozenset(("machine", "chardev", "drive"))
# Whose listing tells which branches there are, by option.
KINDS = {"chardev": "chardev", "tpmdev": "tpm"}


def find_group_argument(interface: Interface, name: str, group: str | None) -> Argument | None:
    """Return what is known of an argument by its group and by the table; None for nothing."""
    row = find_parameters(name, read_release(interface))
    if interface.command_line.confirmed.get(name) is False:
        # QEMU refused what the table calls legal, or took what it calls wrong.
        row = None
    told = read_group(interface, group)
    if row is not None and row.words is not None:
        return Argument("partial" if row.partial else "exact", *_words(interface, row))
    if not told and row is None:
        return None
    made = _make_type(interface, name, told, row)
    interface.qom.adopt(made)
    evidence = _list_evidence(group, row) if told else (OptionEvidence("table", "parameters"),)
    return Argument(_judge(name, told, row, made), made.name, tuple(evidence))


def read_group(interface: Interface, group: str | None) -> dict[str, str]:
    """Return the parameters that QEMU lists for a group, by name, with the types it gives them."""
    for each in interface.listings.option_groups or ():
        if each.option == group:
            return {parameter.name: parameter.type or "" for parameter in each.parameters}
    return {}


def _words(
    interface: Interface, row: Parameters
) -> tuple[str, tuple[OptionEvidence, ...], tuple[str, ...]]:
    assert row.words is not None
    text = row.words
    made = make_scalar(interface, text)
    assert made is not None
    words = tuple(word for word in text.split("|") if word != "...")
    return made, (OptionEvidence("table", "parameters"),), words


def _list_evidence(group: str | None, row: Parameters | None) -> Iterator[OptionEvidence]:
    yield OptionEvidence("qclo", group or "")
    if row is not None:
        yield OptionEvidence("table", "parameters")


def _judge(
    name: str, told: dict[str, str], row: Parameters | None, made: ObjectType
) -> Completeness:
    """Return how much of an argument is known."""
    if name in _MERGED or (row is not None and row.partial and not told):
        return "partial"
    if not told:
        return "names"
    plain = any(member.type == "option:untold" for member in made.members)
    return "names" if plain else "exact"


def _make_type(
    interface: Interface, name: str, told: dict[str, str], row: Parameters | None
) -> ObjectType:
    table = row.parameters if row else {}
    takes_more = row is not None and row.partial
    members = list(_make_members(interface, told, table, takes_more=takes_more))
    if row is None or row.tag is None:
        return ObjectType(name=f"option:{name}", members=tuple(members))
    cases = list(_list_cases(interface, name, row))
    variants = tuple(
        Variant(case=case, type=_make_branch(interface, name, case, told, row)) for case in cases
    )
    own = {parameter for branch in row.branches.values() for parameter in branch}
    tag = make_words(interface, cases, f"option:{name}:{row.tag}")
    shared = [each for each in members if each.name not in own and each.name != row.tag]
    first = ParameterMember(name=row.tag, type=tag, basis="the kinds that QEMU lists")
    return ObjectType(
        name=f"option:{name}", members=(first, *shared), tag=row.tag, variants=variants
    )


def _make_members(
    interface: Interface, told: dict[str, str], table: dict[str, str], *, takes_more: bool = False
) -> Iterator[ParameterMember]:
    """Yield what QEMU lists, as precisely as the table allows; where it lists nothing, the table.

    An option can take more than its group lists: -drive knows older names of some (`readonly`). An
    `id` is no parameter of a group, and yet every option that can be repeated takes it.
    """
    for name, coarse in sorted(told.items()):
        text = table.get(name)
        known = make_scalar(interface, text) if text and may_refine(coarse, text) else None
        plain = make_scalar(interface, COARSE.get(coarse, "untold"))
        basis = _name_basis(text if known else None)
        yield ParameterMember(name=name, type=known or plain or "", default=None, basis=basis)
    for name, text in table.items():
        if name not in told and (not told or takes_more or name == "id"):
            known = make_scalar(interface, text) or make_scalar(interface, "untold")
            basis = _name_basis(text)
            yield ParameterMember(name=name, type=known or "", default=None, basis=basis)


def _name_basis(text: str | None) -> str:
    """Say what the type of a parameter is taken from."""
    if text is None:
        return "query-command-line-options"
    if text.startswith("@"):
        return f"the schema's {text[1:]}"
    return "the table of parameters"


def _list_cases(interface: Interface, name: str, row: Parameters) -> Iterator[str]:
    """Yield the values of the tag that are there: what QEMU lists, and the table's that it has."""
    words = interface.command_line.words.get(name, ())
    kind = KINDS.get(name)
    if kind is None:
        yield from row.branches
        return
    listed = interface.listings.chardevs if kind == "chardev" else interface.listings.tpm_types
    known = dict.fromkeys((*(listed or ()), *words))
    yield from known
    for case in row.branches:
        if case not in known:
            answer = BY_PREFIX[kind](interface, compile_path(f"{kind}:{case}"))
            if answer.verdict is not Verdict.NO:
                yield case


def _make_branch(
    interface: Interface, name: str, case: str, told: dict[str, str], row: Parameters
) -> str:
    """Return the type of what one value of the tag adds."""
    made_name = f"option:{name}:+{case}"
    if case not in row.branches:
        raw = {"name": made_name, "meta-type": "unknown"}
        return interface.qom.adopt(OpaqueEntity(made_name, "unknown", raw))
    table = row.branches[case]
    here = {each: told[each] for each in table if each in told}
    members = tuple(_make_members(interface, here, table))
    if told:
        members = tuple(each for each in members if each.name in told)
    return interface.qom.adopt(ObjectType(name=made_name, members=members))

"""Counts of a command line as the KVM Forum 2015 talk has them on its slide.

In: an interface. Out: `OptionSummary`: how many options there are, and how well
query-command-line-options describes each supported one that takes an argument.
"""

from collections.abc import Iterator

from msgspec import Struct

from qscope.ask.options.find import list_options
from qscope.ask.options.groups import read_group
from qscope.model.interface import Interface
from qscope.model.option import Option
from qscope.model.schema_info import ObjectType

# How query-command-line-options does: the talk's words.
JUDGEMENTS = ("complete", "some parameters", "no parameters", "wrong name", "missing")


class OptionSummary(Struct, frozen=True, rename="kebab"):
    """Numbers of options; `described` has, by judgement, the names of those with an argument.

    `supported` are neither deprecated nor internal. Of `described` there is None where
    query-command-line-options did not answer.
    """

    total: int
    deprecated: int
    internal: int
    supported: int
    with_argument: int
    described: dict[str, tuple[str, ...]] | None


def summarise_options(interface: Interface) -> OptionSummary:
    """Count the options of an interface."""
    options = list_options(interface)
    supported = [each for each in options if not each.deprecated and not each.hidden]
    taking = [each for each in supported if each.arg]
    return OptionSummary(
        total=len(options),
        deprecated=sum(each.deprecated for each in options),
        internal=sum(each.hidden and not each.deprecated for each in options),
        supported=len(supported),
        with_argument=len(taking),
        described=_describe(interface, taking),
    )


def _describe(interface: Interface, options: list[Option]) -> dict[str, tuple[str, ...]] | None:
    if interface.listings.option_groups is None:
        return None
    judged = {option.name: judge_listing(interface, option) for option in options}
    return {
        judgement: tuple(name for name, found in judged.items() if found == judgement)
        for judgement in JUDGEMENTS
    }


def judge_listing(interface: Interface, option: Option) -> str:
    """Say in the talk's words how query-command-line-options describes an option."""
    listed = {each.option for each in interface.listings.option_groups or ()}
    name = next((each for each in (option.name, *option.aliases) if each in listed), None)
    if name is None:
        return "wrong name" if option.group in listed else "missing"
    told = read_group(interface, name)
    if not told:
        return "no parameters"
    known = set(list_parameters(interface, option))
    # Which of them an option takes that passes the rest on (drive) nobody can list.
    lacks = not known <= told.keys() or option.completeness in ("partial", "unknown")
    return "some parameters" if lacks and option.name != "chardev" else "complete"


def list_parameters(interface: Interface, option: Option) -> Iterator[str]:
    """Yield the names of the parameters that are known of an option, of all kinds of it.

    An id, which every option that can be repeated takes, is none.
    """
    entity = interface.find(option.arg_type) if option.arg_type else None
    if not isinstance(entity, ObjectType):
        return
    branches = [interface.find(variant.type) for variant in entity.variants]
    for made in (entity, *branches):
        if isinstance(made, ObjectType):
            yield from (member.name for member in made.members if member.name != "id")

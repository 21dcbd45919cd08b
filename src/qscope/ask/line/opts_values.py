"""From the flat parameters of QemuOpts to the value of a type, as QEMU's opts visitor builds it.

In: a type's name, parameters in order. Out: dicts and lists whose leaves are strings, for a checker
that reads strings. No nesting on the command line: a repeated key is a list, `0-3` a list of
integers (qapi/opts-visitor.c; -netdev, -nic, -object, -numa, -acpitable).
"""

import re
from collections.abc import Callable, Iterable
from typing import Any

from qscope.ask.syntax.qemuopts import Parameter
from qscope.model.schema_info import ArrayType, BuiltinType, Entity, Member, ObjectType

Find = Callable[[str], Entity | None]

_RANGE = re.compile(r"(-?[0-9]+)-(-?[0-9]+)")
# opts-visitor.c's OPTS_VISITOR_RANGE_MAX.
_LONGEST_RANGE = 65536


def build_value(find: Find, type_name: str, parameters: Iterable[Parameter]) -> dict[str, Any]:
    """Build the object called `type_name` from flat parameters.

    What the type does not have stays as it is, so that a checker can complain about it.
    """
    given: dict[str, list[str]] = {}
    for parameter in parameters:
        given.setdefault(parameter.name, []).append(parameter.value)
    types = {member.name: member.type for member in find_members(find, type_name, given)}
    return {name: _build(find, types.get(name), values) for name, values in given.items()}


def find_members(find: Find, type_name: str, given: dict[str, list[str]]) -> list[Member]:
    """Return the members of an object, with those of the branch that its tag selects."""
    entity = find(type_name)
    if not isinstance(entity, ObjectType):
        return []
    members = list(entity.members)
    chosen = given.get(entity.tag or "", [""])[-1]
    for variant in entity.variants:
        if entity.tag and variant.case == chosen:
            members += find_members(find, variant.type, given)
    return members


def _build(find: Find, type_name: str | None, values: list[str]) -> Any:
    entity = find(type_name) if type_name else None
    if not isinstance(entity, ArrayType):
        return values[-1]
    element = find(entity.element_type)
    if isinstance(element, BuiltinType) and element.json_type == "int":
        return expand_ranges(values)
    if isinstance(element, ObjectType) and len(element.members) == 1:
        # A list of String: each value is the one member (hostfwd, dnssearch).
        return [{element.members[0].name: value} for value in values]
    return values


def expand_ranges(values: Iterable[str]) -> list[str]:
    """Return the numbers of a list such as `0`, `2-3`."""
    return [number for value in values for number in _expand(value)]


def _expand(text: str) -> list[str]:
    """Return the numbers of a range, or the text itself: also a range that QEMU refuses."""
    found = _RANGE.fullmatch(text)
    if not found:
        return [text]
    first, last = int(found[1]), int(found[2])
    if not 0 <= last - first < _LONGEST_RANGE:
        return [text]
    return [str(number) for number in range(first, last + 1)]

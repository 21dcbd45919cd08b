"""Which definitions mention which types, and what they lead to.

In: entities. Out: names of types, arrays and implicit types among them.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import assert_never

from qscope.qapi.definitions import Alternate, Array, Builtin, Command, Entity, Enum, Event, Object


def find_mentions(entity: Entity) -> Iterator[str]:
    """Yield each type that a definition mentions, as often as it does."""
    match entity:
        case Builtin() | Enum():
            pass
        case Array(element=element):
            yield element
        case Object(members=members, base=base, branches=branches):
            if base is not None:
                yield base
            yield from (member.type for member in members)
            yield from (branch.type for branch in branches)
        case Alternate(branches=branches):
            yield from (branch.type for branch in branches)
        case Command(arg_type=arg_type, ret_type=ret_type):
            yield from (name for name in (arg_type, ret_type) if name is not None)
        case Event(arg_type=arg_type):
            if arg_type is not None:
                yield arg_type
        case _:
            assert_never(entity)


def reach(roots: Iterable[Entity], within: Mapping[str, Entity]) -> set[str]:
    """Return what of `within` the roots lead to by way of what is within."""
    waiting, seen = list(roots), set[str]()
    for entity in waiting:  # grows while it is read
        for name in find_mentions(entity):
            if name in within and name not in seen:
                seen.add(name)
                waiting.append(within[name])
    return seen

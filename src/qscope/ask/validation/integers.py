"""Which of QAPI's integer types a member has that introspection calls `int`.

In: `data/integers.json`, made by tools/make_integers.py of the schemas of two releases. Out:
`IntegerTypes`: a place in the arguments of a command, from which members lead to others. Names of
types do not matter, only those of commands, members and branches: it serves any release.
"""

import functools
import pkgutil
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import msgspec

# By edge: a member's name, `+` and a branch's, or nothing for the integer that is here. A kind, or
# the number of the place that the edge leads to.
Place: TypeAlias = dict[str, int | str]
HERE = ""


class Limits(NamedTuple):
    """The range of an integer type, both ends included."""

    minimum: int
    maximum: int


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All places; `commands` have the numbers of those at which arguments begin."""

    releases: tuple[str, ...]
    commands: dict[str, int]
    places: tuple[Place, ...]


class IntegerTypes:
    """One place in a command's arguments. Arrays and alternates are passed unnoticed."""

    def __init__(self, places: Sequence[Place], number: int) -> None:
        self._places = places
        self._place = places[number]

    @property
    def kind(self) -> str | None:
        """The type of the integer that is here (`size`, `uint16`, …), None if it is not known."""
        found = self._place.get(HERE)
        return found if isinstance(found, str) else None

    def enter(self, edge: str) -> "IntegerTypes | None":
        """Return the place of a member, or of a branch (`+` and its name); None if unknown."""
        found = self._place.get(edge) if edge else None
        return IntegerTypes(self._places, found) if isinstance(found, int) else None


def find_integers(command: str) -> IntegerTypes | None:
    """Return where the arguments of a command begin, None if the table does not have it."""
    table = load_table()
    number = table.commands.get(command)
    return None if number is None else IntegerTypes(table.places, number)


def find_limits(kind: str | None) -> Limits:
    """Return the range of an integer type; of an unknown one that of all of them."""
    return _LIMITS.get(kind or "", _ANY)


@functools.cache
def load_table() -> Table:
    """Return the table that ships with qscope."""
    data = pkgutil.get_data("qscope", "data/integers.json")
    assert data is not None
    return msgspec.json.decode(data, type=Table)


# What is unsigned and has 64 bits takes negative numbers, too: QEMU took them before it had an
# unsigned type (qobject-input-visitor.c, qobject_input_type_uint64).
_ANY = Limits(-(2**63), 2**64 - 1)
_LIMITS = {
    **{f"uint{bits}": Limits(0, 2**bits - 1) for bits in (8, 16, 32)},
    **{f"int{bits}": Limits(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (8, 16, 32, 64)},
    "int": Limits(-(2**63), 2**63 - 1),
    "uint64": _ANY,
    "size": _ANY,
}

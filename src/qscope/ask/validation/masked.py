"""What introspection masks of a command's arguments: widths of integers, names of alternates.

In: `data/masked.json`, made by tools/make_masked.py of the schemas of two releases. Out:
`MaskedTypes`: a place in the arguments of a command, from which members lead to others. Names of
other types do not matter, only those of commands, members and branches: it serves any release.
"""

import functools
import pkgutil
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import msgspec

# By edge: a member's name, or `+` and a branch's: the number of the place that it leads to. By
# HERE and ALTERNATE, which no member is called: the integer type and the alternate of this place.
Place: TypeAlias = dict[str, int | str]
HERE = ""
ALTERNATE = "|"


class Limits(NamedTuple):
    """The range of an integer type, both ends included."""

    minimum: int
    maximum: int


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All places; `commands` have the numbers of those at which arguments begin."""

    releases: tuple[str, ...]
    commands: dict[str, int]
    places: tuple[Place, ...]


class MaskedTypes:
    """One place in a command's arguments. Arrays, and branches of alternates, are no edges."""

    def __init__(self, places: Sequence[Place], number: int) -> None:
        self._places = places
        self._place = places[number]

    @property
    def kind(self) -> str | None:
        """The type of the integer that is here (`size`, `uint16`, …), None if it is not known."""
        found = self._place.get(HERE)
        return found if isinstance(found, str) else None

    @property
    def alternate(self) -> str | None:
        """What an alternate that is here is called (`BlockdevRef`), None if it is not known."""
        found = self._place.get(ALTERNATE)
        return found if isinstance(found, str) else None

    def enter(self, edge: str) -> "MaskedTypes | None":
        """Return the place of a member, or of a branch (`+` and its name); None if unknown."""
        found = self._place.get(edge) if edge else None
        return MaskedTypes(self._places, found) if isinstance(found, int) else None


def find_masked(command: str) -> MaskedTypes | None:
    """Return where the arguments of a command begin, None if the table does not have it."""
    table = load_table()
    number = table.commands.get(command)
    return None if number is None else MaskedTypes(table.places, number)


def find_limits(kind: str | None) -> Limits:
    """Return the range of an integer type; of an unknown one that of all of them."""
    return _LIMITS.get(kind or "", _ANY)


@functools.cache
def load_table() -> Table:
    """Return the table that ships with qscope."""
    data = pkgutil.get_data("qscope", "data/masked.json")
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

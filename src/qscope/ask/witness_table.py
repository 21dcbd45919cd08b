"""The table of witnesses and behaviours that ships with qscope, `data/witnesses.toml`.

In: nothing. Out: `Table`, read once and when it is needed. Next stage: witness.py.
"""

import functools
import pkgutil
import tomllib
from typing import Literal

import msgspec
from msgspec import Struct


class Witness(Struct, frozen=True, forbid_unknown_fields=True):
    """A path that stands for a fact which no path answers directly.

    `why` says how the two are connected, `absent` what it means that the witness is not there.
    `checked` has, by release, whether the fact was seen to hold, and `how` what was done to see
    it. Unless `given` is answered with yes, the witness says nothing.
    """

    fact: str
    path: str
    why: str
    absent: Literal["no", "unknown"]
    checked: dict[str, bool]
    how: str
    given: str | None = None


class Behaviour(Struct, frozen=True, forbid_unknown_fields=True):
    """Something that QEMU does or does not, and that its interface does not show.

    `since` is upstream's first release that does it, `until` its first that does not any more.
    `checked` and `how` are those of its witness where it has one.
    """

    name: str
    text: str
    since: str | None = None
    until: str | None = None
    checked: dict[str, bool] = {}
    how: str = ""


class Table(Struct, frozen=True):
    """All rows: witnesses by fact, behaviours by name, in the order of the file."""

    witnesses: dict[str, Witness]
    behaviours: dict[str, Behaviour]


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    witness: list[Witness]
    behaviour: list[Behaviour]


@functools.cache
def load_table() -> Table:
    """Return the table that ships with qscope."""
    # By the import system, as a module: `ask` opens no files.
    data = pkgutil.get_data("qscope", "data/witnesses.toml")
    assert data is not None
    return decode_table(data)


def decode_table(data: bytes) -> Table:
    """Decode the bytes of a table. Raises ValueError for one with an error."""
    file = msgspec.convert(tomllib.loads(data.decode()), type=_File)
    return Table(
        {row.fact: row for row in file.witness},
        {row.name: row for row in file.behaviour},
    )


def describe_checks(checked: dict[str, bool]) -> str:
    """Say in words where something was seen, and where not."""
    return ", ".join(
        f"{release} ({'yes' if holds else 'no'})" for release, holds in checked.items()
    )

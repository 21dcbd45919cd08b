"""The table of options that ships with qscope, `data/options.toml`: facts by release.

In: nothing. Out: `OptionTable`, read once and when it is needed. It speaks only where the QEMU at
hand did not. Next stage: presence.py, find.py.
"""

import functools
import pkgutil
import tomllib
from typing import NamedTuple, TypeAlias

import msgspec
from msgspec import Struct

from qscope.ask.answer import Verdict
from qscope.model.option import Repeat, Syntax

Release: TypeAlias = tuple[int, int]


class Form(Struct, frozen=True, forbid_unknown_fields=True):
    """What an option takes from the release `since` on.

    `targets` can use it, all where there are none. `group` is its QemuOpts group, as
    query-command-line-options names it; `closed` is true where an unknown parameter was seen
    to be refused.
    """

    since: str
    syntax: tuple[Syntax, ...]
    repeat: Repeat
    group: str | None = None
    targets: tuple[str, ...] = ()
    sugar: str = ""
    closed: bool | None = None


class Row(Struct, frozen=True, forbid_unknown_fields=True):
    """An option: the releases that have it, and what it takes in them.

    `first` and `last` are releases known to have it, `gone` one known to lack it again. `arg` is
    None for what no release had whose sources were read closely.
    """

    name: str
    first: str
    last: str | None = None
    gone: str | None = None
    arg: bool | None = None
    hidden: bool = False
    implied: str | None = None
    aliases: tuple[str, ...] = ()
    deprecated: str | None = None
    restored: str | None = None
    form: tuple[Form, ...] = ()

    def find_form(self, release: Release | None) -> Form | None:
        """Return what it takes in a release: as in the nearest one before, else the first.

        Where the release is not known, as in the newest.
        """
        if not self.form:
            return None
        if release is None:
            return self.form[-1]
        before = [each for each in self.form if read_release(each.since) <= release]
        return before[-1] if before else self.form[0]

    def is_deprecated(self, release: Release) -> bool:
        """Whether that release calls it deprecated."""
        if self.deprecated is None or release < read_release(self.deprecated):
            return False
        return self.restored is None or release < read_release(self.restored)


class Existence(NamedTuple):
    """Whether a release has an option, and why so in words."""

    verdict: Verdict
    why: str


class OptionTable(Struct, frozen=True):
    """All rows by name, and the releases of which all options are known."""

    releases: tuple[str, ...]
    rows: dict[str, Row]

    def find_row(self, name: str) -> Row | None:
        """Return the row of an option, also by an alias that has none of its own."""
        found = self.rows.get(name)
        if found is not None:
            return found
        return next((row for row in self.rows.values() if name in row.aliases), None)

    def find_existence(self, name: str, release: Release) -> Existence:
        """Return whether a release has an option, unknown between two of which it is known."""
        row = self.find_row(name)
        oldest = self.releases[0]
        if release < read_release(oldest):
            return Existence(Verdict.UNKNOWN, f"the table begins with QEMU {oldest}")
        newest = self.releases[-1]
        if row is None:
            return self._judge_unknown_name(name, release)
        if row.gone is not None and release >= read_release(row.gone):
            return Existence(Verdict.NO, f"QEMU {row.gone} does not have it any more")
        if row.last is not None and release > read_release(row.last):
            return _between(row.last, str(row.gone))
        if release < read_release(row.first):
            return self._judge_before(row, release)
        if release[0] > read_release(newest)[0]:
            return Existence(Verdict.UNKNOWN, f"the table ends with QEMU {newest}, which has it")
        return Existence(Verdict.YES, f"QEMU has it since {self._name_since(row)}")

    def _judge_unknown_name(self, name: str, release: Release) -> Existence:
        newest = self.releases[-1]
        # Minor releases of the same year bring few options; a later major one may bring any.
        if release > read_release(newest):
            return Existence(Verdict.UNKNOWN, f"QEMU {newest} does not have it; a later one may")
        first = self.releases[0]
        return Existence(Verdict.NO, f"no QEMU from {first} to {newest} has an option {name!r}")

    def _judge_before(self, row: Row, release: Release) -> Existence:
        before = [each for each in self.releases if read_release(each) < read_release(row.first)]
        if not before or release > read_release(before[-1]):
            return _between(before[-1] if before else "the first release", row.first)
        return Existence(Verdict.NO, f"QEMU has it since {self._name_since(row)}")

    def _name_since(self, row: Row) -> str:
        return f"{row.first} or longer" if row.first == self.releases[0] else row.first


def _between(first: str, second: str) -> Existence:
    return Existence(Verdict.UNKNOWN, f"it changed between QEMU {first} and {second}")


def read_release(text: str) -> Release:
    """Return a release, `7.2`, as numbers."""
    major, _, minor = text.partition(".")
    return int(major), int(minor)


def is_between(release: Release | None, since: str | None, until: str | None) -> bool:
    """Whether a release is one from `since` on and before `until`; one not known is the newest."""
    if release is None:
        return until is None
    begun = since is None or read_release(since) <= release
    return begun and (until is None or release < read_release(until))


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    releases: tuple[str, ...]
    option: list[Row]


@functools.cache
def load_table() -> OptionTable:
    """Return the table that ships with qscope."""
    # By the import system, as a module: `ask` opens no files.
    data = pkgutil.get_data("qscope", "data/options.toml")
    assert data is not None
    return decode_table(data)


def decode_table(data: bytes) -> OptionTable:
    """Decode the bytes of a table. Raises ValueError for one with an error."""
    file = msgspec.convert(tomllib.loads(data.decode()), type=_File)
    return OptionTable(file.releases, {row.name: row for row in file.option})

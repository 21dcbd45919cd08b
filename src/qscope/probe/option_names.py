"""Which options QEMU has had, from 2.5 on: what a probe asks for.

In: the table of options. Out: `OptionNames`. What a binary has is measured: these only say what to
measure, and how with few runs.
"""

from typing import NamedTuple

from qscope.ask.options.table import Row, load_table

# Syntaxes made of parameters: an unknown one can be tried. (A `chardev` may be a path.)
_PARAMETRIC = {"qemuopts", "keyval", "machine-props"}
# The table does not have the short form of -help.
_SHORT_HELP = "h"


class OptionNames(NamedTuple):
    """Names of options that some QEMU has or had.

    Those that take an argument; those that take none, or are gone for so long that nobody knows;
    and of the first those whose argument is made of parameters.
    """

    with_argument: frozenset[str]
    others: frozenset[str]
    parametric: frozenset[str]


def load_option_names() -> OptionNames:
    """Return the names in the table that ships with qscope."""
    rows = load_table().rows.values()
    with_argument = frozenset(row.name for row in rows if row.arg)
    return OptionNames(
        with_argument,
        frozenset(row.name for row in rows) - with_argument | {_SHORT_HELP},
        frozenset(row.name for row in rows if _has_parameters(row)),
    )


def _has_parameters(row: Row) -> bool:
    return any(not _PARAMETRIC.isdisjoint(form.syntax) for form in row.form)

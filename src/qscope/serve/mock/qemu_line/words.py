"""A QEMU's command line into its options.

In: words, and the runs of the binary that a snapshot has. Out: `Word`s. Which options take an
argument the runs tell first, then the table of all options that QEMU ever had.
"""

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from qscope.ask.options.table import load_table
from qscope.ask.syntax.words import Problem, Word, split_words
from qscope.errors import ArgumentError
from qscope.model.command_runs import learn_command_line
from qscope.model.transcript import Run

# The table does not have the short form of -help.
_FLAGS = ("h",)


class _Known(Struct, frozen=True):
    arg: bool


def split_line(words: Sequence[str], runs: Iterable[Run]) -> tuple[Word, ...]:
    """Return the options of a line; one that nobody knows has the next word, unless it is one.

    Raises ArgumentError for an option that lacks its argument.
    """
    split = split_words(words, make_finder(runs))
    for word in split:
        if word.problem is Problem.MISSING_ARGUMENT:
            raise ArgumentError(f"{word.typed}: requires an argument")
    return split


def make_finder(runs: Iterable[Run]) -> Callable[[str], _Known | None]:
    """Return what says of an option, by name, whether it takes an argument."""
    probed = learn_command_line(runs).options

    def find(name: str) -> _Known | None:
        if name in probed:
            return _Known(probed[name].arg)
        row = load_table().find_row(name)
        if row is not None and row.arg is not None:
            return _Known(row.arg)
        return _Known(arg=False) if name in _FLAGS else None

    return find

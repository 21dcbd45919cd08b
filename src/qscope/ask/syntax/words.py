"""A command line into its options, as QEMU's main() takes it apart.

The first word of an option is its name with one dash or two; an option that takes an argument has
the next word, whatever that is. A word without a dash is the image of a first disk. QEMU 5.2 to
11.1 agree.
"""

import enum
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from msgspec import Struct


class Problem(enum.Enum):
    """What is special about a word."""

    # No option has this name, or nobody knows it: `-nope`, `-name=x`, `-`, `--`.
    UNKNOWN_OPTION = "unknown option"
    # The line ends behind an option that takes an argument.
    MISSING_ARGUMENT = "missing argument"
    # A word without a dash: QEMU takes it for -hda's argument, commas and all.
    IMAGE = "positional image"
    # A second one, which QEMU refuses: both want the same place.
    STRAY = "stray"


class Word(Struct, frozen=True):
    """One option of a command line.

    `typed` is its name as the user wrote it (`--m`), `name` the option's (`m`; `hda` for an image),
    `position` counts the words from 0. An unknown option is given the next word as argument, where
    that has no dash.
    """

    typed: str
    name: str
    argument: str | None
    position: int
    problem: Problem | None = None


class TakesArgument(Protocol):
    """What must be known of an option; an `Option` says it."""

    @property
    def arg(self) -> bool:
        """Whether the option takes an argument."""


_Find = Callable[[str], TakesArgument | None]


def split_words(words: Sequence[str], find: _Find) -> tuple[Word, ...]:
    """Return the options of a command line without its program; `find` knows options by name."""
    return tuple(_split(words, find))


def _split(words: Sequence[str], find: _Find) -> Iterator[Word]:
    position, problem = 0, Problem.IMAGE
    while position < len(words):
        typed = words[position]
        if not typed.startswith("-"):
            yield Word(typed, "hda", typed, position, problem)
            problem = Problem.STRAY
            position += 1
            continue
        behind = words[position + 1] if position + 1 < len(words) else None
        word = _read_option(typed, behind, position, find)
        yield word
        position += 1 if word.argument is None else 2


def _read_option(typed: str, behind: str | None, position: int, find: _Find) -> Word:
    name = typed[2:] if typed.startswith("--") else typed[1:]
    option = find(name) if name else None
    if option is None:
        argument = None if behind is None or behind.startswith("-") else behind
        return Word(typed, name, argument, position, Problem.UNKNOWN_OPTION)
    if not option.arg:
        return Word(typed, name, None, position)
    return Word(typed, name, behind, position, Problem.MISSING_ARGUMENT if behind is None else None)

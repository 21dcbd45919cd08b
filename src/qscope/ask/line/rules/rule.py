"""What a rule is: a record, and a small generator beside it.

Types say what one value may be; a rule says what they cannot: how values, parameters and options
hang together. In: a `Line`. Out: `Fault`s. Next stage: check.py.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from qscope.ask.finding import Severity
from qscope.ask.line.line import Line, Occurrence

# The releases that rules were tried on; which a rule names is a fact of its own.
ALL = ("5.2", "7.2", "10.0", "11.1")
SINCE_7_2 = ALL[1:]
SINCE_10_0 = ALL[2:]


class Fault(NamedTuple):
    """What a rule found: in which option, at which parameter ("" for the whole), and what."""

    occurrence: Occurrence
    where: str
    message: str
    right: str = ""
    severity: Severity = Severity.ERROR
    suggestions: tuple[str, ...] = ()


class Rule(NamedTuple):
    """A rule: its id, for ever the same; why QEMU has it; and where it was tried.

    `refuses` and `passes` are command lines of which it refuses the one and lets the other pass;
    both were tried on all releases in `checked`, and are tried again on the installed QEMU.
    """

    id: str
    reason: str
    checked: tuple[str, ...]
    refuses: str
    passes: str
    find: Callable[[Line], Iterator[Fault]]

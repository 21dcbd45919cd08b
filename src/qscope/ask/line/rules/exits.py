"""Rules about options with which QEMU does something else than run a machine, and ends."""

from collections.abc import Iterator

from qscope.ask.line.line import Line
from qscope.ask.line.rules.rule import ALL, Fault, Rule

_PRINTS = "QEMU prints {} and ends: no machine starts"
# Flags, and what they print.
_FLAGS = {
    "h": "its options",
    "help": "its options",
    "version": "its version",
    "audio-help": "options for sound",
}


def find_printing(line: Line) -> Iterator[Fault]:
    """Yield each option with which QEMU prints something and ends."""
    for occurrence in line.occurrences:
        is_there = occurrence.option is not None
        if is_there and occurrence.name in _FLAGS:
            yield Fault(occurrence, "", _PRINTS.format(_FLAGS[occurrence.name]))
        elif occurrence.name == "L" and occurrence.word.argument in ("help", "?"):
            yield Fault(occurrence, "", _PRINTS.format("its data directories"))


RULES = (
    Rule(
        "exits",
        "some options only print",
        ALL,
        "-L help",
        "-L /nonexistent",
        find_printing,
    ),
)

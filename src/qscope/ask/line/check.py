"""Judge a whole command line: whether QEMU would accept it.

In: an interface and the words of a command line, without the name of the program. Out: findings in
the order of the options; `where` begins with the option as it was typed. No QEMU is started.

    words --words--> Word --parse--> Occurrence --judge, rules--> Finding
"""

from collections.abc import Iterable, Iterator, Sequence

from msgspec import structs

from qscope.ask.finding import Finding, Severity
from qscope.ask.line.assign import apply_settings
from qscope.ask.line.judge import judge
from qscope.ask.line.line import Line, Occurrence, place
from qscope.ask.line.notes import find_needs, note_buses
from qscope.ask.line.rules import RULES
from qscope.ask.line.served import check_served_line
from qscope.ask.line.unknown import judge_image, judge_unknown
from qscope.ask.options import find_option
from qscope.ask.syntax.argument import parse_argument
from qscope.ask.syntax.words import Problem, Word, split_words
from qscope.errors import ArgumentError
from qscope.model.interface import Interface
from qscope.model.option import Option


def check_line(interface: Interface, words: Sequence[str]) -> tuple[Finding, ...]:
    """Return all that is found in a command line, in the order of its options.

    Raises TypeError for a text, which is not taken apart here: ask.syntax.shell.split_line does.
    """
    if isinstance(words, str):
        raise TypeError("the words of a command line, not a text")
    if interface.served is not None:
        return check_served_line(interface, words)
    split = split_words(words, lambda name: find_option(interface, name))
    parsed = [_parse(word, find_option(interface, word.name)) for word in split]
    occurrences, faulty = apply_settings(interface, [occurrence for occurrence, _ in parsed])
    line = Line(interface, occurrences)
    found = [(number, fault) for number, (_, faults) in enumerate(parsed) for fault in faults]
    found += [*_judge_words(interface, split), *faulty, *_judge_all(line)]
    placed = [_place(line, number, finding) for number, finding in _sort(found)]
    return (*_find_no_machine(line), *note_buses(line), *placed)


def _judge_words(interface: Interface, words: Sequence[Word]) -> Iterator[tuple[int, Finding]]:
    """Yield what is wrong with words that are no options, and with options that lack one."""
    for number, word in enumerate(words):
        if word.problem not in (None, Problem.IMAGE):
            yield number, judge_unknown(interface, word)
        elif word.problem is Problem.IMAGE and number:
            image = judge_image(words[number - 1], word)
            if image is not None:
                yield number - 1, image


def _parse(word: Word, option: Option | None) -> tuple[Occurrence, list[Finding]]:
    """Parse an option's argument; a malformed one is a finding, and no argument."""
    if option is None or word.argument is None:
        return Occurrence(word, option), []
    try:
        parsed = parse_argument(option.syntax, word.argument, option.implied_key, word.name)
    except ArgumentError as error:
        return Occurrence(word, option), [Finding("malformed-argument", "", str(error))]
    return Occurrence(word, option, parsed), []


def _judge_all(line: Line) -> Iterator[tuple[int, Finding]]:
    numbers = {id(each): number for number, each in enumerate(line.occurrences)}
    for number, occurrence in enumerate(line.occurrences):
        if occurrence.option is not None:
            yield from ((number, finding) for finding in judge(line, occurrence))
    for rule in RULES:
        for fault in rule.find(line):
            yield (
                numbers[id(fault.occurrence)],
                Finding(
                    rule.id,
                    fault.where,
                    fault.message,
                    fault.severity,
                    fault.right,
                    f"rule {rule.id}",
                    fault.suggestions,
                ),
            )
    yield from ((numbers[id(occurrence)], note) for occurrence, note in find_needs(line))


def _sort(found: Iterable[tuple[int, Finding]]) -> list[tuple[int, Finding]]:
    """Sort by option; of what refuses one parameter the first is kept."""
    kept: dict[tuple[int, str, Severity, str], tuple[int, Finding]] = {}
    for number, finding in found:
        is_refusal = finding.severity is Severity.ERROR and bool(finding.where)
        message = "" if is_refusal else finding.message
        kept.setdefault((number, finding.where, finding.severity, message), (number, finding))
    return sorted(kept.values(), key=lambda each: each[0])


def _place(line: Line, number: int, finding: Finding) -> Finding:
    """Say in which option it is: as typed, and which one of several of that name."""
    occurrence = line.occurrences[number]
    placed = place(finding, occurrence.word.typed, occurrence.word.position)
    label = _label(occurrence)
    several = line.count(occurrence.name) > 1
    if several and label and label not in placed.message:
        placed = structs.replace(placed, message=f"{placed.message} ({label})")
    return placed


def _find_no_machine(line: Line) -> Iterator[Finding]:
    """Yield that a machine is missing where this QEMU has none by default (Arm's have none)."""
    machines = line.interface.listings.machines
    if machines and line.machine is None and not line.has("machine"):
        what = "it is missing: this QEMU has no machine type by default"
        yield Finding("machine-missing", "-machine", what, evidence="query-machines")


def _label(occurrence: Occurrence) -> str:
    """Name one option of several: by its ID, else by its first parameter."""
    names = occurrence.parameters
    value = names.get("id", names.get("node-name", next(iter(names.values()), "")))
    return value[:_LONGEST_LABEL] if isinstance(value, str) else ""


_LONGEST_LABEL = 40

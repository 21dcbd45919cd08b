"""Requirements: features that a program needs, each made of paths, and whether a QEMU has them.

In: the text of a TOML file, where each table is a feature. Out: `Requirements`, then a `Decision`
for each feature and interface.

    [png-screendump]
    description = "virt-manager compares the version with 7.1"
    any = ["screendump/arg-type/format/^png"]
    replacement = "screendump without a format writes PPM"
    required = false

`all`, `any` and `none` are arrays of paths, or of inline tables with these keys again; of several
keys all must hold.
"""

import re
import tomllib
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from msgspec import Struct

from qscope.ask.answer import Answer, Verdict
from qscope.ask.path import PREFIXES, compile_path
from qscope.ask.query import ask
from qscope.errors import PathError, RequirementsError
from qscope.model.interface import Interface
from qscope.model.near import near

Word = Literal["all", "any", "none"]
_WORDS: tuple[Word, ...] = ("all", "any", "none")
_TEXTS = ("description", "replacement")
_KEYS = (*_WORDS, *_TEXTS, "required")
# Enough for whoever writes it by hand.
_MOST_DEPTH = 10
_NEGATED = {Verdict.YES: Verdict.NO, Verdict.NO: Verdict.YES, Verdict.UNKNOWN: Verdict.UNKNOWN}
_PLACE = re.compile(r"(.*) \(at line (\d+), column (\d+)\)", re.DOTALL)


class Group(Struct, frozen=True):
    """All, any or none of some terms; a term is a path, or groups that all must hold."""

    word: Word
    terms: tuple["str | tuple[Group, ...]", ...]


class Feature(Struct, frozen=True):
    """One table of the file; all its groups must hold."""

    name: str
    groups: tuple[Group, ...]
    description: str = ""
    replacement: str = ""
    required: bool = True


class Requirements(Struct, frozen=True):
    """The features in the order of the file."""

    features: tuple[Feature, ...]


class Reason(Struct, frozen=True):
    """A path whose answer decides."""

    path: str
    answer: Answer


class Decision(Struct, frozen=True):
    """Whether an interface has a feature, and the answers that make it so."""

    verdict: Verdict
    reasons: tuple[Reason, ...] = ()


class Row(Struct, frozen=True):
    """A feature, and the decision for each of several interfaces."""

    feature: Feature
    decisions: tuple[Decision, ...]


def parse_requirements(text: str) -> Requirements:
    """Parse the text of a file. Raises RequirementsError with everything that is wrong in it."""
    mistakes: list[str] = []
    features = [_parse_feature(name, value, mistakes) for name, value in _parse_toml(text).items()]
    if not (features or mistakes):
        mistakes.append('no feature in it; one is a table: [NAME], and below it any = ["PATH"]')
    if mistakes:
        raise RequirementsError(tuple(mistakes))
    return Requirements(tuple(features))


def decide_feature(interface: Interface, feature: Feature) -> Decision:
    """Decide whether an interface has a feature. Raises PathError, which names feature and key."""
    return _decide_groups(interface, feature.groups, f"[{feature.name}]")


def decide_all(
    requirements: Requirements, interfaces: Sequence[Interface]
) -> tuple[tuple[Row, ...], tuple[str, ...]]:
    """Decide every feature on every interface.

    Return the rows, and a line for each path that turned out to be malformed.
    """
    rows: list[Row] = []
    malformed: list[str] = []
    for feature in requirements.features:
        decisions = []
        for interface in interfaces:
            try:
                decisions.append(decide_feature(interface, feature))
            except PathError as error:
                malformed.append(str(error))
        rows.append(Row(feature, tuple(decisions)))
    return tuple(rows), tuple(dict.fromkeys(malformed))


def conclude_rows(rows: Sequence[Row]) -> Verdict:
    """Conclude from the required features: no where one is missing, else unknown where one is."""
    required = [row for row in rows if row.feature.required]
    return _meet({decision.verdict for row in required for decision in row.decisions})


def _parse_toml(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _PLACE.fullmatch(str(error))
        where = f"line {found[2]}, column {found[3]}: {found[1]}" if found else str(error)
        raise RequirementsError((f"not TOML: {where}",)) from error
    except RecursionError as error:
        raise RequirementsError(("nested too deeply",)) from error
    except ValueError as error:
        # Python reads no integer of more than 4300 digits.
        raise RequirementsError((f"not TOML that can be read: {error}",)) from error


def _parse_feature(name: str, value: Any, mistakes: list[str]) -> Feature:
    """Parse one table; what is wrong with it is added to `mistakes`."""
    where = f"[{name}]"
    if not isinstance(value, dict):
        mistakes.append(f'{name} is no feature; one is a table: [NAME], below it any = ["PATH"]')
        return Feature(name, ())
    mistakes += _find_unknown(where, value, _KEYS)
    mistakes += _find_wrong_values(where, value)
    return Feature(
        name,
        _parse_groups(where, value, mistakes),
        value.get("description", ""),
        value.get("replacement", ""),
        value.get("required", True),
    )


def _find_unknown(where: str, table: dict[str, Any], keys: tuple[str, ...]) -> Iterator[str]:
    for key in table:
        if key not in keys:
            guesses = near(key, keys)
            right = f"did you mean {guesses[0]}?" if guesses else f"keys are {', '.join(keys)}"
            yield f"{where} {key}: no such key; {right}"


def _find_wrong_values(where: str, table: dict[str, Any]) -> Iterator[str]:
    for key in _TEXTS:
        text = table.get(key, "-")
        if not isinstance(text, str) or not text.strip():
            yield f"{where} {key}: takes a text in quotes, which says something"
    if not isinstance(table.get("required", True), bool):
        yield f"{where} required: takes true or false, without quotes"


def _parse_groups(
    where: str, table: dict[str, Any], mistakes: list[str], depth: int = 1
) -> tuple[Group, ...]:
    groups = []
    for word in _WORDS:
        if word in table:
            terms = _parse_terms(f"{where} {word}", table[word], mistakes, depth)
            groups.append(Group(word, terms))
    if not groups:
        mistakes.append(f"{where}: says no path; it needs any, all or none")
    return tuple(groups)


def _parse_terms(
    where: str, value: Any, mistakes: list[str], depth: int
) -> tuple[str | tuple[Group, ...], ...]:
    if not isinstance(value, list) or not value:
        given = "is an empty array" if value == [] else "is no array"
        mistakes.append(f'{where}: {given}; it takes an array of paths: ["PATH", …]')
        return ()
    terms: list[str | tuple[Group, ...]] = []
    for number, term in enumerate(value, 1):
        place = f"{where}, number {number}"
        match term:
            case str():
                mistakes += (f"{place}: {text}" for text in _find_malformed(term))
                terms.append(term)
            case dict() if depth < _MOST_DEPTH:
                mistakes += _find_unknown(place, term, _WORDS)
                terms.append(_parse_groups(place, term, mistakes, depth + 1))
            case dict():
                mistakes.append(f"{place}: nested more than {_MOST_DEPTH} deep")
            case _:
                mistakes.append(
                    f'{place}: neither a path in quotes nor a table such as {{ all = ["PATH"] }}'
                )
    return tuple(terms)


def _find_malformed(path: str) -> Iterator[str]:
    """Yield what is wrong with a path whoever is asked; `query` answers some of these with no."""
    try:
        compiled = compile_path(path)
    except PathError as error:
        yield str(error)
        return
    if path != path.strip() or not compiled.name:
        yield f"malformed path {path!r}: it begins with a name, and no spaces are around it"
        return
    prefix, colon, rest = compiled.name.partition(":")
    if colon and compiled.prefix is None:
        guesses = near(prefix, PREFIXES)
        right = f"did you mean {guesses[0]}:{rest}?" if guesses else f"one of {', '.join(PREFIXES)}"
        yield f"malformed path {path!r}: no prefix is called {prefix}:; {right}"


def _decide_groups(interface: Interface, groups: tuple[Group, ...], where: str) -> Decision:
    return _join_all([_decide_group(interface, group, f"{where} {group.word}") for group in groups])


def _decide_group(interface: Interface, group: Group, where: str) -> Decision:
    terms = [
        _decide_term(interface, term, f"{where}, number {number}")
        for number, term in enumerate(group.terms, 1)
    ]
    if group.word == "all":
        return _join_all(terms)
    # By de Morgan: any is not all-not, none is all-not.
    all_not = _join_all([_negate(term) for term in terms])
    return all_not if group.word == "none" else _negate(all_not)


def _decide_term(interface: Interface, term: str | tuple[Group, ...], where: str) -> Decision:
    if not isinstance(term, str):
        return _decide_groups(interface, term, where)
    try:
        answer = ask(interface, term)
    except PathError as error:
        raise PathError(f"{where}: {term}: {error}") from error
    return Decision(answer.verdict, (Reason(term, answer),))


def _join_all(several: Sequence[Decision]) -> Decision:
    """Conclude that all hold; the reasons are those of the ones that have the same verdict."""
    verdict = _meet({each.verdict for each in several})
    deciding = (each.reasons for each in several if each.verdict is verdict)
    return Decision(verdict, tuple(reason for reasons in deciding for reason in reasons))


def _meet(verdicts: set[Verdict]) -> Verdict:
    if Verdict.NO in verdicts:
        return Verdict.NO
    return Verdict.UNKNOWN if Verdict.UNKNOWN in verdicts else Verdict.YES


def _negate(decision: Decision) -> Decision:
    return Decision(_NEGATED[decision.verdict], decision.reasons)

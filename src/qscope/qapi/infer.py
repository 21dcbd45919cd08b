"""Infer with which symbols a program was built, from what its interface has of a schema.

In: a schema and an interface. Out: `Inference`: the symbols defined and not, those that make no
difference, those that nothing decides, and what no symbols explain.
"""

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from qscope.model.canonical import schema_hash
from qscope.model.interface import Interface
from qscope.qapi.conditions import All, Any_, Condition, Not, find_symbols, render_condition
from qscope.qapi.match import Difference, Match, Observation, Sort, match
from qscope.qapi.schema import Schema

# So many times as many observations must speak for a value of a symbol as against it.
_MAJORITY = 3
# Conditions that mention more symbols than this, all undecided, decide nothing.
_MAX_UNDECIDED = 12


class Inference(Struct, frozen=True):
    """What an interface says about the symbols of a schema, each list sorted.

    `exact` is whether the schema, built with the symbols `on`, gives this very interface.
    """

    on: tuple[str, ...]
    off: tuple[str, ...]
    without_effect: tuple[str, ...]
    undecided: tuple[str, ...]
    differences: tuple[Difference, ...]
    exact: bool
    match: Match


def infer(schema: Schema, interface: Interface) -> Inference:
    """Match, and conclude."""
    found = match(schema, interface)
    observations = _find_reliable(found)
    known = decide(observations) if found.names else {}
    on = frozenset(symbol for symbol, value in known.items() if value)
    left = [symbol for symbol in schema.symbols if symbol not in known]
    idle, undecided = _judge(schema, on, left, set(_find_open(found.observations, known)))
    contradictions = _find_contradictions(observations, known)
    differences = tuple(
        sorted({*found.differences, *contradictions}, key=lambda each: (each.path, each.what))
    )
    return Inference(
        on=tuple(sorted(on)),
        off=tuple(sorted(symbol for symbol, value in known.items() if not value)),
        without_effect=tuple(idle),
        undecided=tuple(undecided),
        differences=differences,
        exact=_hash(schema, on) == schema_hash(interface),
        match=found,
    )


def _hash(schema: Schema, defines: frozenset[str]) -> str:
    return schema_hash(Interface(schema.introspect(defines)))


def _judge(
    schema: Schema, on: frozenset[str], left: list[str], open_: set[str]
) -> tuple[list[str], list[str]]:
    """Tell the symbols that change nothing a client could see from those that nothing decides.

    What an observation depends on, `open_`, makes a difference; the others are tried alone, and
    with all others.
    """
    idle = [
        symbol
        for symbol in left
        if symbol not in open_
        and all(
            _hash(schema, defines | {symbol}) == _hash(schema, defines - {symbol})
            for defines in (on, on.union(left))
        )
    ]
    return idle, [symbol for symbol in left if symbol not in idle]


def _find_open(observations: Iterable[Observation], known: Mapping[str, bool]) -> Iterator[str]:
    """Yield the symbols on which it depends whether something is there."""
    for condition in {each.condition for each in observations}:
        if evaluate(condition, known) is None:
            yield from (symbol for symbol in find_symbols(condition) if symbol not in known)


def decide(observations: Iterable[Observation]) -> dict[str, bool]:
    """Return the symbols that observations decide.

    Where they contradict each other a large majority decides, else nothing does.
    """
    seen = list(dict.fromkeys((each.condition, each.held) for each in observations))
    votes = _count(observations)
    known = {
        symbol: value
        for symbol, count in votes.items()
        for value in (True, False)
        if count[value] and count[value] >= _MAJORITY * count[not value]
    }
    while forced := {
        symbol: value
        for condition, held in seen
        for symbol, value in _force(condition, known, held=held)
        if symbol not in votes
    }:
        known |= forced
    return known


def _count(observations: Iterable[Observation]) -> dict[str, Counter[bool]]:
    """Count, for each symbol, the observations that leave it only one value, by that."""
    votes: dict[str, Counter[bool]] = {}
    for each in observations:
        for symbol, value in _imply(each.condition, held=each.held):
            votes.setdefault(symbol, Counter())[value] += 1
    return votes


def _find_reliable(found: Match) -> list[Observation]:
    """Return what was observed, less absences from lists that lack more than conditions explain.

    Where the interface lacks what every build of the source has, it is of another release: what
    else it lacks there proves nothing.
    """
    incomplete = {_stem(each.path) for each in found.differences if each.sort is Sort.MISSING}
    return [each for each in found.observations if each.held or _stem(each.path) not in incomplete]


def _stem(path: str) -> str:
    """Return the list that something is in: a type's members, values, variants or features."""
    stem, _, last = path.rpartition("/")
    return f"{stem}/{last[:1]}" if last[:1] in "+^$" else stem


def _imply(condition: Condition, *, held: bool) -> Iterator[tuple[str, bool]]:
    """Yield the symbols whose value a condition leaves no choice about."""
    match condition:
        case str():
            yield condition, held
        case Not(part):
            yield from _imply(part, held=not held)
        case All(parts) if held or len(parts) == 1:
            for part in parts:
                yield from _imply(part, held=held)
        case Any_(parts) if not held or len(parts) == 1:
            for part in parts:
                yield from _imply(part, held=held)
        case _:
            pass


def _force(
    condition: Condition, known: Mapping[str, bool], *, held: bool
) -> Iterator[tuple[str, bool]]:
    """Yield the undecided symbols that have only one value with which the condition is `held`."""
    open_ = [each for each in dict.fromkeys(find_symbols(condition)) if each not in known]
    if not open_ or len(open_) > _MAX_UNDECIDED or evaluate(condition, known) is not None:
        return
    ways = [
        values
        for values in itertools.product((False, True), repeat=len(open_))
        if evaluate(condition, {**known, **dict(zip(open_, values, strict=True))}) is held
    ]
    for position, symbol in enumerate(open_):
        values = {way[position] for way in ways}
        if len(values) == 1:
            yield symbol, values.pop()


def evaluate(condition: Condition, known: Mapping[str, bool]) -> bool | None:
    """Return a condition's value as far as the symbols are known; None when that leaves it open."""
    match condition:
        case str():
            return known.get(condition)
        case Not(part):
            value = evaluate(part, known)
            return None if value is None else not value
        case All(parts):
            values = [evaluate(part, known) for part in parts]
            return False if False in values else None if None in values else True
        case Any_(parts):
            values = [evaluate(part, known) for part in parts]
            return True if True in values else None if None in values else False


def _find_contradictions(
    observations: Iterable[Observation], known: Mapping[str, bool]
) -> Iterator[Difference]:
    """Yield what no values of the symbols explain, or only values that something else refutes."""
    contested = {symbol for symbol, count in _count(observations).items() if len(count) > 1}
    for path, condition, held in observations:
        value = evaluate(condition, known)
        doubtful = value is None and not contested.isdisjoint(find_symbols(condition))
        if value is (not held) or doubtful:
            here = "here" if held else "not here"
            what = f"{here}, and the source has it if {render_condition(condition)}"
            yield Difference(path, Sort.CHANGED, what)

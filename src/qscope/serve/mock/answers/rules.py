"""Rules: which answer is given to which command, and how often.

In: text.py, or a test. Out: `Answers`, which the mock asks before it answers anything itself.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from qscope.errors import ServeError
from qscope.model.transcript import ErrorInfo

# A shorter period would leave the mock no time for its client.
_SHORTEST_PERIOD = 0.001


class EventAnswer(Struct, frozen=True):
    """An event that belongs to an answer, sent `delay` seconds after what comes before it."""

    event: str
    data: dict[str, Any] = {}
    delay: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a delay that is none. Raises ServeError."""
        _require_seconds("delay", self.delay)


class Answer(Struct, frozen=True, kw_only=True):
    """What happens when a command comes, in this order.

    After `delay` seconds: `events`, then the reply, which is `result`, `error` or `garbage` as it
    stands, then `events_after`, then the end of the connection if `drop`. Without any of the three
    the reply is the mock's own, or, with `drop`, none. `garbage` may be empty: then nothing is
    sent. If `unchecked`, results, events and the error's class need not be the schema's.
    """

    result: Any | UnsetType = UNSET
    error: ErrorInfo | UnsetType = UNSET
    garbage: bytes | None = None
    delay: float = 0.0
    events: tuple[EventAnswer, ...] = ()
    events_after: tuple[EventAnswer, ...] = ()
    drop: bool = False
    unchecked: bool = False

    def __post_init__(self) -> None:
        """Refuse what contradicts itself. Raises ServeError."""
        _require_seconds("delay", self.delay)
        replies = self._list_replies()
        if len(replies) > 1:
            raise ServeError(f"{' and '.join(replies)} contradict each other: one reply is sent")
        if self.drop and self.events_after and not replies:
            raise ServeError(
                "events-after come behind a reply, and drop leaves none: events is right"
            )

    def _list_replies(self) -> list[str]:
        given = {
            "return": self.result is not UNSET,
            "error": self.error is not UNSET,
            "garbage": self.garbage is not None,
        }
        return [name for name, is_given in given.items() if is_given]

    @property
    def is_own(self) -> bool:
        """Whether the mock's own answer follows."""
        return not (self._list_replies() or self.drop)


class Rule(Struct, frozen=True, kw_only=True):
    """An answer, and when it is given.

    It fits where the client's arguments contain these (objects member by member, lists whole), with
    `exactly` where they are these. It is passed over the first `skip` times that it fits, then
    given `times` times. `place` says where it was written, for messages.
    """

    command: str
    answer: Answer
    arguments: dict[str, Any] = {}
    exactly: bool = False
    times: int | None = None
    skip: int = 0
    place: str = ""

    def __post_init__(self) -> None:
        """Refuse counts that are none. Raises ServeError."""
        if self.times is not None and self.times < 1:
            raise ServeError(f"times is {self.times}: 1 or more is right")
        if self.skip < 0:
            raise ServeError(f"skip is {self.skip}: 0 or more is right")

    def fits(self, arguments: Mapping[str, Any]) -> bool:
        """Whether a command with these arguments is meant."""
        if self.exactly:
            return _equal(arguments, self.arguments)
        return _contains(arguments, self.arguments)


class TimedEvent(Struct, frozen=True, kw_only=True):
    """An event sent `after` seconds from a client's negotiation, then `every` so many seconds."""

    event: str
    data: dict[str, Any] = {}
    after: float = 0.0
    every: float | None = None
    unchecked: bool = False
    place: str = ""

    def __post_init__(self) -> None:
        """Refuse times that are none. Raises ServeError."""
        _require_seconds("after", self.after)
        if self.every is not None:
            _require_seconds("every", self.every, least=_SHORTEST_PERIOD)


class _Counted(Struct):
    """A rule, and how often it has fitted."""

    rule: Rule
    fitted: int = 0

    def take(self, arguments: Mapping[str, Any]) -> Answer | None:
        """Return the answer if it is this rule's turn; count."""
        rule = self.rule
        if rule.times is not None and self.fitted >= rule.skip + rule.times:
            return None
        if not rule.fits(arguments):
            return None
        self.fitted += 1
        return rule.answer if self.fitted > rule.skip else None


class Answers:
    """Rules in order, and events that the clock sends; counts what was given.

    It belongs to the event loop of the mock.
    """

    def __init__(self, rules: Iterable[Rule] = (), timed: Iterable[TimedEvent] = ()) -> None:
        self.timed = tuple(timed)
        self._counted: dict[str, list[_Counted]] = {}
        for rule in rules:
            self.add(rule, first=False)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """All rules, those for one command in the order in which they are tried."""
        return tuple(each.rule for several in self._counted.values() for each in several)

    def add(self, rule: Rule, *, first: bool = True) -> None:
        """Put a rule before those there are, or behind them."""
        several = self._counted.setdefault(rule.command, [])
        several.insert(0 if first else len(several), _Counted(rule))

    def mentions(self, command: str) -> bool:
        """Whether there is a rule for a command, whatever its arguments."""
        return command in self._counted

    def find(self, command: str, arguments: Mapping[str, Any]) -> Answer | None:
        """Return the answer of the first rule that fits, None where none does; count it.

        A rule counts the commands that it is tried for: those that no rule before it has answered.
        """
        for each in self._counted.get(command, ()):
            answer = each.take(arguments)
            if answer is not None:
                return answer
        return None


def _contains(given: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict):
        return isinstance(given, dict) and all(
            name in given and _contains(given[name], value) for name, value in wanted.items()
        )
    return _equal(given, wanted)


def _equal(given: Any, wanted: Any) -> bool:
    """Whether two values are the same JSON: 1 is 1.0 and not true, the order of members is none."""
    match given, wanted:
        case dict(), dict():
            return given.keys() == wanted.keys() and all(
                _equal(given[name], value) for name, value in wanted.items()
            )
        case list(), list():
            return len(given) == len(wanted) and all(map(_equal, given, wanted))
        case _:
            return isinstance(given, bool) is isinstance(wanted, bool) and bool(given == wanted)


def _require_seconds(name: str, value: float, least: float = 0.0) -> None:
    if not (math.isfinite(value) and value >= least):
        raise ServeError(f"{name} is {value}: seconds are right, {least:g} or more")

"""A rule for answers, made of what a test says.

In: plain data, named as in a file of answers. Out: a `Rule`, or a ServeError that names the key.
What only the schema can tell is left to check_rule.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias, TypedDict

from msgspec import UnsetType

from qscope.errors import ServeError
from qscope.serve.mock.answers import Answer, EventAnswer, Rule
from qscope.serve.mock.answers.tables import (
    AnswerTable,
    EventTable,
    convert,
    make_error,
    suggest_key,
)
from qscope.serve.mock.answers.values import check_values

Error: TypeAlias = str | Mapping[str, str]
Event: TypeAlias = str | Mapping[str, Any]


class Reply(TypedDict, total=False):
    """How a command is answered: see `Answer`. If only a delay is given, as the mock would."""

    result: Any
    error: Error
    garbage: bytes | str
    delay: float
    events: Iterable[Event]
    events_after: Iterable[Event]
    drop: bool
    unchecked: bool


# How the file of answers calls what has another name here.
_KEYS = {"result": "return", "events_after": "events-after"}


def make_rule(command: str, arguments: Mapping[str, Any] | None, reply: Reply, **when: Any) -> Rule:
    """Return a rule; `when` is exactly, times and skip, as in the file. Raises ServeError."""
    place = f"answer to {command}"
    try:
        return _make_rule(command, arguments, reply, when, place)
    except ServeError as error:
        raise ServeError(f"{place}: {error}") from error


def _make_rule(
    command: str,
    arguments: Mapping[str, Any] | None,
    reply: Reply,
    when: Mapping[str, Any],
    place: str,
) -> Rule:
    told = {**reply, **when}
    garbage = told.pop("garbage", None)
    table = {_KEYS.get(key, key): make_json(key, _spell_out(key, told[key])) for key in told}
    given = convert({"command": command, **table}, AnswerTable)
    return Rule(
        command=command,
        arguments=make_json("arguments", dict(arguments or {})),
        answer=_make_answer(reply, given, _make_bytes(garbage)),
        exactly=given.exactly,
        times=given.times,
        skip=given.skip,
        place=place,
    )


def _spell_out(key: str, value: Any) -> Any:
    """Return a value as the file has it: there an event is a table. Raises ServeError."""
    if key in ("events", "events_after") and not isinstance(value, str | Mapping):
        return [{"event": each} if isinstance(each, str) else each for each in value]
    if key in Reply.__annotations__ or key in AnswerTable.__struct_fields__:
        return value
    raise ServeError(f"{key}: no such key; {suggest_key(key, Reply.__annotations__)}")


def _make_answer(reply: Reply, given: AnswerTable, garbage: bytes | None) -> Answer:
    if not reply.keys() - {"unchecked"}:
        raise ServeError(
            "it answers nothing: result, error, garbage or drop is right, "
            "or delay=0 if the mock's own answer is meant"
        )
    return Answer(
        result=given.result,
        error=make_error(given.error),
        garbage=garbage,
        delay=given.delay or 0.0,
        events=tuple(_make_events(given.events)),
        events_after=tuple(_make_events(given.events_after)),
        drop=given.drop,
        unchecked=given.unchecked,
    )


def _make_bytes(garbage: Any) -> bytes | None:
    if isinstance(garbage, str):
        return garbage.encode("utf-8", "surrogatepass")
    if garbage is None or isinstance(garbage, bytes):
        return garbage
    raise ServeError("garbage: takes bytes or a text")


def _make_events(tables: tuple[EventTable, ...] | UnsetType) -> Iterator[EventAnswer]:
    for each in tables or ():
        yield EventAnswer(each.event, each.data or {}, each.delay)


def make_json(key: str, value: Any) -> Any:
    """Return a copy of a value, as JSON has it. Raises ServeError; `key` is what it names."""
    try:
        plain = json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise ServeError(f"{key}: no JSON: {error}") from error
    check_values(key, plain)
    return plain

"""The file of answers: TOML to rules.

In: the text of a file. Out: `Answers`, or one line about the first mistake. What only the schema
can tell is left to check.py.

    [[answer]]
    command = "query-balloon"
    error = { class = "DeviceNotActive", desc = "No balloon device has been activated" }

    [[event]]
    event = "STOP"
    after = 2.0

JSON text can stand for a value (`return-json`), since TOML has no null.
"""

import contextlib
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NoReturn, TypeVar

from msgspec import UNSET, UnsetType

from qscope.errors import ServeError
from qscope.serve.mock.answers.lines import print_line
from qscope.serve.mock.answers.rules import Answer, Answers, EventAnswer, Rule, TimedEvent
from qscope.serve.mock.answers.tables import (
    NAME,
    TAKES,
    AnswerTable,
    EventTable,
    TimedTable,
    convert,
    make_error,
    suggest_key,
)
from qscope.serve.mock.answers.values import MOST_DEPTH, check_values, parse_json

_T = TypeVar("_T")

# Of a command in a message; no real one is longer.
_MOST_LETTERS = 80
_LONGEST_PATH = 4096
_TOML_PLACE = re.compile(r"(.*) \(at line (\d+), column (\d+)\)", re.DOTALL)
# What the tables of the file are called by in messages.
_TITLES = {"answer": "command", "event": "event"}
_EXAMPLE = '[[answer]], and below it command = "NAME"'


def parse_answers(text: str, name: str) -> Answers:
    """Parse the text of a file; `name` is what messages call it.

    Raises ServeError: one line that says which answer is wrong, and what would be right.
    """
    file = print_line(name, _LONGEST_PATH)
    with _naming(file):
        document = _parse_toml(text.removeprefix("\ufeff"))
        _check_document(document)
    return Answers(
        _parse_tables(document, file, "answer", _parse_rule),
        _parse_tables(document, file, "event", _parse_timed),
    )


def _parse_toml(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _TOML_PLACE.fullmatch(str(error))
        where = f"line {found[2]}, column {found[3]}: {found[1]}" if found else str(error)
        raise ServeError(f"not TOML: {where}") from error
    except RecursionError as error:
        raise ServeError(f"nested more than {MOST_DEPTH} deep") from error
    except ValueError as error:
        # Python reads no integer of more than 4300 digits.
        reason = str(error).partition(":")[0]
        raise ServeError(f"not TOML that can be read: {reason}") from error


def _check_document(document: dict[str, Any]) -> None:
    """Raise ServeError unless there are arrays of tables, and no others than ours."""
    for key, tables in document.items():
        if key not in _TITLES:
            raise ServeError(f"{key}: no such table; {suggest_key(key, _TITLES)}")
        if not isinstance(tables, list):
            raise ServeError(f"{key}: written in two pairs of brackets, [[{key}]], once for each")
    if not any(document.values()):
        raise ServeError(f"no answer in it; one is {_EXAMPLE}")


def _parse_tables(
    document: dict[str, Any], file: str, key: str, parse: Callable[[Any, str], _T]
) -> Iterator[_T]:
    """Parse the tables of one name; what is wrong with one is said with its number and title."""
    for number, table in enumerate(document.get(key, ()), 1):
        title = table.get(_TITLES[key]) if isinstance(table, dict) else None
        shown = f" ({print_line(title, _MOST_LETTERS)})" if title and isinstance(title, str) else ""
        place = f"{file}: {key} {number}{shown}"
        with _naming(place):
            if not isinstance(table, dict):
                raise ServeError(f"no table; one is {_EXAMPLE}")
            check_values("", table)
            parsed = parse(table, place)
        yield parsed


@contextlib.contextmanager
def _naming(place: str) -> Iterator[None]:
    """Say of a mistake where it is."""
    try:
        yield
    except ServeError as error:
        raise ServeError(f"{place}: {print_line(str(error))}") from error


def _parse_rule(table: Any, place: str) -> Rule:
    given = convert(table, AnswerTable)
    _require_name("command", given.command)
    arguments = _choose_object("arguments", given.arguments, given.arguments_json)
    return Rule(
        command=given.command,
        answer=_parse_answer(given),
        arguments=arguments,
        exactly=given.exactly,
        times=given.times,
        skip=given.skip,
        place=place,
    )


def _parse_answer(given: AnswerTable) -> Answer:
    answer = Answer(
        result=_choose("return", given.result, given.result_json),
        error=make_error(given.error),
        garbage=_parse_garbage(given),
        delay=given.delay or 0.0,
        events=tuple(_parse_events("events", given.events or ())),
        events_after=tuple(_parse_events("events-after", given.events_after or ())),
        drop=given.drop,
        unchecked=given.unchecked,
    )
    says_so = given.delay is not UNSET or answer.events or answer.events_after
    if answer.is_own and not says_so:
        raise ServeError(
            "it answers nothing: return, error, garbage or drop is right, "
            "or delay = 0 if the mock's own answer is meant"
        )
    return answer


def _parse_garbage(given: AnswerTable) -> bytes | None:
    if not isinstance(given.garbage_hex, str):
        return given.garbage.encode() if isinstance(given.garbage, str) else None
    if given.garbage is not UNSET:
        _refuse_both("garbage", "garbage-hex")
    try:
        return bytes.fromhex(given.garbage_hex)
    except ValueError as error:
        raise ServeError(f"garbage-hex: takes {TAKES['garbage-hex']}") from error


def _parse_events(key: str, tables: Iterable[EventTable]) -> Iterator[EventAnswer]:
    for number, each in enumerate(tables):
        with _naming(f"{key}[{number}]"):
            yield EventAnswer(each.event, _parse_data(each), each.delay)


def _parse_timed(table: Any, place: str) -> TimedEvent:
    given = convert(table, TimedTable)
    return TimedEvent(
        event=given.event,
        data=_parse_data(given),
        after=given.after,
        every=given.every,
        unchecked=given.unchecked,
        place=place,
    )


def _parse_data(given: EventTable | TimedTable) -> dict[str, Any]:
    _require_name("event", given.event)
    return _choose_object("data", given.data, given.data_json)


def _choose(key: str, value: Any, text: str | UnsetType) -> Any:
    """Return a value, or that of the JSON text that stands for it; UNSET where there is neither."""
    if not isinstance(text, str):
        return value
    if value is not UNSET:
        _refuse_both(key, f"{key}-json")
    parsed = parse_json(f"{key}-json", text)
    check_values(f"{key}-json", parsed)
    return parsed


def _choose_object(key: str, value: Any, text: str | UnsetType) -> dict[str, Any]:
    chosen = _choose(key, value, text)
    if chosen is UNSET:
        return {}
    if not isinstance(chosen, dict):
        raise ServeError(f"{key}-json: takes an object, such as '{{\"id\": null}}'")
    return chosen


def _require_name(key: str, value: str) -> None:
    if not value:
        raise ServeError(f"{key}: takes {NAME}")


def _refuse_both(one: str, other: str) -> NoReturn:
    raise ServeError(f"{one} and {other} contradict each other: one of them is right")

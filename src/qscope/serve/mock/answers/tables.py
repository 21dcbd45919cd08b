"""The tables of the file of answers as it has them: keys, their types, and words for mistakes.

In: what tomllib read. Out: tables for text.py, which makes rules of them.
"""

import re
from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, Struct, UnsetType, field

from qscope.errors import ServeError
from qscope.model.near import near
from qscope.model.transcript import ErrorInfo

_T = TypeVar("_T")

# What msgspec says of a value, and of a key.
_WRONG = re.compile(r"(.*?)(?: - at `\$\.?(.*)`)?", re.DOTALL)
_FIELD = re.compile(r"Object (contains unknown|missing required) field `(.*)`", re.DOTALL)

NAME = "a name in quotes"
_TABLE = 'a table, such as { id = "x" }'
_JSON = "JSON text in quotes, such as '{\"id\": null}'"
_SECONDS = "seconds, such as 0.5"
_TRUTH = "true or false, without quotes"
_COUNT = "a whole number"
_EVENTS = 'an array of tables, such as [{ event = "STOP" }]'
# What each key takes.
TAKES = {
    "command": NAME,
    "event": NAME,
    "arguments": _TABLE,
    "arguments-json": _JSON,
    "exactly": _TRUTH,
    "times": _COUNT,
    "skip": _COUNT,
    "return-json": _JSON,
    "error": 'a text in quotes, or a table: { class = "GenericError", desc = "TEXT" }',
    "class": "the class of an error in quotes",
    "desc": "a text in quotes",
    "delay": _SECONDS,
    "events": _EVENTS,
    "events-after": _EVENTS,
    "drop": _TRUTH,
    "garbage": "a text in quotes",
    "garbage-hex": "bytes in quotes, two digits each, such as '7b 22 ff'",
    "unchecked": _TRUTH,
    "data": _TABLE,
    "data-json": _JSON,
    "after": _SECONDS,
    "every": _SECONDS,
}


class _Table(Struct, frozen=True, rename="kebab", forbid_unknown_fields=True):
    """A table as the file has it."""


class ErrorTable(_Table, frozen=True):
    """`error = {…}`."""

    desc: str
    error_class: str = field(default="GenericError", name="class")


def make_error(error: str | ErrorTable | UnsetType) -> ErrorInfo | UnsetType:
    """Return the error that a table says, or a text alone."""
    match error:
        case ErrorTable(error_class=error_class, desc=desc):
            return ErrorInfo(error_class, desc)
        case str():
            return ErrorInfo("GenericError", error)
        case _:
            return UNSET


class EventTable(_Table, frozen=True):
    """One of `events` and `events-after`."""

    event: str
    data: dict[str, Any] | UnsetType = UNSET
    data_json: str | UnsetType = UNSET
    delay: float = 0.0


class TimedTable(_Table, frozen=True):
    """`[[event]]`."""

    event: str
    data: dict[str, Any] | UnsetType = UNSET
    data_json: str | UnsetType = UNSET
    after: float = 0.0
    every: float | None = None
    unchecked: bool = False


class AnswerTable(_Table, frozen=True):
    """`[[answer]]`."""

    command: str
    arguments: dict[str, Any] | UnsetType = UNSET
    arguments_json: str | UnsetType = UNSET
    exactly: bool = False
    times: int | None = None
    skip: int = 0
    result: Any | UnsetType = field(default=UNSET, name="return")
    result_json: str | UnsetType = field(default=UNSET, name="return-json")
    error: str | ErrorTable | UnsetType = UNSET
    delay: float | UnsetType = UNSET
    events: tuple[EventTable, ...] | UnsetType = UNSET
    events_after: tuple[EventTable, ...] | UnsetType = UNSET
    drop: bool = False
    garbage: str | UnsetType = UNSET
    garbage_hex: str | UnsetType = UNSET
    unchecked: bool = False


_INNER: dict[str, type[_Table]] = {
    "error": ErrorTable,
    "events": EventTable,
    "events-after": EventTable,
}


def convert(table: Any, form: type[_T]) -> _T:
    """Return a table as `form`. Raises ServeError."""
    try:
        return msgspec.convert(table, form)
    except msgspec.ValidationError as error:
        raise ServeError(_explain(str(error), form)) from error


def _explain(message: str, form: type[Any]) -> str:
    """Say in the file's words what msgspec found."""
    found = _WRONG.fullmatch(message)
    assert found is not None
    what, path = found[1], found[2] or ""
    within = f"{path}: " if path else ""
    keys = [each for each in re.split(r"[.\[\]0-9]+", path) if each]
    if not (about := _FIELD.fullmatch(what)):
        return f"{within}takes {TAKES[keys[-1]]}"
    if about[1] == "missing required":
        return f"{within}it needs {about[2]}: {TAKES[about[2]]}"
    known = (_INNER[keys[-1]] if keys else form).__struct_encode_fields__
    return f"{within}{about[2]}: no such key; {suggest_key(about[2], known)}"


def suggest_key(key: str, known: Iterable[str]) -> str:
    """Say which key may have been meant, or which there are."""
    guesses = near(key, known)
    return f"did you mean {guesses[0]}?" if guesses else f"keys are {', '.join(known)}"

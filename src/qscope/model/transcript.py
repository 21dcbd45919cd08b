"""A transcript: what a QEMU was asked and what it answered, raw.

In: JSON of any form in which people keep QMP answers. Out: `Transcript`, in which the first answer
to the same question counts. Next stage: listings.py and index.py, which draw conclusions.
"""

import functools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType, field

from qscope.errors import SnapshotError
from qscope.model.decoding import UNREADABLE

T = TypeVar("T")

_encode_sorted = msgspec.json.Encoder(order="sorted").encode


class ErrorInfo(Struct, frozen=True):
    """A QMP error as it came: `error_class` is for programs, `desc` for people."""

    error_class: str = field(name="class")
    desc: str = ""


class Run(Struct, frozen=True, omit_defaults=True):
    """One run of the binary: its words without the binary itself, and what it printed.

    `status` is negative for a signal, None when it had to be killed; then, or when it crashed,
    `ended` says so. `output` is stderr and stdout in the order in which they were written, without
    the program's name.
    """

    argv: tuple[str, ...]
    status: int | None
    output: str
    ended: str = ""


class Exchange(Struct, frozen=True, omit_defaults=True):
    """One question and its outcome: a result, an error, a crash, or nothing at all.

    `crashed` is true when QEMU did not survive the question, also by hanging or by babbling;
    `ended` says how, in words without process numbers, times or addresses.
    """

    execute: str
    arguments: dict[str, Any] | UnsetType = UNSET
    result: Raw | UnsetType = field(default=UNSET, name="return")
    error: ErrorInfo | UnsetType = UNSET
    crashed: bool = False
    ended: str = ""

    @property
    def error_class(self) -> str | None:
        """The class of the error, if it was one."""
        return None if isinstance(self.error, UnsetType) else self.error.error_class

    @property
    def fatal(self) -> bool:
        """Whether QEMU died of the question (other people's recordings say so as class CRASH)."""
        return self.crashed or self.error_class == "CRASH"

    @property
    def is_answered(self) -> bool:
        """Whether the server answered, with a result or an error of its own."""
        return not self.fatal and (self.result is not UNSET or self.error is not UNSET)

    @property
    def lacks_command(self) -> bool:
        """Whether the server has no such command (or a policy hides it)."""
        return self.error_class == "CommandNotFound"

    def outcome(self) -> str:
        """Say in a few words why there is no result ("" when there is one)."""
        if self.fatal:
            return f"the question crashed QEMU{self.ended and ': ' + self.ended}"
        if not isinstance(self.error, UnsetType):
            return f"{self.error.error_class}: {self.error.desc}"
        return "it was not answered" if isinstance(self.result, UnsetType) else ""


class Transcript:
    """Exchanges in the order in which they took place."""

    def __init__(self, exchanges: Iterable[Exchange]) -> None:
        self.exchanges = tuple(exchanges)

    @functools.cached_property
    def _first(self) -> dict[tuple[str, bytes], Exchange]:
        first: dict[tuple[str, bytes], Exchange] = {}
        for exchange in self.exchanges:
            key = (exchange.execute, _key(exchange.arguments))
            if key not in first or (not first[key].is_answered and exchange.is_answered):
                first[key] = exchange
        return first

    def find(self, execute: str, **arguments: object) -> Exchange | None:
        """Return the first exchange in which exactly this was answered, else asked, or None."""
        return self._first.get((execute, _key(arguments)))

    def find_all(self, execute: str) -> Iterator[Exchange]:
        """Yield, once per question, each exchange that executed the command `execute`."""
        return (exchange for (name, _), exchange in self._first.items() if name == execute)


def normalise(result: Raw | bytes) -> Raw:
    """Return the same JSON value in the one spelling that snapshots use: compact, keys sorted."""
    try:
        return Raw(_encode_sorted(msgspec.json.decode(result)))
    except UNREADABLE:
        # QEMU itself sends 1e400 back, which is no number here: kept as it came, not lost.
        return Raw(bytes(result))


def read_result(exchange: Exchange | None, form: type[T]) -> T | None:
    """Return the result of an exchange as `form`, or None when it has no such result."""
    if exchange is None or isinstance(exchange.result, UnsetType):
        return None
    try:
        return msgspec.json.decode(exchange.result, type=form)
    except UNREADABLE:
        return None


def explain_silence(exchange: Exchange | None) -> str:
    """Say why an exchange gave no usable result."""
    if exchange is None:
        return "it was not asked"
    return exchange.outcome() or "its answer has an unexpected form"


def decode_transcript(data: bytes) -> tuple[Exchange, ...]:
    """Decode a JSON array of exchanges. Raises SnapshotError, naming the entry that is none."""
    try:
        return msgspec.json.decode(data, type=tuple[Exchange, ...])
    except UNREADABLE as error:
        raise SnapshotError(f"not a transcript: {error}") from error


def decode_replies(text: str) -> tuple[Exchange, ...]:
    """Decode a stream of JSON values: commands, each followed by its reply (libvirt's .replies).

    A reply belongs to the command with its id, else to the oldest command not yet answered. A
    reply without any command is kept only where its form says what was asked.
    """
    exchanges: list[Exchange] = []
    asked: list[dict[str, Any]] = []
    for value in _iterate_values(text):
        if "execute" in value and not {"return", "error", "crashed"} & value.keys():
            asked.append(value)
        elif "execute" in value:
            exchanges += decode_transcript(_encode_sorted([value]))
        elif "return" in value or "error" in value:
            question = _take_question(asked, value) or _guess_question(value)
            if question:
                exchanges += decode_transcript(_encode_sorted([{**question, **value}]))
    return tuple(exchanges)


def _iterate_values(text: str) -> Iterator[dict[str, Any]]:
    import json  # noqa: PLC0415 - only for this form; 2 ms otherwise lost to every query

    decoder, position = json.JSONDecoder(), 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        try:
            value, position = decoder.raw_decode(text, position)
        except (json.JSONDecodeError, RecursionError) as error:
            where = f"line {text.count(chr(10), 0, position) + 1}"
            raise SnapshotError(f"neither one JSON value nor several: {where}: {error}") from error
        if not isinstance(value, dict):
            raise SnapshotError("several JSON values, of which one is no QMP message")
        yield value


def _take_question(asked: list[dict[str, Any]], reply: Mapping[str, Any]) -> dict[str, Any] | None:
    for question in asked:
        if "id" not in reply or question.get("id") == reply["id"]:
            asked.remove(question)
            return question
    return None


def _guess_question(reply: Mapping[str, Any]) -> dict[str, Any] | None:
    return {"execute": "query-qmp-schema"} if is_schema(reply.get("return")) else None


def is_schema(value: object) -> bool:
    """Whether a JSON value looks like the result of `query-qmp-schema`."""
    return isinstance(value, list) and any(
        isinstance(item, dict) and "meta-type" in item for item in value
    )


def _key(arguments: Mapping[str, Any] | UnsetType) -> bytes:
    return b"{}" if isinstance(arguments, UnsetType) else _encode_sorted(arguments)

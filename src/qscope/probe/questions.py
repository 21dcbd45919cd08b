"""What a probe asks, in which order, as data and one generator that does no I/O.

In: the exchanges that a batch of questions led to. Out: the next batch. Driven by pool.py over
several QEMU processes, by probing.py over one socket and by session.py over a session of others.
"""

import re
from collections.abc import Generator, Iterable, Iterator
from typing import Any, NamedTuple, TypeAlias

import msgspec
from msgspec import UNSET, Raw, UnsetType

from qscope.model.decoding import UNREADABLE
from qscope.model.transcript import Exchange


class Question(NamedTuple):
    """A command and its arguments.

    `apart` is true when the answer counts only if it is the first of a fresh QEMU.
    """

    execute: str
    arguments: dict[str, Any] | None = None
    apart: bool = False

    def answered(self, **outcome: Any) -> Exchange:
        """Return the exchange in which this question had that outcome."""
        return Exchange(execute=self.execute, arguments=self.arguments or UNSET, **outcome)


Batch: TypeAlias = tuple[Question, ...]
Dialogue: TypeAlias = Generator[Batch, tuple[Exchange, ...], tuple[Exchange, ...]]


def _list_types(implements: str) -> Question:
    return Question("qom-list-types", {"implements": implements})


# Of what there are types whose properties the model needs; listing those of others kills QEMU
# (memory regions, character devices, net listeners).
_BASES = ("device", "machine", "accel", "cpu", "user-creatable")

# Asked first of every later QEMU of the same probe: any qom-list-types loads all modules, and
# qom-list-properties loads none (7.2 then finds no dbus-display). This one has the shortest answer.
LOADING = _list_types("accel")

QUESTIONS: Batch = (
    Question("query-version"),
    Question("query-target"),
    Question("query-qmp-schema"),
    Question("query-commands"),
    # Loads every module; query-command-line-options then has the groups of modules too (spice).
    Question("qom-list-types", {"abstract": True}),
    *map(_list_types, _BASES),
    Question("query-command-line-options"),
    Question("query-migrate-capabilities"),
    Question("query-migrate-parameters"),
    Question("query-machines"),
    Question("query-cpu-definitions"),
    Question("query-tpm-types"),
    Question("query-tpm-models"),
    Question("query-audiodevs"),
    Question("query-chardev-backends"),
    Question("query-display-options"),
    Question("query-accelerators"),
    # Nothing in QMP proper says which drivers a user may create, and on which bus.
    Question("human-monitor-command", {"command-line": "info qdm"}),
)

# What to ask a server that lacks a command: QEMU before 2.5 lists its events in query-events, the
# guest agent its commands in guest-info.
INSTEAD_OF = {
    "query-qmp-schema": Question("query-events"),
    "query-commands": Question("guest-info"),
}

# What a server other than QEMU may offer: the options of its program's command line.
COMMAND_LINE = Question("query-command-line")

# A child whose name may end in a number that counts from 0 on.
_NUMBERED = re.compile(rb'"name":\s*"[^"]*\.[1-9][0-9]*"')


def hold_dialogue(*, complete: bool) -> Dialogue:
    """Yield each batch of questions, take its exchanges, return in order all that took place.

    With `complete` every driver, machine, accelerator, object and CPU type is asked for its
    properties. QEMU makes an instance of a type to answer that, and some types abort it: that is
    for a QEMU started to be asked, never for one in which somebody's guest runs.
    """
    exchanges = yield QUESTIONS
    instead = tuple(
        INSTEAD_OF[exchange.execute]
        for exchange in exchanges
        if exchange.lacks_command and exchange.execute in INSTEAD_OF
    )
    if instead:
        exchanges += yield instead
    if _offers(exchanges, COMMAND_LINE.execute):
        exchanges += yield (COMMAND_LINE,)
    if complete:
        exchanges += yield from _ask_for_properties(exchanges)
    return tuple(each for each in exchanges if each.is_answered or each.crashed)


def _offers(known: tuple[Exchange, ...], command: str) -> bool:
    """Whether query-commands or the schema lists a command."""
    return any(
        entry.get("name") == command and entry.get("meta-type", "command") == "command"
        for exchange in known
        if exchange.execute in ("query-commands", "query-qmp-schema")
        if isinstance(exchange.result, Raw) and command.encode() in bytes(exchange.result)
        for entry in _read_entries(exchange)
    )


def _ask_for_properties(known: tuple[Exchange, ...]) -> Dialogue:
    batch = tuple(_find_types(known))
    if not batch:
        return ()
    exchanges = yield batch
    counted = [number for number, each in enumerate(exchanges) if _has_counted(each)]
    if not counted:
        return exchanges
    anew = yield tuple(batch[number]._replace(apart=True) for number in counted)
    instead = {n: each for n, each in zip(counted, anew, strict=True) if each.is_answered}
    return tuple(instead.get(number, each) for number, each in enumerate(exchanges))


def _find_types(known: Iterable[Exchange]) -> Iterator[Question]:
    """Yield a question for the properties of each concrete type that the model needs."""
    names = dict(_read_names(known))
    devices, machines, accels, cpus, objects = (names.get(base, set()) for base in _BASES)
    for name in sorted(devices):
        yield Question("device-list-properties", {"typename": name})
    for name in sorted(machines | accels | objects | (cpus - devices)):
        yield Question("qom-list-properties", {"typename": name})


def _read_names(known: Iterable[Exchange]) -> Iterator[tuple[str, set[str]]]:
    """Yield each base of _BASES with the names of the concrete types that implement it."""
    for exchange in known:
        arguments = exchange.arguments
        if exchange.execute == LOADING.execute and not isinstance(arguments, UnsetType):
            entries = [each for each in _read_entries(exchange) if not each.get("abstract")]
            names = [each.get("name") for each in entries]
            yield arguments.get("implements", ""), {each for each in names if isinstance(each, str)}


def _has_counted(exchange: Exchange) -> bool:
    """Whether QEMU named a bus by how many of its kind were made before (qbus_init: `i2c-bus.1`).

    Where it counted from 0 the answer is what a fresh QEMU gives.
    """
    result = bytes(exchange.result) if isinstance(exchange.result, Raw) else b""
    if b'"child<' not in result or not _NUMBERED.search(result):
        return False
    return any(_is_counted(entry) for entry in _read_entries(exchange))


def _is_counted(entry: dict[str, Any]) -> bool:
    stem, _, number = str(entry.get("name")).rpartition(".")
    is_child = f"child<{stem}>" == str(entry.get("type")).lower()
    return is_child and number.isdecimal() and int(number) > 0


def _read_entries(exchange: Exchange) -> Iterator[dict[str, Any]]:
    """Yield the objects in a result that should be an array of objects."""
    if isinstance(exchange.result, Raw):
        try:
            value = msgspec.json.decode(exchange.result)
        except UNREADABLE:
            return
        if isinstance(value, list):
            yield from (each for each in value if isinstance(each, dict))

"""Properties: what device-list-properties and qom-list-properties told about each type.

In: a transcript. Out: `PropertyTable`, in which each distinct property and each distinct list is
kept once: the 60,000 properties of an x86 QEMU are 1,500 distinct ones, and its CPU models share
their lists. Next stages: index.py, and qom.py, which makes types of them.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Struct, UnsetType, field

from qscope.model.decoding import UNREADABLE
from qscope.model.transcript import Exchange, Transcript

# Devices answer device-list-properties, all other types qom-list-properties.
Asked: TypeAlias = Literal["device", "object"]
COMMANDS: Mapping[Asked, str] = {
    "device": "device-list-properties",
    "object": "qom-list-properties",
}


class Property(Struct, frozen=True, omit_defaults=True):
    """A QOM property as QEMU tells it (ObjectPropertyInfo).

    `type` is QOM's name of the type, which is no interface: it can change between releases.
    """

    name: str
    type: str = ""
    description: str | None = None
    # The value that the code begins with: not always one that a user may give.
    default: Any = field(default=UNSET, name="default-value")


class Told(Struct, frozen=True):
    """What one type told: its properties, or the class of the error, or that QEMU did not survive.

    `properties` are sorted by name.
    """

    properties: tuple[Property, ...] | None = None
    error: str = ""
    ended: str | None = None

    def explain(self) -> str:
        """Say why no properties are known ("" when they are)."""
        if self.ended is not None:
            return f"the question crashed QEMU{self.ended and ': ' + self.ended}"
        return f"{self.error}: it tells no properties" if self.error else ""


class _Failure(Struct, frozen=True, omit_defaults=True):
    error: str = ""
    ended: str | None = None


class PropertyTable(Struct, frozen=True, omit_defaults=True):
    """What all types told, by type: the number of its list of properties, or why there is none.

    A list has the numbers of its properties in `pool`.
    """

    pool: tuple[Property, ...] = ()
    lists: tuple[tuple[int, ...], ...] = ()
    devices: dict[str, int | _Failure] = field(default_factory=dict)
    objects: dict[str, int | _Failure] = field(default_factory=dict)

    def find(self, asked: Asked, typename: str) -> Told | None:
        """Return what a type told, or None when it was not asked, or not understood."""
        entry = self._entries(asked).get(typename)
        if entry is None:
            return None
        if isinstance(entry, _Failure):
            return Told(error=entry.error, ended=entry.ended)
        return Told(tuple(self.pool[number] for number in self.lists[entry]))

    def list_types(self, asked: Asked) -> Iterator[str]:
        """Yield each type that was asked and answered, with properties, an error or a crash."""
        yield from self._entries(asked)

    def list_told(self, asked: Asked) -> set[str]:
        """Return the types that told their properties."""
        return {name for name, entry in self._entries(asked).items() if isinstance(entry, int)}

    def find_crashed(self, asked: Asked) -> set[str]:
        """Return the types that QEMU did not survive to be asked about."""
        return {
            name
            for name, entry in self._entries(asked).items()
            if isinstance(entry, _Failure) and entry.ended is not None
        }

    def _entries(self, asked: Asked) -> dict[str, int | _Failure]:
        return self.devices if asked == "device" else self.objects


def learn_properties(transcript: Transcript) -> PropertyTable:
    """Draw from a transcript what every type that was asked told."""
    table = _Builder()
    devices = table.learn(transcript, COMMANDS["device"])
    objects = table.learn(transcript, COMMANDS["object"])
    return PropertyTable(tuple(table.pool), tuple(table.lists), devices, objects)


class _Builder:
    """Numbers properties and lists in the order in which they are first met."""

    def __init__(self) -> None:
        # By their JSON: a default can be anything, also what cannot be hashed.
        self._numbers: dict[bytes, int] = {}
        self._by_answer: dict[bytes, int] = {}
        self.pool: list[Property] = []
        self.lists: dict[tuple[int, ...], int] = {}

    def learn(self, transcript: Transcript, command: str) -> dict[str, int | _Failure]:
        entries: dict[str, int | _Failure] = {}
        for exchange in transcript.find_all(command):
            typename = _typename(exchange)
            entry = None if typename is None else self._learn_one(exchange)
            if typename is not None and entry is not None:
                entries[typename] = entry
        return dict(sorted(entries.items()))

    def _learn_one(self, exchange: Exchange) -> int | _Failure | None:
        if not isinstance(exchange.result, UnsetType):
            return self._number_list(bytes(exchange.result))
        if exchange.fatal:
            return _Failure(ended=exchange.ended)
        if exchange.error_class and not exchange.lacks_command:
            return _Failure(error=exchange.error_class)
        return None

    def _number_list(self, answer: bytes) -> int | None:
        """Return the number of the list that an answer has, None when it is not one."""
        if answer not in self._by_answer:
            try:
                found = msgspec.json.decode(answer, type=tuple[Property, ...])
            except UNREADABLE:
                return None
            numbers = tuple(map(self._number, sorted(found, key=lambda each: each.name)))
            self._by_answer[answer] = self.lists.setdefault(numbers, len(self.lists))
        return self._by_answer[answer]

    def _number(self, found: Property) -> int:
        number = self._numbers.setdefault(msgspec.json.encode(found), len(self.pool))
        if number == len(self.pool):
            self.pool.append(found)
        return number


def _typename(exchange: Exchange) -> str | None:
    if isinstance(exchange.arguments, UnsetType):
        return None
    typename: Any = exchange.arguments.get("typename")
    return typename if isinstance(typename, str) else None

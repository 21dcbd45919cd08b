"""Recorded answers: the question that a client asks to what the QEMU answered when it was asked.

In: a snapshot, questions. Out: exchanges. A few questions that nobody asked have answers that
follow from those to others; derive them here, too.
"""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from msgspec import UNSET, Raw

from qscope.model.decoding import UNREADABLE
from qscope.model.snapshot import Snapshot
from qscope.model.transcript import ErrorInfo, Exchange, Transcript

_Entry = dict[str, Any]


class Recorded:
    """What one QEMU answered."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._transcript = Transcript(snapshot.exchanges)
        self._commands = {each.execute for each in snapshot.exchanges}
        self._derive: dict[str, Callable[[dict[str, Any]], Exchange | None]] = {
            "qom-list-types": self._derive_types,
            "query-command-line-options": self._derive_options,
            "device-list-properties": self._derive_device,
            "qom-list-properties": self._derive_class,
        }

    def knows(self, command: str) -> bool:
        """Whether there may be an answer to a question with this command."""
        return command in self._commands or command in self._derive

    def find(self, command: str, arguments: dict[str, Any]) -> Exchange | None:
        """Return the exchange for a question; None if nobody asked that."""
        found = self._transcript.find(command, **arguments)
        if found is not None and (found.is_answered or found.fatal):
            return found
        derive = self._derive.get(command)
        # A schema on paper may have others.
        is_usual = all(isinstance(each, str | bool) for each in arguments.values())
        return derive(arguments) if derive and is_usual else None

    def read(self, command: str, **arguments: Any) -> Any:
        """Return a recorded result as plain data, None if there is none."""
        found = self._transcript.find(command, **arguments)
        if found is None or not isinstance(found.result, Raw):
            return None
        try:
            return msgspec.json.decode(found.result)
        except UNREADABLE:
            return None

    def _list(self, command: str, **arguments: Any) -> list[_Entry]:
        entries = self.read(command, **arguments)
        found = entries if isinstance(entries, list) else []
        return [each for each in found if isinstance(each, dict)]

    def _list_types(self) -> list[_Entry]:
        """Return the entries of all types, but those whose names are none."""
        entries = self._list("qom-list-types", abstract=True)
        return [each for each in entries if _is_named(each)]

    def _derive_types(self, arguments: dict[str, Any]) -> Exchange | None:
        """Filter all types as qom-list-types does; interfaces that they have nobody told."""
        types = self._list_types()
        if not types:
            return None
        chosen = types
        if "implements" in arguments:
            kept = _find_descendants(types, arguments["implements"])
            chosen = [each for each in types if each.get("name") in kept]
        if not arguments.get("abstract"):
            chosen = [each for each in chosen if not each.get("abstract")]
        return _answer("qom-list-types", chosen)

    def _derive_options(self, arguments: dict[str, Any]) -> Exchange | None:
        groups = self._list("query-command-line-options")
        option = arguments.get("option")
        if not groups or option is None:
            return None
        chosen = [each for each in groups if each.get("option") == option]
        if not chosen:
            desc = f"invalid option name: {option}"
            return _refuse("query-command-line-options", "GenericError", desc)
        return _answer("query-command-line-options", chosen)

    def _derive_device(self, arguments: dict[str, Any]) -> Exchange | None:
        types, name = self._list_types(), arguments.get("typename")
        if not types:
            return None
        if name not in {each.get("name") for each in types}:
            desc = f"Device '{name}' not found"
            return _refuse("device-list-properties", "DeviceNotFound", desc)
        concrete = {each.get("name") for each in types if not each.get("abstract")}
        if name in _find_descendants(types, "device") & concrete:
            return None
        desc = "Parameter 'typename' expects a non-abstract device type"
        return _refuse("device-list-properties", "GenericError", desc)

    def _derive_class(self, arguments: dict[str, Any]) -> Exchange | None:
        types, name = self._list_types(), arguments.get("typename")
        if not types or name in {each.get("name") for each in types}:
            return None
        return _refuse("qom-list-properties", "DeviceNotFound", f"Class '{name}' not found")


def _is_named(entry: _Entry) -> bool:
    return isinstance(entry.get("name"), str) and isinstance(entry.get("parent", ""), str)


def _find_descendants(types: list[_Entry], ancestor: Any) -> set[Any]:
    """Return the names of a type and of all that descend from it."""
    found: set[Any] = {each.get("name") for each in types if each.get("name") == ancestor}
    # Its own entry lacks where it is an interface, or not in the list.
    found |= {ancestor}
    while more := set(_find_children(types, found)) - found:
        found |= more
    return found


def _find_children(types: list[_Entry], parents: set[Any]) -> Iterator[Any]:
    return (each.get("name") for each in types if each.get("parent") in parents)


def _answer(command: str, entries: list[_Entry]) -> Exchange:
    return Exchange(command, result=Raw(msgspec.json.encode(entries)))


def _refuse(command: str, error_class: str, desc: str) -> Exchange:
    return Exchange(command, result=UNSET, error=ErrorInfo(error_class, desc))

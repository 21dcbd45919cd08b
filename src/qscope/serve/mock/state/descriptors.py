"""File descriptors that clients sent: by name, and in sets.

In: getfd, closefd, add-fd, remove-fd, add_client. Out: query-fdsets. Whether one came with a
command is the connection's business; the numbers are made up. What is removed is gone at once, as
in QEMU 10.0; 7.2 keeps it, and tells of it, until all monitors have been left.
"""

import itertools
from typing import Any

from qscope.errors import RefusalError

_FIRST = 11


class Descriptors:
    """The commands for descriptors."""

    def __init__(self) -> None:
        self._named: set[str] = set()
        # The descriptors of each set, with what clients said of them.
        self._sets: dict[int, dict[int, str | None]] = {}
        self._numbers = itertools.count(_FIRST)
        self.changes = {
            "getfd": self._name,
            "closefd": self._forget,
            "add-fd": self._add,
            "remove-fd": self._remove,
            "add_client": self._use,
        }
        self.queries = {"query-fdsets": self._tell}

    def _name(self, arguments: dict[str, Any]) -> None:
        name = arguments["fdname"]
        if name[:1].isdigit():
            raise RefusalError("Parameter 'fdname' expects a name not starting with a digit")
        self._named.add(name)

    def _forget(self, arguments: dict[str, Any]) -> None:
        name = arguments["fdname"]
        if name not in self._named:
            raise RefusalError(f"File descriptor named '{name}' not found")
        self._named.remove(name)

    def _use(self, arguments: dict[str, Any]) -> None:
        name = arguments["fdname"]
        if name not in self._named:
            raise RefusalError(f"File descriptor named '{name}' has not been found")
        self._named.remove(name)

    def _add(self, arguments: dict[str, Any]) -> dict[str, Any]:
        free = next(number for number in itertools.count() if number not in self._sets)
        ident = arguments.get("fdset-id", free)
        if ident < 0:
            raise RefusalError("Parameter 'fdset-id' expects a non-negative value")
        number = next(self._numbers)
        self._sets.setdefault(ident, {})[number] = arguments.get("opaque")
        return {"fdset-id": ident, "fd": number}

    def _remove(self, arguments: dict[str, Any]) -> None:
        ident, number = arguments["fdset-id"], arguments.get("fd")
        known = self._sets.get(ident, {})
        if not known or (number is not None and number not in known):
            shown = f"fdset-id:{ident}" if number is None else f"fdset-id:{ident}, fd:{number}"
            raise RefusalError(f"File descriptor named '{shown}' not found")
        left = {each: what for each, what in known.items() if number not in (None, each)}
        self._sets[ident] = left
        if not left:
            del self._sets[ident]

    def _tell(self, _arguments: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            {"fdset-id": ident, "fds": [_describe(number, what) for number, what in fds.items()]}
            for ident, fds in reversed(self._sets.items())
        ]


def _describe(number: int, what: str | None) -> dict[str, Any]:
    return {"fd": number, **({} if what is None else {"opaque": what})}

"""Character devices.

In: chardev-add, chardev-remove, chardev-change. Out: query-chardev, and their IDs in the memory.
Any string is an ID here (measured on 5.2 to 11.1). A mux is always in use (QEMU 7.2; not so in
11.1).
"""

from collections.abc import Iterable
from typing import Any

from qscope.errors import RefusalError
from qscope.model.interface import Interface
from qscope.serve.mock.state.subject import Created, Memory

# What QEMU calls the character device of the first `-qmp`.
MONITOR = "compat_monitor0"


class CharacterDevices:
    """The commands for character devices; `monitors` are there from the beginning, and in use."""

    def __init__(
        self, memory: Memory, interface: Interface, monitors: Iterable[str] = (MONITOR,)
    ) -> None:
        self._memory = memory
        self._types = {each.name for each in interface.listings.qom_types or ()}
        for name in monitors:
            memory.chardevs[name] = Created("chardev-socket")
            memory.use("chardev", name, "monitor")
        self.changes = {
            "chardev-add": self._add,
            "chardev-remove": self._remove,
            "chardev-change": self._change,
        }
        self.queries = {"query-chardev": self._tell, "chardev-send-break": self._send_break}

    def _add(self, arguments: dict[str, Any]) -> dict[str, Any]:
        ident, backend = arguments["id"], arguments["backend"]
        if ident in self._memory.chardevs:
            raise RefusalError(f"Chardev with id '{ident}' already exists")
        self._check_backend(ident, backend)
        if backend["type"] == "mux":
            self._memory.use("chardev", backend["data"]["chardev"], _name_user(ident))
            self._memory.use("chardev", ident, _name_user(ident))
        return self._open(ident, backend)

    def _open(self, ident: str, backend: dict[str, Any]) -> dict[str, Any]:
        chardevs = self._memory.chardevs
        chardevs[ident] = Created(f"chardev-{backend['type']}", backend.get("data", {}))
        return {"pty": f"/dev/pts/{len(chardevs)}"} if backend["type"] == "pty" else {}

    def _check_backend(self, ident: str, backend: dict[str, Any]) -> None:
        failed = f"Failed to add chardev '{ident}': "
        kind, data = backend["type"], backend.get("data", {})
        if self._types and f"chardev-{kind}" not in self._types:
            raise RefusalError(f"{failed}'{kind}' is not a valid char driver name")
        if kind in ("ringbuf", "memory") and data.get("size", 0).bit_count() > 1:
            raise RefusalError(f"{failed}size of ringbuf chardev must be power of two")
        if kind == "mux" and data["chardev"] not in self._memory.chardevs:
            raise RefusalError(f"{failed}mux: base chardev {data['chardev']} not found")

    def _remove(self, arguments: dict[str, Any]) -> None:
        ident = arguments["id"]
        self._check_presence(ident)
        if self._memory.find_users("chardev", ident):
            raise RefusalError(f"Chardev '{ident}' is busy")
        del self._memory.chardevs[ident]

    def _change(self, arguments: dict[str, Any]) -> dict[str, Any]:
        ident = arguments["id"]
        if ident not in self._memory.chardevs:
            raise RefusalError(f"Chardev '{ident}' does not exist")
        if self._memory.find_users("chardev", ident):
            raise RefusalError("Chardev user does not support chardev hotswap")
        # One that nobody uses goes before QEMU looks at what is to come.
        del self._memory.chardevs[ident]
        return self._add(arguments)

    def _send_break(self, arguments: dict[str, Any]) -> None:
        self._check_presence(arguments["id"])

    def _check_presence(self, ident: str) -> None:
        if ident not in self._memory.chardevs:
            raise RefusalError(f"Chardev '{ident}' not found")

    def _tell(self, _arguments: dict[str, Any]) -> list[dict[str, Any]]:
        return [self._describe(ident) for ident in self._memory.chardevs]

    def _describe(self, ident: str) -> dict[str, Any]:
        # A mux in front opens nothing itself.
        users = self._memory.find_users("chardev", ident)
        is_open = any(not user.startswith("chardev ") for user in users)
        filename = _tell_filename(self._memory.chardevs[ident])
        return {"label": ident, "filename": filename, "frontend-open": is_open}


def _tell_filename(created: Created) -> str:
    kind = created.typename.removeprefix("chardev-")
    match created.properties.get("addr"):
        case {"type": "unix", "data": {"path": path}}:
            place = f"unix:{path}"
        case {"type": "inet", "data": {"host": host, "port": port}}:
            place = f"tcp:{host}:{port}"
        case _:
            return kind
    is_server = created.properties.get("server", True)
    return f"disconnected:{place}{',server=on' if is_server else ''}"


def _name_user(ident: str) -> str:
    return f"chardev {ident}"

"""The NBD server, and exports of block nodes.

In: nbd-server-start and its kin, block-export-add, block-export-del. Out: query-block-exports, and
the event of an export that goes. Nobody listens at the server's address.
"""

from typing import Any

from msgspec import Struct

from qscope.ask.validation.names import is_id
from qscope.errors import RefusalError
from qscope.serve.mock.state.subject import Host, Memory


class _Export(Struct):
    type: str
    node: str
    # Its name to the clients of an NBD server.
    name: str | None = None


class Exports:
    """The commands for exports."""

    def __init__(self, host: Host, memory: Memory) -> None:
        self._host = host
        self._memory = memory
        self._is_serving = False
        self._exports: dict[str, _Export] = {}
        self.changes = {
            "nbd-server-start": self._start,
            "nbd-server-stop": self._stop,
            "nbd-server-add": self._add_to_server,
            "nbd-server-remove": self._remove_from_server,
            "block-export-add": self._add,
            "block-export-del": self._delete,
        }
        self.queries = {"query-block-exports": self._tell}

    def _start(self, _arguments: dict[str, Any]) -> None:
        if self._is_serving:
            raise RefusalError("NBD server already running")
        self._is_serving = True

    def _stop(self, _arguments: dict[str, Any]) -> None:
        self._check_server()
        self._is_serving = False
        for ident, export in tuple(self._exports.items()):
            if export.type == "nbd":
                self._remove(ident)

    def _check_server(self) -> None:
        if not self._is_serving:
            raise RefusalError("NBD server not running")

    def _add_to_server(self, arguments: dict[str, Any]) -> None:
        device = arguments["device"]
        if device not in self._memory.nodes:
            raise RefusalError(f"Cannot find device='{device}' nor node-name='{device}'")
        name = arguments.get("name", device)
        self._export(name, _Export("nbd", device, name))

    def _add(self, arguments: dict[str, Any]) -> None:
        ident, kind, node = arguments["id"], arguments["type"], arguments["node-name"]
        name = arguments.get("name", node) if kind == "nbd" else None
        self._export(ident, _Export(kind, node, name))

    def _export(self, ident: str, export: _Export) -> None:
        if not is_id(ident):
            raise RefusalError("Invalid block export id")
        if ident in self._exports:
            raise RefusalError(f"Block export id '{ident}' is already in use")
        if export.node not in self._memory.nodes:
            raise RefusalError(f"Cannot find device='' nor node-name='{export.node}'")
        if export.type == "nbd":
            self._check_server()
            if any(each.name == export.name for each in self._exports.values()):
                raise RefusalError(f"NBD server already has export named '{export.name}'")
        self._memory.use("node", export.node, _name_user(ident))
        self._exports[ident] = export

    def _remove_from_server(self, arguments: dict[str, Any]) -> None:
        name = arguments["name"]
        found = [ident for ident, export in self._exports.items() if export.name == name]
        if not found:
            raise RefusalError(f"Export '{name}' is not found")
        self._remove(found[0])

    def _delete(self, arguments: dict[str, Any]) -> None:
        ident = arguments["id"]
        if ident not in self._exports:
            raise RefusalError(f"Export '{ident}' is not found")
        self._remove(ident)

    def _remove(self, ident: str) -> None:
        del self._exports[ident]
        self._memory.release(_name_user(ident))
        self._host.emit("BLOCK_EXPORT_DELETED", {"id": ident})

    def _tell(self, _arguments: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            {"id": ident, "type": each.type, "node-name": each.node, "shutting-down": False}
            for ident, each in reversed(self._exports.items())
        ]


def _name_user(ident: str) -> str:
    return f"/exports/{ident}"

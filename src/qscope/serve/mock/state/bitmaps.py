"""Dirty bitmaps on block nodes.

In: the block-dirty-bitmap-* commands. Out: bitmaps in the nodes of the memory. None of them is ever
busy, and nothing writes, so that all are empty.
"""

from typing import Any

from qscope.errors import RefusalError
from qscope.serve.mock.state.subject import Command, Memory, Node

_LEAST = 512
_USUAL = 65536
# Which drivers can store a bitmap.
_STORING = ("qcow2",)


class Bitmaps:
    """The commands for dirty bitmaps."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self.changes = {
            "block-dirty-bitmap-add": self._add,
            "block-dirty-bitmap-remove": self._remove,
            "block-dirty-bitmap-enable": self._enable,
            "block-dirty-bitmap-disable": self._disable,
            "block-dirty-bitmap-clear": self._look_up,
            "block-dirty-bitmap-merge": self._merge,
        }
        self.queries: dict[str, Command] = {"x-debug-block-dirty-bitmap-sha256": self._look_up}

    def _add(self, arguments: dict[str, Any]) -> None:
        name, granularity = arguments["name"], arguments.get("granularity", _USUAL)
        if not name:
            raise RefusalError("Bitmap name cannot be empty")
        node = self._memory.nodes.get(arguments["node"])
        if node is None:
            where = arguments["node"]
            raise RefusalError(f"Cannot find device='{where}' nor node-name='{where}'")
        _check(node, arguments, granularity)
        node.bitmaps[name] = {
            "name": name,
            "recording": not arguments.get("disabled", False),
            "persistent": arguments.get("persistent", False),
            "busy": False,
            "granularity": granularity,
            "count": 0,
        }

    def _find(self, arguments: dict[str, Any]) -> tuple[Node, str]:
        node, name = self._memory.nodes.get(arguments["node"]), arguments["name"]
        if node is None:
            raise RefusalError(f"Node '{arguments['node']}' not found")
        if name not in node.bitmaps:
            raise RefusalError(f"Dirty bitmap '{name}' not found")
        return node, name

    def _remove(self, arguments: dict[str, Any]) -> None:
        node, name = self._find(arguments)
        del node.bitmaps[name]

    def _enable(self, arguments: dict[str, Any]) -> None:
        node, name = self._find(arguments)
        node.bitmaps[name]["recording"] = True

    def _disable(self, arguments: dict[str, Any]) -> None:
        node, name = self._find(arguments)
        node.bitmaps[name]["recording"] = False

    def _merge(self, arguments: dict[str, Any]) -> None:
        node, _ = self._find({"node": arguments["node"], "name": arguments["target"]})
        for source in arguments["bitmaps"]:
            is_local = isinstance(source, str)
            self._find({"node": node.name, "name": source} if is_local else source)

    def _look_up(self, arguments: dict[str, Any]) -> None:
        self._find(arguments)


def _check(node: Node, arguments: dict[str, Any], granularity: int) -> None:
    if granularity < _LEAST or granularity.bit_count() != 1:
        raise RefusalError("Granularity must be power of 2 and at least 512")
    if arguments.get("persistent") and node.options["driver"] not in _STORING:
        what = f"Can't store persistent bitmaps to {node.name}"
        raise RefusalError(f"{what}: Operation not supported")
    if arguments["name"] in node.bitmaps:
        raise RefusalError(f"Bitmap already exists: {arguments['name']}")

"""What is told of block nodes, and of the devices on them.

In: the memory. Out: the facts of query-named-block-nodes, query-block and query-blockstats.
"""

import json
from typing import Any

from qscope.serve.mock.state.backends import name_block_device
from qscope.serve.mock.state.nodes import GENERIC
from qscope.serve.mock.state.subject import Command, Created, Memory, Node
from qscope.serve.wire.qdict import order_keys

_RATES = ("bps", "bps_rd", "bps_wr", "iops", "iops_rd", "iops_wr")
# What the null drivers have where nothing else is said.
_NULL_SIZE = 1 << 30
_SECTOR = 512
_NULLS = ("null-co", "null-aio")


class BlockQueries:
    """The commands that tell of nodes and of devices on them."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self.changes: dict[str, Command] = {}
        self.queries = {
            "query-named-block-nodes": self._tell_nodes,
            "query-block": self._tell_devices,
            "query-blockstats": self._tell_statistics,
        }

    def _tell_nodes(self, _arguments: dict[str, Any]) -> list[dict[str, Any]]:
        # The latest comes first.
        return [self._describe(node) for node in reversed(self._memory.nodes.values())]

    def _describe(self, node: Node) -> dict[str, Any]:
        options = node.options
        cache = options.get("cache", {})
        filename = self._tell_filename(node)
        facts = {
            "node-name": node.name,
            "drv": options["driver"],
            "file": filename,
            "ro": options.get("read-only", False),
            "encrypted": False,
            "detect_zeroes": options.get("detect-zeroes", "off"),
            "write_threshold": 0,
            "backing_file_depth": self._count_backing(node),
            "image": {"filename": filename, "format": options["driver"]} | self._tell_size(node),
            "cache": {
                "writeback": True,
                "direct": cache.get("direct", False),
                "no-flush": cache.get("no-flush", False),
            },
        }
        bitmaps = list(reversed(node.bitmaps.values()))
        return facts | dict.fromkeys(_RATES, 0) | ({"dirty-bitmaps": bitmaps} if bitmaps else {})

    def _count_backing(self, node: Node) -> int:
        backing = node.children.get("backing")
        return 0 if backing is None else 1 + self._count_backing(self._memory.nodes[backing])

    def _tell_size(self, node: Node) -> dict[str, int]:
        size = self._find_size(node)
        return {} if size is None else {"virtual-size": -(-size // _SECTOR) * _SECTOR}

    def _find_size(self, node: Node) -> int | None:
        options = node.options
        if isinstance(options.get("size"), int):
            return int(options["size"])
        if options["driver"] in _NULLS:
            return _NULL_SIZE
        below = next(iter(node.children.values()), None)
        size = None if below is None else self._find_size(self._memory.nodes[below])
        return None if size is None else max(0, size - options.get("offset", 0))

    def _tell_filename(self, node: Node) -> str:
        """Return a node's file name: what none can say is said in JSON."""
        lowest = node
        while self._is_plain(lowest) and "file" in lowest.children:
            lowest = self._memory.nodes[lowest.children["file"]]
        own = _list_own(lowest)
        if own.keys() == {"driver", "filename"}:
            return str(own["filename"])
        if own.keys() == {"driver"} and own["driver"] in _NULLS:
            return f"{own['driver']}://"
        return f"json:{json.dumps(self._list_options(node))}"

    def _is_plain(self, node: Node) -> bool:
        """Whether a node is what its file is, read by a driver."""
        return _list_own(node).keys() - {"file"} == {"driver"} and node.children.keys() == {"file"}

    def _list_options(self, node: Node) -> dict[str, Any]:
        """Return what tells a node from others of its driver, children in full."""
        given = _list_own(node)
        for place, child in node.children.items():
            member, _, number = place.partition(".")
            below = self._list_options(self._memory.nodes[child])
            if number:
                given[member] = [*given[member]]
                given[member][int(number)] = below
            else:
                given[member] = below
        return {name: given[name] for name in order_keys(given)}

    def _tell_devices(self, _arguments: dict[str, Any]) -> list[dict[str, Any]]:
        devices = self._memory.devices.items()
        return [self._describe_device(*each) for each in devices if _is_block_device(each[1])]

    def _describe_device(self, path: str, device: Created) -> dict[str, Any]:
        node = self._memory.nodes.get(_find_drive(device))
        is_removable = device.typename.endswith("-cd")
        facts = {
            "device": "",
            "qdev": name_block_device(path, device),
            "type": "unknown",
            "locked": False,
            "removable": is_removable,
            "io-status": "ok",
        }
        facts |= {"tray_open": False} if is_removable else {}
        return facts | ({} if node is None else {"inserted": self._describe(node)})

    def _tell_statistics(self, arguments: dict[str, Any]) -> list[dict[str, Any]]:
        if arguments.get("query-nodes"):
            return [{"node-name": name} for name in self._memory.nodes]
        devices = self._memory.devices.items()
        return [
            {"device": "", "qdev": name_block_device(path, device)}
            | ({"node-name": _find_drive(device)} if _find_drive(device) else {})
            for path, device in devices
            if _is_block_device(device)
        ]


def _list_own(node: Node) -> dict[str, Any]:
    generic = (*GENERIC, "node-name")
    return {name: value for name, value in node.options.items() if name not in generic}


def _find_drive(device: Created) -> str:
    drive = device.properties.get("drive")
    return drive if isinstance(drive, str) else ""


def _is_block_device(device: Created) -> bool:
    return bool(_find_drive(device)) or device.typename.endswith("-cd")

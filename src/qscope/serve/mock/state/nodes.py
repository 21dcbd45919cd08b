"""Block nodes: what there is, what it is made of, and who uses it.

In: blockdev-add, blockdev-del, blockdev-reopen. Out: nodes in the memory. Nodes given inline are
nodes as well, but go with their last parent; unnamed ones get a name as QEMU makes it. What only an
image would tell (its format, its size) is none of a mock's.
"""

from collections.abc import Iterator
from typing import Any

from qscope.ask.validation.names import is_id
from qscope.errors import RefusalError
from qscope.model.interface import Interface
from qscope.serve.mock.state.references import References
from qscope.serve.mock.state.subject import Command, Memory, Node

_MAX_NAME = 31
# Nodes that one may stand on, itself included, counted once for each way to them. QEMU takes 250 in
# a row at once, but not 900 within 20 s.
_MOST = 250
_TOO_MANY = f"The mock takes no more than {_MOST} nodes on each other"
# What a reopening may change in any driver.
GENERIC = ("read-only", "auto-read-only", "discard", "cache", "detect-zeroes", "force-share")
# The children that a reopening may replace, and the drivers that take none (measured on 7.2).
_REPLACEABLE = ("file", "backing")
_NEVER_REOPENED = (
    "blklogwrites",
    "blkreplay",
    "blkverify",
    "copy-before-write",
    "copy-on-read",
    "quorum",
    "snapshot-access",
)


class Nodes:
    """The commands for block nodes."""

    def __init__(self, memory: Memory, interface: Interface) -> None:
        self._memory = memory
        self._references = References(interface)
        self._unnamed = 0
        self.changes = {
            "blockdev-add": self._add,
            "blockdev-del": self._delete,
            "blockdev-reopen": self._reopen_all,
            "x-blockdev-reopen": self._reopen,
        }
        self.queries: dict[str, Command] = {}

    def _add(self, arguments: dict[str, Any]) -> None:
        if "node-name" not in arguments.get("options", arguments):
            raise RefusalError("'node-name' must be specified for the root node")
        opened: dict[str, Node] = {}
        # Before 2.9 all of it stood in a member.
        root = self._open(arguments.get("options", arguments), opened)
        opened[root].owned = True
        self._check_count(root, {**self._memory.nodes, **opened})
        for node in opened.values():
            self._keep(node)

    def _check_count(self, root: str, nodes: dict[str, Node]) -> None:
        """Refuse what nobody could describe: it would be as large as there are ways to a node."""
        waiting, count = [root], 0
        while waiting:
            count += 1
            if count > _MOST:
                raise RefusalError(_TOO_MANY)
            waiting += nodes[waiting.pop()].children.values()

    def _keep(self, node: Node) -> None:
        self._memory.nodes[node.name] = node
        for child in node.children.values():
            self._memory.use("node", child, _name_user(node.name))
        if node.options["driver"] == "throttle":
            self._memory.use("object", node.options["throttle-group"], _name_user(node.name))

    def _open(self, options: dict[str, Any], opened: dict[str, Node], level: int = 1) -> str:
        """Open a node and what lies below it; return its name.

        `opened` are those opened so far, `level` is how deep this one is.
        """
        if level > _MOST:
            raise RefusalError(_TOO_MANY)
        # QEMU opens `file` before it looks at the node's own name.
        references = dict(self._find_references(options))
        children = {}
        if "file" in references:
            children["file"] = self._resolve(references["file"], opened, level)
        name = self._name(options, opened)
        opened[name] = Node(name, options, children)
        self._check(options)
        for place, value in references.items():
            if place not in children:
                children[place] = self._resolve(value, opened, level)
        return name

    def _find_references(self, options: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        for member in self._references.find(options["driver"]):
            value = options.get(member)
            if isinstance(value, list):
                yield from ((f"{member}.{number}", each) for number, each in enumerate(value))
            elif value not in (None, ""):
                yield member, value

    def _resolve(self, reference: str | dict[str, Any], opened: dict[str, Node], level: int) -> str:
        if isinstance(reference, dict):
            return self._open(reference, opened, level + 1)
        # What is opened by the same command cannot be found yet.
        if reference not in self._memory.nodes:
            raise RefusalError(f"Cannot find device='{reference}' nor node-name='{reference}'")
        return reference

    def _name(self, options: dict[str, Any], opened: dict[str, Node]) -> str:
        name = options.get("node-name")
        if name is None:
            self._unnamed += 1
            return f"#block{self._unnamed:03}"
        if not is_id(name):
            raise RefusalError(f"Invalid node-name: '{name}'")
        if name in self._memory.nodes or name in opened:
            raise RefusalError(f"Duplicate nodes with node-name='{name}'")
        if len(name) > _MAX_NAME:
            raise RefusalError("Node name too long")
        return str(name)

    def _check(self, options: dict[str, Any]) -> None:
        if options.get("detect-zeroes") == "unmap" and options.get("discard") != "unmap":
            what = "setting detect-zeroes to unmap is not allowed"
            raise RefusalError(f"{what} without setting discard operation to unmap")
        group = options.get("throttle-group")
        if options["driver"] == "throttle" and not self._has_group(group):
            raise RefusalError(f"Throttle group '{group}' does not exist")

    def _has_group(self, ident: str | None) -> bool:
        created = self._memory.objects.get(ident or "")
        return created is not None and created.typename == "throttle-group"

    def _delete(self, arguments: dict[str, Any]) -> None:
        name = arguments["node-name"]
        node = self._find(name)
        users = self._memory.find_users("node", name)
        if any(user.startswith("/") for user in users):
            raise RefusalError(f"Node {name} is in use")
        if not node.owned:
            raise RefusalError(f"Node {name} is not owned by the monitor")
        if users:
            raise RefusalError(f"Block device {name} is in use")
        self._drop(node)

    def _find(self, name: str) -> Node:
        node = self._memory.nodes.get(name)
        if node is None:
            raise RefusalError(f"Failed to find node with node-name='{name}'")
        return node

    def _drop(self, node: Node) -> None:
        del self._memory.nodes[node.name]
        self._memory.release(_name_user(node.name))
        self._drop_orphans(list(node.children.values()))

    def _drop_orphans(self, names: list[str]) -> None:
        for name in names:
            node = self._memory.nodes.get(name)
            if node and not node.owned and not self._memory.find_users("node", name):
                self._drop(node)

    def _reopen_all(self, arguments: dict[str, Any]) -> None:
        for options in arguments["options"]:
            self._check_reopening(options)
        for options in arguments["options"]:
            self._reopen(options)

    def _check_reopening(self, options: dict[str, Any]) -> None:
        if "node-name" not in options:
            raise RefusalError("node-name not specified")
        node = self._find(options["node-name"])
        driver = node.options["driver"]
        if driver in _NEVER_REOPENED:
            what = f"Block format '{driver}' used by node '{node.name}'"
            raise RefusalError(f"{what} does not support reopening files")
        if options["driver"] != driver:
            raise RefusalError("Cannot change the option 'driver'")
        for place, value in self._find_references(options):
            self._check_reference(node, place, value)

    def _check_reference(self, node: Node, place: str, value: str | dict[str, Any]) -> None:
        child = node.children.get(place)
        if isinstance(value, dict):
            inline = self._memory.nodes[child] if child is not None else None
            if inline is None or inline.owned:
                raise RefusalError(f"Cannot change the option '{place}.driver'")
            if inline.options["driver"] != value["driver"]:
                raise RefusalError("Cannot change the option 'driver'")
        elif place in _REPLACEABLE:
            self._check_child(node.name, place, value)
        elif value != child:
            raise RefusalError(f"Cannot change the option '{place}'")

    def _check_child(self, parent: str, place: str, child: str) -> None:
        if child not in self._memory.nodes:
            raise RefusalError(f"Cannot find device='' nor node-name='{child}'")
        if parent in self._list_below(child):
            making = f"Making '{child}' a {place} child of '{parent}'"
            raise RefusalError(f"{making} would create a cycle")

    def _list_below(self, root: str) -> set[str]:
        """Return the nodes that one stands on, itself included."""
        found: set[str] = set()
        waiting = [root]
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += self._memory.nodes[name].children.values()
        return found

    def _reopen(self, options: dict[str, Any]) -> None:
        self._check_reopening(options)
        node = self._memory.nodes[options["node-name"]]
        before = list(node.children.values())
        references = self._find_references(options)
        children = {place: value for place, value in references if isinstance(value, str)}
        kept = {name: value for name, value in node.options.items() if name not in GENERIC}
        staying = {
            name: value
            for name, value in node.children.items()
            if options.get(name, "") is not None
        }
        again = Node(node.name, {**kept, **options}, {**staying, **children})
        for root in self._memory.nodes:
            self._check_count(root, {**self._memory.nodes, node.name: again})
        node.options, node.children = again.options, again.children
        self._memory.release(_name_user(node.name))
        self._keep(node)
        self._drop_orphans(before)


def _name_user(name: str) -> str:
    return f"node {name}"

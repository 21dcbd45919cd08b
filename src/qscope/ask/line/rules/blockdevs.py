"""Rules about block nodes, of -blockdev and of -drive: names, references, what excludes what."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from qscope.ask.line.drive import NULLS, find_driver, list_drivers
from qscope.ask.line.line import Line, Occurrence
from qscope.ask.line.names import Names
from qscope.ask.line.rules.drives import is_on
from qscope.ask.line.rules.rule import ALL, Fault, Rule
from qscope.ask.line.scalars import read_int, read_number
from qscope.model.near import near

# include/block/block_int-common.h: a node's name is kept in 32 bytes.
_LONGEST = 31
# Members of block drivers that are nodes (BlockdevRef in qapi/block-core.json).
_CHILDREN = frozenset(
    ("file", "backing", "data-file", "raw", "image", "test", "log", "target", "bitmap", "header")
)


class Node(NamedTuple):
    """A node of -blockdev, or one within another; `where` is the path that leads to it."""

    occurrence: Occurrence
    where: str
    options: Mapping[str, Any]

    def name(self, member: str) -> str:
        """Return the parameter's name as a user writes it."""
        return f"{self.where}{member}"


def list_nodes(line: Line) -> Iterator[Node]:
    """Yield each node that -blockdev describes, outer ones first."""
    for occurrence in line.select("blockdev"):
        pending = [Node(occurrence, "", occurrence.parameters)]
        while pending:
            node = pending.pop()
            yield node
            pending += [
                Node(occurrence, f"{node.where}{name}.", value)
                for name, value in node.options.items()
                if isinstance(value, dict) and "driver" in value
            ]


def find_nameless(line: Line) -> Iterator[Fault]:
    """Yield each -blockdev without a node name: nobody could use it."""
    for occurrence in line.select("blockdev"):
        if occurrence.parsed is not None and "node-name" not in occurrence.parameters:
            yield Fault(occurrence, "node-name", "it is missing")


def find_long_names(line: Line) -> Iterator[Fault]:
    """Yield each node name that is too long."""
    for node in list_nodes(line):
        name = node.options.get("node-name")
        if isinstance(name, str) and len(name.encode()) > _LONGEST:
            yield Fault(
                node.occurrence,
                node.name("node-name"),
                f"{name!r} is too long",
                f"at most {_LONGEST} bytes",
            )


def find_missing_nodes(line: Line) -> Iterator[Fault]:
    """Yield each reference to a node that no -blockdev or -drive before this one makes."""
    names = line.once(Names)
    order = {id(each): position for position, each in enumerate(line.occurrences)}
    for node in list_nodes(line):
        for member, name in _list_references(node):
            made = names.find("drive", name)
            if made is not None and made.position < order[id(node.occurrence)]:
                continue
            if made is None and names.may_be_chosen("drive", name):
                continue
            later = "the node is made only later" if made else "there is no such node before it"
            guesses = () if made else tuple(near(name, names.list_names("drive")))
            what = f"{name!r}: {later}"
            yield Fault(node.occurrence, node.name(member), what, suggestions=guesses)


def _list_references(node: Node) -> Iterator[tuple[str, str]]:
    for member, value in node.options.items():
        if member in _CHILDREN and isinstance(value, str) and value:
            yield member, value
        elif member == "children" and isinstance(value, list):
            for number, each in enumerate(value):
                if isinstance(each, str):
                    yield f"children.{number}", each


def find_shared_writers(line: Line) -> Iterator[Fault]:
    """Yield each image that others may write while it is not read-only."""
    for occurrence in line.select("drive", "blockdev"):
        if is_on(occurrence, "force-share") and not is_on(occurrence, "read-only"):
            yield Fault(occurrence, "force-share", "it needs read-only=on")


def find_unmapped(line: Line) -> Iterator[Fault]:
    """Yield each detect-zeroes=unmap without discard=unmap (block.c, bdrv_open_common)."""
    for node in list_nodes(line):
        discards = node.options.get("discard", "off") in ("unmap", "on")
        if node.options.get("detect-zeroes") == "unmap" and not discards:
            yield Fault(node.occurrence, node.name("detect-zeroes"), "it needs discard=unmap")


def find_missing_groups(line: Line) -> Iterator[Fault]:
    """Yield each throttle node whose group no -object makes."""
    names = line.once(Names)
    for node in list_nodes(line):
        group = node.options.get("throttle-group")
        if isinstance(group, str) and names.find("object", group) is None:
            where = node.name("throttle-group")
            yield Fault(node.occurrence, where, f"there is no throttle group {group!r}")


def find_latencies(line: Line) -> Iterator[Fault]:
    """Yield each latency of a null device that is negative (block/null.c)."""
    drives = (Node(each, "", each.parameters) for each in line.select("drive"))
    for node in (*list_nodes(line), *drives):
        latency = read_number(node.options.get("latency-ns"))
        if latency is not None and not 0 <= latency < _LATENCY_END:
            yield Fault(
                node.occurrence, node.name("latency-ns"), "it is out of range", "0 to 2^63-1"
            )


_LATENCY_END = 1 << 63


def find_votes(line: Line) -> Iterator[Fault]:
    """Yield each quorum that its children cannot reach."""
    for node in list_nodes(line):
        children = node.options.get("children")
        votes = read_int(node.options.get("vote-threshold", 1))
        if node.options.get("driver") != "quorum" or not isinstance(children, list):
            continue
        if votes is not None and not 1 <= votes <= len(children):
            right = f"1 to {len(children)}"
            yield Fault(node.occurrence, node.name("vote-threshold"), "out of range", right)


def find_formats(line: Line) -> Iterator[Fault]:
    """Yield each format whose node is known to hold no such image: what reads as zeroes."""
    names = line.once(Names)
    known = list_drivers(line)
    for node in list_nodes(line):
        driver, file = node.options.get("driver"), node.options.get("file")
        if not isinstance(driver, str) or driver not in _WITH_MAGIC or driver not in known:
            continue
        made = names.find("drive", file) if isinstance(file, str) else None
        options = made.occurrence.parameters if made else file
        if isinstance(options, dict) and options.get("driver") in NULLS:
            yield Fault(node.occurrence, node.name("file"), f"there is no {driver} image in it")


def find_drive_formats(line: Line) -> Iterator[Fault]:
    """Yield likewise the formats of -drive."""
    for occurrence in line.select("drive"):
        driver, file = find_driver(occurrence), occurrence.get("file") or ""
        is_null = occurrence.get("file.driver") in NULLS or file.partition(":")[0] in NULLS
        if is_null and driver in _WITH_MAGIC and driver in list_drivers(line):
            yield Fault(occurrence, "format", f"there is no {driver} image in it")


# Formats that begin with a magic number, so that zeroes are none.
_WITH_MAGIC = frozenset(
    ("qcow", "qcow2", "qed", "vdi", "vmdk", "vhdx", "vpc", "luks", "parallels", "bochs", "cloop")
)

RULES = (
    Rule(
        "node-name-missing",
        "a node without a name could be used by nobody",
        ALL,
        "-blockdev null-co",
        "-blockdev null-co,node-name=n0",
        find_nameless,
    ),
    Rule(
        "node-name-long",
        "QEMU keeps names in 32 bytes",
        ALL,
        "-blockdev null-co,node-name=a-node-name-that-is-longer-than-31-chars",
        "-blockdev null-co,node-name=a-node-name-that-has-30-chars--",
        find_long_names,
    ),
    Rule(
        "node-missing",
        "nodes are made in the order of the command line",
        ALL,
        "-blockdev raw,node-name=n1,file=n0 -blockdev null-co,node-name=n0",
        "-blockdev null-co,node-name=n0 -blockdev raw,node-name=n1,file=n0",
        find_missing_nodes,
    ),
    Rule(
        "force-share-writable",
        "an image that others may write can only be read",
        ALL,
        "-blockdev null-co,node-name=n0,force-share=on",
        "-blockdev null-co,node-name=n0,force-share=on,read-only=on",
        find_shared_writers,
    ),
    Rule(
        "detect-zeroes-unmap",
        "zeroes can be unmapped only where discarding unmaps",
        ALL,
        "-blockdev null-co,node-name=n0,detect-zeroes=unmap",
        "-blockdev null-co,node-name=n0,detect-zeroes=unmap,discard=unmap",
        find_unmapped,
    ),
    Rule(
        "throttle-group-missing",
        "limits belong to a group, which is an object",
        ALL,
        "-blockdev throttle,node-name=t0,throttle-group=g0,file.driver=null-co",
        "-object throttle-group,id=g0"
        " -blockdev throttle,node-name=t0,throttle-group=g0,file.driver=null-co",
        find_missing_groups,
    ),
    Rule(
        "null-latency",
        "time does not go back",
        ALL,
        "-blockdev null-co,node-name=n0,latency-ns=-5",
        "-blockdev null-co,node-name=n0,latency-ns=5",
        find_latencies,
    ),
    Rule(
        "quorum-votes",
        "no more votes are there than children",
        ALL,
        "-blockdev quorum,node-name=q0,vote-threshold=3,"
        "children.0.driver=null-co,children.1.driver=null-co",
        "-blockdev quorum,node-name=q0,vote-threshold=2,"
        "children.0.driver=null-co,children.1.driver=null-co",
        find_votes,
    ),
    Rule(
        "image-magic",
        "an image of a format begins with its magic number, which a null device has not",
        ALL,
        "-blockdev null-co,node-name=n0 -blockdev qcow2,node-name=n1,file=n0",
        "-blockdev null-co,node-name=n0 -blockdev raw,node-name=n1,file=n0",
        find_formats,
    ),
    Rule(
        "drive-image-magic",
        "an image of a format begins with its magic number, which a null device has not",
        ALL,
        "-drive driver=qcow2,file.driver=null-co,if=none,id=d0",
        "-drive driver=raw,file.driver=null-co,if=none,id=d0",
        find_drive_formats,
    ),
)

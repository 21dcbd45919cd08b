"""Lists, counts, outlines and raw entries, on the snapshot that ships with qscope."""

import pytest

from qscope.ask.names import KINDS, list_names, summarise
from qscope.ask.outline import Node, find_raw, outline
from qscope.ask.suggest import complete
from qscope.errors import UnknownNameError
from qscope.load.opening import EMBEDDED
from qscope.model.interface import Interface
from qscope.model.listings import Listings
from qscope.model.schema_info import Command, Entity, Member, ObjectType, Variant
from qscope.model.snapshot import decode_snapshot


@pytest.fixture(scope="module")
def embedded() -> Interface:
    with open(EMBEDDED, "rb") as file:
        return Interface.from_snapshot(decode_snapshot(file.read()))


@pytest.mark.parametrize(
    ("kind", "pattern", "names"),
    [
        ("commands", "block-job-c*", ["block-job-cancel", "block-job-complete"]),
        ("commands", "BLOCK*", []),
        ("events", "QUORUM_F*", ["QUORUM_FAILURE"]),
        ("machines", "q35", []),
        ("machines", "pc-q35-7.2", ["pc-q35-7.2"]),
        ("cpus", "EPYC-v?", ["EPYC-v1", "EPYC-v2", "EPYC-v3"]),
        ("devices", "virtio-blk-pci", ["virtio-blk-pci"]),
        ("devices", "iothread", []),
        ("devices", "pci-device", []),
        ("objects", "iothread", ["iothread"]),
        ("qemuopts", "smp-opts", ["smp-opts"]),
        ("migration", "xbz*", ["xbzrle"]),
    ],
)
def test_a_list_has_what_matches(embedded, kind, pattern, names):
    assert [item.name for item in list_names(embedded, kind, pattern) or ()] == names


@pytest.mark.parametrize("kind", KINDS.keys() - {"behaviours"})
def test_what_nobody_listed_is_not_an_empty_list(kind):
    assert list_names(Interface(None), kind) is None


def test_without_schema_the_listed_commands_are_listed():
    interface = Interface(None, listings=Listings(commands=("b", "a"), events=("X",)))
    assert [item.name for item in list_names(interface, "commands") or ()] == ["a", "b"]
    assert [item.name for item in list_names(interface, "events") or ()] == ["X"]
    assert summarise(interface) is None


def test_marks_and_details(embedded):
    items = {item.name: item for item in list_names(embedded, "commands") or ()}
    assert (items["block_set_io_throttle"].deprecated, items["query-block"].deprecated) == (
        False,
        False,
    )
    assert items["x-query-roms"].unstable
    machines = {item.name: item for item in list_names(embedded, "machines") or ()}
    assert machines["pc-q35-7.2"].details == {"alias": "q35"}
    assert machines["pc-i440fx-1.4"].deprecated


def test_counts_as_in_the_talk(embedded):
    counts = summarise(embedded)
    assert counts is not None
    assert (counts.commands, counts.events) == (216, 52)
    assert counts.named_arguments_and_results == 2081
    assert counts.types == 1051 - 216 - 52


def walk_nodes(node: Node):
    yield node
    for member in node.members:
        yield from walk_nodes(member)


def test_an_outline_says_what_the_schema_says(embedded):
    tree = outline(embedded, "block_resize", 3)
    arguments, result = tree.members
    assert [(node.name, node.type) for node in arguments.members] == [
        ("*device", "string"),
        ("*node-name", "string"),
        ("size", "int"),
    ]
    assert result.type == "nothing"


@pytest.mark.parametrize("depth", [0, 1, 3, 100])
def test_every_outline_ends_and_spells_a_type_out_once(embedded, depth):
    for command in embedded.commands:
        nodes = list(walk_nodes(outline(embedded, command.name, depth)))
        assert len(nodes) < 3000
        for node in nodes:
            if node.see:
                assert not node.members


def test_depth_cuts_and_says_so(embedded):
    assert outline(embedded, "block_resize", 0).members[0].cut
    assert not any(node.cut for node in walk_nodes(outline(embedded, "block_resize", 1)))


def test_recursion_becomes_a_reference():
    entities: list[Entity] = [
        Command(name="c", arg_type="0", ret_type="0"),
        ObjectType(
            name="0",
            members=(Member(name="next", type="0", default=None),),
            tag="next",
            variants=(Variant(case="a", type="0"),),
        ),
    ]
    arguments, result = outline(Interface(entities), "c", 9).members
    assert [node.see for node in arguments.members] == ["c/arg-type", "c/arg-type"]
    assert result.see == "c/arg-type"


@pytest.mark.parametrize(
    "path",
    [
        "nosuch",
        "block_resize/arg-type/nosuch",
        "screendump/arg-type/format/^png",
        "migration:xbzrle",
    ],
)
def test_no_outline_of_what_is_no_type(embedded, path):
    with pytest.raises(UnknownNameError):
        outline(embedded, path, 3)


def test_raw_entries_are_closed_under_mention(embedded):
    names = [entry["name"] for entry in find_raw(embedded, "query-block")]
    assert names[0] == "query-block"
    assert len(names) == len(set(names)) > 10


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("blockdev-ad", ["blockdev-add"]),
        ("blockdev-add/", ["blockdev-add/arg-type", "blockdev-add/ret-type"]),
        ("screendump/arg-type/f", ["screendump/arg-type/filename", "screendump/arg-type/format"]),
        (
            "screendump/arg-type/format/",
            [f"screendump/arg-type/format/^{each}" for each in ("ppm", "png")],
        ),
        (
            "blockdev-add/arg-type/+qcow",
            [f"blockdev-add/arg-type/+qcow{each}" for each in ("2", "")],
        ),
        ("machine:q3", ["machine:q35"]),
        ("nosuch/", []),
        ("str/!string/", []),
        ("nosuch:", []),
    ],
)
def test_completion_goes_one_component_further(embedded, start, expected):
    assert list(complete(embedded, start)) == expected

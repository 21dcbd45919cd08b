"""Drivers, objects, accelerators and CPU models: answers, lists, sheets, on a small world."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qscope.ask import Verdict, ask
from qscope.ask.names import list_names
from qscope.ask.outline import outline
from qscope.ask.path import compile_path
from qscope.ask.precision import measure_precision
from qscope.ask.sheet import find_sheet
from qscope.ask.suggest import complete, suggest
from qscope.errors import PathError
from qscope.model.canonical import interface_hash
from qscope.model.index import decode_index, encode_index, make_index
from qscope.model.interface import Interface
from qscope.model.listings import Listings, QomType
from qscope.model.properties import Asked, Property, learn_properties
from qscope.model.qdm import Driver, parse_qdm
from qscope.model.snapshot import Identity, Snapshot, decode_snapshot
from qscope.model.transcript import Exchange, Transcript
from tests.test_paths_beyond import DEVICE, QOM, crashed, named, refused, told

YES, NO, UNKNOWN = Verdict.YES, Verdict.NO, Verdict.UNKNOWN

QDM = """\
Storage devices:
name "disk", bus PCI, alias "d", desc "A disk, with \\"quotes\\", no-user"
name "floppy", bus ISA, no-user
name "gpu", bus PCI

Misc devices:
name "late", desc "No bus"
name "disk-next", bus PCI, alias "floppy"
"""


def schema(*, object_tag=False, device_tag=False):
    """A QMP schema in which device_add and object-add leave their arguments' branches open."""
    union = {"tag": "kind", "variants": [{"case": "known", "type": "0"}]}
    return told(
        "query-qmp-schema",
        [
            {"name": "device_add", "meta-type": "command", "arg-type": "1", "ret-type": "0"},
            {"name": "object-add", "meta-type": "command", "arg-type": "2", "ret-type": "0"},
            {"name": "chardev-add", "meta-type": "command", "arg-type": "4", "ret-type": "0"},
            {"name": "query-tpm-models", "meta-type": "command", "arg-type": "0", "ret-type": "7"},
            {"name": "0", "meta-type": "object", "members": []},
            {
                "name": "1",
                "meta-type": "object",
                "members": [{"name": "driver", "type": "str"}, {"name": "kind", "type": "3"}],
                **(union if device_tag else {}),
            },
            {
                "name": "2",
                "meta-type": "object",
                "members": [{"name": "qom-type", "type": "3"}, {"name": "kind", "type": "3"}],
                **(union if object_tag else {}),
            },
            {"name": "3", "meta-type": "enum", "values": ["known", "rng", "gone"]},
            {"name": "4", "meta-type": "object", "members": [{"name": "backend", "type": "5"}]},
            {
                "name": "5",
                "meta-type": "object",
                "members": [{"name": "type", "type": "6"}],
                "tag": "type",
                "variants": [{"case": each, "type": "0"} for each in ("null", "spicevmc", "tty")],
            },
            {"name": "6", "meta-type": "enum", "values": ["null", "spicevmc", "tty"]},
            {"name": "7", "meta-type": "array", "element-type": "8"},
            {"name": "8", "meta-type": "enum", "values": ["tpm-tis", "tpm-spapr"]},
            {"name": "str", "meta-type": "builtin", "json-type": "string"},
        ],
    )


DISK: list[dict[str, Any]] = [
    {"name": "rerror", "type": "BlockdevOnError", "description": "Policy, report/stop/auto",
     "default-value": "auto"},
    {"name": "num-queues", "type": "uint16", "default-value": 1},
    {"name": "serial", "type": "str"},
    {"name": "bar", "type": "child<memory-region>"},
    {"name": "mac", "type": "str", "description": "Ethernet 6-byte MAC Address, example"},
    {"name": "outputs", "type": "list"},
    {"name": "addr", "type": "int32", "default-value": -1,
     "description": "Slot and optional function number, example: 06.0 or 06"},
    {"name": "3d", "type": "bool"},
    {"name": "4d", "type": "child<x>"},
]  # fmt: skip
WORLD = [
    schema(),
    told("query-target", {"arch": "z80"}),
    told(
        "qom-list-types",
        [
            {"name": "device", "abstract": True, "parent": "object"},
            *[{"name": name, "parent": "device"} for name in ("disk", "floppy", "gpu", "late")],
            {"name": "disk-next", "parent": "disk"},
            *named("rng", "can-bus", "chardev-gdb", "chardev-spicevmc", "quick-z80-cpu", "known"),
            *named("disk-base"),
        ],
        abstract=True,
    ),
    told(
        "qom-list-types",
        [
            {"name": "device", "abstract": True},
            *[{"name": each, "parent": "device"} for each in ("disk", "floppy", "gpu", "late")],
            *named("disk-next", "quick-z80-cpu", "unlisted"),
        ],
        implements="device",
    ),
    told("qom-list-types", [*named("rng", "can-bus"), {"name": "base", "abstract": True}],
         implements="user-creatable"),
    told("qom-list-types", [*named("tcg-accel", "accel"), {"name": "x-accel", "abstract": True}],
         implements="accel"),
    told("query-chardev-backends", named("null")),
    told("query-tpm-models", ["tpm-tis"]),
    told("query-tpm-types", ["emulator"]),
    told("query-cpu-definitions", [{"name": "slow", "typename": "slow-z80-cpu"}, *named("quick")]),
    told("human-monitor-command", QDM, **{"command-line": "info qdm"}),
    told(DEVICE, DISK, typename="disk"),
    crashed(DEVICE, typename="gpu"),
    told(DEVICE, [{"name": "3dnow", "type": "bool"}], typename="quick-z80-cpu"),
    told(QOM, [{"name": "fast", "type": "bool"}], typename="slow-z80-cpu"),
    told(QOM, [{"name": "type", "type": "string"}, {"name": "size", "type": "size"}],
         typename="rng"),
    crashed(QOM, typename="can-bus"),
    told(QOM, [{"name": "tb-size", "type": "uint32"}], typename="tcg-accel"),
]  # fmt: skip


def learn(*exchanges):
    return Interface.from_snapshot(decode_snapshot(json.dumps(exchanges).encode()))


@pytest.fixture(scope="module")
def world():
    return learn(*WORLD)


def without(execute, *more, **arguments):
    """The world in which a question was not asked."""
    rest = [
        each
        for each in WORLD
        if (each["execute"], each.get("arguments", {})) != (execute, arguments)
    ]
    assert len(rest) == len(WORLD) - 1
    return learn(*rest, *more)


def list_items(interface, kind):
    items = list_names(interface, kind)
    assert items is not None
    return items


def show(interface, path):
    sheet = find_sheet(interface, compile_path(path))
    assert sheet is not None
    return sheet


ADD = "device_add/arg-type"


@pytest.mark.parametrize(
    ("path", "verdict"),
    [
        # Properties, and what lies behind them.
        ("device:disk/rerror", YES),
        ("device:disk/rerror/^stop", YES),
        ("device:disk/rerror/^ignore", NO),
        ("device:disk/rerror/!string", NO),
        ("device:disk/num-queues/!int", YES),
        ("device:disk/num-queues/!boolean", NO),
        ("device:disk/num-queues/^1", NO),
        ("device:disk/*num-queues/!int", YES),
        ("device:disk/mac/!string", YES),
        ("device:disk/addr/!int", YES),
        ("device:disk/addr/!string", YES),
        ("device:disk/addr/!boolean", NO),
        ("device:disk/outputs", YES),
        ("device:disk/outputs/!array", UNKNOWN),
        ("device:disk/outputs/x/y/z", UNKNOWN),
        ("device:disk/bar", YES),
        ("device:disk/$feature/x", NO),
        ("device:disk/+x/y", NO),
        ("device:gpu", YES),
        ("device:gpu/x", UNKNOWN),
        ("device:floppy/x", UNKNOWN),
        ("device:unlisted", YES),
        # A driver's alias is a name for it; what exists is no alias.
        ("device:d", YES),
        ("device:d/num-queues/!int", YES),
        ("device:d/x", NO),
        ("device:floppy/num-queues", UNKNOWN),
        ("device:disk-base", NO),
        # device_add's drivers are branches of its arguments.
        (f"{ADD}/driver/!string", YES),
        (f"{ADD}/num-queues", NO),
        (f"{ADD}/+disk", YES),
        (f"{ADD}/+disk/num-queues/!int", YES),
        (f"{ADD}/+disk/*num-queues", YES),
        (f"{ADD}/+disk/ num-queues", YES),
        (f"{ADD}/+disk/rerror/^stop", YES),
        (f"{ADD}/+disk/addr/!string", YES),
        (f"{ADD}/+disk/addr/!int", NO),
        (f"{ADD}/+disk/rerror/^ignore", NO),
        (f"{ADD}/+disk/bar", NO),
        (f"{ADD}/+disk/driver", NO),
        (f"{ADD}/+disk/3d", YES),
        (f"{ADD}/+disk/3d/!boolean", YES),
        (f"{ADD}/+disk/ 3d", YES),
        (f"{ADD}/+disk/4d", NO),
        ("device:disk/4d", YES),
        ("device:disk/ 3d", NO),
        (f"{ADD}/+disk/outputs/x", UNKNOWN),
        (f"command:{ADD}/+disk/serial", YES),
        (f"{ADD}/+d/serial", YES),
        (f"{ADD}/+floppy", NO),
        (f"{ADD}/+floppy/x", NO),
        (f"{ADD}/+gpu", YES),
        (f"{ADD}/+gpu/x", UNKNOWN),
        (f"{ADD}/+dsik", NO),
        (f"{ADD}/+dsik/serial", NO),
        (f"{ADD}/+device", NO),
        (f"{ADD}/+unlisted", UNKNOWN),
        (f"{ADD}/disk", NO),
        ("device_add/ret-type/+disk", NO),
        (f"event:{ADD}/+disk", NO),
        # object-add before 6.0, likewise.
        ("object-add/arg-type/+rng", YES),
        ("object-add/arg-type/+rng/size/!int", YES),
        ("object-add/arg-type/+rng/type", NO),
        ("object-add/arg-type/+can-bus", YES),
        ("object-add/arg-type/+can-bus/x", UNKNOWN),
        ("object-add/arg-type/+disk", NO),
        ("object-add/arg-type/+gone", NO),
        ("object:rng/type", YES),
        ("object:rng/size/!int", YES),
        ("object:can-bus/x", UNKNOWN),
        ("object:disk/serial", UNKNOWN),
        # Accelerators, CPU models, back ends.
        ("accel:tcg", YES),
        ("accel:tcg/tb-size/!int", YES),
        ("accel:tcg/tb", NO),
        ("accel:kvm", NO),
        ("accel:kvm/x", NO),
        ("accel:accel", NO),
        ("accel:x", NO),
        ("cpu:quick/3dnow", YES),
        ("cpu:quick/3dnow/!boolean", YES),
        ("cpu:quick/dnow", NO),
        ("cpu:slow/fast/!boolean", YES),
        ("cpu:none/fast", NO),
        ("chardev:null", YES),
        ("chardev:null/x", NO),
        ("chardev:spicevmc", YES),
        ("chardev:gdb", NO),
        ("chardev:tty", NO),
        ("tpm:emulator", YES),
        ("tpm:passthrough", NO),
        ("tpm:emulator/x", NO),
    ],
)
def test_answer(world, path, verdict):
    answer = ask(world, path)
    assert answer.verdict is verdict, answer
    assert answer.evidence
    assert answer.why or verdict is YES
    if answer.position:
        before = "/".join(path.split("/")[: answer.position])
        assert ask(world, before).verdict is not NO, "a no stops behind what is there"
    assert (answer.position is None) == (verdict is not NO)


@pytest.mark.parametrize(
    ("interface", "path", "verdict"),
    [
        pytest.param(
            without("human-monitor-command", **{"command-line": "info qdm"}),
            f"{ADD}/+disk", UNKNOWN, id="who may create it was not asked",
        ),
        pytest.param(
            without("human-monitor-command", **{"command-line": "info qdm"}),
            f"{ADD}/+dsik", NO, id="and yet what is not there is not",
        ),
        pytest.param(
            without("qom-list-types", implements="user-creatable"),
            "object-add/arg-type/+rng", UNKNOWN, id="of objects, likewise",
        ),
        pytest.param(
            learn(*WORLD[1:], schema(object_tag=True)),
            "object-add/arg-type/+rng", NO, id="since 6.0 the schema has all branches",
        ),
        pytest.param(
            learn(*WORLD[1:], schema(device_tag=True)),
            f"{ADD}/+disk", NO, id="if ever device_add's schema has them, likewise",
        ),
        pytest.param(learn(schema()), f"{ADD}/+disk", UNKNOWN, id="a schema alone"),
        pytest.param(learn(schema()), "accel:tcg", UNKNOWN, id="accelerators not asked"),
        pytest.param(learn(schema()), "chardev:null", UNKNOWN, id="back ends not asked"),
        pytest.param(learn(schema()), "tpm:emulator", UNKNOWN, id="TPMs not asked"),
        pytest.param(learn(WORLD[2]), f"{ADD}/+disk", UNKNOWN, id="no schema"),
        pytest.param(
            learn(WORLD[2], told("query-commands", named("eject"))),
            f"{ADD}/+disk", NO, id="no device_add",
        ),
        pytest.param(
            without("human-monitor-command",
                    refused("human-monitor-command", "CommandNotFound",
                            **{"command-line": "info qdm"}),
                    **{"command-line": "info qdm"}),
            f"{ADD}/+disk", UNKNOWN, id="no human monitor",
        ),
        pytest.param(
            without("human-monitor-command",
                    told("human-monitor-command", "unknown command: 'info qdm'\r\n",
                         **{"command-line": "info qdm"}),
                    **{"command-line": "info qdm"}),
            f"{ADD}/+disk", UNKNOWN, id="a human monitor that knows no qdm",
        ),
    ],
)  # fmt: skip
def test_answer_of_another_world(interface, path, verdict):
    assert ask(interface, path).verdict is verdict


@pytest.mark.parametrize(
    "path",
    ["device:disk/rerror/^stop/x", "device:disk/num-queues/!int/x", f"{ADD}/+disk/rerror/^auto/x"],
)
def test_nothing_follows_a_value(world, path):
    with pytest.raises(PathError, match="nothing can follow"):
        ask(world, path)


@pytest.mark.parametrize(
    ("path", "evidence", "why"),
    [
        ("device:disk/num-queues", f"{DEVICE} disk", "int 0..65535"),
        ("device:disk/rerror", f"{DEVICE} disk", "report | stop | auto"),
        ("device:disk/rerror/^stop", f"{DEVICE} disk, its description", ""),
        ("device:d", "info qdm", "an alias of disk"),
        ("device:gpu/x", f"{DEVICE} gpu", "crashed QEMU"),
        ("device:gpu", "qom-list-types implements=device", "does not survive"),
        (f"{ADD}/+gpu", "info qdm", "does not survive"),
        (f"{ADD}/+disk", "info qdm", "plugged in while a guest runs is not known"),
        ("device:disk/outputs/x", f"{DEVICE} disk", "'outputs' is of type 'list'"),
        (f"{ADD}/+floppy", "info qdm", "no user may create one"),
        (f"{ADD}/+disk/bar", f"{DEVICE} disk", "'bar' can be read, not set"),
        ("object-add/arg-type/+disk", "qom-list-types implements=user-creatable", "no user may"),
        ("object-add/arg-type/qom-type/^gone", "query-qmp-schema", "no QOM type 'gone'"),
        ("object-add/arg-type/qom-type/^known", "query-qmp-schema", ""),
        ("query-tpm-models/ret-type/^tpm-spapr", "query-qmp-schema", "does not return 'tpm-spapr'"),
        ("query-tpm-models/ret-type/^tpm-tis", "query-qmp-schema", ""),
        ("chardev:spicevmc", "qom-list-types", "belongs to a module"),
        ("object:disk/serial", f"{QOM} disk", "'device:disk' knows those of the device"),
        (f"{ADD}/+disk/4d", f"{DEVICE} disk", "'4d' can be read, not set"),
    ],
)
def test_what_an_answer_rests_on(world, path, evidence, why):
    answer = ask(world, path)
    assert answer.evidence == evidence
    assert why in answer.why
    assert bool(why) == bool(answer.why)


@pytest.mark.parametrize(
    ("interface", "path", "source", "why"),
    [
        pytest.param(
            without(QOM, typename="slow-z80-cpu"), "cpu:slow/fast",
            f"{DEVICE} slow-z80-cpu", "were not asked", id="a CPU model is a device",
        ),
        pytest.param(
            without(QOM, typename="rng"), "object:rng/size",
            f"{QOM} rng", "were not asked", id="an object that is no device",
        ),
    ],
)  # fmt: skip
def test_whose_properties_are_not_known(interface, path, source, why):
    answer = ask(interface, path)
    assert (answer.verdict, answer.evidence) == (UNKNOWN, source)
    assert answer.why.endswith(why)


def test_an_error_of_another_class_leaves_presence_to_the_listing():
    interface = learn(
        *WORLD,
        refused(DEVICE, "GenericError", typename="late"),
        refused(QOM, "GenericError", typename="known"),
    )
    assert ask(interface, "device:late").verdict is YES
    assert ask(interface, "device:late/x").verdict is NO
    assert ask(interface, "object:known").verdict is YES
    marks = {item.name: item.marks for item in list_items(interface, "devices")}
    assert marks["late"] == ()


def test_why_the_human_monitor_told_nothing():
    refusal = refused("human-monitor-command", "CommandNotFound", **{"command-line": "info qdm"})
    assert "CommandNotFound" in ask(learn(schema(), WORLD[3], refusal), f"{ADD}/+disk").why


def test_a_machine_s_own_name_comes_before_an_alias():
    machines = [{"name": "a", "alias": "b"}, {"name": "b"}]
    interface = learn(
        told("query-machines", machines), told(QOM, named("right"), typename="b-machine")
    )
    assert ask(interface, "machine:b/right").verdict is YES
    assert ask(interface, "machine:a/right").verdict is UNKNOWN


TYPED = [
    *(each for each in WORLD if each["execute"] != "query-qmp-schema"),
    told(
        "query-qmp-schema",
        [
            {"name": "object-add", "meta-type": "command", "arg-type": "1", "ret-type": "0"},
            {"name": "0", "meta-type": "object", "members": []},
            {
                "name": "1",
                "meta-type": "object",
                "members": [{"name": "qom-type", "type": "2"}],
                "tag": "qom-type",
                "variants": [{"case": "rng", "type": "3"}, {"case": "gone", "type": "3"}],
            },
            {"name": "2", "meta-type": "enum", "values": ["rng", "gone"]},
            {"name": "3", "meta-type": "object", "members": [{"name": "size", "type": "4"}]},
            {"name": "4", "meta-type": "array", "element-type": "5"},
            {"name": "5", "meta-type": "enum", "values": ["s", "m"]},
        ],
    ),
]


@pytest.mark.parametrize(
    ("path", "verdict", "source"),
    [
        ("object:rng/size", YES, f"{QOM} rng"),
        ("object:rng/size/^m", YES, "query-qmp-schema object-add"),
        ("object:rng/size/^l", NO, "query-qmp-schema object-add"),
        ("object:rng/size/!int", NO, "query-qmp-schema object-add"),
        ("object:rng/type/!string", YES, f"{QOM} rng, its QOM type"),
        ("object:rng/sise/^m", NO, f"{QOM} rng"),
        ("object:gone/size/^m", NO, "qom-list-types"),
        ("object-add/arg-type/+gone/size/^m", YES, "query-qmp-schema"),
    ],
)
def test_object_add_s_schema_knows_types_better(path, verdict, source):
    interface = learn(*TYPED)
    answer = ask(interface, path)
    assert (answer.verdict, answer.evidence) == (verdict, source)
    if answer.position:
        assert ask(interface, "/".join(path.split("/")[: answer.position])).verdict is YES


def test_who_is_creatable_since_6_0_is_in_the_schema_and_in_qom():
    """QOM calls can-bus creatable here, and object-add's schema does not have it."""
    interface = learn(*TYPED)
    marks = {item.name: item.creatable for item in list_items(interface, "objects")}
    assert (marks["rng"], marks["can-bus"]) == (True, False)
    assert show(interface, "object:can-bus").facts["creatable"] == "no, not by object-add"


def test_a_type_that_crashes_qemu_still_has_what_object_add_s_schema_has():
    rest = [each for each in TYPED if each.get("arguments") != {"typename": "rng"}]
    interface = learn(*rest, crashed(QOM, typename="rng"))
    assert ask(interface, "object:rng/size").verdict is YES
    assert ask(interface, "object:rng/size/^m").verdict is YES
    assert ask(interface, "object:rng/type").verdict is UNKNOWN


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        pytest.param({"description": "other words"}, True, id="words"),
        pytest.param({"type": "int"}, False, id="type"),
        pytest.param({"type": "uint16_t"}, True, id="QOM's name of the type"),
        pytest.param({"default-value": 2}, False, id="default"),
        pytest.param({"name": "num"}, False, id="name"),
    ],
)
def test_interface_hash_of_a_changed_property(changed, same):
    queues = {"name": "num-queues", "type": "uint16", "default-value": 1}
    first, second = (
        learn(told(DEVICE, properties, typename="disk"))
        for properties in ([queues, *named("a")], [*named("a"), {**queues, **changed}])
    )
    assert (interface_hash(first) == interface_hash(second)) is same


def test_interface_hash_tells_an_error_from_a_crash():
    outcomes = [
        told(DEVICE, [], typename="x"),
        crashed(DEVICE, typename="x"),
        refused(DEVICE, "GenericError", typename="x"),
        refused(DEVICE, "DeviceNotFound", typename="x"),
        told(QOM, [], typename="x"),
    ]
    assert len({interface_hash(learn(each)) for each in outcomes}) == len(outcomes)
    ended = {**crashed(DEVICE, typename="x"), "ended": "it was killed by SIGABRT"}
    assert interface_hash(learn(ended)) == interface_hash(learn(outcomes[1]))


def test_interface_hash_reads_no_prose_of_drivers():
    hashes = {
        interface_hash(learn(told("human-monitor-command", text, **{"command-line": "info qdm"})))
        for text in ('name "a", bus PCI, desc "x"', 'name "a", bus PCI', 'name "a", bus ISA')
    }
    assert len(hashes) == 2


@pytest.mark.parametrize("path", ["device:d/ac", "device:d/", "device:d/ab"])
def test_an_empty_name_is_no_trouble(path):
    interface = learn(told(DEVICE, named("", "ab"), typename="d"))
    assert isinstance(suggest(interface, path, ask(interface, path)), list)


def test_a_recorded_device_not_found_is_no_from_the_start():
    interface = learn(refused(DEVICE, "DeviceNotFound", typename="n"))
    answer = ask(interface, "device:n/p")
    assert (answer.verdict, answer.position) == (NO, 0)


def test_a_sheet_has_object_add_s_types():
    rows = {row.name: row.type for row in show(learn(*TYPED), "object:rng").properties or ()}
    assert rows == {"size": "array of s | m", "type": "string"}


def test_the_schema_has_what_the_build_lacks_also_further_down():
    answer = ask(learn(*TYPED), "object-add/arg-type/+gone/size")
    assert answer.verdict is YES
    assert "no QOM type 'gone'" in answer.why


def test_what_a_schema_alone_does_not_ask():
    interface = Interface(
        learn(schema()).entities,
        listings=Listings(silence="a schema does not say", devices=(QomType("disk"),)),
    )
    assert "guest" not in ask(interface, "device:disk/x").why


def test_arguments_of_two_kinds_do_not_meet():
    interface = learn(
        told(DEVICE, named("a"), typename="both"), told(QOM, named("b"), typename="both")
    )
    made = [interface.qom.make(asked, "both", arguments=True) for asked in ("device", "object")]
    assert [[member.name for member in each.members] for each in made if each] == [["a"], ["b"]]


def test_who_runs_a_guest_is_not_asked_and_that_is_said():
    interface = learn(WORLD[2], WORLD[3])
    assert "a QEMU that runs a guest is not" in ask(interface, "device:disk/serial").why


@pytest.mark.parametrize(
    ("path", "guesses"),
    [
        ("device:dsik", ["device:disk"]),
        ("device:disk/num-queue", ["device:disk/num-queues"]),
        ("device:disk/rerror/^stpo", ["device:disk/rerror/^stop", "device:disk/rerror/^auto"]),
        (f"{ADD}/+dsk/serial", [f"{ADD}/+disk"]),
        (f"{ADD}/+disk/serail", [f"{ADD}/+disk/serial"]),
        ("accel:tgc", ["accel:tcg"]),
        ("cpu:quik", ["cpu:quick"]),
        ("chardev:nul", ["chardev:null"]),
        ("object-add/arg-type/+rgn", ["object-add/arg-type/+rng"]),
        ("device:disk", []),
    ],
)
def test_suggestions(world, path, guesses):
    assert suggest(world, path, ask(world, path)) == guesses


@pytest.mark.parametrize(
    ("start", "some"),
    [
        ("device:disk/r", ["device:disk/rerror"]),
        ("device:d/r", ["device:d/rerror"]),
        ("device:d", ["device:disk", "device:disk-next", "device:d"]),
        (f"{ADD}/+disk/rerror/^s", [f"{ADD}/+disk/rerror/^stop"]),
        ("device:disk/rerror/^s", ["device:disk/rerror/^stop"]),
        (f"{ADD}/+d", [f"{ADD}/+disk", f"{ADD}/+disk-next"]),
        (f"{ADD}/+disk/n", [f"{ADD}/+disk/num-queues"]),
        (f"{ADD}/+disk/bar", []),
        ("accel:", ["accel:tcg", "accel:accel"]),
        ("object-add/arg-type/+", ["object-add/arg-type/+can-bus", "object-add/arg-type/+rng"]),
        ("cpu:quick/", ["cpu:quick/3dnow", "cpu:quick/*3dnow"]),
        ("device:gpu/", []),
    ],
)
def test_completion(world, start, some):
    assert list(complete(world, start)) == some


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("devices", {"disk", "floppy", "gpu", "late", "disk-next", "quick-z80-cpu", "unlisted"}),
        ("accels", {"tcg"}),
        ("chardevs", {"null"}),
        ("tpms", {"emulator"}),
    ],
)
def test_list(world, kind, names):
    assert {item.name for item in list_items(world, kind)} == names


def test_marks_in_lists(world):
    marks = {item.name: item.marks for item in list_items(world, "devices")}
    assert marks["floppy"] == ("not creatable",)
    assert marks["gpu"] == ("crashed",)
    assert marks["disk"] == marks["unlisted"] == ()
    marks = {item.name: item.marks for item in list_items(world, "objects")}
    assert marks["rng"] == ()
    assert marks["can-bus"] == ("crashed",)
    assert marks["known"] == ("not creatable",)


def test_a_device_that_only_told_its_properties_is_listed():
    interface = learn(told(DEVICE, [], typename="late"), crashed(DEVICE, typename="gone"))
    assert [item.name for item in list_items(interface, "devices")] == ["late"]


@pytest.mark.parametrize("kind", ["devices", "accels", "chardevs", "tpms", "audiodevs", "displays"])
def test_nobody_listed_it(kind):
    assert list_names(learn(told("query-status", {})), kind) is None


def test_sheet_of_a_device(world):
    sheet = show(world, "device:d")
    assert sheet.facts == {
        "driver": "disk",
        "description": 'A disk, with \\"quotes\\", no-user',
        "bus": "PCI",
        "alias": "d",
        "creatable": "yes",
        "parents": "device, object",
    }
    rows = {row.name: row for row in sheet.properties or ()}
    assert [*rows] == sorted(each["name"] for each in DISK)
    assert (rows["num-queues"].type, rows["num-queues"].default) == ("int 0..65535", 1)
    assert rows["bar"].read_only
    assert not rows["serial"].read_only


@pytest.mark.parametrize(
    ("path", "kind", "count", "reason"),
    [
        ("device:gpu", "device", None, "crashed QEMU"),
        ("device:floppy", "device", None, "not asked"),
        (f"{ADD}/+disk", "arguments of device_add", len(DISK) - 2, ""),
        ("object-add/arg-type/+rng", "arguments of object-add", 1, ""),
        ("object:rng", "QOM type", 2, ""),
        ("accel:tcg", "accelerator", 1, ""),
        ("cpu:quick", "CPU model", 1, ""),
        ("tpm:emulator", "TPM back end", None, ""),
    ],
)
def test_sheet(world, path, kind, count, reason):
    sheet = show(world, path)
    assert (sheet.name, sheet.kind) == (path, kind)
    assert (None if sheet.properties is None else len(sheet.properties)) == count
    assert reason in sheet.unknown
    assert bool(reason) == bool(sheet.unknown)


@pytest.mark.parametrize("path", ["device_add", ADD, f"{ADD}/+disk/rerror", "device:disk/rerror"])
def test_what_has_no_sheet(world, path):
    assert find_sheet(world, compile_path(path)) is None


@pytest.mark.parametrize(
    ("path", "facts"),
    [
        ("device:floppy", {"bus": "ISA", "creatable": "no, only QEMU itself creates one",
                           "parents": "device, object"}),
        ("object:rng", {"creatable": "yes, by object-add"}),
        ("object:known", {"creatable": "no, not by object-add"}),
        ("object:disk-next", {"creatable": "no, not by object-add",
                              "parents": "disk, device, object"}),
        ("machine:m", {"name": "machine", "alias": "m", "default": "yes", "deprecated": "yes"}),
        ("machine:other", {"name": "other"}),
        ("cpu:old", {"typename": "old-cpu", "alias-of": "older", "deprecated": "yes"}),
    ],
)  # fmt: skip
def test_facts_of_a_sheet(path, facts):
    cpu = {"name": "old", "typename": "old-cpu", "alias-of": "older", "deprecated": True}
    machine = {"name": "machine", "alias": "m", "is-default": True, "deprecated": True}
    loop = [{"name": "loop", "parent": "pool"}, {"name": "pool", "parent": "loop"}]
    interface = learn(
        *(each for each in WORLD if each["execute"] != "query-cpu-definitions"),
        told("query-cpu-definitions", [cpu]),
        told("query-machines", [machine, {"name": "other"}]),
        told("qom-list-types", loop),
    )
    assert show(interface, path).facts == facts


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ("size", "size (bytes)"),
        ("uint16", "int 0..65535"),
        ("int8", "int -128..127"),
        ("int", "int"),
        ("uint32", "int 0..2^32-1"),
        ("int64", "int -2^63..2^63-1"),
        ("link<iothread>", "ID or path of an iothread"),
        ("link<rng-backend>", "ID or path of a rng-backend"),
        ("StrOrNull", "string or null"),
        ("strList", "array of string"),
        ("on|off", "on | off"),
        ("Odd", "Odd"),
    ],
)
def test_types_in_words(declared, words):
    properties = [{"name": "p", "type": declared}]
    sheet = show(learn(told(DEVICE, properties, typename="x")), "device:x")
    assert [row.type for row in sheet.properties or ()] == [words]


def test_precision(world):
    found = measure_precision(world)
    assert (found.properties, found.precise) == (10, 8)
    assert (found.creatable, found.creatable_precise) == (9, 7)
    assert found.rest == {"list": {"outputs": 1}, "str": {"serial": 1}}


@pytest.mark.parametrize(
    ("line", "driver"),
    [
        ('name "a"', Driver("a")),
        ('name "a", bus PCI', Driver("a", bus="PCI")),
        ('name "a", no-user', Driver("a", creatable=False)),
        ('name "a", bus virtio-bus, alias "b"', Driver("a", bus="virtio-bus", alias="b")),
        ('name "a", desc "b, no-user"', Driver("a", description="b, no-user")),
        ('name "a", desc "b", no-user\r', Driver("a", description="b", creatable=False)),
        ('name "a", desc ""', Driver("a", description="")),
        ("Misc devices:", None),
        ("", None),
        ('name "a", colour "red"', None),
        ('name a', None),
        ("unknown command: 'info qdm'", None),
    ],
)  # fmt: skip
def test_info_qdm(line, driver):
    assert list(parse_qdm(line)) == ([driver] if driver else [])


_PROPERTIES = st.lists(
    st.builds(
        Property,
        name=st.text("abc", min_size=1, max_size=2),
        type=st.sampled_from(["bool", "str"]),
        description=st.none() | st.just("on/off"),
        default=st.none() | st.booleans() | st.just([1]),
    ),
    max_size=4,
)


@given(st.dictionaries(st.text("xyz", min_size=1, max_size=2), _PROPERTIES, max_size=6), st.data())
def test_each_type_gets_back_what_it_told(world_of_types, data):
    """Sharing loses nothing, through the bytes of an index too, whatever the order was."""
    exchanges = [
        {
            "execute": data.draw(st.sampled_from([DEVICE, QOM])),
            "arguments": {"typename": name},
            "return": [
                {
                    "name": each.name,
                    "type": each.type,
                    "default-value": each.default,
                    **({"description": each.description} if each.description else {}),
                }
                for each in data.draw(st.permutations(properties))
            ],
        }
        for name, properties in world_of_types.items()
    ]
    snapshot = decode_snapshot(json.dumps([told("query-status", {}), *exchanges]).encode())
    _, index = decode_index(encode_index(make_index(snapshot), {}))
    for exchange in exchanges:
        asked: Asked = "device" if exchange["execute"] == DEVICE else "object"
        name = exchange["arguments"]["typename"]
        found = index.properties.find(asked, name)
        assert found is not None
        assert sorted(map(repr, found.properties or ())) == sorted(map(repr, world_of_types[name]))
    assert len({repr(each) for each in index.properties.pool}) == len(index.properties.pool)
    assert len(set(index.properties.lists)) == len(index.properties.lists)


@pytest.mark.parametrize(
    "exchange",
    [
        {"execute": DEVICE, "arguments": {"typename": 5}, "return": []},
        {"execute": DEVICE, "return": []},
        {"execute": DEVICE, "arguments": {"typename": "x"}, "return": {"name": "a"}},
        {"execute": DEVICE, "arguments": {"typename": "x"}, "return": [{"nome": "a"}]},
        {"execute": DEVICE, "arguments": {"typename": "x"}, "return": [{"name": 1}]},
        {"execute": DEVICE, "arguments": {"typename": "x"}},
        refused(DEVICE, "CommandNotFound", typename="x"),
    ],
)
def test_what_tells_nothing(exchange):
    (found,) = decode_snapshot(json.dumps([exchange]).encode()).exchanges
    assert isinstance(found, Exchange)
    assert list(learn_properties(Transcript([found])).list_types("device")) == []
    assert make_index(Snapshot(Identity(), (found,))).properties.pool == ()


DANGLING = [
    {"name": "device_add", "meta-type": "command", "arg-type": "9", "ret-type": "0"},
    {"name": "object-add", "meta-type": "command", "arg-type": "9", "ret-type": "0"},
    {"name": "chardev-add", "meta-type": "command", "arg-type": "9", "ret-type": "0"},
    {"name": "0", "meta-type": "object", "members": []},
]


def test_a_broken_schema_spoils_nothing_else():
    """Its commands refer to arguments that are not there."""
    strange = [{"name": each, "type": "bool"} for each in ("a/b", "", "$f", "+g", "*h")]
    rest = [each for each in WORLD if each["execute"] != "query-qmp-schema"]
    interface = learn(
        told("query-qmp-schema", DANGLING), told(QOM, strange, typename="known"), *rest
    )
    for path in ("object:rng/size/!int", "object:known/$f/!boolean", "object:known/+g"):
        assert ask(interface, path).verdict is YES
    assert ask(interface, "chardev:spicevmc").verdict is NO
    assert len(show(interface, "object:known").properties or ()) == len(strange)
    assert {each.name for each in list_items(interface, "objects") if each.creatable} == {
        "rng",
        "can-bus",
    }
    assert outline(interface, "device_add", 3).type == "command"
    with pytest.raises(PathError, match="does not have it"):
        ask(interface, f"{ADD}/+disk")

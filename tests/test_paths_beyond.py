"""Paths beyond the schema: prefixes, by hand-written transcripts and by a real one."""

import gzip
import json
import random

import pytest

from qscope.ask import Verdict, ask
from qscope.errors import PathError
from qscope.model.interface import Interface
from qscope.model.snapshot import decode_snapshot
from tests.path_oracle import Json, ask_transcript

YES, NO, UNKNOWN = Verdict.YES, Verdict.NO, Verdict.UNKNOWN
CODES = {YES: 1, NO: 0, UNKNOWN: None}


def told(execute, result, **arguments):
    """An exchange with a result."""
    return {"execute": execute, "arguments": arguments, "return": result}


def refused(execute, error_class, **arguments):
    """An exchange with an error."""
    error = {"class": error_class, "desc": "for people"}
    return {"execute": execute, "arguments": arguments, "error": error}


def crashed(execute, **arguments):
    """An exchange in which QEMU died."""
    return {"execute": execute, "arguments": arguments, "crashed": True}


def named(*names):
    """What most listings look like."""
    return [{"name": name} for name in names]


def learn(*exchanges):
    """The interface that a transcript shows."""
    return Interface.from_snapshot(decode_snapshot(json.dumps(exchanges).encode()))


DEVICE, QOM = "device-list-properties", "qom-list-properties"
NOTHING = told("query-status", {"running": True})
TYPES = told(
    "qom-list-types",
    [{"name": "device", "abstract": True}, *named("disk", "nic", "iothread", "a,b", "qemu:region")],
    abstract=True,
)
DEVICES = told(
    "qom-list-types",
    [{"name": "device", "abstract": True}, *named("disk", "nic")],
    implements="device",
    abstract=True,
)
MACHINES = told(
    "query-machines",
    [
        {"name": "pc-1.0", "alias": "pc", "is-default": True, "cpu-max": 255},
        {"name": "none", "cpu-max": 1},
    ],
)
OPTIONS = told(
    "query-command-line-options",
    [
        {"option": "spice", "parameters": [{"name": "gl", "type": "boolean"}]},
        {"option": "acpi", "parameters": []},
    ],
)
SCHEMA = told(
    "query-qmp-schema",
    [
        {"name": "eject", "meta-type": "command", "arg-type": "0", "ret-type": "0"},
        {"name": "STOP", "meta-type": "event", "arg-type": "0"},
        {"name": "0", "meta-type": "object", "members": [{"name": "id", "type": "str"}]},
        {"name": "str", "meta-type": "builtin", "json-type": "string"},
    ],
)
COMMANDS = told("query-commands", named("query-commands", "eject", "__vendor_eject"))
EVENTS = told("query-events", named("STOP", "BLOCK_IO_ERROR"))
AGENT = told(
    "guest-info",
    {
        "version": "8.0",
        "supported_commands": [{"name": "guest-ping", "enabled": True, "success-response": True}],
    },
)

FROM_TRANSCRIPTS: list[tuple[str, list[Json], dict[str, Verdict | None]]] = [
    # id, exchanges, then path -> verdict
    ("a listing", [TYPES, DEVICES], {
        "device:disk": YES, "device:iothread": NO, "device:dsik": NO, "device:a,b": NO,
        "object:disk": YES, "object:iothread": YES, "object:a,b": YES, "object:qemu:region": YES,
        "object:dsik": NO, "object:qemu": NO,
    }),
    ("abstract types", [TYPES, DEVICES], {
        "device:device": NO, "object:device": NO, "device:device/x": NO, "object:device/x": NO,
    }),
    ("abstract types that only the shorter answer tells",
     [told("qom-list-types", named("object", "disk"), abstract=True),
      told("qom-list-types", named("disk"))],
     {"object:object": NO, "object:disk": YES}),
    ("only the listing of all types", [told("qom-list-types", named("disk"))],
     {"device:disk": YES, "device:nic": NO, "object:disk": YES, "object:nic": NO}),
    ("only the listing of devices", [DEVICES],
     {"device:disk": YES, "object:disk": YES, "object:iothread": UNKNOWN,
      "object:device": UNKNOWN}),
    ("properties of a device", [DEVICES, told(DEVICE, named("serial", "drive"), typename="disk")], {
        "device:disk": YES, "device:disk/serial": YES, "device:disk/seriall": NO,
        "device:disk/ serial": NO, "device:disk/": NO,
        "device:nic/mac": UNKNOWN, "device:nicc/mac": NO, "object:disk/serial": UNKNOWN,
    }),
    ("a device that answers beats its absence",
     [DEVICES, told(DEVICE, named("surface"), typename="qxl")],
     {"device:qxl": YES, "device:qxl/surface": YES, "device:qxl/x": NO, "device:vga": NO}),
    ("a device that has no property",
     [told(DEVICE, [], typename="bare")],
     {"device:bare": YES, "device:bare/x": NO}),
    ("a device that answers, and no listing at all",
     [told(DEVICE, named("surface"), typename="qxl")],
     {"device:qxl": YES, "device:qxl/surface": YES,
      "device:vga": UNKNOWN, "device:vga/x": UNKNOWN}),
    ("no such device", [DEVICES, refused(DEVICE, "DeviceNotFound", typename="nic")],
     {"device:nic": NO, "device:nic/mac": NO, "device:disk": YES}),
    ("no such device, and no listing", [refused(DEVICE, "DeviceNotFound", typename="nic")],
     {"device:nic": NO, "device:nic/mac": NO, "device:disk": UNKNOWN}),
    ("no device, but a type", [TYPES, refused(DEVICE, "GenericError", typename="iothread")],
     {"device:iothread": NO, "object:iothread": YES}),
    ("the first answer counts",
     [refused(DEVICE, "DeviceNotFound", typename="nic"), told(DEVICE, named("mac"), typename="nic"),
      told(DEVICE, named("serial"), typename="disk"), told(DEVICE, named("later"), typename="disk"),
      told("query-migrate-capabilities", [{"capability": "first"}]),
      told("query-migrate-capabilities", [{"capability": "second"}])],
     {"device:nic": NO, "device:nic/mac": NO, "device:disk/serial": YES, "device:disk/later": NO,
      "migration:first": YES, "migration:second": NO}),
    ("a crash", [DEVICES, crashed(DEVICE, typename="nic"), crashed(DEVICE, typename="gone")],
     {"device:nic": YES, "device:nic/mac": UNKNOWN, "device:gone": NO, "device:gone/x": NO}),
    ("a crash as others write it", [DEVICES, refused(DEVICE, "CRASH", typename="nic")],
     {"device:nic": YES, "device:nic/mac": UNKNOWN}),
    ("a crash and no listing", [crashed(DEVICE, typename="nic"), crashed(QOM, typename="x")],
     {"device:nic": UNKNOWN, "device:nic/mac": UNKNOWN,
      "object:x": UNKNOWN, "object:x/y": UNKNOWN}),
    ("a crash of an object's question", [TYPES, crashed(QOM, typename="iothread")],
     {"object:iothread": YES, "object:iothread/poll": UNKNOWN, "device:iothread": YES}),
    ("properties of an object", [TYPES, told(QOM, named("poll"), typename="iothread")], {
        "object:iothread": YES, "object:iothread/poll": YES, "object:iothread/pol": NO,
        "device:iothread/poll": UNKNOWN, "object:disk/poll": UNKNOWN, "object:x/poll": NO,
    }),
    ("machines", [
        MACHINES,
        told(QOM, named("smm"), typename="pc-1.0-machine"),
        told(QOM, named("wrong"), typename="pc-machine"),
    ], {
        "machine:pc-1.0": YES, "machine:pc": YES, "machine:none": YES, "machine:pc-2.0": NO,
        "machine:pc-1.0/smm": YES, "machine:pc/smm": YES, "machine:pc/wrong": NO,
        "machine:pc/ssm": NO, "machine:none/smm": UNKNOWN, "machine:pc-2.0/smm": NO,
        "machine:": None, "machine:pc-1.0-machine": NO,
    }),
    ("a machine whose properties crash", [MACHINES, crashed(QOM, typename="none-machine")],
     {"machine:none": YES, "machine:none/smm": UNKNOWN}),
    ("machines asked with arguments only",
     [{**MACHINES, "arguments": {"compat-props": True}}],
     {"machine:pc": YES, "machine:q35": NO}),
    ("CPU models", [told("query-cpu-definitions", [{"name": "max", "typename": "max-cpu"}])],
     {"cpu:max": YES, "cpu:min": NO, "cpu:max-cpu": NO}),
    ("QemuOpts", [OPTIONS], {
        "qemuopts:spice": YES, "qemuopts:spice/gl": YES, "qemuopts:spice/lg": NO,
        "qemuopts:acpi": YES, "qemuopts:acpi/x": NO, "qemuopts:gl": NO, "qemuopts:gl/gl": NO,
        "option:spice": YES,
        "option:nosuch": UNKNOWN,
    }),
    ("migration", [told("query-migrate-capabilities", [{"capability": "xbzrle", "state": False}])],
     {"migration:xbzrle": YES, "migration:multifd": NO, "migration:XBZRLE": NO}),
    ("kinds", [SCHEMA], {
        "command:eject": YES, "command:STOP": NO, "command:str": NO, "command:0": NO,
        "event:STOP": YES, "event:eject": NO, "event:0": NO, "eject": YES, "STOP": YES,
        "command:eject/arg-type/id": YES, "command:eject/arg-type/di": NO,
        "command:STOP/arg-type/id": NO, "event:STOP/arg-type/id": YES,
        "event:STOP/arg-type/id/!string/x": None, "command:eject/meta-type": None,
        "command:": None, "device:": None, "device:/x": None,
    }),
    ("nothing asked", [NOTHING], dict.fromkeys([
        "eject", "eject/arg-type", "command:eject", "event:STOP", "STOP", "device:disk",
        "device:disk/serial", "object:iothread", "object:iothread/x", "machine:pc",
        "machine:pc/smm", "cpu:max", "qemuopts:spice", "qemuopts:spice/gl", "migration:xbzrle",
        "option:spice", "accel:kvm", "14", "str",
    ], UNKNOWN)),
    ("no such command", [refused(name, "CommandNotFound") for name in (
        "query-qmp-schema", "query-commands", "query-events", "query-machines", "qom-list-types",
        "query-cpu-definitions", "query-command-line-options", "query-migrate-capabilities",
    )] + [refused(DEVICE, "CommandNotFound", typename="disk"),
          refused(QOM, "CommandNotFound", typename="disk")],
     dict.fromkeys([
        "eject", "command:eject", "event:STOP", "machine:pc", "object:disk", "device:disk",
        "device:disk/x", "object:disk/x", "cpu:max", "qemuopts:spice", "migration:xbzrle",
    ], UNKNOWN)),
    ("answers of another form", [told(name, result) for name, result in (
        ("query-qmp-schema", {}), ("query-commands", "eject"), ("query-events", [{"id": 1}]),
        ("query-machines", [{}]), ("qom-list-types", [1]), ("query-cpu-definitions", {"name": "x"}),
        ("query-command-line-options", None), ("query-migrate-capabilities", ["xbzrle"]),
    )] + [told(DEVICE, "serial", typename="disk"), told(QOM, [[]], typename="disk")],
     dict.fromkeys([
        "eject", "command:eject", "event:STOP", "machine:pc", "object:disk", "device:disk",
        "device:disk/x", "object:disk/x", "cpu:max", "qemuopts:spice", "migration:xbzrle",
    ], UNKNOWN)),
    ("properties of another form, in a listing", [DEVICES, told(DEVICE, {}, typename="disk")],
     {"device:disk": YES, "device:disk/serial": UNKNOWN}),
    ("no schema, but commands", [COMMANDS], {
        "eject": YES, "command:eject": YES, "command:__vendor_eject": YES, "eect": NO,
        "command:eect": NO, "command:eect/arg-type/x": NO, "eject/arg-type/id": UNKNOWN,
        "command:eject/arg-type/id": UNKNOWN, "STOP": UNKNOWN, "event:STOP": UNKNOWN,
        "event:STOP/arg-type": UNKNOWN, "0": UNKNOWN, "0/id": UNKNOWN,
    }),
    ("no schema, but commands and events", [COMMANDS, EVENTS], {
        "STOP": YES, "event:STOP": YES, "event:eject": NO, "command:STOP": NO, "START": NO,
        "event:START": NO, "STOP/arg-type": UNKNOWN, "BLOCK_IO_ERROR": YES, "eject": YES,
        "BLOCK_IO_ERR": NO, "BLOCK_IO_ERROR/arg-type/x": UNKNOWN,
    }),
    ("a guest agent", [AGENT], {
        "guest-ping": YES, "command:guest-ping": YES, "guest-pong": NO, "command:guest-pong": NO,
        "guest-ping/arg-type/x": UNKNOWN, "event:STOP": UNKNOWN,
    }),
    ("a schema beats the listing of commands", [COMMANDS, SCHEMA],
     {"command:eject": YES, "command:query-commands": NO, "__vendor_eject": NO}),
]  # fmt: skip
ROWS = [
    pytest.param(exchanges, path, wanted, id=f"{name}: {path}")
    for name, exchanges, paths in FROM_TRANSCRIPTS
    for path, wanted in paths.items()
]


@pytest.mark.parametrize(("exchanges", "path", "wanted"), ROWS)
def test_a_prefix_asks_what_a_command_enumerates(exchanges, path, wanted):
    interface = learn(*exchanges)
    if wanted is None:
        with pytest.raises(PathError, match=r"malformed|does not have it"):
            ask(interface, path)
    else:
        assert ask(interface, path).verdict is wanted


# The spec is silent on these, or the naive oracle is: a name without letters in front, a listing of
# devices as a witness for objects, machines asked in another way, the agent.
_BEYOND_THE_ORACLE = ("only the listing of devices", "machines asked", "a guest agent", "no schema")


@pytest.mark.parametrize(
    ("exchanges", "path", "wanted"),
    [
        row
        for row in ROWS
        if not str(row.id).startswith(_BEYOND_THE_ORACLE)
        and row.values[2] is not None
        and not str(row.values[1]).startswith(("option:", "accel:"))
    ],
)
def test_the_oracle_answers_the_same(exchanges, path, wanted):
    assert ask_transcript(exchanges, path) == CODES[wanted]


@pytest.mark.parametrize(
    ("exchanges", "path", "wanted"),
    [
        pytest.param([refused(QOM, "DeviceNotFound", typename="x")], "object:x", NO, id="type"),
        pytest.param(
            [refused(QOM, "DeviceNotFound", typename="x")], "object:x/y", NO, id="its property"
        ),
        pytest.param(
            [TYPES, refused(QOM, "DeviceNotFound", typename="disk")], "object:disk", NO,
            id="though listed",
        ),
        pytest.param(
            [TYPES, refused(QOM, "GenericError", typename="disk")], "object:disk/x", NO,
            id="an interface has no properties",
        ),
    ],
)  # fmt: skip
def test_an_error_recorded_for_an_object_is_no(exchanges, path, wanted):
    assert ask(learn(*exchanges), path).verdict is wanted


def find_names(transcript):
    """The names that the listings of a transcript have, with prefix; and what each owner owns."""
    owned = {}
    plain = []
    for exchange in transcript:
        items, arguments = exchange.get("return"), exchange.get("arguments", {})
        match exchange["execute"]:
            case "device-list-properties" | "qom-list-properties" as asked:
                prefix = "device" if asked == DEVICE else "object"
                name = f"{prefix}:{arguments['typename']}"
                owned[name] = [item["name"] for item in items or ()]
            case "qom-list-types" if arguments == {"abstract": True}:
                plain += [
                    f"{kind}:{item['name']}" for kind in ("device", "object") for item in items
                ]
            case "query-machines" if not arguments:
                plain += [
                    f"machine:{item[key]}"
                    for key in ("name", "alias")
                    for item in items
                    if key in item
                ]
            case "query-cpu-definitions":
                plain += [f"cpu:{item['name']}" for item in items]
            case "query-migrate-capabilities":
                plain += [f"migration:{item['capability']}" for item in items]
            case "query-command-line-options":
                for group in items:
                    owned[f"qemuopts:{group['option']}"] = [
                        item["name"] for item in group["parameters"]
                    ]
    return plain, owned


def test_random_prefixed_paths_are_answered_like_the_oracle(shared):
    (file,) = (shared / "snapshots").glob("*.transcript.json.gz")
    transcript = json.loads(gzip.decompress(file.read_bytes()))
    interface = Interface.from_snapshot(decode_snapshot(file.read_bytes()))
    plain, owned = find_names(transcript)
    chance = random.Random(0)
    properties = sorted({name for names in owned.values() for name in names})
    paths = []
    for _ in range(600):
        owner = chance.choice(list(owned))
        known = owned[owner] or properties
        paths += [owner, f"{owner}/{chance.choice(known)}", f"{owner}/{chance.choice(properties)}"]
        name = chance.choice(plain)
        paths += [name, name[:-1], name + "x", name.replace("-", "_", 1)]
        if name.startswith(("device:", "object:", "machine:")):
            paths.append(f"{name}/{chance.choice(properties)}")
    wanted = {
        path: ask_transcript(transcript, path)
        for path in dict.fromkeys(paths)
        if not path.endswith(":")
    }
    assert {path: CODES[ask(interface, path).verdict] for path in wanted} == wanted
    assert {*wanted.values()} == {1, 0, None}


@pytest.mark.parametrize(
    ("exchanges", "path", "evidence"),
    [
        ([SCHEMA], "eject", "query-qmp-schema"),
        ([SCHEMA], "eject/arg-type/id", "query-qmp-schema"),
        ([SCHEMA], "ejct", "query-qmp-schema"),
        ([SCHEMA], "command:eject", "query-qmp-schema"),
        ([SCHEMA], "event:eject", "query-qmp-schema"),
        ([COMMANDS], "eject", "query-commands"),
        ([COMMANDS], "eject/arg-type", "query-commands"),
        ([COMMANDS], "command:ejct", "query-commands"),
        ([COMMANDS, EVENTS], "STOP", "query-events"),
        ([COMMANDS], "event:STOP", "query-events"),
        ([TYPES], "object:disk", "qom-list-types"),
        ([TYPES], "object:dsik", "qom-list-types"),
        ([TYPES], "device:disk", "qom-list-types"),
        ([TYPES, DEVICES], "device:dsik", "qom-list-types implements=device"),
        ([DEVICES], "device:disk", "qom-list-types implements=device"),
        ([DEVICES, told(DEVICE, [], typename="qxl")], "device:qxl", f"{DEVICE} qxl"),
        ([DEVICES, told(DEVICE, named("x"), typename="qxl")], "device:qxl/x", f"{DEVICE} qxl"),
        ([DEVICES, told(DEVICE, named("x"), typename="qxl")], "device:qxl/y", f"{DEVICE} qxl"),
        ([refused(DEVICE, "DeviceNotFound", typename="qxl")], "device:qxl", f"{DEVICE} qxl"),
        ([DEVICES, crashed(DEVICE, typename="disk")], "device:disk/x", f"{DEVICE} disk"),
        ([TYPES, told(QOM, named("x"), typename="disk")], "object:disk/x", f"{QOM} disk"),
        ([MACHINES], "machine:pc", "query-machines"),
        ([MACHINES], "machine:cp", "query-machines"),
        ([MACHINES], "machine:pc/smm", f"{QOM} pc-1.0-machine"),
        ([OPTIONS], "qemuopts:spice", "query-command-line-options"),
        ([OPTIONS], "qemuopts:spice/gl", "query-command-line-options spice"),
        ([NOTHING], "cpu:max", "query-cpu-definitions"),
        ([NOTHING], "migration:x", "query-migrate-capabilities"),
    ],
)
def test_an_answer_names_the_command_it_rests_on(exchanges, path, evidence):
    assert ask(learn(*exchanges), path).evidence == evidence


@pytest.mark.parametrize(
    ("exchange", "path", "why"),
    [
        (NOTHING, "cpu:max", "not asked"),
        (refused("query-machines", "CommandNotFound"), "machine:pc", "CommandNotFound"),
        (told("query-machines", {}), "machine:pc", "unexpected form"),
        (crashed("query-machines"), "machine:pc", "crashed"),
        ({"execute": "query-machines"}, "machine:pc", "not answered"),
        (refused("qom-list-types", "CommandNotFound", abstract=True), "object:x", "NotFound"),
        pytest.param(
            refused("qom-list-types", "CommandNotFound"), "object:x", "NotFound",
        ),
    ],
)  # fmt: skip
def test_what_is_unknown_says_why(exchange, path, why):
    answer = ask(learn(exchange), path)
    assert answer.verdict is UNKNOWN
    assert why in answer.why

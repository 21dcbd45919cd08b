"""Devices, objects, machines, … on the command line, of the QEMU 7.2 that ships with qscope."""

import json
import os

import pytest

from qscope.load.opening import EMBEDDED, EMBEDDED_INDEX
from qscope.model.index import decode_index, make_index
from qscope.model.snapshot import decode_snapshot
from tests.test_cli import SOURCE, run


def read(path):
    with open(path, "rb") as file:
        return file.read()


def test_the_shipped_index_is_that_of_the_shipped_snapshot():
    """`make default-snapshot`, or tools/make_default_snapshot.py --index, makes it anew."""
    _, index = decode_index(read(EMBEDDED_INDEX))
    made = make_index(decode_snapshot(read(EMBEDDED)))
    assert [bytes(each) for each in (index.schema, index.enumerated, index.told)] == [
        bytes(each) for each in (made.schema, made.enumerated, made.told)
    ]
    assert len(read(EMBEDDED_INDEX)) < 2_000_000


@pytest.mark.parametrize(
    ("words", "status", "lines"),
    [
        (["--devices", "virtio-net-*"], 0, [
            "virtio-net-device  (bus virtio-bus, parent virtio-device)",
            "virtio-net-pci  (bus PCI, alias virtio-net, parent virtio-net-pci-base)",
            "virtio-net-pci-non-transitional  (bus PCI, parent virtio-net-pci-base)",
            "virtio-net-pci-transitional  (bus PCI, parent virtio-net-pci-base)",
        ]),
        (["--devices", "--bus", "hda"], 0, [
            "hda-duplex  (bus HDA, parent hda-audio)",
            "hda-micro  (bus HDA, parent hda-audio)",
            "hda-output  (bus HDA, parent hda-audio)",
        ]),
        (["--devices", "isa-p*"], 0, [
            "isa-parallel  (bus ISA, parent isa-device)",
            "isa-pcspk [not creatable]  (bus ISA, parent isa-device)",
            "isa-pit [not creatable]  (bus ISA, parent pit-common)",
        ]),
        (["--devices", "--creatable", "isa-p*"], 0, ["isa-parallel  (bus ISA, parent isa-device)"]),
        (["--devices", "virtio-vga*"], 0, [
            "virtio-vga  (bus PCI, parent virtio-vga-base-type)",
            "virtio-vga-gl [crashed]  (bus PCI, parent virtio-vga-gl-base-type)",
        ]),
        (["--objects", "--creatable", "rng-*"], 0, [
            "rng-builtin  (parent rng-backend)",
            "rng-egd  (parent rng-backend)",
            "rng-random  (parent rng-backend)",
        ]),
        (["--accels"], 0, ["kvm", "tcg"]),
        (["--tpms"], 0, ["emulator", "passthrough"]),
        (["--chardevs", "p*"], 0, ["parallel", "pipe", "pty"]),
        (["--displays", "g*"], 0, ["gtk"]),
        (["--parameters", "xbz*"], 0, ["xbzrle-cache-size"]),
        (["--devices", "--bus", "nosuch"], 1, []),
        (["--devices", "--creatable", "isa-pcspk"], 1, []),
        (["--audiodevs"], 3, []),
    ],
)  # fmt: skip
def test_list(words, status, lines):
    done = run("list", *SOURCE, *words)
    assert (done.returncode, done.stdout.splitlines()) == (status, lines)
    assert done.stderr.count("\n") == (status != 0 or "--displays" in words)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--bus", "PCI"], "--bus needs --devices"),
        (["--cpus", "--bus", "PCI"], "--bus needs --devices"),
        (["--machines", "--creatable"], "--creatable needs --devices or --objects"),
        (["--summary", "--creatable"], "--creatable needs --devices or --objects"),
        (["--devices", "--accels"], "exclude each other"),
    ],
)
def test_filters_that_do_not_fit(words, says):
    done = run("list", *SOURCE, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr


def test_who_may_create_what_was_not_asked(tmp_path):
    file = tmp_path / "s.json"
    listing = {"execute": "qom-list-types", "arguments": {"implements": "device"}}
    file.write_text(json.dumps([{**listing, "return": [{"name": "disk"}]}]))
    done = run("list", "-s", str(file), "--devices", "--creatable")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == "qscope: cannot tell: info qdm: it was not asked\n"
    done = run("list", "-s", str(file), "--devices", "--format", "json")
    assert json.loads(done.stdout) == [{"name": "disk", "deprecated": False, "unstable": False}]


def test_creatable_is_what_is_known_to_be(tmp_path):
    file = tmp_path / "s.json"
    listing = {"execute": "qom-list-types", "arguments": {"implements": "device"}}
    monitor = {
        "execute": "human-monitor-command",
        "arguments": {"command-line": "info qdm"},
        "return": 'name "a"\nname "b", no-user\n',
    }
    names = [{"name": name} for name in "abc"]
    file.write_text(json.dumps([{**listing, "return": names}, monitor]))
    assert run("list", "-s", str(file), "--devices", "--creatable").stdout == "a\n"
    assert run("list", "-s", str(file), "--devices").stdout == "a\nb [not creatable]\nc\n"


def test_devices_as_json():
    done = run("list", *SOURCE, "--devices", "--format", "json", "*vga*")
    found = {each["name"]: each for each in json.loads(done.stdout)}
    assert found["virtio-vga-gl"]["crashed"] is True
    assert found["isa-vga"] == {
        "name": "isa-vga",
        "deprecated": False,
        "unstable": False,
        "bus": "ISA",
        "parent": "isa-device",
        "creatable": True,
    }


@pytest.mark.parametrize(
    ("path", "first", "some"),
    [
        ("device:virtio-blk", "device:virtio-blk: device", [
            "  driver       virtio-blk-pci", "  creatable    yes",
            "num-queues",
            "drive",
        ]),
        ("device:virtio-vga-gl", "device:virtio-vga-gl: device", [
            "  properties are not known: the question crashed QEMU: it exited with status 1",
        ]),
        ("device_add/arg-type/+e1000", "device_add/arg-type/+e1000: arguments of device_add",
         ["netdev"]),
        ("machine:pc", "machine:pc: machine type", ["  name         pc-i440fx-7.2"]),
        ("accel:tcg", "accel:tcg: accelerator", ["split-wx"]),
        ("qemuopts:spice", "qemuopts:spice: QemuOpts group", ["port"]),
        ("device:ide-hd/rerror",
         "device:ide-hd/rerror: enum report | ignore | enospc | stop | auto", []),
    ],
)  # fmt: skip
def test_show(path, first, some):
    done = run("show", *SOURCE, path, env=None)
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr, lines[0]) == (0, "", first)
    assert [line for line in some if not any(each.startswith(line) for each in lines)] == []
    assert not any(line != line.rstrip() for line in lines)


def test_lists_of_values_are_not_told_twice():
    """QEMU's description of many properties is nothing but the list of their values."""
    done = run("show", *SOURCE, "device:floppy")
    rows = {line.split()[0]: line for line in done.stdout.splitlines() if line}
    assert rows["share-rw"].split() == ["share-rw", "boolean", "false"]
    assert rows["account-failed"].endswith("auto")


def test_show_a_device_as_json():
    done = run("show", *SOURCE, "device:virtio-blk-pci", "--format", "json")
    sheet = json.loads(done.stdout)
    rows = {row["name"]: row for row in sheet["properties"]}
    assert (sheet["kind"], sheet["facts"]["bus"]) == ("device", "PCI")
    assert rows["num-queues"] == {
        "name": "num-queues",
        "type": "int 0..65535",
        "json-types": ["int"],
        "minimum": 0,
        "maximum": 65535,
        "qom-type": "uint16",
        "default": 65535,
    }
    assert rows["virtio-backend"]["read-only"] is True
    assert rows["rerror"]["values"] == ["report", "ignore", "enospc", "stop", "auto"]
    assert rows["addr"]["json-types"] == ["string", "int"]
    assert rows["iothread"]["format"] == "id:iothread"


def test_raw_properties_are_schema_info_and_more():
    done = run("show", *SOURCE, "--raw", "device:ide-hd")
    first, *others = json.loads(done.stdout)
    assert (first["meta-type"], first["name"]) == ("object", "device:ide-hd")
    assert {member["type"] for member in first["members"]} == {each["name"] for each in others} - {
        # What an alternate of them consists of.
        "qom:str:pci-address", "qom:pci-devfn",
    }  # fmt: skip


def test_device_add_says_where_it_goes_on():
    done = run("show", *SOURCE, "device_add")
    assert "│   └── +DRIVER: one of 388, see 'qscope list --devices --creatable'" in done.stdout


@pytest.mark.parametrize("columns", [10, 40, 71, 72, 100, 300])
def test_a_sheet_fits(columns):
    environment = {**os.environ, "COLUMNS": str(columns)}
    done = run("show", *SOURCE, "device:virtio-blk-pci", env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert "rerror" in done.stdout
    assert ("report | ignore" in done.stdout) or columns == 72
    table = done.stdout.split("object\n", 1)[1]
    if columns >= 72:
        assert max(map(len, table.splitlines())) <= columns


def test_names_do_nothing_to_a_terminal(tmp_path):
    file = tmp_path / "s.json"
    machine = {"name": "x\n\x1b[31mred\x07\u202e", "alias": "\x1b[2J"}
    file.write_text(json.dumps([{"execute": "query-machines", "return": [machine]}]))
    done = run("list", "-s", str(file), "--machines")
    assert (done.returncode, done.stdout) == (0, "x??[31mred??  (alias ?[2J)\n")
    done = run("query", "-s", str(file), "machine:a\nyes      b")
    assert (done.returncode, done.stdout) == (1, "no       machine:a?yes      b\n")


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("devices:virtio-blk-pci", "; did you mean device:virtio-blk-pci?"),
        ("DEVICE:x", ""),
        ("foo:bar/x", ""),
    ],
)
def test_what_looks_like_a_prefix_is_pointed_at(path, hint):
    done = run("query", *SOURCE, path)
    prefix = path.partition(":")[0]
    assert (done.returncode, done.stdout) == (1, f"no       {path}\n")
    assert done.stderr == f"qscope: note: {prefix}: is no prefix that qscope knows{hint}\n"


def test_no_path_on_stdin_is_no_yes():
    done = run("query", *SOURCE, "-", input="\n\n")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no path on stdin" in done.stderr

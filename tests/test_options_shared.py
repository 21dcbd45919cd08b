"""Options against the shared table, the shipped and the recorded QEMU, and one that runs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from qscope.ask import Verdict, ask
from qscope.ask.options import find_option, list_options
from qscope.load import load
from qscope.load.opening import EMBEDDED
from qscope.model.interface import Interface
from qscope.model.snapshot import Identity
from tests.conftest import find_shared

YES, NO, UNKNOWN = Verdict.YES, Verdict.NO, Verdict.UNKNOWN
RECORDED = "snapshots/qemu-10.0.13-debian-x86_64.transcript.json.gz"
_TOOLS = Path(__file__).parent.parent / "tools"


@pytest.fixture(scope="module")
def shipped():
    return load(EMBEDDED).interface


@pytest.fixture(scope="module")
def recorded(shared):
    return load(str(shared / RECORDED)).interface


def find(interface, name):
    option = find_option(interface, name)
    assert option is not None
    return option


# --- the shared table ---


def read_rows(shared):
    return json.loads((shared / "cli_table.json").read_text())["options"]


@pytest.mark.shared
@pytest.mark.parametrize("release", ["5.2", "7.2", "10.0", "11.0"])
def test_options_are_those_of_the_shared_table(shared, release):
    rows = read_rows(shared)[release]
    interface = Interface(None, identity=Identity(version=f"{release}.0", target="x86_64"))
    options = {each.name: each for each in list_options(interface)}
    assert options.keys() == rows.keys()
    arity = {name: row["takes_argument"] for name, row in rows.items()}
    assert {name: each.arg for name, each in options.items()} == arity
    takes_json = {name for name, row in rows.items() if row.get("json")}
    assert {name for name, each in options.items() if "json" in each.syntax} == takes_json
    hidden = {name for name, row in rows.items() if not row["in_help"]} - {"M"}
    assert {name for name, each in options.items() if each.hidden} == hidden


@pytest.mark.shared
@pytest.mark.parametrize("release", ["5.2", "7.2", "10.0", "11.0"])
def test_options_of_other_releases_are_absent(shared, release):
    everything = json.loads((shared / "cli_table.json").read_text())
    interface = Interface(None, identity=Identity(version=f"{release}.0"))
    others = everything["lifetimes"].keys() - everything["options"][release].keys()
    assert others
    assert {ask(interface, f"option:{name}").verdict for name in others} == {NO}


@pytest.mark.shared
@pytest.mark.parametrize(
    ("tool", "source", "made"),
    [
        ("make_option_table.py", "cli_table.json", "options.toml"),
        ("make_option_types.py", "schemas", "option_types.json"),
    ],
)
def test_shipped_tables_are_what_the_tools_make(shared, tool, source, made):
    words = [sys.executable, str(_TOOLS / tool), str(shared / source)]
    done = subprocess.run(words, capture_output=True, check=True, timeout=120)
    assert done.stdout == (Path(EMBEDDED).parent / made).read_bytes()


# --- options whose parameters are QOM properties ---

# Some branches, with the type behind each ("" where there is none).
BRANCHES = {
    "device": {
        "e1000": "device-arguments:e1000",
        "e1000-82540em": "device-arguments:e1000",
        # Abstract, and one that no user may create.
        "pci-device": "",
        "i440FX": "",
    },
    "machine": {
        "pc": "object-arguments:pc-i440fx-7.2-machine",
        "pc-i440fx-7.2": "object-arguments:pc-i440fx-7.2-machine",
        "none": "object-arguments:none-machine",
        "virt": "",
    },
    "accel": {"tcg": "object-arguments:tcg-accel", "tcg-accel": ""},
    "cpu": {"EPYC": "device-arguments:EPYC-x86_64-cpu", "EPYC-x86_64-cpu": ""},
}


@pytest.mark.parametrize("name", BRANCHES)
def test_branches_are_made_of_properties(shipped, name):
    option = find(shipped, name)
    entity = shipped.find(option.arg_type)
    assert option.completeness == "exact"
    assert entity.members[0].name == entity.tag
    made = {each.case: each.type for each in entity.variants}
    assert {case: made.get(case, "") for case in BRANCHES[name]} == BRANCHES[name]
    assert shipped.find(entity.members[0].type).values == tuple(made)


# --- one path, two releases: the shipped 7.2 and the recorded 10.0 ---

PATHS = {
    # The talk's two that query-command-line-options cannot tell.
    "option:drive/format/^qcow2": (YES, YES),
    "option:chardev/+socket/reconnect": (YES, YES),
    "option:chardev/+socket/reconnect-ms": (NO, YES),
    "option:chardev/+socket/recconnect": (NO, NO),
    "option:chardev/+spicevmc": (YES, NO),
    "option:chardev/+spicevmc/name": (YES, NO),
    "option:chardev/+file/input-path": (NO, YES),
    "option:chardev/+hub": (NO, YES),
    "option:chardev/+nosuch": (NO, NO),
    "option:drive/format/^qcow3": (NO, NO),
    "option:drive/if/^virtio": (YES, YES),
    "option:drive/if/^vrtio": (NO, NO),
    "option:drive/nosuch": (UNKNOWN, UNKNOWN),
    "option:run-with/user": (NO, YES),
    "option:run-with/exit-with-parent": (NO, NO),
    "option:netdev/+vhost-vdpa": (YES, YES),
    "option:netdev/+vhost-vdpa/x-svq": (YES, YES),
    "option:netdev/+vhost-vdap": (NO, NO),
    "option:netdev/+user/restrct": (NO, NO),
    "option:device/+virtio-blk-pci/num-queues": (YES, YES),
    "option:device/+virtio-blk-pci/num-queus": (NO, NO),
    "option:device/+virtio-blk-pic": (NO, NO),
    "option:device/+virtio-net": (YES, YES),
    "option:device/+mch": (NO, NO),
    "option:smp/clusters": (YES, YES),
    "option:smp/drawers": (NO, YES),
    "option:smp/coers": (NO, NO),
    "option:machine/+q35/smm": (YES, YES),
    "option:machine/smm": (YES, YES),
    "option:machine/+q35/nosuch": (NO, NO),
    "option:machine/+q36": (NO, NO),
    "option:machine/+pc-i440fx-1.6": (YES, NO),
    "option:M/type/^q35": (YES, YES),
    "option:audiodev/+pa": (YES, YES),
    "option:audiodev/+pa/nosuch": (NO, NO),
    "option:object/+memory-backend-file/pmem": (YES, YES),
    "option:object/+memory-backend-file/pmme": (NO, NO),
    "option:display/+gtk": (YES, YES),
    "option:display/+gtk/nosuch": (NO, NO),
    "option:compat/deprecated-input/^reject": (YES, YES),
    "option:compat/deprecated-input/^rejct": (NO, NO),
    "option:blockdev/+qcow2/file": (YES, YES),
    "option:blockdev/+qcow2/nosuch": (NO, NO),
    "option:numa/+node/cpus": (YES, YES),
    "option:numa/+nude": (NO, NO),
    "option:action/reboot/^shutdown": (YES, YES),
    "option:action/reboot/^nosuch": (NO, NO),
    "option:watchdog-action/^pause": (YES, YES),
    "option:watchdog-action/^puase": (NO, NO),
    "option:incoming/channel-type": (NO, YES),
    "option:nic/+user/hostfwd": (YES, YES),
    "option:nic/model": (YES, YES),
    "option:cpu/+EPYC/x2apic": (YES, YES),
    "option:cpu/+EPYC/x2apci": (NO, NO),
    "option:cpu/+EPIC": (NO, NO),
    "option:accel/+tcg/thread": (YES, YES),
    "option:accel/+tgc": (NO, NO),
    "option:boot/strict": (YES, YES),
    "option:boot/strct": (NO, NO),
    "option:m/maxmem": (YES, YES),
    "option:m/max-mem": (NO, NO),
    "option:overcommit/mem-lock/^on-fault": (NO, YES),
    "option:rtc/clock/^vm": (YES, YES),
    "option:rtc/clock/^mv": (NO, NO),
    "option:sandbox/elevateprivileges/^children": (YES, YES),
    "option:sandbox/spawn/^children": (NO, NO),
    "option:tpmdev/+emulator/chardev": (YES, YES),
    "option:spice": (YES, YES),
    "option:spice/gl": (YES, UNKNOWN),
    "option:realtime": (NO, NO),
    "option:nmae": (NO, NO),
    "option:shim": (NO, YES),
    "option:singlestep": (YES, NO),
    "option:enable-kvm/x": (NO, NO),
}


@pytest.mark.parametrize(("path", "wanted"), [(path, each[0]) for path, each in PATHS.items()])
def test_paths_on_the_shipped_snapshot(shipped, path, wanted):
    assert ask(shipped, path).verdict is wanted


@pytest.mark.shared
@pytest.mark.parametrize(("path", "wanted"), [(path, each[1]) for path, each in PATHS.items()])
def test_paths_on_the_recording(recorded, path, wanted):
    assert ask(recorded, path).verdict is wanted


@pytest.mark.skipif(find_shared() is None, reason="no shared test data in ../shared")
def test_the_recording_says_what_it_rests_on(recorded):
    evidence = find(recorded, "netdev").evidence
    assert "qmp-arg netdev_add" in map(str, evidence)
    assert find(recorded, "netdev").completeness == "exact"
    assert find(recorded, "drive").completeness == "partial"
    assert find(recorded, "pidfile").completeness == "scalar"


# --- a QEMU that runs ---


def run(qemu, *words):
    done = subprocess.run(
        [qemu, *words, "-version"],
        capture_output=True,
        text=True,
        timeout=30,
        stdin=subprocess.DEVNULL,
    )
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def live(qemu):
    return load(qemu).interface


@pytest.mark.live
def test_a_running_qemu_has_the_options_that_it_takes(qemu, live):
    assert live.command_line.options
    for name in ("drive", "S", "realtime", "nmae", "run-with", "fdb", "h", "enable-fips"):
        done = subprocess.run(
            [qemu, "-version", f"-{name}"],
            capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        is_there = "invalid option" not in done.stderr
        assert (ask(live, f"option:{name}").verdict is YES) == is_there, name
        if is_there:
            takes = "requires an argument" in done.stderr
            assert find(live, name).arg == takes, name


@pytest.mark.live
@pytest.mark.parametrize(
    ("option", "good", "path"),
    [
        ("rtc", "clock=vm", "option:rtc/clock"),
        ("rtc", "clok=vm", "option:rtc/clok"),
        ("chardev", "socket,id=c,path=/x,reconnect=1", "option:chardev/+socket/reconnect"),
        ("chardev", "socket,id=c,path=/x,recconnect=1", "option:chardev/+socket/recconnect"),
        ("m", "size=1G,maxmem=2G", "option:m/maxmem"),
        ("m", "size=1G,max-mem=2G", "option:m/max-mem"),
        ("compat", "deprecated-input=reject", "option:compat/deprecated-input/^reject"),
        ("compat", "deprecated-input=rejct", "option:compat/deprecated-input/^rejct"),
        ("action", "reboot=shutdown", "option:action/reboot"),
        ("action", "rebot=shutdown", "option:action/rebot"),
    ],
)
def test_a_running_qemu_takes_what_is_there(qemu, live, option, good, path):
    """Each argument is parsed before -version ends the run, and nothing is created."""
    refused = "QEMU emulator version" not in run(qemu, f"-{option}", good)
    assert ask(live, path).verdict is (NO if refused else YES)


# A start that ends because of the last device, if nothing before was refused.
LAST = ("-machine", "none", "-nodefaults", "-display", "none", "-S", "-device", "qscope-nosuch")
DRIVE = "driver=null-co,read-zeroes=on,if=none,id=d,"


@pytest.mark.live
@pytest.mark.parametrize(
    ("option", "before", "parameter"),
    [
        ("drive", DRIVE, "werror"),
        ("drive", DRIVE, "rerror"),
        ("drive", DRIVE, "cache"),
        ("drive", DRIVE, "discard"),
        ("drive", DRIVE, "media"),
        ("drive", DRIVE, "detect-zeroes"),
        ("rtc", "", "clock"),
        ("sandbox", "on,", "obsolete"),
        ("sandbox", "on,", "spawn"),
        ("overcommit", "", "mem-lock"),
    ],
)
def test_a_running_qemu_takes_the_words_of_the_table(qemu, live, option, before, parameter):
    entity = live.find(ask(live, f"option:{option}/{parameter}").entity)
    words = getattr(entity, "values", ("on", "off"))
    assert words
    for word in (*words, "qscope-nosuch"):
        done = subprocess.run(
            [qemu, f"-{option}", f"{before}{parameter}={word}", *LAST],
            capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        taken = "is not a valid device model name" in done.stderr
        # The host may not let QEMU lock its memory.
        if (option, word) not in (("overcommit", "on"), ("overcommit", "on-fault")):
            assert taken == (word in words), (word, done.stderr)

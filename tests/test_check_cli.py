"""`qscope check-cli` as a user meets it: a whole command line, one finding a line."""

import json
import shlex
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import qscope
from qscope.ask import Verdict
from qscope.ask.finding import Finding, conclude
from qscope.ask.line import check_line
from qscope.load.opening import EMBEDDED

_RECORDING = "snapshots/qemu-10.0.13-debian-x86_64.transcript.json.gz"


def run(*words, stdin="", snapshot=EMBEDDED):
    """Run it on a snapshot; `stdin` may be bytes."""
    command = [sys.executable, "-m", "qscope", "check-cli", "-s", str(snapshot), *words]
    data = stdin if isinstance(stdin, bytes) else stdin.encode()
    done = subprocess.run(command, input=data, capture_output=True, timeout=120)
    assert b"Traceback" not in done.stderr
    assert b"internal error" not in done.stderr
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.fixture(scope="module")
def interface():
    return qscope.open(EMBEDDED)


# Exit status and what is printed.


@pytest.mark.parametrize(
    ("line", "status", "output"),
    [
        pytest.param("-M q35 -m 1G -smp 2", 0, "accepted\n", id="accepted"),
        pytest.param("--machine q35 --display none", 0, "accepted\n", id="two dashes"),
        pytest.param(
            "-drvie if=none",
            1,
            "-drvie: no such option (-help does not list it, and it is none of the few options"
            " that -help leaves out) (did you mean '-drive' or '-device'?)\n",
            id="typo in an option",
        ),
        pytest.param(
            "--realtime mlock=off",
            1,
            "--realtime: no such option (QEMU calls it an invalid option);"
            " -overcommit mem-lock=on|off instead\n",
            id="gone, and what replaced it",
        ),
        pytest.param(
            "-m=128",
            1,
            "-m=128: no such option (-help does not list it, and it is none of the few options"
            " that -help leaves out); the argument of -m is a word of its own\n",
            id="argument joined",
        ),
        pytest.param(
            "-M q35 -smp",
            1,
            "-smp: it takes an argument, and none follows\n",
            id="missing argument",
        ),
        pytest.param(
            "-no-reboot on",
            1,
            "-no-reboot on: it takes no argument:"
            " QEMU takes 'on' for the image of the first disk\n",
            id="argument of a flag",
        ),
        pytest.param(
            "-M q34",
            1,
            "-M type: no machine type 'q34' (did you mean 'q35'?)\n",
            id="the option as typed",
        ),
        pytest.param(
            "-fw_cfg name=opt/a/b",
            1,
            "-fw_cfg: none of them was given;"
            " one of file, string, gen_id is right, and it is not empty\n",
            id="a rule",
        ),
        pytest.param(
            "-device virtio-rng-pci,id=r -set device.r.max-bytes=abc",
            1,
            '-device max-bytes: the string "abc" was given; takes int 0..2^64-1\n',
            id="-set",
        ),
        pytest.param(
            "-set device.r.max-bytes=1 -device virtio-rng-pci,id=r",
            1,
            "-set: no -device 'r' is defined before it\n",
            id="-set before what it sets",
        ),
        pytest.param("-help", 1, "-help: QEMU prints its options and ends: no machine starts\n"),
        pytest.param(
            "-version", 1, "-version: QEMU prints its version and ends: no machine starts\n"
        ),
        pytest.param(
            "-M pc-i440fx-1.7",
            0,
            "-M type: pc-i440fx-1.7 is deprecated [warning]\naccepted\n",
            id="warning",
        ),
    ],
)
def test_output(line, status, output):
    assert run("--", *shlex.split(line)) == (status, output, "")


def test_all_findings_are_listed_in_the_order_of_the_options():
    status, output, _ = run("--", "-M", "q34", "-bogus", "-device", "nosuch,addr=99", "-m", "1X")
    assert status == 1
    begun = [line.split()[0].rstrip(":") for line in output.splitlines()]
    assert begun == ["-M", "-bogus", "-device", "-m"]


@pytest.mark.parametrize("words", [[], ["--"], ["--", ""], ["--file"], ["a", "b"]])
def test_what_is_no_command_line(words):
    status, output, errors = run(*words)
    assert (status, output) == (2, "") or words == ["--", ""]
    assert errors or words == ["--", ""]


def test_cannot_tell_says_what():
    status, output, _ = run("-q", "--", "-readconfig", "/dev/null", "-set", "device.a.b=1")
    assert status == 3
    assert output == "-set: no -device 'a' is defined before it [cannot tell]\n"


def test_notes_are_on_stderr_only():
    status, output, errors = run("--", "-bios", "/nonexistent/bios")
    assert (status, output) == (0, "accepted\n")
    assert errors == "qscope: note: -bios: QEMU must be able to read '/nonexistent/bios'\n"


def test_quiet_has_no_notes():
    assert run("-q", "--", "-bios", "/nonexistent/bios") == (0, "accepted\n", "")


# Files.


@pytest.mark.parametrize(
    ("text", "status"),
    [
        pytest.param("-M q35 -name 'my guest'", 0, id="quotes"),
        pytest.param('-M q35 \\\n  -name "my \\"guest\\""\n', 0, id="continued lines"),
        pytest.param("-M q35\n-m 1G\n", 0, id="lines"),
        pytest.param("/usr/bin/qemu-system-x86_64 -M q35", 0, id="with the program"),
        pytest.param("-M 'q35", 2, id="open quote"),
        pytest.param("-M q35 | cat", 2, id="pipe"),
        pytest.param("-M q35 -name a\\", 0, id="open escape"),
        pytest.param("", 2, id="empty"),
        pytest.param("   \n\n", 2, id="blank"),
        pytest.param("# -M nosuch\n-M q35", 0, id="comment"),
        pytest.param(b"-M q35 -name \xff\xfe", 0, id="no UTF-8"),
        pytest.param(b"-M q35\0 -m 1G", 2, id="NUL"),
    ],
)
def test_files(text, status, tmp_path):
    path = tmp_path / "line"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    found = run("--file", str(path))
    assert found[0] == status, found
    assert run("--file", "-", stdin=text)[0] == status


def test_no_such_file(tmp_path):
    status, output, errors = run("--file", str(tmp_path / "none"))
    assert (status, output) == (2, "")
    assert "none" in errors


def test_file_and_arguments():
    status, output, errors = run("--file", "-", "--", "-M", "q35")
    assert (status, output) == (2, "")
    assert "not both" in errors


# JSON.


def test_json_tells_the_same():
    words = ["-M", "q35", "-device", "virtio-rng-pci,max-byts=1", "-bios", "/nonexistent"]
    status, output, errors = run("--format", "json", "--", *words)
    assert (status, errors) == (1, "")
    told = json.loads(output)
    assert told["verdict"] == "refused"
    refused = [each for each in told["findings"] if each["severity"] == "error"]
    assert [(each["option"], each["parameter"]) for each in refused] == [("-device", "max-byts")]
    assert refused[0]["rule"] == "property-unknown"
    assert refused[0]["did-you-mean"] == ["max-bytes"]
    assert {each["severity"] for each in told["findings"]} == {"error", "note"}


def test_json_of_what_is_accepted():
    status, output, _ = run("--format", "json", "--", "-M", "q35")
    assert (status, json.loads(output)) == (0, {"verdict": "accepted", "findings": []})


# The line of the KVM Forum 2015 talk.


def _refused(output):
    return [line for line in output.splitlines() if not line.endswith("[warning]")]


_TALK = (
    ("-realtime: no such option", ""),
    ("-device multifunction:", '"0n"'),
    ("-device driver:", "'usb-ccicd'"),
    ("-drive file:", "drive-ide0-1-0"),
    ("-device bus:", "'ccid0.0'"),
    ("-device chardev:", "'charsmartcard0'"),
)
_DROPPED = (
    ("-machine type:", "'pc-i440fx-1.6'"),
    *(
        ("-chardev backend: no character back end 'spicevmc'", name)
        for name in ("charmartcard0", "charchannel0", *(f"charredir{n}" for n in range(4)))
    ),
    ("-spice:", ""),
    ("-device driver:", "'qxl-vga'"),
    ("-device audiodev:", "sound0"),
)


def _talk(shared):
    return shlex.split((shared / "talk-line.txt").read_text())


def _match(refused, expected):
    """Pair each refused line with what is expected: neither may be left."""
    left = list(refused)
    for start, inside in expected:
        found = next((line for line in left if line.startswith(start) and inside in line), None)
        assert found, f"{start} {inside} is not among:\n" + "\n".join(left)
        left.remove(found)
    assert not left


@pytest.mark.parametrize("begin", [0, 1])
def test_talk_line_on_7_2(shared, tmp_path, begin):
    path = tmp_path / "line"
    path.write_text(shlex.join(_talk(shared)[begin:]))
    status, output, errors = run(str(path))
    assert status == 1
    _match(_refused(output), _TALK)
    assert "spicevmc" not in output
    assert "kvm must be usable" in errors


def test_talk_line_on_10_0(shared):
    status, output, _ = run("--", *_talk(shared)[1:], snapshot=shared / _RECORDING)
    assert status == 1
    _match(_refused(output), (*_TALK, *_DROPPED))


# Hostile input.


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["-name", "\x1b[31m\r\n\x07"], id="control characters in a value"),
        pytest.param(["-\x1b[2J"], id="control characters in an option"),
        pytest.param(["-device", "virtio-rng-pci,\u202eid=\x9b"], id="C1 and bidi"),
        pytest.param([b"-device", b"\xff\xfe,id=\x80"], id="no UTF-8"),
        pytest.param(["-" + "x" * 100_000], id="long option"),
        pytest.param(["-device", "x" * 120_000], id="long value"),
        pytest.param(["-device", "," * 100_000], id="commas"),
        pytest.param(["-blockdev", "{" * 50_000], id="deep JSON"),
        pytest.param(["-machine", "a." * 50_000 + "b=1"], id="deep keyval"),
        pytest.param(["-smp", "9" * 5_000], id="long number"),
        pytest.param(["-", "--", "---", ""], id="dashes"),
    ],
)
def test_hostile_words(words):
    status, output, errors = run("--", *words)
    assert status in (0, 1, 3)
    assert all(each.isprintable() for each in output.splitlines())
    assert all(each.isprintable() for each in errors.splitlines())
    assert len(output) < 300_000


def test_what_is_printed_of_long_words_is_short(interface):
    for word in ("-" + "x" * 100_000, "-device"):
        for finding in check_line(interface, [word, "y" * 100_000]):
            assert len(str(finding)) < 2_000 + len(word)


_MAKERS = {
    "devices": lambda n: ("-device", f"virtio-rng-pci,id=r{n}"),
    "unknown drivers": lambda _: ("-device", "nosuch"),
    "objects": lambda n: ("-object", f"rng-builtin,id=o{n}"),
    "unknown options": lambda n: (f"-bogus{n}",),
    "globals": lambda n: ("-global", f"a{n}.b=c"),
    "settings": lambda n: ("-set", f"device.s{n}.b=1"),
    "character devices": lambda n: ("-chardev", f"null,id=c{n}"),
    "drives": lambda n: ("-drive", f"driver=null-co,if=none,id=d{n}"),
    "networks": lambda n: ("-netdev", f"user,id=n{n}"),
    "firmware's files": lambda n: ("-fw_cfg", f"name=opt/{n},string=a"),
}


def test_ten_thousand_options(interface):
    makers = list(_MAKERS.values())
    words = [word for number in range(10_000) for word in makers[number % len(makers)](number)]
    assert len(check_line(interface, words)) >= 4_000


# Never raises.

_OPTIONS = (
    *("-device", "-drive", "-blockdev", "-netdev", "-nic", "-net", "-chardev", "-object", "-smp"),
    *("-machine", "-M", "-cpu", "-m", "-numa", "-accel", "-display", "-vga", "-vnc", "-spice"),
    *("-audiodev", "-audio", "-serial", "-monitor", "-mon", "-qmp", "-rtc", "-boot", "-icount"),
    *("-global", "-set", "-fw_cfg", "-smbios", "-acpitable", "-sandbox", "-msg", "-compat"),
    *("-action", "-overcommit", "-name", "-uuid", "-trace", "-d", "-dfilter", "-D", "-add-fd"),
    *("-incoming", "-tpmdev", "-fsdev", "-virtfs", "-usbdevice", "-plugin", "-option-rom"),
    *("-watchdog-action", "-runas", "-chroot", "-seed", "-k", "-L", "-loadvm", "-hda", "-cdrom"),
    *("-bogus", "-usb", "-S", "-snapshot", "--", "-", "image"),
)
_TEXT = st.text(max_size=20)
_NUMBERS = st.sampled_from(
    ("0", "-1", "1G", "0x10", "99999999999999999999", "1e3", "nan", "", "on")
)
_NAMES = st.sampled_from(
    (
        *("id", "type", "driver", "bus", "addr", "file", "if", "size", "cpus", "memdev", "chardev"),
        *("netdev", "backend", "path", "host", "port", "node-name", "qom-type", "name", "string"),
        *("fd", "set", "hostfwd", "cpu", "nodeid", "maxmem", "slots", "base", "shift", "order"),
    )
)
_WORDS = st.sampled_from(
    (
        *("q35", "virtio-rng-pci", "virtio-net-pci", "user", "socket", "null", "pc", "EPYC", "tcg"),
        *("null-co", "raw", "qcow2", "node", "dist", "memory-backend-ram", "rng-builtin", "std"),
        *(
            "help",
            "?",
            "a",
            "a",
            "none",
            "usb-tablet",
            "nvme",
            "ide-hd",
            "e1000",
            "none",
            "pipewire",
        ),
    )
)
_PAIRS = st.builds("{}={}".format, _NAMES | _TEXT, _WORDS | _NUMBERS | _TEXT)
_LISTS = st.lists(_PAIRS | _WORDS | _NUMBERS, max_size=6).map(",".join)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | _WORDS | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES | _TEXT, inner, max_size=4),
    max_leaves=8,
).map(json.dumps)
_LINES = st.lists(
    st.tuples(st.sampled_from(_OPTIONS))
    | st.tuples(st.sampled_from(_OPTIONS), _LISTS | _JSON | _TEXT),
    max_size=8,
).map(lambda options: [word for option in options for word in option])


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(words=_LINES | st.lists(_TEXT, max_size=6))
def test_any_line_has_a_verdict(interface, words):
    findings = check_line(interface, words)
    assert all(isinstance(each, Finding) for each in findings)
    assert conclude(findings) in Verdict
    typed = [word.rstrip() for word in words]
    assert all(any(each.where.startswith(word) for word in typed) for each in findings)
    assert all("\n" not in each.message or "\n" in "".join(words) for each in findings)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(words=_LINES)
def test_the_verdict_does_not_depend_on_who_asked_before(interface, words):
    assert check_line(interface, words) == check_line(interface, words)

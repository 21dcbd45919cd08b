"""What runs of a binary show of its command line: fakes that misbehave, and QEMUs that are real."""

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from qscope.model.command_line import NO_RUNS, CommandLine, ProbedOption
from qscope.model.command_runs import (
    START,
    UNKNOWN,
    explain_silence,
    find_refused,
    is_accepted,
    learn_command_line,
    read_asked,
    read_help,
    read_words,
)
from qscope.model.interface import Interface
from qscope.model.snapshot import Snapshot, decode_snapshot, encode_snapshot
from qscope.model.transcript import Run
from qscope.probe import probe_binary
from qscope.probe.command_line import ask_command_line, hold_conversation
from qscope.probe.option_names import OptionNames
from tests.fake_qemu import make_fake
from tests.running import wait_for

BANNER = "QEMU emulator version 9.8.7\n"
FIRST = (
    Run(START, 0, BANNER),
    Run((*START, UNKNOWN), 1, f"{UNKNOWN}: invalid option\n"),
)


def learn(*runs):
    return learn_command_line((*FIRST, *runs))


@pytest.mark.parametrize(
    ("runs", "silence"),
    [
        pytest.param((), NO_RUNS, id="none"),
        pytest.param((Run(("-help",), 0, ""),), NO_RUNS, id="no start"),
        pytest.param((Run(START, 1, "no"),), "'-version' failed: status 1", id="failed"),
        pytest.param(
            (Run(START, None, "", "it did not end within 1 s"),),
            "'-version' failed: it did not end within 1 s",
            id="hung",
        ),
        pytest.param(
            (FIRST[0], Run((*START, UNKNOWN), 0, BANNER)),
            "the binary does not refuse an option that no QEMU has",
            id="takes anything",
        ),
        pytest.param(FIRST, "", id="tells"),
    ],
)
def test_runs_that_show_nothing(runs, silence):
    assert explain_silence({run.argv: run for run in runs}) == silence
    assert learn_command_line(runs) == CommandLine(silence=silence)


@pytest.mark.parametrize(
    ("run", "options", "absent"),
    [
        pytest.param(Run((*START, "-m"), 1, "-m: requires an argument"), {"m": True}, (), id="arg"),
        pytest.param(Run((*START, "-S"), 0, BANNER), {"S": False}, (), id="flag"),
        pytest.param(Run((*START, "-x"), 1, "-x: invalid option\n"), {}, ("x",), id="absent"),
        pytest.param(Run((*START, "-x"), 1, "-y: invalid option\n"), {}, (), id="another"),
        pytest.param(Run((*START, "-x"), 1, "-y: requires an argument"), {}, (), id="another's"),
        pytest.param(Run((*START, "-x"), 1, "who knows\n"), {}, (), id="other words"),
        pytest.param(Run((*START, "-x"), None, "", "it did not end"), {}, (), id="hung"),
        pytest.param(Run((*START, "-x"), -6, "-x: invalid option"), {}, ("x",), id="died of it"),
        pytest.param(
            Run((*START, "-m", "-qscope-0", "-S", "-m", "-qscope-1"), 0, BANNER),
            {"m": True, "S": False},
            (),
            id="together",
        ),
        pytest.param(
            Run((*START, "-m", "-qscope-0", "-S", "-qscope-1"), 1, "-qscope-1: invalid option"),
            {},
            (),
            id="not together",
        ),
    ],
)  # fmt: skip
def test_presence(run, options, absent):
    found = learn(run)
    assert {name: option.arg for name, option in found.options.items()} == options
    assert found.absent == absent


def test_an_option_that_was_accepted_is_not_absent():
    found = learn(
        Run((*START, "-S"), 0, BANNER), Run((*START, "-m", "-S"), 1, "-S: invalid option")
    )
    assert (found.options, found.absent) == ({"S": ProbedOption(arg=False)}, ())


_HAS_M = Run((*START, "-m"), 1, "-m: requires an argument\n")


def learn_m(*runs):
    return learn(_HAS_M, *runs).options["m"]


@pytest.mark.parametrize(
    ("status", "output", "expected"),
    [
        pytest.param(1, "-m {: JSON parse error, premature EOI\n", True, id="JSON"),
        pytest.param(1, "-m {: 1:2: JSON parse error, premature end\n", True, id="JSON, 11.1"),
        pytest.param(1, "-m {: Parameter 'size' expects a number\n", False, id="refused"),
        pytest.param(0, BANNER, False, id="taken"),
        pytest.param(0, f"-m {{: warning: old\n{BANNER}", False, id="taken with a warning"),
        pytest.param(0, "Sizes:\nbig\n", None, id="prints and ends"),
        pytest.param(1, "JSON parse error\n", None, id="nobody is named"),
        pytest.param(1, "-k {: JSON parse error\n", None, id="another is named"),
        pytest.param(1, "-m {: warning: JSON parse error\n", None, id="only a warning"),
        pytest.param(-6, "-m {: JSON parse error\n", None, id="died"),
        pytest.param(None, "", None, id="hung"),
    ],
)
def test_json(status, output, expected):
    assert learn_m(Run(("-m", "{", *START), status, output)).json is expected


@pytest.mark.parametrize(
    ("status", "output", "expected"),
    [
        pytest.param(1, "-m xbogus=1: Invalid parameter 'xbogus'\n", True, id="QemuOpts"),
        pytest.param(1, "-m xbogus=1: Parameter 'xbogus' is unexpected\n", True, id="visitor"),
        pytest.param(1, "-m xbogus=1: Parameter 'type' is missing\n", None, id="another reason"),
        pytest.param(0, BANNER, False, id="taken"),
        pytest.param(0, "kvm\n", None, id="prints and ends"),
        pytest.param(None, "", None, id="hung"),
    ],
)
def test_closed(status, output, expected):
    assert learn_m(Run(("-m", "xbogus=1", *START), status, output)).closed is expected


def test_a_chain_tells_of_all_up_to_the_refused():
    has = [Run((*START, f"-{name}"), 1, f"-{name}: requires an argument") for name in "abc"]
    chain = Run(("-a", "{", "-b", "{", "-c", "{", *START), 1, "-b {: JSON parse error, EOI\n")
    found = learn(*has, chain).options
    assert [found[name].json for name in "abc"] == [False, True, None]


@pytest.mark.parametrize(
    ("output", "unavailable"),
    [
        ("-m {: Option not supported for this target\n", "unsupported-target"),
        ("-m {: There is no option group 'm'\n-m {: Perhaps you want\n", "module-missing"),
        ("-m {: no\n", ""),
    ],
)
def test_what_cannot_be_used(output, unavailable):
    assert learn_m(Run(("-m", "{", *START), 1, output)).unavailable == unavailable


@pytest.mark.parametrize(
    ("output", "deprecated"),
    [
        ("-m {: warning: The -m option is deprecated, use x\n", True),
        ("-m {: warning: '-m x=...' is deprecated\n", True),
        ("-m {: warning: short-form boolean option '{' deprecated\n", False),
        ("-m {: warning: -machine is deprecated\n", False),
        ("-m {: The -m option is deprecated\n", False),
    ],
)
def test_deprecated(output, deprecated):
    assert learn_m(Run(("-m", "{", *START), 0, output + BANNER)).deprecated == deprecated


@pytest.mark.parametrize(
    ("line", "entries"),
    [
        ("-M              as -machine", {"M": "as -machine"}),
        ("-h or -help     display", {"h": "display", "help": "display"}),
        ("-fda/-fdb file  use it", {"fda": "file  use it", "fdb": "file  use it"}),
        ("--preconfig     pause", {"preconfig": "pause"}),
        ("-fw_cfg [name=]<name>", {"fw_cfg": "[name=]<name>"}),
        ("-m [size=]megs\n-m x", {"m": "[size=]megs"}),
        ("-S", {"S": ""}),
        ("       -x   a continued line", {}),
        ("- x", {}),
        ("-set,x", {}),
        ("usage: qemu [options]", {}),
        ("", {}),
    ],
)
def test_help(line, entries):
    assert read_help(line) == entries


def test_help_that_calls_a_parameter_deprecated():
    help_ = Run(("-help",), 0, "-m [deprecated-input=x]\n-S  (deprecated) stop\n")
    found = learn(help_, _HAS_M, Run((*START, "-S"), 0, BANNER)).options
    assert [found[name].deprecated for name in "mS"] == [False, True]
    assert [found[name].in_help for name in "mS"] == [True, True]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("Available netdev backend types:\nuser\ntap\n", ("tap", "user"), id="alone"),
        pytest.param("  std     standard\n\ti6300esb\tIntel\n", ("i6300esb", "std"), id="columns"),
        pytest.param("type is NULL\nqemu: module x not found\n-x help: no\n", (), id="messages"),
        pytest.param(BANNER, (), id="version"),
        pytest.param("trace:PATTERN   enable\n\n", (), id="pattern"),
        pytest.param("", (), id="nothing"),
    ],
)  # fmt: skip
def test_words(text, words):
    assert read_words(text) == words
    found = learn(Run(("-machine", "none", "-vga", "help", *START), 1, text)).words
    assert found == ({"vga": words} if words else {})


def test_words_of_a_crash_are_not_taken():
    assert learn(Run(("-vga", "help", *START), -11, "std\n")).words == {}


@pytest.mark.parametrize(
    ("legal", "illegal", "confirmed"),
    [
        pytest.param((0, BANNER), (1, "-m size=x: no"), {"m": True}, id="as said"),
        pytest.param((1, "-m size=128M: no"), (1, "-m size=x: no"), {"m": False}, id="too narrow"),
        pytest.param((0, BANNER), (0, BANNER), {"m": False}, id="too wide"),
        pytest.param((None, ""), (-6, ""), {}, id="not told"),
    ],
)
def test_confirmed(legal, illegal, confirmed):
    runs = (
        Run(("-m", "size=128M", *START), *legal),
        Run(("-m", "size=x", *START), *illegal),
    )
    assert learn(_HAS_M, *runs).confirmed == confirmed


def test_reading_words():
    assert read_asked(("-a", "{", "-S", "-b", "x", *START)) == (("a", "{"), ("S", None), ("b", "x"))
    assert read_asked(("disk", *START)) == ()
    assert find_refused((("a", "{"), ("a-b", "{")), "-a-b {: no") == 1
    assert find_refused((("a", "{"),), "a {: no") is None
    assert not is_accepted(Run(("-a", *START), 1, BANNER), BANNER)


def test_a_snapshot_keeps_runs():
    snapshot = Snapshot(
        decode_snapshot(b'[{"execute": "x", "return": {}}]').identity, (), None, FIRST
    )
    data = encode_snapshot(snapshot)
    assert decode_snapshot(data) == snapshot
    assert json.loads(data)["command-line"][0] == {
        "argv": ["-version"], "status": 0, "output": BANNER
    }  # fmt: skip


@pytest.mark.parametrize(
    "data",
    [
        b'[{"execute": "query-version", "return": {}}]',
        b'{"format": "qscope-snapshot-1", "identity": {}, "transcript": []}',
    ],
)
def test_a_snapshot_without_runs_says_so(data):
    snapshot = decode_snapshot(data)
    assert snapshot.runs == ()
    assert b"command-line" not in encode_snapshot(snapshot) or not snapshot.runs
    assert Interface.from_snapshot(snapshot).command_line == CommandLine(silence=NO_RUNS)
    assert Interface([]).command_line.silence == NO_RUNS


# --- fakes

_HELP = """\
-version        display version
-machine [type=]name
-m [size=]megs
-k language     use keyboard layout
-S              freeze
-new [a=]b      from the future
"""
_OPTIONS: dict[str, dict[str, Any]] = {
    "version": {"message": BANNER[:-1], "status": 0},
    "help": {"message": _HELP, "status": 0},
    "machine": {"arg": True},
    "display": {"arg": True},
    "m": {"arg": True, "xbogus=1": "PLACE: Invalid parameter 'xbogus'", "size=x": "PLACE: no"},
    "netdev": {"arg": True, "{": "PLACE: JSON parse error, premature EOI"},
    "k": {"arg": True},
    "S": {},
    "new": {"arg": True, "{": "PLACE: JSON parse error", "xbogus=1": "PLACE: ready: 'xbogus'"},
    "nodefaults": {},
    "no-user-config": {},
    "device": {"arg": True, "qscope-no-such-driver": "PLACE: not a valid device model name"},
    "vga": {"arg": True, "help": "none\nstd                  standard VGA\n", "status": 0},
}


_TAKERS = frozenset(name for name, option in _OPTIONS.items() if option.get("arg")) - {"new"}
_NAMES = OptionNames(
    _TAKERS, frozenset(_OPTIONS) - _TAKERS - {"new"} | {"daemonize"}, _TAKERS - {"k", "vga"}
)


def make(folder, **changed):
    options = {name: {**option, **changed.get(name, {})} for name, option in _OPTIONS.items()}
    return make_fake(folder, options=options)


def learn_of(binary, timeout=5, jobs=2):
    runs = ask_command_line(binary, timeout=timeout, jobs=jobs, names=_NAMES)
    assert len({run.argv for run in runs}) == len(runs)
    return learn_command_line(runs), runs


def test_a_fake_told_all(tmp_path):
    found, runs = learn_of(make(tmp_path))
    assert found.silence == ""
    assert set(found.options) == set(_OPTIONS)
    assert {name for name, option in found.options.items() if option.arg} == {
        name for name, option in _OPTIONS.items() if option.get("arg")
    }
    assert "daemonize" in found.absent
    options = found.options
    assert (options["m"].json, options["m"].closed) == (False, True)
    assert (options["netdev"].json, options["netdev"].closed) == (True, False)
    assert (options["k"].json, options["k"].in_help) == (None, True)
    assert options["new"] == ProbedOption(
        arg=True, json=True, closed=True, in_help=True, help="[a=]b      from the future"
    )
    assert found.words == {"vga": ("none", "std")}
    assert found.confirmed == {"m": True}
    assert all("qemu-fake: " not in run.output for run in runs)


def test_the_number_of_jobs_changes_no_run(tmp_path):
    binary = make(tmp_path, netdev={"deed": "die", "status": int(signal.SIGSEGV), "at": "{"})
    runs = [learn_of(binary, jobs=jobs)[1] for jobs in (1, 2, 4)]
    assert runs[0] == runs[1] == runs[2]
    assert any(run.status == -signal.SIGSEGV for run in runs[0])


def test_an_option_that_kills(tmp_path):
    deed = {"deed": "die", "status": int(signal.SIGABRT), "at": "xbogus=1"}
    found, runs = learn_of(make(tmp_path, netdev=deed))
    assert found.options["netdev"].json
    assert found.options["netdev"].closed is None
    assert found.options["m"].closed
    alone = next(run for run in runs if run.argv == ("-netdev", "xbogus=1", *START))
    assert (alone.status, alone.ended) == (-6, "it was killed by SIGABRT")


@pytest.mark.parametrize("deed", ["hang", "flood"])
def test_an_option_that_does_not_end(runner, tmp_path, deed):
    binary = make(tmp_path, vga={"deed": deed, "at": "help"})
    found, runs = learn_of(binary, timeout=1)
    assert found.words == {}
    assert found.confirmed == {"m": True}
    hung = [run for run in runs if run.status is None]
    assert [run.ended for run in hung] == ["it did not end within 1 s"]
    assert hung[0].output == ""


def test_what_hangs_always_is_left_alone(tmp_path):
    deaths: list[Any] = []
    began = time.monotonic()
    binary = make(tmp_path, version={"deed": "hang"}, help={"deed": "hang"})
    runs = ask_command_line(binary, timeout=0.3, jobs=1, on_death=deaths.append)
    assert time.monotonic() - began < 5
    assert 0 < len(runs) <= 3
    assert learn_command_line(runs).silence.startswith("'-version' failed: it did not end")
    assert [death.question for death in deaths] in ([None], [])


def test_no_display_and_no_trace_of_where(tmp_path, monkeypatch):
    monkeypatch.setenv("DISPLAY", ":7")
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-7")
    monkeypatch.chdir(tmp_path)
    script = tmp_path / "qemu-env"
    script.write_text('#!/bin/sh\necho "$DISPLAY$WAYLAND_DISPLAY"; pwd >&2; touch trace\n')
    script.chmod(0o755)
    runs = ask_command_line(Path("qemu-env"), timeout=5, jobs=1)
    assert runs[0].status == 0
    assert ":7" not in runs[0].output
    assert "wayland" not in runs[0].output
    assert str(tmp_path) + "\n" not in runs[0].output
    assert not (tmp_path / "trace").exists()


def test_a_signal_ends_runs_and_leaves_nothing(runner, tmp_path):
    started = tmp_path / "started"
    script = tmp_path / "qemu-slow"
    script.write_text(
        f'#!/bin/sh\ncase "$*" in *-mon*) exec {make(tmp_path)} "$@";; esac\n'
        f"touch {started}\ntrap '' TERM\nsleep 99 & wait\n"
    )
    script.chmod(0o755)
    words = sys.executable, "-m", "qscope", "probe", "--no-cache", "--timeout", "20", script
    with runner.start(*words) as process:
        wait_for(started.exists)
        os.kill(process.pid, signal.SIGTERM)
        process.communicate(timeout=20)
    assert process.returncode == 128 + signal.SIGTERM
    assert runner.find_left() == []


def test_a_conversation_without_answers_ends():
    conversation = hold_conversation(OptionNames(*map(frozenset, ("m", "S", "m"))))
    next(conversation)
    with pytest.raises(StopIteration) as end:
        conversation.send(())
    assert end.value.value == ()


def test_a_complete_probe_has_runs(tmp_path):
    snapshot = probe_binary(make(tmp_path), timeout=10)
    found = Interface.from_snapshot(snapshot).command_line
    assert found.options["S"] == ProbedOption(arg=False, in_help=True, help="freeze")
    again = Interface.from_snapshot(decode_snapshot(encode_snapshot(snapshot)))
    assert again.command_line == found


# --- real ones

# The release of the table of facts that describes a binary.
_RELEASES = {"5.2": "5.2", "7.2": "7.2", "10.0": "10.0", "11.0": "11.0", "11.1": "11.0"}


@pytest.fixture(scope="module")
def real(qemu):
    return ask_command_line(Path(qemu), timeout=30, jobs=2)


@pytest.mark.live
class TestLive:
    def test_jobs_and_repetition_change_nothing(self, qemu, real):
        assert ask_command_line(Path(qemu), timeout=30, jobs=1) == real

    def test_runs_name_no_places(self, qemu, real):
        text = msgspec.json.encode(real).decode()
        assert "/tmp/qscope-" not in text
        assert f"{os.path.basename(qemu)}: " not in text

    def test_what_all_have(self, real):
        found = learn_command_line(real)
        assert {"machine", "m", "device", "netdev", "S", "version"} <= found.options.keys()
        assert found.options["blockdev"].json
        assert not found.options["machine"].json
        assert found.options["chardev"].closed
        assert {"null", "socket", "file"} <= {*found.words["chardev"]}
        assert {"none", "std"} <= {*found.words["vga"]}
        assert "user" in found.words["netdev"] or "hubport" in found.words["netdev"]
        assert found.confirmed["audiodev"]

    def test_the_table_of_facts_agrees(self, real, shared):
        found = learn_command_line(real)
        table = json.loads((shared / "cli_table.json").read_text())["options"]
        version = real[0].output.split()[3]
        release = _RELEASES.get(version.rpartition(".")[0])
        if release is None:
            pytest.skip(f"no table for {version}")
        wrong = [row for row in table[release].items() if not self._agrees(found, *row)]
        assert wrong == []
        assert set(found.options) - set(table[release]) <= {"h"}

    def _agrees(self, found, name, facts):
        option, told = found.options.get(name), facts["probe"]
        if option is None or option.arg != (told["arity"] == "arg"):
            return False
        pairs = (
            (option.json, told.get("json")),
            (option.closed, told.get("rejects_unknown_at_parse")),
        )
        return all(one is None or other is None or one == other for one, other in pairs)

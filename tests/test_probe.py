"""Probing QEMUs that misbehave, through the command line: one line says why, nothing is left."""

import json
import os
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from qscope.errors import ProbeError
from qscope.model.snapshot import decode_snapshot
from qscope.probe import probe_binary, read_version
from qscope.probe.questions import QUESTIONS
from tests.fake_qemu import make_fake, make_script, name_point
from tests.running import DEADLINE, wait_for

# Long enough for a fake on a loaded machine.
_PATIENCE = "0.5"
_PROBE = [sys.executable, "-m", "qscope", "probe", "--timeout", _PATIENCE, "--no-cache"]


def assert_fails(runner, target, *words):
    outcome = runner.run(*_PROBE, target)
    assert (outcome.status, outcome.stdout) == (2, "")
    assert outcome.stderr.startswith(f"qscope: {target}: ")
    assert outcome.stderr.count("\n") == 1
    assert outcome.stderr.endswith("\n")
    assert [word for word in words if word not in outcome.stderr] == [], outcome.stderr
    assert runner.find_left() == []
    return outcome.stderr


@pytest.mark.parametrize(
    ("content", "mode", "reason"),
    [
        pytest.param("#!/bin/sh\n", 0o644, "Permission denied", id="not executable"),
        pytest.param("#!/no/such/sh\n", 0o755, "its interpreter is missing", id="no interpreter"),
        pytest.param(b"\x7fELF and no more", 0o755, "Exec format error", id="not of this machine"),
    ],
)
def test_what_cannot_be_started(runner, tmp_path, content, mode, reason):
    binary = make_script(tmp_path, content)
    binary.chmod(mode)
    assert_fails(runner, binary, f"cannot be started: {reason}")


_NO_GREETING = f"it sent no QMP greeting within {_PATIENCE} s"
_NO_COMMAND = '{"error": {"class": "CommandNotFound", "desc": "no"}, "id": 1}\n'
_CLOSED = "it closed the connection"
_DEEP = '{"return": ' + "[" * 9999 + "]" * 9999 + "}"
_KILLED = "it had to be killed"


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        pytest.param(
            {"at": "start", "do": "exit", "status": 3, "text": "no \x1b[1mKVM\x07 here"},
            [_CLOSED, "exited with status 3", "last words: starting | no ?[1mKVM? here"],
            id="exits at once",
        ),
        pytest.param(
            {"at": "start", "do": "exit"}, [_CLOSED, "exited with status 0", "words"], id="exits 0"
        ),
        pytest.param(
            {"at": "start", "do": "exit", "status": 1, "text": "x" * 9999 + " the end"},
            [_CLOSED, "exited with status 1", "xxx the end"],
            id="exits with a long word",
        ),
        pytest.param(
            {"at": "start", "do": "die", "status": 9, "text": "assertion failed"},
            [_CLOSED, "killed by SIGKILL", "last words: assertion failed"],
            id="killed",
        ),
        pytest.param(
            {"at": "start", "do": "die", "status": 40}, ["killed by signal 40"], id="nameless"
        ),
        pytest.param({"at": "greeting"}, [_NO_GREETING, _KILLED, "without a word"], id="no hello"),
        pytest.param({"at": "qmp_capabilities"}, ["did not answer 'qmp_cap"], id="no negotiation"),
        pytest.param(
            {"at": "qmp_capabilities", "do": "say", "text": _NO_COMMAND},
            ["qmp_capabilities: no (CommandNotFound)"],
            id="refuses to negotiate",
        ),
        pytest.param(
            {"at": "greeting", "setting": "ignore"}, [_NO_GREETING, _KILLED], id="ignores SIGTERM"
        ),
        pytest.param(
            {"at": "greeting", "do": "half"}, [_NO_GREETING, "half a message"], id="half a greeting"
        ),
        pytest.param(
            {"at": "greeting", "do": "half and exit", "status": 4},
            [_CLOSED, "in the middle of a message", "status 4", "half is enough"],
            id="half a greeting, then exits",
        ),
        pytest.param(
            {"at": "greeting", "do": "trickle"}, [_NO_GREETING, "half a message"], id="trickles"
        ),
        pytest.param(
            {"at": "greeting", "do": "say", "text": "QEMU 9\nlogin: "},
            ["expected QMP, got 'QEMU 9\\nlogin: '"],
            id="speaks another protocol",
        ),
        pytest.param(
            {"at": "greeting", "do": "flood", "text": "\x00"}, ["expected QMP"], id="endless bytes"
        ),
        pytest.param({"at": "greeting", "do": "flood", "text": "{"}, [], id="endless {"),
        pytest.param({"at": "greeting", "do": "flood", "text": " "}, [_NO_GREETING], id="blanks"),
        pytest.param(
            {"at": "greeting", "do": "flood", "text": '{"event": "X"}\r\n'},
            [_NO_GREETING],
            id="endless events",
        ),
        pytest.param(
            {"at": "greeting", "do": "say", "text": '["QMP"]\r\n'}, ["expected QMP"], id="an array"
        ),
        pytest.param(
            {"at": "greeting", "do": "say", "text": '{"QMP": ["oob"]}\r\n'},
            ["a strange greeting"],
            id="a greeting that is no object",
        ),
        pytest.param({"ident": "wrong"}, ["did not answer 'qmp_capabilities'"], id="wrong id"),
        pytest.param(
            {"at": "greeting", "setting": "child"}, [_NO_GREETING], id="leaves a child, and hangs"
        ),
    ],
)  # fmt: skip
def test_a_failure_is_one_line(runner, tmp_path, plan, words):
    assert_fails(runner, make_fake(tmp_path, **plan), *words)


def test_what_it_says_when_it_is_killed_is_not_reported(runner, tmp_path):
    fake = make_fake(tmp_path, at="greeting", setting="talk")
    line = assert_fails(runner, fake, "last words: I am busy")
    assert "terminating" not in line


def test_who_never_answers_is_a_failure(runner, tmp_path):
    deeds = [{"at": name_point(*each[:2]), "do": "die", "status": 6} for each in QUESTIONS]
    fake = make_fake(tmp_path, deeds=deeds)
    assert_fails(runner, fake, _CLOSED, "killed by SIGABRT", "last words")


def probe_to_file(runner, target, place):
    """Probe by the command line; return how the questions that crashed ended."""
    outcome = runner.run(*_PROBE, target, "--quiet", "-o", place)
    assert (outcome.status, outcome.stderr) == (0, "")
    assert runner.find_left() == []
    exchanges = decode_snapshot(place.read_bytes()).exchanges
    answered = [each for each in exchanges if each.is_answered]
    assert len(answered) + sum(each.crashed for each in exchanges) == len(QUESTIONS)
    return {each.execute: each.ended for each in exchanges if each.crashed}


_NO_ANSWER = f"it did not answer within {_PATIENCE} s"
_NONSENSE = "it talked nonsense"


@pytest.mark.parametrize(
    ("plan", "ended"),
    [
        pytest.param({"do": "exit", "status": 1}, "it exited with status 1", id="exits"),
        pytest.param({"do": "die", "status": 11}, "it was killed by SIGSEGV", id="crashes"),
        pytest.param({}, _NO_ANSWER, id="hangs"),
        pytest.param({"do": "half"}, _NO_ANSWER, id="half a reply"),
        pytest.param(
            {"do": "half and exit", "status": 4}, "it exited with status 4", id="half, then exits"
        ),
        pytest.param({"do": "trickle"}, _NO_ANSWER, id="trickles"),
        pytest.param(
            {"do": "flood", "text": '{"event": "X"}\r\n'}, _NO_ANSWER, id="endless events"
        ),
        pytest.param({"do": "flood", "text": '{"a":"'}, None, id='endless "'),
        pytest.param({"do": "skip"}, _NO_ANSWER, id="leaves it out"),
        pytest.param({"do": "ident"}, _NO_ANSWER, id="once without an id"),
        pytest.param({"do": "ident", "status": 1}, _NO_ANSWER, id="as the next one's"),
        pytest.param({"do": "ident", "status": -1}, _NO_ANSWER, id="as the last one's"),
        pytest.param(
            {"do": "say", "text": '{"return": {"arch": x86}}\r\n'}, _NONSENSE, id="no JSON"
        ),
        pytest.param({"do": "say", "text": '{"return": "\xff"}\r\n'}, _NONSENSE, id="no UTF-8"),
        pytest.param(
            {"do": "say", "text": '{"event": "\xff"}\r\n'}, _NONSENSE, id="no UTF-8 in an event"
        ),
        pytest.param({"do": "say", "text": _DEEP}, _NONSENSE, id="too deep"),
        pytest.param(
            {"do": "say", "text": '{"error": {"desc": "no"}}\n'}, _NONSENSE, id="no class of error"
        ),
        pytest.param(
            {"do": "exit", "status": 5, "setting": "babble"},
            "it exited with status 5",
            id="exits, and leaves a child that babbles",
        ),
    ],
)
def test_what_a_question_does_is_recorded(runner, tmp_path, plan, ended):
    fake = make_fake(tmp_path, at="query-target", **plan)
    crashed = probe_to_file(runner, fake, tmp_path / "snapshot.json")
    assert list(crashed) == ["query-target"]
    assert ended in (None, crashed["query-target"])


@pytest.mark.parametrize(
    "plan",
    [
        pytest.param({}, id="one message a line"),
        pytest.param({"spelling": "pretty"}, id="pretty"),
        pytest.param({"spelling": "bare"}, id="no newline at all"),
        pytest.param({"spelling": "crowded"}, id="half an event behind each message"),
        pytest.param({"at": "query-target", "do": "pad", "status": 4096}, id="4 MiB"),
        pytest.param({"at": "query-target", "do": "twice"}, id="an answer twice"),
        pytest.param({"at": "query-target", "do": "events"}, id="events before the answer"),
        pytest.param({"ident": "none"}, id="no id"),
        pytest.param({"setting": "babble"}, id="babbles on stdout and stderr"),
        pytest.param({"setting": "child"}, id="stays, with a child that ignores SIGTERM"),
        pytest.param({"at": "quit"}, id="hangs at quit"),
        pytest.param({"at": "quit", "do": "die", "status": 6}, id="crashes at quit"),
    ],
)
def test_what_does_no_harm(runner, tmp_path, plan):
    outcome = runner.run(*_PROBE, make_fake(tmp_path, **plan), "--format", "json")
    assert (outcome.status, outcome.stderr) == (0, "")
    report = json.loads(outcome.stdout)
    assert (report["qemu"], report["commands"]) == ("QEMU 9.8.7 (fake) for x86_64", 1)
    assert runner.find_left() == []


def test_who_refuses_everything_is_nobody_known(runner, tmp_path):
    fake = make_fake(tmp_path, setting="refuse")
    outcome = runner.run(*_PROBE, fake, "--format", "json")
    assert (outcome.status, outcome.stderr) == (0, "")
    report = json.loads(outcome.stdout)
    assert report["questions"] == report["unanswered"] > 0
    assert (report["commands"], report["schema-hash"]) == (None, None)


@pytest.mark.parametrize(
    ("plan", "ended"),
    [
        pytest.param({}, {"exec": None, "": None}, id="behaves"),
        pytest.param(
            {"at": "query-target", "do": "die", "status": 11},
            {"exec": "it was killed by SIGSEGV", "": "it exited with status 139"},
            id="crashes",
        ),
        pytest.param({"at": "query-target"}, {"exec": _NO_ANSWER, "": _NO_ANSWER}, id="hangs"),
    ],
)
@pytest.mark.parametrize("start", [pytest.param("exec", id="exec"), pytest.param("", id="child")])
def test_wrapper(runner, tmp_path, start, plan, ended):
    fake = make_fake(tmp_path, **plan)
    wrapper = make_script(tmp_path, f'#!/bin/sh\n{start} {fake} "$@"\nexit $?\n', "wrapper")
    crashed = probe_to_file(runner, wrapper, tmp_path / "snapshot.json")
    assert crashed.get("query-target") == ended[start]


_SIGNALS = [
    pytest.param(signal.SIGINT, 130, id="SIGINT"),
    pytest.param(signal.SIGTERM, 143, id="SIGTERM"),
    pytest.param(signal.SIGHUP, 129, id="SIGHUP"),
]


@pytest.mark.parametrize(("setting", "delay"), [("none", 0), ("none", 0.3), ("ignore", 0.05)])
@pytest.mark.parametrize(("number", "status"), _SIGNALS)
def test_signal_while_qemu_hangs(runner, tmp_path, number, status, setting, delay):
    flag = tmp_path / "started"
    fake = make_fake(tmp_path, at="greeting", setting=setting, started=str(flag))
    with runner.start(*_PROBE, "--timeout", str(DEADLINE), fake) as process:
        wait_for(flag.exists)
        time.sleep(delay)
        process.send_signal(number)
        assert [each.strip() for each in process.communicate(timeout=DEADLINE)] == ["", ""]
    assert process.returncode == status
    assert runner.find_left() == []


@pytest.mark.parametrize("delay", [each / 100 for each in (0, 2, 4, 5, 6, 7, 8, 10, 20, 60)])
@pytest.mark.parametrize(("number", "status"), _SIGNALS)
def test_signal_at_any_moment(runner, tmp_path, number, status, delay):
    flag = tmp_path / "started"
    fake = make_fake(tmp_path, at="greeting", started=str(flag))
    with runner.start(*_PROBE, "--timeout", str(DEADLINE), fake) as process:
        time.sleep(delay)
        process.send_signal(number)
        process.communicate(timeout=DEADLINE)
    assert runner.find_left() == []
    # Before qscope has started anything the signal may meet Python's own start.
    assert process.returncode == status or (process.returncode != 0 and not flag.exists())


def test_two_signals_at_once(runner, tmp_path):
    flag = tmp_path / "started"
    fake = make_fake(tmp_path, at="greeting", setting="ignore", started=str(flag))
    with runner.start(*_PROBE, "--timeout", str(DEADLINE), fake) as process:
        wait_for(flag.exists)
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGINT)
        time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=DEADLINE)
    assert process.returncode in (130, 143)
    assert runner.find_left() == []


class TestLibrary:
    """What a program sees that probes by itself; ResourceWarnings are errors here."""

    def test_leaves_no_thread_no_descriptor_and_no_handler(self, tmp_path):
        fake = make_fake(tmp_path)
        before = take_stock()
        snapshot = probe_binary(fake, timeout=10)
        assert take_stock() == before
        assert snapshot.identity.path == str(fake)

    def test_leaves_nothing_after_a_failure(self, tmp_path):
        before = take_stock()
        with pytest.raises(ProbeError, match="exited with status 1"):
            probe_binary(make_fake(tmp_path, at="start", do="exit", status=1), timeout=10)
        with pytest.raises(ProbeError, match="cannot be started"):
            probe_binary(make_script(tmp_path, b"\x7fELF"), timeout=10)
        with pytest.raises(ProbeError, match="No such file"):
            probe_binary(tmp_path / "absent", timeout=10)
        assert take_stock() == before

    def test_in_a_thread(self, tmp_path):
        with ThreadPoolExecutor(1) as pool:
            snapshot = pool.submit(probe_binary, make_fake(tmp_path), timeout=10).result()
        assert len(snapshot.exchanges) >= 10

    def test_a_handler_of_the_program_stays(self, tmp_path):
        seen = []
        before = signal.signal(signal.SIGTERM, lambda number, _: seen.append(number))
        try:

            def interrupt(_done, _total, command):
                if command == "query-machines":
                    signal.raise_signal(signal.SIGTERM)

            probe_binary(make_fake(tmp_path), timeout=10, progress=interrupt)
        finally:
            signal.signal(signal.SIGTERM, before)
        assert seen == [signal.SIGTERM]

    def test_progress_counts_what_is_done(self, tmp_path):
        seen = []
        probe_binary(make_fake(tmp_path), timeout=10, progress=lambda *step: seen.append(step))
        done = [step[0] for step in seen]
        assert done == sorted(done)
        assert (done[0], seen[0][2]) == (0, "query-version")
        totals = [total for _, total, _ in seen]
        assert set(totals[: len(QUESTIONS)]) == {len(QUESTIONS)}
        # Then the first runs, which show that this binary does not know `-version`.
        assert (seen[len(QUESTIONS)][2], set(totals[len(QUESTIONS) :])) == ("-version", {len(seen)})

    def test_an_error_in_progress_ends_qemu(self, tmp_path):
        before = take_stock()

        def fail(*_):
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            probe_binary(make_fake(tmp_path), timeout=10, progress=fail)
        assert take_stock() == before


def take_stock():
    """Return what a probe could leave behind in this process."""
    handlers = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    children = Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text()
    return threading.active_count(), len(os.listdir("/proc/self/fd")), handlers, children


@pytest.mark.parametrize(
    ("script", "words"),
    [
        pytest.param("exit 3", "'-version': it exited with status 3", id="silent"),
        pytest.param("echo no; echo KVM >&2; exit 1", "exited with status 1: KVM", id="last word"),
        pytest.param("kill -ABRT $$", "killed by SIGABRT", id="killed"),
        pytest.param("exec sleep 99", "did not end within 0.5 s", id="hangs"),
        pytest.param("exec yes", "did not end within 0.5 s", id="babbles"),
        pytest.param("trap '' TERM; while :; do sleep 1; done", "did not end", id="ignores"),
    ],
)
def test_version_of_what_has_none(tmp_path, script, words):
    binary = make_script(tmp_path, f"#!/bin/sh\n{script}\n")
    before = take_stock()
    with pytest.raises(ProbeError, match=words) as caught:
        read_version(binary, 0.5)
    assert str(caught.value).startswith(f"{binary}: ")
    assert take_stock() == before


def test_version(tmp_path):
    text = "QEMU emulator version 9.8.7"
    # The child keeps stdout open; who waited for its end would wait for the deadline.
    binary = make_script(tmp_path, f'#!/bin/sh\nsleep 99 &\n[ "$*" = -version ] && echo {text}\n')
    assert read_version(binary, 10) == f"{text}\n"

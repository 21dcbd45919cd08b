"""A program that plays QEMU and misbehaves as told.

`make_fake` writes it into a folder; run, it takes the monitor's socket from its command line and
calls `play`. It imports little, so that it starts quickly.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time

# As typing's, which alone takes half as long to import as all of the above.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path
    from typing import Any, NoReturn

_ANSWERS: dict[str, Any] = {
    "qmp_capabilities": {},
    "query-version": {"qemu": {"major": 9, "minor": 8, "micro": 7}, "package": "fake"},
    "query-target": {"arch": "x86_64"},
    "query-commands": [{"name": "fake-command"}],
    "query-qmp-schema": [
        {"name": "fake-command", "meta-type": "command", "arg-type": "0", "ret-type": "0"},
        {"name": "0", "meta-type": "object", "members": []},
    ],
    "quit": {},
}
GREETING = {"QMP": {"version": _ANSWERS["query-version"], "capabilities": ["oob"]}}
SCRIPT = """\
#!{python} -IS
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, {folder!r})
from fake_qemu import play
play(**{plan!r})
"""


def make_fake(folder: Path, **plan: Any) -> Path:
    """Write a fake QEMU that does what `play` is told by `plan`."""
    home = os.path.dirname(os.path.abspath(__file__))
    return make_script(folder, SCRIPT.format(python=sys.executable, folder=home, plan=plan))


def make_script(folder: Path, text: str | bytes, name: str = "qemu-fake") -> Path:
    """Write an executable file."""
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    path.chmod(0o755)
    return path


def name_point(execute: str, arguments: Mapping[str, Any] | None = None) -> str:
    """Return what `answers` and `deeds` call a question: `qom-list-types device`."""
    return " ".join([execute, *map(str, (arguments or {}).values())])


def play(
    *,
    spelling: str = "crlf",
    ident: str = "echo",
    setting: str = "none",
    started: str | None = None,
    answers: Mapping[str, Any] | None = None,
    deeds: Iterable[dict[str, Any]] = (),
    log: str | None = None,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    **deed: Any,
) -> NoReturn:
    """Play QEMU on the monitor's socket, and do something else at some points.

    `spelling` is how messages are written, `ident` how a reply's id is made, and `setting` what
    goes on besides. `answers` are results by question, in which "@" is a number that counts; `log`
    is a file in which all processes write down what they do. `options` are those of its command
    line, by name; see `_run`.

    A deed says `at` which point ("start", "greeting" or a question) it does which of _DEEDS, with
    which `text` or `status`; and perhaps in which `process` only (counted from 1; -1 is any but the
    first), only `after` so many answers, only so many `times` in all.
    """
    if "-mon" not in sys.argv:
        _run(sys.argv[1:], options)
    _SETTINGS[setting]()
    if started:
        os.close(os.open(started, os.O_CREAT | os.O_WRONLY))
    fake = _Fake([*deeds, deed], log)
    fake.perform("start", -1, b"words")
    monitor = _find_monitor()
    write = _SPELLINGS[spelling]
    try:
        if not fake.perform("greeting", monitor, write(GREETING)):
            _write(monitor, write(GREETING))
        for command in _read_commands(monitor):
            reply = _answer(command, answers or {}, ident, refuse=setting == "refuse")
            fake.answer(name_point(command["execute"], command.get("arguments")), monitor,
                        write(reply))  # fmt: skip
            if command["execute"] == "quit":
                break
    except OSError:
        pass  # qscope has closed the connection
    if setting in ("child", "ignore"):
        signal.pause()
    os._exit(0)


def _run(words: list[str], options: Mapping[str, Mapping[str, Any]] | None) -> NoReturn:
    """Take a command line as QEMU does: look at all words first, then act on one after the other.

    An option with `arg` takes an argument; it may have a `deed`, at any argument or at that which
    `at` says, and a `message`, with which it refuses anything, or prints it if `status` is 0.
    """
    if options is None:
        _say_and_exit("no command line here", 1)
    taken = []
    rest = iter(words)
    for word in rest:
        option = options.get(word[1:])
        if option is None:
            _say_and_exit(f"qemu-fake: {word}: invalid option", 1)
        argument = next(rest, None) if option.get("arg") else ""
        if argument is None:
            _say_and_exit(f"qemu-fake: {word}: requires an argument", 1)
        taken.append((word, argument, option))
    for word, argument, option in taken:
        if "deed" in option and option.get("at", argument) == argument:
            _DEEDS[option["deed"]](1, "babble", option.get("status", 0))
        place = f"{word} {argument}" if argument else word
        message = option.get(argument or "flag", option.get("message"))
        if message:
            _say_and_exit(message.replace("PLACE", f"qemu-fake: {place}"), option.get("status", 1))
    os._exit(0)


def _say_and_exit(text: str, status: int) -> NoReturn:
    os.write(1 if status == 0 else 2, f"{text}\n".encode())
    os._exit(status)


class _Fake:
    """One process that plays QEMU: what it will do, and what it has done."""

    def __init__(self, deeds: list[dict[str, Any]], log: str | None) -> None:
        self._deeds = deeds
        self._log = os.open(log, os.O_RDWR | os.O_APPEND | os.O_CREAT) if log else -1
        self._number = 1 + self._count("start")
        self._answered = self._counted = 0
        self._is_honest = True
        self._note("start")

    def answer(self, point: str, monitor: int, message: bytes) -> None:
        """Answer a question, or do what is to be done at it."""
        if b"@" in message:
            message = message.replace(b"@", b"%d" % self._counted)
            self._counted += 1
        if not self.perform(point, monitor, message):
            _write(monitor, message)
        self._answered += 1
        if self._is_honest:
            self._note(f"given {point}")

    def perform(self, point: str, monitor: int, message: bytes) -> bool:
        """Do what is to be done at a point, if anything; return whether that was so."""
        for deed in self._deeds:
            if deed.get("at", "never") == point and self._is_time(deed):
                do = deed.get("do", "hang")
                self._is_honest &= do in HARMLESS
                self._note(f"{do} {point}")
                if self._is_honest and do in LAST:
                    self._note(f"given {point}")
                text = deed.get("text") or message.decode("latin-1")
                _DEEDS[do](monitor, text, deed.get("status", 0))
                return True
        return False

    def _is_time(self, deed: Mapping[str, Any]) -> bool:
        process = deed.get("process", self._number)
        return (
            (process == self._number or (process < 0 and self._number > 1))
            and self._answered >= deed.get("after", 0)
            and self._count(f"{deed.get('do', 'hang')} {deed['at']}") < deed.get("times", 1 << 30)
        )

    def _note(self, line: str) -> None:
        if self._log >= 0:
            os.write(self._log, f"{self._number}:{line}\n".encode())

    def _count(self, line: str) -> int:
        """Count how often something was written down, by whatever process."""
        if self._log < 0:
            return 0
        lines = os.pread(self._log, 1 << 24, 0).split(b"\n")
        return sum(each.partition(b":")[2] == line.encode() for each in lines)


def _find_monitor() -> int:
    option = sys.argv[sys.argv.index("-chardev") + 1]
    prefix = "socket,id=qmp,fd="
    assert option.startswith(prefix), option
    return int(option.removeprefix(prefix))


def _read_commands(monitor: int) -> Iterator[dict[str, Any]]:
    text = b""
    while data := os.read(monitor, 1 << 16):
        *lines, text = (text + data).split(b"\n")
        yield from map(json.loads, lines)


def _answer(
    command: dict[str, Any], answers: Mapping[str, Any], ident: str, *, refuse: bool
) -> dict[str, Any]:
    execute = command["execute"]
    point = name_point(execute, command.get("arguments"))
    reply: dict[str, Any] = {"return": answers.get(point, _ANSWERS.get(execute, []))}
    if refuse and execute != "qmp_capabilities":
        reply = {"error": {"class": "CommandNotFound", "desc": "The command has not been found"}}
    if ident == "echo":
        reply["id"] = command["id"]
    if ident == "wrong":
        reply["id"] = "somebody else's"
    return reply


def _write(monitor: int, data: bytes) -> None:
    while data:
        data = data[os.write(monitor, data) :]


def _hang(_: int, __: str, ___: int) -> None:
    while True:
        signal.pause()


def _exit(_: int, text: str, status: int) -> None:
    os.write(2, f"starting\n\n  {text}\r\n".encode())
    os._exit(status)


def _die(_: int, text: str, status: int) -> None:
    os.write(2, f"{text}\n".encode())
    os.kill(os.getpid(), status)


def _send_half(monitor: int, text: str, status: int) -> None:
    _write(monitor, text.encode()[: len(text) // 2])
    _hang(monitor, text, status)


def _send_half_and_exit(monitor: int, text: str, status: int) -> None:
    _write(monitor, text.encode()[: len(text) // 2])
    _exit(monitor, "half is enough", status)


def _say(monitor: int, text: str, _: int) -> None:
    _write(monitor, text.encode("latin-1"))


def _pad(monitor: int, text: str, count: int) -> None:
    """Send the reply with so many KiB of blanks in it."""
    _write(monitor, b"{" + b" " * 1024 * count + text.encode()[1:])


def _trickle(monitor: int, text: str, _: int) -> None:
    _write(monitor, b'{"return": "')
    while True:
        _write(monitor, b"x")
        time.sleep(0.005)


def _flood(monitor: int, text: str, _: int) -> None:
    while True:
        _write(monitor, text.encode() * 1000)


def _answer_as_another(monitor: int, text: str, distance: int) -> None:
    """Send the reply with an id so much larger, or with none."""
    reply = json.loads(text)
    ident = reply.pop("id")
    _write(monitor, json.dumps({**reply, "id": ident + distance} if distance else reply).encode())


def _skip(_: int, __: str, ___: int) -> None:
    """Say nothing to this, and go on."""


def _answer_twice(monitor: int, text: str, _: int) -> None:
    _write(monitor, text.encode("latin-1") * 2)


def _send_events(monitor: int, text: str, _: int) -> None:
    _write(monitor, b'{"event": "X", "data": {"return": {}}}\r\n' * 99 + text.encode("latin-1"))


def _answer_and_die(monitor: int, text: str, _: int) -> None:
    _write(monitor, text.encode("latin-1"))
    os.kill(os.getpid(), signal.SIGABRT)


def _answer_and_babble(monitor: int, text: str, _: int) -> None:
    _write(monitor, text.encode("latin-1") + b"garbage\n")
    _hang(monitor, text, 0)


_DEEDS = {
    "ident": _answer_as_another,
    "skip": _skip,
    "twice": _answer_twice,
    "events": _send_events,
    "answer and die": _answer_and_die,
    "answer and babble": _answer_and_babble,
    "hang": _hang,
    "exit": _exit,
    "die": _die,
    "half": _send_half,
    "half and exit": _send_half_and_exit,
    "say": _say,
    "pad": _pad,
    "trickle": _trickle,
    "flood": _flood,
}


# What leaves a true answer a true answer; after some of it nothing more is to be expected.
LAST = ("answer and die", "answer and babble")
HARMLESS = ("pad", "twice", "events", *LAST)


def _babble() -> None:
    """Let a child print for ever, on both outputs."""
    if os.fork() == 0:
        while True:
            os.write(1, b"noise " * 999)
            os.write(2, b"\x1b[31mmore\x00\xff\n" * 999)


def _leave_child() -> None:
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        _hang(-1, "", 0)


def _ignore_sigterm() -> None:
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)


def _talk_when_killed() -> None:
    def talk(_: int, __: object) -> None:
        os.write(2, b"terminating on signal 15\n")
        os._exit(0)

    os.write(2, b"I am busy\n")
    signal.signal(signal.SIGTERM, talk)


_SETTINGS = {
    "none": lambda: None,
    "refuse": lambda: None,
    "babble": _babble,
    "child": _leave_child,
    "ignore": _ignore_sigterm,
    "talk": _talk_when_killed,
}


_SPELLINGS = {
    "crlf": lambda value: json.dumps(value).encode() + b"\r\n",
    "pretty": lambda value: json.dumps(value, indent=4).replace("\n", "\r\n").encode() + b"\r\n",
    "bare": lambda value: json.dumps(value).encode(),
    "crowded": lambda value: (
        b'{"event": "A"}' + json.dumps(value).encode() + b'{"event": "}{", "data": {"half":'
        if "return" not in value
        else b'"}"}}\n' + json.dumps(value).encode() + b'{"event": "B", "data": {"half":'
    ),
}

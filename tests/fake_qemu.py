"""A program that plays QEMU and misbehaves as told.

`make_fake` writes it into a folder; run, it takes the monitor's socket from its command line and
calls `play`. It imports little, so that it starts quickly.
"""

import json
import os
import signal
import sys
import time
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
    home = str(Path(__file__).parent)
    return make_script(folder, SCRIPT.format(python=sys.executable, folder=home, plan=plan))


def make_script(folder: Path, text: str | bytes, name: str = "qemu-fake") -> Path:
    """Write an executable file."""
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    path.chmod(0o755)
    return path


def play(
    *,
    at: str = "never",
    do: str = "hang",
    text: str = "",
    status: int = 0,
    spelling: str = "crlf",
    ident: str = "echo",
    setting: str = "none",
    started: str | None = None,
) -> NoReturn:
    """Play QEMU on the monitor's socket, and `do` something else at one point.

    The point is "start", "greeting" or a command. `spelling` is how messages are written, `ident`
    how a reply's id is made, and `setting` what goes on besides.
    """
    _SETTINGS[setting]()
    if started:
        Path(started).touch()
    if at == "start":
        _DEEDS[do](-1, text or "words", status)
    monitor = _find_monitor()
    try:
        _send(monitor, at == "greeting", do, text, status, _SPELLINGS[spelling](GREETING))
        while command := _read_command(monitor):
            reply = _answer(command, ident, refuse=setting == "refuse")
            name = command["execute"]
            _send(monitor, at == name, do, text, status, _SPELLINGS[spelling](reply))
            if name == "quit":
                break
    except OSError:
        pass  # qscope has closed the connection
    if setting in ("child", "ignore"):
        signal.pause()
    os._exit(0)


def _find_monitor() -> int:
    option = sys.argv[sys.argv.index("-chardev") + 1]
    prefix = "socket,id=qmp,fd="
    assert option.startswith(prefix), option
    return int(option.removeprefix(prefix))


def _read_command(monitor: int) -> dict[str, Any] | None:
    text = b""
    while data := os.read(monitor, 4096):
        text += data
        try:
            command: dict[str, Any] = json.loads(text)
        except ValueError:
            continue
        return command
    return None


def _answer(command: dict[str, Any], ident: str, *, refuse: bool) -> dict[str, Any]:
    reply: dict[str, Any] = {"return": _ANSWERS.get(command["execute"], [])}
    if refuse and command["execute"] != "qmp_capabilities":
        reply = {"error": {"class": "CommandNotFound", "desc": "The command has not been found"}}
    if ident == "echo":
        reply["id"] = command["id"]
    if ident == "wrong":
        reply["id"] = "somebody else's"
    return reply


def _send(monitor: int, here: bool, do: str, text: str, status: int, message: bytes) -> None:
    if here:
        _DEEDS[do](monitor, text or message.decode(), status)
    else:
        _write(monitor, message)


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


_DEEDS = {
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

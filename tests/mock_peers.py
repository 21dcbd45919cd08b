"""One scripted session, and the clients that people use, unchanged, each of which holds it.

A line of a session: a mark, the command, its arguments. Marks: `=` the result is the same, `:` it
is a list of the same elements, `~` it is of the same type, `!` the command is refused. `&` before
the command sends it out of band, which qmp-shell cannot.
"""

import ast
import asyncio
import contextlib
import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import qmp
from qemu.qmp import ExecuteError, QMPClient

from tests.running import DEADLINE
from tests.storaged import run_shell

_LINE = re.compile(r"([=:~!]) (&?)([\w-]+) ?(.*)")
_QEMU = ("-S", "-machine", "none", "-nodefaults", "-no-user-config", "-display", "none")


class Step(NamedTuple):
    """A command, and how alike its results are."""

    mark: str
    oob: bool
    command: str
    arguments: dict[str, Any]


class Seen(NamedTuple):
    """What a client saw of one command; `error` has the exception's class and its words."""

    result: Any
    error: tuple[str, ...] | None
    events: list[tuple[str, Any]]


def parse_steps(text):
    """Return the steps of a session."""
    return [_parse_step(line) for line in map(str.strip, text.splitlines()) if line]


def _parse_step(line):
    found = _LINE.fullmatch(line)
    assert found, line
    mark, oob, command, arguments = found.groups()
    return Step(mark, bool(oob), command, json.loads(arguments or "{}"))


@contextlib.contextmanager
def run_real(binary, path):
    """Run a QEMU without a machine; yield its process, which must end within the block's time."""
    with _run([binary, *_QEMU, "-qmp", f"unix:{path},server=on,wait=off"], path) as process:
        yield process


@contextlib.contextmanager
def run_served(snapshot, path):
    """Run `qscope serve` for a snapshot likewise."""
    words = [sys.executable, "-m", "qscope", "serve", "--snapshot", snapshot, "--unix", path]
    with _run(words, path) as process:
        yield process


@contextlib.contextmanager
def _run(words, path):
    with subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            deadline = time.monotonic() + DEADLINE
            while not _is_served(path):
                assert process.poll() is None, process.communicate()
                assert time.monotonic() < deadline, "nobody listens"
                time.sleep(0.01)
            yield process
            # Clients have told it to quit, or whoever wrote the block.
            assert process.wait(timeout=DEADLINE) == 0, process.communicate()
        finally:
            process.kill()


def _is_served(path):
    """Whether somebody listens at a path: who is bound to it may not yet."""
    sockets = [line.split() for line in Path("/proc/net/unix").read_text().splitlines()]
    # __SO_ACCEPTCON of Linux's include/linux/net.h.
    return any(each[-1] == str(path) and int(each[3], 16) & 0x10000 for each in sockets)


def talk_qemu_qmp(path, steps):
    """Hold a session with qemu.qmp; return the greeting and what was seen of each step."""

    async def talk():
        client = QMPClient("test")
        await client.connect(str(path))
        seen = [await _execute(client, step) for step in steps]
        greeting = client.greeting
        await _leave(client)
        assert greeting is not None
        return greeting._asdict(), seen

    return asyncio.run(asyncio.wait_for(talk(), DEADLINE))


async def _execute(client, step):
    result = error = None
    try:
        result = await client.execute(step.command, step.arguments, oob=step.oob)
    except ExecuteError as caught:
        error = (type(caught).__name__, caught.error_class, str(caught))
    return Seen(result, error, [_describe(each) for each in client.events.clear()])


def begin_qemu_qmp(path, steps):
    """Let qemu.qmp send commands before it has negotiated; return what was seen of each."""

    async def talk():
        client = QMPClient("test")
        client.negotiate = False
        await client.connect(str(path))
        seen = [await _execute(client, step) for step in steps]
        await _leave(client)
        return seen

    return asyncio.run(asyncio.wait_for(talk(), DEADLINE))


async def _leave(client):
    # Who has quit is gone, as QEMU is.
    with contextlib.suppress(EOFError):
        await client.disconnect()


def talk_qmp(path, steps):
    """Hold a session with the client of QEMU 5.0, PyPI's qmp."""
    with qmp.QEMUMonitorProtocol(str(path)) as session:
        greeting = session.connect()
        session.settimeout(DEADLINE)
        return greeting, [_send(session, step) for step in steps]


def _send(session, step):
    key = "exec-oob" if step.oob else "execute"
    reply = session.cmd_obj({key: step.command, "arguments": step.arguments, "id": 7})
    assert reply.pop("id", 7) == 7
    # It has read them before the reply; asked, it would read on.
    events = [_describe(each) for each in session._QEMUMonitorProtocol__events]
    session.clear_events()
    error = reply.get("error")
    return Seen(reply.get("return"), error and (error["class"], error["desc"]), events)


def begin_qmp(path, steps):
    """Let PyPI's qmp do that; the first reply that it sees is the greeting."""
    with qmp.QEMUMonitorProtocol(str(path)) as session:
        session.connect(negotiate=False)
        session.settimeout(DEADLINE)
        return [session.cmd(step.command, step.arguments) for step in steps]


def talk_qmp_shell(path, steps):
    """Hold a session with qmp-shell, a process, which shows events where nothing is typed."""
    typed = [line for step in steps for line in (type_step(step), "")]
    banner, *shown, last = run_shell(str(path), *typed).split("(QEMU) ")
    assert last == "\n"
    replies = map(json.loads, shown[::2])
    events = [
        [_describe(ast.literal_eval(each)) for each in text.splitlines()] for text in shown[1::2]
    ]
    return banner, [
        Seen(reply.get("return"), reply.get("error") and tuple(reply["error"].items()), told)
        for reply, told in zip(replies, events, strict=True)
    ]


def type_step(step):
    """Return what is typed into qmp-shell."""
    words = [f"{key}={_spell(value)}" for key, value in step.arguments.items()]
    return " ".join([step.command, *words])


def _spell(value):
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def _describe(event):
    assert event.keys() <= {"event", "data", "timestamp"}
    assert event["timestamp"].keys() == {"seconds", "microseconds"}
    return event["event"], event.get("data")


def outline(value):
    """Return the types in a value: of all members, and of what lists consist of."""
    match value:
        case dict():
            return {key: outline(each) for key, each in value.items()}
        case list():
            return [outline(each) for each in value[:1]]
        case _:
            return type(value).__name__


def is_alike(ours, theirs):
    """Whether two outlines agree where both have something: results may lack optional members."""
    match ours, theirs:
        case dict(), dict():
            return all(is_alike(ours[key], theirs[key]) for key in ours.keys() & theirs.keys())
        case list(), list():
            return all(is_alike(one, other) for one, other in zip(ours, theirs, strict=False))
        case _:
            return ours == theirs

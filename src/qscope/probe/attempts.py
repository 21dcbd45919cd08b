"""What to try on a server: a QMP command with its arguments, or a line for the human monitor.

In: words as a user writes them. Out: `Attempt`s. Next stage: calling.py.
"""

import json
import re
from typing import Any

import msgspec
from msgspec import Struct

from qscope.ask.syntax.json_text import parse_json_text
from qscope.errors import ArgumentError

HMP = "human-monitor-command"
_HMP_PREFIX = "hmp:"
# What QAPI allows a command to be called, and what vendors put in front.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
# The name of a human monitor's command ends at a space, or at the `/` of a format as in `x/4i`.
_HMP_NAME = re.compile(r"[^\s/]+")
_SHORTEST = 60


class Attempt(Struct, frozen=True):
    """One command. `line` is what the human monitor is given, if it is one of its commands."""

    command: str
    arguments: dict[str, Any] = {}
    line: str = ""

    @property
    def is_hmp(self) -> bool:
        """Whether the human monitor is asked."""
        return bool(self.line)

    @property
    def name(self) -> str:
        """How a user calls it."""
        return f"{_HMP_PREFIX}{self.line}" if self.line else self.command

    @property
    def topic(self) -> str:
        """What the human monitor is asked about with `help`: its command, with `info` two words."""
        words = self.line.split()
        found = _HMP_NAME.match(words[0]) if words else None
        first = found[0] if found else self.line
        return f"info {words[1]}" if words[:1] == ["info"] and len(words) > 1 else first


def parse_attempt(text: str, arguments: str | None = None) -> Attempt:
    """Parse `COMMAND`, `COMMAND {JSON}`, `{"execute": …}` or `hmp:LINE`.

    `arguments` is JSON that was given apart. Raises ArgumentError.
    """
    text = text.strip()
    if text.startswith(_HMP_PREFIX):
        attempt = _parse_hmp(text.removeprefix(_HMP_PREFIX).strip())
    elif text.startswith("{"):
        attempt = _parse_message(text)
    else:
        command, _, rest = text.partition(" ")
        attempt = Attempt(_check_name(command), _parse_arguments(command, rest.strip() or "{}"))
    if arguments is None:
        return attempt
    if attempt.arguments or attempt.is_hmp:
        what = "hmp: takes its arguments in the line" if attempt.is_hmp else "it has arguments"
        raise ArgumentError(f"{attempt.command}: {what}, so that no JSON may follow")
    return Attempt(attempt.command, _parse_arguments(attempt.command, arguments))


def _parse_hmp(line: str) -> Attempt:
    if not line or not line.isprintable():
        raise ArgumentError(f"hmp:{_clip(line)}: not one line, as typed into the human monitor")
    return Attempt(HMP, {"command-line": line}, line)


def _parse_message(text: str) -> Attempt:
    message = _parse_object("the command", text)
    unknown = sorted(set(message) - {"execute", "arguments", "id"})
    if "exec-oob" in message:
        raise ArgumentError('exec-oob: commands are sent in band: "execute"')
    if unknown:
        raise ArgumentError(
            f'{_clip(unknown[0])}: a QMP command has "execute" and "arguments", no other member'
        )
    command, arguments = message.get("execute"), message.get("arguments", {})
    if not isinstance(command, str):
        raise ArgumentError(
            'execute: a QMP command has the name of a command there: "query-status"'
        )
    if not isinstance(arguments, dict):
        raise ArgumentError(f'{_clip(command)}: "arguments" takes an object: {{…}}')
    return Attempt(_check_name(command), arguments)


def _check_name(command: str) -> str:
    if not _NAME.fullmatch(command):
        raise ArgumentError(
            f"{_clip(command) or 'nothing'}: no name of a command; query-status is one, "
            "hmp:LINE is for the human monitor"
        )
    return command


def _parse_arguments(command: str, text: str) -> dict[str, Any]:
    return _parse_object(f"the arguments of {command}", text)


def _parse_object(what: str, text: str) -> dict[str, Any]:
    try:
        value = parse_json_text(text)
        # What the reader lets pass and cannot be sent: infinity, nesting without end, half a code.
        json.dumps(value, allow_nan=False)
        msgspec.json.encode(value)
    except ArgumentError as error:
        raise ArgumentError(f"{what}: {error}") from error
    except RecursionError as error:
        raise ArgumentError(f"{what}: nested too deeply") from error
    except ValueError as error:
        raise ArgumentError(f"{what}: a number too large, or no UTF-8") from error
    if not isinstance(value, dict):
        raise ArgumentError(f"{what}: takes an object, {{…}}, not {_clip(text)}")
    return value


def _clip(text: str) -> str:
    short = text if len(text) <= _SHORTEST else f"{text[:_SHORTEST]}…"
    return short.encode("utf-8", "backslashreplace").decode()

"""What one client sends, judged by an interface: bytes in, a `Judged` for each message out.

The bytes are read as the interface's QEMU would read them, and what is no command is refused in its
words. Whether the client may execute out of band is told by what it negotiated itself. No other
state is known here.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from msgspec import UNSET

from qscope.ask.answer import Verdict
from qscope.ask.finding import Finding, Severity, conclude
from qscope.ask.validation import validate_message
from qscope.model.interface import Interface
from qscope.serve.dialect import find_json_dialect
from qscope.serve.wire.assembly import Fault
from qscope.serve.wire.message import Rejection, Request, check_message
from qscope.serve.wire.stream import JSONStream

_NEGOTIATION = "qmp_capabilities"
# Garbage that QEMU quotes may be as long as the message.
_LONGEST = 200


class Judged(NamedTuple):
    """A message of a client: the how many-th, and what is wrong with it.

    `command` is None where none is named; `is_command` tells whether it has a command's shape. `id`
    is UNSET where there is none.
    """

    number: int
    command: str | None
    is_command: bool
    id: Any
    findings: tuple[Finding, ...]


class Judge:
    """Reads and judges the messages of one client."""

    def __init__(self, interface: Interface) -> None:
        self._stream = JSONStream(find_json_dialect(interface))
        self._interface = interface
        self._count = 0
        self._has_negotiated = self._is_oob = False

    def judge(self, data: bytes) -> Iterator[Judged]:
        """Yield what the next bytes complete."""
        self._stream.feed(data)
        while (taken := self._stream.take()) is not None:
            self._count += 1
            if isinstance(taken, Fault):
                finding = Finding("json", "", _clip(taken.desc))
                yield Judged(self._count, None, False, UNSET, (finding,))
            else:
                yield self._judge_value(taken.value)

    def _judge_value(self, value: Any) -> Judged:
        match check_message(value, oob=self._is_oob):
            case Rejection(desc=desc, id=id_):
                finding = Finding("message", "", _clip(desc))
                return Judged(self._count, _find_command(value), False, id_, (finding,))
            case Request(command=command, arguments=arguments, id=id_):
                findings = self._validate(value)
                if command == _NEGOTIATION and not self._has_negotiated:
                    self._negotiate(arguments or {}, findings)
                return Judged(self._count, command, True, id_, findings)

    def _validate(self, value: Any) -> tuple[Finding, ...]:
        try:
            return tuple(validate_message(self._interface, value))
        except Exception as error:  # noqa: BLE001 - the next message can be judged
            what = f"an internal error, please report it: {error!r:.200}"
            return (Finding("not-judged", "", what, Severity.UNKNOWN),)

    def _negotiate(self, arguments: dict[str, Any], findings: tuple[Finding, ...]) -> None:
        """Take note of `oob`; a negotiation that is refused enables nothing and may be repeated."""
        if conclude(findings) is not Verdict.NO:
            self._has_negotiated = True
            self._is_oob = "oob" in (arguments.get("enable") or ())


def _find_command(value: Any) -> str | None:
    """Return the command that a malformed message names."""
    names = [value.get(key) for key in ("execute", "exec-oob")] if type(value) is dict else []
    return next((name for name in names if isinstance(name, str)), None)


def _clip(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"

"""Sessions with a QEMU that remembers: tried on the mock's memory, and on the real QEMU 7.2.

They are in mock_sessions.txt. `[name] machine` begins a session. Its lines: `> command
{arguments}`, and then what comes of it: `* EVENT {data}` before the reply, `+ EVENT {data}` behind
it; `ok`, `= what the result has`, or `! a refusal` (`!DeviceNotFound ...` where its class is not
GenericError). A list has at least the elements that are named, an object the members; an empty list
is empty.
"""

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

_Q35 = (
    "-machine q35 -m 128M,slots=2,maxmem=1G -device pcie-root-port,id=rp0,chassis=1"
    " -device pcie-root-port,id=rp1,chassis=2 -device qemu-xhci,id=xhci"
    " -device virtio-scsi-pci,id=scsi0"
)
_MACHINES = {"none": (), "q35": tuple(_Q35.split())}
_HEAD = re.compile(r"\[(?P<name>.+)\] (?P<machine>\w+)")


class Step(NamedTuple):
    """A command, and what must come of it."""

    command: str
    arguments: dict[str, Any]
    before: list[tuple[str, dict[str, Any]]]
    after: list[tuple[str, dict[str, Any]]]
    # (class, text); None: it is not refused.
    refusal: tuple[str, str] | None = None
    # What the result has; `...`: anything.
    result: Any = ...


class Session(NamedTuple):
    """Commands in their order, and the words that a real QEMU is started with."""

    name: str
    words: tuple[str, ...]
    steps: list[Step]


def _read_sessions():
    sessions = []
    for line in (Path(__file__).parent / "mock_sessions.txt").read_text().splitlines():
        if head := _HEAD.fullmatch(line):
            sessions.append(Session(head["name"], _MACHINES[head["machine"]], []))
        elif line and not line.startswith("#"):
            _read_line(sessions[-1].steps, line)
    return sessions


def _read_line(steps, line):
    mark, _, rest = line.partition(" ")
    name, _, data = rest.partition(" ")
    match mark:
        case ">":
            steps.append(Step(name, json.loads(data or "{}"), [], []))
        case "*":
            steps[-1].before.append((name, json.loads(data or "{}")))
        case "+":
            steps[-1].after.append((name, json.loads(data or "{}")))
        case "=":
            steps[-1] = steps[-1]._replace(result=json.loads(rest))
        case "ok":
            pass
        case _:
            assert mark.startswith("!"), line
            steps[-1] = steps[-1]._replace(refusal=(mark[1:] or "GenericError", rest))


def has(result, expected):
    """Whether a result has all that is expected of it."""
    if isinstance(expected, dict):
        return isinstance(result, dict) and all(
            name in result and has(result[name], value) for name, value in expected.items()
        )
    if isinstance(expected, list) and expected:
        return all(any(has(each, wanted) for each in result) for wanted in expected)
    return result == expected


SESSIONS = _read_sessions()

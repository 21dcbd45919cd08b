"""What a real QEMU makes of a QMP message, and whether a verdict agrees with it.

`Server` sends a message as it is written. `read_refusal` tells a refusal for what a message is from
one for the state QEMU is in: only the first can be known before it is sent.
"""

import json
import re
from typing import NamedTuple

from qscope.ask.finding import Severity
from tests.behaviour_checks import Qemu

_PLUGGABLE = "pluggable device type"

# Texts are no interface, but they are all that tells why; those of 5.2 to 11.1. The first group
# is the member, or the value, that is meant.
_REFUSALS = [
    re.compile(pattern)
    for pattern in (
        r"Parameter '(.*)' is (?:unexpected|missing)$",
        # With an underscore it is a member that was read, and is checked.
        r"Parameter '((?!multifd_|xbzrle_|cpu_thr|offset' expects a non).*)' expects .*",
        r"Parameter '(.*)' does not accept value '.*'$",
        r"Invalid parameter type for '(.*)', expected:? .*",
        # The value that an enum has not; 5.2's set_password names its members so.
        r"Invalid parameter '((?!protocol|connected).*)'$",
        r"QMP input member '(.*?)' .*",
        r"QMP input lacks member '(.*)'$",
        r"QMP input must be a JSON object$",
        r"Property '[^.']*\.(.*)' (?:not found|is not writable)$",
        r"Property '[^.']*\.(.*)' doesn't take value '.*'$",
        r"Property [^ ]*\.(.*) doesn't take value (?:\d+ \(m|'\d+', it's not).*",
        r"parameter (.*) must be a power of 2 between .*",
        r"'(.*)' is not a valid device model name$",
        r"Insufficient permission to perform this operation$",
        r"[Ii]nvalid object type: (.*)$",
        r"object type '(.*)' (?:is abstract|isn't supported by object-add)",
        r"Invalid node-name: '(.*)'$",
        r"Invalid node name$",
        r"Invalid qdev ID '(.*)'$",
        r"The command (.*) does not support OOB$",
        r"(?:\d+:\d+: )?JSON parse error, .*",
        r"JSON nesting depth limit exceeded$",
        r"Invalid JSON syntax$",
    )
]


class Refusal(NamedTuple):
    """That QEMU refused a message for what it is; `named` is what its text names."""

    text: str
    named: str


class Server:
    """A QEMU that is sent messages; one that a message kills is started anew."""

    def __init__(self, binary, machine):
        self._binary, self._machine = binary, machine
        self._qemu = Qemu(binary, machine=machine)

    def __enter__(self):
        self._qemu.__enter__()
        return self

    def __exit__(self, *_):
        self._qemu.__exit__()

    def send(self, text):
        """Return the reply, None if QEMU died of it."""
        self._qemu._socket.sendall(f"{text}\n".encode())
        try:
            return self._receive()
        except (EOFError, OSError):
            self.__exit__()
            self._qemu = Qemu(self._binary, machine=self._machine)
            self.__enter__()
            return None

    def _receive(self):
        while "event" in (reply := self._qemu._receive()):
            pass
        return reply


def read_refusal(reply):
    """Return the refusal, None where QEMU took a message or refused it for its state."""
    error = reply.get("error")
    if error is None:
        return None
    if error["class"] == "CommandNotFound":
        return Refusal(error["desc"], "")
    for pattern in _REFUSALS:
        if found := pattern.match(error["desc"]):
            return Refusal(error["desc"], found[1] if pattern.groups else "")
    return None


def find_disagreement(reply, findings):
    """Say where findings and what QEMU did differ ("" where they agree)."""
    errors = [each for each in findings if each.severity is Severity.ERROR]
    refusal = read_refusal(reply)
    if refusal is None:
        return f"it is not refused for what it is: {errors[0]}" if errors else ""
    if _PLUGGABLE in refusal.text:
        # Not by anybody, or not while the machine runs, which nothing tells.
        return ""
    if not errors and any(each.severity is Severity.UNKNOWN for each in findings):
        return ""
    if any(_means(each, refusal.named) for each in findings):
        return ""
    return f"{refusal.text}; found: {'; '.join(map(str, errors)) or 'nothing'}"


def _means(finding, named):
    """Whether a finding is about what QEMU names: by its path, its last part, or not at all."""
    where = finding.where
    if finding.severity is Severity.WARNING:
        return False
    if not named or named in (where, re.split(r"[.]", where)[-1]):
        return True
    # Elements of arrays have no name.
    return (named == "null" and where.endswith("]")) or json.dumps(named) in finding.message

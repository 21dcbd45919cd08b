"""JSON values to requests: the shape of a message, before anybody looks the command up.

Facts from QEMU's qapi/qmp-dispatch.c. All refusals here are of class GenericError.
"""

from typing import Any, NamedTuple

from msgspec import UNSET


class Request(NamedTuple):
    """A message in the right shape; nothing is known of the command but its name."""

    command: str
    arguments: dict[str, Any] | None
    id: Any
    oob: bool


class Rejection(NamedTuple):
    """Why a message is none, as the reply will say it."""

    error_class: str
    desc: str
    id: Any


def check_message(value: Any, *, oob: bool) -> Request | Rejection:
    """Return the request in a JSON value; `oob`: whether the client has negotiated it.

    The id is UNSET where there is none: only an object has one.
    """
    if type(value) is not dict:
        return Rejection("GenericError", "QMP input must be a JSON object", UNSET)
    command: Any = None
    for key, member in value.items():
        if key == "execute" or (key == "exec-oob" and oob):
            if type(member) is not str or command is not None:
                return _reject(value, oob=oob)
            command = member
        elif key == "arguments":
            if type(member) is not dict:
                return _reject(value, oob=oob)
        elif key != "id":
            return _reject(value, oob=oob)
    if command is None:
        return _reject(value, oob=oob)
    return Request(command, value.get("arguments"), value.get("id", UNSET), "exec-oob" in value)


def _reject(message: dict[str, Any], *, oob: bool) -> Rejection:
    return Rejection("GenericError", _find_fault(message, oob=oob), message.get("id", UNSET))


def _find_fault(message: dict[str, Any], *, oob: bool) -> str:
    """Return the fault that QEMU comes upon first, going through the keys in its order."""
    command = None
    for key in sorted(reversed(message), key=_hash_key):
        if key == "execute" or (key == "exec-oob" and oob):
            if type(message[key]) is not str:
                return f"QMP input member '{key}' must be a string"
            if command is not None:
                return f"QMP input member '{key}' clashes with '{command}'"
            command = key
        elif key == "arguments":
            if type(message[key]) is not dict:
                return "QMP input member 'arguments' must be an object"
        elif key != "id":
            return f"QMP input member '{key}' is unexpected"
    return "QMP input lacks member 'execute'"


def _hash_key(key: str) -> int:
    """Return which of a QDict's 512 buckets a key is in (qobject/qdict.c has it from TDB)."""
    data = key.encode().replace(b"\0", b"\xc0\x80")
    value = 0x238F13AF * len(data)
    for index, byte in enumerate(data):
        value += byte << (index * 5 % 24)
    return (1103515243 * value + 12345) % 512

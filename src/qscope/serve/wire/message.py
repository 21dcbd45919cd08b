"""JSON values to requests: the shape of a message, before anybody looks the command up.

Facts from QEMU's qapi/qmp-dispatch.c. All refusals here are of class GenericError.
"""

from typing import Any, NamedTuple

from msgspec import UNSET

from qscope.serve.wire.qdict import order_keys


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


_NO_ARGUMENTS: dict[str, Any] = {}


def check_message(value: Any, *, oob: bool) -> Request | Rejection:
    """Return the request in a JSON value; `oob`: whether the client has negotiated it.

    The id is UNSET where there is none: only an object has one.
    """
    if type(value) is not dict:
        return Rejection("GenericError", "QMP input must be a JSON object", UNSET)
    name = "exec-oob" if oob and "exec-oob" in value else "execute"
    command = value.get(name)
    arguments = value.get("arguments", _NO_ARGUMENTS)
    id_ = value.get("id", UNSET)
    if (
        type(command) is str
        and type(arguments) is dict
        and value.keys() <= {name, "arguments", "id"}
    ):
        return Request(command, value.get("arguments"), id_, name != "execute")
    return Rejection("GenericError", _find_fault(value, oob=oob), id_)


def _find_fault(message: dict[str, Any], *, oob: bool) -> str:
    """Return the fault that QEMU comes upon first, going through the keys in its order."""
    command = None
    for key in order_keys(message):
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

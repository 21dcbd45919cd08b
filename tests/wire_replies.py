"""What a monitor that knows one command, query-status, answers to bytes, by the wire alone."""

from qscope.serve.wire.encode import encode_value
from qscope.serve.wire.message import Rejection, check_message
from qscope.serve.wire.qdict import order_keys
from qscope.serve.wire.stream import Fault, JSONDialect, JSONStream


class ModelMonitor:
    """Answers as QEMU does, a line a reply; the bytes of a connection are told to one of these."""

    def __init__(self, *, status, dialect=JSONDialect.V2_5, oob=False):
        self._stream = JSONStream(dialect)
        self._status = status
        self._oob = oob

    def answer(self, data):
        """Return the replies to the next bytes; keys and infinity are as QEMU prints them."""
        self._stream.feed(data)
        outcomes = iter(self._stream.take, None)
        return [_print(self._answer_one(outcome)) for outcome in outcomes]

    def _answer_one(self, outcome):
        if isinstance(outcome, Fault):
            return _refuse(outcome.desc)
        message = check_message(outcome.value, oob=self._oob)
        members = outcome.value if isinstance(outcome.value, dict) else {}
        return {key: members[key] for key in members if key == "id"} | self._execute(message)

    def _execute(self, message):
        if isinstance(message, Rejection):
            return _refuse(message.desc, message.error_class)
        if message.command != "query-status":
            desc = f"The command {message.command} has not been found"
            return _refuse(desc, "CommandNotFound")
        if message.oob:
            return _refuse("The command query-status does not support OOB")
        if message.arguments:
            return _refuse(f"Parameter '{order_keys(message.arguments)[0]}' is unexpected")
        return {"return": self._status}


def _refuse(desc, error_class="GenericError"):
    return {"error": {"class": error_class, "desc": desc}}


def _print(reply):
    reply = {key: value if key == "return" else _reorder(value) for key, value in reply.items()}
    ordered = {key: reply[key] for key in order_keys(reply)}
    return encode_value(ordered).replace(b"1e999", b"inf")


def _reorder(value):
    if isinstance(value, dict):
        return {key: _reorder(value[key]) for key in order_keys(value)}
    return [_reorder(item) for item in value] if isinstance(value, list) else value

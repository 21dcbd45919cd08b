"""What clients sent and were answered, as a transcript: one exchange a line.

In: requests and their replies. Out: lines of JSON, which qscope reads as a snapshot. What is no
command stands there by its refusal alone.
"""

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Raw

from qscope.serve.connection import Answering
from qscope.serve.context import Session
from qscope.serve.intake import Item, QuickRequest
from qscope.serve.wire.message import Request

_encode = msgspec.json.Encoder().encode


class Recorder:
    """Answers as somebody else does, and tells each exchange. `write` takes a line."""

    def __init__(self, inner: Answering, write: Callable[[bytes], None]) -> None:
        self._inner = inner
        self._write = write

    async def answer(self, item: Item, session: Session) -> bytes | None:
        """Return the reply to one message; None where it has none."""
        reply = await self._inner.answer(item, session)
        self._write(_encode({**_describe(item), **_read_outcome(reply)}) + b"\n")
        return reply


def _describe(item: Item) -> dict[str, Any]:
    match item:
        case QuickRequest(command=command, arguments=arguments):
            question: dict[str, Any] = {"execute": command}
            return question if arguments == b"{}" else {**question, "arguments": Raw(arguments)}
        case Request(command=command, arguments=given):
            return {"execute": command, **({"arguments": given} if given else {})}
        case _:
            return {}


def _read_outcome(reply: bytes | None) -> dict[str, Any]:
    """Return what a reply says; without one the connection was lost, or got what is no reply."""
    if reply is None:
        return {"crashed": True, "ended": "it was not answered"}
    message = msgspec.json.decode(reply, type=dict[str, Raw])
    return {key: each for key, each in message.items() if key != "id"}

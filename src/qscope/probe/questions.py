"""What a probe asks, in which order, as data and one generator that does no I/O.

In: the exchange that each question led to. Out: the next question. Driven by probing.py over a
socket and by session.py over somebody else's session.
"""

from collections.abc import Generator
from typing import Any, NamedTuple, TypeAlias

from msgspec import UNSET

from qscope.model.transcript import Exchange


class Question(NamedTuple):
    """A command and its arguments."""

    execute: str
    arguments: dict[str, Any] | None = None

    def answered(self, **outcome: Any) -> Exchange:
        """Return the exchange in which this question had that outcome."""
        return Exchange(execute=self.execute, arguments=self.arguments or UNSET, **outcome)


Dialogue: TypeAlias = Generator[Question, Exchange, tuple[Exchange, ...]]

QUESTIONS = (
    Question("query-version"),
    Question("query-target"),
    Question("query-qmp-schema"),
    Question("query-commands"),
    # Loads every module; query-command-line-options then has the groups of modules too (spice).
    Question("qom-list-types", {"abstract": True}),
    Question("qom-list-types", {"implements": "device"}),
    Question("query-command-line-options"),
    Question("query-migrate-capabilities"),
    Question("query-machines"),
    Question("query-cpu-definitions"),
)

# What to ask a server that lacks a command: QEMU before 2.5 lists its events in query-events, the
# guest agent its commands in guest-info.
INSTEAD_OF = {
    "query-qmp-schema": Question("query-events"),
    "query-commands": Question("guest-info"),
}


def hold_dialogue() -> Dialogue:
    """Yield each question, take its exchange, return all exchanges in order."""
    exchanges = []
    for question in QUESTIONS:
        exchange = yield question
        exchanges.append(exchange)
        if exchange.lacks_command and question.execute in INSTEAD_OF:
            exchanges.append((yield INSTEAD_OF[question.execute]))
    return tuple(exchanges)

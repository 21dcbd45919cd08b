"""The mock QEMU: a server made of a snapshot, or of a schema that exists only on paper.

In: recorded answers, or a schema. Out: a `MockServer`, which accepts what the QEMU accepts, refuses
what it refuses in the same words, and answers every command: recorded.py with what was recorded,
state/ with what it remembers, making.py with what the schema says, answers/ with what a tester
wrote.
"""

from qscope.serve.mock.answers import Answer, Answers, EventAnswer, Rule, parse_answers
from qscope.serve.mock.compat import parse_compat
from qscope.serve.mock.server import LIMITS, Manner, MockServer, mock_schema, mock_snapshot

__all__ = [
    "LIMITS",
    "Answer",
    "Answers",
    "EventAnswer",
    "Manner",
    "MockServer",
    "Rule",
    "mock_schema",
    "mock_snapshot",
    "parse_answers",
    "parse_compat",
]

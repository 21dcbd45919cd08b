"""Answers that a tester writes for the mock: results, errors, delays, events, faults.

In: the text of a TOML file, or rules that a test makes. Out: `Answers`, which finds the `Answer` to
a command. text.py reads the file, check.py compares rules with the schema that is served.
"""

from qscope.serve.mock.answers.check import check_answers, check_rule
from qscope.serve.mock.answers.rules import Answer, Answers, EventAnswer, Rule, TimedEvent
from qscope.serve.mock.answers.text import parse_answers

__all__ = [
    "Answer",
    "Answers",
    "EventAnswer",
    "Rule",
    "TimedEvent",
    "check_answers",
    "check_rule",
    "parse_answers",
]

"""Judging command lines in tests: the findings in short."""

import shlex

from qscope.ask.finding import Severity
from qscope.ask.line import check_line


def find(interface, line, severity=Severity.ERROR):
    """Return (rule, where) of each finding of a severity about a line on q35."""
    found = check_line(interface, ["-machine", "q35", *shlex.split(line)])
    return [(each.rule, each.where) for each in found if each.severity is severity]

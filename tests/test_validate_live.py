"""Verdicts on QMP commands against real QEMUs: the truth is what each of them answers."""

import shutil
import sys
from pathlib import Path

import pytest

import qscope
from qscope.ask.finding import Finding, Severity
from qscope.ask.validation import validate_message
from qscope.ask.validation.stream import DEEPEST, split_messages
from tests.test_live import _OTHERS
from tests.validate_truth import Server, find_disagreement, read_refusal

pytestmark = pytest.mark.live

_ROWS = Path(__file__).with_name("validate_rows.txt")
# Rows of 5.2 that it has no schema for: the structs behind properties of objects.
_UNDECIDED = 3
_NESTED = '{"execute":"qom-set","arguments":{"path":"/nosuch","property":"x","value":%s}}'


def read_rows():
    lines = _ROWS.read_text().splitlines()
    rows = [line for line in lines if line and not line.startswith("#")]
    # The message and its arguments are two levels.
    deep = [_NESTED % ("[" * depth + "]" * depth) for depth in (DEEPEST - 2, DEEPEST - 1)]
    return [*rows, *deep]


@pytest.fixture
def deep_recursion():
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(4 * DEEPEST + before)
    yield
    sys.setrecursionlimit(before)


def find_qemus():
    reason = "QSCOPE_QEMUS names no other QEMUs (paths, separated by colons)"
    yield pytest.param("", id="the QEMU")
    for path in _OTHERS or ["others"]:
        skip = pytest.mark.skipif(path == "others", reason=reason)
        yield pytest.param(path, id=path, marks=skip)


def judge(interface, row):
    (message,) = split_messages(row)
    if message.error:
        return [Finding("json", "", message.error)]
    return validate_message(interface, message.value)


@pytest.mark.parametrize("other", [*find_qemus()])
def test_verdicts_agree_with_qemu(qemu, other, deep_recursion):
    binary, rows = other or shutil.which(qemu), read_rows()
    interface = qscope.open(binary)
    if interface.identity.target != "x86_64":
        pytest.skip("the table is for x86_64")
    disagreements, refused, undecided = [], 0, 0
    with Server(binary, "pc") as server:
        for row in rows:
            reply = server.send(row)
            assert reply is not None, f"QEMU died of {row}"
            findings = judge(interface, row)
            if disagreement := find_disagreement(reply, findings):
                disagreements.append(f"{row[:200]}: {disagreement}: {reply}")
            severities = {finding.severity for finding in findings}
            refused += read_refusal(reply) is not None
            undecided += Severity.UNKNOWN in severities and Severity.ERROR not in severities
    assert disagreements == []
    assert undecided <= _UNDECIDED
    # Most rows are wrong, and a good part is not.
    assert 0.6 * len(rows) < refused < 0.9 * len(rows)
    assert len(rows) >= 400

"""check-cli against QEMUs that really start: the truth of every row is taken at run time.

The rows are in cli_rows.txt, one command line each, by family; every rule adds its two examples.
"""

import concurrent.futures
import os
import re
import zlib
from pathlib import Path

import pytest

import qscope
from qscope.ask import Verdict
from qscope.ask.finding import Severity, conclude
from qscope.ask.line import check_line
from qscope.ask.line.rules import RULES
from tests.started import complete, start

pytestmark = pytest.mark.live

_ROWS = Path(__file__).with_name("cli_rows.txt")
_JOBS = 4
# The option that a message of QEMU names.
_BLAME = re.compile(r"^\S*qemu\S*: (--?[A-Za-z][\w-]*)[ :](?!.*warning:)", re.MULTILINE)


def _read_families():
    families: dict[str, list[str]] = {}
    name = ""
    for line in _ROWS.read_text().splitlines():
        if line.startswith("##"):
            name = line.strip("# ")
        elif line.strip() and not line.startswith("#"):
            families.setdefault(name, []).append(line.strip())
    return families


# One row in so many is tried, always the same ones: all take minutes. QSCOPE_ALL_ROWS=1 tries all.
_EACH = 1 if os.environ.get("QSCOPE_ALL_ROWS") else 4


def _is_tried(row):
    return zlib.crc32(row.encode()) % _EACH == 0


# The last family is what the host decides: a note, no verdict.
_ALL_FAMILIES = {name: rows for name, rows in _read_families().items() if name != "host"}
_FAMILIES = {name: list(filter(_is_tried, rows)) for name, rows in _ALL_FAMILIES.items()}
_BINARIES = ["", *filter(None, os.environ.get("QSCOPE_QEMUS", "").split(":"))]


@pytest.fixture(scope="module", params=_BINARIES, ids=lambda path: Path(path).name or "installed")
def binary(request, qemu):
    return request.param or qemu


@pytest.fixture(scope="module")
def interface(binary, tmp_path_factory):
    os.environ["QSCOPE_CACHE_DIR"] = str(tmp_path_factory.mktemp("cache"))
    return qscope.open(binary)


def _start_all(binary, rows):
    with concurrent.futures.ThreadPoolExecutor(_JOBS) as pool:
        return list(pool.map(lambda row: start(binary, complete(row)), rows))


def _compare(row, found, interface):
    """Return in words how the verdict and the start disagree, None where they agree."""
    findings = check_line(interface, complete(row))
    verdict = conclude(findings)
    refusals = [str(each) for each in findings if each.severity is Severity.ERROR]
    expected = Verdict.YES if found.accepted else Verdict.NO
    if verdict is not expected:
        return f"{row}: {verdict.value} {refusals}; QEMU: {found.accepted} {found.stderr[-300:]}"
    blamed = _BLAME.search(found.stderr)
    if refusals and blamed and blamed[1] in row.split():
        named = [each for each in refusals if each.split(maxsplit=1)[0].rstrip(":") == blamed[1]]
        return None if named else f"{row}: {refusals}; QEMU blames {blamed[1]}"
    return None


@pytest.mark.parametrize("family", _FAMILIES)
def test_verdicts_agree_with_starts(family, binary, interface):
    rows = _FAMILIES[family]
    starts = _start_all(binary, rows)
    measured = [pair for pair in zip(rows, starts, strict=True) if pair[1].accepted is not None]
    assert measured or not rows
    wrong = filter(None, [_compare(row, found, interface) for row, found in measured])
    assert not "\n".join(wrong)


def test_there_are_rows_enough():
    rows = [row for rows in _ALL_FAMILIES.values() for row in rows]
    assert len(rows) == len(set(rows))
    assert sum(map(len, _FAMILIES.values())) >= 200


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_examples_of_rules(rule, binary, interface):
    release = ".".join((interface.identity.version or "").split(".")[:2])
    if release not in rule.checked:
        pytest.skip(f"not checked on {release}")
    refused, passed = _start_all(binary, [rule.refuses, rule.passes])
    assert refused.accepted is False, refused.stderr
    assert passed.accepted is True, passed.stderr
    findings = check_line(interface, complete(rule.refuses))
    assert rule.id in {each.rule for each in findings if each.severity is Severity.ERROR}
    assert conclude(check_line(interface, complete(rule.passes))) is Verdict.YES

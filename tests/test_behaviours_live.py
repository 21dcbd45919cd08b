"""The table of witnesses and behaviours beside QEMUs that run, so that it cannot rot.

$QSCOPE_QEMUS names more binaries than the one of $QSCOPE_QEMU, with colons between them.
"""

import functools
import os
import subprocess
from pathlib import Path

import pytest

from qscope.ask import Verdict, ask
from qscope.ask.witness_table import load_table
from qscope.model.interface import Interface
from qscope.probe import probe_binary
from tests.behaviour_checks import CHECKS

TABLE = load_table()
OTHERS = list(filter(None, os.environ.get("QSCOPE_QEMUS", "").split(":")))


@pytest.fixture(scope="module", params=[None, *OTHERS])
def binary(request):
    """Return the path of a QEMU that has the machine 'pc'."""
    path = request.param or request.getfixturevalue("qemu")
    machines = subprocess.run(
        [path, "-machine", "help"], capture_output=True, text=True, timeout=30, check=True
    )
    if "\npc " not in machines.stdout:
        pytest.skip(f"{path} has no machine 'pc', on which the checks run")
    return path


@functools.cache
def probe(binary):
    return Interface.from_snapshot(probe_binary(Path(binary), timeout=30))


def test_everything_in_the_table_has_a_check():
    assert set(CHECKS) == {*TABLE.witnesses, *(f"behaviour:{name}" for name in TABLE.behaviours)}


@pytest.mark.live
@pytest.mark.parametrize("fact", CHECKS)
def test_qemu_does_what_the_answer_and_the_table_say(binary, fact):
    interface = probe(binary)
    holds = CHECKS[fact](binary)
    verdict = ask(interface, fact).verdict
    assert verdict is Verdict.UNKNOWN or (verdict is Verdict.YES) == holds
    row = TABLE.witnesses.get(fact) or TABLE.behaviours[fact.removeprefix("behaviour:")]
    assert row.checked.get(interface.identity.version, holds) == holds


@pytest.mark.live
def test_what_the_schema_and_the_machines_witness_is_decided(binary):
    """Were all of it unknown, the test above would say nothing."""
    interface = probe(binary)
    undecided = [
        fact
        for fact, row in TABLE.witnesses.items()
        if ask(interface, fact).verdict is Verdict.UNKNOWN and not row.path.startswith("machine:")
    ]
    assert [fact for fact in undecided if TABLE.witnesses[fact].absent == "no"] == []

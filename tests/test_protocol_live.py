"""Our servers and QEMU, told the same things, say the same: the truth is taken when this runs.

Ours are one with a few commands of its own, and a mock of the QEMU.
"""

import json
import os
import random
import re

import pytest

from qscope.serve.wire.stream import JSONDialect
from tests.beside_qemu import run_mock, run_qemu, run_server
from tests.protocol_rows import ROWS, mutate
from tests.protocol_server import make_server
from tests.protocol_talk import ask_version, converse, split_bands

pytestmark = pytest.mark.live

# QEMU learned to yank in 6.0, to print a number as exactly as it was read, and better words for
# a value that an enum lacks.
_NEW_IN_6_0 = re.compile(rb'yank|[0-9][.e]-?[0-9]|[0-9]{19}|"nope"\]')
_SLOW = ("more tokens than fit",)
# What migrate-pause says is no matter of the protocol, and changed in 8.2.
_OWN_WORDS = re.compile(r"(?<=migrate-pause is currently only supported during ).*")


@pytest.fixture(scope="module")
def real(qemu, tmp_path_factory):
    """Return the socket of a running QEMU."""
    with run_qemu(qemu, tmp_path_factory.mktemp("real") / "qmp") as path:
        yield path


@pytest.fixture(scope="module")
def version(real):
    return ask_version(real)


@pytest.fixture(scope="module", params=[False, True], ids=["server", "mock"])
def is_mock(request):
    return request.param


@pytest.fixture(scope="module")
def ours(is_mock, qemu, version, tmp_path_factory):
    """Return the socket of a server of ours, which words JSON errors as this QEMU does."""
    path = tmp_path_factory.mktemp("ours") / "qmp"
    dialect = JSONDialect.V11_1 if version >= (11, 1) else JSONDialect.V2_5
    with run_mock(qemu, path) if is_mock else run_server(lambda: make_server(dialect), path):
        yield path


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in ROWS])
def test_server_answers_as_qemu(row, real, ours, is_mock, version):
    if row.name in _SLOW and not os.environ.get("QSCOPE_ALL_ROWS"):
        pytest.skip("QEMU takes ten seconds to read it; QSCOPE_ALL_ROWS=1 tries it")
    if version < (6, 0) and any(_NEW_IN_6_0.search(each) for each in _sent(row)):
        pytest.skip("of QEMU 6.0")
    _compare(converse(ours, row), converse(real, row))


@pytest.mark.parametrize("seed", range(10))
def test_server_answers_as_qemu_what_is_spoiled(seed, real, ours, version):
    if version < (6, 0):
        pytest.skip("numbers are printed exactly since QEMU 6.0")
    for row in mutate(ROWS, random.Random(seed), 200):
        try:
            true = converse(real, row)
        except json.JSONDecodeError:
            # QEMU prints an id that is infinite as inf.
            continue
        _compare(converse(ours, row), true, row)


def _compare(said, true, row=None):
    """Demand the same of both; a row that has no name of its own is shown."""
    for ours, theirs in zip(split_bands(said), split_bands(true), strict=True):
        assert [reply.essence for reply in ours] == [reply.essence for reply in theirs], row
        assert [_word(reply) for reply in ours] == [_word(reply) for reply in theirs], row


def _sent(row):
    return [step for step in row.steps if isinstance(step, bytes)]


def _word(reply):
    return _OWN_WORDS.sub("", reply.desc)

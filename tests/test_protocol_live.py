"""Our server and QEMU, told the same things, say the same: the truth is taken when this runs."""

import json
import os
import random
import re
import subprocess
import time

import pytest

from qscope.serve.wire.stream import JSONDialect
from tests.protocol_rows import ROWS, mutate
from tests.protocol_server import serve_in_thread
from tests.protocol_talk import ask_version, converse, split_bands

pytestmark = pytest.mark.live

_ARGUMENTS = ("-S", "-machine", "none", "-nodefaults", "-no-user-config", "-display", "none")
_DEADLINE = 30.0
# QEMU learned to yank in 6.0, to print a number as exactly as it was read, and better words for
# a value that an enum lacks.
_NEW_IN_6_0 = re.compile(rb'yank|[0-9][.e]-?[0-9]|[0-9]{19}|"nope"\]')
_SLOW = ("more tokens than fit",)
# What migrate-pause says is no matter of the protocol, and changed in 8.2.
_OWN_WORDS = re.compile(r"(?<=migrate-pause is currently only supported during ).*")


@pytest.fixture(scope="module")
def real(qemu, tmp_path_factory):
    """Return the socket of a running QEMU."""
    path = tmp_path_factory.mktemp("real") / "qmp"
    words = [qemu, *_ARGUMENTS, "-qmp", f"unix:{path},server=on,wait=off"]
    with subprocess.Popen(words, stdin=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + _DEADLINE
            while not path.is_socket():
                assert process.poll() is None, "QEMU ended"
                assert time.monotonic() < deadline, "QEMU does not listen"
                time.sleep(0.01)
            yield path
        finally:
            process.kill()


@pytest.fixture(scope="module")
def version(real):
    return ask_version(real)


@pytest.fixture(scope="module")
def ours(version, tmp_path_factory):
    """Return the socket of our server, which words JSON errors as this QEMU does."""
    dialect = JSONDialect.V11_1 if version >= (11, 1) else JSONDialect.V2_5
    with serve_in_thread(tmp_path_factory.mktemp("ours") / "qmp", dialect) as path:
        yield path


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in ROWS])
def test_server_answers_as_qemu(row, real, ours, version):
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

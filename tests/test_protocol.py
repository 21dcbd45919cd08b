"""Our server gets through everything that test_protocol_live.py compares, and what ends a QEMU."""

import random

import pytest

from qscope.serve import JSONDialect
from tests.beside_qemu import run_server
from tests.protocol_rows import ROWS, Row, Session, mutate
from tests.protocol_server import make_server
from tests.protocol_talk import converse


@pytest.fixture(scope="module", params=list(JSONDialect), ids=lambda dialect: dialect.name)
def ours(request, tmp_path_factory):
    """Return the socket of our server."""
    path = tmp_path_factory.mktemp("ours") / "qmp"
    with run_server(lambda: make_server(request.param), path):
        yield path


def test_there_are_rows_of_every_sort():
    names = [row.name for row in ROWS]
    assert len(set(names)) == len(names) >= 150
    assert {row.session for row in ROWS} == set(Session)


@pytest.mark.parametrize("seed", range(4))
def test_server_gets_through_what_is_spoiled(ours, seed):
    for row in mutate(ROWS, random.Random(seed), 250):
        assert converse(ours, row)[-1].type == "return" or row.session is Session.RAW, row


@pytest.mark.parametrize("data", [b"1]" * 20, b"[1}" * 50, b"nul]1]" * 20, b"1]" * 20_000])
def test_server_gets_through_what_aborts_qemu(ours, data):
    count = len(converse(ours, Row("full", (data,), Session.OOB)))
    assert count > len(data) / 3


@pytest.mark.parametrize("number", ["1e400", "-1e400", "9" * 400 + ".0"])
def test_infinite_id_is_echoed_as_json(ours, number):
    data = f'{{"execute": "query-version", "id": {number}}}'.encode()
    assert "Infinity" in converse(ours, Row("infinite", (data,)))[2].id

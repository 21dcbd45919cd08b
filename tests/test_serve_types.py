"""Values of a schema's types: as deep as JSON may be, and without leniency for our own."""

from typing import Any

import pytest

from qscope import qapi
from qscope.errors import RefusalError, UnknownNameError
from qscope.serve.types import Reading, Types

_SCHEMA = """
{ 'struct': 'Node',
  'data': { '*next': 'Node', '*list': ['Node'], '*either': 'Either', '*wide': 'uint64',
            '*byte': 'uint8', '*big': 'size' } }
{ 'alternate': 'Either', 'data': { 'node': 'Node', 'text': 'str' } }
"""


@pytest.fixture(scope="module")
def types():
    return Types(qapi.parse(_SCHEMA, docs="ignore"))


def nest(levels, wrap):
    value: dict[str, Any] = {}
    for _ in range(levels):
        value = wrap(value)
    return value


@pytest.mark.parametrize(
    ("levels", "wrap"),
    [
        pytest.param(1023, lambda value: {"next": value}, id="structs"),
        pytest.param(511, lambda value: {"list": [value]}, id="arrays"),
        pytest.param(1023, lambda value: {"either": value}, id="alternates"),
    ],
)
@pytest.mark.parametrize("reading", list(Reading))
def test_deep_values_are_read(types, levels, wrap, reading):
    node = types.find("Node")
    assert types.read(node, nest(levels, wrap), reading) is not None
    with pytest.raises(RefusalError):
        types.read(node, wrap({"wrong": nest(levels - 2, wrap)}), reading)


@pytest.mark.parametrize("name", ["wide", "big"])
def test_negative_numbers_are_large_ones_from_clients_alone(types, name):
    node = types.find("Node")
    assert getattr(types.read(node, {name: -1}), name) == (1 << 64) - 1
    with pytest.raises(RefusalError, match=f"'{name}' expects uint64"):
        types.read(node, {name: -1}, Reading.OUTPUT)


@pytest.mark.parametrize("reading", [Reading.JSON, Reading.OUTPUT])
def test_negative_bytes_are_never_right(types, reading):
    with pytest.raises(RefusalError):
        types.read(types.find("Node"), {"byte": -1}, reading)


@pytest.mark.parametrize("name", ["Nod", "", "q_empty2"])
def test_unknown_type(types, name):
    with pytest.raises(UnknownNameError, match="has no type"):
        types.find(name)


def test_class_of_what_is_no_object(types):
    with pytest.raises(UnknownNameError, match="no object type"):
        types.find_class("Either")

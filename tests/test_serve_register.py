"""Drivers that do not fit are refused in words about the program's schema, and change nothing."""

from pathlib import Path

import pytest

from qscope.errors import SchemaError, UnknownNameError
from qscope.serve import Server

SCHEMA = Path(__file__).parent.parent / "examples" / "storaged" / "storaged.json"
NBD = ("disk-add", "nbd", {"host": "str"})


@pytest.mark.parametrize(
    ("where", "driver", "members", "said"),
    [
        ("disk-addd", "nbd", {}, "no command 'disk-addd'; did you mean 'disk-add'?"),
        ("disk-remove", "nbd", {}, "'disk-remove', which does not take a union"),
        ("DISK_GONE", "nbd", {}, "DISK_GONE"),
        ("DiskAccess", "nbd", {}, "DiskAccess"),
        ("disk-add", "memory", {}, "has a branch 'memory' already"),
        ("disk-add", "n b d", {}, "'n b d' is no name"),
        ("disk-add", "", {}, "''"),
        ("disk-add", "nbd", {"id": "str"}, "meets base member 'id'"),
        ("disk-add", "nbd", {"host": "string"}, "'string', which does not exist"),
        ("disk-add", "nbd", "DiskNbd", "'DiskNbd', which does not exist"),
        ("disk-add", "nbd", "DiskAccess", "DiskAccess"),
        ("disk-add", "nbd", "{ 'struct': 'DiskInfo', 'data': {} }", "defined a second time"),
        ("disk-add", "nbd", "{ 'struct': ", ""),
    ],
)
def test_a_driver_that_does_not_fit(where, driver, members, said):
    server = Server(SCHEMA)
    before = server.schema
    with pytest.raises((SchemaError, UnknownNameError)) as caught:
        server.register_driver(where, driver, members)
    assert said in str(caught.value)
    assert "<server>" not in str(caught.value)
    assert server.schema is before


@pytest.mark.parametrize(
    ("where", "driver", "said"),
    [
        ("disk-add", "memory", "stands in the schema itself"),
        ("disk-add", "ndb", "no branch 'ndb'"),
        ("disk-remove", "nbd", "does not take a union"),
        ("nosuch", "nbd", "'nosuch'"),
    ],
)
def test_what_was_not_registered_cannot_be_removed(where, driver, said):
    server = Server(SCHEMA)
    server.register_driver(*NBD)
    with pytest.raises((SchemaError, UnknownNameError)) as caught:
        server.unregister_driver(where, driver)
    assert said in str(caught.value)
    assert "<server>" not in str(caught.value)
    assert server.schema.serial == 2


def test_a_driver_that_comes_and_goes_leaves_nothing_but_a_serial():
    server = Server(SCHEMA)
    before = server.schema
    server.register_driver(*NBD)
    assert server.schema.hash != before.hash
    server.unregister_driver("DiskOptions", "nbd")
    assert (server.schema.hash, server.schema.serial) == (before.hash, 3)

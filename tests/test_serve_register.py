"""What does not fit the schema is refused in words about the program, and changes nothing."""

from pathlib import Path

import pytest

from qscope.errors import SchemaError, ServeError, UnknownNameError
from qscope.serve import Server, Wire

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


@pytest.mark.parametrize(
    ("definition", "what"),
    [
        pytest.param(
            "{ 'command': 'query-version' }", "'query-version' .* needs a handler", id="version"
        ),
        pytest.param(
            "{ 'struct': 'Empty', 'data': {} }"
            "{ 'command': 'query-qmp-schema', 'returns': ['Empty'] }",
            "'query-qmp-schema' .* needs a handler",
            id="introspection",
        ),
        pytest.param(
            "{ 'event': 'SCHEMA_CHANGED' }", "'SCHEMA_CHANGED' .* is the server's", id="event"
        ),
    ],
)
def test_own_names_defined_otherwise(definition, what):
    with pytest.raises(ServeError, match=what):
        Server(definition).check()


def test_own_name_defined_otherwise_with_a_handler():
    server = Server("{ 'command': 'query-version' }")
    server.add_command("query-version", lambda ctx: None)
    server.check()


def test_dialect_that_is_none():
    with pytest.raises(TypeError, match="V11_1 is right"):
        Wire(dialect="11.1")  # type: ignore[arg-type]

"""The schema of a server, downloaded only if nobody has kept it.

In: a client that has greeted, and somewhere to keep replies. Out: a query-qmp-schema reply. A
server may announce the hash of its schema in the greeting; QEMU's does not.
"""

from typing import Protocol

from msgspec import Raw

from qscope.model.greeting import read_schema_hash
from qscope.qmp.client import QMPClient

QUERY = "query-qmp-schema"


class KeptSchemas(Protocol):
    """What keeps replies, under the hash that is computed of each; load/schemas.py does."""

    def find(self, schema_hash: str) -> bytes | None:
        """Return the reply that has this hash, None where none is kept."""

    def keep(self, reply: bytes) -> None:
        """Keep a reply, if that can be done."""


def fetch_schema(client: QMPClient, kept: KeptSchemas | None) -> Raw:
    """Return what query-qmp-schema returns: what is kept under the hash that the server announces.

    A reply is downloaded and kept otherwise. A server that announces no hash is asked, and nothing
    is kept of it: nobody would ask for that. Raises QMPError.
    """
    announced = read_schema_hash(client.greeting)
    if kept is None or announced is None:
        return client.execute(QUERY)
    reply = kept.find(announced)
    if reply is not None:
        return Raw(reply)
    result = client.execute(QUERY)
    kept.keep(bytes(result))
    return result

"""What a QMP greeting says beside QEMU's own members: the hash of the schema that is served.

    {"QMP": {…, "schema": {"hash": "sha256:…", "serial": 3}}}

In: a greeting as received. Out: the hash, as `canonical.schema_hash` computes it of a
query-qmp-schema reply. QEMU announces none; who does lets clients keep the reply.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

_HASH = re.compile(r"sha256:[0-9a-f]{64}")


class _Announced(Struct, frozen=True):
    hash: str
    serial: Annotated[int, Meta(ge=0)] = 0


def read_schema_hash(greeting: Mapping[str, Any] | None) -> str | None:
    """Return the hash that a greeting announces; None for none, and for what cannot be one."""
    announced = (greeting or {}).get("schema")
    try:
        found = msgspec.convert(announced, type=_Announced).hash
    except msgspec.ValidationError:
        return None
    return found if _HASH.fullmatch(found) else None

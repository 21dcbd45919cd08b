"""An introspectable QMP server for Python programs.

In: a QAPI schema and functions for its commands. Out: a QMP interface that describes itself, over
sockets. `Server` is where to begin; serve/command_line makes a program's command line of a QAPI
type. A message goes through intake.py (wire/), which cuts it out of bytes, dispatch.py, which looks
it up and reads its arguments (schema.py, types/), and connection.py, which keeps the order.
"""

from msgspec import UNSET, UnsetType

from qscope.errors import RefusalError, SchemaError, ServeError
from qscope.serve.context import Context, Peer, Session
from qscope.serve.limits import Limits
from qscope.serve.policy import Policy
from qscope.serve.server import Server, Wire
from qscope.serve.source import open_source
from qscope.serve.tls import make_tls_context
from qscope.serve.wire.parser import JSONDialect

__all__ = [
    "UNSET",
    "Context",
    "JSONDialect",
    "Limits",
    "Peer",
    "Policy",
    "RefusalError",
    "SchemaError",
    "ServeError",
    "Server",
    "Session",
    "UnsetType",
    "Wire",
    "make_tls_context",
    "open_source",
]

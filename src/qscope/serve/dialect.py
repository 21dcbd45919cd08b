"""How a QEMU reads JSON, and words what is wrong with it.

In: an interface. Out: the dialect of its monitor. Nothing that a QEMU tells shows it but its
version; a program served by qscope says something else by that.
"""

from qscope.ask.answer import Verdict
from qscope.ask.validation.release import is_since
from qscope.model.interface import Interface
from qscope.serve.wire.parser import JSONDialect


def find_json_dialect(interface: Interface) -> JSONDialect:
    """Return the dialect: the older one where the release is not known."""
    is_new = not interface.identity.program and is_since(interface, "11.1") is Verdict.YES
    return JSONDialect.V11_1 if is_new else JSONDialect.V2_5

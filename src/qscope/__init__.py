"""Know what a QEMU can do: its interface as data.

    import qscope
    interface = qscope.open("/usr/bin/qemu-system-x86_64")
    qscope.ask.ask(interface, "blockdev-add/arg-type/+file/drop-cache").verdict

`open` takes what the command line takes as S: a snapshot file, a QMP socket, a QEMU binary, or
nothing. Everything raised is a `QscopeError`.
"""

from typing import TYPE_CHECKING

from qscope._version import __version__
from qscope.errors import QscopeError

if TYPE_CHECKING:
    from qscope import ask, probe, qapi
    from qscope.ask import Answer, Verdict
    from qscope.load import open_interface as open  # noqa: A004
    from qscope.model.canonical import interface_hash, schema_hash
    from qscope.model.interface import Interface

_LAZY = {
    "Answer": ("qscope.ask", "Answer"),
    "Interface": ("qscope.model.interface", "Interface"),
    "Verdict": ("qscope.ask", "Verdict"),
    "ask": ("qscope.ask", ""),
    "interface_hash": ("qscope.model.canonical", "interface_hash"),
    "open": ("qscope.load", "open_interface"),
    "probe": ("qscope.probe", ""),
    "qapi": ("qscope.qapi", ""),
    "schema_hash": ("qscope.model.canonical", "schema_hash"),
}

__all__ = [
    "Answer",
    "Interface",
    "QscopeError",
    "Verdict",
    "__version__",
    "ask",
    "interface_hash",
    "open",
    "probe",
    "qapi",
    "schema_hash",
]


def __getattr__(name: str) -> object:
    """Import on first use: a query must not pay for what it does not use."""
    if name not in _LAZY:
        raise AttributeError(f"module 'qscope' has no attribute {name!r}")
    import importlib  # noqa: PLC0415

    module, attribute = _LAZY[name]
    found = importlib.import_module(module)
    return getattr(found, attribute) if attribute else found

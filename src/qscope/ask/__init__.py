"""Ask an `Interface`: path queries, trees, lists, counts. No reader here talks to a QEMU.

In: an `Interface` and a path or a name. Out: values that `cli` prints: answers are yes, no or
unknown, with what they rest on.
"""

from typing import TYPE_CHECKING

from qscope.ask.answer import Answer, Verdict
from qscope.ask.path import Path, compile_path
from qscope.ask.query import ask

if TYPE_CHECKING:
    from qscope.ask.validation import validate

__all__ = ["Answer", "Path", "Verdict", "ask", "compile_path", "validate"]


def __getattr__(name: str) -> object:
    """Import on first use: a query must not pay for judging."""
    if name == "validate":
        from qscope.ask.validation import validate  # noqa: PLC0415

        return validate
    raise AttributeError(f"module 'qscope.ask' has no attribute {name!r}")

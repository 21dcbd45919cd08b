"""Ask an `Interface`: path queries, trees, lists, counts. No reader here talks to a QEMU.

In: an `Interface` and a path or a name. Out: values that `cli` prints: answers are yes, no or
unknown, with what they rest on.
"""

from qscope.ask.answer import Answer, Verdict
from qscope.ask.path import Path, compile_path
from qscope.ask.query import ask

__all__ = ["Answer", "Path", "Verdict", "ask", "compile_path"]

"""The types of a served schema: values of the wire to typed values.

In: a resolved schema and the symbols defined. Out: `Types`. build.py makes nodes of definitions,
classes.py Python classes and quick decoders of nodes, read.py reads exactly.
"""

import contextlib
import sys
from collections.abc import Collection, Iterator
from typing import Any

import msgspec

from qscope import qapi
from qscope.errors import UnknownNameError
from qscope.serve.policy import ACCEPT, Policy
from qscope.serve.types.build import Builder
from qscope.serve.types.classes import Classes
from qscope.serve.types.nodes import Node, Object
from qscope.serve.types.read import ENUM_TEXT, Reader, Reading

__all__ = ["Reading", "Types"]


# Five frames a level, and as many again for whoever calls.
_DEEPEST = 12_000


@contextlib.contextmanager
def _deeper() -> Iterator[None]:
    """Let functions of Python call each other that deep: since 3.11 they need no stack of C's."""
    usual = sys.getrecursionlimit()
    sys.setrecursionlimit(max(usual, _DEEPEST))
    try:
        yield
    finally:
        sys.setrecursionlimit(usual)


class Types:
    """All types of a schema, for a program built with some symbols defined."""

    def __init__(
        self,
        schema: qapi.Schema,
        defines: Collection[str] = (),
        policy: Policy = ACCEPT,
        enum_text: str = ENUM_TEXT,
    ) -> None:
        self._builder = Builder(schema, frozenset(defines))
        self._classes = Classes()
        self._readers = {each: Reader(self._classes, each, policy, enum_text) for each in Reading}

    def find(self, name: str) -> Node:
        """Return the node of a type by its name in the source. Raises UnknownNameError."""
        try:
            return self._builder.find(name)
        except KeyError as error:
            raise UnknownNameError(f"the schema has no type '{name}'") from error

    def find_class(self, name: str) -> type[msgspec.Struct]:
        """Return the class of an object type's values; for a union the base of all of them."""
        node = self.find(name)
        if not isinstance(node, Object):
            raise UnknownNameError(f"'{name}' is no object type")
        leaves = self._classes.find_leaves(node)
        return self._classes.find_base(node) if node.tag is not None else leaves[()]

    def read(self, node: Node, value: Any, reading: Reading = Reading.JSON) -> Any:
        """Return a typed value. Raises RefusalError with QEMU's words for what is wrong."""
        reader = self._readers[reading]
        try:
            return reader.read(node, value)
        except RecursionError:
            # JSON is nested in no more than 1024 levels, which Python's usual limit is too low for.
            with _deeper():
                return reader.read(node, value)

    def make_decoder(self, node: Node) -> msgspec.json.Decoder[Any] | None:
        """Return a quick decoder; what it refuses may be right all the same."""
        return self._classes.make_decoder(node)

"""The types of a served schema: values of the wire to typed values.

In: a resolved schema and the symbols defined. Out: `Types`. build.py makes nodes of definitions,
classes.py Python classes and quick decoders of nodes, read.py reads exactly.
"""

from collections.abc import Collection
from typing import Any

import msgspec

from qscope import qapi
from qscope.errors import RefusalError, UnknownNameError
from qscope.serve.policy import ACCEPT, Policy
from qscope.serve.types.build import Builder
from qscope.serve.types.classes import Classes
from qscope.serve.types.nodes import Node, Object
from qscope.serve.types.read import Reader, Reading

__all__ = ["Reading", "Types"]


class Types:
    """All types of a schema, for a program built with some symbols defined."""

    def __init__(
        self, schema: qapi.Schema, defines: Collection[str] = (), policy: Policy = ACCEPT
    ) -> None:
        self._builder = Builder(schema, frozenset(defines))
        self._classes = Classes()
        self._readers = {each: Reader(self._classes, each, policy) for each in Reading}

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
        try:
            return self._readers[reading].read(node, value)
        except RecursionError as error:
            raise RefusalError("The arguments are nested too deep") from error

    def make_decoder(self, node: Node) -> msgspec.json.Decoder[Any] | None:
        """Return a quick decoder; what it refuses may be right all the same."""
        return self._classes.make_decoder(node)

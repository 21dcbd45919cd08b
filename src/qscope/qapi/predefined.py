"""What every schema has before its first line: the built-in types, QType, and nothing."""

from collections.abc import Iterator

from qscope.qapi.definitions import EMPTY, Array, Builtin, Entity, Enum, Object, Value

# JSON types of the built-in types (QEMU's schema.py; `any` is `value` on the wire).
_BUILTINS = {
    "str": "string",
    "number": "number",
    "int": "int",
    "int8": "int",
    "int16": "int",
    "int32": "int",
    "int64": "int",
    "uint8": "int",
    "uint16": "int",
    "uint32": "int",
    "uint64": "int",
    "size": "int",
    "bool": "boolean",
    "any": "value",
    "null": "null",
}
_QTYPE = ("none", "qnull", "qnum", "qstring", "qdict", "qlist", "qbool")


def predefine() -> Iterator[Entity]:
    """Yield them; an array of each built-in type among them."""
    for name, json_type in _BUILTINS.items():
        yield Builtin(name=name, json_type=json_type)
        yield Array(name=f"{name}List", element=name)
    yield Object(name=EMPTY)
    yield Enum(name="QType", values=tuple(Value(name) for name in _QTYPE))

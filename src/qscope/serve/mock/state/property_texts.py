"""How QEMU words the refusal of a device's property.

In: what ask/validation found wrong, the value, and QOM's name of the property's type. Out: the
refusal. The words are those of 7.2, where QemuOpts has made strings of all values, or of 10.0,
which reads the values as they come (both measured).
"""

from typing import Any

from qscope.ask.finding import Finding
from qscope.errors import RefusalError

# Integers to QOM's listing alone: a PCI address is written as slot and function.
_OWN_SYNTAX = ("addr",)
_UNSIGNED = ("uint8", "uint16", "uint32", "uint64", "size")
_SIGNED = ("int8", "int16", "int32", "int64", "int")


def refuse_property(
    typename: str, finding: Finding, kind: str, value: Any, *, is_strict: bool
) -> RefusalError:
    """Return the refusal of a property; `kind` is its type, `is_strict` tells 10.0's way."""
    name = finding.where
    if finding.rule == "property-unknown":
        return RefusalError(f"Property '{typename}.{name}' not found")
    if finding.rule == "property-read-only":
        return RefusalError(f"Property '{typename}.{name}' is not writable")
    if name in _OWN_SYNTAX:
        kind = "str"
        if is_strict and not isinstance(value, str):
            return RefusalError(f"Invalid parameter type for '{name}', expected int or str")
    desc = _word_strictly(name, kind, value) if is_strict else _word_loosely(name, kind, value)
    if desc is None:
        desc = f"Property '{typename}.{name}' doesn't take value '{to_text(value)}'"
    return RefusalError(desc)


def _word_loosely(name: str, kind: str, value: Any) -> str | None:
    text = to_text(value) or ""
    if kind == "bool":
        return f"Parameter '{name}' expects 'on' or 'off'"
    if kind == "size":
        return f"Parameter '{name}' expects size"
    if kind in (*_UNSIGNED, *_SIGNED):
        return f"Parameter '{name}' expects {_name_width(kind) if _is_integer(text) else 'integer'}"
    return _word_choice(name, kind, text)


def _word_strictly(name: str, kind: str, value: Any) -> str | None:
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    if kind in (*_UNSIGNED, *_SIGNED) and is_integer:
        return f"Parameter '{name}' expects {_name_width(kind)}"
    if kind in _UNSIGNED:
        return f"Parameter '{name}' expects uint64"
    expected = "boolean" if kind == "bool" else "integer" if kind in _SIGNED else "string"
    if expected != "string" or not isinstance(value, str):
        return f"Invalid parameter type for '{name}', expected: {expected}"
    return _word_choice(name, kind, value)


def _word_choice(name: str, kind: str, text: str) -> str | None:
    # QAPI's enumerations, unlike QOM's own types, begin with a capital.
    return f"Parameter '{name}' does not accept value '{text}'" if kind[:1].isupper() else None


def _name_width(kind: str) -> str:
    return "uint64" if kind == "size" else kind if kind.endswith("64") else f"{kind}_t"


def _is_integer(text: str) -> bool:
    try:
        int(text, 0)
    except ValueError:
        return False
    return True


def to_text(value: Any) -> str | None:
    """Return what QemuOpts makes of a value; None where it drops it."""
    match value:
        case bool():
            return "on" if value else "off"
        case str() | int():
            return str(value)
        case float():
            return f"{value:.17g}"
        case _:
            return None

"""Types in words: `uint16: 0 to 65535`, `one of on, off`, `the ID of a netdev`.

In: a type made of a property. Out: a few words, for tables and explanations.
"""

from collections.abc import Callable

from qscope.model.property_types import ScalarType
from qscope.model.schema_info import AlternateType, ArrayType, BuiltinType, Entity, EnumType

_FORMATS = {
    "mac": "MAC address",
    "uuid": "UUID",
    "pci-address": "PCI address",
    "host-pci-address": "PCI address on the host",
    "size": "size (bytes)",
    "id:drive": "node name or drive ID",
}
# IDs that are not those of a QOM object.
_NAMESPACES = ("netdev", "chardev", "audiodev", "tpmdev", "fsdev", "device")


def describe_type(find: Callable[[str], Entity | None], name: str) -> str:
    """Return in words what the type called `name` takes."""
    entity = find(name)
    match entity:
        case ScalarType():
            return _describe_scalar(entity)
        case BuiltinType():
            return "any" if entity.json_type == "value" else entity.json_type
        case EnumType():
            return " | ".join(entity.values)
        case ArrayType():
            return f"array of {describe_type(find, entity.element_type)}"
        case AlternateType():
            return " or ".join(describe_type(find, member.type) for member in entity.members)
        case _:
            return entity.meta_type if entity else name


def _describe_scalar(entity: ScalarType) -> str:
    if entity.format.startswith("id:") and entity.format not in _FORMATS:
        what = entity.format[3:]
        return f"{'ID' if what in _NAMESPACES else 'ID or path'} of {_article(what)} {what}"
    words = _FORMATS.get(entity.format, "")
    if "|" in entity.format:
        return entity.format.replace("|", " | ")
    if entity.json_type == "int" and entity.minimum is not None and entity.format != "size":
        return f"int {_range(entity)}"
    return words or entity.json_type


def _article(what: str) -> str:
    return "an" if what[:1] in "aeio" else "a"


def _range(entity: ScalarType) -> str:
    return f"{_limit(entity.minimum)}..{_limit(entity.maximum)}"


def _limit(number: int | None) -> str:
    """Return a limit; large ones are powers of two."""
    if number is None:
        return ""
    if abs(number) < 1 << 16:
        return str(number)
    bits = abs(number).bit_length()
    return f"-2^{bits - 1}" if number < 0 else f"2^{bits}-1"

"""Properties of machines that have members of their own: smp.cpus, memory.size, sgx-epc.0.node.

In: a property's name, and QOM's of its type. Out: the name of a type made of qapi/machine.json's,
which no command shows.
"""

from typing import NamedTuple

from qscope.ask.line.line import Line
from qscope.ask.options import find_option
from qscope.model.property_types import ScalarType
from qscope.model.schema_info import ArrayType, Entity, EnumMember, EnumType, Member, ObjectType


class Structure(NamedTuple):
    """A type's name, and the entry of `data/masked.json` that has its members."""

    type: str
    command: str = ""


_SIZE = ScalarType(
    name="machine:size", json_type="int", minimum=0, maximum=2**64 - 1, format="size"
)
_INT = ScalarType(name="machine:int", json_type="int")
_STRING = ScalarType(name="machine:str", json_type="string")
_STRINGS = ArrayType(name="machine:[str]", element_type=_STRING.name)
_MEMORY = ObjectType(
    name="machine:memory",
    members=tuple(
        Member(name=name, type=kind.name, default=None)
        for name, kind in (("size", _SIZE), ("max-size", _SIZE), ("slots", _INT))
    ),
)
_SGX = ObjectType(
    name="machine:sgx-epc",
    members=(Member(name="memdev", type=_STRING.name), Member(name="node", type=_INT.name)),
)
_WINDOW = ObjectType(
    name="machine:cxl-fmw",
    members=(
        Member(name="size", type=_SIZE.name),
        Member(name="interleave-granularity", type=_SIZE.name, default=None),
        Member(name="targets", type=_STRINGS.name),
    ),
)
_CACHE = ObjectType(
    name="machine:smp-cache",
    members=(
        Member(name="cache", type="machine:cache"),
        Member(name="topology", type="machine:topology"),
    ),
)
_CACHES = EnumType(
    name="machine:cache",
    sent_members=tuple(EnumMember(name=name) for name in ("l1d", "l1i", "l2", "l3")),
)
_TOPOLOGY = EnumType(
    name="machine:topology",
    sent_members=tuple(
        EnumMember(name=name)
        for name in (
            "thread", "core", "module", "cluster", "die", "socket", "book", "drawer", "default",
        )
    ),
)  # fmt: skip
_LISTS = tuple(
    ArrayType(name=f"{each.name}-list", element_type=each.name) for each in (_SGX, _WINDOW, _CACHE)
)
_PARTS: tuple[Entity, ...] = (
    _SIZE, _INT, _STRING, _STRINGS, _MEMORY, _SGX, _WINDOW, _CACHE, _CACHES, _TOPOLOGY, *_LISTS,
)  # fmt: skip
_TYPES = {
    "memory": Structure(_MEMORY.name),
    "sgx-epc": Structure("machine:sgx-epc-list"),
    "cxl-fmw": Structure("machine:cxl-fmw-list"),
    "smp-cache": Structure("machine:smp-cache-list"),
}
_OPTIONS = {"smp": "SMPConfiguration", "boot": "BootConfiguration"}


def find_structure_type(line: Line, name: str, declared: str) -> Structure | None:
    """Return the type of a property that has members; None where it has none, or nobody knows.

    `declared` is what QOM calls its type: before 6.2 -smp and -boot were no properties.
    """
    if name in _OPTIONS and declared == _OPTIONS[name]:
        option = find_option(line.interface, name)
        return Structure(option.arg_type) if option and option.arg_type else None
    if name not in _TYPES:
        return None
    for entity in _PARTS:
        line.interface.qom.adopt(entity)
    return _TYPES[name]

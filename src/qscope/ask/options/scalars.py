"""Types of parameters as tables write them: `bool`, `a|b|c`, `@blockdev-add/arg-type/driver`.

In: an interface and the text. Out: the name of a type that `Interface.find` has from then on.
"""

from qscope.ask.path import compile_path
from qscope.ask.walk import try_walk
from qscope.model.interface import Interface
from qscope.model.property_types import ScalarType
from qscope.model.schema_info import EnumMember, EnumType

_LARGEST = 2**64 - 1
# What follows the words of a parameter that takes others, too.
_OPEN = "..."

_SCALARS = {
    each.name: each
    for each in (
        # What query-command-line-options calls a string may be one of a few words: `untold`.
        ScalarType(name="option:untold", json_type="string"),
        ScalarType(name="option:string", json_type="string"),
        ScalarType(name="option:path", json_type="string", format="path"),
        ScalarType(name="option:bool", json_type="boolean"),
        ScalarType(name="option:int", json_type="int"),
        ScalarType(name="option:number", json_type="int", minimum=0, maximum=_LARGEST),
        ScalarType(name="option:uint8", json_type="int", minimum=0, maximum=2**8 - 1),
        ScalarType(name="option:uint32", json_type="int", minimum=0, maximum=2**32 - 1),
        ScalarType(name="option:size", json_type="int", minimum=0, maximum=_LARGEST, format="size"),
    )
}
# What query-command-line-options calls a type (CommandLineParameterType in qapi/misc.json).
COARSE = {"string": "untold", "boolean": "bool", "number": "number", "size": "size"}
# Which of them a table may make more of.
_REFINED = {
    "number": frozenset(("int", "number", "size", "uint8", "uint32")),
    "size": frozenset(("size",)),
}


def may_refine(coarse: str, text: str) -> bool:
    """Whether a table's type can be what QEMU calls `coarse`: what it measured goes first."""
    if coarse == "string":
        return True
    return text in _REFINED.get(coarse, frozenset((COARSE.get(coarse, ""),)))


def make_scalar(interface: Interface, text: str) -> str | None:
    """Return the name of the type that a table writes as `text`; None where the schema lacks it."""
    if text.startswith("@"):
        return find_in_schema(interface, text[1:])
    if f"option:{text}" in _SCALARS:
        return interface.qom.adopt(_SCALARS[f"option:{text}"])
    words = text.split("|")
    if words[-1] == _OPEN:
        # Any string passes: of its words no more than these are known.
        open_type = ScalarType(name=f"option:{text}", json_type="string", format=text)
        return interface.qom.adopt(open_type)
    return make_words(interface, words)


def make_words(interface: Interface, words: list[str], name: str = "") -> str:
    """Return the name of the enum of some words."""
    members = tuple(EnumMember(name=word) for word in words)
    return interface.qom.adopt(
        EnumType(name=name or f"option:{'|'.join(words)}", sent_members=members)
    )


def list_open_words(entity: object) -> tuple[str, ...]:
    """Return the words that are known of a string that takes others, too."""
    if not isinstance(entity, ScalarType) or not entity.format.endswith(f"|{_OPEN}"):
        return ()
    return tuple(entity.format.split("|")[:-1])


def find_in_schema(interface: Interface, path: str) -> str | None:
    """Return the type of the schema that a path leads to; of an array, that of its elements."""
    compiled = compile_path(path)
    if compiled.name not in interface.by_name:
        return None
    ended = try_walk(interface.by_name.get, compiled.name, compiled.steps)
    if ended is None or ended.position < len(compiled.steps):
        return None
    element = getattr(ended.entity, "element_type", None)
    return element if isinstance(element, str) else ended.entity.name

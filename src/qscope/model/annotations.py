"""Annotations: what a QAPI source tells about an interface that the wire does not.

Names of types, widths of integers, documentation. They are extra facts beside an interface, with
their own evidence; no answer and no hash depends on them.
"""

from collections.abc import Callable, Mapping

from msgspec import Struct, field


class EntityDoc(Struct, frozen=True, omit_defaults=True, rename="kebab"):
    """What the documentation comment of a definition says; texts are reStructuredText.

    `members` are the descriptions of members, arguments, values and branches, inherited ones
    among them.
    """

    text: str = ""
    members: dict[str, str] = field(default_factory=dict)
    features: dict[str, str] = field(default_factory=dict)
    returns: str = ""
    errors: str = ""
    since: str = ""


def _no_doc(_: str) -> EntityDoc | None:
    return None


def _no_reason(_: str | None, __: str) -> str:
    return ""


class Annotations(Struct, frozen=True):
    """Extra facts about an interface's entities, by their names in it.

    `evidence` says where they come from. `type_names` has the source's names of types.
    `integer_types` has the types behind `int`, by entity and by member: `uint16`, `size`; arrays of
    them as `[uint16]`. `find_doc` returns documentation. `explain_absence` says why the source has
    something and the interface does not, of a path's component at an entity (None: the first), "".
    """

    evidence: str
    type_names: Mapping[str, str] = field(default_factory=dict)
    integer_types: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    find_doc: Callable[[str], EntityDoc | None] = _no_doc
    explain_absence: Callable[[str | None, str], str] = _no_reason

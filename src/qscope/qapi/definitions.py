"""What a QAPI schema defines: the entities, as the source has them.

Arrays and the implicit types of inline members are among them. Types are mentioned by name. An
array of T is the type `TList`, as in QEMU.
"""

from typing import TYPE_CHECKING, ClassVar, TypeAlias

from msgspec import Struct

from qscope.qapi.conditions import Condition
from qscope.qapi.source import Place

if TYPE_CHECKING:
    from qscope.qapi.docs import Doc

# The type of arguments and results that are not there.
EMPTY = "q_empty"
IMPLICIT = "q_obj_"


class Feature(Struct, frozen=True, gc=False):
    """A feature of a definition, a member or a value."""

    name: str
    condition: Condition | None = None


Features: TypeAlias = tuple[Feature, ...]


class Value(Struct, frozen=True, gc=False):
    """A value of an enum."""

    name: str
    condition: Condition | None = None
    # None: no list of features at all, which introspection tells from an empty one.
    features: Features | None = None


class Member(Struct, frozen=True, gc=False):
    """A member of an object type: an argument, a struct's member."""

    name: str
    type: str
    optional: bool = False
    condition: Condition | None = None
    features: Features | None = None


class Branch(Struct, frozen=True, gc=False):
    """A branch of a union or of an alternate."""

    # As members and values have, but branches cannot.
    features: ClassVar[None] = None
    name: str
    type: str
    condition: Condition | None = None


class Definition(Struct, frozen=True, gc=False, kw_only=True):
    """What every definition has.

    `place` is None for what is built in. `context` names the definition in the source, as errors
    do: `struct 'X'`; for an array, the one that mentions it first.
    """

    name: str
    place: Place | None = None
    context: str = ""
    doc: "Doc | None" = None
    condition: Condition | None = None
    features: Features | None = None


class Builtin(Definition, frozen=True, gc=False, kw_only=True):
    """A built-in type; `json_type` is what it is on the wire."""

    json_type: str


class Enum(Definition, frozen=True, gc=False, kw_only=True):
    """An enum."""

    values: tuple[Value, ...]
    prefix: str | None = None


class Array(Definition, frozen=True, gc=False, kw_only=True):
    """An array type."""

    element: str


class Object(Definition, frozen=True, gc=False, kw_only=True):
    """A struct, a union (it has a discriminator), or the implicit type of inline members.

    `members` are its own, without those of `base`; `branches` those written in the schema.
    """

    members: tuple[Member, ...] = ()
    base: str | None = None
    discriminator: str | None = None
    branches: tuple[Branch, ...] = ()

    @property
    def implicit(self) -> bool:
        """Whether nobody gave it a name."""
        return self.name.startswith(IMPLICIT)


class Alternate(Definition, frozen=True, gc=False, kw_only=True):
    """An alternate."""

    branches: tuple[Branch, ...]


class Command(Definition, frozen=True, gc=False, kw_only=True):
    """A command. Types are None where nothing was written."""

    arg_type: str | None = None
    ret_type: str | None = None
    boxed: bool = False
    gen: bool = True
    success_response: bool = True
    allow_oob: bool = False
    allow_preconfig: bool = False
    coroutine: bool = False


class Event(Definition, frozen=True, gc=False, kw_only=True):
    """An event."""

    arg_type: str | None = None
    boxed: bool = False


Type: TypeAlias = Builtin | Enum | Array | Object | Alternate
Entity: TypeAlias = Type | Command | Event


class Shape(Struct, frozen=True, gc=False):
    """What resolving found out about an object type: all members, base first, and all branches."""

    members: tuple[Member, ...]
    branches: tuple[Branch, ...] = ()

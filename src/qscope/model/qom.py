"""Types made of QOM properties, in the vocabulary of SchemaInfo.

In: a `PropertyTable`. Out: an `ObjectType` for a device, a machine, …, and the types of its
members, by names that begin with `qom:` or with what was asked, so that they never meet a name of
the schema. They are made when they are asked for. Next stage: interface.py.
"""

from msgspec import UNSET

from qscope.model.properties import Asked, Property, PropertyTable
from qscope.model.property_types import PropertyType, find_argument_type, find_type
from qscope.model.schema_info import Entity, Member, ObjectType

# How the names of types of arguments begin, and which command told the properties.
_ARGUMENTS: dict[str, Asked] = {"device-arguments": "device", "object-arguments": "object"}


class PropertyMember(Member, frozen=True, kw_only=True, gc=False):
    """A property as a member of its type: always optional, with QOM's words about it.

    `default` is the value the code begins with, or null where QEMU does not tell. `basis` is what
    the type was concluded from.
    """

    declared: str
    description: str | None = None
    settable: bool = True
    basis: str = ""


class QomTypes:
    """The types that properties make, each made once."""

    def __init__(self, table: PropertyTable) -> None:
        self._table = table
        self._made: dict[str, Entity] = {}

    def find(self, name: str) -> Entity | None:
        """Return a type made before, or that of the arguments of a QOM type, or None."""
        found = self._made.get(name)
        if found is None:
            start, colon, typename = name.partition(":")
            asked = _ARGUMENTS.get(start) if colon else None
            return self.make(asked, typename, arguments=True) if asked else None
        return found

    def adopt(self, entity: Entity) -> str:
        """Keep a type made elsewhere under its name, and return that."""
        self._made[entity.name] = entity
        return entity.name

    def make(self, asked: Asked, typename: str, *, arguments: bool = False) -> ObjectType | None:
        """Return the object type of `typename`, None when it did not tell its properties.

        With `arguments` it has only what a user can set.
        """
        name = f"{asked}-arguments:{typename}" if arguments else f"{asked}:{typename}"
        made = self._made.get(name)
        if made is None:
            told = self._table.find(asked, typename)
            if told is None or told.properties is None:
                return None
            made = self._made[name] = self._make(
                name, typename, told.properties, only_settable=arguments
            )
        assert isinstance(made, ObjectType)
        return made

    def _make(
        self, name: str, owner: str, properties: tuple[Property, ...], *, only_settable: bool
    ) -> ObjectType:
        find = find_argument_type if only_settable else find_type
        typed = [(each, find(each, owner)) for each in properties]
        members = tuple(
            self._make_member(found, found_type)
            for found, found_type in typed
            if found_type.settable or not only_settable
        )
        return ObjectType(name=name, members=members)

    def _make_member(self, found: Property, found_type: PropertyType) -> PropertyMember:
        for entity in (found_type.entity, *found_type.parts):
            self._made.setdefault(entity.name, entity)
        return PropertyMember(
            name=found.name,
            type=found_type.entity.name,
            default=None if found.default is UNSET else found.default,
            declared=found.type,
            description=found.description,
            settable=found_type.settable,
            basis=found_type.basis,
        )

"""Which members of a block driver's options are other nodes.

In: an interface. Out: `References`. Its schema tells: they are alternates one branch of which is
the type of blockdev-add's arguments again (BlockdevRef, BlockdevRefOrNull), or arrays of those.
"""

import functools

from qscope.model.interface import Interface
from qscope.model.schema_info import AlternateType, ArrayType, Command, ObjectType


class References:
    """The members that refer to nodes, by driver."""

    def __init__(self, interface: Interface) -> None:
        self._interface = interface
        command = interface.by_name.get("blockdev-add")
        self._options = command.arg_type if isinstance(command, Command) else ""
        self.find = functools.cache(self._find)

    def _find(self, driver: str) -> tuple[str, ...]:
        """Return the names of a driver's members that refer to nodes, in the schema's order."""
        options = self._interface.by_name.get(self._options)
        if not isinstance(options, ObjectType):
            return ()
        branch = next((each.type for each in options.variants if each.case == driver), "")
        entity = self._interface.by_name.get(branch)
        members = entity.members if isinstance(entity, ObjectType) else ()
        return tuple(member.name for member in members if self._refers(member.type))

    def _refers(self, typename: str) -> bool:
        match self._interface.by_name.get(typename):
            case ArrayType(element_type=element_type):
                return self._refers(element_type)
            case AlternateType(members=members):
                return any(member.type == self._options for member in members)
            case _:
                return False

"""Types of arguments by name: of the schema, of QOM, and made for the command line.

In: an interface and a name. Out: an entity; the `find` for walking and checking.
"""

from qscope.model.interface import Interface
from qscope.model.schema_info import Entity


def find_option_type(interface: Interface, name: str) -> Entity | None:
    """Return the type called `name`, None where there is none."""
    return interface.find(name)

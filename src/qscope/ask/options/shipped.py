"""Types that ship with qscope for arguments that no command shows, `data/option_types.json`.

In: an interface and an option. Out: `Argument`. The types are those of QEMU's interface
definitions, for the releases that have them; a build may lack some of what they have.
"""

import functools
import pkgutil

import msgspec
from msgspec import Struct

from qscope.ask.options.argument import Argument
from qscope.ask.options.groups import read_group
from qscope.ask.options.schema import widen
from qscope.ask.options.table import Release, is_between
from qscope.ask.versions import read_release
from qscope.model.interface import Interface
from qscope.model.option import OptionEvidence
from qscope.model.schema_info import KnownEntity, ObjectType

# The options that parse what another one does (audio/audio.c).
_LIKE = {"audio": "audiodev"}
_GROUPS = {"smp": "smp-opts", "boot": "boot-opts"}


class ShippedType(Struct, frozen=True, forbid_unknown_fields=True):
    """A type, what it consists of, and the releases from `since` until before `until` it is of."""

    option: str
    type: str
    since: str
    entities: tuple[KnownEntity, ...]
    until: str | None = None

    def holds_for(self, release: Release | None) -> bool:
        """Whether it is a release's; of one that is not known, the newest is."""
        return is_between(release, self.since, self.until)


@functools.cache
def load_types() -> tuple[ShippedType, ...]:
    """Return the types that ship with qscope."""
    # By the import system, as a module: `ask` opens no files.
    data = pkgutil.get_data("qscope", "data/option_types.json")
    assert data is not None
    return msgspec.json.decode(data, type=tuple[ShippedType, ...])


def find_shipped_argument(interface: Interface, name: str) -> Argument | None:
    """Return the type that ships for an option, where QEMU lists no parameters of it.

    Not where the binary refused what the type calls legal, or took what it calls wrong.
    """
    asked = _LIKE.get(name, name)
    if interface.command_line.confirmed.get(asked) is False:
        return None
    if read_group(interface, _GROUPS.get(name)):
        return None
    release = read_release(interface)
    rows = (row for row in load_types() if row.option == asked and row.holds_for(release))
    row = next(rows, None)
    if row is None:
        return None
    for entity in row.entities:
        interface.qom.adopt(entity)
    evidence = (OptionEvidence("table", row.type.rpartition(":")[2]),)
    if asked == name:
        return Argument("exact", row.type, evidence)
    made = interface.find(row.type)
    assert isinstance(made, ObjectType)
    return Argument("partial", widen(interface, name, made).name, evidence)

"""Types that ship with qscope for arguments that no command shows, `data/option_types.json`.

In: an interface and an option. Out: `Argument`. The types are those of QEMU's interface
definitions, for the releases that have them; a build may lack some of what they have.
"""

import functools
import pkgutil

import msgspec
from msgspec import Struct, structs

from qscope.ask.options.argument import Argument
from qscope.ask.options.groups import read_group
from qscope.ask.options.scalars import make_scalar
from qscope.ask.options.table import Release, read_release
from qscope.ask.versions import read_release as find_release
from qscope.model.interface import Interface
from qscope.model.option import OptionEvidence
from qscope.model.schema_info import KnownEntity, Member, ObjectType

# The options that parse what another one does (audio/audio.c), and what else they take.
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
        if release is None:
            return self.until is None
        ended = self.until is not None and release >= read_release(self.until)
        return read_release(self.since) <= release and not ended


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
    release = find_release(interface)
    rows = (row for row in load_types() if row.option == asked and row.holds_for(release))
    row = next(rows, None)
    if row is None:
        return None
    for entity in row.entities:
        interface.qom.adopt(entity)
    evidence = (OptionEvidence("table", row.type.rpartition(":")[2]),)
    if asked == name:
        return Argument("exact", row.type, evidence)
    return Argument("partial", _widen_audio(interface, row.type), evidence)


def _widen_audio(interface: Interface, name: str) -> str:
    """Return the type of -audio: a model in addition, and no id."""
    entity = interface.find(name)
    assert isinstance(entity, ObjectType)
    model = Member(name="model", type=make_scalar(interface, "string") or "", default=None)
    others = tuple(
        structs.replace(each, default=None) if each.name == "id" else each
        for each in entity.members
    )
    made = structs.replace(entity, name="option:audio", members=(*others, model))
    return interface.qom.adopt(made)

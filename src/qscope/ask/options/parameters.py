"""The table of parameters that ships with qscope, `data/option_parameters.toml`.

In: nothing. Out: what an option's parameters take by release, read once and when it is needed. It
says only what QEMU does not. Next stage: groups.py.
"""

import functools
import pkgutil
import tomllib

import msgspec
from msgspec import Struct

from qscope.ask.options.table import Release, is_between


class Parameters(Struct, frozen=True, forbid_unknown_fields=True):
    """What an option takes from the release `since` on and before `until`.

    `parameters` have their types as the table writes them; `branches` those that only some values
    of the parameter `tag` have; `partial` says that there may be more; `words` are those of an
    argument that is one word.
    """

    name: str
    since: str | None = None
    until: str | None = None
    partial: bool = False
    tag: str | None = None
    words: str | None = None
    parameters: dict[str, str] = {}
    branches: dict[str, dict[str, str]] = {}

    def holds_for(self, release: Release | None) -> bool:
        """Whether it holds for a release; of one that is not known, the newest row does."""
        return is_between(release, self.since, self.until)


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    option: list[Parameters]


@functools.cache
def load_parameters() -> tuple[Parameters, ...]:
    """Return the table that ships with qscope."""
    # By the import system, as a module: `ask` opens no files.
    data = pkgutil.get_data("qscope", "data/option_parameters.toml")
    assert data is not None
    return decode_parameters(data)


def decode_parameters(data: bytes) -> tuple[Parameters, ...]:
    """Decode the bytes of a table. Raises ValueError for one with an error."""
    return tuple(msgspec.convert(tomllib.loads(data.decode()), type=_File).option)


def find_parameters(name: str, release: Release | None) -> Parameters | None:
    """Return what the table knows of an option's parameters in a release."""
    rows = (row for row in load_parameters() if row.name == name)
    return next((row for row in rows if row.holds_for(release)), None)

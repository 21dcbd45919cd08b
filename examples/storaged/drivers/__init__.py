"""Drivers that storaged loads at run time: each module here is one, named like it.

A module has what `Driver` says; mypy checks that it fits where it is loaded.
"""

import importlib
import pkgutil
from typing import Any, Protocol, cast

from qscope.serve import RefusalError


class Driver(Protocol):
    """What keeps the data of disks.

    `OPTIONS` is QAPI: the struct of the options that a disk of this driver has beyond the common
    ones. Values of it are what `measure` and `locate` are given.
    """

    OPTIONS: str

    def measure(self, options: Any) -> int:
        """Return a disk's size in bytes. Raises RefusalError."""

    def locate(self, options: Any) -> str:
        """Return where a disk's data are, for people."""


def find_driver(name: str) -> Driver:
    """Import a driver. Raises RefusalError if there is none of that name."""
    names = [each.name for each in pkgutil.iter_modules(__path__)]
    if name not in names:
        raise RefusalError(f"There is no driver '{name}'; there are {', '.join(names)}")
    return cast("Driver", importlib.import_module(f"{__name__}.{name}"))

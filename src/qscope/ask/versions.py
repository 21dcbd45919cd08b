"""Version numbers, the last source of all: `version:>=7.2`.

In: an interface and the path. Out: an `Answer` that says it rests on a version. Few others do, and
only where nothing else is known (tables of facts by release, which say so, too): a distribution
backports features and leaves others out, and keeps the number.
"""

import operator
import re
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from qscope.ask.answer import Answer, decide, unknown
from qscope.ask.path import Path
from qscope.errors import PathError
from qscope.model.interface import Interface

Numbers: TypeAlias = tuple[int, ...]

_SOURCE = "the version QEMU gives itself (query-version)"
_GUESS = (
    "it rests on a version number, and says nothing surely but the number:"
    " distributions backport features and leave others out"
)

_COMPARISONS: dict[str, Callable[[Numbers, Numbers], bool]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
}
_EQUAL = frozenset(("==", "="))
_NUMBER = r"[0-9]{1,6}"
_VERSION = re.compile(rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}")
_BOUND = re.compile(rf"(>=|<=|==|!=|>|<|=)({_NUMBER}(?:\.{_NUMBER}){{0,2}})")

# From this micro number on, a version is one of development: x.y.50 follows x.y, and x.y.90 on are
# the candidates of the next release (QEMU's file VERSION).
_DEVELOPMENT = 50
# The last minor release of the major ones that had another number of them than three.
_LAST_MINOR = {0: 15, 1: 7, 2: 12, 3: 1}


class Bound(NamedTuple):
    """What a version is compared with, and how; `given` has as many numbers as were written."""

    comparison: str
    given: Numbers

    @property
    def numbers(self) -> Numbers:
        """Three numbers: those that were not written are 0."""
        return (*self.given, 0, 0)[:3]


def ask_version(interface: Interface, path: Path) -> Answer:
    """Answer `version:` with one of >= > <= < == = != and a release: x, x.y or x.y.z.

    What is left out of a release is 0, so that 7.2.22 is > 7.2 and not <= 7.2. But == compares only
    what is written: 7.2.22 is == 7.2.22, == 7.2 and == 7, and != is its contrary. A version of
    development is asked about the release it leads to in vain: some of its changes are in.
    Raises PathError for anything else.
    """
    bound = parse_bound(path)
    version = _parse_version(interface.identity.version)
    if version is None:
        return unknown(_SOURCE, "it is not known")
    following = find_next_release(version)
    if following == bound.numbers:
        why = (
            f"{_join(version)} is on the way to {_join(following[:2])}: some of its changes are in"
        )
        return unknown(_SOURCE, f"{why}; {_GUESS}")
    why = f"QEMU is {_join(version)}; {_GUESS}"
    return decide(holds=_compare(version, bound), evidence=_SOURCE, why=why)


def read_release(interface: Interface) -> tuple[int, int] | None:
    """Return the release QEMU says it is, major and minor, for tables of facts by release.

    None where it does not say, and for a program that is no QEMU. What rests on it must say so.
    """
    if interface.identity.program:
        return None
    version = _parse_version(interface.identity.version)
    return None if version is None else (version[0], version[1])


def parse_bound(path: Path) -> Bound:
    """Return what a path compares with. Raises PathError."""
    found = _BOUND.fullmatch(path.name)
    if found is None or path.steps:
        raise PathError(
            f"malformed path {path.text!r}: 'version:' takes one of >= > <= < == != and a release,"
            " as in 'version:>=7.2'"
        )
    return Bound(found[1], _split(found[2]))


def find_next_release(version: Numbers) -> Numbers | None:
    """Return the release that a version of development leads to, None for any other version.

    Minor numbers ran to 0.15, 1.7, 2.12 and 3.1; since 4.0 x.2 is followed by the next major one.
    """
    major, minor, micro = version
    if micro < _DEVELOPMENT:
        return None
    return (major, minor + 1, 0) if minor < _LAST_MINOR.get(major, 2) else (major + 1, 0, 0)


def _compare(version: Numbers, bound: Bound) -> bool:
    compare = _COMPARISONS.get(bound.comparison)
    if compare is not None:
        return compare(version, bound.numbers)
    is_equal = version[: len(bound.given)] == bound.given
    return is_equal == (bound.comparison in _EQUAL)


def _parse_version(text: str | None) -> Numbers | None:
    return _split(text) if text and _VERSION.fullmatch(text) else None


def _split(text: str) -> Numbers:
    return tuple(int(number) for number in text.split("."))


def _join(numbers: Numbers) -> str:
    return ".".join(map(str, numbers))

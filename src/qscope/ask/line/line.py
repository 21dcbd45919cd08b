"""A command line with what is known about each of its options.

In: an interface, the options as they were typed and split. Out: `Line`, which judges and rules
read. Next stages: judge.py (one option against its type), rules/ (what types cannot say).
"""

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeAlias, TypeVar

from msgspec import Struct, structs

from qscope.ask.finding import Finding, Severity
from qscope.ask.owner import find_machine
from qscope.ask.syntax.argument import Parsed
from qscope.ask.syntax.qemuopts import Parameter
from qscope.ask.syntax.scalars import Dialect
from qscope.ask.syntax.words import Word
from qscope.ask.validation.checker import Checker
from qscope.ask.validation.masked import find_masked
from qscope.ask.validation.properties import PropertyOwner, judge_properties
from qscope.ask.validation.reader import Reader
from qscope.ask.validation.release import find_dialect
from qscope.ask.versions import read_release
from qscope.model.interface import Interface
from qscope.model.listings import Machine
from qscope.model.option import Option
from qscope.model.schema_info import Entity

T = TypeVar("T")
Release: TypeAlias = tuple[int, int]

# Options that are another one under a second name.
_SAME = {"M": "machine"}


class Occurrence(Struct, frozen=True, dict=True):
    """One option of a line: as typed, the entity it is, and its argument as parsed.

    `option` is None for what is no option, `parsed` for what has no argument or a malformed one.
    """

    word: Word
    option: Option | None = None
    parsed: Parsed | None = None

    @property
    def name(self) -> str:
        """The option's name, `machine` for -M."""
        return _SAME.get(self.word.name, self.word.name)

    @property
    def is_json(self) -> bool:
        """Whether the argument is JSON."""
        return self.parsed is not None and self.parsed.syntax == "json"

    @property
    def reader(self) -> Reader:
        """How QEMU reads the argument's values: QemuOpts' and -cpu's are strings."""
        if self.is_json:
            return Reader.STRICT
        syntax = self.parsed.syntax if self.parsed else ""
        return Reader.KEYVAL if syntax in ("keyval", "machine-props") else Reader.STRING

    @functools.cached_property
    def parameters(self) -> dict[str, Any]:
        """The argument's parameters by name; of several the last one, but of IDs the first."""
        value = self.parsed.value if self.parsed else None
        if isinstance(value, dict):
            return value
        if isinstance(value, tuple):
            given = [each for each in value if isinstance(each, Parameter)]
            first = next(({"id": each.value} for each in given if each.name == "id"), {})
            return {each.name: each.value for each in given} | first
        return {}

    def get(self, name: str) -> str | None:
        """Return a parameter that is a string, None where there is none."""
        value = self.parameters.get(name)
        return value if isinstance(value, str) else None


def doubt_parameters(where: str = "") -> Finding:
    """Return that nothing known tells which parameters an option takes."""
    what = "nothing known tells its parameters"
    return Finding("parameters-unknown", where, what, Severity.UNKNOWN)


def place(finding: Finding, typed: str, position: int) -> Finding:
    """Say of a finding in which option it is, as typed, and which word that is."""
    where = f"{typed} {_shorten(finding.where)}".rstrip()
    message, right = _shorten(finding.message), _shorten(finding.right)
    return structs.replace(finding, where=where, message=message, right=right, position=position)


# Of a word that has no end its beginning is told.
_LONGEST_TEXT = 500


def _shorten(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"


class Line:
    """The options of one command line in their order."""

    def __init__(self, interface: Interface, occurrences: Sequence[Occurrence]) -> None:
        self.interface = interface
        self.occurrences = tuple(occurrences)
        self._made: dict[Callable[[Line], Any], Any] = {}

    def once(self, make: Callable[["Line"], T]) -> T:
        """Return what `make` makes of this line, made once: the bus tree, the names, …."""
        if make not in self._made:
            self._made[make] = make(self)
        made: T = self._made[make]
        return made

    def select(self, *names: str) -> Iterator[Occurrence]:
        """Yield each occurrence of the options called one of `names`."""
        if len(names) == 1:
            return iter(self._by_name.get(names[0], ()))
        return (each for each in self.occurrences if each.name in names)

    @functools.cached_property
    def _by_name(self) -> dict[str, list[Occurrence]]:
        """The options by name."""
        found: dict[str, list[Occurrence]] = {}
        for each in self.occurrences:
            found.setdefault(each.name, []).append(each)
        return found

    def has(self, *names: str) -> bool:
        """Whether one of the options is there."""
        return any(name in self._by_name for name in names)

    def count(self, name: str) -> int:
        """Return how often an option is there."""
        return len(self._by_name.get(name, ()))

    def find_last(self, name: str) -> Occurrence | None:
        """Return the last occurrence of an option, which for many is the one that counts."""
        return next(reversed(self._by_name.get(name, [])), None)

    def merged(self, name: str) -> dict[str, Any]:
        """Return the parameters of all occurrences of an option, later ones winning."""
        merged: dict[str, Any] = {}
        for each in self.select(name):
            merged |= each.parameters
        return merged

    def find_effective(self, occurrence: Occurrence) -> dict[str, Any]:
        """Return the parameters of an option that no later one of its name replaces.

        QemuOpts check numbers and booleans all the same, whatever replaces them.
        """
        behind = list(self.select(occurrence.name))
        later = behind[behind.index(occurrence) + 1 :]
        return {
            name: value
            for name, value in occurrence.parameters.items()
            if isinstance(value, dict | list) or not any(name in each.parameters for each in later)
        }

    def find(self, name: str) -> Entity | None:
        """Return a type by its name, for whoever walks types."""
        return self.interface.find(name)

    def make_checker(
        self, occurrence: Occurrence, command: str = "", edges: Iterable[str] = ()
    ) -> Checker:
        """Return what judges the values of an option as this QEMU reads them.

        `command` is the QMP command that has the same type, `edges` lead from its arguments to
        where the value begins: that tells which of its integers are sizes.
        """
        masked = find_masked(command) if command else None
        for edge in edges:
            masked = masked.enter(edge) if masked else None
        return Checker(self.find, occurrence.reader, masked, dialect=self.dialect)

    @functools.cached_property
    def keyval_checker(self) -> Checker:
        """What judges values that are strings, whatever option they are of."""
        return Checker(self.find, Reader.KEYVAL, dialect=self.dialect)

    def judge_properties(
        self, occurrence: Occurrence, owner: PropertyOwner, given: dict[str, Any]
    ) -> Iterator[Finding]:
        """Yield what is wrong with the QOM properties that an option gives to a type."""
        return judge_properties(self.interface, owner, given, occurrence.reader, self.dialect)

    @functools.cached_property
    def dialect(self) -> Dialect:
        """How this QEMU reads sizes and booleans."""
        return find_dialect(self.interface)

    @functools.cached_property
    def release(self) -> Release | None:
        """The release by the version QEMU gives itself, for facts that only a table has."""
        return read_release(self.interface)

    def is_before(self, major: int, minor: int) -> bool:
        """Whether this QEMU is older than a release; not where it does not say which it is."""
        return self.release is not None and self.release < (major, minor)

    def is_since(self, major: int, minor: int) -> bool:
        """Whether this QEMU is of a release or newer; not where it does not say which it is."""
        return self.release is not None and self.release >= (major, minor)

    def find_lack(self, last: Release, first: Release) -> Severity | None:
        """Return how sure it is that this QEMU lacks something, None where it has it.

        `last` is the last release known to lack it, `first` the first known to have it: in
        between nobody looked.
        """
        if self.release is None or self.release >= first:
            return None
        return Severity.ERROR if self.release <= last else Severity.UNKNOWN

    @functools.cached_property
    def parents(self) -> dict[str, str | None]:
        """The QOM types that are there, and the type that each inherits from."""
        return {each.name: each.parent for each in self.interface.listings.qom_types or ()}

    def list_ancestry(self, typename: str) -> list[str]:
        """Return a QOM type and those that it inherits from, as far as they are known."""
        found: list[str] = []
        name: str | None = typename
        while name and name not in found:
            found.append(name)
            name = self.parents.get(name)
        return found

    @functools.cached_property
    def machine(self) -> Machine | None:
        """The machine type that is asked for, or QEMU's default; None where there is none."""
        asked = self.merged("machine").get("type")
        if isinstance(asked, str):
            return find_machine(self.interface.listings, asked)
        machines = self.interface.listings.machines or ()
        return next((each for each in machines if each.is_default), None)

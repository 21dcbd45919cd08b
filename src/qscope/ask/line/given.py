"""What an option says as text, whatever syntax it was written in: JSON, keyval, QemuOpts.

In: an occurrence. Out: `Given`, for rules that compare several parameters. `addr.type` is the
member `type` of `addr`, as in keyval.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from qscope.ask.line.line import Line, Occurrence
from qscope.ask.syntax.qemuopts import Parameter
from qscope.ask.syntax.scalars import parse_bool
from qscope.errors import ArgumentError


class Given(NamedTuple):
    """An occurrence, and its parameters as text; of several of one name the last one."""

    occurrence: Occurrence
    parameters: Mapping[str, str]

    def get(self, name: str) -> str | None:
        """Return a parameter, None where it is not given."""
        return self.parameters.get(name)

    def has(self, *names: str) -> bool:
        """Whether one of these is given."""
        return any(name in self.parameters for name in names)

    def is_on(self, name: str, default: bool = False) -> bool:  # noqa: FBT001, FBT002
        """Return a boolean; `default` where it is not given or is none."""
        try:
            return parse_bool(self.parameters[name]) if name in self.parameters else default
        except ArgumentError:
            return default

    def list_all(self, name: str) -> tuple[str, ...]:
        """Return all values of a parameter that is a list: repeated, or in JSON."""
        value = self.occurrence.parsed.value if self.occurrence.parsed else None
        if isinstance(value, tuple):
            given = (each for each in value if isinstance(each, Parameter))
            return tuple(each.value for each in given if each.name == name)
        value = value.get(name) if isinstance(value, dict) else None
        items = value if isinstance(value, list) else []
        strings = [each.get("str") if isinstance(each, dict) else each for each in items]
        return tuple(each for each in strings if isinstance(each, str))


def read_given(occurrence: Occurrence) -> Given:
    """Return what an occurrence says; where it is no list of parameters, nothing."""
    return Given(occurrence, dict(_flatten(occurrence.parameters, "")))


def list_given(line: Line, *options: str) -> Iterator[Given]:
    """Yield each occurrence of the options that has parameters."""
    for occurrence in line.select(*options):
        if occurrence.parsed is not None and not occurrence.parsed.help:
            yield read_given(occurrence)


def _flatten(value: Mapping[str, Any], start: str) -> Iterator[tuple[str, str]]:
    """Yield dotted names and texts. Nesting ends where JSON's does (json_text.py)."""
    for name, member in value.items():
        match member:
            case dict():
                yield from _flatten(member, f"{start}{name}.")
            case bool():
                yield f"{start}{name}", "on" if member else "off"
            case str() | int() | float():
                yield f"{start}{name}", str(member)

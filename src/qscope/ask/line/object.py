"""Judge -object: by object-add's schema, before 6.0 by QOM properties.

In: a line and an occurrence of -object. Out: findings about its type and properties.
"""

from collections.abc import Iterator
from typing import Any

from qscope.ask.answer import Verdict
from qscope.ask.branches import is_creatable_object, list_creatable_objects
from qscope.ask.finding import Finding, Severity
from qscope.ask.line.line import Line, Occurrence
from qscope.ask.line.values import build_value
from qscope.ask.syntax.qemuopts import Parameter
from qscope.ask.validation.properties import PropertyOwner
from qscope.model.near import near
from qscope.model.schema_info import Command, ObjectType

# Parameters of -object itself.
_OWN = ("qom-type", "id")


def judge_object(line: Line, occurrence: Occurrence) -> Iterator[Finding]:
    """Yield what is wrong with an object's type and its properties."""
    typename = occurrence.get("qom-type")
    if not typename:
        yield Finding("member-missing", "qom-type", "a type is mandatory")
        return
    present = is_creatable_object(line.interface, typename)
    if present.verdict is Verdict.NO:
        guesses = tuple(near(typename, list_creatable_objects(line.interface) or ()))
        what = f"no type {typename!r} that a user may create ({present.why})"
        yield Finding("object-unknown", "qom-type", what, suggestions=guesses)
    elif present.verdict is Verdict.UNKNOWN:
        yield Finding("object-unknown", "qom-type", present.why, Severity.UNKNOWN)
    else:
        yield from _judge_properties(line, occurrence, typename)


def _judge_properties(line: Line, occurrence: Occurrence, typename: str) -> Iterator[Finding]:
    schema = find_object_add(line)
    if schema is not None:
        checker = line.make_checker(occurrence, "object-add")
        yield from checker.check(schema.name, _build(line, occurrence, schema.name), "")
        return
    if "id" not in occurrence.parameters:
        yield Finding("member-missing", "id", "an ID is mandatory")
    given = {name: value for name, value in occurrence.parameters.items() if name not in _OWN}
    yield from line.judge_properties(occurrence, PropertyOwner("object", typename), given)


def find_object_add(line: Line) -> ObjectType | None:
    """Return the type of object-add's arguments if it is a union, as since 6.0."""
    command = line.interface.by_name.get("object-add")
    entity = line.find(command.arg_type) if isinstance(command, Command) else None
    return entity if isinstance(entity, ObjectType) and entity.tag else None


def _build(line: Line, occurrence: Occurrence, type_name: str) -> Any:
    value = occurrence.parsed.value if occurrence.parsed else None
    if isinstance(value, tuple):
        parameters = [each for each in value if isinstance(each, Parameter)]
        return build_value(line.find, type_name, parameters)
    return value

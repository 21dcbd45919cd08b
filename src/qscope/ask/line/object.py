"""Judge -object: by object-add's schema, before 6.0 by QOM properties.

In: a line and an occurrence of -object. Out: findings about its type and properties. How objects
and their properties hang together is left to rules/objects.py.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from qscope.ask.finding import Finding, Severity
from qscope.ask.line.line import Line, Occurrence
from qscope.ask.line.opts_values import build_value, expand_ranges
from qscope.ask.syntax.qemuopts import Parameter
from qscope.ask.validation.objects import judge_object_type
from qscope.ask.validation.properties import PropertyOwner
from qscope.model.schema_info import Command, ObjectType

# Parameters of -object itself.
_OWN = ("qom-type", "id")
# What is mandatory before 6.0, when no schema says so (each type's complete() method there).
_MANDATORY: Mapping[str, tuple[str, ...]] = {
    "authz-list-file": ("filename",),
    "authz-pam": ("service",),
    "authz-simple": ("identity",),
    "can-host-socketcan": ("canbus", "if"),
    "colo-compare": ("primary_in", "secondary_in", "outdev", "iothread"),
    "cryptodev-vhost-user": ("chardev",),
    "dbus-vmstate": ("addr",),
    "filter-buffer": ("netdev", "interval"),
    "filter-dump": ("netdev", "file"),
    "filter-mirror": ("netdev", "outdev"),
    "filter-redirector": ("netdev",),
    "filter-replay": ("netdev",),
    "filter-rewriter": ("netdev",),
    "input-barrier": ("name",),
    "input-linux": ("evdev",),
    "memory-backend-file": ("mem-path", "size"),
    "memory-backend-memfd": ("size",),
    "memory-backend-ram": ("size",),
    "pr-manager-helper": ("path",),
    "rng-egd": ("chardev",),
    "secret_keyring": ("serial",),
    "x-remote-object": ("fd", "devid"),
}
# Properties with members, which QemuOpts cannot give.
_STRUCTURES = frozenset((("throttle-group", "limits"), ("authz-list", "rules")))


def judge_object(line: Line, occurrence: Occurrence) -> Iterator[Finding]:
    """Yield what is wrong with an object's type and its properties."""
    typename = occurrence.get("qom-type")
    if not typename:
        yield Finding("member-missing", "qom-type", "a type is mandatory")
        return
    found = list(judge_object_type(line.interface, {"qom-type": typename}))
    yield from found
    if not any(each.severity is Severity.ERROR for each in found):
        yield from _judge_properties(line, occurrence, typename)


def _judge_properties(line: Line, occurrence: Occurrence, typename: str) -> Iterator[Finding]:
    schema = find_object_add(line)
    if schema is not None:
        checker = line.make_checker(occurrence, "object-add")
        yield from checker.check(schema.name, _build(line, occurrence, schema.name), "")
        return
    for name in ("id", *_MANDATORY.get(typename, ())):
        if name not in occurrence.parameters:
            yield Finding("member-missing", name, f"{name} is mandatory", evidence="table")
    given = {name: value for name, value in occurrence.parameters.items() if name not in _OWN}
    for name in [each for each in given if (typename, each) in _STRUCTURES]:
        what = f"{given.pop(name)!r} was given"
        yield Finding("wrong-type", name, what, right="nothing can be said of it here")
    yield from line.judge_properties(
        occurrence, PropertyOwner("object", typename), _list_numbers(occurrence, given)
    )


def _list_numbers(occurrence: Occurrence, given: dict[str, Any]) -> dict[str, Any]:
    """Make a list of `host-nodes=0-3`, which is the only one that an object took before 6.0."""
    if "host-nodes" not in given or occurrence.is_json:
        return given
    return {**given, "host-nodes": expand_ranges([given["host-nodes"]])}


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

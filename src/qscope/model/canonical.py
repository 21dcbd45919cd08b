"""Canonical form: the same bytes for the same interface, whatever its types are called.

In: an `Interface`. Out: its canonical form and two hashes. Types that no client can tell apart
fall together (Moore's partition refinement, which also sees that an unrolled recursion equals the
rolled one); then types are numbered by a walk from the commands and events.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

import msgspec
from msgspec import UNSET

from qscope.model.command_line import CommandLine
from qscope.model.interface import Interface, find_references
from qscope.model.option import Option
from qscope.model.properties import COMMANDS, Property, PropertyTable
from qscope.model.property_types import find_type
from qscope.model.schema_info import (
    AlternateType,
    ArrayType,
    BuiltinType,
    Command,
    Entity,
    EnumMember,
    EnumType,
    Event,
    Member,
    ObjectType,
    OpaqueEntity,
)
from qscope.model.served import ServedLine

_encode = msgspec.json.Encoder(order="sorted").encode
# In front of everything hashed: a change of the canonical form must change every hash.
_SCHEMA_TAG = b"qscope-schema-1\n"
_INTERFACE_TAG = b"qscope-interface-3\n"

Edge: TypeAlias = tuple[str, str]


class _Shape(NamedTuple):
    """What an entity is without the names of its types: facts of its own, and labelled edges."""

    local: bytes
    edges: tuple[Edge, ...]
    ordered: bool = True


def schema_hash(interface: Interface) -> str:
    """Hash the QMP entities alone: computable by anyone who has a query-qmp-schema reply."""
    return "sha256:" + hashlib.sha256(_SCHEMA_TAG + canonical_form(interface)).hexdigest()


def interface_hash(interface: Interface) -> str:
    """Hash everything known of the interface: schema, listings, properties, the command line."""
    facts = msgspec.to_builtins(interface.listings)
    for reason in ("silent", "silence"):
        facts.pop(reason, None)
    for driver in facts.get("drivers") or ():
        driver.pop("description", None)
    for model in facts.get("cpus") or ():
        # What the accelerator lacks that the probe ran with is none of the interface.
        model.pop("unavailable-features", None)
    facts |= _digest_properties(interface.properties)
    facts |= _digest_command_line(interface.command_line)
    facts |= _digest_served(interface.served)
    body = _encode(_sort_lists(facts))
    digest = hashlib.sha256(_INTERFACE_TAG + canonical_form(interface) + b"\n" + body)
    return "sha256:" + digest.hexdigest()


def _digest_properties(table: PropertyTable) -> dict[str, Any]:
    """Return what each type told, lists of properties as digests: many types share them.

    How QEMU ended where a type crashed it is no part of its interface.
    """
    digests = [_digest_list(table, numbers) for numbers in table.lists]
    return {
        command: {
            typename: digests[entry] if isinstance(entry, int) else entry.error or None
            for typename, entry in entries.items()
        }
        for command, entries in (
            (COMMANDS["device"], table.devices),
            (COMMANDS["object"], table.objects),
        )
        if entries
    }


def _digest_command_line(learned: CommandLine) -> dict[str, Any]:
    """Return which options there are and how they are written, without what is for people."""
    if not learned.options:
        return {}
    options = {
        name: [option.arg, option.json, option.closed, option.unavailable]
        for name, option in learned.options.items()
    }
    words = {name: sorted(values) for name, values in learned.words.items()}
    return {"options": options, "words": words, "confirmed": learned.confirmed}


def _digest_served(served: ServedLine | None) -> dict[str, Any]:
    """Return the options that a server told, as they are written, and a digest of their types.

    Each is an event that has its argument as data: types are then compared as a schema's are.
    """
    if served is None or served.silence:
        return {}
    events = [
        Event(name=name, arg_type=option.arg_type or "") for name, option in served.options.items()
    ]
    form = canonical_form(Interface((*events, *served.entities)))
    digest = hashlib.sha256(form).hexdigest()
    options = {name: _list_option_facts(option) for name, option in served.options.items()}
    return {"served": {"options": options, "opaque": sorted(served.opaque), "types": digest}}


def _list_option_facts(option: Option) -> dict[str, Any]:
    facts: dict[str, Any] = msgspec.to_builtins(option)
    for what in ("arg-type", "evidence", "sugar"):
        facts.pop(what)
    return facts


def _digest_list(table: PropertyTable, numbers: Sequence[int]) -> str:
    """Digest names, types and defaults, less what is for people: QOM's names and descriptions."""
    facts = [_list_facts(table.pool[number]) for number in numbers]
    return hashlib.sha256(_encode(sorted(facts, key=_encode))).hexdigest()


def _list_facts(found: Property) -> list[Any]:
    default = [] if found.default is UNSET else [found.default]
    return [found.name, find_type(found, "").entity.name, *default]


def canonical_form(interface: Interface) -> bytes:
    """Return one JSON line per distinguishable entity that commands and events lead to.

    A line is the entity's own facts, then the numbers of the types it mentions; a type's number is
    that of its line, counted from 0.
    """
    names, shapes = _reach(interface)
    position = {name: index for index, name in enumerate(names)}
    edges = [[position[target] for _, target in shape.edges] for shape in shapes]
    classes = _refine(shapes, edges)
    order = _number(shapes, edges, classes, roots=_roots(interface, position))
    number = {classes[index]: line for line, index in enumerate(order)}
    lines = []
    for index in order:
        targets = [number[classes[target]] for target in edges[index]]
        ordered = shapes[index].ordered
        lines.append(shapes[index].local + _encode(targets if ordered else _set(targets)))
    return b"\n".join(lines)


def _roots(interface: Interface, position: dict[str, int]) -> list[int]:
    return [position[entity.name] for entity in (*interface.commands, *interface.events)]


def _reach(interface: Interface) -> tuple[list[str], list[_Shape]]:
    """Return the entities that commands and events lead to, each with its shape."""
    names = [entity.name for entity in (*interface.commands, *interface.events)]
    seen, shapes = set(names), []
    for name in names:  # grows while it is read
        entity = interface.by_name.get(name)
        shapes.append(_shape(entity))
        for target in find_references(entity) if entity else ():
            if target not in seen:
                seen.add(target)
                names.append(target)
    return names, shapes


def _shape(entity: Entity | None) -> _Shape:
    match entity:
        case None:
            return _Shape(_encode(["dangling"]), ())
        case OpaqueEntity():
            # Its name is masked like any other; what else in it names a type nobody can know.
            raw = {key: value for key, value in entity.raw.items() if key != "name"}
            return _Shape(_encode(["opaque", raw]), ())
        case BuiltinType():
            return _Shape(_facts(entity, entity.json_type), ())
        case EnumType():
            return _Shape(_facts(entity, sorted(map(_value_facts, entity.members))), ())
        case ArrayType():
            return _Shape(_facts(entity), (("element-type", entity.element_type),))
        case ObjectType():
            return _Shape(
                _facts(
                    entity,
                    entity.tag,
                    sorted(map(_member_facts, entity.members)),
                    sorted(variant.case for variant in entity.variants),
                ),
                _sorted_edges((member.name, member.type) for member in entity.members)
                + _sorted_edges((variant.case, variant.type) for variant in entity.variants),
            )
        case AlternateType():
            branches = tuple(("", member.type) for member in entity.members)
            return _Shape(_facts(entity), branches, ordered=False)
        case Command():
            edges = (("arg-type", entity.arg_type), ("ret-type", entity.ret_type))
            return _Shape(_facts(entity, entity.name, entity.allow_oob), edges)
        case Event():
            return _Shape(_facts(entity, entity.name), (("arg-type", entity.arg_type),))


def _facts(entity: Any, *facts: object) -> bytes:
    return _encode([entity.meta_type, sorted(entity.features), *facts])


def _value_facts(member: EnumMember) -> list[Any]:
    return [member.name, sorted(member.features)]


def _member_facts(member: Member) -> list[Any]:
    return [member.name, member.optional, sorted(member.features)]


def _sorted_edges(edges: Iterable[Edge]) -> tuple[Edge, ...]:
    return tuple(sorted(edges))


def _set(numbers: Iterable[int]) -> list[int]:
    return sorted(set(numbers))


def _refine(shapes: Sequence[_Shape], edges: Sequence[Sequence[int]]) -> list[int]:
    """Give each entity a class: equal exactly when no path tells two entities apart.

    Classes are ranks of sorted contents, so they do not depend on the order of the entities.
    """
    classes = _rank([shape.local for shape in shapes])
    count = 0
    while count != (count := len(set(classes))):
        classes = _rank(
            [
                (classes[index], *(targets if shape.ordered else _set(targets)))
                for index, shape in enumerate(shapes)
                for targets in [[classes[target] for target in edges[index]]]
            ]
        )
    return classes


def _rank(contents: Sequence[Any]) -> list[int]:
    rank = {content: index for index, content in enumerate(sorted(set(contents)))}
    return [rank[content] for content in contents]


def _number(
    shapes: Sequence[_Shape],
    edges: Sequence[Sequence[int]],
    classes: Sequence[int],
    roots: Sequence[int],
) -> list[int]:
    """Walk from the commands and events, breadth first; return one entity per class."""
    order = list(roots)
    seen = {classes[index] for index in order}
    for index in order:  # grows while it is read
        targets = list(edges[index])
        if not shapes[index].ordered:
            targets.sort(key=lambda target: classes[target])
        for target in targets:
            if classes[target] not in seen:
                seen.add(classes[target])
                order.append(target)
    return order


def _sort_lists(value: Any) -> Any:
    """Sort every list in a JSON value: QEMU enumerates in no particular order."""
    if isinstance(value, dict):
        return {key: _sort_lists(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return sorted((_sort_lists(item) for item in value), key=_encode)
    return value

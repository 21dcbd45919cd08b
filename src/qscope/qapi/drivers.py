"""Drivers that come and go: a branch is added to a union, or taken away again.

In: a `Schema`, a union, a case and the type of its branch. Out: another `Schema`, that keeps all
rules, as if the branch stood in the source: in the union, and its case in the enum of the tag.
Nothing is parsed again but the new type; all rules about types are checked again.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import structs

from qscope.errors import SchemaError, UnknownNameError
from qscope.model.near import near
from qscope.qapi.define import define
from qscope.qapi.definitions import Branch, Command, Entity, Enum, Event, Object, Value
from qscope.qapi.describe import describe
from qscope.qapi.hiding import hide
from qscope.qapi.mentions import find_mentions, reach
from qscope.qapi.names import complain_of_type
from qscope.qapi.parser import Expression, Parsed, make_source, parse_files
from qscope.qapi.pragma import Pragma
from qscope.qapi.resolve import resolve
from qscope.qapi.schema import Added, Schema
from qscope.qapi.source import Place, Source

# As the parser has it.
_MAX_DEPTH = 100
_WORD = re.compile(r"[A-Za-z0-9]+")


def add_branch(
    schema: Schema,
    union: str,
    case: str,
    type: str | Mapping[str, Any],  # noqa: A002 - the schema's word
) -> Schema:
    """Return the schema with one more branch.

    `union` is the union's name, or that of a command whose arguments it is. `type` is the name of
    a struct or union; or QAPI text that defines one and the types it needs; or members, as the
    'data' of a struct has them.

    Raises UnknownNameError for a union that is not there, SchemaError for what breaks a rule.
    """
    if schema.whole is not None:
        return hide(add_branch(schema.whole, union, case, type), schema.hidden)
    target = _find_union(schema, union)
    enum = _find_enum(schema, target)
    value = _make_value(schema, enum, case)
    _refuse_known(target, enum, case)
    _require_own(schema, target, enum, case)
    name, types = _define_type(schema, target, case, type)
    changed: dict[str, Entity] = {
        enum.name: structs.replace(enum, values=(*enum.values, value)),
        target.name: structs.replace(target, branches=(*target.branches, Branch(case, name))),
    }
    new = [each for each in types if not _is_added_again(schema, each)]
    added = Added(
        schema.added.branches | {(target.name, case)},
        schema.added.types.union(each.name for each in new if each.name not in schema.by_name),
    )
    return _rebuild(schema, [*_replace(schema.entities, changed), *new], added)


def remove_branch(schema: Schema, union: str, case: str) -> Schema:
    """Return the schema without a branch that `add_branch` added, nor types that only it needed.

    Raises UnknownNameError for a branch that is not there, SchemaError for one in the source.
    """
    if schema.whole is not None:
        return hide(remove_branch(schema.whole, union, case), schema.hidden)
    target = _find_union(schema, union)
    enum = _find_enum(schema, target)
    if (target.name, case) not in schema.added.branches:
        raise _complain_of_branch(target, enum, case)
    changed: dict[str, Entity] = {
        enum.name: structs.replace(enum, values=_without(enum.values, case)),
        target.name: structs.replace(target, branches=_without(target.branches, case)),
    }
    entities = list(_replace(schema.entities, changed))
    own = {each.name: each for each in entities if each.name in schema.added.types}
    needed = reach((each for each in entities if each.name not in own), own)
    kept = [each for each in entities if each.name not in own or each.name in needed]
    names = {each.name for each in kept}
    branches = schema.added.branches - {(target.name, case)}
    added = Added(frozenset(pair for pair in branches if pair[0] in names), frozenset(needed))
    return _rebuild(schema, kept, added)


def _replace(entities: Iterable[Entity], changed: Mapping[str, Entity]) -> Iterator[Entity]:
    return (changed.get(each.name, each) for each in entities)


def _without(parts: tuple[Any, ...], name: str) -> tuple[Any, ...]:
    return tuple(part for part in parts if part.name != name)


def _rebuild(schema: Schema, entities: Iterable[Entity], added: Added) -> Schema:
    """Check all rules about types again. Documentation of what was added is nobody's duty."""
    parsed = Parsed([], list(schema.docs), schema.pragma, dict.fromkeys(schema.modules))
    own = (each for each in entities if each.place is not None)
    return resolve(parsed, own, check_docs=False, added=added)


# The union and its enum.


def _find_union(schema: Schema, name: str) -> Object:
    found = schema.by_name.get(name)
    if found is None:
        guesses = near(name, (each.name for each in schema.entities if _leads(schema, each)))
        hint = f"; did you mean '{guesses[0]}'?" if guesses else ""
        raise UnknownNameError(f"the schema has no union and no command '{name}'{hint}")
    union = _lead(schema, found)
    if union is not None:
        return union
    what = "which does not take a union" if isinstance(found, Command) else "which is no union"
    message = f"a branch cannot be added to {describe(found)}, {what}"
    raise found.place.error(message) if found.place else UnknownNameError(message)


def _lead(schema: Schema, entity: Entity) -> Object | None:
    """Return the union that something is, or that a command takes."""
    if isinstance(entity, Command):
        entity = schema.by_name.get(entity.arg_type or "", entity)
    return entity if isinstance(entity, Object) and entity.discriminator is not None else None


def _leads(schema: Schema, entity: Entity) -> bool:
    return _lead(schema, entity) is not None


def _find_enum(schema: Schema, union: Object) -> Enum:
    (tag,) = (
        each for each in schema.shapes[union.name].members if each.name == union.discriminator
    )
    enum = schema.by_name[tag.type]
    assert isinstance(enum, Enum)
    return enum


def _make_value(schema: Schema, enum: Enum, case: str) -> Value:
    """Check a case by the rules for values of this enum."""
    value = {"enum": enum.name, "data": [{"name": case}]}
    place = _require_place(enum)
    parsed = Parsed([Expression(value, place, None)], [], schema.pragma, {})
    (made,) = define(parsed, check_docs=False)
    assert isinstance(made, Enum)
    return made.values[0]


def _require_place(enum: Enum) -> Place:
    if enum.place is None:
        raise UnknownNameError(f"a branch cannot be added where the tag is of {describe(enum)}")
    return enum.place


def _refuse_known(union: Object, enum: Enum, case: str) -> None:
    if any(branch.name == case for branch in union.branches):
        raise _error_at(union, f"{describe(union)} has a branch '{case}' already")
    if any(value.name == case for value in enum.values):
        where = f"{describe(union)}, since {describe(enum)} has that value"
        raise _error_at(union, f"there is an empty branch '{case}' already in {where}")


def _complain_of_branch(union: Object, enum: Enum, case: str) -> SchemaError | UnknownNameError:
    if any(value.name == case for value in enum.values):
        what = f"branch '{case}' of {describe(union)} stands in the schema itself"
        return _error_at(union, f"{what}: only one that was added can be removed")
    return UnknownNameError(f"{describe(union)} has no branch '{case}'")


def _error_at(entity: Entity, message: str) -> SchemaError:
    assert entity.place is not None
    return entity.place.error(message)


def _require_own(schema: Schema, union: Object, enum: Enum, case: str) -> None:
    """Refuse an enum, or a base with the tag, that others use: they would be widened, too."""
    used: Entity = enum
    for user in _find_tag_owners(schema, union):
        others = [
            each for each in schema.entities for name in find_mentions(each) if name == used.name
        ]
        others.remove(user)
        if others:
            message = f"{describe(used)} is used by {others[0].context}, too"
            widened = f"a branch '{case}' of {describe(union)} would widen that as well"
            raise _error_at(union, f"{message}: {widened}")
        used = user


def _find_tag_owners(schema: Schema, union: Object) -> list[Object]:
    """Return the objects from the one with the tag up to the union that inherits it."""
    owners = [union]
    while all(member.name != union.discriminator for member in owners[-1].members):
        base = schema.by_name[owners[-1].base or ""]
        assert isinstance(base, Object)
        owners.append(base)
    return owners[::-1]


# The branch's type.


def _define_type(
    schema: Schema, union: Object, case: str, given: str | Mapping[str, Any]
) -> tuple[str, list[Entity]]:
    """Return the name of the branch's type, and what must be defined for it."""
    where = f"<{union.name}/+{case}>"
    if isinstance(given, Mapping):
        name = _invent_name(schema, union, case)
        place = Place(make_source(where, ""), 0)
        expression = Expression({"struct": name, "data": _write(given, place)}, place, None)
        parsed = Parsed([expression], [], schema.pragma, {})
        return name, define(parsed, check_docs=False)
    if not isinstance(given, str):
        raise TypeError(f"a branch's type is a name, QAPI text or members, not {given!r:.100}")
    if set(given) & set("{#\n"):
        return _define_text(schema, make_source(where, given))
    return given, []


def _write(value: Any, place: Place, depth: int = 0) -> Any:
    """Return what the parser would make of a value if it were written in a schema."""
    if depth > _MAX_DEPTH:
        raise place.error(f"members nested more than {_MAX_DEPTH} levels deep")
    if isinstance(value, str | bool):
        return value
    if isinstance(value, list | tuple):
        return [_write(each, place, depth + 1) for each in value]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: _write(each, place, depth + 1) for key, each in value.items()}
    raise place.error(f"no schema can have {value!r:.100} among members: it is not in the language")


def _invent_name(schema: Schema, union: Object, case: str) -> str:
    """Name inline members by union and case; a schema's reader sees it, its clients do not."""
    words = [word[0].upper() + word[1:] for word in _WORD.findall(case)]
    stem = name = "".join([union.name, *words])
    number = 1
    while name in schema.by_name or complain_of_type(name):
        number += 1
        name = f"{stem}Branch{number}"
    return name


def _define_text(schema: Schema, source: Source) -> tuple[str, list[Entity]]:
    """Define the types of a text; what its pragmas would change holds for the schema as it is."""
    parsed = parse_files(source, None, check_docs=False)
    start = Place(source, 0)
    if vars(parsed.pragma) != vars(Pragma()):
        raise start.error("a branch cannot bring pragmas along")
    made = define(parsed._replace(pragma=schema.pragma), check_docs=False)
    for each in made:
        if isinstance(each, Command | Event):
            raise _error_at(each, f"a branch brings types along, not {describe(each)}")
    return _find_outermost(made, start), made


def _find_outermost(made: list[Entity], start: Place) -> str:
    """Return the struct or union that leads to everything else that a text defines."""
    named = {each.name: each for each in made}
    objects = [each for each in made if isinstance(each, Object) and not each.implicit]
    if not objects:
        raise start.error("a branch's text defines a struct or a union; there is none in it")
    for each in objects:
        if named.keys() <= reach([each], named) | {each.name}:
            return each.name
    names = ", ".join(f"'{each.name}'" for each in objects)
    message = "a branch has one type, and others only if that needs them"
    raise start.error(f"{message}: none of {names} leads to all that is defined")


def _is_added_again(schema: Schema, entity: Entity) -> bool:
    """Return whether another branch added the same type, so that the two share it."""
    known = schema.by_name.get(entity.name)
    if known is None or entity.name not in schema.added.types:
        return False
    same = structs.replace(entity, place=known.place, context=known.context, doc=known.doc)
    return same == known

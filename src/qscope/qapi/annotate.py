"""From a schema to annotations: names of types, integers and documentation for an interface.

In: a schema, and which of its entities each entity of an interface is. Out: `Annotations`.
"""

import textwrap
from collections.abc import Iterator, Mapping

from qscope.model.annotations import Annotations, EntityDoc
from qscope.qapi.conditions import Condition, render_condition
from qscope.qapi.definitions import IMPLICIT, Array, Builtin, Entity, Enum, Object
from qscope.qapi.doc_reader import read_sections, read_symbol
from qscope.qapi.docs import Doc, Topic
from qscope.qapi.schema import Schema


def annotate_source(schema: Schema, evidence: str) -> Annotations:
    """Annotate the interface that introspecting this schema gives."""
    return annotate(schema, schema.name_entities(), evidence)


def annotate(schema: Schema, names: Mapping[str, str], evidence: str) -> Annotations:
    """Annotate an interface; `names` has the schema's name of each of its entities."""
    integers = {
        name: found for name, own in names.items() if (found := dict(_find_integers(schema, own)))
    }
    return Annotations(
        evidence,
        {name: own for name, own in names.items() if own != name},
        integers,
        lambda name: find_doc(schema, names[name]) if name in names else None,
        lambda name, component: _explain(schema, names, name, component),
    )


def _explain(schema: Schema, names: Mapping[str, str], name: str | None, component: str) -> str:
    if name is None:
        entity = schema.by_name.get(component)
        if entity is None:
            return ""
        if entity.condition is not None:
            return _only_if(entity.condition)
        return "it is defined, but no command and no event leads to it"
    owner = schema.by_name.get(names.get(name, ""))
    for text, condition in _find_parts(schema, owner):
        if condition is not None and text == component.removeprefix("*"):
            return _only_if(condition)
    return ""


def _only_if(condition: Condition) -> str:
    return f"it is there only with {render_condition(condition)}"


def _find_parts(schema: Schema, owner: Entity | None) -> Iterator[tuple[str, Condition | None]]:
    """Yield what can follow an entity in a path, and on what that depends."""
    for feature in owner.features or () if owner else ():
        yield f"${feature.name}", feature.condition
    match owner:
        case Enum(values=values):
            yield from ((f"^{value.name}", value.condition) for value in values)
        case Object(name=name):
            shape = schema.shapes[name]
            yield from ((member.name, member.condition) for member in shape.members)
            yield from ((f"+{branch.name}", branch.condition) for branch in shape.branches)
        case _:
            pass


def _find_integers(schema: Schema, name: str) -> Iterator[tuple[str, str]]:
    """Yield member and type for each member that is `int` on the wire and something else here."""
    if name not in schema.shapes:
        return
    for member in schema.shapes[name].members:
        if text := _render_integer(schema, member.type):
            yield member.name, text


def _render_integer(schema: Schema, name: str) -> str | None:
    found = schema.by_name[name]
    match found:
        case Builtin(json_type="int") if name != "int":
            return name
        case Array(element=element):
            inner = _render_integer(schema, element)
            return f"[{inner}]" if inner else None
        case _:
            return None


def find_doc(schema: Schema, name: str) -> EntityDoc | None:
    """Return what is written about an entity; about inline members, their definition's comment."""
    entity = schema.by_name.get(name)
    if entity is None:
        return None
    doc = entity.doc
    if doc is None and (user := _find_user(name)):
        doc = schema.by_name[user].doc
    members: dict[str, str] = {}
    if isinstance(entity, Object) and entity.base and (base := find_doc(schema, entity.base)):
        members = base.members
    if doc and read_symbol(doc) not in (name, _find_user(name)):
        # It stands in front by accident; only where comments are ignored can it.
        doc = None
    return _build(doc, members) if doc or members else None


def _find_user(name: str) -> str | None:
    """Return the definition whose inline members have this type."""
    return name.removeprefix(IMPLICIT).rpartition("-")[0] if name.startswith(IMPLICIT) else None


def _build(doc: Doc | None, inherited: dict[str, str]) -> EntityDoc:
    sections = read_sections(doc) if doc else ()
    found: dict[Topic, dict[str, str]] = {topic: {} for topic in Topic}
    for section in sections:
        text = section.text
        if section.topic is not Topic.TEXT:
            text = _clean(text)
        if text:
            before = found[section.topic].get(section.name)
            found[section.topic][section.name] = f"{before}\n\n{text}" if before else text
    return EntityDoc(
        text=found[Topic.TEXT].get("", ""),
        members={**inherited, **found[Topic.MEMBER]},
        features=found[Topic.FEATURE],
        returns=found[Topic.RETURNS].get("", ""),
        errors=found[Topic.ERRORS].get("", ""),
        since=found[Topic.SINCE].get("", ""),
    )


def _clean(text: str) -> str:
    """Take away the indentation that marks the lines after a section's first."""
    first, _, rest = text.partition("\n")
    return f"{first.strip()}\n{textwrap.dedent(rest)}".strip()

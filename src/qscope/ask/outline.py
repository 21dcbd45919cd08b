"""Outlines: an entity with all its types inline, as a tree a person can read.

In: an interface and a path. Out: `Node`, whose names are components of the path language, so that
what is seen can be asked. Recursion and repetition become references.
"""

from typing import Any

from msgspec import Struct, structs

from qscope.ask.answer import Verdict
from qscope.ask.branches import list_branches
from qscope.ask.describe import describe_type
from qscope.ask.query import ask
from qscope.errors import UnknownNameError
from qscope.model.annotations import Annotations, EntityDoc
from qscope.model.interface import Interface, find_references
from qscope.model.property_types import ScalarType
from qscope.model.schema_info import (
    AlternateType,
    ArrayType,
    BuiltinType,
    Command,
    Entity,
    EnumType,
    Event,
    Member,
    ObjectType,
    OpaqueEntity,
    encode_entity,
)


class Node(Struct, frozen=True, omit_defaults=True, rename="kebab"):
    """One line of an outline.

    `name` is a path component (`*` optional, `+` variant), or a word in what the listings tell.
    `type` is a JSON type in words, `values` an enum's values, `see` the path at which the same type
    is spelled out; `cut` tells that the depth was used up before the members. What a source adds:
    `source_type` is its name of the type, `doc` what it says about a member, `comment` about the
    whole.
    """

    name: str
    type: str = ""
    features: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    members: tuple["Node", ...] = ()
    see: str | None = None
    cut: bool = False
    source_type: str = ""
    doc: str = ""
    comment: EntityDoc | None = None


class _Type(Struct, frozen=True):
    """What a type adds to the node that has it."""

    type: str
    values: tuple[str, ...] = ()
    members: tuple[Node, ...] = ()
    see: str | None = None
    cut: bool = False
    source: str = ""

    def at(self, name: str, features: tuple[str, ...] = (), source: str = "") -> Node:
        return Node(
            name, self.type, features, self.values, self.members, self.see, self.cut,
            source or self.source,
        )  # fmt: skip


def outline(interface: Interface, path: str, depth: int) -> Node:
    """Return the outline of what `path` leads to, objects opened `depth` levels deep.

    Raises PathError for a malformed path and UnknownNameError for one that leads nowhere.
    """
    entity = find_entity(interface, path)
    root = _Outliner(interface).root(entity, path, depth)
    if isinstance(entity, Command):
        root = _add_branches(interface, entity.name, root)
    return document(interface, entity, root)


def _add_branches(interface: Interface, command: str, root: Node) -> Node:
    """Say where a command's arguments go on that the schema leaves open: too many to spell out."""
    count = len(list_branches(interface, command))
    if not count:
        return root
    words = f"one of {count}, see 'qscope list --{_BRANCHES[command][1]} --creatable'"
    arguments, *others = root.members
    branch = Node(f"+{_BRANCHES[command][0]}", words)
    arguments = structs.replace(arguments, members=(*arguments.members, branch))
    return structs.replace(root, members=(arguments, *others))


_BRANCHES = {"device_add": ("DRIVER", "devices"), "object-add": ("TYPE", "objects")}


def find_entity(interface: Interface, path: str) -> Entity:
    """Return the entity that `path` leads to. Raises what `outline` raises."""
    answer = ask(interface, path)
    if answer.verdict is not Verdict.YES:
        raise UnknownNameError(f"{path}: {answer.why or answer.verdict.value} ({answer.evidence})")
    if answer.entity is None:
        raise UnknownNameError(f"{path}: leads to no type; 'qscope query' answers it")
    entity = interface.find(answer.entity)
    assert entity is not None
    return entity


def document(interface: Interface, entity: Entity, root: Node) -> Node:
    """Add what a source says about `entity`, and about the members that the tree begins with."""
    entity = _find_element(interface, entity)
    comment = _find_doc(interface, entity)
    if isinstance(entity, Command | Event):
        targets = dict(zip(("arg-type", "ret-type"), find_references(entity), strict=False))
        members = tuple(
            _describe(child, _find_doc(interface, interface.by_name.get(targets[child.name])))
            for child in root.members
        )
        return structs.replace(root, comment=comment, members=members)
    if comment is None:
        return root
    described = [
        Node(f"^{value}", doc=comment.members[value])
        for value in root.values
        if value in comment.members
    ]
    root = _describe(root, comment)
    return structs.replace(root, comment=comment, members=(*root.members, *described))


def _find_element(interface: Interface, entity: Entity) -> Entity:
    """Return what arrays consist of."""
    while isinstance(entity, ArrayType) and entity.element_type in interface.by_name:
        entity = interface.by_name[entity.element_type]
    return entity


def _find_doc(interface: Interface, entity: Entity | None) -> EntityDoc | None:
    if entity is None or interface.annotations is None:
        return None
    return interface.annotations.find_doc(_find_element(interface, entity).name)


def _describe(node: Node, comment: EntityDoc | None) -> Node:
    """Add what is said about a node's members to them."""
    if comment is None:
        return node
    members = tuple(
        structs.replace(each, doc=comment.members.get(each.name.removeprefix("*"), ""))
        for each in node.members
    )
    return structs.replace(node, members=members)


class _Outliner:
    """Walks types depth first and remembers where each was spelled out."""

    def __init__(self, interface: Interface) -> None:
        self._interface = interface
        self._annotations = interface.annotations or Annotations("")
        self._spelled_out: dict[str, str] = {}

    def root(self, entity: Entity, path: str, depth: int) -> Node:
        match entity:
            case Command():
                children = (
                    self._type(entity.arg_type, f"{path}/arg-type", depth).at("arg-type"),
                    self._type(entity.ret_type, f"{path}/ret-type", depth).at("ret-type"),
                )
                kind = "command, can run out of band" if entity.allow_oob else "command"
                return Node(path, kind, entity.features, members=children)
            case Event():
                child = self._type(entity.arg_type, f"{path}/arg-type", depth).at("arg-type")
                return Node(path, "event", entity.features, members=(child,))
            case OpaqueEntity():
                return Node(path, f"{entity.meta_type}, of which nothing more is known")
            case _:
                return self._type(entity.name, path, depth).at(path, entity.features)

    def _type(self, name: str, path: str, depth: int) -> _Type:
        entity = self._interface.find(name)
        match entity:
            case ScalarType():
                return _Type(describe_type(self._interface.find, name))
            case BuiltinType():
                return _Type("any" if entity.json_type == "value" else entity.json_type)
            case EnumType():
                return _Type("enum", values=entity.values, source=self._name(name))
            case ArrayType():
                element = self._type(entity.element_type, path, depth)
                return _Type(
                    f"array of {element.type}",
                    element.values,
                    element.members,
                    element.see,
                    element.cut,
                    element.source,
                )
            case ObjectType() | AlternateType():
                return self._compound(entity, path, depth)
            case None:
                return _Type("a type that the server did not send")
            case _:
                return _Type(f"a {entity.meta_type}")

    def _compound(self, entity: ObjectType | AlternateType, path: str, depth: int) -> _Type:
        bare = _Type(_name_kind(entity), source=self._name(entity.name))
        if not entity.members and isinstance(entity, ObjectType) and not entity.variants:
            return bare
        if entity.name in self._spelled_out:
            return structs.replace(bare, see=self._spelled_out[entity.name])
        if depth <= 0:
            return structs.replace(bare, cut=True)
        self._spelled_out[entity.name] = path
        if isinstance(entity, AlternateType):
            branches = [self._type(each.type, path, depth) for each in entity.members]
            return structs.replace(bare, members=tuple(branch.at("|") for branch in branches))
        members = [self._member(entity, member, path, depth - 1) for member in entity.members]
        variants = [
            self._type(variant.type, f"{path}/+{variant.case}", depth - 1).at(f"+{variant.case}")
            for variant in entity.variants
        ]
        return structs.replace(bare, members=(*members, *variants))

    def _member(self, owner: ObjectType, member: Member, path: str, depth: int) -> Node:
        name = f"*{member.name}" if member.optional else member.name
        integer = self._annotations.integer_types.get(owner.name, {}).get(member.name, "")
        found = self._type(member.type, f"{path}/{member.name}", depth)
        return found.at(name, member.features, integer.strip("[]"))

    def _name(self, name: str) -> str:
        """Return a source's name of a type; one made for inline members has none."""
        own = self._annotations.type_names.get(name, "")
        return "" if own.startswith("q_") else own


def _name_kind(entity: ObjectType | AlternateType) -> str:
    if isinstance(entity, AlternateType):
        return "alternate"
    if entity.tag:
        return f"union by {entity.tag}"
    return "object" if entity.members else "nothing"


def find_raw(interface: Interface, path: str) -> list[dict[str, Any]]:
    """Return the SchemaInfo entries that `path` leads to and mentions, breadth first.

    They are as QEMU sent them, with what this version does not understand. Raises what `outline`
    raises.
    """
    names = {find_entity(interface, path).name: None}
    waiting = list(names)
    for name in waiting:  # grows while it is read
        entity = interface.find(name)
        new = [each for each in find_references(entity) if each not in names] if entity else []
        waiting += dict.fromkeys(new)
        names |= dict.fromkeys(new)
    odd = {oddity.name: oddity.raw for oddity in interface.oddities if oddity.raw}
    found = [interface.find(name) for name in names]
    return [odd.get(entity.name) or encode_entity(entity) for entity in found if entity]

"""SchemaInfo: the entities of a `query-qmp-schema` reply, as QEMU's qapi/introspect.json has them.

In: the reply's JSON. Out: a tuple of entities, and notes on what this version cannot understand.
All wire forms since QEMU 2.5 are absorbed here. Next stage: interface.py.
"""

from collections.abc import Iterable
from typing import Any, ClassVar, NamedTuple, TypeAlias

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType, field


class Featured(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """Anything that can carry features.

    QEMU sends `"features": []` when a schema lists features that are all configured out, and no
    key when it lists none. Both mean "no features"; the difference is kept for round trips.
    """

    listed_features: tuple[str, ...] | UnsetType = field(default=UNSET, name="features")

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the features, such as `deprecated` and `unstable`."""
        return () if isinstance(self.listed_features, UnsetType) else self.listed_features


class EnumMember(Featured, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """One value of an enum (SchemaInfoEnumMember, QEMU 6.2 and newer)."""

    name: str


class Member(Featured, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """A member of an object type (SchemaInfoObjectMember)."""

    name: str
    type: str
    # null whenever present: presence alone makes the member optional. QEMU reserves other values.
    default: Any = UNSET

    @property
    def optional(self) -> bool:
        """Whether a client may leave this member out."""
        return self.default is not UNSET


class Variant(Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """What a union gains when its tag has the value `case` (SchemaInfoObjectVariant)."""

    case: str
    type: str


class AlternateMember(Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """One branch of an alternate (SchemaInfoAlternateMember); it has no name on the wire."""

    type: str


class SchemaInfo(
    Featured,
    frozen=True,
    kw_only=True,
    gc=False,
    rename="kebab",
    tag_field="meta-type",
    forbid_unknown_fields=True,
):
    """What every entity has. Type names are masked numbers without meaning."""

    meta_type: ClassVar[str] = ""
    name: str


class BuiltinType(SchemaInfo, frozen=True, kw_only=True, gc=False, tag="builtin"):
    """A built-in type; `json_type` is int, string, number, boolean, null or value."""

    meta_type: ClassVar[str] = "builtin"
    json_type: str


class EnumType(SchemaInfo, frozen=True, kw_only=True, gc=False, tag="enum"):
    """An enumeration."""

    meta_type: ClassVar[str] = "enum"
    # QEMU before 6.2 sends only "values"; later ones send both and deprecate it.
    sent_members: tuple[EnumMember, ...] | UnsetType = field(default=UNSET, name="members")
    sent_values: tuple[str, ...] | UnsetType = field(default=UNSET, name="values")

    @property
    def members(self) -> tuple[EnumMember, ...]:
        """The values with their features, whichever form QEMU sent."""
        if not isinstance(self.sent_members, UnsetType):
            return self.sent_members
        return tuple(EnumMember(name=value) for value in self.values)

    @property
    def values(self) -> tuple[str, ...]:
        """The values' names, whichever form QEMU sent."""
        if not isinstance(self.sent_members, UnsetType):
            return tuple(member.name for member in self.sent_members)
        return () if isinstance(self.sent_values, UnsetType) else self.sent_values


class ArrayType(SchemaInfo, frozen=True, kw_only=True, gc=False, tag="array"):
    """An array of `element_type`."""

    meta_type: ClassVar[str] = "array"
    element_type: str


class ObjectType(SchemaInfo, frozen=True, kw_only=True, gc=False, tag="object"):
    """A struct, or a union when it has a tag: then exactly one variant adds its members."""

    meta_type: ClassVar[str] = "object"
    members: tuple[Member, ...]
    tag: str | None = None
    variants: tuple[Variant, ...] = ()


class AlternateType(SchemaInfo, frozen=True, kw_only=True, gc=False, tag="alternate"):
    """A choice between types that the JSON type of the value tells apart."""

    meta_type: ClassVar[str] = "alternate"
    members: tuple[AlternateMember, ...]


class Command(SchemaInfo, frozen=True, kw_only=True, gc=False, tag="command"):
    """A QMP command."""

    meta_type: ClassVar[str] = "command"
    arg_type: str
    ret_type: str
    # 2.12 always sends it; 3.0 and newer only when it is true.
    allow_oob: bool = False


class Event(SchemaInfo, frozen=True, kw_only=True, gc=False, tag="event"):
    """A QMP event; its data are of type `arg_type`."""

    meta_type: ClassVar[str] = "event"
    arg_type: str


class OpaqueEntity(NamedTuple):
    """An entity of a future QEMU, or a broken one: kept as it came, not understood."""

    name: str
    meta_type: str
    raw: dict[str, Any]


KnownEntity: TypeAlias = (
    BuiltinType | EnumType | ArrayType | ObjectType | AlternateType | Command | Event
)
Entity: TypeAlias = KnownEntity | OpaqueEntity


class Oddity(Struct, frozen=True):
    """Something in the reply that this version does not understand; `raw` is all that was sent."""

    name: str
    what: str
    raw: Any = None


_CLASSES: tuple[type[SchemaInfo], ...] = (
    BuiltinType,
    EnumType,
    ArrayType,
    ObjectType,
    AlternateType,
    Command,
    Event,
)
_BY_META_TYPE = {cls.meta_type: cls for cls in _CLASSES}
_NESTED: dict[tuple[str, str], type[Struct]] = {
    ("enum", "members"): EnumMember,
    ("object", "members"): Member,
    ("object", "variants"): Variant,
    ("alternate", "members"): AlternateMember,
}
_encode = msgspec.json.Encoder().encode
_decode_strictly = msgspec.json.Decoder(tuple[KnownEntity, ...]).decode


def decode_entities(reply: bytes | Raw) -> tuple[tuple[Entity, ...], tuple[Oddity, ...]]:
    """Decode the array a `query-qmp-schema` returned.

    Returns the entities in the order received, and an oddity for everything unknown.
    Raises one of decoding.UNREADABLE when `reply` is not JSON or no array.
    """
    try:
        return _decode_strictly(reply), ()
    except msgspec.ValidationError:
        return convert_entities(msgspec.json.decode(reply, type=list[Any]))


def encode_entity(entity: Entity) -> dict[str, Any]:
    """Turn an entity back into the dict that was sent, less what an oddity keeps."""
    if isinstance(entity, OpaqueEntity):
        return entity.raw
    wire: dict[str, Any] = msgspec.json.decode(encode_known(entity))
    return wire


def encode_known(entity: KnownEntity) -> bytes:
    """Turn an entity into the JSON that was sent."""
    if isinstance(entity, ObjectType) and entity.tag is not None and not entity.variants:
        # A union all of whose branches are configured out: QEMU sends an empty list.
        return _encode({**msgspec.to_builtins(entity), "variants": ()})
    return _encode(entity)


def convert_entities(items: Iterable[Any]) -> tuple[tuple[Entity, ...], tuple[Oddity, ...]]:
    """Make entities of an array's items one by one, and an oddity of everything unknown."""
    entities: list[Entity] = []
    oddities: list[Oddity] = []
    for position, item in enumerate(items):
        if not isinstance(item, dict) or not isinstance(item.get("name"), str):
            oddities.append(Oddity(name=f"#{position}", what="an entry without a name", raw=item))
            continue
        entity, what = _decode_one(item)
        entities.append(entity)
        if what:
            oddities.append(Oddity(name=item["name"], what=what, raw=item))
    return tuple(entities), tuple(oddities)


def _decode_one(item: dict[str, Any]) -> tuple[Entity, str]:
    """Return the entity and what was odd about it ("" for nothing)."""
    meta_type = item.get("meta-type")
    if not isinstance(meta_type, str) or meta_type not in _BY_META_TYPE:
        return OpaqueEntity(item["name"], str(meta_type), item), f"unknown meta-type {meta_type!r}"
    known, dropped = _drop_unknown_keys(item, meta_type)
    try:
        entity: KnownEntity = msgspec.convert(known, KnownEntity)
    except msgspec.ValidationError as error:
        return OpaqueEntity(item["name"], meta_type, item), f"not a valid {meta_type}: {error}"
    return entity, f"unknown key {', '.join(dropped)}" if dropped else ""


def _drop_unknown_keys(item: dict[str, Any], meta_type: str) -> tuple[dict[str, Any], list[str]]:
    """Return `item` less the keys this version does not know, and the paths of those keys."""
    known, dropped = _split_keys(item, _BY_META_TYPE[meta_type], "")
    for (owner, key), cls in _NESTED.items():
        if owner == meta_type and isinstance(known.get(key), list):
            parts = [_split_keys(part, cls, f"{key}/") for part in known[key]]
            known[key] = [part for part, _ in parts]
            dropped += [name for _, names in parts for name in names]
    return known, list(dict.fromkeys(dropped))


def _split_keys(item: Any, cls: type[Struct], where: str) -> tuple[Any, list[str]]:
    if not isinstance(item, dict):
        return item, []
    keys = {*cls.__struct_encode_fields__, "meta-type"}
    dropped = [where + key for key in item if key not in keys]
    return {key: value for key, value in item.items() if key in keys}, dropped

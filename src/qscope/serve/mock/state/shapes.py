"""Whether a schema's command takes what the mock's memory reads of QEMU's.

In: an interface and a command's name. Out: yes or no. A schema on paper may give another shape to a
command of QEMU's, and QEMU did so itself: then nothing is remembered of it.
"""

from collections.abc import Iterable, Iterator
from typing import TypeAlias, assert_never

from qscope.model.interface import Interface
from qscope.model.schema_info import (
    AlternateType,
    ArrayType,
    BuiltinType,
    Command,
    Entity,
    EnumType,
    Event,
    ObjectType,
    OpaqueEntity,
)

# Where a value stands, and what it is: MEMBER/MEMBER:KIND. A member with a `*` may be absent;
# `+CASE` is a branch, `|` the objects of an alternate: all is well where there is none; `[]` are an
# array's elements.
_Need: TypeAlias = str
# What needs one of several shapes has several.
_Needs: TypeAlias = tuple[tuple[_Need, ...], ...]

_BITMAP = ("node:str", "name:str")
_BITMAP_NEW = (*_BITMAP, "*granularity:int", "*persistent:bool", "*disabled:bool")
_BITMAP_MERGED = (
    "node:str",
    "target:str",
    "bitmaps:array",
    "bitmaps/[]/|/node:str",
    "bitmaps/[]/|/name:str",
)
_NODE = ("driver:str", "*node-name:str", "*cache:object", "+throttle/throttle-group:str")
_BACKEND = (
    "id:str",
    "backend/type:str",
    "backend/*data:object",
    "backend/+mux/data/chardev:str",
    "backend/+ringbuf/data/*size:int",
    "backend/+memory/data/*size:int",
)
_JOB = ("device:str", "*job-id:str")
_JOB_WITH_ID = ("*device:str", "job-id:str")
_ACTION = ("actions/[]/type:str", "actions/[]/*data:object")
_PATH, _ID, _NAME = ("path:str",), ("id:str",), ("name:str",)

_NEEDS: dict[str, _Needs] = {
    "add-fd": (("*fdset-id:int", "*opaque:str"),),
    "add_client": (("fdname:str",),),
    "block-commit": (_JOB,),
    "block-dirty-bitmap-add": (_BITMAP_NEW,),
    "block-dirty-bitmap-clear": (_BITMAP,),
    "block-dirty-bitmap-disable": (_BITMAP,),
    "block-dirty-bitmap-enable": (_BITMAP,),
    "block-dirty-bitmap-merge": (_BITMAP_MERGED,),
    "block-dirty-bitmap-remove": (_BITMAP,),
    "block-export-add": (("id:str", "type:str", "node-name:str", "+nbd/*name:str"),),
    "block-export-del": (_ID,),
    "block-stream": (_JOB,),
    "block_resize": (("*device:str", "*node-name:str"),),
    "blockdev-add": (_NODE, tuple(f"options/{each}" for each in _NODE)),
    "blockdev-backup": (_JOB,),
    "blockdev-create": ((*_JOB_WITH_ID, "options/driver:str"),),
    "blockdev-del": (("node-name:str",),),
    "blockdev-mirror": (_JOB,),
    "blockdev-reopen": (tuple(f"options/[]/{each}" for each in _NODE),),
    "blockdev-snapshot-sync": (("*device:str", "*node-name:str"),),
    "chardev-add": (_BACKEND,),
    "chardev-change": (_BACKEND,),
    "chardev-remove": (_ID,),
    "chardev-send-break": (_ID,),
    "closefd": (("fdname:str",),),
    "device_del": (_ID,),
    "drive-backup": (_JOB,),
    "drive-mirror": (_JOB,),
    "getfd": (("fdname:str",),),
    "nbd-server-add": (("device:str", "*name:str"),),
    "nbd-server-remove": (_NAME,),
    "netdev_del": (_ID,),
    "object-del": (_ID,),
    "qom-get": ((*_PATH, "property:str"),),
    "qom-list": (_PATH,),
    "qom-set": ((*_PATH, "property:str", "value:any"),),
    "query-cpu-model-expansion": (("model/name:str",),),
    "query-rx-filter": (("*name:str",),),
    "remove-fd": (("fdset-id:int", "*fd:int"),),
    "transaction": (_ACTION,),
    "x-blockdev-amend": (_JOB_WITH_ID,),
    "x-blockdev-reopen": (_NODE,),
    "x-debug-block-dirty-bitmap-sha256": (_BITMAP,),
}
_SCALARS = {"string": "str", "int": "int", "boolean": "bool", "value": "any"}


def fits(interface: Interface, name: str) -> bool:
    """Whether a command takes what is read of it, and, in a transaction, its actions do."""
    command = interface.by_name.get(name)
    if not isinstance(command, Command):
        return True
    if not _takes(interface, command.arg_type, name):
        return False
    return name != "transaction" or all(
        _takes(interface, data, action) for action, data in _list_actions(interface, command)
    )


def _takes(interface: Interface, type_name: str, name: str) -> bool:
    alternatives = _NEEDS.get(name, ((),))
    return any(all(_has(interface, [type_name], need) for need in needs) for needs in alternatives)


def _list_actions(interface: Interface, command: Command) -> Iterator[tuple[str, str]]:
    """Yield the actions of a transaction, each with the type of its data."""
    known = interface.by_name
    for element in _enter(interface, _enter(interface, [command.arg_type], "actions"), "[]"):
        entity = known.get(element)
        for each in entity.variants if isinstance(entity, ObjectType) else ():
            branch = known.get(each.type)
            members = branch.members if isinstance(branch, ObjectType) else ()
            yield from ((each.case, m.type) for m in members if m.name == "data")


def _has(interface: Interface, types: list[str], need: _Need) -> bool:
    path, _, kind = need.partition(":")
    for step in path.split("/"):
        may_lack = step.startswith(("*", "+", "|"))
        found = _enter(interface, types, step.removeprefix("*"))
        if not found:
            return may_lack
        if not may_lack and not _demands(interface, types, step):
            return False
        types = found
    return all(_find_kind(interface.by_name.get(each)) == kind for each in types)


def _enter(interface: Interface, types: Iterable[str], step: str) -> list[str]:
    """Return the types that a step leads to; a member may stand in several branches."""
    found: list[str] = []
    for name in types:
        match interface.by_name.get(name):
            case ArrayType(element_type=element_type) if step == "[]":
                found.append(element_type)
            case AlternateType(members=branches) if step == "|":
                inner = (each.type for each in branches)
                found += [each for each in inner if _is_object(interface, each)]
            case ObjectType(members=members, variants=variants):
                found += [each.type for each in members if each.name == step]
                found += [each.type for each in variants if f"+{each.case}" == step]
                if not step.startswith("+"):
                    found += _enter(interface, [each.type for each in variants], step)
            case _:
                pass
    return found


def _is_object(interface: Interface, name: str) -> bool:
    return isinstance(interface.by_name.get(name), ObjectType)


def _demands(interface: Interface, types: Iterable[str], step: str) -> bool:
    """Whether a value of any of the types must have a member."""
    if step == "[]":
        return True
    return all(
        isinstance(entity, ObjectType)
        and any(each.name == step and not each.optional for each in entity.members)
        for entity in map(interface.by_name.get, types)
    )


def _find_kind(entity: Entity | None) -> str:
    match entity:
        case EnumType():
            return "str"
        case BuiltinType(json_type=json_type):
            return _SCALARS.get(json_type, json_type)
        case ArrayType():
            return "array"
        case ObjectType():
            return "object"
        case AlternateType():
            return "alternate"
        case Command() | Event() | OpaqueEntity() | None:
            return "unknown"
        case _:
            assert_never(entity)

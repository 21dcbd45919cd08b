"""User-creatable objects: what object-add takes.

In: object-add, object-del. Out: query-memdev, query-iothreads, and their IDs in the memory. Types
are judged by the interface's listings where it has them. Properties are the schema's business;
where it leaves them open (before 6.0), their names are judged by what the type told.
"""

import itertools
from typing import Any

from qscope.errors import RefusalError
from qscope.model.interface import Interface
from qscope.model.schema_info import Command, ObjectType
from qscope.serve.mock.state.object_checks import check_object, find_chardev
from qscope.serve.mock.state.qom_types import is_abstract
from qscope.serve.mock.state.subject import Created, Memory, check_id, read_text

_OWN = ("qom-type", "id", "props")
# Types that QEMU does not delete while a device or a node uses them (their `can_be_deleted`).
_HELD = ("memory-backend-", "throttle-group", "cryptodev-")
_FIRST_THREAD = 1000


class Objects:
    """The commands for objects."""

    def __init__(self, memory: Memory, interface: Interface) -> None:
        self._memory = memory
        self._interface = interface
        self._threads = itertools.count(_FIRST_THREAD + 1)
        # The thread of each iothread, by ID.
        self._running: dict[str, int] = {}
        self.changes = {"object-add": self._add, "object-del": self._delete}
        self.queries = {"query-memdev": self._tell_memory, "query-iothreads": self._tell_threads}

    def _add(self, arguments: dict[str, Any]) -> None:
        typename, ident = read_text(arguments, "qom-type"), read_text(arguments, "id")
        check_id(ident)
        self._check_type(typename)
        if not isinstance(arguments.get("props", {}), dict):
            raise RefusalError("Invalid parameter type for 'props', expected: dict")
        given = {name: value for name, value in arguments.items() if name not in _OWN}
        created = Created(typename, {**arguments.get("props", {}), **given})
        self._check_names(created)
        if ident in self._memory.objects:
            container = "object (type 'container')"
            raise RefusalError(f"attempt to add duplicate property '{ident}' to {container}")
        check_object(self._memory, created)
        self._keep(ident, created)

    def _keep(self, ident: str, created: Created) -> None:
        if created.typename == "iothread":
            self._running[ident] = next(self._threads)
        if chardev := find_chardev(created):
            self._memory.use("chardev", chardev, _name_user(ident))
        self._memory.objects[ident] = created
        self._memory.has_had_objects = True

    def _check_type(self, typename: str) -> None:
        listings = self._interface.listings
        types = {each.name for each in listings.qom_types or ()}
        creatable = {each.name for each in listings.creatable_objects or ()}
        if types and typename not in types:
            raise RefusalError(f"invalid object type: {typename}")
        is_pure = is_abstract(self._interface, typename)
        if creatable and typename not in creatable and not is_pure:
            raise RefusalError(f"object type '{typename}' isn't supported by object-add")
        if is_pure:
            raise RefusalError(f"object type '{typename}' is abstract")

    def _check_names(self, created: Created) -> None:
        told = self._interface.properties.find("object", created.typename)
        if told is None or told.properties is None or not self._is_open():
            return
        known = {each.name for each in told.properties}
        for name in created.properties:
            if name not in known:
                raise RefusalError(f"Property '{created.typename}.{name}' not found")

    def _is_open(self) -> bool:
        """Whether the schema takes any property."""
        command = self._interface.by_name.get("object-add")
        if not isinstance(command, Command):
            return True
        entity = self._interface.by_name.get(command.arg_type)
        return isinstance(entity, ObjectType) and not entity.variants

    def _delete(self, arguments: dict[str, Any]) -> None:
        ident = arguments["id"]
        created = self._memory.objects.get(ident)
        if created is None:
            raise RefusalError(f"object '{ident}' not found")
        is_used = bool(self._memory.find_users("object", ident))
        # QEMU cannot take a CAN bus away.
        if created.typename == "can-bus" or (created.typename.startswith(_HELD) and is_used):
            raise RefusalError(f"object '{ident}' is in use, can not be deleted")
        self._memory.release(_name_user(ident))
        self._memory.drop_users("object", ident)
        del self._memory.objects[ident]
        self._running.pop(ident, None)

    def _tell_memory(self, _arguments: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            _describe_memory(ident, created)
            for ident, created in self._memory.objects.items()
            if created.typename.startswith("memory-backend-")
        ]

    def _tell_threads(self, _arguments: dict[str, Any]) -> list[dict[str, Any]]:
        defaults = {"poll-max-ns": 32768, "poll-grow": 0, "poll-shrink": 0, "aio-max-batch": 0}
        return [
            {**defaults, **created.properties, "id": ident, "thread-id": self._running[ident]}
            for ident, created in self._memory.objects.items()
            if created.typename == "iothread"
        ]


def _describe_memory(ident: str, created: Created) -> dict[str, Any]:
    is_shared = created.typename in ("memory-backend-memfd", "memory-backend-shm")
    facts = {"id": ident, "merge": True, "dump": True, "prealloc": False, "reserve": True}
    facts |= {"share": is_shared, "host-nodes": [], "policy": "default"}
    return facts | {
        name: value for name, value in created.properties.items() if name in (*facts, "size")
    }


def _name_user(ident: str) -> str:
    return f"object {ident}"

"""Commands that first look something up, and of which a mock remembers no more than that.

In: their arguments. Out: QEMU's refusal of what is not there. What is there gets an answer from the
schema, without effect. Jobs are known by the command that would start them, and never end.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

from qscope.ask.validation.names import is_id
from qscope.errors import RefusalError
from qscope.model.interface import Interface
from qscope.model.schema_info import Command, Entity, ObjectType
from qscope.serve.mock.state.subject import Command as Handler
from qscope.serve.mock.state.subject import Memory, refuse_device

_Test: TypeAlias = Callable[[str], bool]


class _Lookup(NamedTuple):
    """A member that names something; `text` has the name in it where QEMU says it is absent."""

    member: str
    what: str
    text: str
    error_class: str = "GenericError"


_NO_DEVICE = "Device '{0}' not found"
_NO_NODE = "Cannot find device='{0}' nor node-name='{0}'"
_NO_NODE_NAME = "Cannot find device='' nor node-name='{0}'"
_NO_JOB = "Block job '{0}' not found"
_NO_VIRTIO = "Path {0} is not a VirtIODevice"

_BY_DEVICE = (_Lookup("device", "node", _NO_NODE),)
_TO_TARGET = (*_BY_DEVICE, _Lookup("target", "node", _NO_NODE))
_BY_NODE_NAME = (_Lookup("node-name", "node", _NO_NODE_NAME),)
_BLOCK_JOB = (_Lookup("device", "job", _NO_JOB, "DeviceNotActive"),)
_BLOCK_JOB_ID = (_Lookup("id", "job", _NO_JOB, "DeviceNotActive"),)
_JOB = (_Lookup("id", "job", "Job not found"),)
_ROCKER = (_Lookup("name", "nothing", "rocker {0} not found"),)
_RING = (
    _Lookup("device", "chardev", _NO_DEVICE),
    _Lookup("device", "ring", "{0} is not a ringbuf device"),
)
_VIRTIO = (_Lookup("path", "virtio", _NO_VIRTIO),)

_LOOKUPS: dict[str, tuple[_Lookup, ...]] = {
    "block-commit": (_Lookup("device", "node", _NO_DEVICE, "DeviceNotFound"),),
    "block-latency-histogram-set": (_Lookup("id", "block device", _NO_DEVICE, "DeviceNotFound"),),
    "block-set-write-threshold": (_Lookup("node-name", "node", _NO_DEVICE),),
    "block-stream": _BY_DEVICE,
    "blockdev-backup": _TO_TARGET,
    "blockdev-mirror": _TO_TARGET,
    "blockdev-snapshot": (
        _Lookup("node", "node", _NO_NODE),
        _Lookup("overlay", "node", _NO_NODE),
    ),
    "blockdev-snapshot-delete-internal-sync": _BY_DEVICE,
    "blockdev-snapshot-internal-sync": _BY_DEVICE,
    "change-backing-file": (*_BY_DEVICE, _Lookup("image-node-name", "node", _NO_NODE_NAME)),
    "drive-backup": _BY_DEVICE,
    "drive-mirror": _BY_DEVICE,
    "query-rocker": _ROCKER,
    "query-rocker-of-dpa-flows": _ROCKER,
    "query-rocker-of-dpa-groups": _ROCKER,
    "query-rocker-ports": _ROCKER,
    "ringbuf-read": _RING,
    "ringbuf-write": _RING,
    "set_link": (_Lookup("name", "net client", _NO_DEVICE, "DeviceNotFound"),),
    "x-blockdev-amend": _BY_NODE_NAME,
    "x-blockdev-change": (
        _Lookup("parent", "node", _NO_NODE),
        _Lookup("node", "node", "Node '{0}' not found"),
    ),
    "x-blockdev-set-iothread": (
        _Lookup("node-name", "node", "Failed to find node with node-name='{0}'"),
        _Lookup("iothread", "object", "Cannot find iothread {0}"),
    ),
    "x-query-virtio-queue-element": (_Lookup("path", "virtio", "Path {0} is not a VirtIO device"),),
    "x-query-virtio-queue-status": _VIRTIO,
    "x-query-virtio-status": _VIRTIO,
    "x-query-virtio-vhost-queue-status": _VIRTIO,
}
_LOOKUPS |= dict.fromkeys(
    (f"block-job-{verb}" for verb in ("cancel", "complete", "pause", "resume", "set-speed")),
    _BLOCK_JOB,
)
_LOOKUPS |= dict.fromkeys((f"block-job-{verb}" for verb in ("dismiss", "finalize")), _BLOCK_JOB_ID)
_LOOKUPS |= dict.fromkeys(
    (f"job-{verb}" for verb in ("cancel", "complete", "dismiss", "finalize", "pause", "resume")),
    _JOB,
)
# They name a node by one of two members.
_BY_EITHER = ("block_resize", "blockdev-snapshot-sync")
# They name a block device by its ID, or by that of its drive, of which a mock has none.
_BY_ID = (
    "block_set_io_throttle",
    "blockdev-change-medium",
    "blockdev-close-tray",
    "blockdev-insert-medium",
    "blockdev-open-tray",
    "blockdev-remove-medium",
    "eject",
)
_CREATING = "blockdev-create"
_STARTING = (
    "block-commit",
    "block-stream",
    "blockdev-backup",
    "blockdev-create",
    "blockdev-mirror",
    "drive-backup",
    "drive-mirror",
    "x-blockdev-amend",
)
# Those that check the ID before all that a mock does not know. A node has none that would do.
_WITH_JOB_ID = (
    "block-stream",
    "blockdev-backup",
    "blockdev-create",
    "blockdev-mirror",
    "x-blockdev-amend",
)


class Lookups:
    """The commands that look something up."""

    def __init__(self, memory: Memory, interface: Interface) -> None:
        self._memory = memory
        self._interface = interface
        self._jobs: set[str] = set()
        self._present: Mapping[str, _Test] = {
            "block device": lambda name: f"/machine/peripheral/{name}" in memory.devices,
            "chardev": lambda name: name in memory.chardevs,
            "job": lambda name: name in self._jobs,
            "net client": self._is_net_client,
            "node": lambda name: name in memory.nodes,
            "nothing": lambda _: False,
            "object": lambda name: name in memory.objects,
            "ring": self._is_ring,
            "virtio": lambda path: path.removesuffix("/virtio-backend") in memory.devices,
        }
        self.changes: dict[str, Handler] = {
            name: functools.partial(self._start, name, _LOOKUPS.get(name, ())) for name in _STARTING
        }
        self.queries: dict[str, Handler] = {
            name: functools.partial(self._look_up, lookups)
            for name, lookups in _LOOKUPS.items()
            if name not in _STARTING
        }
        self.queries |= dict.fromkeys(_BY_EITHER, self._look_up_node)
        self.queries |= dict.fromkeys(_BY_ID, self._look_up_device)

    def _look_up(self, lookups: tuple[_Lookup, ...], arguments: dict[str, Any]) -> None:
        for lookup in lookups:
            name = arguments.get(lookup.member)
            if isinstance(name, str) and not self._present[lookup.what](name):
                raise RefusalError(lookup.text.format(name), lookup.error_class)

    def _start(self, command: str, lookups: tuple[_Lookup, ...], arguments: dict[str, Any]) -> None:
        self._look_up(lookups, arguments)
        if command == _CREATING and not self._can_create(arguments["options"]["driver"]):
            raise RefusalError("Driver does not support blockdev-create")
        ident = arguments.get("job-id")
        if not is_id(ident) and command in _WITH_JOB_ID:
            raise RefusalError(f"Invalid job ID '{ident or ''}'")
        self._jobs.add(ident or arguments["device"])

    def _can_create(self, driver: str) -> bool:
        """Whether the schema has options for what creates such an image."""
        known = self._interface.by_name
        command = known.get(_CREATING)
        arguments = known.get(command.arg_type) if isinstance(command, Command) else None
        members = arguments.members if isinstance(arguments, ObjectType) else ()
        options = next((known.get(each.type) for each in members if each.name == "options"), None)
        cases = options.variants if isinstance(options, ObjectType) else ()
        return any(not _is_empty(known.get(each.type)) for each in cases if each.case == driver)

    def _look_up_node(self, arguments: dict[str, Any]) -> None:
        device, name = arguments.get("device", ""), arguments.get("node-name", "")
        if name not in self._memory.nodes:
            raise RefusalError(f"Cannot find device='{device}' nor node-name='{name}'")

    def _look_up_device(self, arguments: dict[str, Any]) -> None:
        if ("device" in arguments) == ("id" in arguments):
            raise RefusalError("Need exactly one of 'device' and 'id'")
        name = str(arguments.get("id", arguments.get("device")))
        if "device" in arguments or not self._present["block device"](name):
            raise refuse_device(name)

    def _is_net_client(self, name: str) -> bool:
        device = self._memory.devices.get(f"/machine/peripheral/{name}")
        return name in self._memory.netdevs or (
            device is not None and "netdev" in device.properties
        )

    def _is_ring(self, name: str) -> bool:
        chardev = self._memory.chardevs.get(name)
        return chardev is not None and chardev.typename in ("chardev-ringbuf", "chardev-memory")


def _is_empty(entity: Entity | None) -> bool:
    return isinstance(entity, ObjectType) and not entity.members

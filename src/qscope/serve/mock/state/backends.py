"""What a device's properties refer to: block nodes, backends, objects.

In: a property of a device, and its value. Out: QEMU's refusal of what is not there or taken; claims
on the rest. A virtio device is two in QEMU, and most properties belong to the one behind.
"""

import re
from typing import NamedTuple

from qscope.errors import RefusalError
from qscope.model.interface import Interface
from qscope.serve.mock.state.qom_types import is_a
from qscope.serve.mock.state.subject import Created, Memory, Used, refuse_device

_PROXY = re.compile(r"((?:virtio|vhost)-.+?)-(?:pci(?:-(?:non-)?transitional)?|ccw)")
_LINK = re.compile(r"link<(.+)>")
_USED: dict[str, Used] = {"drive": "node", "netdev": "netdev", "chardev": "chardev"}
_PERIPHERAL = "/machine/peripheral/"


class Reference(NamedTuple):
    """A property whose value is the name of something else."""

    typename: str
    name: str
    value: str
    # QOM's name of the property's type, where it is known.
    type: str = ""


class Backends:
    """What devices refer to."""

    def __init__(self, memory: Memory, interface: Interface) -> None:
        self._memory = memory
        self._interface = interface

    def check(self, reference: Reference) -> None:
        """Refuse a value that names nothing, or something in use."""
        if link := _LINK.fullmatch(reference.type):
            self._check_link(reference, link[1])
        elif reference.name in _USED and reference.value:
            self._check_backend(reference)

    def _check_backend(self, reference: Reference) -> None:
        used, value = _USED[reference.name], reference.value
        memory = self._memory
        present = {
            "node": memory.nodes.keys(),
            "netdev": memory.netdevs.keys(),
            "chardev": memory.chardevs.keys(),
            "object": memory.objects.keys(),
        }[used]
        what = f"Property '{self.find_owner(reference.typename)}.{reference.name}'"
        if value not in present:
            raise RefusalError(f"{what} can't find value '{value}'")
        if used == "node" or not memory.find_users(used, value):
            return
        if used == "netdev":
            raise RefusalError(f"{what} can't take value '{value}', it's in use")
        raise RefusalError(f"{what} can't take value '{value}': Device '{value}' is in use")

    def _check_link(self, reference: Reference, target: str) -> None:
        found = self._memory.objects.get(_name_object(reference.value))
        if not reference.value:
            return
        if (
            found is not None
            and self._is_creatable(target)
            and not is_a(self._interface, found.typename, target)
        ):
            what = f"Invalid parameter type for '{reference.name}'"
            raise RefusalError(f"{what}, expected: {target}")
        if found is None and self._is_creatable(target):
            raise refuse_device(reference.value)

    def _is_creatable(self, target: str) -> bool:
        """Whether object-add makes what a link of this type takes."""
        creatable = self._interface.listings.creatable_objects or ()
        return any(is_a(self._interface, each.name, target) for each in creatable)

    def find_owner(self, typename: str) -> str:
        """Return the type to which a device's backends belong."""
        proxy = _PROXY.fullmatch(typename)
        if proxy is None:
            return typename
        devices = {each.name for each in self._interface.listings.devices or ()}
        is_short = proxy[1] in devices or proxy[1].startswith("vhost-user-blk")
        return proxy[1] if is_short else f"{proxy[1]}-device"

    def use(self, reference: Reference, user: str) -> None:
        """Note that the device `user` uses what a reference names."""
        if _LINK.fullmatch(reference.type):
            self._memory.use("object", _name_object(reference.value), user)
        elif reference.name in _USED:
            self._memory.use(_USED[reference.name], reference.value, user)

    def check_sharing(self, path: str, device: Created) -> None:
        """Refuse a device on a node to which another device writes."""
        drive = device.properties.get("drive", "")
        node = self._memory.nodes.get(drive)
        users = self._memory.find_users("node", drive)
        devices = self._memory.devices
        writers = [user for user in users if user in devices and _writes(devices[user])]
        is_shared = device.properties.get("share-rw") in (True, "on")
        if node is None or node.options.get("read-only") or is_shared or not writers:
            return
        root = f"(uses node '{drive}' as 'root' child)"
        writer = name_block_device(writers[-1], devices[writers[-1]])
        raise RefusalError(
            f"Permission conflict on node '{drive}': permissions 'write' are both required by"
            f" block device '{writer}' {root} and unshared by"
            f" block device '{name_block_device(path, device)}' {root}."
        )


def is_proxy(typename: str) -> bool:
    """Whether a device of this type has another behind it, `virtio-backend`."""
    return _PROXY.fullmatch(typename) is not None


def name_block_device(path: str, device: Created) -> str:
    """Return what the block layer calls a device."""
    if is_proxy(device.typename):
        return f"{path}/virtio-backend"
    return path.removeprefix(_PERIPHERAL)


def find_references(created: Created, types: dict[str, str]) -> list[Reference]:
    """Return the references among a device's properties; `types` are those of its properties."""
    references = [
        Reference(created.typename, name, str(value), types.get(name, ""))
        for name, value in created.properties.items()
    ]
    return [each for each in references if each.value and is_reference(each)]


def is_reference(reference: Reference) -> bool:
    """Whether the value of a property names something else."""
    return bool(_LINK.fullmatch(reference.type)) or reference.name in _USED


def _writes(device: Created) -> bool:
    return not device.typename.endswith("-cd")


def _name_object(value: str) -> str:
    return value.removeprefix("/objects/")

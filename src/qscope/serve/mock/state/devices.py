"""Devices.

In: device_add, device_del. Out: devices in the memory, by QOM path. The mock knows no machine: a
bus is not demanded, and any bus is there. Every device goes at once when it is told to, and its
event comes behind the reply (QEMU 7.2, for a device whose guest need not agree).
"""

from typing import Any

from qscope.errors import RefusalError
from qscope.model.interface import Interface
from qscope.serve.mock.state.backends import Backends, Reference, find_references, is_proxy
from qscope.serve.mock.state.device_arguments import (
    find_faults,
    is_strict,
    list_properties,
    read_driver,
    read_id,
)
from qscope.serve.mock.state.needs import check_needs
from qscope.serve.mock.state.property_texts import refuse_property, to_text
from qscope.serve.mock.state.qom import Tree
from qscope.serve.mock.state.subject import Created, Host, Memory, refuse_device

NAMED = "/machine/peripheral/"
UNNAMED = "/machine/peripheral-anon/"


class Devices:
    """The commands for devices."""

    def __init__(self, host: Host, memory: Memory, interface: Interface, tree: Tree) -> None:
        self._host = host
        self._memory = memory
        self._interface = interface
        self._tree = tree
        self._backends = Backends(memory, interface)
        self._buses: dict[str, str] = {}
        self._unnamed = 0
        self.changes = {"device_add": self._add, "device_del": self._delete}
        self.queries = {"query-memory-devices": self._tell_memory}

    def _add(self, arguments: dict[str, Any]) -> None:
        ident = read_id(self._interface, arguments)
        typename = read_driver(self._interface, arguments)
        path = self._name(ident)
        device = Created(typename, list_properties(self._interface, arguments), "device")
        types = self._list_types(typename)
        self._check_properties(arguments, device, types)
        check_needs(self._memory, self._backends.find_owner(typename), device.properties)
        self._backends.check_sharing(path, device)
        for reference in find_references(device, types):
            self._backends.use(reference, path)
        self._memory.devices[path] = device
        self._buses[path] = to_text(arguments.get("bus")) or ""

    def _name(self, ident: str | None) -> str:
        if ident is None:
            # One that is refused after this keeps its number.
            self._unnamed += 1
            return f"{UNNAMED}device[{self._unnamed - 1}]"
        if NAMED + ident in self._memory.devices:
            raise RefusalError(f"Duplicate device ID '{ident}'")
        return NAMED + ident

    def _list_types(self, typename: str) -> dict[str, str]:
        told = self._interface.properties.find("device", typename)
        return {each.name: each.type for each in (told.properties if told else None) or ()}

    def _check_properties(
        self, arguments: dict[str, Any], device: Created, types: dict[str, str]
    ) -> None:
        faults = find_faults(self._interface, arguments)
        for name, value in device.properties.items():
            kind = types.get(name, "")
            if name in faults:
                strict = is_strict(self._interface)
                raise refuse_property(device.typename, faults[name], kind, value, is_strict=strict)
            text = to_text(value) or ""
            self._backends.check(Reference(device.typename, name, text, kind))

    def _delete(self, arguments: dict[str, Any]) -> None:
        ident = arguments["id"]
        path = ident if ident.startswith("/") else NAMED + ident
        if path in self._memory.devices:
            for each in self._list_unplugged(path):
                self._unplug(each)
        elif (ident.startswith("/") or not ident) and self._tree.find(path):
            raise RefusalError(f"{ident} is not a hotpluggable device")
        else:
            raise refuse_device(ident)

    def _unplug(self, path: str) -> None:
        device = self._memory.devices.pop(path)
        self._memory.release(path)
        del self._buses[path]
        if is_proxy(device.typename):
            self._host.emit_later("DEVICE_DELETED", {"path": f"{path}/virtio-backend"})
        name = {"device": path.removeprefix(NAMED)} if path.startswith(NAMED) else {}
        self._host.emit_later("DEVICE_DELETED", {**name, "path": path})

    def _list_unplugged(self, path: str) -> list[str]:
        """Return the devices that go with one, those on its buses before it.

        No machine says that a device cannot be on a bus of its own.
        """
        found: dict[str, None] = {}
        waiting = [path]
        while waiting:
            each = waiting.pop()
            if each not in found:
                found[each] = None
                waiting += self._list_plugged(each)
        return list(reversed(found))

    def _list_plugged(self, path: str) -> list[str]:
        # A bus has the ID of its device, and a number unless it can have but one.
        ident = path.removeprefix(NAMED)
        return [
            child
            for child, bus in self._buses.items()
            if bus == ident or bus.startswith(f"{ident}.")
        ]

    def _tell_memory(self, _arguments: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            {"type": "dimm", "data": self._describe_memory(path, device)}
            for path, device in self._memory.devices.items()
            if device.typename == "pc-dimm"
        ]

    def _describe_memory(self, path: str, device: Created) -> dict[str, Any]:
        name = str(device.properties.get("memdev", "")).removeprefix("/objects/")
        backend = self._memory.objects.get(name)
        facts = {"memdev": f"/objects/{name}", "node": 0, "slot": 0}
        facts |= {"hotplugged": True, "hotpluggable": True}
        facts |= {"size": backend.properties.get("size")} if backend else {}
        return facts | ({"id": path.removeprefix(NAMED)} if path.startswith(NAMED) else {})

"""Network backends.

In: netdev_add, netdev_del. Out: their IDs in the memory. QEMU deletes a backend that a device uses,
and with it the filters on it.
"""

from typing import Any

from qscope.errors import RefusalError
from qscope.serve.mock.state.subject import Created, Memory, check_id, read_text, refuse_device

# The schema has them, QEMU has no code for them.
_NO_BACKENDS = ("nic", "none")
_SOCKET_WAYS = ("fd", "listen", "connect", "mcast", "udp")


class Networks:
    """The commands for network backends."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self.changes = {"netdev_add": self._add, "netdev_del": self._delete}
        self.queries = {"query-rx-filter": self._tell_filters}

    def _add(self, arguments: dict[str, Any]) -> None:
        backend, ident = read_text(arguments, "type"), read_text(arguments, "id")
        check_id(ident)
        if backend in _NO_BACKENDS:
            raise RefusalError(f"network backend '{backend}' is not compiled into this binary")
        if ident in self._memory.netdevs:
            raise RefusalError(f"Duplicate ID '{ident}'")
        self._check_backend(backend, arguments)
        self._memory.netdevs[ident] = Created(backend, arguments)
        if backend == "vhost-user":
            self._memory.use("chardev", str(arguments.get("chardev")), _name_user(ident))

    def _check_backend(self, backend: str, arguments: dict[str, Any]) -> None:
        if backend == "socket" and sum(way in arguments for way in _SOCKET_WAYS) != 1:
            raise RefusalError("exactly one of listen=, connect=, mcast= or udp= is required")
        if backend == "dgram" and "local" not in arguments:
            raise RefusalError("dgram requires local= parameter")
        if backend == "vhost-user":
            self._check_chardev(str(arguments.get("chardev")))
        peer = arguments.get("netdev") if backend == "hubport" else None
        if peer is not None and peer not in self._memory.netdevs:
            raise RefusalError(f"netdev '{peer}' not found")

    def _check_chardev(self, name: str) -> None:
        chardev = self._memory.chardevs.get(name)
        if chardev is None:
            raise RefusalError(f'chardev "{name}" not found')
        if chardev.typename != "chardev-socket":
            raise RefusalError(f'chardev "{name}" is not reconnectable')

    def _delete(self, arguments: dict[str, Any]) -> None:
        ident, memory = arguments["id"], self._memory
        if memory.netdevs.pop(ident, None) is None:
            raise refuse_device(ident)
        memory.release(_name_user(ident))
        memory.drop_users("netdev", ident)
        for name, created in tuple(memory.objects.items()):
            if created.typename.startswith("filter-") and created.properties["netdev"] == ident:
                del memory.objects[name]

    def _tell_filters(self, arguments: dict[str, Any]) -> list[Any]:
        name = arguments.get("name")
        if name in self._memory.netdevs:
            raise RefusalError(f"net client({name}) isn't a NIC")
        if name is not None:
            raise RefusalError(f"invalid net client name: {name}")
        return []


def _name_user(ident: str) -> str:
    return f"netdev {ident}"

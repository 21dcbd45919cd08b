"""What QEMU demands of single types of objects beyond the schema.

In: the memory, and an object before it is kept. Out: QEMU's refusals. Those of what only a host has
(files, devices, sockets) are none of a mock's.
"""

from typing import Any

from qscope.errors import RefusalError
from qscope.serve.mock.state.subject import Created, Memory, refuse_device

_WITH_CHARDEV = ("rng-egd", "cryptodev-vhost-user", "qtest")
# Strings in every type that has them; the schema says so since 6.0 only.
_TEXTS = ("chardev", "data", "file", "netdev")


def check_object(memory: Memory, created: Created) -> None:
    """Refuse an object as QEMU does when it is complete."""
    typename, properties = created.typename, created.properties
    for name in _TEXTS:
        if not isinstance(properties.get(name, ""), str):
            raise RefusalError(f"Invalid parameter type for '{name}', expected: string")
    if typename.startswith("memory-backend-"):
        _check_memory(typename, properties)
    if typename == "secret":
        _check_secret(properties)
    if typename.startswith("filter-"):
        _check_filter(memory, properties)
    chardev = find_chardev(created)
    if chardev is not None and chardev not in memory.chardevs:
        raise refuse_device(chardev)


def _check_filter(memory: Memory, properties: dict[str, Any]) -> None:
    if "netdev" not in properties:
        raise RefusalError("Parameter 'netdev' is required")
    if properties["netdev"] not in memory.netdevs:
        raise RefusalError("Parameter 'netdev' expects a network backend id")


def find_chardev(created: Created) -> str | None:
    """Return the character device that an object uses."""
    return created.properties.get("chardev") if created.typename in _WITH_CHARDEV else None


def _check_memory(typename: str, properties: dict[str, Any]) -> None:
    size, policy = properties.get("size"), properties.get("policy", "default")
    if size is None:
        raise RefusalError("can't create backend with size 0")
    if size == 0:
        raise RefusalError(f"property 'size' of {typename} doesn't take value '0'")
    if policy == "default" and properties.get("host-nodes"):
        other = "you should explicitly specify a policy other than default"
        raise RefusalError(f"host-nodes must be empty for policy default, or {other}")
    if policy != "default" and not properties.get("host-nodes"):
        raise RefusalError(f"host-nodes must be set for policy {policy}")


def _check_secret(properties: dict[str, Any]) -> None:
    if "file" in properties and "data" in properties:
        raise RefusalError("'file' and 'data' are mutually exclusive")
    if "file" not in properties and "data" not in properties:
        raise RefusalError("Either 'file' or 'data' must be provided")

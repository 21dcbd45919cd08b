"""What a device must be given beyond what its schema or its properties tell.

In: a device's type and its properties. Out: QEMU's refusal, in the words of 7.2 (measured), when it
realizes the device: each device has its own.
"""

from typing import Any

from qscope.errors import RefusalError
from qscope.serve.mock.state.subject import Memory

_NO_DRIVE = ("drive", "drive property not set")
_NO_MEMORY = ("memdev", "'memdev' property must be set")
_NEEDS = {
    "ide-hd": _NO_DRIVE,
    "ivshmem-doorbell": ("chardev", "You must specify a 'chardev'"),
    "ivshmem-plain": ("memdev", "You must specify a 'memdev'"),
    "nvdimm": _NO_MEMORY,
    "nvme": ("serial", "serial property not set"),
    "pc-dimm": _NO_MEMORY,
    "scsi-hd": _NO_DRIVE,
    "usb-redir": ("chardev", "Parameter 'chardev' is missing"),
    "usb-serial": ("chardev", "Property chardev is required"),
    "usb-storage": _NO_DRIVE,
    "vhost-scsi": ("wwpn", "vhost-scsi: missing wwpn"),
    "vhost-user-blk": ("chardev", "chardev is mandatory"),
    "vhost-user-fs-device": ("chardev", "missing chardev"),
    "vhost-user-scsi": ("chardev", "vhost-user-scsi: missing chardev"),
    "vhost-vsock-device": ("guest-cid", "guest-cid property must be greater than 2"),
    "virtio-blk-device": _NO_DRIVE,
    "virtio-crypto-device": ("cryptodev", "'cryptodev' parameter expects a valid object"),
    "virtio-input-host-device": ("evdev", "evdev property is required"),
    "virtio-mem": _NO_MEMORY,
    "virtio-pmem": _NO_MEMORY,
}
# Those whose memory no other device may have.
_SOLE = ("pc-dimm", "nvdimm", "virtio-mem", "virtio-pmem")


def check_needs(memory: Memory, typename: str, properties: dict[str, Any]) -> None:
    """Refuse a device that lacks what it needs; `typename` is the one behind a proxy."""
    name, text = _NEEDS.get(typename, ("", ""))
    if name and not properties.get(name):
        raise RefusalError(text)
    ident = str(properties.get("memdev", "")).removeprefix("/objects/")
    if typename in _SOLE and memory.find_users("object", ident):
        raise RefusalError(f"can't use already busy memdev: {ident}")

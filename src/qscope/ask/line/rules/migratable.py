"""The rule about -only-migratable: devices whose state nobody can send to another host."""

from collections.abc import Iterator, Mapping

from qscope.ask.finding import Severity
from qscope.ask.line.line import Line
from qscope.ask.line.rules.rule import ALL, Fault, Rule
from qscope.ask.line.scalars import read_bool
from qscope.ask.owner import resolve_driver

# Measured with each driver of QEMU 5.2, 7.2, 10.0 and 11.1: as long as there is such a driver.
_NEVER = frozenset(
    (
        *("amd-iommu", "hv-syndbg", "ivshmem-plain", "rocker", "ufs", "usb-audio", "usb-braille"),
        *("usb-mtp", "usb-net", "usb-serial", "usb-uas", "usb-wacom-tablet"),
        *("vhost-user-gpio-pci", "vhost-user-i2c-pci", "vhost-user-input-pci"),
        *("vhost-user-rng-pci", "vhost-user-rtc-pci", "vhost-user-snd-pci", "vhost-user-spi-pci"),
        *("vhost-user-test-device-pci", "vhost-user-vsock-pci"),
        *("vhost-user-vsock-pci-non-transitional", "vhost-vdpa-device-pci"),
        *("vhost-vdpa-device-pci-non-transitional", "vhost-vdpa-device-pci-transitional"),
        *("virtio-input-host-pci", "virtio-sound-pci", "virtio-crypto-pci"),
        *("virtio-crypto-pci-transitional", "virtio-crypto-pci-non-transitional"),
    )
)
# Driver -> the last release seen to be unable to, the first seen to be able to.
_UNTIL: Mapping[str, tuple[tuple[int, int], tuple[int, int]]] = {
    "nvme": ((10, 0), (11, 1)),
    "vhost-user-fs-pci": ((7, 2), (10, 0)),
}


def find_immovable(line: Line) -> Iterator[Fault]:
    """Yield each device that cannot migrate where only those that can are wanted."""
    if not line.has("only-migratable"):
        return
    for occurrence in line.select("device"):
        driver = resolve_driver(line.interface.listings, occurrence.get("driver") or "")
        severity = _judge(line, driver)
        is_master = driver == "ivshmem-plain" and read_bool(occurrence.get("master"))
        if severity is not None and not is_master:
            what = f"{driver} cannot migrate, and only what can is wanted"
            yield Fault(occurrence, "driver", what, severity=severity)


def _judge(line: Line, driver: str) -> Severity | None:
    """Return how sure it is that a driver cannot migrate, None where it can."""
    if driver in _NEVER:
        return Severity.ERROR
    return line.find_lack(*_UNTIL[driver]) if driver in _UNTIL else None


RULES = (
    Rule(
        "only-migratable",
        "a machine that is to migrate has no device that cannot",
        ALL,
        "-only-migratable -device amd-iommu",
        "-only-migratable -device virtio-rng-pci",
        find_immovable,
    ),
)

"""Rules about single values that a device checks when it is made, beyond their types.

Each row is a fact of QEMU's device code; none of it is introspectable.
"""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from qscope.ask.line.line import Line
from qscope.ask.line.rules.rule import ALL, SINCE_7_2, SINCE_10_0, Fault, Rule
from qscope.ask.line.scalars import read_number
from qscope.ask.owner import resolve_driver


class Limit(NamedTuple):
    """Which drivers (a pattern) refuse which values of a property, and what is right.

    `since` is the first release that does so.
    """

    drivers: str
    property: str
    accepts: Callable[[int], bool]
    right: str
    since: tuple[int, int] = (0, 0)


def _between(low: int, high: int) -> Callable[[int], bool]:
    return lambda value: low <= value <= high


def _power(low: int, high: int) -> Callable[[int], bool]:
    return lambda value: low <= value <= high and value & (value - 1) == 0


_PCI = r"(-pci|-pci-(non-)?transitional|-device)"
_LIMITS = (
    Limit(rf"virtio-blk{_PCI}", "num-queues", lambda n: n > 0, "at least 1"),
    Limit(rf"virtio-blk{_PCI}", "queue-size", _power(3, 1024), "a power of 2 from 4 to 1024"),
    Limit(
        rf"virtio-net{_PCI}", "rx_queue_size", _power(256, 1024), "a power of 2 from 256 to 1024"
    ),
    Limit(
        rf"virtio-net{_PCI}", "tx_queue_size", _power(256, 1024), "a power of 2 from 256 to 1024"
    ),
    Limit(rf"virtio-net{_PCI}", "speed", _between(-1, 2**31 - 1), "0 to 2147483647"),
    Limit(rf"virtio-scsi{_PCI}", "num_queues", _between(1, 1021), "1 to 1021"),
    Limit(rf"virtio-scsi{_PCI}", "virtqueue_size", _between(3, 1024), "3 to 1024"),
    Limit(rf"virtio-serial{_PCI}", "max_ports", _between(1, 511), "1 to 511"),
    Limit(rf"virtio-rng{_PCI}", "period", lambda n: n > 0, "at least 1"),
    Limit(rf"virtio-rng{_PCI}", "max-bytes", _between(1, 2**63 - 1), "1 to 2^63-1", (8, 0)),
    Limit(rf"virtio-rng{_PCI}", "max-bytes", _between(0, 2**63 - 1), "0 to 2^63-1"),
    Limit(r"(virtio-(gpu|vga).*)", "max_outputs", _between(0, 16), "0 to 16"),
    Limit(r"isa-serial", "index", _between(0, 3), "0 to 3"),
    Limit(r"isa-parallel", "index", _between(0, 2), "0 to 2"),
    Limit(r"nvme", "max_ioqpairs", _between(1, 65535), "1 to 65535"),
    Limit(r"nvme", "msix_qsize", _between(1, 2048), "1 to 2048"),
    Limit(r"pci-bridge", "chassis_nr", lambda n: n > 0, "at least 1"),
    Limit(r"vhost-vsock-pci.*", "guest-cid", _between(3, 2**32 - 1), "at least 3"),
    Limit(r"ich9-usb-uhci[0-9]", "firstport", _between(0, 4), "0 to 4"),
    Limit(r".*", "romsize", lambda n: n & (n - 1) == 0 or n == 2**32 - 1, "a power of 2"),
    Limit(r"ide-hd", "heads", _between(0, 16), "1 to 16"),
    Limit(rf"ide-hd|scsi-hd|virtio-blk{_PCI}", "secs", _between(0, 255), "1 to 255"),
    Limit(r"loader", "data-len", _between(1, 8), "1 to 8"),
    Limit(r"intel-iommu", "aw-bits", lambda n: n in (39, 48), "39 or 48"),
    Limit(r"usb-(tablet|mouse|kbd)", "usb_version", _between(1, 2), "1 or 2"),
    Limit(r"virtserialport", "nr", lambda n: n != 0, "not 0, which is a console's"),
    # migrate_params_check() in migration/options.c, for a -global.
    Limit("migration", "announce-initial", _between(0, 100_000), "0 to 100000"),
    Limit("migration", "announce-max", _between(0, 100_000), "0 to 100000"),
    Limit("migration", "announce-rounds", _between(0, 1_000), "0 to 1000"),
    Limit("migration", "announce-step", _between(1, 10_000), "1 to 10000"),
    Limit("migration", "max-cpu-throttle", _between(1, 99), "1 to 99"),
    Limit("migration", "multifd-channels", _between(1, 255), "1 to 255"),
    Limit("migration", "multifd-zlib-level", _between(0, 9), "0 to 9"),
    Limit("migration", "multifd-zstd-level", _between(0, 20), "0 to 20"),
    Limit("migration", "x-cpu-throttle-increment", _between(1, 99), "1 to 99"),
    Limit("migration", "x-cpu-throttle-initial", _between(1, 99), "1 to 99"),
    Limit("migration", "x-downtime-limit", _between(0, 2_000_000), "0 to 2000000"),
    Limit("migration", "x-throttle-trigger-threshold", _between(1, 100), "1 to 100"),
    Limit("migration", "xbzrle-cache-size", _power(4096, 2**63), "a power of 2, 4096 or more"),
)


def find_values(line: Line) -> Iterator[Fault]:
    """Yield each value that its device does not take."""
    for occurrence in line.select("device"):
        driver = resolve_driver(line.interface.listings, occurrence.get("driver") or "")
        for name, value in occurrence.parameters.items():
            right = find_right(line, driver, name, value)
            if right:
                yield Fault(occurrence, name, f"{driver} does not take {value}", right)


def find_right(line: Line, driver: str, name: str, value: object) -> str:
    """Say what a driver takes for a property, "" where it takes the value."""
    number = read_number(value)
    release = line.release or (0, 0)
    if number is None:
        return ""
    for limit in _LIMITS:
        is_about = limit.property == name and re.fullmatch(limit.drivers, driver)
        if is_about and release >= limit.since and not limit.accepts(number):
            return limit.right
    return ""


class Words(NamedTuple):
    """Which strings a property takes that QEMU calls a plain string."""

    drivers: str
    property: str
    words: tuple[str, ...]


_WORDS = (Words(rf"virtio-net{_PCI}", "duplex", ("half", "full")),)


def find_words(line: Line) -> Iterator[Fault]:
    """Yield each word that its device does not take."""
    for occurrence in line.select("device"):
        driver = resolve_driver(line.interface.listings, occurrence.get("driver") or "")
        for row in _WORDS:
            value = occurrence.get(row.property)
            if value is not None and re.fullmatch(row.drivers, driver) and value not in row.words:
                right = " or ".join(row.words)
                yield Fault(occurrence, row.property, f"{driver} does not take {value!r}", right)


# Until 8.0 1024 everywhere; later only for a back end that is a process or a device of its own
# (hw/net/virtio-net.c, virtio_net_max_tx_queue_size).
_PLAIN_QUEUE = 256
_LONG_QUEUES = ("vhost-user", "vhost-vdpa")


def find_long_queues(line: Line) -> Iterator[Fault]:
    """Yield each tx_queue_size that needs another back end."""
    if not line.is_since(8, 1):
        return
    backends = {each.get("id"): each.get("type") for each in line.select("netdev")}
    for occurrence in line.select("device"):
        size = read_number(occurrence.parameters.get("tx_queue_size"))
        backend = backends.get(occurrence.get("netdev"))
        if size is not None and size > _PLAIN_QUEUE and backend not in _LONG_QUEUES:
            what = f"{size} needs a netdev of type {' or '.join(_LONG_QUEUES)}"
            yield Fault(occurrence, "tx_queue_size", what, str(_PLAIN_QUEUE))


# Property -> what sets logical blocks, and what their size is by default.
_SIZES = ("logical_block_size", "physical_block_size")
_SMALLEST, _LARGEST = 512, 2 << 20


def find_block_sizes(line: Line) -> Iterator[Fault]:
    """Yield sizes of blocks that are none, or that do not fit each other (hw/block/block.c)."""
    for occurrence in line.select("device"):
        sizes = [read_number(occurrence.parameters.get(name)) for name in _SIZES]
        for name, size in zip(_SIZES, sizes, strict=True):
            if size and not (_SMALLEST <= size <= _LARGEST and size & (size - 1) == 0):
                right = f"a power of 2 from {_SMALLEST} to {_LARGEST}"
                yield Fault(occurrence, name, f"{size} is no size of a block", right)
        logical, physical = sizes[0] or _SMALLEST, sizes[1] or _SMALLEST
        if logical > physical:
            what = f"{logical} is more than the physical_block_size {physical}"
            yield Fault(occurrence, "logical_block_size", what)


def find_acpi_indexes(line: Line) -> Iterator[Fault]:
    """Yield each acpi-index that another device has (hw/acpi/pcihp.c, since 6.0)."""
    seen: set[int] = set()
    for occurrence in line.select("device"):
        index = read_number(occurrence.parameters.get("acpi-index"))
        if index:
            if index in seen:
                yield Fault(occurrence, "acpi-index", f"another device has {index}")
            seen.add(index)


def find_boot_indexes(line: Line) -> Iterator[Fault]:
    """Yield each bootindex that another device has (system/bootdevice.c)."""
    seen: set[int] = set()
    for occurrence in line.select("device"):
        index = read_number(occurrence.parameters.get("bootindex"))
        if index is not None and index >= 0:
            if index in seen:
                yield Fault(occurrence, "bootindex", f"another device has {index}")
            seen.add(index)


RULES = (
    Rule(
        "device-limit",
        "a property's type is wider than what its device can do",
        ALL,
        "-device virtio-serial-pci,max_ports=513",
        "-device virtio-serial-pci,max_ports=31",
        find_values,
    ),
    Rule(
        "device-word",
        "a property is a plain string, and its device knows some words",
        ALL,
        "-device virtio-net-pci,duplex=quarter",
        "-device virtio-net-pci,duplex=full",
        find_words,
    ),
    Rule(
        "device-queue-long",
        "only some back ends send from a longer queue",
        SINCE_10_0,
        "-device virtio-net-pci,tx_queue_size=512",
        "-device virtio-net-pci,tx_queue_size=256",
        find_long_queues,
    ),
    Rule(
        "block-size",
        "a block is a power of 2, and a logical one no larger than a physical one",
        ALL,
        "-blockdev null-co,node-name=n0 -device virtio-blk-pci,drive=n0,logical_block_size=4096,"
        "physical_block_size=512",
        "-blockdev null-co,node-name=n0 -device virtio-blk-pci,drive=n0,logical_block_size=4096,"
        "physical_block_size=4096",
        find_block_sizes,
    ),
    Rule(
        "acpi-index-duplicate",
        "guests name a device by its acpi-index",
        SINCE_7_2,
        "-device e1000,acpi-index=1 -device e1000,acpi-index=1",
        "-device e1000,acpi-index=1 -device e1000,acpi-index=2",
        find_acpi_indexes,
    ),
    Rule(
        "bootindex-duplicate",
        "the firmware is given one order",
        ALL,
        "-device virtio-net-pci,bootindex=1 -device e1000,bootindex=1",
        "-device virtio-net-pci,bootindex=1 -device e1000,bootindex=2",
        find_boot_indexes,
    ),
)

"""From QOM properties to types: a table of what QEMU says, and laws on a recorded QEMU."""

import gzip
import json

import pytest

from qscope.ask.owner import Owner
from qscope.ask.typed import find_in_object_add
from qscope.model.interface import Interface
from qscope.model.properties import Property
from qscope.model.property_types import ScalarType, find_argument_type, find_type
from qscope.model.schema_info import AlternateType, ArrayType, Entity, EnumType, OpaqueEntity
from qscope.model.snapshot import decode_snapshot

PCI = "Slot and optional function number, example: 06.0 or 06"
MAC = "Ethernet 6-byte MAC Address, example: 52:54:00:12:34:56"
DRIVE = "Node name or ID of a block device to use as a backend"
HOST = "Address (bus/device/function) of the host device, example: 04:10.0"
UUID = 'UUID (aka GUID) or "auto" for random value (default)'
FDC = "FDC drive type"
OPAQUE = "opaque"
STRING = ("string", None, None, "")
INTEGER = ("int", None, None, "")
DEVFN = (
    "either",
    ("string", None, None, "pci-address"),
    ("int", -1, 255, "pci-address"),
)


def read(found):
    """A type as a value that a table can have."""
    parts = [read_one(part) for part in found.parts]
    match found.entity:
        case AlternateType():
            assert [each.type for each in found.entity.members] == [e.name for e in found.parts]
            return ("either", *parts)
        case ArrayType():
            assert [found.entity.element_type] == [each.name for each in found.parts]
            return ("array", *parts)
    assert parts == []
    return read_one(found.entity)


def read_one(entity):
    match entity:
        case ScalarType():
            return (entity.json_type, entity.minimum, entity.maximum, entity.format)
        case EnumType():
            return list(entity.values)
        case OpaqueEntity():
            return OPAQUE
    return type(entity)


@pytest.mark.parametrize(
    ("declared", "description", "wanted"),
    [
        ("bool", None, ("boolean", None, None, "")),
        ("bool", "on/off", ("boolean", None, None, "")),
        ("uint8", None, ("int", 0, 255, "")),
        ("uint16", None, ("int", 0, 65535, "")),
        ("uint32", None, ("int", 0, 4294967295, "")),
        ("uint64", None, ("int", 0, 18446744073709551615, "")),
        ("uint64_t", None, ("int", 0, 18446744073709551615, "")),
        ("uint4", "NVIDIA GPUDirect Clique ID (0 - 15)", ("int", 0, 15, "")),
        ("int8", None, ("int", -128, 127, "")),
        ("int32", None, ("int", -2147483648, 2147483647, "")),
        ("int", None, INTEGER),
        ("size", None, ("int", 0, 2**64 - 1, "size")),
        ("number", None, ("number", None, None, "")),
        ("str", None, STRING),
        ("string", None, STRING),
        ("str", MAC, ("string", None, None, "mac")),
        ("str", DRIVE, ("string", None, None, "id:drive")),
        ("str", UUID, ("string", None, None, "uuid")),
        ("QemuUUID", None, ("string", None, None, "uuid")),
        ("str", HOST, ("string", None, None, "host-pci-address")),
        ("str", "ID of a netdev to use as a backend", ("string", None, None, "id:netdev")),
        ("str", "ID of a chardev to use as a backend", ("string", None, None, "id:chardev")),
        ("str", "ID of an audiodev to use as a backend", ("string", None, None, "id:audiodev")),
        ("str", "ID of a tpm to use as a backend", ("string", None, None, "id:tpmdev")),
        ("link<iothread>", None, ("string", None, None, "id:iothread")),
        ("int32", PCI, DEVFN),
        ("str", PCI, DEVFN),
        ("StrOrNull", None, ("either", STRING, ("null", None, None, ""))),
        ("strList", None, ("array", STRING)),
        ("uint8List", None, ("array", ("int", 0, 255, ""))),
        ("int16List", None, ("array", ("int", -32768, 32767, ""))),
        # Prose with slashes in it is no list of values.
        ("str", "a path/to a file", STRING),
        ("str", "on/off/auto", STRING),
        ("uint32", "pages/second", ("int", 0, 4294967295, "")),
        # Until 9.x, and since.
        ("FdcDriveType", f"{FDC}, 144/288/120/none/auto", ["144", "288", "120", "none", "auto"]),
        ("FloppyDriveType", f"{FDC} (144/288/none)", ["144", "288", "none"]),
        ("OnOffAuto", "on/off/auto", ["on", "off", "auto"]),
        ("OnOffAuto", "Enable the thing when it is there", ["auto", "on", "off"]),
        ("OnOffAuto", None, ["auto", "on", "off"]),
        ("PCIELinkSpeed", "2_5/5/8/16", ["2_5", "5", "8", "16"]),
        ("LostTickPolicy", None, ["discard", "delay", "slew"]),
        ("on|off|split", "Configure KVM in-kernel irqchip", ["on", "off", "split"]),
        ("OffAutoPCIBAR", "In prose", ["off", "auto", *(f"bar{number}" for number in range(6))]),
        ("BlockdevOnError", None, OPAQUE),
        ("SomeEnum", "prose only", OPAQUE),
        ("SomeEnum", "1/2 of the pages", OPAQUE),
        ("SomeEnum", "some of a/b (or c) as you like", OPAQUE),
        ("SomeEnum", "Policy, no-flush/a+b", ["no-flush", "a+b"]),
        ("NotifyVMexitOption", None, ["run", "internal-error", "disable"]),
        ("PCSouthBridgeOption", "Another one", ["PIIX3", "piix4-isa"]),
        ("a|b c", None, OPAQUE),
        ("childish", None, OPAQUE),
        ("list", None, OPAQUE),
        ("", None, OPAQUE),
        ("|", None, OPAQUE),
        ("link<", None, OPAQUE),
    ],
)  # fmt: skip
def test_type(declared, description, wanted):
    found = find_type(Property("p", declared, description), "owner")
    assert read(found) == wanted
    assert found.settable
    assert found.precise == (wanted not in (STRING, OPAQUE, INTEGER) and declared != "strList")


@pytest.mark.parametrize(
    ("owner", "name", "declared", "settable"),
    [
        ("x", "p", "child<memory-region>", False),
        ("x", "p", "busnr", False),
        ("x", "p", "struct tm", False),
        ("x", "guest-stats", "guest statistics", False),
        ("max-x86_64-cpu", "feature-words", "X86CPUFeatureWordInfo", False),
        ("max-x86_64-cpu", "unavailable-features", "strList", False),
        ("iothread", "type", "string", False),
        ("ide-hd", "type", "uint32", True),
        ("usb-mouse", "attached", "bool", False),
        ("usb-bot", "attached", "bool", True),
        ("pc-dimm", "size", "uint64", False),
        ("nvdimm", "size", "uint64", False),
        ("sgx-epc", "size", "uint64", False),
        ("iothread", "thread-id", "int", False),
        ("none-machine", "device-memory-region-size", "int", False),
        ("virtio-mem", "size", "size", False),
        ("virtio-mem-pci", "size", "size", False),
        ("ivshmem-plain", "size", "size", True),
        ("virtio-mem-pci", "requested-size", "size", True),
        ("x", "p", "bool", True),
    ],
)
def test_what_can_be_set(owner, name, declared, settable):
    found = find_type(Property(name, declared), owner)
    assert found.settable is settable
    assert found.precise or declared == "string"


@pytest.mark.parametrize(
    ("name", "declared", "description", "wanted"),
    [
        ("discard_granularity", "size", None, ("int", 0, 2**32 - 1, "size")),
        ("x-max-bounce-buffer-size", "size", None, ("int", 0, 2**32 - 1, "size")),
        ("logical_block_size", "size", "A power of two", ("int", 0, 2 * 1024 * 1024, "size")),
        ("physical_block_size", "size", None, ("int", 0, 2 * 1024 * 1024, "size")),
        ("requested-size", "size", None, ("int", 0, 2**64 - 1, "size")),
        ("host-nodes", "int", "Binds memory", ("array", ("int", 0, 65535, ""))),
        ("family", "int", None, ("int", 0, 270, "")),
        ("stepping", "int", None, ("int", 0, 15, "")),
        ("tb-size", "int", None, ("int", 0, 2**32 - 1, "")),
        ("size", "int", None, ("int", 0, 2**64 - 1, "size")),
        ("poll-grow", "int", None, INTEGER),
        ("family", "str", None, STRING),
        ("host", "str", "Host PCI address [domain:]<bus:slot.function> of assigned device",
         ("string", None, None, "host-pci-address")),
        ("vf-token", "str", "Specify UUID VF token. Required for VF",
         ("string", None, None, "uuid")),
        ("x-nv-gpudirect-clique", "uint8", "Add NVIDIA things", ("int", 0, 255, "")),
        ("x-nv-gpudirect-clique", "uint8", "NVIDIA GPUDirect Clique ID [0-15]",
         ("int", 0, 15, "")),
    ],
)  # fmt: skip
def test_type_of_a_known_property(name, declared, description, wanted):
    assert read(find_type(Property(name, declared, description), "owner")) == wanted


@pytest.mark.parametrize(
    ("declared", "description", "wanted"),
    [
        ("int32", PCI, ("string", None, None, "pci-address")),
        ("str", PCI, DEVFN),
        ("int32", None, ("int", -(2**31), 2**31 - 1, "")),
    ],
)
def test_type_of_an_argument(declared, description, wanted):
    assert read(find_argument_type(Property("addr", declared, description), "owner")) == wanted


@pytest.mark.parametrize(
    ("name", "declared", "form"),
    [
        ("chardev", "string", "id:chardev"),
        ("failover_pair_id", "str", "id:device"),
        ("sriov-pf", "str", "id:device"),
        ("fsdev", "str", "id:fsdev"),
        ("chardev", "bool", ""),
        ("chardevs", "str", ""),
    ],
)
def test_a_name_can_say_whose_id_it_is(name, declared, form):
    entity = find_type(Property(name, declared), "x").entity
    assert isinstance(entity, ScalarType)
    assert entity.format == form


@pytest.mark.parametrize(
    ("name", "declared", "description", "basis"),
    [
        ("p", "uint8", None, "its QOM type"),
        ("p", "on|off", None, "its QOM type"),
        ("p", "str", MAC, "its description"),
        ("p", "X", "a/b", "its description"),
        ("p", "OnOffAuto", None, "a table of types in QEMU's sources"),
        ("chardev", "str", None, "its name"),
    ],
)
def test_what_a_type_rests_on(name, declared, description, basis):
    assert find_type(Property(name, declared, description), "x").basis == basis


def list_recorded(shared):
    """Every property of every device of a recorded QEMU, with its owner and its type."""
    (file,) = (shared / "snapshots").glob("*.transcript.json.gz")
    for exchange in json.loads(gzip.decompress(file.read_bytes())):
        if exchange["execute"] == "device-list-properties":
            owner = exchange["arguments"]["typename"]
            for told in exchange["return"]:
                default = told.get("default-value")
                found = Property(told["name"], told["type"], told.get("description"))
                yield owner, found, default, find_type(found, owner)


def accepts(entity, value):
    """Whether a type takes a value, as far as it is described."""
    match entity:
        case EnumType():
            return value in entity.values
        case ScalarType(json_type="int", minimum=int(minimum), maximum=int(maximum)):
            return isinstance(value, int) and minimum <= value <= maximum
        case ScalarType(json_type="boolean"):
            return isinstance(value, bool)
        case ScalarType(json_type="string"):
            return isinstance(value, str)
        case ScalarType(json_type="number"):
            return isinstance(value, int | float)
    return True


def test_defaults_are_values_of_their_types(shared):
    counted, wrong = 0, []
    for owner, found, default, kind in list_recorded(shared):
        if default is not None:
            counted += 1
            if not accepts(kind.entity, default):
                wrong.append((owner, found.name, found.type, default))
    assert wrong == []
    assert counted > 1000


def test_names_are_types(shared):
    """Equal names mean equal types, or types that are shared would be confused."""
    by_name: dict[str, Entity] = {}
    for _, _, _, kind in list_recorded(shared):
        for entity in (kind.entity, *kind.parts):
            assert by_name.setdefault(entity.name, entity) == entity
    assert len(by_name) > 20


def test_every_type_can_be_found(shared):
    (file,) = (shared / "snapshots").glob("*.transcript.json.gz")
    interface = Interface.from_snapshot(decode_snapshot(file.read_bytes()))
    for asked in ("device", "object"):
        for typename in interface.properties.list_types(asked):
            made = interface.qom.make(asked, typename)
            assert made is None or all(interface.find(each.type) for each in made.members)


def test_the_table_of_enums_is_what_object_add_has(shared):
    """Where both a table and QEMU's schema know the values of an object's property."""
    (file,) = (shared / "snapshots").glob("*.transcript.json.gz")
    interface = Interface.from_snapshot(decode_snapshot(file.read_bytes()))
    compared = set()
    for owner in interface.properties.list_told("object"):
        told = interface.properties.find("object", owner)
        assert told is not None
        for found in told.properties or ():
            kind = find_type(found, owner)
            name = find_in_object_add(interface, Owner("object", owner), found.name)
            entity = interface.find(name) if name else None
            if isinstance(kind.entity, EnumType) and isinstance(entity, EnumType):
                compared.add(found.type)
                assert set(kind.entity.values) == set(entity.values), (owner, found)
    assert {"HostMemPolicy", "NetFilterDirection", "QCryptoSecretFormat"} <= compared

"""From a property as QOM tells it to a type as SchemaInfo tells it.

In: a `Property`. Out: `PropertyType`: an entity with all that the evidence allows (ranges, values,
what a string denotes), whether a user may set it, and whether the type is precise. Rules read the
description before the type: it has said the same since QEMU 5.2 where types changed. Next: qom.py.
"""

import functools
import re
from collections.abc import Callable

from msgspec import Struct, structs

from qscope.model.properties import Property
from qscope.model.schema_info import (
    AlternateMember,
    AlternateType,
    ArrayType,
    BuiltinType,
    Entity,
    EnumMember,
    EnumType,
    Member,
    ObjectType,
    OpaqueEntity,
)


class ScalarType(BuiltinType, frozen=True, kw_only=True, gc=False, tag="builtin"):
    """A built-in type of which more is known than SchemaInfo can say.

    Numbers have a range, both ends included. `format` is what values denote: `size` in bytes,
    `mac`, `uuid`, `pci-address` (SLOT.FUNCTION, in hexadecimal), `host-pci-address`
    (BUS:SLOT.FUNCTION), `id:netdev`, `id:chardev`, `id:audiodev`, `id:tpmdev`, `id:drive`, and
    `id:TYPE`: the ID or the QOM path of an object of that QOM type.
    """

    minimum: int | None = None
    maximum: int | None = None
    format: str = ""


class PropertyType(Struct, frozen=True):
    """The type of a property; `parts` are the types it consists of, where there are some.

    `settable` is false for what QEMU only reports, and for its own children. `precise` is false for
    plain strings (paths, names, serial numbers) and for what nothing is known of. `basis` is what
    the type was concluded from.
    """

    entity: Entity
    parts: tuple[Entity, ...] = ()
    settable: bool = True
    precise: bool = True
    basis: str = "its QOM type"


def _scalar(json_type: str, minimum: int, maximum: int, name: str, form: str = "") -> PropertyType:
    entity = ScalarType(
        name=f"qom:{name}", json_type=json_type, minimum=minimum, maximum=maximum, format=form
    )
    return PropertyType(entity)


def _string(form: str = "") -> PropertyType:
    name = f"qom:str:{form}" if form else "qom:str"
    return PropertyType(ScalarType(name=name, json_type="string", format=form), precise=bool(form))


def _enum(values: tuple[str, ...]) -> PropertyType:
    members = tuple(EnumMember(name=value) for value in values)
    return PropertyType(EnumType(name=f"qom:{'|'.join(values)}", sent_members=members))


def _either(*branches: PropertyType) -> PropertyType:
    entities = tuple(branch.entity for branch in branches)
    members = tuple(AlternateMember(type=entity.name) for entity in entities)
    name = "qom:" + "/".join(entity.name.removeprefix("qom:") for entity in entities)
    return PropertyType(AlternateType(name=name, members=members), entities)


def _array(element: PropertyType) -> PropertyType:
    name = f"qom:[{element.entity.name.removeprefix('qom:')}]"
    array = ArrayType(name=name, element_type=element.entity.name)
    return PropertyType(array, (element.entity,), precise=element.precise)


def _opaque(name: str) -> PropertyType:
    entity = OpaqueEntity(f"qom:?{name}", name, {"name": f"qom:?{name}", "meta-type": name})
    return PropertyType(entity, precise=False)


def _reported(name: str) -> PropertyType:
    """Return the type of what QEMU only reports: nobody can set it, whatever its form is."""
    return PropertyType(_opaque(name).entity, settable=False)


_INTEGERS = {
    **{f"uint{bits}": (0, 2**bits - 1) for bits in (4, 8, 16, 32, 64)},
    **{f"int{bits}": (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (8, 16, 32, 64)},
}
_STRING = _string()
_BOOLEAN = PropertyType(ScalarType(name="qom:bool", json_type="boolean"))
_NUMBER = PropertyType(ScalarType(name="qom:number", json_type="number"))
_NULL = PropertyType(ScalarType(name="qom:null", json_type="null"))
# What QOM calls `int` has any range: uint8 of an accelerator, 0 to 270 of a CPU's family.
_INTEGER = PropertyType(ScalarType(name="qom:int", json_type="int"), precise=False)
_SIZE = _scalar("int", 0, 2**64 - 1, "size", "size")
# A slot and a function, 06.0, or as a number slot * 8 + function; -1 is QEMU's to choose
# (qdev-properties-system.c, qdev_prop_pci_devfn).
_PCI_STRING = _string("pci-address")
_PCI_ADDRESS = _either(_PCI_STRING, _scalar("int", -1, 255, "pci-devfn", "pci-address"))


def _mapping_of_queues() -> PropertyType:
    """Return IOThreadVirtQueueMappingList, which JSON alone can give (qapi/virtio.json, 9.0)."""
    queues = _array(_scalar("int", *_INTEGERS["uint16"], "uint16"))
    element = ObjectType(
        name="qom:IOThreadVirtQueueMapping",
        members=(
            Member(name="iothread", type=_STRING.entity.name),
            Member(name="vqs", type=queues.entity.name, default=None),
        ),
    )
    found = _array(PropertyType(element))
    parts = (*found.parts, _STRING.entity, queues.entity, *queues.parts)
    return structs.replace(found, parts=parts)


_BY_NAME: dict[str, PropertyType] = {
    "IOThreadVirtQueueMappingList": _mapping_of_queues(),
    **{name: _scalar("int", *limits, name) for name, limits in _INTEGERS.items()},
    "bool": _BOOLEAN,
    "int": _INTEGER,
    "size": _SIZE,
    "number": _NUMBER,
    "double": _NUMBER,
    "str": _STRING,
    "string": _STRING,
    "QemuUUID": _string("uuid"),
    "strList": _array(_STRING),
    "StrOrNull": _either(_STRING, _NULL),
    # How the QOM properties of machines spell them.
    **{f"{name}_t": _scalar("int", *_INTEGERS[name], name) for name in _INTEGERS},
    **{f"{name}List": _array(_scalar("int", *_INTEGERS[name], name)) for name in _INTEGERS},
}

# What QEMU reports and nobody can set: statistics, feature words, the number of a bus, the time.
_REPORTED = frozenset(
    ("busnr", "struct tm", "guest statistics", "GuestPanicInformation", "X86CPUFeatureWordInfo")
)

# Types by name for what no description tells: OnOffAuto is described in prose by some devices
# since 10.0, OffAutoPCIBAR by all; LostTickPolicy was not described before (qapi/common.json,
# qapi/misc-target.json and qapi/machine.json of 5.2 to 11.0). The others are those of objects,
# accelerators and machines; object-add's schema has the same (qapi/qom.json, since 6.0).
_ENUMS: dict[str, tuple[str, ...]] = {
    "OnOffAuto": ("auto", "on", "off"),
    "OffAutoPCIBAR": ("off", "auto", "bar0", "bar1", "bar2", "bar3", "bar4", "bar5"),
    "LostTickPolicy": ("discard", "delay", "slew"),
    "GrabToggleKeys": (
        "ctrl-ctrl", "alt-alt", "shift-shift", "meta-meta", "scrolllock", "ctrl-scrolllock",
    ),
    "HostMemPolicy": ("default", "preferred", "bind", "interleave"),
    "NetFilterDirection": ("all", "rx", "tx"),
    "NotifyVMexitOption": ("run", "internal-error", "disable"),
    "PCSouthBridgeOption": ("PIIX3", "piix4-isa"),
    "QAuthZListPolicy": ("deny", "allow"),
    "QCryptoSecretFormat": ("raw", "base64"),
    "QCryptoTLSCredsEndpoint": ("client", "server"),
}  # fmt: skip

_DESCRIBED: tuple[tuple[re.Pattern[str], Callable[[str], PropertyType]], ...] = (
    (re.compile(r"Slot and optional function number\b"), lambda _: _PCI_ADDRESS),
    (re.compile(r"Ethernet 6-byte MAC Address\b"), lambda _: _string("mac")),
    (re.compile(r"UUID \(aka GUID\)"), lambda _: _string("uuid")),
    (re.compile(r"Specify UUID\b"), lambda _: _string("uuid")),
    (
        # The first until 9.x, the second since 10.0.
        re.compile(r"Address \(bus/device/function\) of the host device\b|Host PCI address\b"),
        lambda _: _string("host-pci-address"),
    ),
    # uint8 since 10.0, and still no more than 15.
    (
        re.compile(r"NVIDIA GPUDirect Clique ID\b"),
        lambda _: _scalar("int", *_INTEGERS["uint4"], "uint4"),
    ),
    (re.compile(r"Node name or ID of a block device\b"), lambda _: _string("id:drive")),
    (
        re.compile(r"ID of an? (netdev|chardev|audiodev) to use as a backend"),
        lambda what: _string(f"id:{what}"),
    ),
    (re.compile(r"ID of a tpm to use as a backend"), lambda _: _string("id:tpmdev")),
)

# "FDC drive type, 144/288/auto" and "on/off/auto" until 9.x, "... (144/288/auto)" since 10.0.
_WORD = r"[A-Za-z0-9_.+-]+"
_VALUES = re.compile(rf"(?:^|, |\()({_WORD}(?:/{_WORD})+)\)?$")
# kvm-accel's kernel-irqchip: the name of the type is the list of its values.
_ALTERNATIVES = re.compile(rf"{_WORD}(?:\|{_WORD})+")


# What QEMU only reports, by the name of the property and QOM's of its type, whosoever it is; and by
# its owner (measured by setting it on 5.2, 7.2 and 11.1).
_READ_ONLY = frozenset(
    (
        ("type", "string"),
        ("unavailable-features", "strList"),
        ("attached", "bool"),
        ("thread-id", "int"),
        ("device-memory-region-size", "int"),
    )
)
_READ_ONLY_OF = frozenset(
    (owner, "size") for owner in ("pc-dimm", "nvdimm", "sgx-epc", "virtio-mem", "virtio-mem-pci")
)
_WRITABLE_OF = frozenset((owner, "attached") for owner in ("usb-bot", "usb-uas"))

# Types that QOM's names do not tell, by the name of the property and QOM's of its type: sizes of 32
# bits, powers of two up to 2 MiB or 0 (hw/core/qdev-properties.c), lists (backends/hostmem.c),
# what x86 CPU models check (target/i386/cpu.c), and what the setters of backends/hostmem*.c and
# accel/tcg/tcg-all.c read.
_SIZE32 = _scalar("int", 0, 2**32 - 1, "size32", "size")
_BLOCK_SIZE = _scalar("int", 0, 2 << 20, "block-size", "size")
_SIZES = ("size", "align", "offset", "hugetlbsize", "label-size")
_BY_PROPERTY = {
    **{
        (name, "size"): _SIZE32
        for name in (
            "discard_granularity", "min_io_size", "opt_io_size", "x-max-bounce-buffer-size",
        )
    },
    **{(f"{name}_block_size", "size"): _BLOCK_SIZE for name in ("logical", "physical")},
    # Of memory backends, and of nvdimm; of tcg-accel: tb-size, in megabytes.
    **{(name, "int"): _SIZE for name in _SIZES},
    ("tb-size", "int"): _scalar("int", *_INTEGERS["uint32"], "uint32"),
    ("thread", "string"): _enum(("single", "multi")),
    ("host-nodes", "int"): _array(_scalar("int", *_INTEGERS["uint16"], "uint16")),
    ("family", "int"): _scalar("int", 0, 270, "family"),
    ("model", "int"): _scalar("int", 0, 255, "model"),
    ("stepping", "int"): _scalar("int", 0, 15, "stepping"),
    ("tsc-frequency", "int"): _scalar("int", 0, 2**63 - 1, "frequency"),
}  # fmt: skip

# What the name of a string property says and no description does: whose ID it is.
_REFERENCES = {
    "chardev": "id:chardev",
    "fsdev": "id:fsdev",
    "failover_pair_id": "id:device",
    "sriov-pf": "id:device",
}


def find_type(found: Property, owner: str) -> PropertyType:
    """Return the type of a property of the QOM type `owner`, as precise as the evidence allows."""
    found_type = _find_by_name(found) or _find_type(found.type, found.description or "")
    place = (owner, found.name)
    read_only = (found.name, found.type) in _READ_ONLY and place not in _WRITABLE_OF
    if place in _READ_ONLY_OF or read_only:
        return structs.replace(found_type, settable=False, precise=True)
    return found_type


def find_argument_type(found: Property, owner: str) -> PropertyType:
    """Return likewise the type of what device_add takes for a property.

    It differs for PCI addresses while QEMU called them int32: its command made a string of a
    number, and read that as a slot in hexadecimal (measured on 5.2 and 7.2).
    """
    found_type = find_type(found, owner)
    is_old = found.type == "int32" and found_type.entity == _PCI_ADDRESS.entity
    return _by_description(_PCI_STRING) if is_old else found_type


def _find_by_name(found: Property) -> PropertyType | None:
    by_property = _BY_PROPERTY.get((found.name, found.type))
    if by_property is None and found.type in ("str", "string") and not found.description:
        form = _REFERENCES.get(found.name)
        by_property = _string(form) if form else None
    return structs.replace(by_property, basis="its name") if by_property else None


@functools.lru_cache(maxsize=4096)
def _find_type(name: str, description: str) -> PropertyType:
    for pattern, make in _DESCRIBED:
        if found := pattern.match(description):
            return _by_description(make(found[1] if pattern.groups else ""))
    if name in _BY_NAME:
        return _BY_NAME[name]
    if name in _REPORTED or name.startswith("child<"):
        return _reported(name)
    if name.startswith("link<") and name.endswith(">"):
        return _string(f"id:{name[5:-1]}")
    return _find_enum(name, description)


def _find_enum(name: str, description: str) -> PropertyType:
    """Return the enum that a description, a table or the type's own name lists, else nothing."""
    if found := _VALUES.search(description):
        return _by_description(_enum(tuple(found[1].split("/"))))
    if name in _ENUMS:
        return structs.replace(_enum(_ENUMS[name]), basis="a table of types in QEMU's sources")
    if _ALTERNATIVES.fullmatch(name):
        return _enum(tuple(name.split("|")))
    return _opaque(name)


def _by_description(found_type: PropertyType) -> PropertyType:
    return structs.replace(found_type, basis="its description")

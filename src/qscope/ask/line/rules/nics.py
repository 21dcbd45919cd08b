"""Rules about network cards that -nic and -net ask for: addresses, models, how many."""

import re
from collections.abc import Iterator

from qscope.ask.line.given import Given, list_given
from qscope.ask.line.line import Line
from qscope.ask.line.machines import find_family
from qscope.ask.line.rules.rule import ALL, SINCE_7_2, Fault, Rule
from qscope.ask.line.scalars import read_uint
from qscope.model.schema_info import ObjectType

# net/net.c: MAX_NICS, and the most vectors.
_MOST = 8
_MOST_VECTORS = 0x7FFFFFF
_BYTE = re.compile(r"\s*(?:0[xX])?([0-9a-fA-F]+)", re.ASCII)
_MOST_SUFFIX = 0xFFFFFF


def list_nics(line: Line) -> Iterator[Given]:
    """Yield each option that asks for a card, in the order in which QEMU takes them."""
    for given in list_given(line, "nic"):
        if given.get("type") != "none":
            yield given
    for given in list_given(line, "net"):
        if given.get("type") == "nic":
            yield given


def find_addresses(line: Line) -> Iterator[Fault]:
    """Yield each MAC address that is none, or one of many cards."""
    for given in list_nics(line):
        name = "mac" if given.occurrence.name == "nic" else "macaddr"
        text = given.get(name)
        wrong = check_mac(text) if text is not None else ""
        if wrong:
            yield Fault(given.occurrence, name, wrong, "one as 52:54:00:12:34:56 is right")


def check_mac(text: str) -> str:
    """Say what is wrong with a MAC address; a number alone is its end (net_parse_macaddr)."""
    number = read_uint(text)
    if not text or (number is not None and number <= _MOST_SUFFIX):
        return ""
    parts = re.split(r"[:-]", text)
    found = [_BYTE.fullmatch(part) for part in parts]
    if len(parts) != 6 or not all(found):
        return f"{text!r} is no MAC address"
    first = found[0]
    is_multicast = first is not None and int(first[1], 16) & 1
    return f"{text!r} is a multicast address" if is_multicast else ""


# Machines that look for a model among the PCI devices.
_WITH_PCI = ("pc", "q35", "virt")


def find_models(line: Line) -> Iterator[Fault]:
    """Yield each model that PCs do not know; since 9.0 they only warn."""
    if not line.is_before(9, 0) or find_family(line) not in _WITH_PCI:
        return
    for given in list_nics(line):
        model = given.get("model")
        if model is not None and not _is_model(line, model):
            yield Fault(given.occurrence, "model", f"there is no model {model!r}")


def find_slots(line: Line) -> Iterator[Fault]:
    """Yield each addr that is no PCI slot; since 9.0 nobody reads it."""
    if not line.is_before(9, 0) or find_family(line) not in _WITH_PCI:
        return
    for given in list_nics(line):
        text = given.get("addr")
        found = _SLOT.fullmatch(text) if text is not None else None
        if text is not None and (found is None or int(found[1], 16) > 0x1F):
            yield Fault(given.occurrence, "addr", f"{text!r} is no PCI slot", "1 to 1f is right")


# DOMAIN:BUS:SLOT, the first two of which may be left out.
_SLOT = re.compile(r"(?:[0-9a-fA-F]+:){0,2}(?:0[xX])?([0-9a-fA-F]{1,8})", re.ASCII)


def _is_model(line: Line, model: str) -> bool:
    if model in ("help", "?", "virtio") or (model == "ne2k_isa" and find_family(line) != "virt"):
        return True
    drivers = line.interface.listings.drivers
    driver = next((each for each in drivers or () if each.name == model), None)
    if driver is None or driver.bus != "PCI":
        return drivers is None
    made = line.interface.qom.make("device", model, arguments=True)
    members = made.members if isinstance(made, ObjectType) else ()
    return made is None or any(member.name == "netdev" for member in members)


def find_too_many(line: Line) -> Iterator[Fault]:
    """Yield each card that is more than a machine has places for."""
    for given in list(list_nics(line))[_MOST:]:
        yield Fault(given.occurrence, "", f"there can be {_MOST} of them")


def find_vectors(line: Line) -> Iterator[Fault]:
    """Yield each number of vectors that is too large."""
    for given in list_nics(line):
        number = read_uint(given.get("vectors"))
        if number is not None and _MOST_VECTORS < number < 1 << 32:
            yield Fault(given.occurrence, "vectors", f"it takes 0..{_MOST_VECTORS}")


def find_taken(line: Line) -> Iterator[Fault]:
    """Yield each ID that a back end of another option has; since 6.0 it is looked at."""
    if line.is_before(6, 0):
        return
    owners: dict[str, str] = {}
    for option in ("netdev", "nic", "net"):
        for given in list_given(line, option):
            name = given.get("id")
            if name is not None and owners.get(name, option) != option:
                yield Fault(given.occurrence, "id", f"-{owners[name]} has {name!r} already")
            elif name is not None and given.get("type") not in ("nic", "none"):
                owners.setdefault(name, option)


RULES = (
    Rule(
        "nic-mac",
        "a card has an address of its own",
        ALL,
        "-nic user,mac=foo",
        "-nic user,mac=52-54-00-12-34-56",
        find_addresses,
    ),
    Rule(
        "nic-model",
        "a model is a PCI card that the machine has",
        ("5.2", "7.2"),
        "-nic user,model=nosuch",
        "-nic user,model=e1000",
        find_models,
    ),
    Rule(
        "nic-addr",
        "a card is plugged into a slot",
        ("5.2", "7.2"),
        "-net nic,addr=99999",
        "-net nic,addr=5",
        find_slots,
    ),
    Rule(
        "nic-count",
        "QEMU keeps a table of eight network cards",
        ALL,
        " ".join(["-nic user"] * 9),
        " ".join(["-nic user"] * 8),
        find_too_many,
    ),
    Rule(
        "nic-vectors",
        "MSI-X counts in few bits",
        ALL,
        "-net nic,vectors=134217728",
        "-net nic,vectors=4",
        find_vectors,
    ),
    Rule(
        "netdev-id-taken",
        "back ends share one namespace whichever option makes them",
        SINCE_7_2,
        "-netdev user,id=n0 -nic user,id=n0",
        "-netdev user,id=n0 -nic user,id=n1",
        find_taken,
    ),
)

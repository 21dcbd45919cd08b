"""What strings of a known format look like, as QEMU's setters read them.

In: the format of a `ScalarType`, a string. Out: what is right, "" where it is so.
"""

import re
from collections.abc import Callable

_HEX = "[0-9a-fA-F]"
# Six bytes, all of them separated by `:` or `-`, mixed or not (hw/core/qdev-properties.c,
# set_mac).
_MAC = re.compile(rf"{_HEX}{{2}}(?:[:-]{_HEX}{{2}}){{5}}")
# A hexadecimal slot of five bits and a function of three (hw/core/qdev-properties-system.c,
# set_pci_devfn); blanks pass in front, as for sscanf's %x.
_PCI = re.compile(rf"\s*(?:0[xX])?({_HEX}+)(?:\.\s*(?:0[xX])?({_HEX}+))?")
_UUID = re.compile(rf"{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}")
# DOMAIN:BUS:SLOT.FUNCTION (set_pci_host_devaddr).
_HOST_PCI = re.compile(rf"(?:({_HEX}+):)?({_HEX}+):({_HEX}+)\.({_HEX}+)")


def find_format_error(form: str, text: str) -> str:
    """Say what a string should be ("" where it is that, or where nothing is known)."""
    rule = _RULES.get(form)
    return "" if rule is None or rule[0](text) else rule[1]


def _is_mac(text: str) -> bool:
    return _MAC.fullmatch(text) is not None


def _is_uuid(text: str) -> bool:
    return text == "auto" or _UUID.fullmatch(text) is not None


def _is_pci_address(text: str) -> bool:
    found = _PCI.fullmatch(text)
    return found is not None and _fits(found[1], 0x1F) and _fits(found[2], 7)


def _is_host_pci_address(text: str) -> bool:
    found = _HOST_PCI.fullmatch(text)
    if found is None:
        return False
    return all(
        _fits(digits, most)
        for digits, most in zip(found.groups(), (0xFFFF, 0xFF, 0x1F, 7), strict=True)
    )


def _fits(digits: str | None, most: int) -> bool:
    return digits is None or int(digits, 16) <= most


_RULES: dict[str, tuple[Callable[[str], bool], str]] = {
    "mac": (_is_mac, "a MAC address, as 52:54:00:12:34:56"),
    "uuid": (_is_uuid, "a UUID, or auto"),
    "pci-address": (_is_pci_address, "a PCI address: SLOT.FUNCTION in hexadecimal, as 1f.7"),
    "host-pci-address": (_is_host_pci_address, "a PCI address on the host, as 0000:00:1f.7"),
}

"""The rules for names, as of QEMU 6.0, which enforced them first: scripts/qapi/expr.py.

A name that was found good is remembered: a schema uses most of its names many times.
"""

import re

_NAME = re.compile(r"(__[a-z0-9.-]+_)?(x-)?([a-z][a-z0-9_-]*)", re.IGNORECASE)
_CAMEL = re.compile(r"[A-Z][A-Z0-9]*[a-z][A-Za-z0-9]*")
# The bulk: names of members, values, features and branches that break no rule for any of them.
_PLAIN = re.compile(r"(?!q-|has-|u\Z)[a-z][a-z0-9-]*")
_PLAIN_EVENT = re.compile(r"[A-Z][A-Z0-9_]*")
_PLAIN_TYPE = re.compile(r"[A-Z][A-Z0-9]*[a-z][A-Za-z0-9]*(?<!List)")
_NO_C = re.compile(r"[^A-Za-z0-9]")

# Names remembered; a program may read schemas for ever.
_MAX_REMEMBERED = 100_000


class _CNames(dict[str, str]):
    """What each name is in C: names with the same one collide."""

    def __missing__(self, name: str) -> str:
        if len(self) >= _MAX_REMEMBERED:
            self.clear()
        found = self[name] = _NO_C.sub("_", name)
        return found


class _Plain(dict[str, bool]):
    """Whether a name is surely good for a member, a value, a feature or a branch."""

    def __missing__(self, name: str) -> bool:
        if len(self) >= _MAX_REMEMBERED:
            self.clear()
        found = self[name] = _PLAIN.fullmatch(name) is not None
        return found


C_NAMES = _CNames()
IS_PLAIN = _Plain()


def complain_of_event(name: str) -> str | None:
    """Say what is wrong with an event's name."""
    if _PLAIN_EVENT.fullmatch(name):
        return None
    stem = _stem(name)
    if stem is None:
        return _refuse(name)
    return "must have no lowercase letter and no '-'" if re.search(r"[a-z-]", stem) else None


def complain_of_type(name: str) -> str | None:
    """Say what is wrong with a type's name."""
    if _PLAIN_TYPE.fullmatch(name):
        return None
    stem = _stem(name)
    if stem is None:
        return _refuse(name)
    if not _CAMEL.fullmatch(stem):
        return "must be in CamelCase"
    return "must not end in 'List', as arrays do" if name.endswith("List") else None


def complain_of_lower(name: str, *, upper: bool = False, underscore: bool = False) -> str | None:
    """Say what is wrong with any other name; `upper` and `underscore` are exceptions granted."""
    stem = _stem(name)
    if stem is None:
        return _refuse(name)
    if (not upper and re.search(r"[A-Z]", stem)) or (not underscore and "_" in stem):
        return "must have no capital letter and no '_'"
    return None


def is_reserved_member(name: str) -> bool:
    """Return whether generated C code needs this member's name for itself."""
    return C_NAMES[name] == "u" or C_NAMES[name].startswith("has_")


def _stem(name: str) -> str | None:
    """Return what the case rules apply to: the name less its vendor and `x-`."""
    match = _NAME.fullmatch(name)
    return None if match is None or C_NAMES[name].startswith("q_") else match[3]


def _refuse(name: str) -> str:
    if C_NAMES[name].startswith("q_"):
        return "is reserved: in C it begins with 'q_'"
    return "is no name: letters, digits, '-' and '_', a letter first"

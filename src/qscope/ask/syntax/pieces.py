"""What QemuOpts and keyval are both made of: words, and values in which commas are doubled."""

import re

_WORD = re.compile(r"[^=,]*")
# It ends at a comma that stands alone.
_VALUE = re.compile(r"(?:[^,]|,,)*")


def take_word(text: str, position: int) -> tuple[str, int]:
    """Return the word that begins at a position, perhaps an empty one, and where it ends."""
    return _take(_WORD, text, position)


def take_value(text: str, position: int) -> tuple[str, int]:
    """Return likewise the value that begins at a position, its commas single."""
    value, end = _take(_VALUE, text, position)
    return value.replace(",,", ","), end


def _take(pattern: re.Pattern[str], text: str, position: int) -> tuple[str, int]:
    found = pattern.match(text, position)
    assert found is not None  # both patterns match nothing, too
    return found[0], found.end()

"""Names that look like one that does not exist, for asking whether they were meant."""

from collections.abc import Iterable

_MOST = 3
# Comparing takes time: no real name is longer, no real interface has more.
_MAX_LENGTH = 80
_MAX_NAMES = 5000


def near(name: str, names: Iterable[str]) -> list[str]:
    """Return up to three of `names` that look like `name`, nearest first."""
    import difflib  # noqa: PLC0415 - only needed when something went wrong

    if len(name) > _MAX_LENGTH:
        return []
    short = [each for each in dict.fromkeys(names) if len(each) <= _MAX_LENGTH][:_MAX_NAMES]
    return difflib.get_close_matches(name, short, n=_MOST, cutoff=0.6)

"""Names that look like one that does not exist, for asking whether they were meant."""

from collections.abc import Iterable

_MOST = 3


def near(name: str, names: Iterable[str]) -> list[str]:
    """Return up to three of `names` that look like `name`, nearest first."""
    import difflib  # noqa: PLC0415 - only needed when something went wrong

    return difflib.get_close_matches(name, list(dict.fromkeys(names)), n=_MOST, cutoff=0.6)

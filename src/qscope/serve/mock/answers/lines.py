"""Messages about a file that anybody may have written: one line, of a length that can be read."""

_MOST_LETTERS = 500


def print_line(text: str, most: int = _MOST_LETTERS) -> str:
    """Return text as one line; what is longer than `most` is cut."""
    short = text if len(text) <= most else text[:most] + "…"
    return "".join(each if each.isprintable() else _escape(each) for each in short)


def _escape(letter: str) -> str:
    return letter.encode("unicode_escape").decode()

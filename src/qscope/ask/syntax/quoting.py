"""How messages quote what a user wrote: on one line, and not much of it."""

_LONGEST = 60


def quote(text: str) -> str:
    """Return the text in quotes, control characters escaped, its end left out where it is long."""
    return repr(text) if len(text) <= _LONGEST else repr(text[:_LONGEST]) + "…"

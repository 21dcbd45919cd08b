"""Text that a user hands to a command: from a file or from stdin.

In: what was named. Out: the text; what is no UTF-8 in it comes back as it was, escaped.
"""

from qscope.errors import TargetError
from qscope.load.files import explain_error, read_regular

# No command line and no list of commands is longer.
_MAX_BYTES = 64 << 20


def read_text(path: str) -> str:
    """Return the text of a file, `-` for stdin. Raises TargetError."""
    try:
        return read_regular(path, _MAX_BYTES).decode("utf-8", "surrogateescape")
    except (OSError, ValueError) as error:
        raise TargetError(f"{path}: {explain_error(error)}") from error

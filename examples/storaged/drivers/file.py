"""Disks in files that are there."""

from pathlib import Path
from typing import Any

from qscope.serve import RefusalError

OPTIONS = "{ 'struct': 'DiskFile', 'data': { 'filename': 'str' } }"


def measure(options: Any) -> int:
    """Return the file's size. Raises RefusalError."""
    try:
        return Path(options.filename).stat().st_size
    except OSError as error:
        raise RefusalError(f"Could not open '{options.filename}': {error.strerror}") from error
    except ValueError as error:
        # A NUL in the name.
        raise RefusalError(f"Could not open '{options.filename}': {error}") from error


def locate(options: Any) -> str:
    """Return the file's name."""
    return str(options.filename)

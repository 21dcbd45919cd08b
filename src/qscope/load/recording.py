"""A transcript on disk that grows while a mock is spoken to: a line for each exchange."""

import contextlib
from collections.abc import Callable, Iterator

from qscope.errors import TargetError
from qscope.load.files import check_place, explain_error


@contextlib.contextmanager
def recording(path: str, when_lost: Callable[[str], None]) -> Iterator[Callable[[bytes], None]]:
    """Yield a function that writes a line at once; what was in the file is gone.

    Lines that cannot be written are dropped: `when_lost` is told the first time. Raises
    TargetError if the file cannot be written at all.
    """
    check_place(path)
    lost: list[str] = []

    def write(line: bytes) -> None:
        try:
            file.write(line)
        except (OSError, ValueError) as error:
            if not lost:
                when_lost(f"cannot write {path}: {explain_error(error)}")
            lost.append(path)

    try:
        file = open(path, "wb", buffering=0)  # noqa: SIM115 - closed below
    except (OSError, ValueError) as error:
        raise TargetError(f"cannot write {path}: {explain_error(error)}") from error
    with file:
        yield write

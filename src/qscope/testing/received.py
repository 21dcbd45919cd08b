"""What a mock was sent and what it answered, so far.

In: lines of a transcript, in the mock's thread. Out: exchanges as plain data, in the test's.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from qscope.errors import DeadlineError

# `execute`, `arguments` if there were some, and `return` or `error` if it was answered.
Exchange: TypeAlias = dict[str, Any]
# Of what was received instead.
_MOST_NAMES = 5


class Received:
    """Exchanges in the order in which they were answered."""

    def __init__(self) -> None:
        self._lines: list[bytes] = []
        self._changed = threading.Condition()

    def write(self, line: bytes) -> None:
        """Keep one more; see Manner.record."""
        with self._changed:
            self._lines.append(line)
            self._changed.notify_all()

    def list_all(self) -> list[Exchange]:
        """Return all of them: whoever changes these changes a copy."""
        with self._changed:
            lines = tuple(self._lines)
        return [_read(each) for each in lines]

    def wait(self, what: str, fits: Callable[[Exchange], bool], seconds: float) -> Exchange:
        """Return the first exchange that fits, of those there are or will be. Raises DeadlineError.

        `what` is what messages call it.
        """
        found = next(filter(fits, self._follow(time.monotonic() + seconds)), None)
        if found is not None:
            return found
        names = [str(each.get("execute", "no command")) for each in self.list_all()]
        last = f", the last {', '.join(names[-_MOST_NAMES:])}" if names else ""
        raise DeadlineError(
            f"no client sent {what} within {seconds:g} s; {len(names)} commands came{last}"
        )

    def _follow(self, deadline: float) -> Iterator[Exchange]:
        """Yield exchanges as they come."""
        count = 0
        while True:
            with self._changed:
                while len(self._lines) == count:
                    if not self._changed.wait(deadline - time.monotonic()):
                        return
                lines = self._lines[count:]
            count += len(lines)
            yield from map(_read, lines)


def _read(line: bytes) -> Exchange:
    exchange: Exchange = json.loads(line)
    return {key: each for key, each in exchange.items() if key not in ("crashed", "ended")}

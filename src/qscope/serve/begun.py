"""A coroutine that was begun outside of its task, for the task to go on with."""

from collections.abc import Callable, Coroutine, Generator
from typing import Any


class Begun:
    """Awaiting it goes on with a coroutine where it first had to wait.

    `waits_for` is what it yielded there: a future of asyncio's, or None for one turn of the loop.
    """

    def __init__(self, coroutine: Coroutine[Any, Any, bytes | None], waits_for: Any) -> None:
        self._coroutine = coroutine
        self._waits_for = waits_for
        self._interruption: BaseException | None = None

    def interrupt(self, error: BaseException) -> None:
        """Cancel what the coroutine waits for, or raise the error there, as a task does."""
        if self._waits_for is None or not self._waits_for.cancel():
            self._interruption = error

    def __await__(self) -> Generator[Any, Any, bytes | None]:
        waits_for = self._waits_for
        step: Callable[[Any], Any]
        while True:
            try:
                sent = yield from self._wait(waits_for)
            except BaseException as error:  # noqa: BLE001 - it is the coroutine's
                step, argument = self._coroutine.throw, error
            else:
                step, argument = self._coroutine.send, sent
            try:
                waits_for = step(argument)
            except StopIteration as end:
                result: bytes | None = end.value
                return result

    def _wait(self, waits_for: Any) -> Generator[Any, Any, Any]:
        interruption, self._interruption = self._interruption, None
        if interruption is not None:
            raise interruption
        return (yield waits_for)

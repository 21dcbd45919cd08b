"""What signals that end a program do while QEMUs run: no process is left behind.

Only the main thread can say so; elsewhere both functions do nothing.
"""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

# A closed terminal ends its programs with SIGHUP, which a QEMU in its own session does not get.
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def hold_signals() -> Iterator[None]:
    """Let signals that end wait for the end of the block, so that no process is left behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    caught: list[int] = []

    def remember(number: int, _: FrameType | None) -> None:
        caught.append(number)

    try:
        with contextlib.ExitStack() as stack:
            for number in _ENDING:
                stack.callback(signal.signal, number, signal.signal(number, remember))
            yield
    finally:
        if caught:
            signal.raise_signal(caught[0])


@contextlib.contextmanager
def end_on_signals() -> Iterator[None]:
    """While a QEMU runs, let a signal end this program as an exception does: QEMU is reaped then.

    Only the first one: another must not interrupt the reaping. What a program handles or ignores
    itself is left alone.
    """
    caught: list[int] = []

    def end(number: int, _: FrameType | None) -> None:
        if not caught:
            caught.append(number)
            raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)

    in_main = threading.current_thread() is threading.main_thread()
    with contextlib.ExitStack() as stack:
        for number in _ENDING if in_main else ():
            before = signal.getsignal(number)
            if before in (signal.SIG_DFL, signal.default_int_handler):
                stack.callback(signal.signal, number, before)
                signal.signal(number, end)
        yield

"""Events that must not come too often: rate limits as QEMU's monitor/monitor.c has them.

In: events as they happen. Out: the first at once; of those that follow within the period the last,
at its end.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct


class RateLimit(Struct, frozen=True):
    """At most one event in `seconds`; with `key` one for each value of that member of its data."""

    seconds: float = 1.0
    key: str | None = None


class Throttle:
    """Holds back events that come too often; `send` is called with a name and encoded data."""

    def __init__(self, send: Callable[[str, bytes | None], None]) -> None:
        self._limits: dict[str, RateLimit] = {}
        self._send = send
        # What waits for the end of its period; [] where nothing does.
        self._periods: dict[tuple[str, bytes], list[bytes | None]] = {}
        self._timers: dict[tuple[str, bytes], asyncio.TimerHandle] = {}

    def limit(self, name: str, limit: RateLimit) -> None:
        """Limit how often an event is sent."""
        self._limits[name] = limit

    def offer(self, name: str, data: bytes | None) -> None:
        """Send an event, now or later, or put it in the place of one that waits."""
        limit = self._limits.get(name)
        if limit is None or limit.seconds <= 0:
            self._send(name, data)
            return
        key = (name, _find_key(limit, data))
        if key in self._periods:
            self._periods[key] = [data]
        else:
            self._send(name, data)
            self._begin(key, limit.seconds)

    def close(self) -> None:
        """Forget what waits."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._periods.clear()

    def _begin(self, key: tuple[str, bytes], seconds: float) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            # Nobody is connected before there is a loop.
            return
        self._periods[key] = []
        self._timers[key] = loop.call_later(seconds, self._end, key, seconds)

    def _end(self, key: tuple[str, bytes], seconds: float) -> None:
        waiting = self._periods.pop(key)
        del self._timers[key]
        if waiting:
            self._send(key[0], waiting[0])
            self._begin(key, seconds)


def _find_key(limit: RateLimit, data: bytes | None) -> bytes:
    if limit.key is None or data is None:
        return b""
    members: dict[str, Any] = msgspec.json.decode(data)
    return msgspec.json.encode(members.get(limit.key))

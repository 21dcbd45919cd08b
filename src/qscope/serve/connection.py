"""One client's connection: an asyncio protocol, and the task that answers in order.

In: bytes as they come. Out: replies in the order of the requests, events between them. Requests are
taken in no earlier than they are needed: what is not, stays with the client (no reading). Who
negotiated `oob` has its requests looked at ahead, as many as the queue holds, and what is to run
out of band runs at once.

Waking a task takes longer than most commands. So they are begun as soon as they are received, in
the name of the connection's task (asyncio's "Extending" has _enter_task for that); the task goes on
with the one that has to wait for something.
"""

import asyncio
import contextvars
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, cast

from qscope.serve.begun import Begun
from qscope.serve.context import Peer, Session
from qscope.serve.intake import Intake, Item
from qscope.serve.limits import Limits
from qscope.serve.peer import describe_peer
from qscope.serve.wire.message import Request
from qscope.serve.wire.parser import JSONDialect

log = logging.getLogger("qscope.serve")

# Beyond that, what was read waits for the commands before it.
_UNREAD = 1 << 16
# Replies are written together, but no more than these many bytes.
_WRITTEN_TOGETHER = 1 << 16
# Commands that one client may have answered before others have their turn.
_TURN = 64


class Roster(Protocol):
    """What a connection needs of where it belongs: see Clients."""

    limits: Limits
    buffer: bytearray
    view: memoryview

    @property
    def greeting(self) -> bytes:
        """What a client is sent first."""

    def stay_awake(self, now: float) -> None:
        """Keep the event loop from sleeping for a moment."""

    def enter(self, connection: "Connection") -> int:
        """Take a client in; return its number."""

    def leave(self, connection: "Connection") -> None:
        """Forget a client that is gone."""


class Answering(Protocol):
    """What answers requests: see Dispatcher."""

    def answer(self, item: Item, session: Session) -> Coroutine[Any, Any, bytes | None]:
        """Return the reply to one message; None where it has none."""


class Connection(asyncio.BufferedProtocol, asyncio.Protocol):
    """A connected client.

    Transports that can read into a buffer of ours do: asyncio's own is allocated anew for each
    read, which takes longer than a command.
    """

    def __init__(
        self,
        roster: Roster,
        dispatcher: Answering,
        dialect: JSONDialect,
        when_lost: Callable[[], None],
    ) -> None:
        self._roster = roster
        self._dispatcher = dispatcher
        self._when_lost = when_lost
        self._limits = roster.limits
        self._intake = Intake(dialect, max_bytes=roster.limits.message_bytes)
        self._queue: deque[Item] = deque()
        self._out: list[bytes] = []
        self._out_bytes = 0
        # Of events, since the client has read too little.
        self._event_bytes = 0
        self._oob: set[asyncio.Task[None]] = set()
        self._waiter: asyncio.Future[None] | None = None
        self._drained = asyncio.Event()
        self._drained.set()
        self._is_reading = True
        self._is_ended = False
        self._is_lost = False
        self._is_leaving = False
        self.session = Session(0, Peer("?"))
        self.last_heard = 0.0
        self._worker: asyncio.Task[None] | None = None
        self._begun: Begun | None = None
        self._is_stepping = False
        self._context = contextvars.copy_context()

    # Called by the transport.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet, and begin to answer."""
        self._loop = asyncio.get_running_loop()
        self._transport = cast("asyncio.Transport", transport)
        self.last_heard = self._loop.time()
        self.session = Session(self._roster.enter(self), describe_peer(transport), self)
        self._write(self._roster.greeting)
        self._worker = self._loop.create_task(self._work(), context=self._context)
        self._worker.add_done_callback(self._finish)

    def get_buffer(self, sizehint: int) -> bytearray:  # noqa: ARG002 - asyncio's
        """Return where to read to: what is there is taken in before anybody else reads."""
        return self._roster.buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Take in what was read there."""
        self.data_received(bytes(self._roster.view[:nbytes]))

    def data_received(self, data: bytes) -> None:
        """Take in what the client sent."""
        self.last_heard = self._loop.time()
        self._intake.feed(data)
        if self._is_resting and self._drained.is_set() and asyncio.current_task() is None:
            self._context.run(self._advance)
            self._roster.stay_awake(self.last_heard)
        else:
            if self.session.oob:
                self._look_ahead()
            self._wake()
        # What waits for a command that runs; of an unfinished message the rest must come.
        if not (self._is_resting and self._has_room) and not self._needs_more:
            self._read_on(reading=False)

    def eof_received(self) -> bool:
        """Answer what was sent, then close; TLS has no half-closed connections."""
        self.end()
        return self._transport.get_extra_info("ssl_object") is None

    def pause_writing(self) -> None:
        """Answer nothing more until the client reads."""
        self._drained.clear()
        self._event_bytes = 0
        self._read_on(reading=False)

    def resume_writing(self) -> None:
        """Go on."""
        self._drained.set()
        self._wake()
        self._look_further()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        """Forget the client; a command that runs goes on to its end."""
        self._is_lost = self._is_ended = True
        self._queue.clear()
        self._drained.set()
        self._wake()
        self._roster.leave(self)
        self._when_lost()

    # Called by the server.

    def end(self) -> None:
        """Take nothing more in; what was received is answered, then the connection is closed."""
        self._is_ended = True
        if not self._is_lost:
            self._read_on(reading=False)
        self._wake()

    def abort(self) -> None:
        """Close the connection at once, and stop what runs for it."""
        for task in self.tasks:
            task.cancel()
        self._transport.abort()

    # Called by handlers.

    @property
    def is_open(self) -> bool:
        """Whether the client is still there."""
        return not self._is_lost

    def send(self, data: bytes) -> None:
        """Send bytes as they are, behind all that was sent so far."""
        self._write(data)

    def take_descriptor(self) -> bool:
        """Return whether a file descriptor came that no command has taken: asyncio drops them."""
        return False

    def hang_up(self, *, behind_reply: bool = False) -> None:
        """Close the connection behind what was sent; nothing that came is answered any more.

        `behind_reply`: behind the next reply, which is that to the command that runs in band.
        """
        if behind_reply:
            self._is_leaving = True
            return
        self._flush()
        self._is_lost = self._is_ended = True
        self._queue.clear()
        self._wake()
        self._transport.close()

    # Called by the server again.

    def send_event(self, event: bytes) -> None:
        """Send an event behind all replies so far; drop a client that does not read."""
        if self._is_lost or self._transport.is_closing():
            return
        if not self._drained.is_set():
            # Replies do not count: a client that reads a long one has done nothing wrong.
            self._event_bytes += len(event)
            if self._event_bytes > self._limits.output_bytes:
                log.warning("client %d does not read: dropped", self.session.number)
                self._transport.abort()
                return
        self._write(event)

    @property
    def tasks(self) -> set[asyncio.Task[None]]:
        """What is still to be done for the client."""
        tasks = self._oob if self._worker is None else {self._worker, *self._oob}
        return {each for each in tasks if not each.done()}

    @property
    def is_idle(self) -> bool:
        """Whether nothing runs for the client: it says nothing, or does not read."""
        return (self._is_resting or not self._drained.is_set()) and not self._oob

    # Answering: at once, or by the task.

    def _advance(self) -> None:
        """Answer what was received, up to what must wait: that is left to the task."""
        assert self._worker is not None
        self._is_stepping = True
        asyncio.tasks._enter_task(self._loop, self._worker)  # noqa: SLF001 - documented
        try:
            for _ in range(_TURN):
                item = self._next()
                if item is None:
                    return
                if self._oob:
                    self._queue.appendleft(item)
                    break
                answering = self._dispatcher.answer(item, self.session)
                try:
                    waits_for = answering.send(None)
                except StopIteration as end:
                    self._write_reply(end.value)
                    if not self._drained.is_set():
                        break
                else:
                    self._begun = Begun(answering, waits_for)
                    break
            self._wake()
        finally:
            asyncio.tasks._leave_task(self._loop, self._worker)  # noqa: SLF001 - likewise
            self._is_stepping = False
            self._flush()

    async def _work(self) -> None:
        """Answer what waits for something, and all that comes behind it."""
        while True:
            if self._begun:
                begun, self._begun = self._begun, None
                self._write_reply(await begun)
            await self._answer_all()
            if self._is_ended and not self._oob:
                break
            try:
                await self._wait()
            except asyncio.CancelledError as error:
                # A deadline that has passed already comes before the task goes on with its command.
                if self._begun is None:
                    raise
                self._begun.interrupt(error)
        self._flush()
        self._transport.close()

    async def _answer_all(self) -> None:
        turn = 0
        while True:
            if not self._drained.is_set():
                self._flush()
                await self._drained.wait()
            item = self._next()
            if item is None:
                break
            if self._oob:
                # What came first and is out of band is to begin first.
                await asyncio.sleep(0)
            self._write_reply(await self._dispatcher.answer(item, self.session))
            turn += 1
            if turn % _TURN == 0:
                await asyncio.sleep(0)
        self._flush()

    def _write_reply(self, reply: bytes | None) -> None:
        if reply is not None:
            self._write(reply)
        if self._is_leaving:
            self.hang_up()

    def _next(self) -> Item | None:
        """Return the next in-band message, or None when it is not there yet."""
        if self._is_lost:
            return None
        if self.session.oob or self._queue:
            self._look_ahead()
            item = self._queue.popleft() if self._queue else None
            self._look_ahead()
        else:
            item = self._intake.take(oob=False)
        if not self._is_reading and ((item is None and self._has_room) or self._needs_more):
            self._read_on(reading=True)
        return item

    def _look_ahead(self) -> None:
        """Fill the queue, and start what is to run out of band."""
        while self._has_room:
            item = self._intake.take(oob=True)
            if item is None:
                return
            if isinstance(item, Request) and item.oob:
                task = self._loop.create_task(self._answer_oob(item))
                self._oob.add(task)
                task.add_done_callback(self._finish_oob)
            else:
                self._queue.append(item)

    def _look_further(self) -> None:
        """Look ahead while a command runs in band: nothing out of band may wait for its end."""
        if self._is_lost or self._is_resting or not self.session.oob or not self._drained.is_set():
            return
        self._look_ahead()
        if self._needs_more:
            self._read_on(reading=True)

    @property
    def _needs_more(self) -> bool:
        """Whether to read on while a command runs in band.

        Who negotiated `oob` has been looked at ahead while there was room: what is held then is the
        beginning of a message, and a long one may be what the command waits for.
        """
        return self._intake.pending <= _UNREAD or (self.session.oob and self._has_room)

    @property
    def _has_room(self) -> bool:
        """Whether one more message may be looked at ahead."""
        limit = self._limits.queue
        return len(self._queue) < limit and len(self._oob) < limit

    async def _answer_oob(self, item: Request) -> None:
        self._write_reply(await self._dispatcher.answer(item, self.session))

    def _finish(self, worker: asyncio.Task[None]) -> None:
        """Close what nobody answers any more."""
        if worker.cancelled():
            self._transport.abort()
        elif error := worker.exception():
            log.error("client %d cannot be answered", self.session.number, exc_info=error)
            self._transport.abort()

    def _finish_oob(self, task: asyncio.Task[None]) -> None:
        self._oob.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("client %d cannot be answered", self.session.number, exc_info=error)
        self._wake()
        self._look_further()

    @property
    def _is_resting(self) -> bool:
        """Whether the task waits to be woken, and nobody has woken it."""
        return self._waiter is not None and not self._waiter.done()

    async def _wait(self) -> None:
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # Writing and reading.

    def _write(self, data: bytes) -> None:
        """Send with whatever else is written in this turn of the loop."""
        if not self._out and not self._is_stepping:
            self._loop.call_soon(self._flush)
        self._out.append(data)
        self._out_bytes += len(data)
        if self._out_bytes > _WRITTEN_TOGETHER:
            self._flush()

    def _flush(self) -> None:
        if self._out and not self._is_lost:
            self._transport.write(b"".join(self._out))
        self._out.clear()
        self._out_bytes = 0

    def _read_on(self, *, reading: bool) -> None:
        """Read from the client, or leave it what it sends; only where nothing speaks against it."""
        reading = reading and not self._is_ended and self._drained.is_set()
        if self._is_lost or reading == self._is_reading or self._transport.is_closing():
            return
        self._is_reading = reading
        if reading:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

"""`run_mock_qemu`, and what a test holds of the mock that runs.

In: what the mock is to stand for. Out: a `MockQEMU`, at whose socket a client finds a QEMU.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Unpack

from qscope.errors import ServeError
from qscope.model.snapshot import Snapshot
from qscope.serve.limits import Limits
from qscope.serve.mock import Answer, Answers, Manner, MockServer, Rule
from qscope.serve.mock.answers import TimedEvent, check_answers, check_rule
from qscope.serve.policy import Policy
from qscope.testing.making import Path, make_server, read_answers, read_policy
from qscope.testing.received import Exchange, Received
from qscope.testing.rules import Reply, make_json, make_rule
from qscope.testing.thread import ServerThread

# A socket's path has no more bytes (sun_path in unix(7) has 108, with the NUL behind it).
_LONGEST_PATH = 107
_FOLDER_PREFIX, _SOCKET = "qscope-", "qmp"
# Of mkdtemp.
_RANDOM_LETTERS = 8
# Seconds that commands which run may take at the end of a test.
_DRAIN = 0.2
# Seconds in which a client has sent something.
_PATIENCE = 5.0


@contextlib.contextmanager
def run_mock_qemu(
    snapshot: Path | bytes | Snapshot | None = None,
    *,
    schema: Path | None = None,
    defines: Collection[str] = (),
    answers: Path | Answers | None = None,
    seed: int = 0,
    full: bool = False,
    compat: str | Policy | None = None,
    running: bool = False,
    clients: int = 1,
) -> "Iterator[MockQEMU]":
    """Run a mock QEMU in a thread until the block ends.

    It stands for the QEMU of `snapshot`: what the command line takes as S (a file, a binary, an
    address), or the bytes of a file. None is the snapshot that ships with qscope, whatever QEMU is
    on PATH: a test means the same everywhere. With `schema`, a path or a text, it stands for what
    is built from that, with the symbols `defines`.

    `answers` is a file of answers or the text of one; `compat` is as for QEMU's -compat, but
    nothing may `crash`. Made-up results are as `seed` says, and have all their members if `full`.
    The guest has not begun to run, unless `running`. So many `clients` at once are greeted; others
    wait, as at a QEMU.

    Works in coroutines as well, and in unittest by `self.enterContext(run_mock_qemu())`.
    Raises QscopeError: ServeError for answers that do not fit the schema.
    """
    received = Received()
    manner = Manner(
        seed=seed,
        full=full,
        answers=read_answers(answers),
        policy=read_policy(compat),
        limits=_limit(clients),
        record=received.write,
        paused=not running,
    )
    server = make_server(snapshot, schema, defines, manner)
    with _make_folder() as folder:
        thread = ServerThread(server, f"unix:{folder}/{_SOCKET}")
        try:
            yield MockQEMU(server, thread, thread.start(), received)
        finally:
            thread.stop()


class MockQEMU:
    """A mock QEMU that runs. All of it may be used in any thread.

    What is wrong with a call is a ServeError of the caller, and changes nothing.
    """

    def __init__(
        self, server: MockServer, thread: ServerThread, address: str, received: Received
    ) -> None:
        self._server = server
        self._thread = thread
        self._received = received
        self.address = address

    @property
    def path(self) -> str:
        """The path of the socket."""
        return self.address.removeprefix("unix:")

    # What came.

    @property
    def received(self) -> list[Exchange]:
        """What clients have sent, with what they were answered: a copy, in the order of replies.

        Each is {"execute": …, "arguments": …, "return": …}: without arguments if there were none,
        with "error" if it was refused, with neither if there was no reply. What is no command has
        its error alone. A client that has its reply finds the command here.
        """
        return self._received.list_all()

    def find_received(
        self, command: str, arguments: Mapping[str, Any] | None = None
    ) -> list[Exchange]:
        """Return what came of a command, where its arguments contain these.

        Raises ServeError for a command that there is not, unless somebody sent it.
        """
        exchanges = self.received
        fits = self._fitting(command, arguments, exchanges)
        return [each for each in exchanges if fits(each)]

    def wait_received(
        self,
        command: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        timeout: float = _PATIENCE,
    ) -> Exchange:
        """Return the first exchange of a command, when it has been answered.

        Raises DeadlineError if that does not happen in `timeout` seconds, ServeError for a command
        that there is not.
        """
        fits = self._fitting(command, arguments, self.received)
        return self._received.wait(command, fits, timeout)

    def _fitting(
        self, command: str, arguments: Mapping[str, Any] | None, known: list[Exchange]
    ) -> Callable[[Exchange], bool]:
        wanted = make_json("arguments", dict(arguments or {}))
        rule = Rule(command=command, arguments=wanted, answer=Answer(), place="received")
        if all(each.get("execute") != command for each in known):
            check_rule(rule, self._server.schema)
        return lambda exchange: (
            exchange.get("execute") == command and rule.fits(exchange.get("arguments", {}))
        )

    # What goes out.

    def answer(
        self,
        command: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        exactly: bool = False,
        times: int | None = None,
        skip: int = 0,
        **reply: Unpack[Reply],
    ) -> None:
        """Answer a command so from now on, where its arguments contain these.

        It comes before all that was said earlier. `result`, `error`, `garbage`, `delay`, `events`,
        `events_after`, `drop` and `unchecked` are what they are in a file of answers, where
        `result` is called return. An error is its description, or {"class": …, "desc": …}; an event
        its name, or {"event": …, "data": …, "delay": …}. `exactly`, `times` and `skip` say when.
        """
        rule = make_rule(command, arguments, reply, exactly=exactly, times=times, skip=skip)
        check_rule(rule, self._server.schema)
        self._thread.call(lambda: self._server.answers.add(rule))

    def emit(self, event: str, data: Mapping[str, Any] | None = None, /, **members: Any) -> None:
        """Send an event to all clients that have negotiated; to nobody if there are none.

        Its data are given whole, or by member (guest_panic_info for guest-panic-info). Some events
        come once a second at most, as QEMU's do.
        """
        self._thread.call(lambda: self._emit(event, data, members))

    def _emit(self, event: str, data: Mapping[str, Any] | None, members: dict[str, Any]) -> None:
        schema = self._server.schema
        if not schema.has_event(event):
            # That knows which was meant.
            check_answers(Answers(timed=[TimedEvent(event=event)]), schema)
        self._server.emit(event, data, **members)

    def stop(self) -> None:
        """End it, as a QEMU that ends: clients lose their connections, and nobody listens."""
        self._thread.stop()


def _limit(clients: int) -> Limits:
    try:
        return Limits(clients=clients, drain_seconds=_DRAIN)
    except ValueError as error:
        raise ServeError(f"clients is {clients}: 1 or more is right") from error


@contextlib.contextmanager
def _make_folder() -> Iterator[str]:
    """Make a folder for a socket, which only this user may enter; remove it in the end."""
    base = tempfile.gettempdir()
    name = f"{_FOLDER_PREFIX}{'x' * _RANDOM_LETTERS}/{_SOCKET}"
    if len(os.fsencode(os.path.join(base, name))) > _LONGEST_PATH:
        base = "/tmp"  # noqa: S108 - mkdtemp makes a folder of its own there
    folder = tempfile.mkdtemp(prefix=_FOLDER_PREFIX, dir=base)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)

"""`qscope-mock-qemu`: started in the place of a QEMU, it takes that QEMU's command line.

In: the mock's own options, which come first, then QEMU's. A line that the snapshot has a run for is
answered with it, before anything of a server is imported. Errors are one line, and status 1, as a
QEMU's are.
"""

import contextlib
import os
import re
import signal
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from qscope.errors import ArgumentError, QscopeError, SnapshotError

if TYPE_CHECKING:
    from qscope.ask.syntax.words import Word
    from qscope.model.snapshot import Snapshot
    from qscope.serve.mock import Manner
    from qscope.serve.mock.qemu_line.asked import Asked
    from qscope.serve.mock.qemu_line.feeding import Gate

HELP = """\
Usage: qscope-mock-qemu [--mock-OPTION]... [QEMU's options]

Takes the command line of a QEMU and stands for it: QMP monitors are as -qmp, -qmp-pretty, -mon and
-chardev say, -version and what else was recorded is answered so; -S, -name, -uuid, -compat,
-daemonize and -pidfile do what they do. All other options are ignored. It ends by 'quit', SIGTERM,
SIGINT or SIGHUP.

  --mock-snapshot S     the QEMU to stand for (QSCOPE_SNAPSHOT), as for 'qscope serve'
  --mock-answers FILE   results, errors, events and faults for commands (QSCOPE_MOCK_ANSWERS)
  --mock-record FILE    keep there what clients send and are answered (QSCOPE_MOCK_RECORD)
  --mock-seed N         which values made-up results have (QSCOPE_MOCK_SEED)
  --mock-full           make results up with all their members (QSCOPE_MOCK_FULL=1)
  --strict              refuse a line that QEMU would refuse, as far as 'qscope check-cli' can tell
                        (QSCOPE_MOCK_STRICT=1)
  --mock-help           print this
"""
# Own options: whether each takes an argument, and the variable that stands for it.
_OWN = {
    "--mock-snapshot": (True, ""),
    "--mock-answers": (True, "QSCOPE_MOCK_ANSWERS"),
    "--mock-record": (True, "QSCOPE_MOCK_RECORD"),
    "--mock-seed": (True, "QSCOPE_MOCK_SEED"),
    "--mock-full": (False, "QSCOPE_MOCK_FULL"),
    "--strict": (False, "QSCOPE_MOCK_STRICT"),
    "--mock-help": (False, ""),
}
# Set while a mock asks another program: if that is a mock, too, it asks nobody.
_PROBING = "QSCOPE_MOCK_PROBING"


class Own(NamedTuple):
    """The mock's own options by name, and QEMU's words behind them."""

    given: dict[str, str]
    words: tuple[str, ...]

    def has(self, name: str) -> bool:
        """Whether a flag is set, here or in the environment, where 0 is no."""
        return self.find(name) not in (None, "", "0")

    def find(self, name: str) -> str | None:
        """Return the argument of an option, else what the environment says."""
        variable = _OWN[name][1]
        return self.given.get(name) or (os.environ.get(variable) if variable else None)


def split_own(argv: Sequence[str]) -> Own:
    """Take the mock's own options off the beginning of a line. Raises ArgumentError."""
    given: dict[str, str] = {}
    position = 0
    while position < len(argv):
        name, is_joined, value = argv[position].partition("=")
        if name not in _OWN:
            break
        takes_argument = _OWN[name][0]
        if takes_argument and not is_joined:
            position += 1
            if position == len(argv):
                raise ArgumentError(f"{name}: requires an argument")
            value = argv[position]
        given[name] = value if takes_argument else "1"
        position += 1
    return Own(given, tuple(argv[position:]))


def main() -> NoReturn:
    """Be a QEMU; exit as it does."""
    _open_streams()
    try:
        status = run(sys.argv[1:])
    except QscopeError as error:
        complain(str(error))
        status = 1
    except KeyboardInterrupt:
        status = 130
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)


def _open_streams() -> None:
    """Have all three streams, so that no socket gets the number of one that was closed."""
    while (number := os.open(os.devnull, os.O_RDWR)) < 3:
        pass
    os.close(number)
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115 - open to the end
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115


def complain(text: str) -> None:
    """Say something on stderr behind the program's name, as a QEMU does."""
    with contextlib.suppress(OSError):
        shown = "".join(each if each.isprintable() else "?" for each in text)
        print(f"{name_program()}: {shown}", file=sys.stderr, flush=True)  # noqa: T201


def name_program() -> str:
    """Return what the program calls itself."""
    return os.path.basename(sys.argv[0])


def run(argv: Sequence[str]) -> int:
    """Do what a line says; return the exit status. Raises QscopeError."""
    own = split_own(argv)
    if own.has("--mock-help"):
        sys.stdout.write(HELP)
        return 0
    snapshot = open_snapshot(own.find("--mock-snapshot"))
    for each in snapshot.runs:
        if each.argv == own.words:
            return replay(each.output, each.status)
    return _start(own, snapshot)


def replay(output: str, status: int | None) -> int:
    """Print what a run of the binary printed, and end as it did; return its exit status."""
    stream = sys.stderr if status else sys.stdout
    # Errors stand behind the program's name; what explains them has lines of its own.
    prefix = f"{name_program()}: -" if status else "-"
    stream.write(re.sub(r"^-", lambda _: prefix, output, flags=re.MULTILINE))
    stream.flush()
    if status is None:
        while True:
            signal.pause()
    if status < 0:
        from qscope.serve.mock.qemu_line.fate import end  # noqa: PLC0415

        end(status)
    return status


# The snapshot.


def open_snapshot(target: str | None) -> "Snapshot":
    """Return the answers of the QEMU to stand for.

    This very program is no QEMU to ask: it stands for the one that ships with qscope. Raises
    SnapshotError, ProbeError or TargetError.
    """
    from qscope.load.opening import EMBEDDED  # noqa: PLC0415

    target = target or os.environ.get("QSCOPE_SNAPSHOT")
    if _is_this(target or _find_default()):
        target = EMBEDDED
    if os.environ.get(_PROBING):
        return _read_only(target)
    from qscope.load import load_snapshot  # noqa: PLC0415

    with _probing():
        return load_snapshot(target, progress=_Announcement()).snapshot


class _Announcement:
    """Says once that a QEMU is asked all it can do, before which nobody is answered."""

    def __init__(self) -> None:
        self._is_said = False

    def __call__(self, _done: int, _total: int, _doing: str) -> None:
        if not self._is_said:
            complain("info: asking a QEMU what it can do; the next time that is known")
        self._is_said = True


def _read_only(target: str | None) -> "Snapshot":
    """Return what is in a file, or what ships with qscope: whoever asks this mock is one itself."""
    from qscope.load.files import read_bytes  # noqa: PLC0415
    from qscope.load.opening import EMBEDDED  # noqa: PLC0415
    from qscope.model.snapshot import decode_snapshot  # noqa: PLC0415

    with contextlib.suppress(SnapshotError):
        return decode_snapshot(read_bytes(target or EMBEDDED))
    return decode_snapshot(read_bytes(EMBEDDED))


@contextlib.contextmanager
def _probing() -> Iterator[None]:
    os.environ[_PROBING] = "1"
    try:
        yield
    finally:
        del os.environ[_PROBING]


def _find_default() -> str | None:
    import shutil  # noqa: PLC0415

    from qscope.load import list_candidates  # noqa: PLC0415

    return next(filter(None, map(shutil.which, list_candidates())), None)


def _is_this(target: str | None) -> bool:
    """Whether a target is this very program."""
    import shutil  # noqa: PLC0415

    found = shutil.which(target) if target else None
    return found is not None and os.path.realpath(found) == os.path.realpath(sys.argv[0])


# The line.


def _start(own: Own, snapshot: "Snapshot") -> int:
    from qscope.serve.mock.qemu_line.asked import read_line  # noqa: PLC0415
    from qscope.serve.mock.qemu_line.config import expand  # noqa: PLC0415
    from qscope.serve.mock.qemu_line.helping import find_help  # noqa: PLC0415
    from qscope.serve.mock.qemu_line.words import split_line  # noqa: PLC0415

    _refuse_late(own.words)
    words = split_line(own.words, snapshot.runs)
    if printed := find_help(words, snapshot):
        return replay(printed.text, printed.status)
    if own.has("--strict"):
        _judge(own.words, snapshot)
    words = tuple(expand(words, _read_config))
    asked = read_line(words)
    for note in asked.notes:
        complain(note)
    _serve(own, snapshot, words, asked)
    return 0


def _read_config(path: str) -> str:
    """Return the text of a file that -readconfig names. Raises TargetError."""
    from qscope.load.text import read_text  # noqa: PLC0415

    return read_text(path)


def _refuse_late(words: Sequence[str]) -> None:
    """Refuse own options behind QEMU's: they would pass for options that QEMU lacks."""
    for word in words:
        if word.partition("=")[0] in _OWN:
            raise ArgumentError(f"{word}: the mock's own options come before QEMU's")


def _judge(words: Sequence[str], snapshot: "Snapshot") -> None:
    """Say all that is found in a line. Raises SystemExit if QEMU would refuse it."""
    from qscope.ask.finding import Severity  # noqa: PLC0415
    from qscope.ask.line import check_line  # noqa: PLC0415
    from qscope.model.interface import Interface  # noqa: PLC0415

    findings = check_line(Interface.from_snapshot(snapshot), words)
    for each in findings:
        if each.severity is Severity.ERROR:
            complain(str(each))
        elif each.severity is not Severity.NOTE:
            complain(f"warning: {each}")
    if any(each.severity is Severity.ERROR for each in findings):
        sys.exit(1)


def _serve(own: Own, snapshot: "Snapshot", words: Sequence["Word"], asked: "Asked") -> None:
    from qscope.serve.mock import mock_snapshot  # noqa: PLC0415
    from qscope.serve.mock.qemu_line.daemon import leave, pidfile  # noqa: PLC0415
    from qscope.serve.mock.qemu_line.feeding import Gate  # noqa: PLC0415
    from qscope.serve.mock.qemu_line.given import list_given  # noqa: PLC0415
    from qscope.serve.mock.qemu_line.opening import Sockets  # noqa: PLC0415
    from qscope.serve.mock.qemu_line.running import run as serve  # noqa: PLC0415

    gate = Gate()
    with contextlib.ExitStack() as stack:
        server = mock_snapshot(snapshot, _read_manner(own, snapshot, asked, gate, stack))
        given = [*list_given(words, server.schema, {each.id for each in asked.monitors})]
        sockets = stack.enter_context(Sockets())
        for monitor in asked.monitors:
            sockets.open(monitor)
        ready = _ignore
        if asked.daemonize:
            for said in sockets.wait():
                complain(said)
            ready = leave()
        stack.enter_context(pidfile(asked.pidfile))
        serve(server, sockets, given, gate, ready)


def _ignore() -> None:
    """Do nothing when clients are answered."""


def _read_manner(
    own: Own,
    snapshot: "Snapshot",
    asked: "Asked",
    gate: "Gate",
    stack: contextlib.ExitStack,
) -> "Manner":
    from qscope.serve.mock import Manner  # noqa: PLC0415
    from qscope.serve.mock.qemu_line.fate import Fate  # noqa: PLC0415
    from qscope.serve.mock.qemu_line.feeding import GuardedAnswers  # noqa: PLC0415

    write = None
    if path := own.find("--mock-record"):
        from qscope.load.recording import recording  # noqa: PLC0415

        write = gate.guard(stack.enter_context(recording(path, complain)))
    fatal = any(each.fatal for each in snapshot.exchanges)
    monitors = asked.monitors
    return Manner(
        seed=_read_seed(own),
        full=own.has("--mock-full"),
        answers=GuardedAnswers(_read_answers(own, snapshot, asked), gate),
        policy=asked.policy,
        # One printer prints for all monitors.
        pretty=bool(monitors) and all(each.pretty for each in monitors),
        record=Fate(snapshot.exchanges, write).take if fatal else write,
        paused=asked.paused,
        monitors=tuple(each.id for each in monitors),
    )


def _read_seed(own: Own) -> int:
    text = own.find("--mock-seed") or "0"
    try:
        return int(text)
    except ValueError as error:
        raise ArgumentError(f"--mock-seed {text}: an integer is right") from error


def _read_answers(own: Own, snapshot: "Snapshot", asked: "Asked") -> Any:
    from qscope.load.text import read_text  # noqa: PLC0415
    from qscope.serve.mock.answers import Answers, parse_answers  # noqa: PLC0415
    from qscope.serve.mock.qemu_line.naming import list_rules  # noqa: PLC0415

    path = own.find("--mock-answers")
    answers = parse_answers(read_text(path), path) if path else Answers()
    for rule in list_rules(asked, snapshot):
        answers.add(rule, first=False)
    return answers


if __name__ == "__main__":
    main()

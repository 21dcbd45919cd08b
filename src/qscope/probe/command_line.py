"""Ask a binary what its command line takes, by runs that end at `-version`.

In: a binary. Out: `Run`s, raw; model/command_runs.py concludes. Which run comes next depends on
what earlier ones showed, never on how many run at once, so that the outcome does not either.

A run costs 30 ms, and there are 160 names with up to three questions each. So several are asked
together where the outcome tells them apart: all present options need one run, and one that QEMU
refuses is named, so that the next run goes on behind it.
"""

import re
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

from qscope.model.command_line import CommandLine
from qscope.model.command_runs import (
    ASK_WORDS,
    BOGUS,
    CONFIRMATIONS,
    HELP,
    OPEN_BRACE,
    START,
    UNKNOWN,
    Argv,
    Asked,
    explain_silence,
    find_refused,
    is_accepted,
    learn_command_line,
    make_filler,
    read_help,
)
from qscope.model.transcript import Run
from qscope.probe.option_names import OptionNames, load_option_names
from qscope.probe.pool import Death, Progress
from qscope.probe.process import ARGUMENTS, Outcome, run_each

Runs: TypeAlias = tuple[Run, ...]
Conversation: TypeAlias = Generator[tuple[Argv, ...], Runs, Runs]

# What acts while it is parsed, or on the whole process, is not given an argument. Files are opened
# or written: D, dump-vmstate, mem-path, pidfile, qtest-log, readconfig, trace (file=), writeconfig.
# The process changes: chroot, qtest, runas. d prints its words, and its help is asked.
_ACTING = {"D", "chroot", "d", "dump-vmstate", "mem-path", "pidfile", "qtest", "qtest-log"}
_ACTING |= {"readconfig", "runas", "trace", "writeconfig"}
# Their words are listed instead: given another, they print them all and do not say who is meant.
_WORDY = {"k", "soundhw", "vga", "watchdog"}
# Without the parameter that it wants, -accel lists accelerators and ends. (An unknown parameter of
# -trace is refused before its file is opened.)
_NOT_TRIED = {"accel"}
# Flags only note something, but for these: they print and end, fork (async-teardown, daemonize),
# open files (jitdump, perfmap) or measure (enable-sync-profile).
_ACTING_FLAGS = {"async-teardown", "audio-help", "daemonize", "enable-sync-profile", "jitdump"}
_ACTING_FLAGS |= {"h", "help", "perfmap", "version"}
# Listed when they are parsed.
_LISTING = ("accel", "audiodev", "display", "soundhw", "tpmdev")
# Listed when QEMU starts: a driver that does not exist keeps it from doing so.
_LISTING_LATE = ("chardev", "d", "netdev", "vga", "watchdog")
_NO_START = ("-device", "qscope-no-such-driver")
# Takes an argument in every QEMU.
_CARRIER = "-m"
# Runs that go on independently of each other; more of them find less in common.
_CHAINS = 4

# Seconds; a run takes 30 ms.
_LONGEST = 10.0
# A hang costs its deadline: after so many, no more runs are made.
_MAX_HANGS = 3
# GLib begins its messages with a process number and a time.
_GLIB = re.compile(r"^\(.*:\d+\): .*$\n?", re.MULTILINE)


def ask_command_line(
    binary: Path,
    *,
    timeout: float,
    jobs: int,
    names: OptionNames | None = None,
    progress: Progress | None = None,
    on_death: Callable[[Death], None] | None = None,
) -> Runs:
    """Run `binary` as often as it takes; return all runs. Raises ProbeError if it cannot be run.

    `timeout` is in seconds, for each run, of which `jobs` go on at once. `names` of options are
    asked for, all that QEMU ever had if None, and those that `-help` has. A run that hangs or
    crashes is recorded as such; after some hangs no more are made, and `on_death` is told.
    """
    with tempfile.TemporaryDirectory(prefix="qscope-", ignore_cleanup_errors=True) as folder:
        runner = _Runner(binary, min(timeout, _LONGEST), jobs, folder, progress)
        conversation = hold_conversation(names or load_option_names())
        batch = next(conversation)
        try:
            while True:
                batch = conversation.send(runner.run(batch))
        except StopIteration as end:
            runs: Runs = end.value
    if runner.hangs >= _MAX_HANGS and on_death:
        on_death(Death(None, "it hung too often with '-version'", ""))
    return runs


def hold_conversation(names: OptionNames) -> Conversation:
    """Yield the words of each batch of runs, take the runs, return all of them.

    A run that was not made is missing in the answer.
    """
    runs = yield START, (*START, UNKNOWN), HELP
    known = {run.argv: run for run in runs}
    if explain_silence(known):
        return runs
    in_help = set(read_help(known[HELP].output)) if HELP in known else set()
    runs += yield from _ask_presence(in_help, names)
    runs += yield from _ask_arguments(learn_command_line(runs), names, known[START].output)
    return runs


def _ask_presence(in_help: set[str], names: OptionNames) -> Conversation:
    """Ask for all names: in one run what is likely there, each in its own what is likely not."""
    known = names.with_argument | names.others
    likely = sorted(in_help & known)
    together = _join_presence(likely, names.with_argument)
    runs = yield together, *map(_ask_alone, sorted((in_help | known) - {*likely}))
    if any(run.argv == together and run.status == 0 for run in runs):
        return runs
    return runs + (yield tuple(map(_ask_alone, likely)))


def _ask_alone(name: str) -> Argv:
    return (*START, f"-{name}")


def _join_presence(names: Sequence[str], with_argument: frozenset[str]) -> Argv:
    """Return words that QEMU accepts only if all options exist and take an argument or do not.

    An argument that an option does not swallow is an option which does not exist. A flag that
    swallows the next word, an option with argument, leaves that one's argument over.
    """
    words = list(START)
    for number, name in enumerate(names):
        carrier = () if name in with_argument else (_CARRIER,)
        words += f"-{name}", *carrier, make_filler(number)
    return tuple(words)


def _ask_arguments(found: CommandLine, names: OptionNames, banner: str) -> Conversation:
    takers = {name for name, option in found.options.items() if option.arg}
    flags = sorted(names.others & found.options.keys() - takers - _ACTING_FLAGS)
    # Of an option that nobody knows only what -help shows to have parameters is tried.
    unknown = {name for name in takers - names.with_argument if "=" in found.options[name].help}
    brace = sorted((takers & names.with_argument | unknown) - _ACTING - _WORDY)
    bogus = sorted(takers & names.parametric - _NOT_TRIED | unknown)
    chains = [
        _follow_chain(tuple(asked[start::_CHAINS]), banner)
        for asked in (
            [(name, OPEN_BRACE) for name in brace],
            [(name, BOGUS) for name in bogus],
        )
        for start in range(_CHAINS)
    ]
    chains.append(_follow_chain(tuple((name, None) for name in flags), banner))
    chains.append(_ask_once((*_list_words(takers), *_list_confirmations(takers))))
    return (yield from _interleave(chains))


def _list_words(takers: set[str]) -> Iterable[Argv]:
    for name in filter(takers.__contains__, _LISTING):
        yield "-machine", "none", "-display", "none", f"-{name}", ASK_WORDS, *START
    for name in filter(takers.__contains__, _LISTING_LATE):
        yield *ARGUMENTS, f"-{name}", ASK_WORDS, *_NO_START


def _list_confirmations(takers: set[str]) -> Iterable[Argv]:
    for option, argument, _ in CONFIRMATIONS:
        if option in takers:
            yield f"-{option}", argument, *START


def _ask_once(batch: tuple[Argv, ...]) -> Conversation:
    return (yield batch)


def _follow_chain(asked: tuple[Asked, ...], banner: str) -> Conversation:
    """Give QEMU options until it refuses one, then those behind it, and so on.

    Where it does not say which one it refused, each is asked alone.
    """
    runs: Runs = ()
    while asked:
        made = yield (_render(asked),)
        runs += made
        if not made or is_accepted(made[0], banner):
            break
        refused = find_refused(asked, made[0].output) if made[0].status else None
        if refused is None:
            alone = tuple(_render((each,)) for each in asked) if len(asked) > 1 else ()
            return runs + (yield alone)
        asked = asked[refused + 1 :]
    return runs


def _render(asked: tuple[Asked, ...]) -> Argv:
    words = [word for name, argument in asked for word in (f"-{name}", argument)]
    return (*filter(None, words), *START)


def _interleave(conversations: Iterable[Conversation]) -> Conversation:
    """Hold conversations side by side, a batch of each at a time; return their runs in order."""
    talking = dict(enumerate(conversations))
    done: dict[int, Runs] = {}
    batches: dict[int, tuple[Argv, ...]] = {}
    answers: dict[int, Runs | None] = dict.fromkeys(talking)
    while True:
        for number, conversation in [*talking.items()]:
            try:
                answer = answers[number]
                batches[number] = (
                    next(conversation) if answer is None else conversation.send(answer)
                )
            except StopIteration as end:
                done[number] = end.value
                del talking[number], answers[number]
                batches.pop(number, None)
        if not talking:
            return tuple(run for number in sorted(done) for run in done[number])
        made = {
            run.argv: run for run in (yield tuple(each for b in batches.values() for each in b))
        }
        for number, batch in batches.items():
            answers[number] = tuple(made[argv] for argv in batch if argv in made)


class _Runner:
    """Makes runs, in a folder that is thrown away."""

    def __init__(
        self, binary: Path, timeout: float, jobs: int, folder: str, progress: Progress | None
    ) -> None:
        self.hangs = 0
        self._binary = binary
        self._timeout = timeout
        self._jobs = jobs
        self._folder = folder
        self._progress = progress
        self._done = 0
        self._program = ""

    def run(self, batch: tuple[Argv, ...]) -> Runs:
        """Make the runs of a batch; return them in order, without those after too many hangs."""
        made: list[Outcome] = []

        def take(outcome: Outcome) -> bool:
            made.append(outcome)
            self.hangs += outcome.status is None
            return self.hangs < _MAX_HANGS

        if self.hangs < _MAX_HANGS:
            run_each(
                self._binary,
                self._announce(batch),
                take,
                timeout=self._timeout,
                jobs=self._jobs,
                folder=self._folder,
            )
        self._program = self._program or _find_program(made)
        return tuple(map(self._record, batch, made))

    def _announce(self, batch: tuple[Argv, ...]) -> Iterator[Argv]:
        """Yield the words of each run; say so before."""
        total = self._done + len(batch)
        for argv in batch:
            if self._progress:
                self._progress(self._done, total, " ".join(argv[:2]))
            self._done += 1
            yield argv

    def _record(self, argv: Argv, outcome: Outcome) -> Run:
        """Keep of a run what is the same each time."""
        status, ended, output = outcome
        if status is None:
            # How much it had said by then is chance.
            return Run(argv, None, "", f"it did not end within {self._timeout:g} s")
        text = _GLIB.sub("", output.decode("utf-8", "replace"))
        if self._program:
            text = re.sub(f"^{re.escape(self._program)}: ", "", text, flags=re.MULTILINE)
        return Run(argv, status, text, ended)


def _find_program(outcomes: Iterable[Outcome]) -> str:
    """Return what a QEMU calls itself in messages; "" where it does not name UNKNOWN."""
    told = f": {UNKNOWN}: "
    for outcome in outcomes:
        for line in outcome.output.decode("utf-8", "replace").split("\n"):
            if told in line:
                return line.partition(told)[0]
    return ""

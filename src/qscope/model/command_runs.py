"""Learn from runs of the binary what its command line takes.

In: the `Run`s of a snapshot, raw. Out: `CommandLine`. What was asked is read from the words of each
run, so that nothing here knows QEMU's options by name. Next stage: index.py.

QEMU looks at all words before it does anything (qemu_init's first pass): an option that it lacks,
or one without its argument, ends it even behind `-version`. Then it takes one option after the
other until it comes to `-version`, and the first one that it refuses ends it, named in the message.
"""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from qscope.model.command_line import NO_RUNS, CommandLine, ProbedOption
from qscope.model.transcript import Run

Argv = tuple[str, ...]

START: Argv = ("-version",)
HELP: Argv = ("-help",)
# No QEMU has such options, parameters and drivers.
UNKNOWN = "-qscope-no-such-option"
FILLER = "-qscope-"
OPEN_BRACE = "{"
BOGUS = "xbogus=1"
ASK_WORDS = "help"


class Confirmation(NamedTuple):
    """An argument that a type which no QEMU shows calls legal, or not."""

    option: str
    argument: str
    is_legal: bool


# What these options refuse is refused when they are parsed (Audiodev's visitor since 4.0,
# CompatPolicy's since 6.0; -m's parameters have types in a QemuOpts group).
CONFIRMATIONS = (
    Confirmation("audiodev", "none,id=a", is_legal=True),
    Confirmation("audiodev", "none,id=a,out.frequency=48000,timer-period=1000", is_legal=True),
    Confirmation("audiodev", "none,id=a,in.frequency=x", is_legal=False),
    Confirmation("audiodev", "none,id=a,qscope=1", is_legal=False),
    Confirmation("compat", "deprecated-input=reject,deprecated-output=hide", is_legal=True),
    Confirmation("compat", "deprecated-input=qscope", is_legal=False),
    Confirmation("compat", "qscope=1", is_legal=False),
    Confirmation("m", "size=128M", is_legal=True),
    Confirmation("m", "size=x", is_legal=False),
)

# An option with its argument, or a flag with None.
Asked = tuple[str, str | None]

_ABSENT = re.compile(r"^-(\S+): invalid option$", re.MULTILINE)
_NEEDS = re.compile(r"^-(\S+): requires an argument$", re.MULTILINE)
_OTHER_TARGET = "Option not supported for this target"
_NO_GROUP = "There is no option group"
# `-hda/-hdb file   use ...`, `-h or -help   display ...`, `-M   as -machine`, `--preconfig   ...`.
_HELP_LINE = re.compile(r"^--?(\w[\w-]*)(?:/-(\w[\w-]*)| or -(\w[\w-]*))?(?=\s|$)[ \t]*(.*)$")
_WARNING = re.compile(r"^-(\S+)(?: .*?)?: warning: (.*)$", re.MULTILINE)
# Not `deprecated-input`, which is a parameter.
_DEPRECATED = re.compile(r"\bdeprecated\b(?!-)", re.IGNORECASE)
# A value that `help` lists stands alone, or before a column of its own.
_LISTED = re.compile(r"^\s*([A-Za-z0-9][\w.-]*)(?:(?: {2,}|\t).*)?$")


def learn_command_line(runs: Iterable[Run]) -> CommandLine:
    """Conclude from runs what the command line takes."""
    known = {run.argv: run for run in runs}
    if silence := explain_silence(known):
        return CommandLine(silence=silence)
    arity, absent = _learn_presence(known.values())
    entries = read_help(known[HELP].output) if HELP in known else {}
    verdicts = dict(_learn_verdicts(known.values(), known[START].output))
    deprecated = frozenset(_find_deprecated(known.values()))
    options = {
        name: _make_option(name, arity[name], entries, verdicts, deprecated)
        for name in sorted(arity)
    }
    return CommandLine(
        options=options,
        absent=tuple(sorted(absent - arity.keys())),
        words=dict(sorted(_learn_words(known.values()))),
        confirmed=_learn_confirmed(verdicts),
    )


def explain_silence(known: dict[Argv, Run]) -> str:
    """Say why the runs show nothing; "" when they do."""
    if not known:
        return NO_RUNS
    start, unknown = known.get(START), known.get((*START, UNKNOWN))
    if start is None or start.status != 0:
        return f"'-version' failed: {start.ended or f'status {start.status}'}" if start else NO_RUNS
    if unknown is None or not _ABSENT.search(unknown.output):
        return "the binary does not refuse an option that no QEMU has"
    return ""


def find_refused(asked: tuple[Asked, ...], output: str) -> int | None:
    """Return which of the options of one run QEMU refused, by the last message that names one."""
    found = None
    for number, (name, word) in enumerate(asked):
        place = f"-{name}: " if word is None else f"-{name} {word}: "
        for line in output.split("\n"):
            if line.startswith(place) and ": warning: " not in line:
                found = number
    return found


def is_accepted(run: Run, banner: str) -> bool:
    """Whether QEMU came to `-version`: `banner` is what it then prints.

    Some options print and end with status 0, when their argument is not what they want (-accel).
    """
    return run.status == 0 and run.output.endswith(banner)


def read_asked(argv: Argv) -> tuple[Asked, ...]:
    """Return the options of a run that ends at `-version`."""
    asked: list[Asked] = []
    for word in argv[:-1]:
        # No argument in question begins with a dash, as every option does.
        if word.startswith("-"):
            asked.append((word[1:], None))
        elif asked:
            asked[-1] = (asked[-1][0], word)
    return tuple(asked)


def make_filler(number: int) -> str:
    """Return a word that is refused unless an option swallows it."""
    return f"{FILLER}{number}"


def read_help(text: str) -> dict[str, str]:
    """Return what `-help` says of each option, by name: the first line of its first entry."""
    entries: dict[str, str] = {}
    for match in filter(None, map(_HELP_LINE.match, text.split("\n"))):
        *names, said = match.groups()
        for name in filter(None, names):
            entries.setdefault(name, said.strip())
    return entries


def _learn_presence(runs: Iterable[Run]) -> tuple[dict[str, bool], set[str]]:
    """Return the options there are, with whether they take an argument; and those there are not."""
    arity: dict[str, bool] = {}
    absent: set[str] = set()
    for run in runs:
        if run.argv[:1] != START or len(run.argv) < 2 or run.argv[1] == UNKNOWN:
            continue
        if run.status == 0:
            arity.update(_read_arity(run.argv[1:]))
        elif len(run.argv) == 2 and run.status is not None:
            name = run.argv[1][1:]
            absent |= {name} & set(_ABSENT.findall(run.output))
            arity |= {each: True for each in _NEEDS.findall(run.output) if each == name}
    return arity, absent


def _read_arity(words: Argv) -> Iterator[tuple[str, bool]]:
    """Yield the options of a run that QEMU accepted, with whether they took an argument.

    A filler that follows an option alone was its argument. One that follows a flag and another
    option was that one's, or it would have been refused.
    """
    group: list[str] = []
    for word in words:
        if word.startswith(FILLER):
            yield group[0][1:], len(group) == 1
            group = []
        else:
            group.append(word)
    for word in group:
        yield word[1:], False


def _learn_verdicts(runs: Iterable[Run], banner: str) -> Iterator[tuple[Asked, str]]:
    """Yield what QEMU took, with "", and what it refused, with the message."""
    for run in runs:
        if run.argv[-1:] != START or len(run.argv) < 2 or ASK_WORDS in run.argv:
            continue
        asked = read_asked(run.argv)
        accepted = is_accepted(run, banner)
        refused = len(asked) if accepted else find_refused(asked, run.output)
        if refused is None or run.status is None or run.status < 0:
            continue
        yield from ((each, "") for each in asked[:refused])
        yield from ((each, run.output) for each in asked[refused : refused + 1])


def _make_option(
    name: str,
    arg: bool,  # noqa: FBT001 - what the option does, not what this does
    entries: dict[str, str],
    verdicts: dict[Asked, str],
    deprecated: frozenset[str],
) -> ProbedOption:
    entry = entries.get(name)
    said = [verdicts.get((name, word)) for word in (OPEN_BRACE, BOGUS, None)]
    return ProbedOption(
        arg=arg,
        json=None if said[0] is None else "JSON parse error" in said[0],
        closed=_is_closed(said[1]),
        in_help=None if not entries else entry is not None,
        help=entry or "",
        unavailable=_find_obstacle(" ".join(filter(None, said))),
        deprecated=name in deprecated or bool(_DEPRECATED.search(entry or "")),
    )


def _find_deprecated(runs: Iterable[Run]) -> Iterator[str]:
    """Yield each option that a warning about itself calls deprecated.

    Warnings may also be about the argument, such as a boolean's short form.
    """
    for run in runs:
        for name, warning in _WARNING.findall(run.output):
            if _DEPRECATED.search(warning) and re.search(rf"-{re.escape(name)}\b", warning):
                yield name


def _is_closed(message: str | None) -> bool | None:
    """Whether an unknown parameter was refused; None where something else was."""
    if not message:
        return None if message is None else False
    name = BOGUS.partition("=")[0]
    return True if f"'{name}'" in message else None


def _find_obstacle(messages: str) -> str:
    if _OTHER_TARGET in messages:
        return "unsupported-target"
    return "module-missing" if _NO_GROUP in messages else ""


def _learn_words(runs: Iterable[Run]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for run in runs:
        if ASK_WORDS in run.argv and run.status is not None and run.status >= 0:
            name = run.argv[run.argv.index(ASK_WORDS) - 1][1:]
            words = read_words(run.output)
            if words:
                yield name, words


def read_words(text: str) -> tuple[str, ...]:
    """Return the values in what `help` printed, sorted."""
    return tuple(sorted({match[1] for match in map(_LISTED.match, text.split("\n")) if match}))


def _learn_confirmed(verdicts: dict[Asked, str]) -> dict[str, bool]:
    confirmed: dict[str, bool] = {}
    for option, argument, is_legal in CONFIRMATIONS:
        message = verdicts.get((option, argument))
        if message is not None:
            confirmed[option] = confirmed.get(option, True) and is_legal == (not message)
    return confirmed

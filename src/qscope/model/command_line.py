"""What a QEMU's command line takes, learned from runs of the binary.

In: the `Run`s of a snapshot, raw. Out: `CommandLine`, a section of the index. Nothing here knows
QEMU's options by name: what was asked is read from the words of each run. Next stage: interface.py.

QEMU looks at all words before it does anything (qemu_init's first pass): an option that it lacks,
or one without its argument, ends it even behind `-version`. Then it takes one option after the
other until it comes to `-version`, and the first one that it refuses ends it, named in the message.
"""

from msgspec import Struct

from qscope.model.transcript import Run

__all__ = ["CommandLine", "ProbedOption", "Run"]


class ProbedOption(Struct, frozen=True, omit_defaults=True):
    """An option that the binary has. None means not asked, or that the answer does not tell.

    `json`: whether `{` begins JSON. `closed`: whether an unknown parameter is refused when the
    option is parsed (False: it is not then; what comes later may refuse it). `help` is what `-help`
    says in its first line, `deprecated` whether that says so. `unavailable` is "" where it can be
    used, else "unsupported-target" or "module-missing".
    """

    arg: bool
    json: bool | None = None
    closed: bool | None = None
    in_help: bool | None = None
    help: str = ""
    unavailable: str = ""
    deprecated: bool = False


class CommandLine(Struct, frozen=True, omit_defaults=True):
    """What runs of the binary showed; where there were none, `silence` says why.

    `options` by name without the dash; `absent` are names that the binary refused. `words` are the
    values that an option's `help` lists (modules may add some). `confirmed` says whether a type of
    an option's argument that QEMU does not show holds: legal arguments pass, illegal ones do not.
    """

    options: dict[str, ProbedOption] = {}
    absent: tuple[str, ...] = ()
    words: dict[str, tuple[str, ...]] = {}
    confirmed: dict[str, bool] = {}
    silence: str = ""


NO_RUNS = "the recording has no runs of the binary"


def learn_command_line(runs: tuple[Run, ...]) -> CommandLine:
    """Conclude from runs what the command line takes."""
    return CommandLine(silence="" if runs else NO_RUNS)

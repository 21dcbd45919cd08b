"""What a QEMU's command line takes, as far as runs of the binary show it.

A section of the index, which command_runs.py fills. Next stage: interface.py.
"""

from msgspec import Struct

# Why nothing is known, where nobody ran the binary.
NO_RUNS = "nobody ran its binary to learn its options"


class ProbedOption(Struct, frozen=True, omit_defaults=True):
    """An option that the binary has. None means not asked, or that the answer does not tell.

    `json`: whether `{` begins JSON. `closed`: whether an unknown parameter is refused when the
    option is parsed (False: it is not then; what comes later may refuse it). `help` is what `-help`
    says in its first line, `deprecated` whether that or a warning says so. `unavailable` is ""
    where it can be used, else "unsupported-target" or "module-missing".
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

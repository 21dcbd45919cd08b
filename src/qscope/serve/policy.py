"""What a server does with what is deprecated or unstable: QEMU's `-compat`, as data."""

import os
from typing import Literal, NoReturn, TypeAlias, get_args

from msgspec import Struct

from qscope.errors import RefusalError

Input: TypeAlias = Literal["accept", "reject", "crash"]
Output: TypeAlias = Literal["accept", "hide"]


class Policy(Struct, frozen=True):
    """The four switches of `-compat` (QEMU's qapi/compat.json).

    `reject` refuses commands, arguments and values that carry the feature, `crash` aborts the
    process, for testing clients. `hide` leaves them, and events, out of what the server sends;
    unlike in QEMU, introspection and query-commands then show just what is left. A result that
    cannot be without a hidden value (of an enum) is answered with an error, and an event not sent.
    """

    deprecated_input: Input = "accept"
    deprecated_output: Output = "accept"
    unstable_input: Input = "accept"
    unstable_output: Output = "accept"

    def __post_init__(self) -> None:
        """Refuse words that are none of a switch's: they often come from a command line.

        Raises ValueError.
        """
        for name, words in (("input", get_args(Input)), ("output", get_args(Output))):
            for switch in (f"deprecated_{name}", f"unstable_{name}"):
                value = getattr(self, switch)
                if value not in words:
                    right = " | ".join(words)
                    raise ValueError(f"Policy: {switch} is {value!r}; {right} is right")

    @property
    def hidden(self) -> frozenset[str]:
        """The features whose carriers are not shown."""
        outputs = {"deprecated": self.deprecated_output, "unstable": self.unstable_output}
        return frozenset(name for name, output in outputs.items() if output == "hide")

    @property
    def restricts_input(self) -> bool:
        """Whether any input is refused."""
        return (self.deprecated_input, self.unstable_input) != ("accept", "accept")

    def check(
        self, features: tuple[str, ...], what: str, name: str, error_class: str = "GenericError"
    ) -> None:
        """Raise RefusalError for what may not be used; `what` is command, parameter or value."""
        switches = {"deprecated": self.deprecated_input, "unstable": self.unstable_input}
        for feature, switch in switches.items():
            if switch != "accept" and feature in features:
                desc = f"{feature.capitalize()} {what} {name} disabled by policy"
                _refuse(switch, desc, error_class)


def _refuse(switch: Input, desc: str, error_class: str) -> NoReturn:
    if switch == "crash":
        os.abort()
    raise RefusalError(desc, error_class)


ACCEPT = Policy()

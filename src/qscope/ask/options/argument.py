"""What an option's argument is: its type by whoever shows it, and how much that says.

In: an interface and an option. Out: `Argument`.
"""

from msgspec import Struct

from qscope.ask.options.table import Form
from qscope.model.interface import Interface
from qscope.model.option import Completeness, OptionEvidence, Syntax


class Argument(Struct, frozen=True):
    """What is known of an argument: how completely, its type's name, and what says so."""

    completeness: Completeness
    type: str | None = None
    evidence: tuple[OptionEvidence, ...] = ()
    words: tuple[str, ...] | None = None


# Syntaxes of which no type says more.
_PLAIN = frozenset(("string", "number", "chardev", "flag"))


def find_argument(
    interface: Interface, name: str, form: Form | None, syntax: tuple[Syntax, ...]
) -> Argument:
    """Return what is known of the argument of an option that takes one."""
    if syntax and _PLAIN.issuperset(syntax):
        return Argument("scalar")
    return Argument("unknown")

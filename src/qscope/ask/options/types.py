"""What an option's argument is: by the schema, by QOM, by QemuOpts, by the table, in this order.

In: an interface and an option. Out: `Argument`; `Interface.find` then knows its type by name.
"""

from qscope.ask.options.argument import Argument
from qscope.ask.options.groups import find_group_argument
from qscope.ask.options.qom import find_qom_argument
from qscope.ask.options.scalars import make_scalar, make_words
from qscope.ask.options.schema import find_shown_argument
from qscope.ask.options.shipped import find_shipped_argument
from qscope.ask.options.table import Form
from qscope.model.interface import Interface
from qscope.model.option import OptionEvidence, Syntax

# Whose help lists all words: `d` takes `trace:PATTERN`, too, and others what modules add.
_CLOSED = frozenset(("vga",))
# Syntaxes of which no type says more.
_PLAIN: dict[Syntax, str] = {"string": "string", "number": "int", "chardev": "string"}


def find_argument(
    interface: Interface, name: str, form: Form | None, syntax: tuple[Syntax, ...]
) -> Argument:
    """Return what is known of the argument of an option that takes one."""
    group = form.group if form else None
    return (
        find_shown_argument(interface, name)
        or find_qom_argument(interface, name)
        or _find_words(interface, name, syntax)
        or find_shipped_argument(interface, name)
        or find_group_argument(interface, name, group)
        or _find_plain(interface, syntax)
    )


def _find_words(interface: Interface, name: str, syntax: tuple[Syntax, ...]) -> Argument | None:
    """Return the words that the option's own help lists: modules may add some."""
    words = interface.command_line.words.get(name)
    if not words or "words" not in syntax:
        return None
    made = make_words(interface, list(words), f"option:{name}")
    evidence = (OptionEvidence("help", f"-{name} help"),)
    return Argument("exact" if name in _CLOSED else "partial", made, evidence, words)


def _find_plain(interface: Interface, syntax: tuple[Syntax, ...]) -> Argument:
    if not syntax or any(each not in _PLAIN for each in syntax):
        return Argument("unknown")
    return Argument("scalar", make_scalar(interface, _PLAIN[syntax[0]]))

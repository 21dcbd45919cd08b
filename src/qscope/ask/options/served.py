"""Options of a program that describes its command line itself (`query-command-line`).

In: an interface and a name without its dashes. Out: `Option`, or an `Answer`. The list is complete:
what is not in it is not there. Nothing that is known of QEMU's options says anything of these.
"""

from msgspec import structs

from qscope.ask.answer import Answer, Verdict, unknown
from qscope.model.option import Option
from qscope.model.served import SOURCE, ServedLine


def find_served_option(line: ServedLine, name: str) -> Option | None:
    """Return the option called `name`, also by an alias; None where nothing is known of one."""
    if name in line.options or name in line.opaque:
        return line.options.get(name)
    found = next((each for each in line.options.values() if name in each.aliases), None)
    return structs.replace(found, name=name, aliases=(found.name,)) if found else None


def answer_served(line: ServedLine, name: str) -> Answer:
    """Answer whether there is an option `name`."""
    if line.silence:
        return unknown(SOURCE, line.silence)
    if name in line.opaque or find_served_option(line, name) is not None:
        return Answer(Verdict.YES, SOURCE)
    return Answer(Verdict.NO, SOURCE, "it lists all options, and not this one", position=0)

"""Machine types by family: which buses and places they have is the same for all of a family.

In: a line. Out: `pc`, `q35`, `isapc`, `microvm`, `none`, … or the machine's own name, for which no
table here has facts.
"""

import re

from qscope.ask.line.line import Line

_FAMILIES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"q35|pc-q35-.*"), "q35"),
    (re.compile(r"pc|pc-i440fx-.*|pc-[0-9.]+|xenfv.*"), "pc"),
    (re.compile(r"virt|virt-[0-9.]+"), "virt"),
)


def find_family(line: Line) -> str:
    """Return the family of a line's machine, "" where it is not known which machine it has.

    A machine type that this QEMU lacks has the family that its name says.
    """
    name = line.machine.name if line.machine else str(line.merged("machine").get("type", ""))
    return next((family for form, family in _FAMILIES if form.fullmatch(name)), name)

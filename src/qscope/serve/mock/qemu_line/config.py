"""-readconfig: options in a file, each a section (QEMU's qemu_config_foreach; Incus writes such).

In: a file's text. Out: the options that stand there, as `Word`s. Raises ArgumentError, naming the
line.
"""

import re
from collections.abc import Callable, Iterable, Iterator

from qscope.ask.syntax.qemuopts import Parameter, render_qemuopts
from qscope.ask.syntax.words import Word
from qscope.errors import ArgumentError

_SECTION = re.compile(r'\[([^\]\s"]{1,63})(?: "([^"]{1,63})")?\]')
_PARAMETER = re.compile(r'\s*([^\s=]{1,63}) = "([^"]*)"')


def expand(words: Iterable[Word], read: Callable[[str], str]) -> Iterator[Word]:
    """Yield the options of a line, those of a file in the place of the option that names it.

    `read` returns the text of a file.
    """
    for word in words:
        if word.name == "readconfig" and word.argument is not None:
            yield from parse_config(read(word.argument), word.argument)
        else:
            yield word


def parse_config(text: str, path: str) -> Iterator[Word]:
    """Yield an option for each section; its name is that of a group of QemuOpts."""
    name = ""
    given: list[Parameter] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if section := _SECTION.match(line):
            if name:
                yield _make_word(name, given)
            name, given = section[1], [Parameter("id", section[2])] if section[2] else []
        elif parameter := _PARAMETER.match(line):
            if not name:
                raise ArgumentError(f"{path}:{number}: no group defined")
            given.append(Parameter(parameter[1], parameter[2]))
        else:
            raise ArgumentError(f'{path}:{number}: [GROUP "ID"] or PARAMETER = "VALUE" is right')
    if name:
        yield _make_word(name, given)


def _make_word(name: str, given: list[Parameter]) -> Word:
    return Word(f"-{name}", name, render_qemuopts(given), 0)

"""Judge words that are no options of this QEMU, and options that lack their argument.

In: an interface and a word with a problem. Out: a finding; "no" only on positive evidence.
"""

import re

from qscope.ask.answer import Verdict
from qscope.ask.finding import Finding, Severity
from qscope.ask.options import list_options, presence
from qscope.ask.syntax.words import Problem, Word
from qscope.model.interface import Interface
from qscope.model.near import near


def judge_unknown(interface: Interface, word: Word) -> Finding:
    """Return what is wrong with a word that has a problem."""
    if word.problem is Problem.MISSING_ARGUMENT:
        return Finding("argument-missing", "", "it takes an argument, and none follows")
    if word.problem is Problem.STRAY:
        what = "a second word that is no option: QEMU takes each for the image of the first disk"
        return Finding("image-stray", "", what)
    answer = presence(interface, word.name)
    if answer.verdict is Verdict.UNKNOWN:
        return Finding("option-unknown", "", answer.why, Severity.UNKNOWN)
    names = [option.name for option in list_options(interface)]
    guesses = tuple(f"-{name}" for name in near(word.name, names))
    what = f"no such option{answer.why and f' ({answer.why})'}"
    return Finding("option-unknown", "", what, suggestions=guesses, evidence=answer.evidence)


# Words that are arguments and no names of images.
_ARGUMENT = re.compile(r"on|off|yes|no|true|false|[0-9]+[kKmMgG]?|[A-Za-z][A-Za-z0-9_.-]*=[^/]*")


def judge_image(before: Word, image: Word) -> Finding | None:
    """Return what is wrong with a word that QEMU takes for a disk image and is none, by its looks.

    It belongs to the option before it: a flag that was given an argument, or a parameter behind a
    blank in place of a comma.
    """
    if not _ARGUMENT.fullmatch(image.typed):
        return None
    why = "it takes no argument" if before.argument is None else "its argument ends before that"
    what = f"{why}: QEMU takes {image.typed!r} for the image of the first disk"
    return Finding("argument-superfluous", image.typed, what)

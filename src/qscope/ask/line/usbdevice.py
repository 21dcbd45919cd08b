"""Judge -usbdevice: a few words, each for a driver (hw/usb).

In: a line and an occurrence. Out: findings.
"""

from collections.abc import Iterator

from qscope.ask.finding import Finding
from qscope.ask.line.host import note
from qscope.ask.line.line import Line, Occurrence
from qscope.ask.line.machines import find_family
from qscope.ask.line.settings import has_usb
from qscope.model.near import near

_WORDS = ("mouse", "tablet", "keyboard", "wacom-tablet", "braille")
# Machines that have no USB bus of their own, whatever usb=on says.
_NO_USB = ("none", "virt")
# Taken before 6.0, where what stands behind a colon was looked at, too.
_OLD = ("ccid", "audio")


def judge_usbdevice(line: Line, occurrence: Occurrence) -> Iterator[Finding]:
    """Yield what is wrong with one -usbdevice."""
    text = occurrence.word.argument or ""
    # Turned off again by a later -machine: nothing is made.
    if not has_usb(line):
        return
    is_old = line.is_before(6, 0)
    words = (*_WORDS, *_OLD) if is_old else _WORDS
    word = text.removesuffix(":") if is_old else text
    if word not in words:
        guesses = tuple(near(word, words))
        right = "" if guesses else f"one of {', '.join(words)}, or -device"
        what = f"there is no USB device {text!r}"
        yield Finding("value-unknown", "", what, right=right, suggestions=guesses)
    elif find_family(line) in _NO_USB:
        yield Finding("bus-missing", "", f"machine {find_family(line)} has no USB bus")
    elif word == "braille":
        yield note("BrlAPI must run")

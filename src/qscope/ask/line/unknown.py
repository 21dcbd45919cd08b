"""Judge words that are no options of this QEMU, and options that lack their argument.

In: an interface and a word with a problem. Out: a finding; "no" only on positive evidence.
"""

import re
from collections.abc import Mapping

from qscope.ask.answer import Verdict
from qscope.ask.finding import Finding, Severity
from qscope.ask.options import find_option, list_options, presence
from qscope.ask.options.table import load_table
from qscope.ask.syntax.words import Problem, Word
from qscope.model.interface import Interface
from qscope.model.near import near

# What does now what an option did that is gone; of flags that are sugar the table knows it.
_REPLACED: Mapping[str, str] = {
    "alt-grab": "-display sdl,grab-mod=lshift-lctrl-lalt",
    "async-teardown": "-run-with async-teardown=on",
    "balloon": "-device virtio-balloon",
    "bootp": "-netdev user,bootfile=FILE",
    "chroot": "-run-with chroot=DIR",
    "ctrl-grab": "-display sdl,grab-mod=rctrl",
    "hdachs": "-device ide-hd,cyls=C,heads=H,secs=S",
    "localtime": "-rtc base=localtime",
    "no-frame": "-display",
    "no-kvm": "-accel tcg",
    "no-kvm-irqchip": "-machine kernel-irqchip=off",
    "no-kvm-pit-reinjection": "-global kvm-pit.lost_tick_policy=discard",
    "no-quit": "-display sdl,window-close=off",
    "nodefconfig": "-no-user-config",
    "realtime": "-overcommit mem-lock=on|off",
    "redir": "-netdev user,hostfwd=RULE",
    "rtc-td-hack": "-rtc driftfix=slew",
    "runas": "-run-with user=USER",
    "sdl": "-display sdl",
    "show-cursor": "-display sdl,show-cursor=on",
    "singlestep": "-accel tcg,one-insn-per-tb=on",
    "smb": "-netdev user,smb=DIR",
    "soundhw": "-audio DRIVER,model=MODEL",
    "startdate": "-rtc base=DATE",
    "tb-size": "-accel tcg,tb-size=SIZE",
    "tdf": "-rtc driftfix=slew",
    "tftp": "-netdev user,tftp=DIR",
    "usbdevice": "-device usb-...",
    "watchdog": "-device MODEL",
    "win2k-hack": "-device ide-hd,win2k-install-hack=on",
}
# An option whose argument was written to it: `-m128`, `-display=none`.
_JOINED = re.compile(r"([A-Za-z][a-z-]*?)(?:=(.*)|([0-9].*))", re.DOTALL)


def judge_unknown(interface: Interface, word: Word) -> Finding:
    """Return what is wrong with a word that has a problem."""
    if word.problem is Problem.MISSING_ARGUMENT:
        return Finding("argument-missing", "", "it takes an argument, and none follows")
    if word.problem is Problem.STRAY:
        what = "a second word that is no option: QEMU takes each for the image of the first disk"
        return Finding("image-stray", "", what)
    answer = presence(interface, word.name)
    right = _find_right(interface, word.name)
    if answer.verdict is not Verdict.NO:
        why = answer.why or "nothing known tells whether it takes an argument"
        return Finding("option-unknown", "", why, Severity.UNKNOWN, right)
    what = f"no such option{answer.why and f' ({answer.why})'}"
    guesses = () if right else _guess(interface, word.name)
    return Finding("option-unknown", "", what, Severity.ERROR, right, answer.evidence, guesses)


def _guess(interface: Interface, name: str) -> tuple[str, ...]:
    names = [option.name for option in list_options(interface)]
    return tuple(f"-{each}" for each in near(name, names))


def _find_right(interface: Interface, name: str) -> str:
    """Say what does what an option did that is gone, or how one is written; "" for neither."""
    row = load_table().rows.get(name)
    sugar = next((form.sugar for form in reversed(row.form) if form.sugar), "") if row else ""
    replacement = _REPLACED.get(name, sugar)
    if replacement:
        return f"{replacement} instead"
    found = _JOINED.fullmatch(name)
    option = find_option(interface, found[1]) if found else None
    if found is None or option is None:
        return ""
    if not option.arg:
        return f"-{option.name} takes no argument"
    return f"the argument of -{option.name} is a word of its own"


# Words that are arguments and no names of images; behind a flag any plain word is one.
_ARGUMENT = re.compile(r"on|off|yes|no|true|false|[0-9]+[kKmMgG]?|,?[A-Za-z][A-Za-z0-9_.-]*=[^/]*")


_PLAIN = re.compile(r"[A-Za-z0-9_-]+")


def judge_image(before: Word, image: Word) -> Finding | None:
    """Return what is wrong with a word that QEMU takes for a disk image and is none, by its looks.

    It belongs to the option before it: a flag that was given an argument, or a parameter behind a
    blank in place of a comma.
    """
    is_meant = before.argument is None and _PLAIN.fullmatch(image.typed)
    if not is_meant and not _ARGUMENT.fullmatch(image.typed):
        return None
    why = "it takes no argument" if before.argument is None else "its argument ends before that"
    what = f"{why}: QEMU takes {image.typed!r} for the image of the first disk"
    return Finding("argument-superfluous", image.typed, what)

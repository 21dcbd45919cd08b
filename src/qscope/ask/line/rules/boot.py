"""Rules about -boot: letters of drives, and times.

QEMU's bootdevice.c (all machines), hw/i386/pc.c (PCs), hw/nvram/fw_cfg.c (times).
"""

from collections.abc import Iterator

from qscope.ask.line.line import Line
from qscope.ask.line.machines import find_name, is_pc
from qscope.ask.line.rules.rule import ALL, Fault, Rule
from qscope.ask.line.settings import Setting, find_structure, read_integer

_LETTERS = "abcdefghijklmnop"
# Floppy disks, hard disk, CD-ROM, network; QEMU tells a PC's firmware of three.
_PC_LETTERS = "abcdn"
_PC_MOST = 3
_TIMES = {"splash-time": (0, 65535), "reboot-timeout": (-1, 65535)}


def _list_orders(line: Line) -> Iterator[Setting]:
    settings = find_structure(line, "boot")
    yield from (settings[name] for name in ("order", "once") if name in settings)


def find_bad_letters(line: Line) -> Iterator[Fault]:
    """Yield what is no letter of a drive, or comes twice."""
    for setting in _list_orders(line):
        bad = next((letter for letter in setting.value if letter not in _LETTERS), None)
        twice = next((each for each in setting.value if setting.value.count(each) > 1), None)
        if bad:
            what = f"{bad!r} is no boot device"
            yield Fault(setting.occurrence, setting.where, what, "letters from a to p are right")
        elif twice:
            yield Fault(setting.occurrence, setting.where, f"{twice!r} is there twice")


def find_letters_of_others(line: Line) -> Iterator[Fault]:
    """Yield letters that a PC cannot boot from, or too many."""
    if not is_pc(find_name(line)):
        return
    for setting in _list_orders(line):
        if not set(setting.value) <= set(_LETTERS) or len(set(setting.value)) < len(setting.value):
            continue
        if len(setting.value) > _PC_MOST:
            what = f"{len(setting.value)} boot devices are too many for a PC"
            yield Fault(setting.occurrence, setting.where, what, f"at most {_PC_MOST} are right")
        elif bad := next((each for each in setting.value if each not in _PC_LETTERS), None):
            what = f"a PC has no boot device {bad!r}"
            yield Fault(setting.occurrence, setting.where, what, "a, b, c, d or n is right")


def find_bad_times(line: Line) -> Iterator[Fault]:
    """Yield times that the firmware cannot be told; machine `none` has no firmware."""
    settings = find_structure(line, "boot")
    for name, (low, high) in _TIMES.items():
        number = read_integer(settings.get(name))
        if number is not None and not low <= number <= high and find_name(line) != "none":
            setting = settings[name]
            what = f"{number} milliseconds cannot be told the firmware"
            yield Fault(setting.occurrence, setting.where, what, f"{low}..{high} is right")


RULES = (
    Rule(
        "boot-letter",
        "boot devices are letters",
        ALL,
        "-boot order=cz",
        "-boot order=cd",
        find_bad_letters,
    ),
    Rule(
        "boot-letter-pc",
        "a PC boots from floppy disks, a hard disk, a CD-ROM or the network",
        ALL,
        "-boot order=p",
        "-boot order=cdn",
        find_letters_of_others,
    ),
    Rule(
        "boot-time",
        "the firmware reads 16 bits",
        ALL,
        "-boot splash-time=65536",
        "-boot splash-time=65535",
        find_bad_times,
    ),
)

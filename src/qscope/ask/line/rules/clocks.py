"""Rules about -rtc and -icount: what time it is, and how it goes by.

QEMU's system/rtc.c, accel/tcg/icount-common.c, replay/replay.c.
"""

import re
from collections.abc import Iterator

from qscope.ask.line.line import Line, Occurrence
from qscope.ask.line.rules.rule import ALL, Fault, Rule
from qscope.ask.line.scalars import read_bool, read_int

# As sscanf reads it: whatever is behind the day is ignored, and any numbers are a day.
_DATE = re.compile(r"\s*[+-]?\d+-\s*[+-]?\d+-\s*[+-]?\d+", re.ASCII)
_MOST_SHIFT = 10
_DISKS = ("drive", "blockdev", "hda", "hdb", "hdc", "hdd", "sd", "mtdblock", "pflash")


def find_last(line: Line, option: str, name: str) -> tuple[Occurrence, str] | None:
    """Return who gave a parameter of a merged option last, and its value."""
    given = [(each, each.get(name)) for each in line.select(option)]
    return next(((each, value) for each, value in reversed(given) if value is not None), None)


def find_bad_dates(line: Line) -> Iterator[Fault]:
    """Yield a start of the clock that is none."""
    found = find_last(line, "rtc", "base")
    if found and found[1] not in ("utc", "localtime") and not _DATE.match(found[1]):
        right = "utc, localtime, 2006-06-17 or 2006-06-17T16:01:21 is right"
        yield Fault(found[0], "base", f"{found[1]!r} is no date", right)


def find_bad_shifts(line: Line) -> Iterator[Fault]:
    """Yield a shift that is none, and what needs a shift."""
    shift, align = find_last(line, "icount", "shift"), find_last(line, "icount", "align")
    if shift is not None:
        if shift[1] != "auto" and read_int(shift[1]) not in range(_MOST_SHIFT + 1):
            yield Fault(shift[0], "shift", f"no shift {shift[1]!r}", "auto or 0..10 is right")
    elif align is not None:
        yield Fault(align[0], "align", "align without shift", "shift must be given")


def _is_on(found: tuple[Occurrence, str] | None, *, default: bool) -> bool:
    """Whether a boolean parameter is on; what is malformed is as if it was not there."""
    value = read_bool(found[1]) if found else None
    return default if value is None else value


def find_sleepless(line: Line) -> Iterator[Fault]:
    """Yield that clocks shall be aligned and the virtual one not wait."""
    align, sleep = find_last(line, "icount", "align"), find_last(line, "icount", "sleep")
    asked = _is_on(align, default=False) and not _is_on(sleep, default=True)
    if align and asked and find_last(line, "icount", "shift"):
        yield Fault(align[0], "align", "align=on with sleep=off", "one of the two is right")


def find_bad_replays(line: Line) -> Iterator[Fault]:
    """Yield that replaying lacks something."""
    found = find_last(line, "icount", "rr")
    if found is None:
        return
    if find_last(line, "icount", "rrfile") is None:
        yield Fault(found[0], "rr", "there is no file for it", "rrfile must be given")
    elif find_last(line, "icount", "shift") is None:
        yield Fault(found[0], "rr", "instructions are not counted", "shift must be given")
    elif (snapshot := find_last(line, "icount", "rrsnapshot")) and not line.has(*_DISKS):
        # 5.2 took it later, when the guest was to start.
        if line.is_before(6, 0):
            return
        yield Fault(snapshot[0], "rrsnapshot", "there is no disk to keep it on")


def find_threads(line: Line) -> Iterator[Fault]:
    """Yield that TCG shall run CPUs in threads while instructions are counted."""
    first = next(line.select("accel"), None)
    if first is None or (first.get("accel"), first.get("thread")) != ("tcg", "multi"):
        return
    if find_last(line, "icount", "shift"):
        what = "instructions can be counted in one thread only"
        yield Fault(first, "thread", what, "thread=single, or no -icount, is right")


RULES = (
    Rule(
        "rtc-base",
        "the clock starts now or at a date",
        ALL,
        "-rtc base=now",
        "-rtc base=2020-01-01T12:34:56",
        find_bad_dates,
    ),
    Rule(
        "icount-shift",
        "an instruction takes 2^shift nanoseconds, and clocks can be aligned to that",
        ALL,
        "-icount shift=11",
        "-icount shift=10,align=on",
        find_bad_shifts,
    ),
    Rule(
        "icount-align",
        "a clock that is aligned to the host's has to wait",
        ALL,
        "-icount shift=7,align=on,sleep=off",
        "-icount shift=7,sleep=off",
        find_sleepless,
    ),
    Rule(
        "icount-replay",
        "what is recorded is counted in instructions and kept in a file",
        ALL,
        "-icount shift=7,rr=record",
        "-icount shift=auto,rr=record,rrfile=/dev/null",
        find_bad_replays,
    ),
    Rule(
        "icount-threads",
        "counted instructions have one order",
        ALL,
        "-accel tcg,thread=multi -icount shift=7",
        "-accel tcg,thread=single -icount shift=7",
        find_threads,
    ),
)

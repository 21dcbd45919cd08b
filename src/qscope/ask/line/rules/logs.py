"""Rules about logging: -d, -dfilter, -D."""

import re
from collections.abc import Iterator

from qscope.ask.finding import Severity
from qscope.ask.line.line import Line
from qscope.ask.line.rules.rule import ALL, SINCE_7_2, Fault, Rule
from qscope.ask.syntax.scalars import parse_uint
from qscope.errors import ArgumentError
from qscope.model.near import near

# What -d takes in all releases from 5.2 on (qemu_log_items in util/log.c), and what came later.
_ITEMS = (
    *("cpu", "cpu_reset", "exec", "fpu", "guest_errors", "in_asm", "int", "mmu", "nochain", "op"),
    *("op_ind", "op_opt", "out_asm", "page", "pcall", "strace", "unimp"),
)
# Since when they are known to be there.
_LATER = {
    "invalid_mem": (10, 0),
    "op_plugin": (10, 0),
    "plugin": (7, 2),
    "tid": (7, 2),
    "vpu": (10, 0),
}
# Since when `tid` is one of all.
_THREADS_SINCE = (7, 2)


def find_bad_items(line: Line) -> Iterator[Fault]:
    """Yield each word of -d that is no item: the last -d counts."""
    occurrence = line.find_last("d")
    text = occurrence.word.argument if occurrence else None
    if occurrence is None or text is None or text in ("help", "?"):
        return
    listed = occurrence.option.words if occurrence.option else None
    known = listed or (*_ITEMS, *_LATER)
    for item in text.split(","):
        if item == "trace:help":
            yield Fault(occurrence, "", "QEMU prints a list and ends")
        elif item not in known and item != "all" and not item.startswith("trace:"):
            guesses = tuple(near(item, known))
            yield Fault(occurrence, "", f"there is no item {item!r}", suggestions=guesses)
        elif not listed and line.is_before(*_LATER.get(item, (0, 0))):
            what = f"not every release has {item!r}"
            yield Fault(occurrence, "", what, severity=Severity.UNKNOWN)


def find_threadless(line: Line) -> Iterator[Fault]:
    """Yield that -d asks for a file a thread, which -D must name with a %d."""
    occurrence, file = line.find_last("d"), line.find_last("D")
    items = (occurrence.word.argument or "").split(",") if occurrence else []
    is_new = line.is_since(*_THREADS_SINCE)
    if occurrence is None or not ("tid" in items or ("all" in items and is_new)):
        return
    if file is None or "%d" not in (file.word.argument or ""):
        right = "-D with a %d in its name is needed"
        yield Fault(occurrence, "", "each thread has a file of its own", right)


# START-LENGTH, START+LENGTH, FIRST..LAST (qemu_set_dfilter_ranges in util/log.c).
_RANGE = re.compile(r"(.*?)(\.\.|[-+])(.*)", re.DOTALL)


def find_bad_ranges(line: Line) -> Iterator[Fault]:
    """Yield each range of -dfilter that is none."""
    for occurrence in line.select("dfilter"):
        for text in (occurrence.word.argument or "").split(","):
            problem = _judge_range(text)
            if problem and occurrence.word.argument:
                right = "START+LENGTH, START-LENGTH or FIRST..LAST is right"
                yield Fault(occurrence, "", f"{text!r}: {problem}", right)


def _judge_range(text: str) -> str:
    found = _RANGE.fullmatch(text)
    if found is None:
        return "it is no range"
    try:
        first, second = parse_uint(found[1]), parse_uint(found[3])
    except ArgumentError as error:
        return str(error)
    if found[2] == "..":
        return "" if first <= second else "it ends before it begins"
    return "" if second else "it is empty"


def find_bad_files(line: Line) -> Iterator[Fault]:
    """Yield a -D that names no file: the last one counts. A %d stands for the process."""
    occurrence = line.find_last("D")
    text = occurrence.word.argument if occurrence else None
    if occurrence is None or text is None:
        return
    if not text:
        yield Fault(occurrence, "", "no file has an empty name")
    elif "%" in text and not (text.count("%") == 1 and "%d" in text):
        yield Fault(occurrence, "", "it is no template", "one %d and no other % is right")


def find_traces(line: Line) -> Iterator[Fault]:
    """Yield each -trace that is for reading, or names no file."""
    for occurrence in line.select("trace"):
        if occurrence.get("enable") in ("help", "?"):
            yield Fault(occurrence, "enable", "QEMU prints a list and ends")
        if occurrence.get("events") == "":
            yield Fault(occurrence, "events", "no file has an empty name")


RULES = (
    Rule(
        "log-items",
        "QEMU logs what it has a name for",
        ALL,
        "-d guest_errors,nosuch",
        "-d guest_errors,trace:nosuch",
        find_bad_items,
    ),
    Rule(
        "log-ranges",
        "ranges of addresses are not empty",
        ALL,
        "-dfilter 0x2000..0x1000",
        "-dfilter 0x1000+0x100,0x2000..0x3000",
        find_bad_ranges,
    ),
    Rule(
        "log-threads",
        "what threads do goes to a file each",
        SINCE_7_2,
        "-d tid",
        "-d cpu",
        find_threadless,
    ),
    Rule("log-file", "a file has a name", ALL, "-D /tmp/a%s", "-D /dev/null", find_bad_files),
    Rule("trace", "events are read from a file", ALL, "-trace events=", "-trace a", find_traces),
)

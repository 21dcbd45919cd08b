"""Rules about limits of traffic, which a drive has and a throttle group.

QEMU's throttle_is_valid() in util/throttle.c judges both by the same names: bps-total, iops-read,
iops-size and so on, -max for bursts and -max-length for how many seconds these take.
"""

from collections.abc import Iterator, Mapping

from qscope.ask.line.drive import RENAMED
from qscope.ask.line.line import Line, Occurrence
from qscope.ask.line.rules.objects import read_value, select_objects
from qscope.ask.line.rules.rule import ALL, Fault, Rule
from qscope.ask.line.scalars import read_int

_MOST = 10**15


def judge_limits(given: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """Yield which limit is wrong, and how."""
    for what in ("bps", "iops"):
        total, *parts = (f"{what}-{kind}" for kind in ("total", "read", "write"))
        for end in ("", "-max"):
            if given.get(f"{total}{end}") and any(given.get(f"{part}{end}") for part in parts):
                yield f"{total}{end}", "a total excludes limits of reads and of writes"
        for name in (total, *parts):
            yield from _judge_bucket(given, name)
    counts = (given.get(f"iops-{kind}") for kind in ("total", "read", "write"))
    if given.get("iops-size") and not any(counts):
        yield "iops-size", "it needs a limit of iops"


def _judge_bucket(given: Mapping[str, int], name: str) -> Iterator[tuple[str, str]]:
    average, most = given.get(name, 0), given.get(f"{name}-max", 0)
    for end, number in (("", average), ("-max", most)):
        if not 0 <= number <= _MOST:
            yield f"{name}{end}", "it is out of range: 0 to 10^15 is right"
            return
    if most and not average:
        yield f"{name}-max", f"it needs {name}, too"
    elif most and most < average:
        yield f"{name}-max", f"it is lower than {name}"
    elif given.get(f"{name}-max-length", 1) > 1 and not most:
        yield f"{name}-max-length", f"it needs {name}-max, too"


def find_bad_drives(line: Line) -> Iterator[Fault]:
    """Yield limits of a drive that contradict each other."""
    for occurrence in line.select("drive"):
        names: dict[str, str] = {}
        limits: dict[str, int] = {}
        for name, value in occurrence.parameters.items():
            stem, _, limit = RENAMED.get(name, name).partition(".")
            number = read_int(value)
            if stem == "throttling" and number is not None:
                names[limit], limits[limit] = name, number
        for limit, what in judge_limits(limits):
            yield Fault(occurrence, names.get(limit, ""), what)


def find_bad_groups(line: Line) -> Iterator[Fault]:
    """Yield limits of a throttle group that contradict each other."""
    for occurrence in select_objects(line, "throttle-group"):
        for limit, what in judge_limits(_read_group(line, occurrence)):
            places = (f"x-{limit}", f"limits.{limit}")
            where = places[0] if places[0] in occurrence.parameters else places[1]
            yield Fault(occurrence, where, what)


def _read_group(line: Line, occurrence: Occurrence) -> dict[str, int]:
    """Return the limits: each is a property that begins with x-, all are one called `limits`."""
    limits = occurrence.parameters.get("limits")
    found = limits.items() if isinstance(limits, dict) else ()
    given = {name: value for name, value in found if type(value) is int}
    for name, value in occurrence.parameters.items():
        number = read_value(line, value) if name.startswith("x-") else None
        if number is not None:
            given[name.removeprefix("x-")] = number
    return given


RULES = (
    Rule(
        "drive-throttling",
        "limits of all traffic and of its parts exclude each other",
        ALL,
        "-drive driver=null-co,if=none,id=d0,bps=1000,bps_rd=500",
        "-drive driver=null-co,if=none,id=d0,iops=100,iops_max=500",
        find_bad_drives,
    ),
    Rule(
        "object-throttle",
        "limits of all traffic and of its parts exclude each other",
        ALL,
        "-object throttle-group,id=t0,x-iops-total=100,x-iops-read=5",
        "-object throttle-group,id=t0,x-iops-total=100,x-iops-total-max=200",
        find_bad_groups,
    ),
)

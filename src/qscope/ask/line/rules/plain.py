"""Rules about arguments that are one value: -uuid, -seed, -tb-size."""

from collections.abc import Iterator

from qscope.ask.line.line import Line
from qscope.ask.line.rules.rule import ALL, Fault, Rule
from qscope.ask.line.scalars import is_uuid, read_uint


def find_bad_uuids(line: Line) -> Iterator[Fault]:
    """Yield each argument of -uuid that is none: QEMU looks at all of them."""
    for occurrence in line.select("uuid"):
        text = occurrence.word.argument
        if text is not None and not is_uuid(text):
            right = "8-4-4-4-12 hexadecimal digits are right"
            yield Fault(occurrence, "", f"{text!r} is no UUID", right)


def find_bad_seeds(line: Line) -> Iterator[Fault]:
    """Yield each argument of -seed that is no number (parse_uint_full in util/cutils.c)."""
    for occurrence in line.select("seed"):
        text = occurrence.word.argument
        if text is not None and (read_uint(text) is None or "-" in text):
            yield Fault(occurrence, "", f"{text!r} is no seed", "a number up to 2^64-1 is right")


def find_bad_buffers(line: Line) -> Iterator[Fault]:
    """Yield that -tb-size, gone since 6.0, is no number of 32 bits: the last one counts."""
    occurrence = line.find_last("tb-size")
    text = occurrence.word.argument if occurrence else None
    number = read_uint(text)
    if occurrence is not None and text is not None and (number is None or number >= 1 << 32):
        yield Fault(occurrence, "", f"{text!r} is no size", "0..2^32-1 is right")


RULES = (
    Rule(
        "uuid",
        "the machine's UUID is spelled in one way",
        ALL,
        "-uuid 8bd53789adab484f8c53a6df9d5f1dbf",
        "-uuid 8bd53789-adab-484f-8c53-a6df9d5f1dbf",
        find_bad_uuids,
    ),
    Rule(
        "tb-size",
        "the size of TCG's buffer has 32 bits",
        ("5.2",),
        "-tb-size abc",
        "-tb-size 32",
        find_bad_buffers,
    ),
    Rule("seed", "a seed has 64 bits", ALL, "-seed -1", "-seed 5", find_bad_seeds),
)

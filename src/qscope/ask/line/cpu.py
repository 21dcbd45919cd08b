"""Judge -cpu by the CPU models and by what theirs told of their properties.

In: a line and an occurrence of -cpu. Out: findings about the model and its features. What TCG
lacks, and how features hang together, is left to rules/cpus.py.
"""

from collections.abc import Iterator

from qscope.ask.finding import Finding, Severity
from qscope.ask.line.line import Line, Occurrence
from qscope.ask.line.scalars import read_bool
from qscope.ask.line.settings import read_size
from qscope.ask.owner import find_cpu, find_owner
from qscope.ask.path import compile_path
from qscope.ask.syntax.argument import Cpu
from qscope.ask.syntax.cpu import Feature
from qscope.ask.validation.properties import PropertyOwner
from qscope.model.near import near

# What x86 takes that its CPUs do not list: a frequency with a suffix that counts in thousands
# (x86_cpu_parse_featurestr), and what device-list-properties leaves out for how it begins.
_FREQUENCY = "tsc-freq"
_LEGACY = "legacy-cache"


def read_cpu(occurrence: Occurrence) -> Cpu | None:
    """Return what an option -cpu says, None where it is malformed."""
    parsed = occurrence.parsed.value if occurrence.parsed else None
    return parsed if isinstance(parsed, Cpu) else None


def find_last_cpu(line: Line) -> tuple[Occurrence, Cpu] | None:
    """Return the -cpu that counts, which is the last one."""
    last = line.find_last("cpu")
    found = read_cpu(last) if last else None
    return (last, found) if last is not None and found is not None else None


def judge_cpu(line: Line, occurrence: Occurrence) -> Iterator[Finding]:
    """Yield what is wrong with a CPU model and its features."""
    found = find_last_cpu(line)
    if found is None or found[0] is not occurrence:
        return
    model, listings = found[1].model, line.interface.listings
    if listings.cpus is None:
        why = listings.explain("query-cpu-definitions")
        yield Finding("cpu-unknown", "model", f"{model}: {why}", Severity.UNKNOWN)
        return
    cpu = find_cpu(listings, model)
    if cpu is None:
        guesses = tuple(near(model, [each.name for each in listings.cpus]))
        yield Finding("cpu-unknown", "model", f"no CPU model {model!r}", suggestions=guesses)
        return
    if cpu.deprecated:
        yield Finding("cpu-deprecated", "model", f"{model} is deprecated", Severity.WARNING)
    yield from _judge_features(line, occurrence, model, found[1].features)


def is_x86(line: Line) -> bool:
    """Whether the target's CPUs are x86."""
    return line.interface.identity.target in ("x86_64", "i386")


def _judge_features(
    line: Line, occurrence: Occurrence, model: str, features: tuple[Feature, ...]
) -> Iterator[Finding]:
    unlisted = (_FREQUENCY, _LEGACY) if is_x86(line) else ()
    owner = find_owner(line.interface, compile_path(f"cpu:{model}"))
    if owner is None or line.interface.qom.make(*owner, arguments=True) is None:
        if features:
            what = f"properties of {model} are not known"
            yield Finding("properties-unknown", features[0].name, what, Severity.UNKNOWN)
        return
    given = {each.property: each.value for each in features}
    plain = {name: value for name, value in given.items() if name not in unlisted}
    yield from line.judge_properties(occurrence, PropertyOwner(*owner), plain)
    for name in unlisted:
        if name in given and not _is_right(line, name, given[name]):
            right = "takes on | off" if name == _LEGACY else "takes a frequency, as 2.5G"
            yield Finding("wrong-type", name, f"{given[name]!r} was given", right=right)


def _is_right(line: Line, name: str, text: str) -> bool:
    found = read_bool(text) if name == _LEGACY else read_size(line, text)
    return found is not None

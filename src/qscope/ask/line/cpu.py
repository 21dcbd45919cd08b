"""Judge -cpu by the CPU models and by what theirs told of their properties.

In: a line and an occurrence of -cpu. Out: findings about the model and its features.
"""

from collections.abc import Iterator

from qscope.ask.finding import Finding, Severity
from qscope.ask.line.line import Line, Occurrence
from qscope.ask.owner import find_cpu, find_owner
from qscope.ask.path import compile_path
from qscope.ask.syntax.argument import Cpu
from qscope.ask.syntax.cpu import Feature
from qscope.ask.validation.properties import PropertyOwner
from qscope.model.near import near


def judge_cpu(line: Line, occurrence: Occurrence) -> Iterator[Finding]:
    """Yield what is wrong with a CPU model and its features."""
    parsed = occurrence.parsed.value if occurrence.parsed else None
    if not isinstance(parsed, Cpu):
        return
    model = parsed.model
    listings = line.interface.listings
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
    yield from _judge_features(line, occurrence, model, parsed.features)


def _judge_features(
    line: Line, occurrence: Occurrence, model: str, features: tuple[Feature, ...]
) -> Iterator[Finding]:
    owner = find_owner(line.interface, compile_path(f"cpu:{model}"))
    given = {each.property: each.value for each in features}
    if owner is not None:
        yield from line.judge_properties(occurrence, PropertyOwner(*owner), given)

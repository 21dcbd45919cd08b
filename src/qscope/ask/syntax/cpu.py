"""The argument of -cpu: a model, then features as x86 takes them: `EPYC,+x2apic,-svm,pmu=off`.

`+` and `-` win over the other forms, wherever they stand; `_` in a name means `-`. Other targets
take `name=value` alone, and SPARC `+` and `-` too. Commas separate and cannot be escaped; several
are one. QEMU 5.2 to 11.1 agree.
"""

import enum
from collections.abc import Iterable

from msgspec import Struct

from qscope.errors import ArgumentError


class Form(enum.Enum):
    """How a feature was given: +name, -name, name=value, name."""

    PLUS = "plus"
    MINUS = "minus"
    VALUE = "value"
    BARE = "bare"


class Feature(Struct, frozen=True):
    """A feature, its name as typed, and what it is set to."""

    name: str
    value: str
    form: Form

    @property
    def property(self) -> str:
        """The property of the CPU's type that is meant."""
        return self.name.replace("_", "-")


def parse_cpu(text: str) -> tuple[str, tuple[Feature, ...]]:
    """Return the model and the features, in their order. Raises ArgumentError without a model."""
    model, *words = text.split(",")
    if not model:
        raise ArgumentError("no CPU model: MODEL[,FEATURE…] is right")
    return model, tuple(_parse_feature(word) for word in words if word)


def _parse_feature(word: str) -> Feature:
    # What follows a sign is a name as a whole: QEMU looks for the feature 'avx=on' in +avx=on.
    if word.startswith("+"):
        return Feature(word[1:], "on", Form.PLUS)
    if word.startswith("-"):
        return Feature(word[1:], "off", Form.MINUS)
    name, given, value = word.partition("=")
    return Feature(name, value, Form.VALUE) if given else Feature(name, "on", Form.BARE)


def render_cpu(model: str, features: Iterable[Feature]) -> str:
    """Return the text that parses to this model and these features."""
    return ",".join([model, *map(_render_feature, features)])


def _render_feature(feature: Feature) -> str:
    match feature.form:
        case Form.PLUS:
            return f"+{feature.name}"
        case Form.MINUS:
            return f"-{feature.name}"
        case Form.BARE:
            return feature.name
        case Form.VALUE:
            return f"{feature.name}={feature.value}"

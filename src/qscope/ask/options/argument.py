"""What is known of an option's argument."""

from msgspec import Struct

from qscope.model.option import Completeness, OptionEvidence


class Argument(Struct, frozen=True):
    """How completely an argument is known, the name of its type, what says so, and its words."""

    completeness: Completeness
    type: str | None = None
    evidence: tuple[OptionEvidence, ...] = ()
    words: tuple[str, ...] | None = None

"""What asking gives: a verdict of three values, and what it rests on."""

import enum

from msgspec import Struct


class Verdict(enum.Enum):
    """Yes, no, or unknown: absence from an incomplete list proves nothing."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Answer(Struct, frozen=True):
    """The answer to one path.

    `evidence` is the source that decides (a QMP command, with its argument where it has one),
    `why` says in words how, `entity` names the SchemaInfo entry a type path leads to, and
    `position` is the component at which a "no" stops, counted from 0; `left_out` tells that the
    source has it and this build does not, so that nothing else is meant.
    """

    verdict: Verdict
    evidence: str
    why: str = ""
    entity: str | None = None
    position: int | None = None
    left_out: bool = False


def decide(*, holds: bool, evidence: str, why: str = "", position: int | None = None) -> Answer:
    """Answer from a complete source: what it does not have does not exist."""
    if holds:
        return Answer(Verdict.YES, evidence, why)
    return Answer(Verdict.NO, evidence, why, position=position)


def unknown(evidence: str, why: str) -> Answer:
    """Answer that nothing known decides, and why."""
    return Answer(Verdict.UNKNOWN, evidence, why)

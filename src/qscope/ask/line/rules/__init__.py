"""All rules: what types cannot say. Each is a record and a generator, in one module a subject."""

from qscope.ask.line.rules import blockdevs, drives, ids, limits, references
from qscope.ask.line.rules.rule import Fault, Rule

RULES: tuple[Rule, ...] = (
    *blockdevs.RULES,
    *drives.RULES,
    *ids.RULES,
    *limits.RULES,
    *references.RULES,
)

__all__ = ["RULES", "Fault", "Rule"]

"""All rules: what types cannot say. Each is a record and a generator, in one module a subject."""

from qscope.ask.line.rules import (
    blockdevs,
    boot,
    buses,
    clocks,
    devices,
    drives,
    ids,
    limits,
    memory,
    pci,
    plain,
    references,
    smp,
)
from qscope.ask.line.rules.rule import Fault, Rule

RULES: tuple[Rule, ...] = (
    *blockdevs.RULES,
    *boot.RULES,
    *buses.RULES,
    *clocks.RULES,
    *devices.RULES,
    *drives.RULES,
    *ids.RULES,
    *limits.RULES,
    *memory.RULES,
    *pci.RULES,
    *plain.RULES,
    *references.RULES,
    *smp.RULES,
)

__all__ = ["RULES", "Fault", "Rule"]

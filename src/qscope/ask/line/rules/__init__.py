"""All rules: what types cannot say. Each is a record and a generator, in one module a subject."""

from qscope.ask.line.rules import (
    applied,
    blockdevs,
    boot,
    buses,
    clocks,
    devices,
    drives,
    hmat,
    ids,
    limits,
    machines,
    memory,
    numa,
    pci,
    plain,
    references,
    smp,
)
from qscope.ask.line.rules.rule import Fault, Rule

RULES: tuple[Rule, ...] = (
    *applied.RULES,
    *blockdevs.RULES,
    *boot.RULES,
    *buses.RULES,
    *clocks.RULES,
    *devices.RULES,
    *drives.RULES,
    *hmat.RULES,
    *ids.RULES,
    *limits.RULES,
    *machines.RULES,
    *memory.RULES,
    *numa.RULES,
    *pci.RULES,
    *plain.RULES,
    *references.RULES,
    *smp.RULES,
)

__all__ = ["RULES", "Fault", "Rule"]

"""All rules: what types cannot say. Each is a record and a generator, in one module a subject."""

from qscope.ask.line.rules import (
    applied,
    blockdevs,
    boot,
    buses,
    chardevs,
    clocks,
    devices,
    drives,
    hmat,
    ids,
    limits,
    machines,
    memory,
    networks,
    nics,
    numa,
    pci,
    plain,
    references,
    smp,
    sockets,
    usernet,
)
from qscope.ask.line.rules.rule import Fault, Rule

RULES: tuple[Rule, ...] = (
    *applied.RULES,
    *blockdevs.RULES,
    *boot.RULES,
    *buses.RULES,
    *chardevs.RULES,
    *clocks.RULES,
    *devices.RULES,
    *drives.RULES,
    *hmat.RULES,
    *ids.RULES,
    *limits.RULES,
    *machines.RULES,
    *memory.RULES,
    *networks.RULES,
    *nics.RULES,
    *numa.RULES,
    *pci.RULES,
    *plain.RULES,
    *references.RULES,
    *smp.RULES,
    *sockets.RULES,
    *usernet.RULES,
)

__all__ = ["RULES", "Fault", "Rule"]

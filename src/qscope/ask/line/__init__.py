"""Would QEMU accept this command line? In: an interface and words. Out: findings.

No QEMU is started: what cannot be told is a finding, too.
"""

from qscope.ask.line.check import check_line

__all__ = ["check_line"]

"""Judge -global, which sets a property of every device of a driver.

In: a line and an occurrence of -global. Out: findings. QEMU takes a driver that it does not have,
and looks at a property only when a device is made: most of what is wrong is a warning.
"""

from collections.abc import Iterator

from qscope.ask.finding import Finding
from qscope.ask.line.line import Line, Occurrence


def judge_global(_: Line, occurrence: Occurrence) -> Iterator[Finding]:
    """Yield what is wrong with one -global."""
    for name in ("driver", "property", "value"):
        if name not in occurrence.parameters:
            yield Finding("member-missing", name, f"{name} is mandatory")

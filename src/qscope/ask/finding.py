"""What judging gives: one thing that is wrong, doubtful or worth a warning, and what is right.

Findings are yielded in the order in which they were met, never printed.
"""

import enum
from collections.abc import Iterable

from msgspec import Struct

from qscope.ask.answer import Verdict


class Severity(enum.Enum):
    """How bad it is.

    QEMU refuses it; QEMU takes it and warns; nothing known decides; or it depends on the host.
    """

    ERROR = "error"
    WARNING = "warning"
    UNKNOWN = "unknown"
    NOTE = "note"


class Finding(Struct, frozen=True, omit_defaults=True):
    """One finding.

    `rule` is the id of what found it, for ever the same; `where` is the member, parameter or option
    that is meant, as the user wrote it; `message` says in one line what is wrong and what was
    given; `right` what would be right; `suggestions` are names that may have been meant.
    `evidence` is the source that decides. `position`
    is, in a command line, the word that is the option, counted from 0.
    """

    rule: str
    where: str
    message: str
    severity: Severity = Severity.ERROR
    right: str = ""
    evidence: str = ""
    suggestions: tuple[str, ...] = ()
    position: int | None = None

    def __str__(self) -> str:
        """Lay it out in one line: where, what, what is right."""
        hint = f" (did you mean {' or '.join(map(repr, self.suggestions))}?)"
        right = f"; {self.right}" if self.right else ""
        start = f"{self.where}: " if self.where else ""
        return f"{start}{self.message}{hint if self.suggestions else ''}{right}"


def conclude(findings: Iterable[Finding]) -> Verdict:
    """Return no where something is refused, unknown where something cannot be told, else yes."""
    severities = {finding.severity for finding in findings}
    if Severity.ERROR in severities:
        return Verdict.NO
    return Verdict.UNKNOWN if Severity.UNKNOWN in severities else Verdict.YES

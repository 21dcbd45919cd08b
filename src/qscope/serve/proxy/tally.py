"""What a run has come to: how many messages passed, what of it would be refused, what is new."""

import re

from qscope.ask.answer import Verdict
from qscope.ask.finding import Finding, conclude
from qscope.ask.validation.words import clip
from qscope.serve.proxy.judge import Judged

# Rules whose finding is another one when it is about another name: a driver, a value.
_NAMING = frozenset(("message", "name-unknown", "property-unknown", "value-unknown"))
_INDEX = re.compile(r"\[[0-9]+\]")
# Who sends more that is distinct sends what is made up.
_MOST = 10_000


class Tally:
    """Counts what was judged. `lost` are clients of whom not all was judged."""

    def __init__(self) -> None:
        self.commands = 0
        self.others = 0
        self.refused = 0
        self.unknown = 0
        self.repeated = 0
        self.lost = 0
        self._kinds: set[str] = set()
        self._seen: set[tuple[str, ...]] = set()

    def add(self, judged: Judged) -> list[Finding]:
        """Count a message; return those of its findings that no message had before."""
        if judged.is_command:
            self._count_command(judged)
        else:
            self.others += 1
        new = [each for each in judged.findings if self._is_new(judged.command, each)]
        self.repeated += len(judged.findings) - len(new)
        return new

    @property
    def verdict(self) -> Verdict:
        """Whether everything that passed would be accepted."""
        if self.refused or self.others:
            return Verdict.NO
        return Verdict.UNKNOWN if self.unknown or self.lost else Verdict.YES

    def describe(self) -> str:
        """Say it in one line."""
        parts = [f"{_many(self.commands, 'command')} of {_many(len(self._kinds), 'kind')} passed"]
        parts.append(f"{self.refused} would be refused")
        parts += [f"{self.unknown} cannot be told"] if self.unknown else []
        if self.others:
            were = "was no command" if self.others == 1 else "were no commands"
            parts.append(f"{_many(self.others, 'more message')} {were}")
        if self.lost:
            parts.append(f"of {_many(self.lost, 'client')} not all was judged")
        return ", ".join(parts)

    def _count_command(self, judged: Judged) -> None:
        self.commands += 1
        if judged.command is not None and len(self._kinds) < _MOST:
            self._kinds.add(clip(judged.command))
        verdict = conclude(judged.findings)
        self.refused += verdict is Verdict.NO
        self.unknown += verdict is Verdict.UNKNOWN

    def _is_new(self, command: str | None, finding: Finding) -> bool:
        key = [clip(command or ""), finding.rule, _INDEX.sub("[]", finding.where)]
        if finding.rule in _NAMING:
            key.append(finding.message)
        is_new = tuple(key) not in self._seen and len(self._seen) < _MOST
        if is_new:
            self._seen.add(tuple(key))
        return is_new


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"

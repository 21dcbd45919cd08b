"""What is wrong with a name: IDs that are none, names of types that do not exist.

In: what was given. Out: `Finding`s.
"""

import re
from collections.abc import Collection, Iterator
from typing import Any

from qscope.ask.answer import Answer, Verdict
from qscope.ask.finding import Finding, Severity
from qscope.ask.validation.words import show_value
from qscope.model.near import near

# QEMU's util/id.c, id_wellformed.
_ID = re.compile(r"[A-Za-z][A-Za-z0-9._-]*", re.ASCII)
_RIGHT_ID = "takes a letter, then letters, digits, '-', '.' and '_'"


def is_id(text: Any) -> bool:
    """Whether QEMU takes this as an ID."""
    return isinstance(text, str) and _ID.fullmatch(text) is not None


def find_bad_id(
    arguments: dict[Any, Any], name: str, severity: Severity, evidence: str
) -> Iterator[Finding]:
    """Yield that the string in the member `name` is no ID, if that is so."""
    value = arguments.get(name)
    if isinstance(value, str) and not is_id(value):
        message = f"{show_value(value)} is no identifier"
        yield Finding("id", name, message, severity, right=_RIGHT_ID, evidence=evidence)


def find_absent(
    where: str, value: str, what: str, present: Answer, names: Collection[str]
) -> Iterator[Finding]:
    """Yield that there is nothing called `value`, or that it cannot be told, by an answer."""
    if present.verdict is Verdict.YES:
        return
    is_unknown = present.verdict is Verdict.UNKNOWN
    message = (
        f"{show_value(value)} is {'perhaps ' if is_unknown else ''}no {what} that a user can add"
    )
    reason = f": {present.why}" if is_unknown and present.why else ""
    yield Finding(
        "name-unknown",
        where,
        message + reason,
        Severity.UNKNOWN if is_unknown else Severity.ERROR,
        evidence=present.evidence,
        suggestions=() if is_unknown else tuple(near(value, sorted(names))),
    )

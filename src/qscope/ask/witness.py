"""Answers by a witness: what QEMU does tell stands for what it does not, and the answer says so.

In: an interface and a fact. Out: an `Answer` whose evidence begins with "witness ", or an honest
unknown. Nothing here rests on a version: what releases did is told, never concluded from.
"""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from qscope.ask.answer import Answer, Verdict, unknown
from qscope.ask.path import Path
from qscope.ask.witness_table import Behaviour, Witness, describe_checks, load_table
from qscope.errors import PathError
from qscope.model.interface import Interface
from qscope.model.near import near

# Answers any path; raises PathError. query.py has it, and hands it on: witnesses are paths again.
Asking: TypeAlias = Callable[[Interface, str], Answer]


class ListedBehaviour(NamedTuple):
    """A behaviour that can be asked for, and the path of its witness if it has one."""

    name: str
    text: str
    since: str | None
    until: str | None
    witness: str | None


def list_behaviours() -> list[ListedBehaviour]:
    """Return every behaviour that can be asked for, sorted by name."""
    table = load_table()
    found = []
    for row in table.behaviours.values():
        witness = table.witnesses.get(f"behaviour:{row.name}")
        path = witness.path if witness else None
        found.append(ListedBehaviour(row.name, row.text, row.since, row.until, path))
    return sorted(found)


def ask_behaviour(interface: Interface, path: Path, ask: Asking) -> Answer:
    """Answer `behaviour:NAME`. Raises PathError for a name that no behaviour has."""
    if path.steps:
        raise PathError(
            f"malformed path: nothing comes behind the name of a behaviour: {path.text!r}"
        )
    table = load_table()
    row = table.behaviours.get(path.name)
    if row is None:
        raise PathError(_explain_unknown_name(path.name, list(table.behaviours)))
    return ask_witness(interface, path.text, ask) or unknown("", _explain_no_witness(row))


def ask_witness(interface: Interface, fact: str, ask: Asking) -> Answer | None:
    """Answer a fact by its witness; None where it has none.

    `fact` is the text of a path. Ask only where there is no direct evidence.
    """
    row = load_table().witnesses.get(fact)
    if row is None:
        return None
    if row.given and _ask_calmly(interface, row.given, ask).verdict is not Verdict.YES:
        why = f"the witness speaks only where {row.given!r} is answered with yes"
        return unknown(f"witness {row.path}", why)
    return _judge(row, _ask_calmly(interface, row.path, ask))


def _ask_calmly(interface: Interface, path: str, ask: Asking) -> Answer:
    """Answer a path, also where a broken schema makes it an error."""
    try:
        return ask(interface, path)
    except PathError as error:
        return unknown(interface.schema_source, str(error))


def _judge(row: Witness, found: Answer) -> Answer:
    """Conclude from what the witness says."""
    evidence = f"witness {row.path}"
    if found.verdict is Verdict.UNKNOWN:
        return unknown(evidence, f"the witness cannot tell: {found.why}")
    if found.verdict is Verdict.NO and row.absent == "unknown":
        why = f"the witness is not there, which proves nothing: {_explain(row, found)}"
        return unknown(evidence, why)
    return Answer(found.verdict, evidence, f"only a witness says so: {_explain(row, found)}")


def _explain(row: Witness, found: Answer) -> str:
    checks = f"checked on QEMU {describe_checks(row.checked)} by {row.how}"
    return f"{row.why}; {checks}; the witness rests on {found.evidence}"


def _explain_no_witness(row: Behaviour) -> str:
    releases = []
    if row.since:
        releases.append(f"upstream does so since {row.since}")
    if row.until:
        releases.append(f"upstream did so before {row.until}")
    releases.append(f"seen on QEMU {describe_checks(row.checked)} by {row.how}")
    hint = "; ".join(releases)
    return f"no introspection shows it, and a version is no proof ({hint})"


def _explain_unknown_name(name: str, names: list[str]) -> str:
    guesses = " or ".join(repr(each) for each in near(name, names))
    hint = f"; did you mean {guesses}?" if guesses else ": 'qscope list --behaviours' names them"
    return f"malformed path: no behaviour is called {name!r}{hint}"

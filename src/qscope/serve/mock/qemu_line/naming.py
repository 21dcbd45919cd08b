"""-name and -uuid, which two commands tell.

In: what a line asks for, and a snapshot. Out: rules that answer so, where the QEMU has the
commands. Without the options it is as recorded, or made up.
"""

from collections.abc import Iterator

from msgspec import Raw

from qscope.model.snapshot import Snapshot
from qscope.serve.mock.answers import Answer, Rule
from qscope.serve.mock.qemu_line.asked import Asked


def list_rules(asked: Asked, snapshot: Snapshot) -> Iterator[Rule]:
    """Yield a rule for each of the two that is given."""
    if asked.name is not None and _has(snapshot, "query-name"):
        answer = Answer(result={"name": asked.name})
        yield Rule(command="query-name", answer=answer, place="-name")
    if asked.uuid is not None and _has(snapshot, "query-uuid"):
        answer = Answer(result={"UUID": asked.uuid})
        yield Rule(command="query-uuid", answer=answer, place="-uuid")


def _has(snapshot: Snapshot, command: str) -> bool:
    """Whether a schema has a command: its text tells."""
    schemas = (each.result for each in snapshot.exchanges if each.execute == "query-qmp-schema")
    quoted = b'"%s"' % command.encode()
    return any(isinstance(each, Raw) and quoted in bytes(each) for each in schemas)

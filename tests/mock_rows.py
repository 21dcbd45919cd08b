"""The table of exchanges that a mock has like the QEMU of whose snapshot it is made.

In: mock_rows.txt, which says how to read it. Out: rows as protocol_rows.py has them, and those that
a mock cannot have alike, with both outcomes.
"""

import re
from pathlib import Path
from typing import NamedTuple

from tests.protocol_rows import Row, Session

_TABLE = Path(__file__).with_name("mock_rows.txt")
_HEAD = re.compile(
    r"(?P<topic>.+?)(?: \((?P<session>raw|plain|oob)\))?(?:: (?P<around>.*\.\.\..*))?"
)
_DIFFERING = "differs"
# A string, an integer, a number, a boolean, an object, an array, null.
_KINDS = ('"x"', "1", "1.5", "true", "{}", "[]", "null")


class Difference(NamedTuple):
    """A row, and what QEMU and the mock say: types of replies, classes of errors."""

    row: Row
    real: str
    mock: str


def read_rows():
    """Yield the rows on which both agree."""
    for topic, session, lines in _read_sections():
        if topic != _DIFFERING:
            for first, *more in _join_sessions(lines):
                data = b"".join(_encode(line) for line in [first, *more])
                yield Row(f"{topic}: {first}", (data,), session)


def read_differences():
    """Yield the rows on which they do not."""
    for topic, session, lines in _read_sections():
        if topic == _DIFFERING:
            for line in lines:
                text, real, mock = line.split(" | ")
                yield Difference(Row(text, (_encode(text),), session), real, mock)


def _read_sections():
    """Yield the topic, the session and the lines of each section."""
    _introduction, *sections = re.split(r"^=== ", _TABLE.read_text(), flags=re.MULTILINE)
    for section in sections:
        head, *lines = section.strip("\n").split("\n")
        found = _HEAD.fullmatch(head)
        assert found, head
        around = found["around"] or "..."
        session = Session(found["session"] or "plain")
        yield found["topic"], session, [around.replace("...", line) for line in lines]


def _join_sessions(lines):
    """Return lists of lines: each with those behind it that go on with its session."""
    sessions: list[list[str]] = []
    for line in lines:
        if line.startswith("+ "):
            sessions[-1].append(line.removeprefix("+ "))
        else:
            sessions.append([line])
    return sessions


def _encode(line):
    """Return the bytes of a line, or of several if a value of each kind stands in it."""
    values = _KINDS if "<?>" in line else ("",)
    return b"".join(_write_message(line.replace("<?>", value)) for value in values)


def _write_message(line):
    name, _, arguments = line.partition(" ")
    if not line.startswith("{"):
        given = f', "arguments": {arguments}' if arguments else ""
        line = f'{{"execute": "{name}"{given}}}'
    return f"{line}\n".encode()

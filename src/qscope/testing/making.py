"""From what a test says to the mock that it wants.

In: a snapshot or a schema, and words about how to answer. Out: a `MockServer`, which does not serve
yet. Whatever is wrong with the words is a QscopeError here, before there is a mock.
"""

import os
from collections.abc import Collection
from typing import TypeAlias

from qscope.errors import ArgumentError, ServeError
from qscope.load import load_snapshot
from qscope.load.opening import EMBEDDED
from qscope.load.text import read_text
from qscope.model.snapshot import Snapshot, decode_snapshot
from qscope.serve.mock import (
    Answers,
    Manner,
    MockServer,
    mock_schema,
    mock_snapshot,
    parse_answers,
    parse_compat,
)
from qscope.serve.policy import ACCEPT, Policy

Path: TypeAlias = str | os.PathLike[str]


def make_server(
    snapshot: Path | bytes | Snapshot | None,
    schema: Path | None,
    defines: Collection[str],
    manner: Manner,
) -> MockServer:
    """Return the mock of a snapshot or of a schema. Raises QscopeError."""
    if schema is None:
        if defines:
            raise ServeError("defines are for a schema: a snapshot shows what was built")
        return mock_snapshot(find_snapshot(snapshot), manner)
    if snapshot is not None:
        raise ServeError("snapshot and schema exclude each other: a mock stands for one of them")
    return mock_schema(schema, manner, defines=defines)


def find_snapshot(source: Path | bytes | Snapshot | None) -> Snapshot:
    """Return the snapshot that is meant; None is the one in qscope, whatever else there is.

    Raises SnapshotError, TargetError, ProbeError.
    """
    if isinstance(source, Snapshot):
        return source
    if isinstance(source, bytes):
        return decode_snapshot(source)
    return load_snapshot(EMBEDDED if source is None else os.fspath(source)).snapshot


def read_answers(answers: Path | Answers | None) -> Answers | None:
    """Return the rules of a file, of a text, or of others: these count anew.

    Raises ServeError, TargetError.
    """
    if answers is None:
        return None
    if isinstance(answers, Answers):
        return Answers(answers.rules, answers.timed)
    if isinstance(answers, str) and is_text(answers):
        return parse_answers(answers, "answers")
    path = os.fspath(answers)
    return parse_answers(read_text(path), path)


def is_text(answers: str) -> bool:
    """Whether a string is the text of a file of answers, and not its path."""
    return not answers.strip() or "\n" in answers or answers.lstrip().startswith("[[")


def read_policy(compat: str | Policy | None) -> Policy:
    """Return what is said as for QEMU's -compat. Raises ServeError, also for `crash`."""
    if compat is None:
        return ACCEPT
    try:
        policy = parse_compat(compat) if isinstance(compat, str) else compat
    except ArgumentError as error:
        raise ServeError(f"compat: {error}") from error
    if "crash" in (policy.deprecated_input, policy.unstable_input):
        raise ServeError(
            "compat: crash aborts the process, and that is the tests' own; reject is right"
        )
    return policy

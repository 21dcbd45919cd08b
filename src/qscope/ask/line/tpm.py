"""Judge -tpmdev: QEMU takes any parameter when it parses it, and refuses it when it makes it.

In: a line and an occurrence. Out: findings.
"""

from collections.abc import Iterator

from qscope.ask.finding import Finding
from qscope.ask.line.host import note
from qscope.ask.line.line import Line, Occurrence, doubt_parameters


def judge_tpmdev(line: Line, occurrence: Occurrence) -> Iterator[Finding]:
    """Yield what is wrong with one -tpmdev."""
    option = occurrence.option
    if option is None or option.arg_type is None:
        yield doubt_parameters()
        return
    given = dict(occurrence.parameters)
    if "type" not in given:
        yield Finding("member-missing", "type", "it is missing")
    yield from line.make_checker(occurrence).check(option.arg_type, given, "")
    if given.get("type") == "passthrough":
        yield note("the host must have a TPM", "path" if "path" in given else "")
    elif given.get("type") == "emulator":
        yield note("swtpm must run", "chardev")

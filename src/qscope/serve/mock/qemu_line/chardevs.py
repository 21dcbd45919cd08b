"""The character devices of a line that a monitor may have.

In: the argument of -chardev, or of -qmp. Out: `Backend`. Raises ArgumentError.
"""

from collections.abc import Mapping

from msgspec import Struct

from qscope.ask.syntax.qemuopts import parse_qemuopts
from qscope.ask.validation.names import is_id
from qscope.errors import ArgumentError


class Backend(Struct, frozen=True):
    """A character device: its ID, its kind, its parameters, and the option that made it."""

    id: str
    kind: str
    parameters: Mapping[str, str]
    typed: str


def read_chardev(text: str, typed: str) -> Backend:
    """Return what the argument of -chardev makes; `typed` is the whole option, for messages."""
    given = parse_qemuopts(text, "backend")
    # Of several values the last counts, but of IDs the first (util/qemu-option.c).
    parameters = {each.name: each.value for each in given}
    ident = next((each.value for each in given if each.name == "id"), None)
    if ident is None:
        raise ArgumentError(f"{typed}: chardev: no id specified")
    if not is_id(ident):
        raise ArgumentError(f"{typed}: Parameter 'id' expects an identifier")
    return Backend(ident, parameters.get("backend", ""), parameters, typed)


def read_device(text: str, ident: str, typed: str) -> Backend:
    """Return what the argument of -qmp makes; a multiplexer in front of it changes nothing."""
    # Not above: with all that judges lines it takes 20 ms, which -chardev need not wait for.
    from qscope.ask.line.stream import parse_stream  # noqa: PLC0415

    try:
        stream = parse_stream(text)
    except ArgumentError as error:
        raise ArgumentError(f"{typed}: {error}") from error
    return Backend(ident, stream.backend, stream.parameters, typed)

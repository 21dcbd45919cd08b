"""Every exception qscope raises, and nothing else: the whole tree in one place.

Callers catch the branch they can handle; the command line turns any of them into one line on
stderr and exit status 2 (a SchemaError into as many lines as QEMU prints). What was *found* (a
missing command, a probe source that failed) is a return value, never an exception.
"""

from typing import NamedTuple


class Location(NamedTuple):
    """A place in a file. Lines and columns count from 1; None where there is none."""

    file: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        file, *rest = self
        return ":".join([file or "''", *(str(part) for part in rest if part is not None)])


class QscopeError(Exception):
    """Something could not be done; `str()` is one clear line for a person."""


class TargetError(QscopeError):
    """What the user named is no snapshot, no socket and no binary that qscope can open."""


class SnapshotError(QscopeError):
    """A saved interface cannot be read: not a known form, damaged, or too large."""


class PathError(QscopeError):
    """A path query is malformed, or leads into a broken schema (libvirt answers -1)."""


class ArgumentError(QscopeError):
    """The argument of a command line option is malformed in its syntax; says what is right."""


class RequirementsError(QscopeError):
    """A file of requirements cannot be used; `mistakes` has a line for each thing wrong with it."""

    def __init__(self, mistakes: tuple[str, ...]) -> None:
        more = f" (and {len(mistakes) - 1} more)" if len(mistakes) > 1 else ""
        super().__init__(f"{mistakes[0]}{more}")
        self.mistakes = mistakes


class UnknownNameError(QscopeError):
    """A name to show or list does not exist in this interface."""


# What a damaged schema calls something can be as long as the schema.
_MAX_MESSAGE = 1000


class SchemaError(QscopeError):
    """A QAPI schema breaks a rule of the language, or cannot be read.

    `message` is one line. `location` is the place that QEMU's front end names, `context` the
    definition (`struct 'X'`) when the error is in one, `included_from` the places of the `include`
    directives that led there, outermost first, `notes` other places with a line each. `str()` lays
    all of it out as QEMU does; the error's own place comes last.
    """

    def __init__(
        self,
        message: str,
        location: Location,
        *,
        context: str | None = None,
        included_from: tuple[Location, ...] = (),
        notes: tuple[tuple[Location, str], ...] = (),
    ) -> None:
        if len(message) > _MAX_MESSAGE:
            message = f"{message[:_MAX_MESSAGE]}…"
        chain = [f"In file included from {place}:" for place in included_from]
        within = [f"{location.file}: In {context}:"] if context else []
        others = [f"{place}: {text}" for place, text in notes]
        super().__init__("\n".join([*others, *chain, *within, f"{location}: {message}"]))
        self.message = message
        self.location = location
        self.context = context
        self.included_from = included_from
        self.notes = notes


class DocError(SchemaError):
    """A documentation comment breaks a rule; a schema parsed with `docs="ignore"` has none."""


class ProbeError(QscopeError):
    """A QEMU could not be asked: it did not start, died, hung, or did not speak QMP."""


class QMPError(QscopeError):
    """Talking QMP failed."""


class ConnectError(QMPError):
    """Nobody listens at the address."""


class ProtocolError(QMPError):
    """The peer sent something that is not QMP."""


class DeadlineError(QMPError):
    """The peer did not answer in time."""


class DisconnectError(QMPError):
    """The peer closed the connection before it answered."""


class CommandError(QMPError):
    """The server refused a command.

    `error_class` is QMP's machine-readable class (`CommandNotFound`, `GenericError`, …) and `desc`
    its human-readable text, which is no interface: compare classes, never texts.
    """

    def __init__(self, command: str, error_class: str, desc: str) -> None:
        super().__init__(f"{command}: {desc} ({error_class})")
        self.command = command
        self.error_class = error_class
        self.desc = desc


class ServeError(QscopeError):
    """A server cannot be made or started: schema and handlers disagree, an address is taken."""


class RefusalError(QscopeError):
    """A command is refused: what a handler raises, and what its arguments are refused with.

    `desc` is the text on the wire, `error_class` QMP's class.
    """

    def __init__(self, desc: str, error_class: str = "GenericError") -> None:
        super().__init__(desc)
        self.desc = desc
        self.error_class = error_class

"""Every exception qscope raises, and nothing else: the whole tree in one place.

Callers catch the branch they can handle; the command line turns any of them into one line on
stderr and exit status 2. What was *found* (a missing command, a probe source that failed) is a
return value, never an exception.
"""


class QscopeError(Exception):
    """Something could not be done; `str()` is one clear line for a person."""


class TargetError(QscopeError):
    """What the user named is no snapshot, no socket and no binary that qscope can open."""


class SnapshotError(QscopeError):
    """A saved interface cannot be read: not a known form, damaged, or too large."""


class PathError(QscopeError):
    """A path query is malformed, or leads into a broken schema (libvirt answers -1)."""


class UnknownNameError(QscopeError):
    """A name to show or list does not exist in this interface."""


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

"""The `qscope` command: finds the subcommand's module, and turns every error into one line.

Exit status: 0 yes, 1 no, 2 could not do it, 3 cannot tell; 128 + n when signal n ended it.
"""

import importlib
import os
import signal
import sys
from types import FrameType
from typing import NoReturn

import click

from qscope._version import __version__
from qscope.errors import QscopeError

# Subcommand -> the module in qscope.cli that has it as `command`.
_MODULES = {
    "probe": "probe",
    "query": "query",
    "list": "listing",
    "show": "show",
    "cache": "cache",
    "completion": "completion",
}
_PIPE_CLOSED = 128 + signal.SIGPIPE


class _LazyGroup(click.Group):
    """Imports a subcommand when it is used: `query` must not pay for `probe`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_MODULES)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in _MODULES:
            return None
        module = importlib.import_module(f"qscope.cli.{_MODULES[name]}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in _MODULES and not args[0].startswith("-"):
            from qscope.ask.suggest import near  # noqa: PLC0415 - only for a typo

            guesses = near(args[0], list(_MODULES))
            hint = f" Did you mean '{guesses[0]}'?" if guesses else ""
            raise click.UsageError(f"No such command '{args[0]}'.{hint}", ctx)
        return super().resolve_command(ctx, args)


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="qscope", message="%(prog)s %(version)s")
def qscope() -> None:
    """Know what a QEMU can do: its interface as data.

    S, wherever a command takes --snapshot S, is a snapshot file, a QMP socket (unix:PATH or
    HOST:PORT), a QEMU binary (asked once, then cached), or - for a snapshot on stdin. Without it:
    $QSCOPE_SNAPSHOT, else the first QEMU on PATH, else the snapshot that ships with qscope.

    Exit status: 0 yes, 1 no, 2 could not do it, 3 cannot tell.
    """


def main() -> NoReturn:
    """Run the command line and exit."""
    signal.signal(signal.SIGTERM, _end_on_signal)
    try:
        status = qscope.main(prog_name="qscope", standalone_mode=False)
        sys.stdout.flush()
    except QscopeError as error:
        status = _complain(str(error))
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        status = 128 + signal.SIGINT
    except BrokenPipeError:
        # Who read stdout has seen enough; Python must not complain about that when it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = _PIPE_CLOSED
    except OSError as error:
        status = _complain(f"{error.filename or 'output'}: {error.strerror}")
    sys.exit(status if isinstance(status, int) else 0)


def _complain(message: str) -> int:
    # One line, whatever a QEMU's last words contain.
    text = " ".join(message.split())
    printable = "".join(each if each.isprintable() else "?" for each in text)
    click.echo(f"qscope: {printable}", err=True)
    return 2


def _end_on_signal(number: int, _: FrameType | None) -> NoReturn:
    """End as an exception does, so that every QEMU is reaped on the way out."""
    sys.exit(128 + number)

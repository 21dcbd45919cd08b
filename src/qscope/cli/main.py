"""The `qscope` command: finds the subcommand's module, and turns every error into one line.

Exit status: 0 yes, 1 no, 2 could not do it, 3 cannot tell; 128 + n when signal n ended it.
"""

import contextlib
import importlib
import io
import os
import signal
import sys
from typing import NoReturn, TextIO

import click
import click.exceptions

from qscope._version import __version__
from qscope.errors import QscopeError, SchemaError

# Subcommand -> the module in qscope.cli that has it as `command`.
_MODULES = {
    "probe": "probe",
    "compile": "compiling",
    "query": "query",
    "list": "listing",
    "show": "show",
    "check": "check",
    "call": "call",
    "validate": "validate",
    "serve": "serving",
    "proxy": "proxy",
    "check-cli": "check_cli",
    "cache": "cache",
    "completion": "completion",
}
# 128 + the signals' numbers, as a shell says it.
_INTERRUPTED, _PIPE_CLOSED = 130, 141


class _LazyGroup(click.Group):
    """Imports a subcommand when it is used: `query` must not pay for `probe`."""

    def list_commands(self, _: click.Context) -> list[str]:
        return list(_MODULES)

    def get_command(self, _: click.Context, name: str) -> click.Command | None:
        if name not in _MODULES:
            return None
        module = importlib.import_module(f"qscope.cli.{_MODULES[name]}")
        _catch_interrupts()
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in _MODULES and not args[0].startswith("-"):
            from qscope.model.near import near  # noqa: PLC0415 - only for a typo

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
    """Run the command line and exit.

    Without taking the interpreter apart: that alone costs 5 ms of a 55 ms query, and nothing is
    left to be done. Every QEMU is reaped where it was started.
    """
    _open_streams()
    status = _run()
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        status = _PIPE_CLOSED
    except OSError as error:
        status = _complain(f"cannot write the output: {error.strerror}")
    with contextlib.suppress(OSError):
        sys.stderr.flush()
    os._exit(status)


def _catch_interrupts() -> None:
    """Have a Ctrl-C raised from here on, which __main__.py had end the program."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _open_streams() -> None:
    """Have all three streams, also where the caller closed some; never fail to show a character."""
    sys.stdin = sys.stdin or open(os.devnull)  # noqa: SIM115 - open to the end
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _run() -> int:
    stdout = sys.stdout
    try:
        status = qscope.main(prog_name="qscope", standalone_mode=False)
    except SchemaError as error:
        from qscope.cli.common import echo_schema_error  # noqa: PLC0415 - see _complain

        return echo_schema_error(error, 2)
    except QscopeError as error:
        return _complain(str(error))
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return error.exit_code
    except click.ClickException as error:
        # Click would print its usage first; one line is enough, and it says where the usage is.
        context = getattr(error, "ctx", None)
        hint = f" (see '{context.command_path} --help')" if context else ""
        _complain(error.format_message() + hint)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return _INTERRUPTED
    except BrokenPipeError:
        # Who read stdout has seen enough.
        return _PIPE_CLOSED
    except OSError as error:
        return _complain(f"{error.filename or 'output'}: {error.strerror}")
    except SystemExit as end:
        return _read_status(end, stdout)
    except Exception as error:  # noqa: BLE001 - status 1 would mean "no", and that it is not
        return _complain(f"internal error, please report it: {_locate(error)}: {error!r}")
    return status if isinstance(status, int) else 0


def _read_status(end: SystemExit, stdout: TextIO) -> int:
    """Return the status of a signal that asked to end, of click's completion, or of its own end."""
    # Click ends with 1 when a reader leaves early, after wrapping stdout; here 1 means "no".
    if sys.stdout is not stdout:
        return _PIPE_CLOSED
    return end.code if isinstance(end.code, int) else 0


def _locate(error: Exception) -> str:
    """Return the file and line at which an exception was raised."""
    import traceback  # noqa: PLC0415 - only for a bug

    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{os.path.basename(frame.filename)}:{frame.lineno}"


def _complain(message: str) -> int:
    from qscope.cli.common import note  # noqa: PLC0415 - it imports what an error may come from

    note(message)
    return 2

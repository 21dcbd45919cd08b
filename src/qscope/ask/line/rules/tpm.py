"""Rules about TPM back ends (backends/tpm)."""

from collections.abc import Iterator

from qscope.ask.line.backends import index_chardevs, is_server, is_unix
from qscope.ask.line.given import list_given
from qscope.ask.line.line import Line
from qscope.ask.line.rules.rule import ALL, Fault, Rule


def find_demands(line: Line) -> Iterator[Fault]:
    """Yield what a back end lacks."""
    for given in list_given(line, "tpmdev"):
        if not given.has("id"):
            yield Fault(given.occurrence, "id", "an ID is mandatory")
        if given.get("type") == "emulator" and not given.has("chardev"):
            yield Fault(given.occurrence, "chardev", "it is missing")


def find_chardevs(line: Line) -> Iterator[Fault]:
    """Yield each emulator whose character device can be no emulator's control channel."""
    made = index_chardevs(line)
    for given in list_given(line, "tpmdev"):
        backend = made.get(given.get("chardev"))
        if given.get("type") != "emulator" or backend is None:
            continue
        if is_server(backend) or not is_unix(backend):
            what = f"{backend.name!r} is no client of a UNIX socket"
            yield Fault(given.occurrence, "chardev", what)


RULES = (
    Rule(
        "tpm-demand",
        "an emulator is another process",
        ALL,
        "-tpmdev emulator,id=t0",
        "-chardev null,id=c0",
        find_demands,
    ),
    Rule(
        "tpm-chardev",
        "QEMU hands the emulator a file descriptor",
        ALL,
        "-chardev null,id=c0 -tpmdev emulator,id=t0,chardev=c0",
        "-chardev null,id=c0",
        find_chardevs,
    ),
)

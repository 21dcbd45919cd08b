"""What QEMU prints and ends: its version, its options, and what `help` lists.

In: a line's options, and a snapshot. Out: `Printed`. What was recorded goes before what is made of
QMP's answers, which do not tell all that QEMU prints. Raises ArgumentError for what nothing tells.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from msgspec import UNSET

from qscope.ask.options import list_options
from qscope.ask.owner import find_machine, resolve_driver
from qscope.ask.syntax.words import Word
from qscope.errors import ArgumentError
from qscope.model.command_runs import ASK_WORDS, HELP, START
from qscope.model.interface import Interface
from qscope.model.listings import CpuModel, Machine
from qscope.model.properties import Asked, Property
from qscope.model.snapshot import Snapshot
from qscope.model.transcript import Run, Transcript, read_result
from qscope.serve.mock.qemu_line.asked import show

_WORDS = ("help", "?")
# Options whose argument may ask for help; `help` is the name of a guest.
_HELPFUL = frozenset(
    (
        "M", "accel", "audio", "audiodev", "chardev", "cpu", "d", "device", "display", "fsdev",
        "machine", "net", "netdev", "nic", "object", "soundhw", "tpmdev", "trace", "vga",
        "watchdog",
    )
)  # fmt: skip


class Printed(NamedTuple):
    """What is printed, and the exit status."""

    text: str
    status: int = 0


def find_help(words: Iterable[Word], snapshot: Snapshot) -> Printed | None:
    """Return what the first option prints that ends QEMU by printing; None if none does."""
    for word in words:
        if word.name in ("version", "h", "help"):
            return _print_plain(word.name, snapshot)
        if word.name in _HELPFUL and _asks_for_help(word.argument or ""):
            return _print_help(word, snapshot)
    return None


def _asks_for_help(text: str) -> bool:
    return text in _WORDS or text.endswith(tuple(f",{each}" for each in _WORDS))


def _print_plain(name: str, snapshot: Snapshot) -> Printed:
    argv = START if name == "version" else HELP
    recorded = next((each for each in snapshot.runs if each.argv == argv), None)
    if recorded is not None and recorded.status == 0:
        return Printed(recorded.output)
    interface = Interface.from_snapshot(snapshot)
    if name == "version":
        return Printed(_describe_version(interface))
    return Printed("".join(f"-{option.name}\n" for option in list_options(interface)))


def _describe_version(interface: Interface) -> str:
    identity = interface.identity
    package = f" ({identity.package})" if identity.package else ""
    return f"QEMU emulator version {identity.version or 'unknown'}{package}\n"


def _print_help(word: Word, snapshot: Snapshot) -> Printed:
    text = word.argument or ""
    is_list = text in _WORDS
    name = "machine" if word.name == "M" else word.name
    if is_list and (recorded := _find_run(word.name, snapshot.runs)):
        return Printed(recorded.output, recorded.status or 0)
    interface = Interface.from_snapshot(snapshot)
    lines = (
        _LISTS[name](interface, snapshot)
        if is_list and name in _LISTS
        else _list_properties(interface, name, text.partition(",")[0])
    )
    if lines is None:
        raise ArgumentError(f"{show(word)}: nothing recorded tells what it prints")
    return Printed("".join(f"{line}\n" for line in lines))


def _find_run(name: str, runs: Iterable[Run]) -> Run | None:
    """Return a run in which this option was asked for help."""
    asked = (f"-{name}", ASK_WORDS)
    for run in runs:
        if asked in zip(run.argv, run.argv[1:], strict=False) and (run.status or 0) >= 0:
            return run
    return None


def _list_devices(_interface: Interface, snapshot: Snapshot) -> list[str] | None:
    """Return the lines of `info qdm` about what a user may create."""
    transcript = Transcript(snapshot.exchanges)
    exchange = transcript.find("human-monitor-command", **{"command-line": "info qdm"})
    text = read_result(exchange, str)
    if text is None:
        return None
    return [line for line in text.splitlines() if not line.endswith(", no-user")]


def _list_machines(interface: Interface, _snapshot: Snapshot) -> list[str] | None:
    machines = interface.listings.machines
    if machines is None:
        return None
    return ["Supported machines are:", *(line for each in machines for line in _show(each))]


def _show(machine: Machine) -> Iterator[str]:
    if machine.alias is not None:
        yield f"{machine.alias:20} (alias of {machine.name})"
    marks = " (default)" if machine.is_default else ""
    yield f"{machine.name:20}{marks}{' (deprecated)' if machine.deprecated else ''}"


def _list_cpus(interface: Interface, _snapshot: Snapshot) -> list[str] | None:
    cpus = interface.listings.cpus
    target = interface.identity.target or ""
    # i386/x86-64's list has a prefix (target/i386/cpu.c); others have none.
    prefix = "x86 " if target in ("i386", "x86_64") else "  "
    return None if cpus is None else ["Available CPUs:", *_show_cpus(cpus, prefix)]


def _show_cpus(cpus: Iterable[CpuModel], prefix: str) -> Iterator[str]:
    for each in sorted(cpus, key=lambda each: each.name):
        alias = f"(alias of {each.alias_of})" if each.alias_of else ""
        yield f"{prefix}{each.name:20}  {alias}"


def _list_accelerators(interface: Interface, _snapshot: Snapshot) -> list[str] | None:
    found = interface.listings.accelerators
    if found is None:
        return None
    names = [each.name.removesuffix("-accel") for each in found if not each.abstract]
    return ["Accelerators supported in QEMU binary:", *names]


def _list_objects(interface: Interface, _snapshot: Snapshot) -> list[str] | None:
    found = interface.listings.creatable_objects
    if found is None:
        return None
    names = sorted(each.name for each in found if not each.abstract)
    return ["List of user creatable objects:", *(f"  {name}" for name in names)]


_LISTS: Mapping[str, Callable[[Interface, Snapshot], list[str] | None]] = {
    "accel": _list_accelerators,
    "cpu": _list_cpus,
    "device": _list_devices,
    "machine": _list_machines,
    "object": _list_objects,
}


def _list_properties(interface: Interface, option: str, name: str) -> list[str] | None:
    """Return what a type has told of its properties; None where it was not asked, or told none."""
    kind: Asked = "device" if option == "device" else "object"
    typename = name
    if option == "device":
        typename = resolve_driver(interface.listings, name)
    elif option == "machine":
        machine = find_machine(interface.listings, name)
        typename = f"{machine.name if machine else name}-machine"
    elif option != "object":
        return None
    told = interface.properties.find(kind, typename)
    if told is None or told.properties is None:
        return None
    return [f"{typename} options:", *map(_show_property, told.properties)]


def _show_property(found: Property) -> str:
    said = f"  {found.name}=<{found.type}>"
    described = found.description or ""
    if found.default is not UNSET:
        described += f" (default: {_show_value(found.default)})"
    return f"{said:24} - {described}" if described else said


def _show_value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if isinstance(value, str) else str(value)

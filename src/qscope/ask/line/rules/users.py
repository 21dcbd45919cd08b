"""Rules about who uses a character device or a network back end: one user, four where it is a mux.

QEMU's chardev/char-fe.c and net/net.c. References of one device after another are
references.py's. Beside them: consoles, debuggers, serial and parallel ports, which are users, too.
"""

from collections.abc import Iterator
from typing import NamedTuple

from qscope.ask.line.backends import (
    find_target,
    index_chardevs,
    list_backends,
    list_bases,
    list_forwards,
)
from qscope.ask.line.given import list_given
from qscope.ask.line.line import Line, Occurrence
from qscope.ask.line.machines import find_family
from qscope.ask.line.rules.references import find_references
from qscope.ask.line.rules.rule import ALL, SINCE_7_2, Fault, Rule

# chardev/char-mux.c, MAX_MUX.
_MOST = 4
# In which order QEMU makes users: what is not here comes last.
_ORDER = (
    "chardev",
    "object",
    "mon",
    "monitor",
    "qmp",
    "qmp-pretty",
    "netdev",
    "nic",
    "net",
    "tpmdev",
    "serial",
    "parallel",
    "debugcon",
    "device",
)
_MONITORS = ("mon", "monitor", "qmp", "qmp-pretty")


class User(NamedTuple):
    """Who uses what."""

    occurrence: Occurrence
    where: str
    kind: str
    name: str


def list_users(line: Line) -> list[User]:
    """Return the users of character devices and network back ends as QEMU makes them."""
    users = [*_list_references(line), *_list_bases(line), *_list_ports(line)]
    return sorted(users, key=lambda user: _rank(user.occurrence))


def _rank(occurrence: Occurrence) -> int:
    name = occurrence.name if occurrence.name not in _MONITORS else "mon"
    return _ORDER.index(name) if name in _ORDER else len(_ORDER)


def _list_references(line: Line) -> Iterator[User]:
    for each in find_references(line):
        is_filter = each.occurrence.name == "object" and each.kind == "netdev"
        if each.kind in ("chardev", "netdev") and not is_filter:
            yield User(each.occurrence, each.parameter, each.kind, each.name)


def _list_bases(line: Line) -> Iterator[User]:
    """Yield what muxes, hubs and forwarding rules stand on."""
    for base in list_bases(line):
        yield User(base.backend.occurrence, base.parameter, "chardev", base.name)
    for given in list_given(line, "netdev", "nic", "net"):
        for forward in list_forwards(given):
            target = find_target(forward.target)
            if target is not None:
                yield User(given.occurrence, "guestfwd", "chardev", target)


def _list_ports(line: Line) -> Iterator[User]:
    """Yield what hub ports are plugged into, and the cards of -nic."""
    for given in list_given(line, "netdev"):
        name = given.get("netdev") if given.get("type") == "hubport" else None
        if name is not None:
            yield User(given.occurrence, "netdev", "netdev", name)
    for given in list_given(line, "nic"):
        name = given.get("id")
        if name is not None and given.get("type") != "none":
            yield User(given.occurrence, "", "netdev", name)


def find_shared(line: Line) -> Iterator[Fault]:
    """Yield each user of what has as many users already as it can have."""
    limits = {each.name: _find_limit(each.given.is_on("mux")) for each in list_backends(line)}
    counts: dict[tuple[str, str], list[str]] = {}
    for user in list_users(line):
        earlier = counts.setdefault((user.kind, user.name), [])
        limit = limits.get(user.name, 1) if user.kind == "chardev" else 1
        only_devices = {user.occurrence.name, *earlier} == {"device"}
        if len(earlier) >= limit and not (limit == 1 and only_devices):
            what = f"{user.kind} {user.name!r} is in use already"
            yield Fault(user.occurrence, user.where, what)
        earlier.append(user.occurrence.name)


def _find_limit(is_mux: bool) -> int:  # noqa: FBT001
    return _MOST if is_mux else 1


def find_forwards(line: Line) -> Iterator[Fault]:
    """Yield each forwarding rule whose chardev is not there."""
    made = index_chardevs(line)
    for user in list_users(line):
        if user.where == "guestfwd" and user.name not in made:
            yield Fault(user.occurrence, "guestfwd", f"there is no chardev {user.name!r}")


def find_debug_consoles(line: Line) -> Iterator[Fault]:
    """Yield each -debugcon that has no ISA bus, or refers to a chardev, which it cannot use."""
    drivers = line.interface.listings.drivers
    for occurrence in line.select("debugcon"):
        if find_target(occurrence.word.argument or "") is not None:
            yield Fault(occurrence, "", "it makes its chardev itself", "-device isa-debugcon")
        elif find_family(line) == "none":
            yield Fault(occurrence, "", "machine none has no ISA bus")
        elif drivers and all(each.name != "isa-debugcon" for each in drivers):
            yield Fault(occurrence, "", "this QEMU has no isa-debugcon")


def find_monitors(line: Line) -> Iterator[Fault]:
    """Yield each monitor that is named after a chardev that another one has."""
    seen: set[str] = set()
    named = {occurrence.get("chardev") for occurrence in line.select("mon")}
    for number, occurrence in enumerate(line.select("monitor", "qmp", "qmp-pretty")):
        if f"compat_monitor{number}" in named:
            yield Fault(occurrence, "", f"-mon has chardev compat_monitor{number}")
    for occurrence in line.select(*_MONITORS):
        name = occurrence.get("id") if occurrence.name == "mon" else None
        if occurrence.name != "mon":
            name = find_target(occurrence.word.argument or "")
        if name is not None and name in seen and occurrence.name != "mon":
            yield Fault(occurrence, "", f"there is another monitor {name!r}")
        seen |= {name} if name else set()


# How character devices of options are called that QEMU makes after monitors.
_LATER = ("serial", "parallel", "debugcon", "gdb")


def find_modes(line: Line) -> Iterator[Fault]:
    """Yield each -mon without a chardev, and pretty where people read (since 6.0 an error)."""
    is_lenient = line.is_before(6, 0)
    made = index_chardevs(line)
    for given in list_given(line, "mon"):
        if not given.has("chardev"):
            yield Fault(given.occurrence, "chardev", "it is missing")
        elif (given.get("chardev") or "").startswith(_LATER) and given.get("chardev") not in made:
            yield Fault(given.occurrence, "chardev", "it is made only later")
        is_control = given.get("mode") == "control"
        if given.is_on("pretty") and not is_control and not is_lenient:
            yield Fault(given.occurrence, "pretty", "only mode=control has it")


def find_stubs(line: Line) -> Iterator[Fault]:
    """Yield each -gdb of a machine without CPUs, and each but the first one."""
    used = [each for each in line.select("gdb", "s") if each.word.argument != "none"]
    for occurrence in used if find_family(line) == "none" else ():
        yield Fault(occurrence, "", "machine none has no CPU to debug")
    for occurrence in used[1:]:
        yield Fault(occurrence, "", "there is another debugger already")


def find_parallels(line: Line) -> Iterator[Fault]:
    """Yield each parallel port that is more than there can be."""
    used = [each for each in line.select("parallel") if each.word.argument != "none"]
    for occurrence in used[3:]:
        yield Fault(occurrence, "", "there can be 3 of them")


def find_isa_ports(line: Line) -> Iterator[Fault]:
    """Yield each ISA serial or parallel port that is more than there can be.

    QEMU's hw/char/serial-isa.c and parallel.c; what -serial and -parallel make of another machine
    than a PC is not known.
    """
    is_pc = find_family(line) in ("pc", "q35")
    for option, driver, most in (("serial", "isa-serial", 4), ("parallel", "isa-parallel", 3)):
        used = [each for each in line.select(option) if is_pc and each.word.argument != "none"]
        devices = [each for each in line.select("device") if each.get("driver") == driver]
        for occurrence in devices[max(0, most - len(used)) :]:
            what = f"there can be {most} of them, those of -{option} included"
            yield Fault(occurrence, "driver", what)


RULES = (
    Rule(
        "chardev-shared",
        "a chardev has one user, a mux four",
        ALL,
        "-chardev null,id=c0 -mon chardev=c0 -mon chardev=c0",
        "-chardev null,id=c0,mux=on -mon chardev=c0 -mon chardev=c0",
        find_shared,
    ),
    Rule(
        "guestfwd-chardev",
        "what is forwarded goes to a chardev that is there",
        ALL,
        "-netdev user,id=n0,guestfwd=tcp:10.0.2.100:80-chardev:c0",
        "-chardev null,id=c0 -netdev user,id=n0,guestfwd=tcp:10.0.2.100:80-chardev:c0",
        find_forwards,
    ),
    Rule(
        "debugcon",
        "a debug console is an ISA device with a chardev of its own",
        ALL,
        "-machine none -debugcon null",
        "-debugcon null",
        find_debug_consoles,
    ),
    Rule(
        "monitor-named",
        "a monitor is called as its chardev",
        ALL,
        "-chardev null,id=c0,mux=on -qmp chardev:c0 -monitor chardev:c0",
        "-chardev null,id=c0 -monitor chardev:c0 -qmp null",
        find_monitors,
    ),
    Rule(
        "monitor-pretty",
        "what people type is not laid out",
        SINCE_7_2,
        "-chardev null,id=c0 -mon chardev=c0,pretty=on",
        "-chardev null,id=c0 -mon chardev=c0,mode=control,pretty=on",
        find_modes,
    ),
    Rule(
        "gdb",
        "one debugger debugs the CPUs there are",
        ALL,
        "-machine none -gdb null",
        "-gdb null",
        find_stubs,
    ),
    Rule(
        "isa-port-count",
        "PCs have four serial ports and three parallel ones",
        ALL,
        f"{' '.join(['-serial null'] * 4)} -device isa-serial",
        f"{' '.join(['-serial null'] * 3)} -device isa-serial",
        find_isa_ports,
    ),
    Rule(
        "parallel-count",
        "PCs have three parallel ports",
        ALL,
        " ".join(["-parallel null"] * 4),
        " ".join(["-parallel null"] * 3),
        find_parallels,
    ),
)

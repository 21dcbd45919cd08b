"""Rules about character devices: what their back ends demand, and which can be had only once.

QEMU's chardev/*.c; all releases agree but where a rule says otherwise.
"""

from collections.abc import Iterator, Mapping

from qscope.ask.line.backends import LABELS, index_chardevs, list_backends, list_bases
from qscope.ask.line.line import Line, Occurrence
from qscope.ask.line.rules.rule import ALL, SINCE_10_0, Fault, Rule
from qscope.ask.line.settings import read_size

# Back end -> the parameter that it cannot do without.
_DEMANDS: Mapping[str, str] = {
    "file": "path",
    "pipe": "path",
    "serial": "path",
    "tty": "path",
    "parallel": "path",
    "parport": "path",
    "spicevmc": "name",
    "spiceport": "name",
    "dbus": "name",
    "mux": "chardev",
}
# Types of a spicevmc channel (chardev/spice.c).
_CHANNELS = ("vdagent", "smartcard", "usbredir")


def find_demands(line: Line) -> Iterator[Fault]:
    """Yield each parameter that a back end needs; an empty path opens nothing."""
    for backend in list_backends(line):
        if backend.given.get("logfile") == "":
            yield Fault(backend.occurrence, "logfile", "it is empty")
        name = _DEMANDS.get(backend.kind)
        value = backend.given.get(name) if name else ""
        if name and (value is None or (name == "path" and not value)):
            where = backend.where or ("" if backend.stream else name)
            yield Fault(backend.occurrence, where, f"{backend.kind} needs a {name}")


def find_nameless(line: Line) -> Iterator[Fault]:
    """Yield each -chardev without an ID."""
    for occurrence in line.select("chardev"):
        if occurrence.parsed and not occurrence.parsed.help and occurrence.get("id") is None:
            yield Fault(occurrence, "id", "an ID is mandatory")


def find_sizes(line: Line) -> Iterator[Fault]:
    """Yield each ring buffer whose size is no power of two; 0 is the default size."""
    for backend in list_backends(line):
        text = backend.given.get("size") if backend.kind in ("ringbuf", "memory") else None
        size = read_size(line, text) or 0
        if size & (size - 1):
            yield Fault(backend.occurrence, "size", f"{size} is no power of two")


def find_stdio(line: Line) -> Iterator[Fault]:
    """Yield each use of standard input and output but the first one."""
    stdio = [each for each in list_backends(line) if each.kind == "stdio"]
    users = [(each.occurrence, each.where) for each in stdio]
    early = [each for each in users if each[0].name in _EARLY]
    late = users[len(early) :]
    ordered = [*early, *_list_defaults(line), *late]
    for occurrence, where in ordered[1:]:
        first = ordered[0][0].word.typed
        yield Fault(occurrence, where, f"{first} has stdin and stdout already")


# Options whose character devices QEMU makes before its defaults.
_EARLY = ("chardev", "monitor", "qmp", "qmp-pretty")


def _list_defaults(line: Line) -> Iterator[tuple[Occurrence, str]]:
    """Yield -nographic if it makes a serial port or a monitor at stdin and stdout."""
    has_monitor = line.has("monitor", "qmp", "qmp-pretty", "mon") or any(
        (each.word.argument or "").startswith("mon:") for each in line.select("serial", "parallel")
    )
    drivers = [each.get("driver") for each in line.select("device")]
    has_serial = line.has("serial") or "isa-serial" in drivers
    if not line.has("nodefaults") and not (has_monitor and has_serial):
        yield from ((each, "") for each in list(line.select("nographic"))[:1])


def find_channels(line: Line) -> Iterator[Fault]:
    """Yield what SPICE does not know."""
    for backend in list_backends(line):
        if backend.kind == "spicevmc" and backend.given.get("name") not in (None, *_CHANNELS):
            right = f"one of {', '.join(_CHANNELS)}"
            yield Fault(backend.occurrence, "name", "there is no such channel", right)
        if backend.kind == "spiceport" and not line.has("spice"):
            yield Fault(backend.occurrence, "", "there is no -spice")


def find_bases(line: Line) -> Iterator[Fault]:
    """Yield what a mux or hub stands on and no -chardev in front of it makes."""
    made = [each for each in list_backends(line) if each.stream is None]
    for base in list_bases(line):
        before = made[: made.index(base.backend)]
        found = next((each for each in before if each.name == base.name), None)
        if found is None:
            is_later = any(each.name == base.name for each in made)
            what = "is made only later" if is_later else "is not there"
            yield Fault(base.backend.occurrence, base.parameter, f"chardev {base.name!r} {what}")
        elif base.backend.kind == "hub" and (found.kind == "hub" or found.given.is_on("mux")):
            what = f"{base.name!r} is a hub or a mux itself"
            yield Fault(base.backend.occurrence, base.parameter, what)


def find_hubs(line: Line) -> Iterator[Fault]:
    """Yield each hub without a first device."""
    for backend in list_backends(line):
        if backend.kind == "hub" and not backend.given.has("chardevs.0"):
            yield Fault(backend.occurrence, "chardevs.0", "a hub needs a chardev")


def find_labels(line: Line) -> Iterator[Fault]:
    """Yield each option whose name for its character device a -chardev has."""
    taken = index_chardevs(line)
    for name, backend in taken.items():
        if backend.given.is_on("mux") and f"{name}-base" in taken:
            yield Fault(backend.occurrence, "id", f"there is another chardev '{name}-base'")
    counts: dict[str, int] = {}
    for backend in list_backends(line):
        start = LABELS.get(backend.occurrence.name)
        if start is None or backend.stream is None:
            continue
        number = counts.get(start, 0)
        counts[start] = number + 1
        label = start if start in ("gdb", "debugcon") else f"{start}{number}"
        if label in taken or (start == label and number):
            yield Fault(backend.occurrence, "", f"there is another chardev {label!r}")


RULES = (
    Rule(
        "chardev-id-missing",
        "a -chardev is found by its ID",
        ALL,
        "-chardev null",
        "-chardev null,id=c0",
        find_nameless,
    ),
    Rule(
        "chardev-demand",
        "a back end needs what it opens",
        ALL,
        "-chardev file,id=c0",
        "-chardev file,id=c0,path=/dev/null",
        find_demands,
    ),
    Rule(
        "chardev-ringbuf-size",
        "the ring is indexed by bits",
        ALL,
        "-chardev ringbuf,id=c0,size=1000",
        "-chardev ringbuf,id=c0,size=1024",
        find_sizes,
    ),
    Rule(
        "chardev-stdio-taken",
        "there is one standard input",
        ALL,
        "-serial stdio -monitor stdio",
        "-serial stdio -monitor null",
        find_stdio,
    ),
    Rule(
        "chardev-spice-channel",
        "SPICE has a few channels, and they are its server's",
        ("5.2", "7.2"),
        "-chardev spiceport,id=v,name=a",
        "-chardev spicevmc,id=v,name=vdagent",
        find_channels,
    ),
    Rule(
        "chardev-base",
        "a mux stands on a chardev that is there",
        ALL,
        "-chardev mux,id=m,chardev=c0 -chardev null,id=c0",
        "-chardev null,id=c0 -chardev mux,id=m,chardev=c0",
        find_bases,
    ),
    Rule(
        "chardev-hub-empty",
        "a hub distributes to something",
        SINCE_10_0,
        "-chardev hub,id=h",
        "-chardev null,id=c0 -chardev hub,id=h,chardevs.0=c0",
        find_hubs,
    ),
    Rule(
        "chardev-label-taken",
        "options name the chardevs that they make",
        ALL,
        "-debugcon null -debugcon null",
        "-debugcon null",
        find_labels,
    ),
)

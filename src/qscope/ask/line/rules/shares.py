"""Rules about folders that are shared with a guest: -fsdev and -virtfs (fsdev/qemu-fsdev.c)."""

from collections.abc import Iterator, Mapping, Sequence

from qscope.ask.line.given import Given, list_given
from qscope.ask.line.line import Line
from qscope.ask.line.machines import NO_PCI, find_family
from qscope.ask.line.rules.rule import ALL, Fault, Rule

_COMMON = ("id", "fsdriver", "readonly", "mount_tag")
# File system driver -> the parameters that it takes; those that begin so, too.
_DRIVERS: Mapping[str, Sequence[str]] = {
    "local": ("path", "security_model", "writeout", "fmode", "dmode", "multidevs", "throttling."),
    "synth": (),
    "proxy": ("socket", "sock_fd", "writeout"),
}
_MODELS = ("passthrough", "mapped", "mapped-xattr", "mapped-file", "none")
# hw/9pfs/9p.h, MAX_TAG_LEN, without its end.
_LONGEST_TAG = 31


def _list_shares(line: Line) -> Iterator[Given]:
    return list_given(line, "fsdev", "virtfs")


def find_demands(line: Line) -> Iterator[Fault]:
    """Yield each share that has no driver, or not what identifies it."""
    for given in _list_shares(line):
        identity = "id" if given.occurrence.name == "fsdev" else "mount_tag"
        for name in ("fsdriver", identity):
            if not given.get(name):
                yield Fault(given.occurrence, name, "it is missing")


def find_drivers(line: Line) -> Iterator[Fault]:
    """Yield each driver that there is not, and parameters of another one."""
    has_proxy = not line.is_since(9, 2)
    for given in _list_shares(line):
        driver = given.get("fsdriver")
        if driver is None:
            continue
        if driver not in _DRIVERS or (driver == "proxy" and not has_proxy):
            names = [name for name in _DRIVERS if name != "proxy" or has_proxy]
            right = f"one of {', '.join(names)}"
            yield Fault(given.occurrence, "fsdriver", f"there is no driver {driver!r}", right)
            continue
        taken = _DRIVERS[driver]
        for name in given.parameters:
            if name not in _COMMON and not any(name.startswith(each) for each in taken):
                yield Fault(given.occurrence, name, f"driver {driver} does not take it")


def find_local(line: Line) -> Iterator[Fault]:
    """Yield what the local driver cannot do without, and modes of files that nobody maps."""
    for given in _list_shares(line):
        if given.get("fsdriver") != "local" or not given.has("id", "mount_tag"):
            continue
        model = given.get("security_model")
        if model is None:
            yield Fault(given.occurrence, "security_model", f"one of {', '.join(_MODELS)} is right")
        elif given.get("path") is None:
            yield Fault(given.occurrence, "path", "it is missing")
        is_mapped = (model or "").startswith("mapped")
        for name in ("fmode", "dmode"):
            if given.has(name) and not is_mapped and given.occurrence.name == "fsdev":
                what = "only security models that map have it"
                yield Fault(given.occurrence, name, what)


def find_proxies(line: Line) -> Iterator[Fault]:
    """Yield each proxy that has no socket, or two."""
    for given in list_given(line, "fsdev"):
        is_proxy = given.get("fsdriver") == "proxy"
        if is_proxy and given.has("socket") == given.has("sock_fd"):
            yield Fault(given.occurrence, "socket", "one of socket and sock_fd is right")


def find_devices(line: Line) -> Iterator[Fault]:
    """Yield each -virtfs for whose device there is no bus, or whose tag is too long."""
    for given in list_given(line, "virtfs"):
        tag = given.get("mount_tag") or ""
        if len(tag.encode("utf-8", "surrogateescape")) > _LONGEST_TAG:
            yield Fault(given.occurrence, "mount_tag", f"it has more than {_LONGEST_TAG} bytes")
        if find_family(line) in NO_PCI and "pcie" not in line.merged("machine"):
            yield Fault(given.occurrence, "", f"machine {find_family(line)} has no PCI bus")


def find_tags(line: Line) -> Iterator[Fault]:
    """Yield each -virtfs whose tag another share has for its name."""
    seen = {given.get("id") for given in list_given(line, "fsdev")}
    for given in list_given(line, "virtfs"):
        name = given.get("id") or given.get("mount_tag")
        if name is not None and name in seen and not given.has("id"):
            yield Fault(given.occurrence, "mount_tag", f"there is another share {name!r}")
        seen.add(name)


_SHARE = "-fsdev local,id=f0,path=/tmp"

RULES = (
    Rule(
        "share-demand",
        "a share is found by its name",
        ALL,
        f"{_SHARE.replace('id=f0,', '')},security_model=none",
        f"{_SHARE},security_model=none",
        find_demands,
    ),
    Rule(
        "share-driver",
        "each driver takes its own parameters",
        ALL,
        "-fsdev synth,id=f0,path=/tmp",
        "-fsdev synth,id=f0",
        find_drivers,
    ),
    Rule(
        "share-local",
        "owners of files are mapped in one of a few ways",
        ALL,
        _SHARE,
        f"{_SHARE},security_model=mapped-xattr,fmode=0600",
        find_local,
    ),
    Rule(
        "share-proxy",
        "a proxy is talked to through one socket",
        ("5.2", "7.2"),
        "-fsdev proxy,id=f0",
        "-fsdev proxy,id=f0,socket=/nonexistent",
        find_proxies,
    ),
    Rule(
        "share-device",
        "-virtfs makes a PCI device",
        ALL,
        "-machine none -virtfs synth,mount_tag=a",
        "-virtfs synth,mount_tag=a",
        find_devices,
    ),
    Rule(
        "share-tag-taken",
        "a share without an ID is called as its tag",
        ALL,
        "-virtfs synth,mount_tag=a -virtfs synth,mount_tag=a",
        "-virtfs synth,mount_tag=a",
        find_tags,
    ),
)

"""Judge -drive: its own parameters by the option's type, the rest by blockdev-add's.

In: a line and an occurrence of -drive. Out: findings. What is not -drive's own it hands to the
block driver, which reads it as blockdev-add's arguments, a few old names aside (blockdev.c,
drive_new and blockdev_init).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from qscope.ask.finding import Finding
from qscope.ask.line.line import Line, Occurrence
from qscope.ask.syntax.keyval import parse_keyval
from qscope.ask.syntax.scalars import parse_size
from qscope.errors import ArgumentError
from qscope.model.schema_info import Command, ObjectType

# Old names of parameters, and the new ones; both at once is an error (blockdev.c, opt_renames).
RENAMED: Mapping[str, str] = {
    "readonly": "read-only",
    "group": "throttling.group",
    "iops_size": "throttling.iops-size",
    **{
        f"{what}{old}{limit}": f"throttling.{what}-{new}{limit.replace('_', '-')}"
        for what in ("bps", "iops")
        for old, new in (("", "total"), ("_rd", "read"), ("_wr", "write"))
        for limit in ("", "_max", "_max_length")
    },
}
# Short forms: what they stand for (system/vl.c): interface ("" the machine's own), index, media.
SHORT_FORMS: Mapping[str, tuple[str, int | None, str]] = {
    "hda": ("", 0, "disk"),
    "hdb": ("", 1, "disk"),
    "hdc": ("", 2, "disk"),
    "hdd": ("", 3, "disk"),
    "cdrom": ("", 2, "cdrom"),
    "fda": ("floppy", 0, "disk"),
    "fdb": ("floppy", 1, "disk"),
    "sd": ("sd", 0, "disk"),
    "mtdblock": ("mtd", None, "disk"),
    "pflash": ("pflash", None, "disk"),
}
# Block drivers of images that read as zeroes.
NULLS = ("null-co", "null-aio")
# What blockdev_init() takes beside what query-command-line-options lists of `drive`.
_OWN = frozenset(("cache", "file", "format", "driver", "stats-intervals", "account-invalid"))
_CACHES = ("none", "off", "writeback", "unsafe", "directsync", "writethrough")
# Names of a driver's own that blockdev-add's schema does not have: those of before there was one
# (runtime_opts in block/nbd.c, ssh.c, curl.c, …).
_OLD_NAMES: Mapping[str, tuple[str, ...]] = {
    "nbd": ("host", "port", "path"),
    "ssh": ("host", "port", "host_key_check"),
    "nfs": ("host", "uid", "gid", "tcp-syncnt", "readahead-size", "page-cache-size"),
    "rbd": ("filename", "keyvalue-pairs", "=keyvalue-pairs", "password-secret"),
    "gluster": ("filename",),
    "sheepdog": ("host", "port", "filename"),
    "vvfat": ("filename",),
    "qcow2": ("lazy_refcounts",),
}
# Whatever names a file gives them to a driver that has no parameter for it.
_ALWAYS = frozenset(("filename", "driver", "file"))


def judge_drive(line: Line, occurrence: Occurrence) -> Iterator[Finding]:
    """Yield what is wrong with a drive's parameters and its driver's."""
    option = occurrence.option
    own_type = line.find(option.arg_type) if option and option.arg_type else None
    known = {each.name for each in own_type.members} if isinstance(own_type, ObjectType) else set()
    given = {RENAMED.get(name, name): value for name, value in occurrence.parameters.items()}
    own = {name: value for name, value in given.items() if name in known and name not in _OWN}
    yield from _find_both_names(occurrence)
    if isinstance(own_type, ObjectType):
        yield from line.make_checker(occurrence).check(own_type.name, own, "")
    if "cache" in given and given["cache"] not in _CACHES:
        right = f"one of {', '.join(_CACHES)}"
        yield Finding(
            "value-unknown", "cache", f"no such cache mode {given['cache']!r}", right=right
        )
    rest = {name: value for name, value in given.items() if name not in known | _OWN}
    yield from _judge_driver(line, occurrence, rest)


def _find_both_names(occurrence: Occurrence) -> Iterator[Finding]:
    for old, new in RENAMED.items():
        if old in occurrence.parameters and new in occurrence.parameters:
            what = f"{new!r} and its old name {old!r} are both given"
            yield Finding("parameter-twice", old, what)


def find_driver(occurrence: Occurrence) -> str | None:
    """Return a drive's block driver if it is named; else QEMU looks into the image."""
    return occurrence.get("driver") or occurrence.get("format")


def _judge_driver(line: Line, occurrence: Occurrence, rest: dict[str, Any]) -> Iterator[Finding]:
    driver = find_driver(occurrence)
    if driver is not None:
        yield from _judge_name(line, occurrence, driver)
    elif not rest:
        return
    elif not any(name.startswith("file.") for name in rest):
        driver = "raw"
    try:
        nested = parse_keyval(_join(rest))
    except ArgumentError as error:
        yield Finding("malformed-argument", next(iter(rest)), str(error))
        return
    nested.pop("stats-intervals", None)
    yield from _judge_names(line, driver or "raw", nested, "")


def _join(given: Mapping[str, Any]) -> str:
    return ",".join(f"{name}={str(value).replace(',', ',,')}" for name, value in given.items())


def _judge_name(line: Line, occurrence: Occurrence, driver: str) -> Iterator[Finding]:
    names = list_drivers(line)
    where = "driver" if "driver" in occurrence.parameters else "format"
    if names and driver not in names and driver not in _AIDS:
        yield Finding("driver-unknown", where, f"no block driver {driver!r}")


# Drivers that -drive knows and blockdev-add does not.
_AIDS = frozenset(("vvfat", "host_floppy"))


def list_drivers(line: Line) -> frozenset[str]:
    """Return the block drivers of blockdev-add's schema; none where there is no schema."""
    options = find_blockdev_options(line)
    return frozenset(variant.case for variant in options.variants) if options else frozenset()


def find_blockdev_options(line: Line) -> ObjectType | None:
    """Return the type of blockdev-add's arguments, if it is a union, as since 2.9."""
    command = line.interface.by_name.get("blockdev-add")
    found = line.find(command.arg_type) if isinstance(command, Command) else None
    return found if isinstance(found, ObjectType) and found.tag else None


def _judge_names(line: Line, driver: str, given: dict[str, Any], where: str) -> Iterator[Finding]:
    """Yield each parameter that a block driver does not have, and each value it cannot have."""
    options = find_blockdev_options(line)
    branch = next((v.type for v in options.variants if v.case == driver), None) if options else None
    found = line.find(branch) if branch else None
    if options is None or not isinstance(found, ObjectType):
        return
    members = {member.name: member.type for member in (*options.members, *_gather(line, found))}
    for name, value in given.items():
        place = f"{where}{name}"
        if isinstance(value, dict) and "driver" in value:
            yield from _enter(line, value, f"{place}.")
        elif name in members:
            yield from _judge_value(line, members[name], value, place)
        elif name not in _ALWAYS and name not in _OLD_NAMES.get(driver, ()):
            yield Finding(
                "member-unknown", place, f"the block driver {driver!r} has no such option"
            )


def _gather(line: Line, entity: ObjectType) -> Iterator[Any]:
    """Yield the members of a branch, those of unions in it included."""
    yield from entity.members
    for variant in entity.variants:
        inner = line.find(variant.type)
        if isinstance(inner, ObjectType):
            yield from _gather(line, inner)


def _enter(line: Line, given: dict[str, Any], where: str) -> Iterator[Finding]:
    """Go on with a node within a node: `file.driver=null-co`."""
    driver = given.get("driver")
    if isinstance(driver, str):
        if driver not in list_drivers(line) | _AIDS:
            yield Finding("driver-unknown", f"{where}driver", f"no block driver {driver!r}")
        yield from _judge_names(line, driver, given, where)


def _judge_value(line: Line, type_name: str, value: Any, where: str) -> Iterator[Finding]:
    """Judge a value: integers may be sizes here, whatever blockdev-add takes.

    What is missing in a node within a node QEMU finds out itself, and a node may have old names.
    """
    if isinstance(value, dict) and not isinstance(line.find(type_name), ObjectType):
        return
    for finding in line.keyval_checker.check(type_name, value, where):
        if finding.rule != "member-missing" and not _is_size(value):
            yield finding


def _is_size(value: Any) -> bool:
    try:
        parse_size(str(value))
    except ArgumentError:
        return False
    return True

"""Rules about objects: what their properties may be, and how they hang together.

Facts of QEMU's backends/, crypto/, net/, util/thread-context.c.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from qscope.ask.line.line import Line, Occurrence
from qscope.ask.line.numa_nodes import read_numbers
from qscope.ask.line.rules.rule import ALL, SINCE_7_2, SINCE_10_0, Fault, Rule
from qscope.ask.line.scalars import read_bool
from qscope.ask.line.settings import read_size

_PAGE = 4096
_MOST_NODES = 128
_THREADS = 64
_KEY = 32
_BLOCK = 16


class Limit(NamedTuple):
    """Which objects (a pattern) refuse which numbers of which properties, and what is right."""

    types: str
    properties: str
    accepts: Callable[[int], bool]
    right: str


def _at_least(least: int) -> Callable[[int], bool]:
    return lambda number: number >= least


def _is_whole(number: int) -> bool:
    return number % _PAGE == 0


def _is_power(number: int) -> bool:
    return number & (number - 1) == 0


_MEMORY = r"memory-backend-.*"
_LIMITS = (
    Limit(_MEMORY, "size", _at_least(1), "at least 1 is right"),
    Limit(_MEMORY, "prealloc-threads", _at_least(1), "at least 1 is right"),
    Limit("memory-backend-file", "align|offset", _is_whole, "a multiple of 4096 is right"),
    Limit("memory-backend-memfd", "hugetlbsize", _is_power, "a power of two is right"),
    Limit("iothread|main-loop", "poll-.*|aio-.*|thread-.*", _at_least(0), "at least 0 is right"),
    Limit("cryptodev-backend-builtin", "queues", lambda number: number == 1, "1 is right"),
    Limit("cryptodev-.*", "queues", _at_least(1), "at least 1 is right"),
    Limit("filter-buffer", "interval", _at_least(1), "at least 1 is right"),
    Limit("filter-dump", "maxlen", _at_least(1), "at least 1 is right"),
    Limit("colo-compare", "compare_timeout|expired_.*|max_.*", _at_least(1), "at least 1 is right"),
    Limit("throttle-group", ".*-length", _at_least(1), "at least 1 is right"),
    Limit("acpi-generic-.*", "node", lambda number: 0 <= number < _MOST_NODES, "0..127 is right"),
)


class Words(NamedTuple):
    """Which objects take which texts alone, though their types call them strings."""

    types: str
    property: str
    pattern: str
    right: str


_WORDS = (
    Words("filter-.*", "status", "on|off", "on or off is right"),
    Words("filter-.*", "insert", "before|behind", "before or behind is right"),
    Words("filter-.*", "position", "head|tail|id=.*", "head, tail or id=ID is right"),
)
# Properties that were never, or are no more, to be set: the first release that refuses them.
_READ_ONLY = (
    ("secret.*", "loaded", (0, 0)),
    ("rng-.*", "opened", (6, 0)),
    ("tls-.*", "loaded", (6, 0)),
)


def select_objects(line: Line, types: str) -> Iterator[Occurrence]:
    """Yield the objects of the types that match a pattern."""
    return (
        each for each in line.select("object") if re.fullmatch(types, each.get("qom-type") or "")
    )


def read_value(line: Line, value: Any) -> int | None:
    """Return a number that is given as one, or as text; None for what is none."""
    if isinstance(value, str):
        negative = value.startswith("-")
        size = read_size(line, value.removeprefix("-"))
        return None if size is None else -size if negative else size
    return value if type(value) is int else None


def find_bad_numbers(line: Line) -> Iterator[Fault]:
    """Yield numbers that an object does not take, though its type does."""
    seen: set[tuple[int, str]] = set()
    for limit in _LIMITS:
        for occurrence in select_objects(line, limit.types):
            for name, value in occurrence.parameters.items():
                number = read_value(line, value)
                key = (id(occurrence), name)
                if number is None or key in seen or not re.fullmatch(limit.properties, name):
                    continue
                if not limit.accepts(number):
                    seen.add(key)
                    yield Fault(occurrence, name, f"{value} was given", limit.right)


def find_bad_words(line: Line) -> Iterator[Fault]:
    """Yield texts that an object does not take."""
    for words in _WORDS:
        for occurrence in select_objects(line, words.types):
            text = occurrence.get(words.property)
            if text is not None and not re.fullmatch(words.pattern, text):
                yield Fault(occurrence, words.property, f"{text!r} was given", words.right)


def find_bad_files(line: Line) -> Iterator[Fault]:
    """Yield memory that cannot be what it is in."""
    for occurrence in select_objects(line, "memory-backend-file"):
        rom, read_only = (occurrence.parameters.get(name) for name in ("rom", "readonly"))
        if read_bool(rom) and not read_bool(read_only):
            yield Fault(occurrence, "rom", "the file is not read-only", "readonly=on is right")
    for occurrence in select_objects(line, "memory-backend-shm"):
        if "share" in occurrence.parameters and not read_bool(occurrence.parameters["share"]):
            yield Fault(occurrence, "share", "shared memory is shared")


def find_read_only(line: Line) -> Iterator[Fault]:
    """Yield properties that object-add's schema has, and that nobody can set."""
    for types, name, since in _READ_ONLY:
        for occurrence in select_objects(line, types):
            if name in occurrence.parameters and not line.is_before(*since):
                yield Fault(occurrence, name, "it can be read, not set")


def find_bad_policies(line: Line) -> Iterator[Fault]:
    """Yield memory that shall be on nodes of the host that are not named, or the contrary."""
    for occurrence in select_objects(line, _MEMORY):
        nodes, policy = read_numbers(occurrence, "host-nodes"), occurrence.get("policy")
        if nodes and any(node >= _MOST_NODES for node in nodes):
            right = f"0..{_MOST_NODES - 1} is right"
            yield Fault(occurrence, "host-nodes", f"no node {max(nodes)}", right)
        elif nodes and policy in (None, "default"):
            yield Fault(occurrence, "host-nodes", "they need a policy", "policy=bind is right")
        elif nodes == [] and policy not in (None, "default"):
            yield Fault(occurrence, "policy", "it needs nodes of the host", "host-nodes= is right")


def find_bad_secrets(line: Line) -> Iterator[Fault]:
    """Yield secrets that come from nowhere or from two places, or that are none."""
    for occurrence in select_objects(line, "secret"):
        given = [name for name in ("data", "file") if name in occurrence.parameters]
        data = occurrence.get("data")
        if not given:
            yield Fault(occurrence, "", "data and file are missing", "one of the two is right")
        elif len(given) > 1:
            yield Fault(occurrence, "file", "data was given, too", "one of the two is right")
        elif data is not None and occurrence.get("format") == "base64" and not _is_base64(data):
            yield Fault(occurrence, "data", "it is no base64")


def _is_base64(text: str) -> bool:
    """Whether GLib decodes it: blanks are none of base64's characters, padding may lack."""
    if not re.fullmatch("[A-Za-z0-9+/=\n\r]*", text):
        return False
    try:
        base64.b64decode(text.rstrip("=") + "===")
    except binascii.Error:
        return False
    return True


def find_locked_secrets(line: Line) -> Iterator[Fault]:
    """Yield secrets whose key is not there yet, or that need to be told how they begin."""
    before: dict[str, Occurrence] = {}
    for occurrence in select_objects(line, "secret.*"):
        key = occurrence.get("keyid")
        if key is not None and key not in before:
            yield Fault(occurrence, "keyid", f"there is no secret {key!r} yet")
        elif key is not None and "iv" not in occurrence.parameters:
            yield Fault(occurrence, "iv", "it is missing: an encrypted secret has one")
        elif key is not None:
            yield from _judge_lock(occurrence, before[key])
        before[occurrence.get("id") or ""] = occurrence


def _judge_lock(occurrence: Occurrence, key: Occurrence) -> Iterator[Fault]:
    """Yield that a key has no 256 bits, or what it opens no whole blocks."""
    length, locked = _count_bytes(key), _count_bytes(occurrence)
    if length is not None and length != _KEY and "keyid" not in key.parameters:
        yield Fault(occurrence, "keyid", f"the key has {length} bytes", f"{_KEY} are right")
    elif locked is not None and locked % _BLOCK:
        yield Fault(occurrence, "data", f"it has {locked} bytes", f"{_BLOCK} or more are right")


def _count_bytes(occurrence: Occurrence) -> int | None:
    """Return how long the data of a secret are, None where a file has them."""
    data = occurrence.get("data")
    if data is None or occurrence.get("format") != "base64":
        return None if data is None else len(data.encode())
    return len(base64.b64decode(data.rstrip("=") + "===")) if _is_base64(data) else None


def find_bad_credentials(line: Line) -> Iterator[Fault]:
    """Yield credentials that are nowhere, and what only one end has."""
    for occurrence in select_objects(line, "tls-creds-(x509|psk)"):
        is_server = occurrence.get("endpoint") != "client"
        is_psk = occurrence.get("qom-type") == "tls-creds-psk"
        if is_psk and is_server and "username" in occurrence.parameters:
            yield Fault(occurrence, "username", "a server has none")
        elif "dir" not in occurrence.parameters:
            yield Fault(occurrence, "dir", "it is missing")
    for occurrence in select_objects(line, "tls-cipher-suites"):
        if "priority" not in occurrence.parameters:
            yield Fault(occurrence, "priority", "it is missing")


def find_small_pools(line: Line) -> Iterator[Fault]:
    """Yield pools of threads that have more at least than at most."""
    for occurrence in select_objects(line, "iothread|main-loop"):
        least = read_value(line, occurrence.parameters.get("thread-pool-min", 0))
        most = read_value(line, occurrence.parameters.get("thread-pool-max", _THREADS))
        if least is None or most is None or min(least, most) < 0:
            continue
        if least > most or most == 0:
            name = (
                "thread-pool-max"
                if "thread-pool-max" in occurrence.parameters
                else "thread-pool-min"
            )
            yield Fault(occurrence, name, f"{least} threads at least, {most} at most")


def find_second_loops(line: Line) -> Iterator[Fault]:
    """Yield a second main loop."""
    for position, occurrence in enumerate(select_objects(line, "main-loop")):
        if position:
            yield Fault(occurrence, "qom-type", "there is another main loop")


def find_bad_affinities(line: Line) -> Iterator[Fault]:
    """Yield threads that are bound to CPUs and to nodes."""
    for occurrence in select_objects(line, "thread-context"):
        if {"cpu-affinity", "node-affinity"} <= occurrence.parameters.keys():
            what = "cpu-affinity was given, too"
            yield Fault(occurrence, "node-affinity", what, "one of the two is right")


def find_bad_redirections(line: Line) -> Iterator[Fault]:
    """Yield redirectors that lead nowhere, or in a circle."""
    for occurrence in select_objects(line, "filter-redirector"):
        source, target = occurrence.get("indev"), occurrence.get("outdev")
        if source is None and target is None:
            yield Fault(occurrence, "", "indev and outdev are missing", "one of them is right")
        elif source == target:
            yield Fault(occurrence, "outdev", "it is indev, too")


def find_bad_positions(line: Line) -> Iterator[Fault]:
    """Yield filters that shall be beside one that is not there yet, or is another netdev's."""
    before: dict[str, str | None] = {}
    for occurrence in select_objects(line, "filter-.*"):
        position = occurrence.get("position") or ""
        name = position.removeprefix("id=")
        if position.startswith("id=") and name not in before:
            yield Fault(occurrence, "position", f"there is no filter {name!r} yet")
        elif position.startswith("id=") and before[name] != occurrence.get("netdev"):
            yield Fault(occurrence, "position", f"filter {name!r} is another netdev's")
        before[occurrence.get("id") or ""] = occurrence.get("netdev")


RULES = (
    Rule(
        "object-number",
        "what a property takes is narrower than its type",
        ALL,
        "-object memory-backend-ram,id=m0,size=0",
        "-object memory-backend-ram,id=m0,size=16M",
        find_bad_numbers,
    ),
    Rule(
        "object-word",
        "network filters read words of their own",
        ALL,
        "-netdev user,id=n0 -object filter-replay,id=f0,netdev=n0,position=middle",
        "-netdev user,id=n0 -object filter-replay,id=f0,netdev=n0,position=tail",
        find_bad_words,
    ),
    Rule(
        "object-file",
        "ROM is read-only, and shared memory is shared",
        SINCE_10_0,
        "-object memory-backend-shm,id=m0,size=16M,share=off",
        "-object memory-backend-file,id=m0,size=16M,mem-path=/tmp,rom=off",
        find_bad_files,
    ),
    Rule(
        "object-read-only",
        "what an object becomes by itself nobody sets",
        SINCE_7_2,
        "-object rng-builtin,id=r0,opened=on",
        "-object rng-builtin,id=r0",
        find_read_only,
    ),
    Rule(
        "object-policy",
        "a policy is about nodes of the host",
        ALL,
        "-object memory-backend-ram,id=m0,size=16M,policy=bind",
        "-object memory-backend-ram,id=m0,size=16M,policy=default",
        find_bad_policies,
    ),
    Rule(
        "object-secret",
        "a secret comes from a file or from the command line",
        ALL,
        "-object secret,id=s0",
        "-object secret,id=s0,data=abc",
        find_bad_secrets,
    ),
    Rule(
        "object-secret-key",
        "the key to a secret is an earlier one",
        ALL,
        "-object secret,id=s0,data=abc,keyid=s1",
        "-object secret,id=s0,data=abc",
        find_locked_secrets,
    ),
    Rule(
        "object-credentials",
        "credentials are files in a directory",
        ALL,
        "-object tls-creds-psk,id=t0,endpoint=client",
        "-object tls-creds-anon,id=t0,endpoint=client",
        find_bad_credentials,
    ),
    Rule(
        "object-pool",
        "a pool has no more threads at least than at most",
        SINCE_7_2,
        "-object iothread,id=io0,thread-pool-min=8,thread-pool-max=4",
        "-object iothread,id=io0,thread-pool-min=4,thread-pool-max=8",
        find_small_pools,
    ),
    Rule(
        "object-loop",
        "QEMU has one main loop",
        SINCE_7_2,
        "-object main-loop,id=l0 -object main-loop,id=l1",
        "-object main-loop,id=l0",
        find_second_loops,
    ),
    Rule(
        "object-affinity",
        "threads are bound to CPUs or to those of nodes",
        SINCE_7_2,
        "-object thread-context,id=t0,cpu-affinity=0,node-affinity=0",
        "-object thread-context,id=t0,cpu-affinity=0",
        find_bad_affinities,
    ),
    Rule(
        "object-redirector",
        "a redirector takes packets from one place to another",
        ALL,
        "-netdev user,id=n0 -object filter-redirector,id=f0,netdev=n0",
        "-netdev user,id=n0 -chardev null,id=c0 -object filter-redirector,id=f0,netdev=n0,indev=c0",
        find_bad_redirections,
    ),
    Rule(
        "object-position",
        "a filter stands before or behind an earlier one of its netdev",
        ALL,
        "-netdev user,id=n0 -object filter-replay,id=f0,netdev=n0,position=id=f1",
        "-netdev user,id=n0 -object filter-replay,id=f1,netdev=n0"
        " -object filter-replay,id=f0,netdev=n0,position=id=f1",
        find_bad_positions,
    ),
)

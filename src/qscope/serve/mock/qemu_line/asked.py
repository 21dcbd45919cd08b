"""What a command line asks of a mock.

In: the options of a line. Out: `Asked`. Raises ArgumentError with one line, as QEMU refuses a line
that makes no sense; what is about the guest's hardware nobody looks at here.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec import Struct

from qscope.ask.syntax.json_text import parse_json_text
from qscope.ask.syntax.qemuopts import parse_qemuopts
from qscope.ask.syntax.scalars import parse_bool
from qscope.ask.syntax.words import Word
from qscope.errors import ArgumentError
from qscope.serve.mock.compat import parse_compat
from qscope.serve.mock.qemu_line.chardevs import Backend, read_chardev, read_device
from qscope.serve.mock.qemu_line.places import Place, find_place
from qscope.serve.policy import ACCEPT, Policy

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
# What QEMU calls the character devices of -qmp and -monitor, counted together.
_COMPAT = "compat_monitor"
# The object that is a QMP monitor, since 11.1.
_QMP_OBJECT = "monitor-qmp"


class Monitor(Struct, frozen=True):
    """A QMP monitor: its character device's ID, where its client is, and the option that made it.

    `pretty`: it answers over many lines.
    """

    id: str
    place: Place
    typed: str
    pretty: bool = False


class Asked(Struct, frozen=True, kw_only=True):
    """What a line asks for; `notes` say what of it is not done."""

    monitors: tuple[Monitor, ...] = ()
    paused: bool = False
    daemonize: bool = False
    pidfile: str | None = None
    name: str | None = None
    uuid: str | None = None
    policy: Policy = ACCEPT
    notes: tuple[str, ...] = ()


class _Wanted(Struct, frozen=True):
    """A monitor that wants a character device."""

    chardev: str
    typed: str
    is_qmp: bool
    pretty: bool


def read_line(words: Sequence[Word]) -> Asked:
    """Return what a line asks for."""
    backends, wanted = _read_devices(words)
    monitors, notes = _connect(backends, wanted)
    daemonize = any(word.name == "daemonize" for word in words)
    _check_stdio(monitors, daemonize=daemonize)
    return Asked(
        monitors=tuple(monitors),
        notes=tuple(notes),
        # A machine that is not made yet, and one that waits for its state, do not run either.
        paused=any(word.name in ("S", "preconfig", "incoming") for word in words),
        daemonize=daemonize,
        pidfile=_find_last(words, "pidfile"),
        name=_read_name(words),
        uuid=_read_uuid(words),
        policy=_read_policy(words),
    )


def _read_devices(words: Iterable[Word]) -> tuple[dict[str, Backend], list[_Wanted]]:
    """Read what makes character devices and monitors, in the order of the line."""
    backends: dict[str, Backend] = {}
    wanted: list[_Wanted] = []
    count = 0
    for word in words:
        text, typed = word.argument or "", show(word)
        match word.name:
            case "chardev":
                _add(backends, read_chardev(text, typed))
            case "mon":
                wanted.append(_read_mon(text, typed))
            case "object" if _QMP_OBJECT in text:
                wanted += _read_object(text, typed)
            case "qmp" | "qmp-pretty" | "monitor" if (word.name, text) != ("monitor", "none"):
                is_qmp = word.name != "monitor"
                name = text.removeprefix("chardev:")
                if name == text:
                    name = f"{_COMPAT}{count}"
                    if is_qmp:
                        _add(backends, read_device(text, name, typed))
                count += 1
                if is_qmp:
                    wanted.append(_Wanted(name, typed, is_qmp, word.name == "qmp-pretty"))
            case _:
                pass
    return backends, wanted


def _add(backends: dict[str, Backend], backend: Backend) -> None:
    if backend.id in backends:
        raise ArgumentError(f"{backend.typed}: Duplicate ID '{backend.id}' for chardev")
    backends[backend.id] = backend


def _read_mon(text: str, typed: str) -> _Wanted:
    given = _read_opts(text, "chardev")
    chardev, mode = given.get("chardev"), given.get("mode", "readline")
    if chardev is None:
        raise ArgumentError(f"{typed}: Parameter 'chardev' is missing")
    if mode not in ("readline", "control"):
        raise ArgumentError(f"{typed}: Parameter 'mode' does not accept value '{mode}'")
    pretty = _read_pretty(given.get("pretty", False), typed)
    return _Wanted(chardev, typed, mode == "control", pretty)


def _read_object(text: str, typed: str) -> Iterator[_Wanted]:
    """Read an -object, which is a monitor perhaps."""
    try:
        given = parse_json_text(text) if text.startswith("{") else _read_opts(text, "qom-type")
    except ArgumentError as error:
        raise ArgumentError(f"{typed}: {error}") from error
    if not isinstance(given, dict) or given.get("qom-type") != _QMP_OBJECT:
        return
    for name in ("id", "chardev"):
        if not isinstance(given.get(name), str):
            raise ArgumentError(f"{typed}: Parameter '{name}' is missing")
    pretty = given.get("pretty", False)
    yield _Wanted(given["chardev"], typed, is_qmp=True, pretty=_read_pretty(pretty, typed))


def _read_opts(text: str, implied: str) -> dict[str, Any]:
    return {each.name: each.value for each in parse_qemuopts(text, implied)}


def _read_pretty(value: Any, typed: str) -> bool:
    if isinstance(value, bool):
        return value
    try:
        return parse_bool(str(value))
    except ArgumentError as error:
        raise ArgumentError(f"{typed}: Parameter 'pretty' expects 'on' or 'off'") from error


def _connect(
    backends: dict[str, Backend], wanted: Iterable[_Wanted]
) -> tuple[list[Monitor], list[str]]:
    """Give each monitor its character device; return the QMP monitors, and what is left out."""
    monitors: list[Monitor] = []
    notes: list[str] = []
    used: set[str] = set()
    for each in wanted:
        backend = backends.get(each.chardev)
        if backend is None:
            raise ArgumentError(f'{each.typed}: chardev "{each.chardev}" not found')
        if each.chardev in used:
            raise ArgumentError(f"{each.typed}: Device '{each.chardev}' is in use")
        used.add(each.chardev)
        place = find_place(backend) if each.is_qmp else None
        if place is not None:
            monitors.append(Monitor(each.chardev, place, backend.typed, each.pretty))
        elif each.is_qmp:
            notes.append(f"{each.typed}: a mock has no QMP monitor on '{backend.kind}': left out")
    # Character devices are made in the order of the line, whoever uses them.
    order = [*backends]
    return sorted(monitors, key=lambda each: order.index(each.id)), notes


def _check_stdio(monitors: Iterable[Monitor], *, daemonize: bool) -> None:
    at_stdio = [each for each in monitors if each.place.is_stdio]
    if at_stdio and daemonize:
        raise ArgumentError(f"{at_stdio[0].typed}: cannot use stdio with -daemonize")
    if len(at_stdio) > 1:
        raise ArgumentError(f"{at_stdio[1].typed}: cannot use stdio by multiple character devices")


def _read_name(words: Iterable[Word]) -> str | None:
    """Return the guest's name: -name is one list of parameters, however often it is there."""
    given = [
        each.value
        for word in words
        if word.name == "name"
        for each in parse_qemuopts(word.argument or "", "guest")
        if each.name == "guest"
    ]
    return given[-1] if given else None


def _read_uuid(words: Iterable[Word]) -> str | None:
    found = None
    for word in _select(words, "uuid"):
        found = (word.argument or "").lower()
        if not _UUID.fullmatch(found):
            raise ArgumentError(f"{show(word)}: failed to parse UUID string: wrong format")
    return found


def _read_policy(words: Iterable[Word]) -> Policy:
    policy = ACCEPT
    for word in _select(words, "compat"):
        try:
            policy = parse_compat(word.argument or "")
        except ArgumentError as error:
            raise ArgumentError(f"{show(word)}: {error}") from error
    return policy


def _find_last(words: Iterable[Word], name: str) -> str | None:
    return next((word.argument for word in reversed([*_select(words, name)])), None)


def _select(words: Iterable[Word], name: str) -> Iterator[Word]:
    return (word for word in words if word.name == name)


def show(word: Word) -> str:
    """Return an option as QEMU's messages name it: `-qmp unix:/run/x`."""
    return f"-{word.name}" if word.argument is None else f"-{word.name} {word.argument}"

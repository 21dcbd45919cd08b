"""Judge -chardev, and the options that take a character device as text: -serial, -monitor.

In: a line and an occurrence. Out: findings about the back end and its parameters. QEMU reads all
parameters of all back ends from one list and ignores those that are of another back end; what a
back end demands are rules (rules/chardevs.py).
"""

from collections.abc import Iterator, Mapping

from qscope.ask.answer import Verdict
from qscope.ask.finding import Finding, Severity
from qscope.ask.line.backends import find_target, is_stream, list_forwards, read_backends
from qscope.ask.line.given import read_given
from qscope.ask.line.host import note_backend
from qscope.ask.line.line import Line, Occurrence, doubt_parameters
from qscope.ask.line.stream import RIGHT, Stream, parse_stream
from qscope.ask.listed import BY_PREFIX
from qscope.ask.options import find_option
from qscope.ask.options.groups import read_group
from qscope.ask.options.scalars import COARSE, make_scalar
from qscope.ask.path import compile_path
from qscope.errors import ArgumentError
from qscope.model.near import near
from qscope.model.schema_info import Member, ObjectType

# Names of back ends that the command line knew before 8.0; not every list has them.
_ALIASES = ("tty", "parport")
_FLAT = "option:chardev:all"


def judge_chardev(line: Line, occurrence: Occurrence) -> Iterator[Finding]:
    """Yield what is wrong with one -chardev."""
    given = {name: value for name, value in occurrence.parameters.items() if name != "backend"}
    yield from _check_parameters(line, occurrence, given)
    kind = occurrence.get("backend")
    if kind is None:
        yield Finding("member-missing", "backend", "a back end is mandatory")
    else:
        yield from _judge_kind(line, kind, "backend")
    for backend in read_backends(occurrence):
        yield from note_backend(backend)


def judge_stream(line: Line, occurrence: Occurrence) -> Iterator[Finding]:
    """Yield what is wrong with a character device that is given as text."""
    text = occurrence.word.argument or ""
    if is_stream(occurrence.name, text):
        yield from check_text(line, occurrence, text, "")
    for backend in read_backends(occurrence):
        yield from note_backend(backend)


def check_text(line: Line, occurrence: Occurrence, text: str, where: str) -> Iterator[Finding]:
    """Yield what is wrong with a text that should be a character device."""
    try:
        stream = parse_stream(text)
    except ArgumentError as error:
        words = ("null", "none", "stdio", "vc", "pty", "msmouse")
        guesses = tuple(near(text, words))
        yield Finding("chardev-malformed", where, str(error), suggestions=guesses)
        return
    yield from _judge_stream(line, occurrence, stream, where)


def _judge_stream(
    line: Line, occurrence: Occurrence, stream: Stream, where: str
) -> Iterator[Finding]:
    yield from _judge_kind(line, stream.backend, where)
    parsed = {each.name: each.value for each in stream.parsed if each.name != "id"}
    yield from _check_parameters(line, occurrence, parsed)


def check_forwards(line: Line, occurrence: Occurrence) -> Iterator[Finding]:
    """Yield what is wrong with the character devices that a -netdev user forwards to."""
    for forward in list_forwards(read_given(occurrence)):
        if not forward.target.startswith("cmd:") and find_target(forward.target) is None:
            yield from check_text(line, occurrence, forward.target, "guestfwd")


def _judge_kind(line: Line, kind: str, where: str) -> Iterator[Finding]:
    """Yield that there is no such back end, or that it cannot be told."""
    is_old = line.is_before(8, 0)
    if is_old and kind in _ALIASES:
        yield Finding("chardev-deprecated", where, f"{kind} is deprecated", Severity.WARNING)
        return
    present = BY_PREFIX["chardev"](line.interface, compile_path(f"chardev:{_quote(kind)}"))
    if present.verdict is Verdict.NO or not kind:
        names = line.interface.listings.chardevs or ()
        guesses = tuple(near(kind, names))
        right = "" if where else f"{RIGHT} is right"
        what = f"no character back end {kind!r}"
        yield Finding("chardev-unknown", where, what, right=right, suggestions=guesses)
    elif present.verdict is Verdict.UNKNOWN:
        what = f"{kind}: {present.why}"
        yield Finding("chardev-unknown", where, what, Severity.UNKNOWN)


def _quote(kind: str) -> str:
    """Return a name that is one step of a path: what is none names nothing."""
    return kind if kind.replace("-", "").isalnum() and kind.isascii() else "no-such-backend"


def _check_parameters(
    line: Line, occurrence: Occurrence, given: Mapping[str, object]
) -> Iterator[Finding]:
    name = _find_flat_type(line)
    if name is not None:
        yield from line.make_checker(occurrence).check(name, dict(given), "")
    elif given:
        yield doubt_parameters(next(iter(given)))


def _find_flat_type(line: Line) -> str | None:
    """Return the type that has the parameters of all back ends; None where nothing tells them."""
    if line.find(_FLAT) is not None:
        return _FLAT
    option = find_option(line.interface, "chardev")
    entity = line.find(option.arg_type) if option and option.arg_type else None
    if not isinstance(entity, ObjectType):
        return None
    members = {each.name: each for each in _list_members(line, entity) if each.name != entity.tag}
    for name, coarse in read_group(line.interface, "chardev").items():
        if name not in members and name != entity.tag:
            plain = make_scalar(line.interface, COARSE.get(coarse, "untold"))
            members[name] = Member(name=name, type=plain or "", default=None)
    made = ObjectType(name=_FLAT, members=tuple(members.values()))
    return line.interface.qom.adopt(made)


def _list_members(line: Line, entity: ObjectType) -> Iterator[Member]:
    yield from entity.members
    for variant in entity.variants:
        branch = line.find(variant.type)
        if isinstance(branch, ObjectType):
            yield from branch.members

"""A command line as somebody wrote it for a shell, or as libvirt logged it: text into words.

Quotes, backslashes, comments and line breaks (with a backslash or without) are read as sh does;
nothing is expanded: `$IMAGE` and `*` stay as they are. shlex of the standard library takes `a#b`
for a comment and keeps the break of a continued line.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from qscope.ask.syntax.quoting import quote
from qscope.errors import ArgumentError

_PIECE = re.compile(
    r"(?P<nothing>\\\n)|"
    r"'(?P<single>[^']*)'|"
    r'"(?P<double>(?:[^"\\]|\\.)*)"|'
    r"\\(?P<escaped>.)|"
    r"(?P<blank>[ \t\r\n]+)|"
    r"(?P<operator>[;&|<>()])|"
    r"(?P<open>['\"])|"
    r"(?P<plain>[^ \t\r\n'\"\\;&|<>()]+|\\\Z)",
    re.DOTALL,
)
_IN_DOUBLE = re.compile(r"\\(?:\n|([\"\\$`]))")
_COMMENT = re.compile(r"#[^\n]*")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")


# What runs a program that is named behind it, with options of its own perhaps.
_WRAPPERS = frozenset(
    (
        "sudo", "exec", "env", "nice", "ionice", "nohup", "time", "taskset", "numactl", "setsid",
        "chroot", "strace", "gdb", "unshare", "runuser", "su", "systemd-run", "stdbuf", "timeout",
    )
)  # fmt: skip
_QEMU = re.compile(r"(?:.*/)?(?:qemu(?:-.*)?|(?:qemu-)?kvm)(?:\.exe)?")
_BYTE_ORDER_MARK = "\ufeff"


class Invocation(NamedTuple):
    """A command line taken apart: its program ("" where it names none), and the program's words."""

    program: str
    words: tuple[str, ...]


def split_line(text: str) -> tuple[str, ...]:
    """Return the words of a command line without what stands before the options.

    Raises ArgumentError as `read_invocation` does.
    """
    return read_invocation(text).words


def read_invocation(text: str) -> Invocation:
    """Return the program of a command line and its words, without what stands before either.

    That is assignments, and programs such as sudo that start others. Raises ArgumentError where
    there is nothing, for a quote without its end, for an operator such as | or > that is not
    quoted, for a NUL, and for JSON.
    """
    text = text.removeprefix(_BYTE_ORDER_MARK)
    if "\0" in text:
        raise ArgumentError("there is a NUL in it: no program can be given one")
    if text.lstrip()[:1] in ("{", "["):
        raise ArgumentError("it is JSON, no command line")
    words = tuple(_split(text.replace("\r\n", "\n")))
    if not words:
        raise ArgumentError("there is no command line in it")
    start = 0
    while start < len(words) and _ASSIGNMENT.match(words[start]):
        start += 1
    start = _skip_wrapper(words, start)
    if start == len(words) or words[start].startswith("-"):
        return Invocation("", words[start:])
    return Invocation(words[start], words[start + 1 :])


def _skip_wrapper(words: tuple[str, ...], start: int) -> int:
    """Return where the QEMU is that a program such as sudo starts; `start` for any other line."""
    if start == len(words) or words[start].rpartition("/")[2] not in _WRAPPERS:
        return start
    found = (number for number in range(start, len(words)) if _QEMU.fullmatch(words[number]))
    return next(found, start)


def is_qemu(program: str) -> bool:
    """Whether a program's name is one that QEMUs have."""
    return _QEMU.fullmatch(program) is not None


def find_target(program: str) -> str:
    """Return for which target a QEMU is by its name ("" where that does not say it)."""
    return program.rpartition("/")[2].removesuffix(".exe").partition("qemu-system-")[2]


def _split(text: str) -> Iterator[str]:
    word: str | None = None
    position = 0
    while position < len(text):
        if word is None and (comment := _COMMENT.match(text, position)):
            position = comment.end()
            continue
        found = _PIECE.match(text, position)
        assert found is not None  # every character begins a piece
        position = found.end()
        match found.lastgroup:
            case "nothing":
                continue
            case "blank":
                if word is not None:
                    yield word
                word = None
            case "operator" | "open":
                raise ArgumentError(_explain(found))
            case _:
                word = (word or "") + _read_piece(found)
    if word is not None:
        yield word


def _read_piece(found: re.Match[str]) -> str:
    piece = found[str(found.lastgroup)]
    if found.lastgroup == "double":
        return _IN_DOUBLE.sub(lambda each: each[1] or "", piece)
    return piece


def _explain(found: re.Match[str]) -> str:
    line = found.string.count("\n", 0, found.start()) + 1
    if found.lastgroup == "open":
        return (
            f"line {line}: the quote {found[0]} has no end: {quote(found.string[found.start() :])}"
        )
    return f"line {line}: {found[0]!r} means something to a shell: in quotes it is right"

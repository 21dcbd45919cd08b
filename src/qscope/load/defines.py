"""Symbols with which a program is built, from a user's words and from files."""

import re
from collections.abc import Iterable, Iterator

from qscope.errors import TargetError
from qscope.load.files import explain_error, read_regular

_MAX_BYTES = 16 << 20
_SYMBOL = re.compile(r"[A-Z][A-Z0-9_]*")
_DEFINE = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)(?![\w(])", re.MULTILINE)
_C_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)|//[^\n]*", re.DOTALL)
# As make and Kconfig have it (`SYMBOL=n` is one that is not defined), or bare.
_LINE = re.compile(r"(\w+)(=.*)?")


def check_symbols(symbols: Iterable[str]) -> None:
    """Raise TargetError for what no condition of a schema can mention."""
    for symbol in symbols:
        if not _SYMBOL.fullmatch(symbol):
            raise TargetError(f"{symbol!r} is no symbol: capital letters, digits and '_'")


def read_defines(path: str) -> frozenset[str]:
    """Read the symbols that a file defines.

    It is a C header such as QEMU's config-host.h when it has a line `#define SYMBOL …`: all else in
    it is ignored. Else a line is `SYMBOL`, `SYMBOL=y`, or a comment that begins with `#`. Raises
    TargetError.
    """
    try:
        text = read_regular(path, _MAX_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TargetError(f"{path}: not a list of symbols: not UTF-8") from error
    except (OSError, ValueError) as error:
        raise TargetError(f"{path}: {explain_error(error)}") from error
    found = _DEFINE.findall(_C_COMMENT.sub(" ", text)) or _find_symbols(path, text)
    # What a program defines beside what a schema can mention.
    return frozenset(filter(_SYMBOL.fullmatch, found))


def _find_symbols(path: str, text: str) -> Iterator[str]:
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].strip()
        match = _LINE.fullmatch(words)
        if match is None:
            if words:
                raise TargetError(f"{path}:{number}: neither a symbol nor 'SYMBOL=y'")
        elif match[2] is None and not _SYMBOL.fullmatch(words):
            raise TargetError(f"{path}:{number}: {words!r} is no symbol")
        elif match[2] != "=n":
            yield match[1]

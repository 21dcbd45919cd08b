"""Symbols with which a program is built, from a user's words and from files."""

import re
from collections.abc import Iterable, Iterator

from qscope.errors import TargetError
from qscope.load.files import explain_error, read_regular

_MAX_BYTES = 16 << 20
_SYMBOL = re.compile(r"[A-Z][A-Z0-9_]*")
# As a C header has it, as make and Kconfig have it, or bare.
_DEFINITION = re.compile(r"#\s*define\s+(\w+)(?:\s.*)?|(\w+)=(?!n\b).*|(\w+)")
_IGNORED = re.compile(r"#.*|/\*.*|//.*|\w+=n\b.*|")


def check_symbols(symbols: Iterable[str]) -> None:
    """Raise TargetError for what no condition of a schema can mention."""
    for symbol in symbols:
        if not _SYMBOL.fullmatch(symbol):
            raise TargetError(f"{symbol!r} is no symbol: capital letters, digits and '_'")


def read_defines(path: str) -> frozenset[str]:
    """Read the symbols that a file defines.

    A line is `SYMBOL`, `SYMBOL=y`, or `#define SYMBOL …`, as in QEMU's config-host.h; other lines
    that begin with `#` are comments. Raises TargetError.
    """
    try:
        text = read_regular(path, _MAX_BYTES).decode()
    except UnicodeDecodeError as error:
        raise TargetError(f"{path}: not a list of symbols: not UTF-8") from error
    except (OSError, ValueError) as error:
        raise TargetError(f"{path}: {explain_error(error)}") from error
    return frozenset(_find_symbols(path, text))


def _find_symbols(path: str, text: str) -> Iterator[str]:
    for number, line in enumerate(text.splitlines(), 1):
        words = line.strip()
        match = _DEFINITION.fullmatch(words)
        if match:
            # What a header defines and no schema could mention is not for us.
            symbol = match[1] or match[2] or match[3]
            if _SYMBOL.fullmatch(symbol):
                yield symbol
            elif match[3]:
                raise TargetError(f"{path}:{number}: {symbol!r} is no symbol")
        elif not _IGNORED.fullmatch(words):
            raise TargetError(f"{path}:{number}: neither a symbol nor '#define SYMBOL'")

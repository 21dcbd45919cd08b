"""Where things stand in a schema: files, places in them, and errors that name both.

Tokens are counted, not measured: a place is a file and the number of a token, and becomes a line
and a column only for somebody who asks, by reading the file's tokens once more.
"""

import functools
import posixpath
from collections.abc import Iterator

from msgspec import Struct

from qscope.errors import Location, SchemaError
from qscope.qapi.lexer import find_offsets


def identify(name: str) -> str:
    """Return what is the same for all names of a file, but for links."""
    try:
        return posixpath.abspath(name)
    except FileNotFoundError:
        # The current folder is gone.
        return posixpath.normpath(name)


class Source:
    """One file of a schema: its name as opened, its text, and where it was included."""

    def __init__(self, name: str, text: str, included_at: "Place | None" = None) -> None:
        self.name = name
        # The same for all names of a file, but for links.
        self.path = identify(name)
        self.text = text
        self.included_at = included_at

    @functools.cached_property
    def _offsets(self) -> tuple[int, ...]:
        return find_offsets(self.text)

    def offset(self, token: int) -> int:
        """Return where in the text a token begins. The end of the file is its last newline."""
        return self._offsets[min(token, len(self._offsets) - 1)]

    def locate(self, offset: int, *, column: bool = False) -> Location:
        """Turn an offset into a line, and a column if wanted."""
        start = self.text.rfind("\n", 0, offset) + 1
        line = self.text.count("\n", 0, offset) + 1
        return Location(self.name, line, _measure(self.text[start:offset]) if column else None)

    def chain(self) -> tuple[Location, ...]:
        """Return the places of the directives that included this file, outermost first."""
        return tuple(place.location for place in self.includers())[::-1]

    def includers(self) -> Iterator["Place"]:
        """Yield the places of the directives that included this file, innermost first."""
        place = self.included_at
        while place:
            yield place
            place = place.source.included_at


def _measure(text: str) -> int:
    """Return the column behind `text`; tabs count as in QEMU's scripts/qapi/error.py."""
    column = 1
    for character in text:
        column = (column + 7) % 8 + 1 if character == "\t" else column + 1
    return column


class Place(Struct, frozen=True, gc=False):
    """A token of a file: where a definition begins, or a line of the comment it is."""

    source: Source
    token: int
    # Counted from the token's own line.
    line: int = 0

    @property
    def location(self) -> Location:
        """File and line."""
        file, line, _ = self.source.locate(self.source.offset(self.token))
        return Location(file, (line or 0) + self.line)

    def error(
        self,
        message: str,
        *,
        context: str | None = None,
        notes: tuple[tuple[Location, str], ...] = (),
        kind: type[SchemaError] = SchemaError,
    ) -> SchemaError:
        """Return an error about this place, for raising."""
        return kind(
            message,
            self.location,
            context=context,
            included_from=self.source.chain(),
            notes=notes,
        )


def error_at(
    source: Source, offset: int, message: str, kind: type[SchemaError] = SchemaError
) -> SchemaError:
    """Return an error about one character, with its column: an error of syntax."""
    location = source.locate(offset, column=True)
    return kind(message, location, included_from=source.chain())

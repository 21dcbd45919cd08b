"""Documentation comments as data: what a comment describes, and its sections.

A comment is kept as it stands, and read when somebody asks: quickly (skim.py) or line by line
(doc_reader.py). What it says about a definition that is not true of it is found in documented.py.
"""

from enum import Enum
from typing import NamedTuple

from msgspec import Struct

from qscope.errors import DocError, SchemaError
from qscope.qapi.source import Place


class Topic(Enum):
    """What a section is about."""

    TEXT = "text"
    MEMBER = "member"
    FEATURE = "feature"
    RETURNS = "returns"
    ERRORS = "errors"
    SINCE = "since"
    TODO = "todo"


class Outline(Struct, frozen=True, gc=False):
    """What a comment describes; `symbol` is None for free-form text."""

    symbol: str | None = None
    members: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    # `returns`, `errors`, `since`, `todo`.
    tags: tuple[str, ...] = ()


class Section(NamedTuple):
    """A part of a comment; `line` counts from the comment's first."""

    topic: Topic
    # Of the member or the feature.
    name: str
    line: int
    text: str


class Doc(Struct, eq=False, gc=False):
    """A documentation comment as it stands; `doc_reader` reads it."""

    place: Place
    raw: str
    # What it describes, once it was checked.
    outline: Outline | None = None

    @property
    def symbol(self) -> str | None:
        """The definition it says it is for; None for free-form text, and before it was checked."""
        return self.outline.symbol if self.outline else None

    def error(self, message: str, line: int = 0) -> SchemaError:
        """Return an error about one of its lines."""
        place = Place(self.place.source, self.place.token, line)
        return place.error(message, kind=DocError)

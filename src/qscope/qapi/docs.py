"""Documentation comments as data: what a comment describes, and its sections.

A comment is kept as it stands, and read when somebody asks: quickly (skim.py) or line by line
(doc_reader.py). What it says about a definition that is not true of it is found in documented.py.
"""

from collections.abc import Callable
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


class Sections(NamedTuple):
    """All parts of a comment, in order."""

    doc: "Doc"
    all: tuple[Section, ...]

    def require_text(self) -> None:
        """Raise DocError for a section that says nothing."""
        for section in self.all:
            if section.topic is not Topic.TEXT and not section.text:
                raise self.doc.error(f"no text follows '{_title(section)}'", section.line)

    def outline(self) -> Outline:
        """Say what they describe."""
        return Outline(
            self.doc.symbol,
            tuple(self.by_name(Topic.MEMBER)),
            tuple(self.by_name(Topic.FEATURE)),
            tuple(each.topic.value for each in self.all),
        )

    def by_name(self, topic: Topic) -> dict[str, Section]:
        """Return the descriptions of members or of features."""
        return {each.name: each for each in self.all if each.topic is topic}

    def find(self, topic: Topic) -> Section | None:
        """Return the first section about a topic."""
        return next((each for each in self.all if each.topic is topic), None)


class Doc(Struct, eq=False, gc=False):
    """A documentation comment: of a definition when it begins with `@SYMBOL:`, else free-form."""

    place: Place
    raw: str
    # What it describes, once it was checked.
    outline: Outline | None = None
    _sections: Sections | None = None

    @property
    def symbol(self) -> str | None:
        """The definition it says it is for; None for free-form text."""
        if self.outline:
            return self.outline.symbol
        from qscope.qapi.doc_reader import read_symbol  # noqa: PLC0415 - see check

        return read_symbol(self)

    @property
    def sections(self) -> Sections:
        """What it says, as far as it can be understood."""
        if self._sections is None:
            from qscope.qapi.doc_reader import read_sections  # noqa: PLC0415 - see check

            self._sections = read_sections(self)
        return self._sections

    def check(self, require_end: Callable[[str | None], None]) -> None:
        """Check that it keeps the rules, and note in `outline` what it describes.

        `require_end` is called with what is wrong when the comment does not end, and with None
        when it does; it raises what is wrong with the token behind it. Raises DocError.
        """
        # Where comments are ignored, none of the patterns for them is compiled.
        from qscope.qapi.doc_reader import read_sections  # noqa: PLC0415
        from qscope.qapi.skim import skim  # noqa: PLC0415

        self.outline = skim(self.raw)
        if self.outline is None:
            sections = read_sections(self, require_end)
            require_end(None)
            sections.require_text()
            self.outline = sections.outline()

    def error(self, message: str, line: int = 0) -> SchemaError:
        """Return an error about one of its lines."""
        place = Place(self.place.source, self.place.token, line)
        return place.error(message, kind=DocError)


def _title(section: Section) -> str:
    named = section.topic in (Topic.MEMBER, Topic.FEATURE)
    return f"@{section.name}:" if named else f"{section.topic.value.capitalize()}:"

"""Read a documentation comment line by line, from a raw comment to sections.

Read strictly, a comment must keep the rules of QEMU 11.0's scripts/qapi/parser.py; read leniently,
for those who only want to know what it says, it need not.
"""

import re
from collections.abc import Callable, Iterable
from typing import TypeAlias

from qscope.errors import DocError
from qscope.qapi.doc_style import Style, may_have_bad_style, measure_indent
from qscope.qapi.docs import Doc, Outline, Section, Topic
from qscope.qapi.skim import skim
from qscope.qapi.source import error_at

_NAMED = re.compile(r"@([^:]*): *")
# Two colons are reStructuredText, no tag.
_TAGGED = re.compile(r"(Returns|Errors|Since|TODO|Notes?|Examples?):(?!:) *")
_TAGS = (Topic.RETURNS, Topic.ERRORS, Topic.SINCE, Topic.TODO)
_OBSOLETE = frozenset(("Note", "Notes", "Example", "Examples"))


# Called with what is wrong when a comment does not end, and with None when it does: raises what is
# wrong with the token behind it.
RequireEnd: TypeAlias = Callable[[str | None], None]


def check_doc(doc: Doc, require_end: RequireEnd) -> None:
    """Check that a comment keeps the rules, and note what it describes.

    Raises DocError, and what `require_end` raises.
    """
    doc.outline = skim(doc.raw) or _check_lines(doc, require_end)


def _check_lines(doc: Doc, require_end: RequireEnd) -> Outline:
    reader = _Reader(doc, require_end)
    sections = reader.read()
    require_end(None)
    for section in sections:
        if section.topic is not Topic.TEXT and not section.text:
            raise doc.error(f"no text follows '{_title(section)}'", section.line)
    return make_outline(reader.symbol, sections)


def read_sections(doc: Doc) -> tuple[Section, ...]:
    """Read what a comment says, as far as it can be understood."""
    return _Reader(doc, None).read()


def read_symbol(doc: Doc) -> str | None:
    """Return the definition that a comment says it is for; None for free-form text."""
    reader = _Reader(doc, None)
    reader.read()
    return reader.symbol


def find_section(doc: Doc, topic: Topic, name: str = "") -> Section:
    """Return a section that a comment's outline has."""
    return next(
        each for each in read_sections(doc) if each.topic is topic and name in ("", each.name)
    )


def make_outline(symbol: str | None, sections: Iterable[Section]) -> Outline:
    """Say what sections describe."""
    names: dict[Topic, list[str]] = {topic: [] for topic in Topic}
    for section in sections:
        names[section.topic].append(section.name)
    tags = [topic.value for topic in _TAGS for _ in names[topic]]
    return Outline(symbol, tuple(names[Topic.MEMBER]), tuple(names[Topic.FEATURE]), tuple(tags))


def _title(section: Section) -> str:
    named = section.topic in (Topic.MEMBER, Topic.FEATURE)
    return f"@{section.name}:" if named else f"{section.topic.value.capitalize()}:"


class _Reader:
    """Reads a comment line by line; without a `require_end`, whatever it is is fine."""

    def __init__(self, doc: Doc, require_end: RequireEnd | None) -> None:
        self.symbol: str | None = None
        self._doc = doc
        self._require_end = require_end
        self._lines = doc.raw.split("\n")
        self._number = 0
        self._found: list[tuple[Topic, str, int, list[str]]] = [(Topic.TEXT, "", 0, [])]
        self._has_features = False
        self._known: set[tuple[Topic, str]] = set()
        strict = require_end is not None
        self._style = Style() if strict and may_have_bad_style(doc.raw) else None

    def read(self) -> tuple[Section, ...]:
        if self._lines[0] != "##":
            self._fail("the line that begins a documentation comment has more than '##'")
        line = self.next_line()
        if line is not None and line.startswith("@"):
            if not line.endswith(":"):
                self._fail("':' is missing behind the name that is documented")
            if line in ("@", "@:"):
                self._fail("no name follows '@'")
            self.symbol = line[1:-1] if line.endswith(":") else line[1:]
            self._read_definition()
        else:
            self._read_free_form(line)
        return tuple(
            Section(topic, name, number, _join(lines)) for topic, name, number, lines in self._found
        )

    def next_line(self) -> str | None:
        """Return the next line without its `# `; None at the end."""
        while True:
            self._number += 1
            if self._number >= len(self._lines):
                if self._require_end:
                    self._require_end("a documentation comment ends with a line '##'")
                return None
            line = self._lines[self._number]
            if line[:2] != "# ":
                line = line.lstrip()
                if not line:
                    continue
                if line[:2] == "##":
                    if line != "##":
                        self._fail("the line that ends a documentation comment has more than '##'")
                    return None
                if line == "#":
                    return ""
                if line[1] != " ":
                    self._fail("a space is missing behind '#'")
            text = line[2:].rstrip()
            if self._style:
                problem, column = self._style.judge(text)
                if problem:
                    self._fail(problem, column)
            return text

    def _read_free_form(self, line: str | None) -> None:
        while line is not None:
            if line[:1] == "@" and (match := _NAMED.match(line)):
                self._fail(f"'@{match[1]}:' in a comment that documents no definition")
            self._append(line)
            line = self.next_line()

    def _read_definition(self) -> None:
        members_may_follow = True
        line = self.next_line()
        while line is not None:
            if not line:
                line = self.next_line()
                continue
            if line == "Features:":
                line = self._read_features()
                members_may_follow = False
            elif line[0] == "@" and (match := _NAMED.match(line)):
                if not members_may_follow:
                    self._fail(
                        f"'@{match[1]}:' stands behind a section; members are described first"
                    )
                line = self._read_descriptions(Topic.MEMBER, line)
                members_may_follow = False
            elif (match := _TAGGED.match(line)) and self._is_tag(match[1]):
                line = self._read_tagged(Topic(match[1].lower()), line[match.end() :])
                members_may_follow = False
            else:
                line = self._read_paragraph(line)

    def _is_tag(self, tag: str) -> bool:
        if tag in _OBSOLETE:
            self._fail(f"no section is called '{tag}' any more: use a directive such as "
                       f"'.. {'note' if 'Note' in tag else 'qmp-example'}::'")  # fmt: skip
        return tag not in _OBSOLETE

    def _read_features(self) -> str | None:
        if self._has_features:
            self._fail("a second 'Features:'")
        line = self.next_line()
        while line == "":
            line = self.next_line()
        line = self._read_descriptions(Topic.FEATURE, line)
        self._has_features = self._found[-1][0] is Topic.FEATURE
        if not self._has_features:
            self._fail("no description of a feature follows 'Features:'")
        return line

    def _read_descriptions(self, topic: Topic, line: str | None) -> str | None:
        """Read a run of `@NAME: text`."""
        while line and line[0] == "@" and (match := _NAMED.match(line)):
            name = match[1]
            if not name:
                self._fail_here("no name between '@' and ':'")
            if (topic, name) in self._known:
                self._fail_here(f"'@{name}' is described twice")
            line = self._read_indented(topic, name, line[match.end() :])
        return line

    def _read_tagged(self, topic: Topic, text: str) -> str | None:
        if topic is not Topic.TODO and (topic, "") in self._known:
            self._fail_here(f"a second '{topic.value.capitalize()}' section")
        return self._read_indented(topic, "", text)

    def _read_indented(self, topic: Topic, name: str, text: str) -> str | None:
        """Read a section's text; return the line after it, which is not blank."""
        lines = [text] if text else []
        self._found.append((topic, name, self._number, lines))
        self._known.add((topic, name))
        line = self.next_line()
        while line == "":
            lines.append(line)
            line = self.next_line()
        if line is None or not (indent := measure_indent(line)):
            return line
        lines.append(line)
        first = True
        while (line := self.next_line()) is not None:
            if line[:1] == "@" and _NAMED.match(line):
                return line
            if line and measure_indent(line) < indent:
                # QEMU's parser.py objects only right below the first indented line.
                if not first:
                    return line
                self._fail(f"indented less than the line above, by {indent} spaces")
            lines.append(line)
            first = False
        return line

    def _read_paragraph(self, line: str) -> str | None:
        """Read text up to a blank line."""
        if self._found[-1][0] is not Topic.TEXT:
            self._found.append((Topic.TEXT, "", self._number, []))
        elif self._found[-1][3]:
            self._append("")
        following: str | None = line
        while following:
            self._append(following)
            following = self.next_line()
        return following

    def _append(self, line: str) -> None:
        self._found[-1][3].append(line)

    def _fail(self, message: str, column: int = 0) -> None:
        """Complain about the current line: an error of syntax, with a column."""
        if self._require_end:
            source = self._doc.place.source
            lines = self._lines
            line = lines[self._number]
            start = source.offset(self._doc.place.token) + sum(map(len, lines[: self._number]))
            indent = len(line) - len(line.lstrip())
            offset = start + self._number + indent + column
            raise error_at(source, offset, message, DocError)

    def _fail_here(self, message: str) -> None:
        """Complain about the current line: an error of meaning, without a column."""
        if self._require_end:
            raise self._doc.error(message, self._number)


def _join(lines: list[str]) -> str:
    return "\n".join(lines).strip("\n")

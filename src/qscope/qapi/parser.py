"""From tokens to expressions, file by file: includes followed, pragmas kept, comments attached.

In: a file's text, and a function that reads what it includes. Out: `Parsed`. The order in which
things are looked at is that of QEMU's scripts/qapi/parser.py, since the first error is the only
one. Next stage: define.py.
"""

import functools
import posixpath
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from msgspec import Struct

from qscope.errors import DocError, SchemaError
from qscope.qapi.docs import Doc
from qscope.qapi.lexer import explain, is_token, tokenize
from qscope.qapi.pragma import Pragma
from qscope.qapi.source import Place, Source, error_at, identify

if TYPE_CHECKING:
    from qscope.qapi.doc_reader import RequireEnd

# Returns the bytes of a file, or its text; raises OSError.
Reader: TypeAlias = Callable[[str], bytes | str]

# No schema is nested half as deep, and no interpreter is at its end there.
_MAX_DEPTH = 100
_MAX_INCLUDES = 100
# Containers, arrays of them, strings and booleans, as they stand.
Value: TypeAlias = "dict[str, Value] | list[Value] | str | bool"


class Expression(Struct, frozen=True, gc=False):
    """One top-level expression that is no directive, with the comment in front of it."""

    value: dict[str, Any]
    place: Place
    doc: Doc | None


class Parsed(NamedTuple):
    """Everything that the files of a schema say, in the order in which they say it."""

    expressions: list[Expression]
    docs: list[Doc]
    pragma: Pragma
    # Names of the files, the root first, then each at its first include.
    modules: dict[str, None]


def parse_files(root: Source, read: Reader | None, *, check_docs: bool) -> Parsed:
    """Parse the root file and all that it includes. Raises SchemaError."""
    parser = _Parser(read, check_docs=check_docs)
    parser.parse(root)
    return parser.parsed


def decode_text(name: str, data: bytes | str, included_at: Place | None = None) -> Source:
    """Make a source of a file's bytes. Raises SchemaError when they are not UTF-8."""
    if isinstance(data, str):
        return make_source(name, data, included_at)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        valid = Source(name, data[: error.start].decode() + "\n", included_at)
        message = f"not UTF-8: byte 0x{data[error.start]:02x}"
        raise error_at(valid, error.start and len(valid.text) - 1, message) from error
    return make_source(name, text, included_at)


def make_source(name: str, text: str, included_at: Place | None = None) -> Source:
    """Make a source whose lines all end in a newline."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return Source(name, text if text.endswith("\n") else text + "\n", included_at)


class _Unexpected(Exception):  # noqa: N818 - it never leaves this module
    """A token that does not fit; `wanted` says what would."""

    def __init__(self, token: int, wanted: str) -> None:
        super().__init__(wanted)
        self.token = token
        self.wanted = wanted


def _import_check() -> Callable[[Doc, "RequireEnd"], None]:
    """Where comments are ignored, none of the patterns for them is compiled."""
    from qscope.qapi.doc_reader import check_doc  # noqa: PLC0415

    return check_doc


class _Parser:
    def __init__(self, read: Reader | None, *, check_docs: bool) -> None:
        self.parsed = Parsed([], [], Pragma(), {})
        self._read = read
        self._check_docs = _import_check() if check_docs else None
        self._seen: set[str] = set()

    def parse(self, source: Source) -> None:
        """Parse one file, and at each directive what it includes."""
        self._seen.add(source.path)
        self._note_module(source.name)
        tokens = tokenize(source.text)
        doc: Doc | None = None
        position = 0
        while token := tokens[position]:
            place = Place(source, position)
            if token[0] == "#":
                if doc:
                    self._require_no_subject(doc)
                doc = Doc(place, token)
                self.parsed.docs.append(doc)
                position += 1
                if self._check_docs:
                    require_end = functools.partial(_require_token, source, tokens, position)
                    self._check_docs(doc, require_end)
            else:
                value, position = _read_expression(source, tokens, position)
                self._take(value, place, doc)
                doc = None
        if doc:
            self._require_no_subject(doc)

    def _require_no_subject(self, doc: Doc) -> None:
        """Documentation of a definition must be followed by it."""
        if self._check_docs and doc.symbol is not None:
            raise doc.error(f"the definition of '{doc.symbol}' does not follow its documentation")

    def _take(self, value: Value, place: Place, doc: Doc | None) -> None:
        """Follow a directive, or keep a definition. A comment is used up by what follows it."""
        if not isinstance(value, dict):
            raise place.error("a schema consists of objects: definitions and directives")
        directive = self._find_directive(value)
        if directive:
            if doc:
                self._require_no_subject(doc)
            directive(value, place)
        else:
            if self._check_docs and doc and doc.symbol is None:
                raise doc.error(
                    "documentation of a definition that does not begin with its name: '@NAME:'"
                )
            self.parsed.expressions.append(Expression(value, place, doc))

    def _find_directive(
        self, value: dict[str, Value]
    ) -> Callable[[dict[str, Value], Place], None] | None:
        if "include" in value:
            return self._include
        return self.parsed.pragma.follow if "pragma" in value else None

    def _include(self, value: dict[str, Value], place: Place) -> None:
        if len(value) != 1:
            raise place.error("an 'include' directive has no other key")
        name = value["include"]
        if not isinstance(name, str):
            raise place.error("'include' takes the name of a file")
        path = posixpath.join(posixpath.dirname(place.source.name), name)
        self._note_module(path)
        absolute = identify(path)
        includers = [place.source, *(each.source for each in place.source.includers())]
        if any(each.path == absolute for each in includers):
            raise place.error(f"'{name}' includes itself, directly or through other files")
        if len(includers) > _MAX_INCLUDES:
            raise place.error(f"more than {_MAX_INCLUDES} files include each other in turn")
        if absolute not in self._seen:
            self.parse(self._open(name, path, place))

    def _open(self, name: str, path: str, place: Place) -> Source:
        if self._read is None:
            raise place.error(f"cannot read the included file '{name}': no reader was handed in")
        try:
            data = self._read(path)
        except OSError as error:
            reason = error.strerror or str(error)
            raise place.error(f"cannot read the included file '{name}': {reason}") from error
        return decode_text(path, data, place)

    def _note_module(self, name: str) -> None:
        self.parsed.modules.setdefault(name)


def _read_expression(source: Source, tokens: list[str], position: int) -> tuple[Value, int]:
    try:
        value, position = _read_value(tokens, position, 0)
    except _Unexpected as error:
        raise _complain(source, tokens, error.token, error.wanted) from None
    _require_token(source, tokens, position)
    return value, position


def _read_value(tokens: list[str], position: int, depth: int) -> tuple[Value, int]:
    """Return the value that begins at `position`, and the position behind it."""
    token = tokens[position]
    if token == "{":
        return _read_object(tokens, position, _deeper(position, depth))
    if token == "[":
        return _read_array(tokens, position, _deeper(position, depth))
    if token[:1] == "'":
        return token[1:-1], position + 1
    if token in ("true", "false"):
        return token == "true", position + 1
    raise _Unexpected(
        position, "a value must stand here: an object, an array, a string, true or false"
    )


def _read_object(tokens: list[str], position: int, depth: int) -> tuple[Value, int]:
    members: dict[str, Value] = {}
    if tokens[position + 1] == "}":
        return members, position + 2
    wanted = "'}' or a key in quotes must stand here"
    while True:
        key = tokens[position + 1]
        if key[:1] != "'":
            raise _Unexpected(position + 1, wanted)
        if tokens[position + 2] != ":":
            raise _Unexpected(position + 2, "':' must stand here")
        position += 3
        key = key[1:-1]
        if key in members:
            raise _Unexpected(position, f"the key '{key}' is there already")
        value = tokens[position]
        if value[:1] == "'":
            members[key] = value[1:-1]
            position += 1
        else:
            members[key], position = _read_value(tokens, position, depth)
        token = tokens[position]
        if token == "}":
            return members, position + 1
        if token != ",":
            raise _Unexpected(position, "',' or '}' must stand here")
        wanted = "a key in quotes must stand here"


def _read_array(tokens: list[str], position: int, depth: int) -> tuple[Value, int]:
    elements: list[Value] = []
    token = tokens[position + 1]
    if token == "]":
        return elements, position + 2
    if token[:1] not in ("'", "{", "[") and token not in ("true", "false"):
        raise _Unexpected(position + 1, "']' or a value must stand here")
    while True:
        value = tokens[position + 1]
        if value[:1] == "'":
            elements.append(value[1:-1])
            position += 2
        else:
            element, position = _read_value(tokens, position + 1, depth)
            elements.append(element)
        token = tokens[position]
        if token == "]":
            return elements, position + 1
        if token != ",":
            raise _Unexpected(position, "',' or ']' must stand here")


def _deeper(position: int, depth: int) -> int:
    if depth >= _MAX_DEPTH:
        raise _Unexpected(position, f"nested more than {_MAX_DEPTH} levels deep")
    return depth + 1


def _require_token(
    source: Source, tokens: list[str], position: int, wanted: str | None = None
) -> None:
    """Raise what is wrong with a token, or that the end of a comment was `wanted` in its place.

    QEMU looks one token ahead, so that a stray character is found before all else.
    """
    token = tokens[position]
    if wanted or (token and not is_token(token)):
        raise _complain(source, tokens, position, wanted or "", DocError)


def _complain(
    source: Source,
    tokens: list[str],
    position: int,
    wanted: str = "",
    kind: type[SchemaError] = SchemaError,
) -> SchemaError:
    """Return the error for a token: what is wrong with it, else what was wanted in its place."""
    token = tokens[position]
    offset = source.offset(position)
    if token and not is_token(token):
        return error_at(source, offset, explain(source.text, offset))
    return error_at(source, offset, wanted, kind)

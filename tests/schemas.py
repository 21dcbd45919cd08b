"""Schemas for tests: parsing a text, files that exist only in memory, mutants of a text."""

import posixpath
import random
import re
from pathlib import Path, PurePosixPath

from qscope import qapi
from qscope.model.canonical import schema_hash
from qscope.model.interface import Interface
from qscope.model.schema_info import encode_entity

EXAMPLE = Path(__file__).parent.parent / "examples/block-service/block-service.json"
SYMBOLS = ["CONFIG_RING", "CONFIG_TRACE", "CONFIG_RELEASE"]

_TOKEN = re.compile(r"[{}\[\]:,]|'[^'\n]*'|\w+|#.*|\S")
_WORDS = [
    *"{}[]:,", "true", "false", "'int'", "'str'", "'any'", "'null'", "'Named'", "'Driver'", "'if'",
    "'base'", "'data'", "'features'", "'deprecated'", "'CONFIG_X'", "{ 'all': [] }", "['int']",
    "{ 'not': 'A' }", "'u'", "'has-x'", "'q-x'", "'a_b'", "'A'", "''", "'*a'", "'IntList'", "'on'",
    "{ 'type': 'int', 'if': 'A' }", "'include'", "'pragma'", "'boxed'", "'returns'", "'event'",
    "##", "#", "# @x: y", "# Features:", "# Returns: x", "# text", "#     text", "#x", "# Since:",
    "# Note: x", "# a. B",
    "# Since:\t", "# Features:\t", "#     C#", "# @b:\u00a0", "# \tx",
    "'", '"', "\\", ";", "\u00e9", "\n", "\n##\n# @Named:\n##\n",
]  # fmt: skip


def reader(files):
    """Return a function that reads files given as texts or bytes by name."""

    def read(path):
        text = files.get(posixpath.normpath(path))
        if text is None:
            raise FileNotFoundError(2, "No such file or directory", path)
        return text if isinstance(text, bytes) else text.encode()

    return read


def parse_files(files, root="root.json", **options):
    return qapi.parse(PurePosixPath(root), read=reader(files), **options)


def parse_example(**options):
    return qapi.parse(EXAMPLE, read=lambda path: Path(path).read_bytes(), **options)


def introspect(schema, defines=(), **options):
    return [encode_entity(entity) for entity in schema.introspect(defines, **options)]


def hash_of(schema, defines=()):
    """Return the hash that a client computes of what the schema introspects to."""
    return schema_hash(Interface(schema.introspect(defines)))


def mutate(text, seed):
    """Change a text in one to three places: take tokens away, repeat them, put others there."""
    dice = random.Random(seed)
    for _ in range(dice.randint(1, 3)):
        matches = list(_TOKEN.finditer(text))
        if not matches:
            break
        match, other = dice.choice(matches), dice.choice(matches)
        word = dice.choice(["", match[0] + " " + match[0], other[0], *[dice.choice(_WORDS)] * 3])
        text = text[: match.start()] + word + text[match.end() :]
    return text

"""The source of a served schema: the program's own, and what every server has.

In: a file's path or a schema's text. Out: a resolved schema that defines the server's own commands
besides. What the program defines itself is left to it: then it is the program's.
"""

import contextlib
import os
import re
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from qscope import qapi
from qscope.errors import SchemaError

# No file of a schema has this many bytes; QEMU's largest has 200 KB.
_MAX_BYTES = 16 << 20
_OWN_NAME = "<server>"
_PROGRAM_NAME = "<schema>"
# A file's name that a string of a schema can hold as it is. Folders are not written in one.
_WRITABLE = re.compile(r"[ -&(-\[\]-~]+")

# Types have names that no program will think of; clients do not see them.
_TYPES = """
{ 'enum': 'QscopeCapability', 'data': ['oob', 'schema-changed'] }
{ 'struct': 'QscopeVersionTriple', 'data': {'major': 'int', 'minor': 'int', 'micro': 'int'} }
{ 'struct': 'QscopeVersion', 'data': {'qemu': 'QscopeVersionTriple', 'package': 'str'} }
{ 'struct': 'QscopeCommand', 'data': {'name': 'str'} }
{ 'enum': 'QscopeMetaType',
  'data': ['builtin', 'enum', 'array', 'object', 'alternate', 'command', 'event', 'option'] }
{ 'enum': 'QscopeJSONType',
  'data': ['string', 'number', 'int', 'boolean', 'null', 'object', 'array', 'value'] }
{ 'union': 'QscopeEntity',
  'base': {'name': 'str', 'meta-type': 'QscopeMetaType', '*features': ['str']},
  'discriminator': 'meta-type',
  'data': {'builtin': 'QscopeBuiltin', 'enum': 'QscopeEnum', 'array': 'QscopeArray',
           'object': 'QscopeObject', 'alternate': 'QscopeAlternate',
           'command': 'QscopeCommandEntity', 'event': 'QscopeEventEntity',
           'option': 'QscopeOption'} }
{ 'struct': 'QscopeBuiltin', 'data': {'json-type': 'QscopeJSONType'} }
{ 'struct': 'QscopeFeatured', 'data': {'name': 'str', '*features': ['str']} }
{ 'struct': 'QscopeEnum', 'data': {'members': ['QscopeFeatured'], 'values': ['str']} }
{ 'struct': 'QscopeArray', 'data': {'element-type': 'str'} }
{ 'struct': 'QscopeMember', 'base': 'QscopeFeatured', 'data': {'type': 'str', '*default': 'any'} }
{ 'struct': 'QscopeVariant', 'data': {'case': 'str', 'type': 'str'} }
{ 'struct': 'QscopeObject',
  'data': {'members': ['QscopeMember'], '*tag': 'str', '*variants': ['QscopeVariant']} }
{ 'struct': 'QscopeAlternateMember', 'data': {'type': 'str'} }
{ 'struct': 'QscopeAlternate', 'data': {'members': ['QscopeAlternateMember']} }
{ 'struct': 'QscopeCommandEntity',
  'data': {'arg-type': 'str', 'ret-type': 'str', '*allow-oob': 'bool'} }
{ 'struct': 'QscopeEventEntity', 'data': {'arg-type': 'str'} }
{ 'struct': 'QscopeOption',
  'data': {'arg': 'bool', '*arg-type': 'str', '*syntax': ['str'], '*implied-key': 'str',
           '*repeat': 'str', '*closed': 'bool', '*aliases': ['str'], '*sugar': 'str',
           '*deprecated': 'bool', '*hidden': 'bool', '*availability': 'str',
           '*completeness': 'str', '*evidence': ['any'], '*group': 'str', '*words': ['str']} }
"""
_DEFINITIONS = {
    "qmp_capabilities": """
{ 'command': 'qmp_capabilities', 'data': {'*enable': ['QscopeCapability']} }""",
    "query-qmp-schema": "{ 'command': 'query-qmp-schema', 'returns': ['QscopeEntity'] }",
    "query-commands": "{ 'command': 'query-commands', 'returns': ['QscopeCommand'] }",
    "query-version": "{ 'command': 'query-version', 'returns': 'QscopeVersion' }",
    "query-command-line": "{ 'command': 'query-command-line', 'returns': ['QscopeEntity'] }",
    "SCHEMA_CHANGED": """
{ 'event': 'SCHEMA_CHANGED',
  'data': {'hash': 'str', 'serial': 'int', 'added': ['str'], 'removed': ['str']} }""",
}


def open_source(schema: str | os.PathLike[str]) -> qapi.Schema:
    """Read and parse a program's schema: its text, or a file's path. Raises SchemaError."""
    return qapi.parse(schema, read=_read, docs="ignore", name=_PROGRAM_NAME)


def open_served(schema: str | os.PathLike[str]) -> qapi.Schema:
    """Return a program's schema with the commands that a server adds. Raises SchemaError."""
    program = open_source(schema)
    known = program.by_name
    pragma = _make_pragma(program.pragma.command_name_exceptions)
    own = [pragma, _TYPES, *(text for name, text in _DEFINITIONS.items() if name not in known)]
    folder, name = os.path.split(_find_path(schema) or _PROGRAM_NAME)
    if not _WRITABLE.fullmatch(name):
        name = _PROGRAM_NAME
    text = f"{{ 'include': '{name}' }}\n" + "\n".join(own)
    own_name = os.path.join(folder, _OWN_NAME)
    return qapi.parse(text, read=_make_reader(schema), docs="ignore", name=own_name)


@contextlib.contextmanager
def naming_the_program() -> Iterator[None]:
    """Let an error about a served schema be one about the program's: it has not seen ours."""
    try:
        yield
    except SchemaError as error:
        places = tuple(
            each for each in error.included_from if os.path.basename(each.file) != _OWN_NAME
        )
        raise SchemaError(
            error.message,
            error.location,
            context=error.context,
            included_from=places,
            notes=error.notes,
        ) from error


def _make_pragma(names: Collection[str]) -> str:
    """Return the pragma for our names and the program's, whose own list it replaces."""
    excepted = ", ".join(f"'{name}'" for name in sorted({*names, "qmp_capabilities"}))
    return f"{{ 'pragma': {{ 'command-name-exceptions': [{excepted}] }} }}\n"


def _find_path(schema: str | os.PathLike[str]) -> str | None:
    """Return the path that `schema` is, or None if it is a text; the same rule as the parser's."""
    text = os.fspath(schema)
    is_text = isinstance(schema, str) and (not text.strip() or bool(set(text) & set("{#\n")))
    return None if is_text else os.path.abspath(text)


def _make_reader(schema: str | os.PathLike[str]) -> Callable[[str], bytes]:
    """Return what reads the schema and the files that it includes."""
    path = _find_path(schema)

    def read(name: str) -> bytes:
        if os.path.basename(name) != _PROGRAM_NAME:
            return _read(name)
        return os.fspath(schema).encode() if path is None else _read(path)

    return read


def _read(name: str) -> bytes:
    """Read a file. Raises OSError."""
    path = Path(name)
    if not path.is_file():
        raise OSError(None, "no such file" if not path.exists() else "not a regular file")
    data = path.read_bytes()
    if len(data) > _MAX_BYTES:
        raise OSError(None, "larger than 16 MiB")
    return data

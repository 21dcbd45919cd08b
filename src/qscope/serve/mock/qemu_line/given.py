"""What a line makes that a mock remembers: devices, objects, back ends, block nodes.

In: the options of a line, and the schema that is served. Out: `Given`, the commands that would make
the same. A -drive with an ID becomes a node of that name, which devices can name as they do -drive;
what makes a device without naming it (-hda, -nic, -serial) is left out.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from qscope.ask.syntax.json_text import parse_json_text
from qscope.ask.syntax.keyval import parse_keyval
from qscope.ask.syntax.qemuopts import parse_qemuopts
from qscope.ask.syntax.words import Word
from qscope.errors import ArgumentError, RefusalError
from qscope.serve.schema import ServedSchema
from qscope.serve.types import Reading

_Arguments = dict[str, Any]


class Given(Struct, frozen=True):
    """A command, and arguments for it: the first that are accepted count.

    The last are what names the thing, in case the mock misses something else that it refers to.
    """

    command: str
    choices: tuple[_Arguments, ...]


class _Maker(Struct, frozen=True):
    """The command that does what an option does.

    `implied` is the parameter whose name may be left out, `naming` are those that say what it is.
    """

    command: str
    implied: str
    naming: tuple[str, ...]


# In QEMU's order: what is referred to comes first (qemu_create_early_backends and what follows it
# in system/vl.c), whatever the order of the line.
_MAKERS: Mapping[str, _Maker] = {
    "object": _Maker("object-add", "qom-type", ("qom-type", "id")),
    "chardev": _Maker("chardev-add", "backend", ("id",)),
    # No command does what -drive does. Its ID excludes a node of that name in QEMU, too.
    "drive": _Maker("blockdev-add", "file", ()),
    "blockdev": _Maker("blockdev-add", "driver", ("driver", "node-name")),
    "netdev": _Maker("netdev_add", "type", ("type", "id")),
    "device": _Maker("device_add", "driver", ("driver", "id", "bus")),
}


def list_given(
    words: Sequence[Word], schema: ServedSchema, monitors: Collection[str]
) -> Iterator[Given]:
    """Yield a command for each thing; the character devices of `monitors` are there already."""
    for option, maker in _MAKERS.items():
        for word in words:
            if word.name == option and word.argument and schema.find_command(maker.command):
                choices = tuple(_list_choices(schema, option, maker, word.argument))
                if not (option == "chardev" and choices and choices[0]["id"] in monitors):
                    yield Given(maker.command, choices)


def _list_choices(
    schema: ServedSchema, option: str, maker: _Maker, text: str
) -> Iterator[_Arguments]:
    try:
        given = _parse(maker, text)
    except ArgumentError:
        return
    if option in _FORMS:
        yield from _FORMS[option](given)
        return
    typed = _read_typed(schema, maker.command, given)
    if typed is not None:
        yield typed
    yield {name: given[name] for name in maker.naming if name in given}


def _parse(maker: _Maker, text: str) -> _Arguments:
    if text.startswith("{"):
        value = parse_json_text(text)
        if not isinstance(value, dict):
            raise ArgumentError("it is no object")
        return value
    if maker.naming and maker.command in ("object-add", "blockdev-add", "netdev_add"):
        try:
            return parse_keyval(text, maker.implied)
        except ArgumentError:
            pass
    return {each.name: each.value for each in parse_qemuopts(text, maker.implied)}


def _read_typed(schema: ServedSchema, command: str, given: _Arguments) -> _Arguments | None:
    """Return arguments of the command's type; texts are read as the command line reads them."""
    found = schema.find_command(command)
    node = found.arguments if found else None
    if node is None:
        return _nest(given) if command == "object-add" else given
    for reading in (Reading.JSON, Reading.KEYVAL):
        try:
            typed: _Arguments = msgspec.to_builtins(schema.types.read(node, given, reading))
        except RefusalError:
            continue
        return typed
    return None


def _nest(given: _Arguments) -> _Arguments:
    """Return the arguments of an object-add that has the properties in `props` (before 6.0)."""
    own = {name: given[name] for name in ("qom-type", "id") if name in given}
    return own | {"props": {name: each for name, each in given.items() if name not in own}}


# Options whose parameters are not the command's.


def _list_drives(given: Mapping[str, str]) -> Iterator[_Arguments]:
    if "id" in given:
        yield {"driver": "null-co", "node-name": given["id"]}


def _list_backends(given: Mapping[str, str]) -> Iterator[_Arguments]:
    kind, ident = given.get("backend"), given.get("id")
    if isinstance(kind, str) and isinstance(ident, str):
        data = _BACKENDS.get(kind, _make_nothing)(given)
        yield {"id": ident, "backend": {"type": kind, "data": data}}
        yield {"id": ident, "backend": {"type": "null", "data": {}}}


def _make_nothing(_given: Mapping[str, str]) -> _Arguments:
    return {}


def _make_socket(given: Mapping[str, str]) -> _Arguments:
    if "path" in given:
        addr: _Arguments = {"type": "unix", "data": {"path": given["path"]}}
    elif "fd" in given:
        addr = {"type": "fd", "data": {"str": given["fd"]}}
    else:
        inet = {"host": given.get("host", ""), "port": given.get("port", "")}
        addr = {"type": "inet", "data": inet}
    return {"addr": addr, "server": given.get("server", "off") in ("on", "yes", "true", "y")}


_BACKENDS: Mapping[str, Callable[[Mapping[str, str]], _Arguments]] = {
    "socket": _make_socket,
    "file": lambda given: {"out": given.get("path", "")},
    "pipe": lambda given: {"device": given.get("path", "")},
    "serial": lambda given: {"device": given.get("path", "")},
    "parallel": lambda given: {"device": given.get("path", "")},
    "spicevmc": lambda given: {"type": given.get("name", "")},
    "spiceport": lambda given: {"fqdn": given.get("name", "")},
    "mux": lambda given: {"chardev": given.get("chardev", "")},
}

_FORMS: Mapping[str, Callable[[Mapping[str, str]], Iterator[_Arguments]]] = {
    "chardev": _list_backends,
    "drive": _list_drives,
}

"""Keyval, the newer syntax of parameters (util/keyval.c): dotted keys in, nested data out.

`raw,node-name=a,file.driver=file` is `{"driver": "raw", "node-name": "a", "file": {"driver":
"file"}}` where `driver` is the implied key; `children.0=a,children.1=b` is a list. Every scalar is
text; the option that is given it decides what it may be. QEMU 5.2 to 11.1 agree in all of it.
"""

import re
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from qscope.ask.syntax.pieces import take_value, take_word
from qscope.ask.syntax.quoting import quote
from qscope.errors import ArgumentError

# A name as QAPI has it; a downstream's begins with its domain: __com.example_.
_NAME = re.compile(r"(?:__[a-zA-Z0-9.-]*_)?[a-zA-Z][a-zA-Z0-9_-]*")
_INDEX = re.compile(r"[0-9]+")
_HELP = ("help", "?")
_LONGEST_FRAGMENT = 127
# Ours: nothing of QEMU's nests nearly as deep, and Python's recursion has an end.
DEEPEST = 200

# An object's keys are names, a list's its indices until all are known.
_Tree = dict[str | int, Any]
_Path = tuple[str | int, ...]


class Keyval(Struct, frozen=True):
    """What a text says: the parameters, and whether help is asked for (QEMU prints it and exits).

    Where an option has no help to give, asking for it is an error.
    """

    value: dict[str, Any]
    help: bool = False


def parse_keyval(text: str, implied_key: str | None = None) -> dict[str, Any]:
    """Return the parameters as nested data. Raises ArgumentError, also where help is asked for."""
    parsed = read_keyval(text, implied_key)
    if parsed.help:
        raise ArgumentError("'help' is no parameter: NAME=VALUE is right")
    return parsed.value


def read_keyval(text: str, implied_key: str | None = None) -> Keyval:
    """Return the parameters, and whether `help` or `?` is among them. Raises ArgumentError."""
    tree: _Tree = {}
    asked = False
    for key, value in _split(text, implied_key):
        if value is None:
            asked = True
        else:
            _insert(tree, _parse_key(key), value)
    return Keyval(_make_object(tree), asked)


def _split(text: str, implied_key: str | None) -> Iterator[tuple[str, str | None]]:
    """Yield keys and values; the value is None where the word asks for help."""
    position = 0
    while position < len(text):
        word, end = take_word(text, position)
        if text.startswith("=", end):
            value, end = take_value(text, end + 1)
            yield word, value
        elif word in _HELP:
            yield word, None
        elif implied_key is not None and position == 0 and word:
            # It ends at any comma: 5.2 to 11.1 take no doubled one here.
            yield implied_key, word
        elif word:
            raise ArgumentError(f"parameter {quote(word)} has no value: {word[:60]}=VALUE is right")
        else:
            raise ArgumentError(_explain_empty(text, position))
        position = end + 1


def _explain_empty(text: str, position: int) -> str:
    """Say where a parameter is empty, and what was probably meant."""
    if position == 0:
        return "the first parameter is empty: NAME=VALUE is right"
    before = quote(text[:position])
    return f"an empty parameter behind {before}: NAME=VALUE is right (only values double commas)"


def _parse_key(key: str) -> _Path:
    """Take a dotted key apart into names and indices."""
    if not key:
        raise ArgumentError("a parameter without a name: NAME=VALUE is right")
    path: list[str | int] = []
    position = 0
    while True:
        found = _NAME.match(key, position) or (_INDEX.match(key, position) if path else None)
        if found is None or key[found.end() : found.end() + 1] not in ("", "."):
            raise ArgumentError(_explain_key(key))
        if len(found[0]) > _LONGEST_FRAGMENT:
            raise ArgumentError(
                f"parameter {quote(found[0])} is too long: 127 characters are right"
            )
        path.append(found[0] if found.re is _NAME else int(found[0]))
        position = found.end() + 1
        if found.end() == len(key):
            break
    if len(path) > DEEPEST:
        raise ArgumentError(
            f"parameter {quote(key)} is nested too deep: {DEEPEST} levels are right"
        )
    return tuple(path)


def _explain_key(key: str) -> str:
    return (
        f"invalid parameter name {quote(key)}: letters, digits, '-' and '_' after a letter are "
        "right, '.' and a name or a number between them"
    )


def _insert(tree: _Tree, path: _Path, value: str) -> None:
    """Put a value where its key says; a later one replaces an earlier one."""
    node = tree
    for depth, fragment in enumerate(path[:-1], start=1):
        below = node.setdefault(fragment, {})
        if not isinstance(below, dict):
            raise ArgumentError(_explain_mixture(path[:depth]))
        node = below
    if isinstance(node.get(path[-1]), dict):
        raise ArgumentError(_explain_mixture(path))
    node[path[-1]] = value


def _explain_mixture(path: _Path) -> str:
    name = quote(_join(path))
    return f"parameter {name} is given a value and has members: one of the two is right"


def _join(path: _Path) -> str:
    return ".".join(map(str, path))


def _make_object(tree: _Tree) -> dict[str, Any]:
    return {str(name): _make_value(value, (name,)) for name, value in tree.items()}


def _make_value(tree: str | _Tree, path: _Path) -> Any:
    """Make objects and lists of what was inserted."""
    if isinstance(tree, str):
        return tree
    indices = {each for each in tree if isinstance(each, int)}
    if not indices:
        return {name: _make_value(value, (*path, name)) for name, value in tree.items()}
    if len(indices) < len(tree):
        raise ArgumentError(
            f"parameter {quote(_join(path))} has numbered and named members: either is right"
        )
    missing = next((each for each in range(len(tree)) if each not in indices), None)
    if missing is not None:
        raise ArgumentError(f"parameter {quote(_join((*path, missing)))} is missing from the list")
    return [_make_value(tree[index], (*path, index)) for index in range(len(tree))]


def render_keyval(value: dict[str, Any]) -> str:
    """Return the text that parses to this value; numbers and booleans become text.

    Raises ArgumentError where no text does: null, empty objects and lists, names that are none.
    """
    return ",".join(f"{key}={text.replace(',', ',,')}" for key, text in _flatten_members(value))


def _flatten_members(value: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield dotted keys and what each has. Raises ArgumentError as render_keyval does."""
    for name, member in value.items():
        yield from _flatten(member, _check_name(name, name))


def _flatten(value: Any, key: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for name, member in value.items():
            yield from _flatten(member, f"{key}.{_check_name(name, f'{key}.{name}')}")
    elif isinstance(value, list) and value:
        for index, member in enumerate(value):
            yield from _flatten(member, f"{key}.{index}")
    else:
        yield key, _write_scalar(value, key)


def _check_name(name: str, key: str) -> str:
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_FRAGMENT:
        raise ArgumentError(_explain_key(key))
    return name


def _write_scalar(value: Any, key: str) -> str:
    match value:
        case bool():
            return "on" if value else "off"
        case str() | int() | float():
            return str(value)
        case _:
            raise ArgumentError(f"{quote(key)} cannot be written as NAME=VALUE: it has no text")

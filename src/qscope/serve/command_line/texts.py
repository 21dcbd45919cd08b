"""What one argument says: a text and the node of its type to a typed value.

JSON where the text begins with a brace, else keyval (dotted keys) for what has members, else the
scalar itself. `any` is always JSON: nothing else says of which type a value is. A value of an
alternate is JSON, too, where it begins as an array or a string.
"""

import re
from typing import Any, NamedTuple

from qscope.ask.syntax.json_text import parse_json_text
from qscope.ask.syntax.keyval import parse_keyval, read_keyval
from qscope.ask.syntax.quoting import quote
from qscope.ask.validation.words import clip
from qscope.errors import ArgumentError, RefusalError
from qscope.serve.command_line.explain import explain
from qscope.serve.command_line.options import TypedOption, find_object
from qscope.serve.types import Reading, Types
from qscope.serve.types.nodes import Alternate, Enum, Node, Object, Scalar

# Reading JSON takes three frames of Python's a level, and there are a thousand.
_DEEPEST = 100
# What os.fsdecode() makes of bytes that are no UTF-8 is among them.
_NO_CHARACTER = re.compile(r"[\x00\ud800-\udfff]")
_HELP = ("help", "?")


class HelpWish(NamedTuple):
    """That a text asks what may be given, and the parameters that stand beside the wish."""

    given: dict[str, Any]


class _Plain(NamedTuple):
    value: Any
    reading: Reading


def read_text(types: Types, option: TypedOption, text: str) -> Any:
    """Return the typed value. Raises ArgumentError: where in it, what was given, what is right."""
    try:
        return _read(types, option, text)
    except ArgumentError as error:
        # Whatever was given, it is one line.
        line = "".join(each if each.isprintable() else clip(each) for each in str(error))
        raise ArgumentError(line) from error


def _read(types: Types, option: TypedOption, text: str) -> Any:
    _check_characters(text)
    plain = _parse(types, option, text)
    try:
        return types.read(option.type, plain.value, plain.reading)
    except RefusalError as refusal:
        why = explain(types, option.type, plain.value, plain.reading, refusal)
        raise ArgumentError(why) from refusal


def find_help_wish(option: TypedOption, text: str) -> HelpWish | None:
    """Return what is asked where the text asks for help; None where it does not."""
    match option.type:
        case Enum(values=values):
            return HelpWish({}) if text in _HELP and text not in values else None
        case Object() if not text.startswith("{"):
            return _find_keyval_wish(option, text)
        case Alternate(branches=branches) if _is_keyval(text):
            return _find_keyval_wish(option, text) if find_object(option.type) else None
        case Alternate(branches=branches) if text in _HELP:
            return None if any(_takes_string(each, text) for each in branches) else HelpWish({})
        case _:
            return None


def _find_keyval_wish(option: TypedOption, text: str) -> HelpWish | None:
    try:
        keyval = read_keyval(text, option.implied_key)
    except ArgumentError:
        return None
    return HelpWish(keyval.value) if keyval.help else None


def _takes_string(branch: Node, text: str) -> bool:
    match branch:
        case Scalar(name="str"):
            return True
        case Enum(values=values):
            return text in values
        case _:
            return False


def _check_characters(text: str) -> None:
    """Refuse what is no text: QAPI's strings are UTF-8, and no argument of a process has a NUL."""
    bad = _NO_CHARACTER.search(text)
    if bad is not None:
        what = "a NUL" if bad[0] == "\0" else "a byte that is no UTF-8"
        raise ArgumentError(f"{quote(text)} has {what}: text in UTF-8 is right")


def _parse(types: Types, option: TypedOption, text: str) -> _Plain:
    match option.type:
        case Scalar(name="any" | "null"):
            return _parse_json(text)
        case Object():
            return _parse_json(text) if text.startswith("{") else _parse_keyval(option, text)
        case Alternate() if text.startswith(("{", "[", '"')):
            return _parse_json(text)
        case Alternate() if find_object(option.type):
            return _parse_alternate(types, option, text)
        case _:
            return _Plain(text, Reading.KEYVAL)


def _parse_alternate(types: Types, option: TypedOption, text: str) -> _Plain:
    """Take parameters for what they are, a word for a scalar if it can be one."""
    if _is_keyval(text) or not _is_scalar(types, option.type, text):
        return _parse_keyval(option, text)
    return _Plain(text, Reading.KEYVAL)


def _is_keyval(text: str) -> bool:
    return "=" in text and not text.startswith(("{", "[", '"'))


def _is_scalar(types: Types, node: Node, text: str) -> bool:
    try:
        types.read(node, text, Reading.KEYVAL)
    except RefusalError:
        return False
    return True


def _parse_json(text: str) -> _Plain:
    return _Plain(parse_json_text(text, _DEEPEST), Reading.JSON)


def _parse_keyval(option: TypedOption, text: str) -> _Plain:
    return _Plain(parse_keyval(text, option.implied_key), Reading.KEYVAL)

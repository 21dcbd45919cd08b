"""Judge the command line of a program that describes its options itself (`query-command-line`).

In: an interface that has such a description, words. Out: findings, as check.py's. Options are
written as argparse and click take them: `--name VALUE`, `--name=VALUE`. Where the two differ nobody
can tell. No rule and nothing else that is known of QEMU applies.

    words --split--> _Word --read--> a value and how it is written --Checker--> Finding
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from qscope.ask.answer import Verdict
from qscope.ask.finding import Finding, Severity
from qscope.ask.line.judge import judge_option, judge_word
from qscope.ask.line.line import doubt_parameters, place
from qscope.ask.options import find_option, list_options, presence
from qscope.ask.syntax.json_text import parse_json_text
from qscope.ask.syntax.keyval import read_keyval
from qscope.ask.syntax.quoting import quote
from qscope.ask.syntax.scalars import parse_bool
from qscope.ask.syntax.words import Problem
from qscope.ask.validation.checker import Checker
from qscope.ask.validation.reader import Reader
from qscope.ask.validation.scalar import Scalar, judge_scalar
from qscope.errors import ArgumentError
from qscope.model.interface import Interface
from qscope.model.near import near
from qscope.model.option import Option
from qscope.model.schema_info import (
    AlternateType,
    ArrayType,
    BuiltinType,
    Entity,
    EnumType,
    ObjectType,
)
from qscope.model.served import SOURCE

_HELP = ("help", "?")
# The syntaxes of which it is known how such a program reads them.
_READ = frozenset(("string", "number", "words", "keyval", "json"))
# How JSON begins where a word may be something else as well.
_JSON_STARTS = ("{", "[", '"')
_ONLY_JSON = ("value", "null")
# What argparse does not take for an option, although it begins with a dash.
_NO_OPTION = re.compile(r"-|-[0-9]+|-[0-9]*\.[0-9]+")


class _Word(NamedTuple):
    """An option as typed, the option's name, its argument, and whether `=` joins the two."""

    typed: str
    name: str
    argument: str | None
    position: int
    problem: Problem | None = None
    joined: bool = False


class _Given(NamedTuple):
    """What an argument says, and how its scalars are written; or that it asks for help."""

    value: Any
    reader: Reader = Reader.KEYVAL
    help: bool = False


def check_served_line(interface: Interface, words: Sequence[str]) -> tuple[Finding, ...]:
    """Return all that is found in a command line, in the order of its options."""
    return tuple(
        place(finding, word.typed, word.position)
        for word in _split(interface, words)
        for finding in _judge(interface, word)
    )


def _split(interface: Interface, words: Sequence[str]) -> Iterator[_Word]:
    """Yield the options of a command line without its program."""
    position = 0
    while position < len(words):
        word, taken = _take(interface, words, position)
        yield word
        position += taken


def _take(interface: Interface, words: Sequence[str], position: int) -> tuple[_Word, int]:
    """Return the option that begins at a word, and how many words it takes."""
    typed = words[position]
    if not typed.startswith("-") or typed in ("-", "--"):
        return _Word(typed, typed, None, position, Problem.STRAY), 1
    typed, equals, joined = typed.partition("=") if typed.startswith("--") else (typed, "", "")
    name = typed.removeprefix("-").removeprefix("-")
    option = find_option(interface, name)
    problem = Problem.UNKNOWN_OPTION if option is None else None
    if equals:
        return _Word(typed, name, joined, position, problem, joined=True), 1
    behind = words[position + 1] if position + 1 < len(words) else None
    if option is None and (behind is None or behind.startswith("-")):
        return _Word(typed, name, None, position, problem), 1
    if option is not None and not option.arg:
        return _Word(typed, name, None, position), 1
    if behind is None:
        problem = Problem.MISSING_ARGUMENT
    return _Word(typed, name, behind, position, problem), 2


def _judge(interface: Interface, word: _Word) -> Iterator[Finding]:
    match word.problem:
        case Problem.STRAY:
            what = "no option: what the program makes of it is not described"
            yield Finding("word-stray", "", what, Severity.UNKNOWN, evidence=SOURCE)
        case Problem.UNKNOWN_OPTION:
            yield _judge_unknown(interface, word.name)
        case Problem.MISSING_ARGUMENT:
            yield Finding("argument-missing", "", "it takes an argument, and none follows")
        case _:
            option = find_option(interface, word.name)
            assert option is not None  # it was found when the words were split
            yield from judge_option(option)
            yield from _doubt_spelling(word)
            if word.argument is not None:
                yield from _judge_text(interface, option, word.argument)


def _judge_unknown(interface: Interface, name: str) -> Finding:
    answer = presence(interface, name)
    if answer.verdict is not Verdict.NO:
        why = answer.why or "what it takes is not understood"
        return Finding("option-unknown", "", why, Severity.UNKNOWN, evidence=answer.evidence)
    guesses = near(name, [option.name for option in list_options(interface)])
    suggestions = tuple(f"--{each}" for each in guesses)
    what = "no such option"
    return Finding("option-unknown", "", what, evidence=SOURCE, suggestions=suggestions)


def _doubt_spelling(word: _Word) -> Iterator[Finding]:
    """Yield what some programs take and others do not."""
    if not word.typed.startswith("--"):
        what = "written with one dash, which few programs take"
        right = f"--{word.name} is right"
        yield Finding("option-dash", "", what, Severity.UNKNOWN, right)
    if word.joined or word.argument is None:
        return
    if word.argument.startswith("-") and not _NO_OPTION.fullmatch(word.argument):
        what = f"{quote(word.argument)} may be taken for an option"
        right = f"{word.typed}=… is right"
        yield Finding("argument-dash", "", what, Severity.UNKNOWN, right)


def _judge_text(interface: Interface, option: Option, text: str) -> Iterator[Finding]:
    """Judge what an option is given."""
    if not option.arg:
        yield from _judge_flag(option, text)
        return
    if not option.syntax or not _READ.issuperset(option.syntax):
        yield doubt_parameters()
        return
    checker = _Checker(interface.find, Reader.KEYVAL, evidence=SOURCE)
    entity = interface.find(option.arg_type) if option.arg_type else None
    try:
        given = _read(checker, option, entity, text)
    except ArgumentError as error:
        yield Finding("malformed-argument", "", str(error))
        return
    if given.help:
        yield Finding("help", "", "the program prints a list and ends")
    elif option.arg_type is None:
        yield from _judge_untyped(option, text)
    else:
        if given.reader is Reader.STRICT:
            checker = _Checker(interface.find, Reader.STRICT, evidence=SOURCE)
        yield from _soften(option, checker.check(option.arg_type, given.value))


def _judge_flag(option: Option, text: str) -> Iterator[Finding]:
    """Judge `--flag=on`. What takes a flag back stands for something, and takes nothing."""
    if option.sugar:
        yield Finding("argument-superfluous", "", "it takes no argument")
        return
    try:
        parse_bool(text)
    except ArgumentError as error:
        yield Finding("wrong-type", "", str(error))


def _judge_untyped(option: Option, text: str) -> Iterator[Finding]:
    if option.words is not None:
        yield from judge_word(option, text)
    elif option.completeness not in ("scalar", "exact"):
        yield doubt_parameters()


def _soften(option: Option, findings: Iterator[Finding]) -> Iterator[Finding]:
    """Doubt what an incomplete type cannot refuse."""
    is_open = not option.closed and option.completeness != "exact"
    for finding in findings:
        if is_open and finding.rule == "member-unknown":
            yield doubt_parameters(finding.where)
        else:
            yield finding


class _Checker(Checker):
    """Lets a text choose a branch of an alternate that can read it, as qscope.serve does.

    In QEMU a text chooses strings and enums alone (qapi/qobject-input-visitor.c).
    """

    def _chooses(self, branch: Entity, value: Any) -> bool:
        is_text = self._reader is Reader.KEYVAL and isinstance(value, str)
        if is_text and isinstance(branch, BuiltinType):
            complaint = judge_scalar(Scalar(branch), value, Reader.KEYVAL)
            return complaint is None or complaint.severity is Severity.UNKNOWN
        return super()._chooses(branch, value)

    def takes(self, entity: AlternateType, text: str) -> bool:
        """Whether a branch of it is chosen by a text."""
        return any(
            branch is not None and self._chooses(branch, text)
            for branch in (self._find(member.type) for member in entity.members)
        )


def _read(checker: _Checker, option: Option, entity: Entity | None, text: str) -> _Given:
    """Read a text as its option's type and syntaxes say. Raises ArgumentError."""
    _check_characters(text)
    is_json = "json" in option.syntax
    match entity:
        case BuiltinType(json_type=json_type) if is_json and json_type in _ONLY_JSON:
            return _read_json(text)
        case ArrayType() if is_json:
            return _read_json(text)
        case ObjectType():
            return _read_json(text) if is_json and text.startswith("{") else _parse(option, text)
        case AlternateType():
            if is_json and text.startswith(_JSON_STARTS):
                return _read_json(text)
            return _read_branch(checker, option, entity, text)
        case EnumType():
            return _Given(text, help=text in _HELP and text not in entity.values)
        case _:
            return _Given(text)


def _read_branch(checker: _Checker, option: Option, entity: AlternateType, text: str) -> _Given:
    """Take a text with `=` for parameters, any other for a scalar if it can be one."""
    is_scalar = checker.takes(entity, text)
    if "keyval" in option.syntax and ("=" in text or not is_scalar):
        return _parse(option, text)
    return _Given(text, help=text in _HELP and not is_scalar)


def _parse(option: Option, text: str) -> _Given:
    keyval = read_keyval(text, option.implied_key)
    return _Given(keyval.value, help=keyval.help)


def _read_json(text: str) -> _Given:
    return _Given(parse_json_text(text), Reader.STRICT)


def _check_characters(text: str) -> None:
    """Refuse what is no text: QAPI's strings are UTF-8, and no argument of a process has a NUL."""
    bad = next((each for each in text if each == "\0" or 0xD800 <= ord(each) <= 0xDFFF), None)
    if bad is not None:
        what = "a NUL" if bad == "\0" else "a byte that is no UTF-8"
        raise ArgumentError(f"{quote(text)} has {what}: text in UTF-8 is right")

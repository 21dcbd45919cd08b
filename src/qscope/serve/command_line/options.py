"""What options a struct makes: one for each of its members.

In: the nodes of a struct, what the schema's comment says of it. Out: `TypedOption`s. A member's
name is the option's; a bool is a flag, an array an option that may be given again and again.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from qscope.errors import ServeError
from qscope.model.annotations import EntityDoc
from qscope.model.option import Repeat, Syntax
from qscope.serve.command_line.words import list_names
from qscope.serve.types.nodes import Alternate, Array, Enum, Member, Node, Object, Scalar

_NEGATION = "no-"
_METAVARS = {"str": "STRING", "bool": "on|off", "size": "SIZE", "number": "NUMBER"}
_METAVARS |= {"any": "JSON", "null": "JSON"}
_MOST_WORDS = 40
_MARKUP = re.compile(r"``([^`]+)``|@([A-Za-z0-9_-]+)")
WARNED_OF = ("deprecated", "unstable")
# What ask/syntax/scalars.py reads.
_BOOLEANS = ("on", "yes", "true", "y", "off", "no", "false", "n")
_BLANK = re.compile(r"\s+")


class TypedOption(NamedTuple):
    """An option, and the member it stands for.

    `type` is what one occurrence is read as: of an array, its element. `implied_key` is the
    parameter whose name may be left out where it stands first.
    """

    member: Member
    type: Node
    repeats: bool
    implied_key: str | None = None
    doc: str = ""

    @property
    def name(self) -> str:
        """What stands behind `--`."""
        return self.member.name

    @property
    def is_flag(self) -> bool:
        """Whether it is a flag, which `--no-NAME` takes back."""
        return not self.repeats and isinstance(self.type, Scalar) and self.type.name == "bool"

    @property
    def negation(self) -> str:
        """What takes a flag back."""
        return f"{_NEGATION}{self.name}"

    @property
    def repeat(self) -> Repeat:
        """What a second occurrence does."""
        return "list" if self.repeats else "last"

    @property
    def syntax(self) -> tuple[Syntax, ...]:
        """How its argument is written."""
        return ("flag",) if self.is_flag else list_syntax(self.type)

    @property
    def metavar(self) -> str:
        """What stands for its argument in help. No brackets: argparse's usage breaks at them."""
        match self.type:
            case Scalar(name=name):
                return _METAVARS.get(name, "INT")
            case Enum(values=values) if len("|".join(values)) <= _MOST_WORDS:
                return "|".join(values) or "VALUE"
            case Object():
                first = [self.implied_key.upper()] if self.implied_key else []
                return ",".join([*first, "NAME=VALUE", "..."])
            case _:
                return "VALUE"

    @property
    def help(self) -> str:
        """What help says of it: the schema's words, then what is not seen otherwise."""
        notes = [f"{self.doc.removesuffix('.')}."] if self.doc else []
        if isinstance(self.type, Enum) and self.metavar == "VALUE":
            notes.append(f"One of {', '.join(self.type.values)}.")
        if find_object(self.type):
            notes.append("JSON may be given, too; 'help' lists the parameters.")
        if self.repeats:
            notes.append("May be repeated.")
        notes += [f"[{each}]" for each in self.member.features if each in WARNED_OF]
        return " ".join(notes)


def make_options(
    node: Object, doc: EntityDoc | None, implied_keys: Mapping[str, str | None]
) -> tuple[TypedOption, ...]:
    """Return an option for each member. Raises ServeError where they cannot all be options."""
    docs = doc.members if doc else {}
    options = tuple(
        _make_option(each, first_paragraph(docs.get(each.name, "")), implied_keys)
        for each in node.members
    )
    # argparse and click have that one themselves.
    taken = {"help": "help"}
    for option in options:
        for name in list_spellings(option):
            if name in taken:
                what = f"member '{option.name}' of {node.name} makes no option"
                raise ServeError(f"{what}: --{name} is there already")
            taken[name] = option.name
    unknown = [name for name in implied_keys if name not in {each.name for each in options}]
    if unknown:
        raise ServeError(f"{node.name} has no member '{unknown[0]}' to have an implied key")
    return options


def list_spellings(option: TypedOption) -> tuple[str, ...]:
    """Return the names that it is given by, without the dashes."""
    return (option.name, option.negation) if option.is_flag else (option.name,)


def list_flag_words(option: TypedOption) -> dict[str, str]:
    """Return the words that a flag is given as, and the text that each of them stands for."""
    named = {f"--{option.name}": "on", f"--{option.negation}": "off"}
    return named | {f"--{option.name}={text}": text for text in _BOOLEANS}


def list_syntax(node: Node) -> tuple[Syntax, ...]:
    """Return how a value of a type is written as one argument."""
    match node:
        case Scalar(name="any" | "null"):
            return ("json",)
        case Scalar(name="str"):
            return ("string",)
        case Scalar(name="bool") | Enum():
            return ("words",)
        case Scalar():
            return ("number",)
        case Object():
            return ("keyval", "json")
        case Alternate(branches=branches):
            found = dict.fromkeys(syntax for each in branches for syntax in list_syntax(each))
            return tuple(sorted(found, key=_ORDER.index))
        case Array():
            return ("json",)


_ORDER = ("number", "words", "string", "keyval", "json")


def find_object(node: Node) -> Object | None:
    """Return the object type whose parameters a value may be written as."""
    match node:
        case Object():
            return node
        case Alternate(branches=branches):
            return next((each for each in branches if isinstance(each, Object)), None)
        case _:
            return None


def first_paragraph(text: str) -> str:
    """Return the first paragraph of a comment on one line, without markup."""
    paragraph = text.strip().partition("\n\n")[0]
    plain = _MARKUP.sub(lambda found: found[1] or found[2], paragraph)
    return _BLANK.sub(" ", plain).strip()


def _make_option(member: Member, doc: str, implied_keys: Mapping[str, str | None]) -> TypedOption:
    repeats = isinstance(member.type, Array)
    one = member.type.element if isinstance(member.type, Array) else member.type
    target = find_object(one)
    implied = implied_keys.get(member.name, target.tag if target else None)
    if implied is not None and (target is None or implied not in _list_members(target)):
        names = list_names(_list_members(target) if target else ())
        raise ServeError(f"'{member.name}' cannot imply the key '{implied}': it takes {names}")
    return TypedOption(member, one, repeats, implied, doc)


def _list_members(node: Object) -> dict[str, Any]:
    """Return the names of all members, those of branches too."""
    return dict.fromkeys(_find_members(node))


def _find_members(node: Object) -> Iterator[str]:
    yield from (each.name for each in node.members)
    for branch in node.branches.values():
        yield from _find_members(branch)

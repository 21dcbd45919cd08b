"""What an option was given, read by the syntax that the option has.

In: the syntaxes that an `Option` lists, the text, the implied key. Out: `Parsed`. Where an option
has several, the text decides, as it does in QEMU; what is no list of parameters stays text.
"""

import re
from collections.abc import Collection
from typing import Any, TypeAlias

from msgspec import Struct

from qscope.ask.syntax.cpu import Feature, parse_cpu, render_cpu
from qscope.ask.syntax.json_text import parse_json_text, render_json_text
from qscope.ask.syntax.keyval import read_keyval, render_keyval
from qscope.ask.syntax.qemuopts import Parameter, parse_qemuopts, render_qemuopts, spell_out
from qscope.ask.syntax.quoting import quote
from qscope.errors import ArgumentError

# -netdev with one of these types is read as keyval since 7.2 (netdev_is_modern() in net/net.c).
_KEYVAL_NETDEVS = ("stream", "dgram")
# What else begins an -incoming is a keyval's channel-type (migrate_is_uri(), since 8.2).
_URI = re.compile(r"[A-Za-z]*:|defer\Z")
# -global has its own form: DRIVER.PROPERTY=VALUE, with any commas; else it is QemuOpts.
_GLOBAL = re.compile(r"([^.=]{1,63})\.([^=]{1,63})=(.*)", re.DOTALL)


class Cpu(Struct, frozen=True):
    """What -cpu is given."""

    model: str
    features: tuple[Feature, ...] = ()


Value: TypeAlias = dict[str, Any] | tuple[Parameter, ...] | Cpu | str


class Parsed(Struct, frozen=True):
    """An argument: which syntax it is in, what it says, and whether it asks for help.

    The value of json and keyval (machine-props, too) is a dict, of qemuopts a tuple of Parameter,
    of cpu a `Cpu`, of everything else the text. `help` alone in QemuOpts asks for help of options
    such as -device; others (-m) take it for the implied key's value.
    """

    syntax: str
    value: Value
    help: bool = False


def parse_argument(
    syntax: Collection[str], text: str, implied_key: str | None = None, name: str = ""
) -> Parsed:
    """Return what the text says in one of the syntaxes; `name` is the option's (-cpu's is unique).

    Raises ArgumentError where it is malformed in the one that QEMU would read it in.
    """
    if name == "cpu":
        return _parse_cpu(text)
    found = _choose(syntax, text, implied_key)
    match found:
        case "json":
            return Parsed(found, _expect_object(parse_json_text(text)))
        case "keyval" | "machine-props":
            keyval = read_keyval(text, implied_key)
            return Parsed(found, keyval.value, keyval.help)
        case "qemuopts":
            is_global = "string" in syntax
            parameters = _parse_global(text) if is_global else parse_qemuopts(text, implied_key)
            return Parsed(found, parameters, _asks_for_help(text, parameters))
        case _:
            return Parsed(found, text, found == "words" and text in ("help", "?"))


def _choose(syntax: Collection[str], text: str, implied_key: str | None) -> str:
    """Return the syntax that QEMU reads the text in."""
    if "json" in syntax and text.startswith("{"):
        return "json"
    if {"qemuopts", "keyval"} <= set(syntax):
        types = [each.value for each in parse_qemuopts(text, implied_key) if each.name == "type"]
        return "keyval" if types and types[-1] in _KEYVAL_NETDEVS else "qemuopts"
    # A VNC display's address and options have a syntax of their own.
    if "words" in syntax and "keyval" in syntax and text.startswith("vnc"):
        return "words"
    if "string" in syntax and "keyval" in syntax and _URI.match(text):
        return "string"
    lists = ("keyval", "machine-props", "qemuopts")
    plain = (each for each in syntax if each != "json")
    return next((each for each in lists if each in syntax), None) or next(plain, "string")


def _expect_object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ArgumentError("JSON that is no object: {…} is right")
    return value


def _parse_global(text: str) -> tuple[Parameter, ...]:
    if found := _GLOBAL.fullmatch(text):
        names = ("driver", "property", "value")
        return tuple(Parameter(*each) for each in zip(names, found.groups(), strict=True))
    parameters = parse_qemuopts(text)
    if any(each.bare and not each.asks_for_help for each in parameters):
        raise ArgumentError(f"{quote(text)}: DRIVER.PROPERTY=VALUE is right")
    return parameters


def _asks_for_help(text: str, parameters: tuple[Parameter, ...]) -> bool:
    """Whether a list of parameters asks for help: as its first word, or as one of the others."""
    return text in ("help", "?") or any(each.asks_for_help for each in parameters)


def _parse_cpu(text: str) -> Parsed:
    model, features = parse_cpu(text)
    return Parsed("cpu", Cpu(model, features), help=model in ("help", "?") and not features)


def render_argument(parsed: Parsed) -> str:
    """Return the argument in its canonical form: keys spelled out, `foo` as `foo=on`."""
    match parsed.value:
        case str() as text:
            return text
        case tuple() as parameters:
            return render_qemuopts(spell_out(parameters))
        case Cpu(model=model, features=features):
            return render_cpu(model, features)
        case value:
            if parsed.syntax == "json":
                return render_json_text(value)
            help_word = ["help"] if parsed.help else []
            return ",".join([text for text in [render_keyval(value)] if text] + help_word)

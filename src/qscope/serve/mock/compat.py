"""QEMU's `-compat`, as text, to a policy.

In: the option's argument, keyval or JSON. Out: a `Policy`. Names and values are those of
CompatPolicy in QEMU's qapi/compat.json.
"""

from typing import Any, get_args

from qscope.ask.syntax.json_text import parse_json_text
from qscope.ask.syntax.keyval import parse_keyval
from qscope.errors import ArgumentError
from qscope.model.near import near
from qscope.serve.policy import Input, Output, Policy

_SWITCHES = {
    f"{feature}-{direction}": get_args(words)
    for feature in ("deprecated", "unstable")
    for direction, words in (("input", Input), ("output", Output))
}


def parse_compat(text: str) -> Policy:
    """Return the policy that an argument of `-compat` sets. Raises ArgumentError."""
    given = parse_json_text(text) if text.startswith("{") else parse_keyval(text)
    if not isinstance(given, dict):
        raise ArgumentError(f"{text}: it is no object")
    return Policy(**{_find_switch(name): _check(name, word) for name, word in given.items()})


def _find_switch(name: str) -> str:
    if name not in _SWITCHES:
        guesses = near(name, _SWITCHES) or tuple(_SWITCHES)
        raise ArgumentError(f"no switch '{name}': {' or '.join(guesses)} is right")
    return name.replace("-", "_")


def _check(name: str, word: Any) -> Any:
    if word not in _SWITCHES.get(name, (word,)):
        right = " or ".join(_SWITCHES[name])
        raise ArgumentError(f"{name} is {word!r:.80}: {right} is right")
    return word

"""Conditions: the value of an `if` key, and whether it holds where some symbols are defined."""

from collections.abc import Iterator, Set
from typing import Any, TypeAlias, assert_never

from msgspec import Struct


class All(Struct, frozen=True, gc=False):
    """Holds where all of its parts hold."""

    parts: tuple["Condition", ...]


class Any_(Struct, frozen=True, gc=False):  # noqa: N801 - typing has the name
    """Holds where one of its parts holds."""

    parts: tuple["Condition", ...]


class Not(Struct, frozen=True, gc=False):
    """Holds where its part does not."""

    part: "Condition"


# A string is a symbol. Its value plays no part: the generated C asks defined(SYMBOL).
Condition: TypeAlias = str | All | Any_ | Not


def holds(condition: Condition | None, defines: Set[str]) -> bool:
    """Return whether a condition is true where `defines` are the symbols defined."""
    match condition:
        case None:
            return True
        case str():
            return condition in defines
        case All(parts):
            return all(holds(part, defines) for part in parts)
        case Any_(parts):
            return any(holds(part, defines) for part in parts)
        case Not(part):
            return not holds(part, defines)
        case _:
            assert_never(condition)


def find_symbols(condition: Condition | None) -> Iterator[str]:
    """Yield the symbols that a condition mentions, in order, as often as it does."""
    match condition:
        case None:
            pass
        case str():
            yield condition
        case All(parts) | Any_(parts):
            for part in parts:
                yield from find_symbols(part)
        case Not(part):
            yield from find_symbols(part)
        case _:
            assert_never(condition)


def render_condition(condition: Condition) -> str:
    """Write a condition as people do: `A and not (B or C)`."""
    match condition:
        case str():
            return condition
        case All(parts):
            return " and ".join(map(_bracket, parts))
        case Any_(parts):
            return " or ".join(map(_bracket, parts))
        case Not(part):
            return f"not {_bracket(part)}"
        case _:
            assert_never(condition)


def _bracket(condition: Condition) -> str:
    text = render_condition(condition)
    return f"({text})" if isinstance(condition, All | Any_) and len(condition.parts) > 1 else text


def build_condition(value: Any) -> Condition:
    """Build a condition from the value of an `if` key that was checked."""
    if isinstance(value, str):
        return value
    (operator, operand), *_ = value.items()
    if operator == "not":
        return Not(build_condition(operand))
    parts = tuple(build_condition(part) for part in operand)
    return All(parts) if operator == "all" else Any_(parts)

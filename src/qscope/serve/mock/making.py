"""Made-up values: the type of a result, and what is known of it, to plain data that are valid.

In: a node, facts, a seed. Out: a value of the node's type, as small as it can be: no optional
members, no elements of arrays, unless they are among the facts. The same seed makes the same.
"""

import math
import random
from collections.abc import Iterable, Mapping
from typing import Any, assert_never

from msgspec import UNSET

from qscope.serve.types.nodes import (
    Alternate,
    Array,
    Enum,
    Member,
    Node,
    Object,
    Scalar,
    find_parts,
)

# Below this level optional members are left out, and unions are ended as soon as they can be.
_DEEPEST = 3
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
# What fits into all integer types.
_LARGEST = 127


class Maker:
    """Makes values.

    With seed 0 they are the simplest: 0, false, the empty string, the first value of an enum. Other
    seeds choose others. `full` adds every optional member and one element for every array.
    """

    def __init__(self, seed: int = 0, *, full: bool = False) -> None:
        self._seed = seed
        self._full = full
        self._depths = _Depths()

    def make(self, node: Node, about: str, facts: Any = UNSET) -> Any:
        """Return a value of a type for a command or an event.

        Of the facts what the type has is taken over, and what it demands is made up besides.
        Raises ValueError where no value is of the type: an enum without values, endless recursion.
        """
        if self._depths.find(node) == math.inf:
            raise ValueError(f"no value is of the type {node.name}")
        dice = random.Random(f"{self._seed}:{about}") if self._seed else None  # noqa: S311
        return _Making(self._depths, dice, full=self._full).make(node, facts, 0)


class _Making:
    """One value that is made. Without dice everything is the simplest."""

    def __init__(self, depths: "_Depths", dice: random.Random | None, *, full: bool) -> None:
        self._depths = depths
        self._dice = dice
        self._full = full

    def make(self, node: Node, facts: Any, level: int) -> Any:
        match node:
            case Scalar(name=name):
                return facts if _is_of(name, facts) else self._make_scalar(name)
            case Enum(values=values):
                known = isinstance(facts, str) and facts in values
                return facts if known else self._choose(values, level)
            case Array(element=element):
                return self._make_array(element, facts, level)
            case Object():
                return self._make_object(node, facts if isinstance(facts, dict) else {}, level)
            case Alternate(branches=branches):
                return self._make_alternate(branches, facts, level)
            case _:
                assert_never(node)

    def _make_scalar(self, name: str) -> Any:
        dice = self._dice
        match name:
            case "str" | "any":
                return "".join(dice.choices(_LETTERS, k=8)) if dice else ""
            case "bool":
                return dice is not None and dice.random() < 0.5
            case "null":
                return None
            case _:
                return dice.randint(0, _LARGEST) if dice else 0

    def _choose(self, values: Iterable[str], level: int) -> str:
        """Return one of several: the first, or any but where the end must come."""
        candidates = list(values)
        return self._dice.choice(candidates) if self._dice and level <= _DEEPEST else candidates[0]

    def _make_array(self, element: Node, facts: Any, level: int) -> list[Any]:
        if isinstance(facts, list | tuple):
            return [self.make(element, each, level + 1) for each in facts]
        if self._full and level < _DEEPEST and self._depths.find(element) < math.inf:
            return [self.make(element, UNSET, level + 1)]
        return []

    def _make_object(self, node: Object, facts: Mapping[str, Any], level: int) -> dict[str, Any]:
        made: dict[str, Any] = {}
        part: Object | None = node
        while part is not None:
            tag = part.tag
            for member in part.members:
                if member.name == tag:
                    made[tag] = self._choose_tag(part, facts.get(tag, UNSET), level)
                elif self._has(member, facts, level):
                    known = facts.get(member.name, UNSET)
                    made[member.name] = self.make(member.type, known, level + 1)
            part = part.branches[made[tag]] if tag is not None else None
        return made

    def _has(self, member: Member, facts: Mapping[str, Any], level: int) -> bool:
        if not member.optional or member.name in facts:
            return True
        return self._full and level < _DEEPEST and self._depths.find(member.type) < math.inf

    def _choose_tag(self, union: Object, facts: Any, level: int) -> str:
        depths = {value: self._depths.find(each) for value, each in union.branches.items()}
        if isinstance(facts, str) and depths.get(facts, math.inf) < math.inf:
            return facts
        least = min(depths.values())
        if self._dice and level <= _DEEPEST:
            least = max(each for each in depths.values() if each < math.inf)
        return self._choose([value for value, each in depths.items() if each <= least], level)

    def _make_alternate(self, branches: tuple[Node, ...], facts: Any, level: int) -> Any:
        fitting = [each for each in branches if _suits(each, facts)]
        if fitting:
            return self.make(fitting[0], facts, level)
        simple = sorted(branches, key=self._depths.find)
        return self.make(simple[0], UNSET, level)


class _Depths:
    """How many objects stand within each other in the smallest value of a type, at least."""

    def __init__(self) -> None:
        self._known: dict[int, float] = {}
        # Nodes are known by their identity, which they keep as long as somebody holds them.
        self._nodes: list[Node] = []

    def find(self, node: Node) -> float:
        """Return it; infinity where no value is of the type."""
        if id(node) not in self._known:
            self._learn(node)
        return self._known[id(node)]

    def _learn(self, node: Node) -> None:
        found = _collect(node, self._known)
        self._nodes += found
        self._known |= dict.fromkeys(map(id, found), math.inf)
        changed = True
        while changed:
            changed = False
            for each in found:
                depth = self._measure(each)
                if depth < self._known[id(each)]:
                    self._known[id(each)] = depth
                    changed = True

    def _measure(self, node: Node) -> float:
        match node:
            case Scalar() | Array():
                return 0
            case Enum(values=values):
                return 0 if values else math.inf
            case Alternate(branches=branches):
                return min((self._known[id(each)] for each in branches), default=math.inf)
            case Object(members=members, branches=cases):
                parts = [self._known[id(each.type)] for each in members if not each.optional]
                if node.tag is not None:
                    least = min(
                        (self._known[id(each)] for each in cases.values()), default=math.inf
                    )
                    parts.append(least)
                return 1 + max(parts, default=0)
            case _:
                assert_never(node)


def _collect(node: Node, known: Mapping[int, float]) -> list[Node]:
    """Return all nodes that lead from one and are not known."""
    found: dict[int, Node] = {}
    waiting = [node]
    while waiting:
        each = waiting.pop()
        if id(each) not in known and id(each) not in found:
            found[id(each)] = each
            waiting += find_parts(each)
    return list(found.values())


def _is_of(name: str, facts: Any) -> bool:
    """Whether a fact is a value of a built-in type."""
    match name:
        case "any":
            return facts is not UNSET
        case "str":
            return isinstance(facts, str)
        case "bool":
            return isinstance(facts, bool)
        case "null":
            return facts is None
        case "number":
            return isinstance(facts, int | float) and not isinstance(facts, bool)
        case _:
            is_integer = isinstance(facts, int) and not isinstance(facts, bool)
            return is_integer and facts in _find_range(name)


def _find_range(name: str) -> range:
    """Return the integers of a built-in type: `uint8`, `size`, `int`."""
    bits = int(name.lstrip("uint") or 64) if name != "size" else 64
    is_unsigned = name[0] in "us"
    return range(1 << bits) if is_unsigned else range(-(1 << bits - 1), 1 << bits - 1)


def _suits(branch: Node, facts: Any) -> bool:
    """Whether a fact chooses a branch of an alternate."""
    match branch:
        case Scalar(name=name):
            return _is_of(name, facts)
        case Enum(values=values):
            return isinstance(facts, str) and facts in values
        case Array():
            return isinstance(facts, list | tuple)
        case Object():
            return isinstance(facts, dict)
        case Alternate():
            return False
        case _:
            assert_never(branch)

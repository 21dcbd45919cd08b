"""Why a value is refused, in words for somebody at a terminal.

In: a value that the exact reader refused, and its node. Out: one line: the place, what stands
there, what would be right. The reader's own words are QMP's, which name neither the value nor what
is right. It is asked again about each part, so that both agree about which one is wrong.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from qscope.ask.finding import Finding
from qscope.ask.validation.words import clip, list_cases, show_value
from qscope.errors import RefusalError
from qscope.model.near import near
from qscope.serve.command_line.words import describe
from qscope.serve.types import Reading, Types
from qscope.serve.types.nodes import Alternate, Array, Enum, Member, Node, Object


class _Wrong(NamedTuple):
    """A part that is refused, and why."""

    node: Node
    value: Any
    where: str
    refusal: RefusalError


def explain(types: Types, node: Node, value: Any, reading: Reading, refusal: RefusalError) -> str:
    """Return what is wrong with a value that `types` refused."""
    explainer = _Explainer(types, reading)
    found: _Wrong | Finding = _Wrong(node, value, "", refusal)
    while isinstance(found, _Wrong):
        found = explainer.look_into(found)
    return str(found)


class _Explainer:
    """Goes down to the first part that is wrong, in the reader's order."""

    def __init__(self, types: Types, reading: Reading) -> None:
        self._types = types
        self._reading = reading

    def look_into(self, wrong: _Wrong) -> _Wrong | Finding:
        """Return the part of it that is wrong, or what is wrong with it as a whole."""
        match wrong.node, wrong.value:
            case Object() as node, dict():
                return self._look_into_object(node, wrong)
            case Array(element=element), list() as values:
                return self._look_into_array(element, values, wrong)
            case Alternate(branches=branches), dict() | list():
                return self._look_into_branch(branches, wrong)
            case _:
                return self._complain(wrong)

    def _look_into_object(self, node: Object, wrong: _Wrong) -> _Wrong | Finding:
        value: dict[str, Any] = wrong.value
        names: list[str] = []
        part: Object | None = node
        others: dict[str, list[str]] = {}
        while part is not None:
            for member in part.members:
                names.append(member.name)
                found = self._find_wrong_member(member, wrong)
                if found is not None:
                    return found
            others |= _list_other_members(part, value)
            part = part.branches[value[part.tag]] if part.tag and part.tag in value else None
        unknown = next((name for name in value if name not in names), None)
        if unknown is None:
            return Finding("refused", wrong.where, wrong.refusal.desc)
        return self._explain_unknown(_join(wrong.where, unknown), unknown, names, others)

    def _find_wrong_member(self, member: Member, wrong: _Wrong) -> _Wrong | Finding | None:
        where = _join(wrong.where, member.name)
        if member.name not in wrong.value:
            right = f"takes {describe(member.type, self._reading)}"
            missing = Finding("member-missing", where, "it is missing", right=right)
            return None if member.optional else missing
        return self._try(member.type, wrong.value[member.name], where)

    def _explain_unknown(
        self, where: str, name: str, names: list[str], others: Mapping[str, list[str]]
    ) -> Finding:
        message = "there is no such member here" if name in others else "there is no such member"
        if name in others:
            right = f"only with {list_cases(tuple(others[name]))}"
            return Finding("member-of-branch", where, message, right=right)
        right = "" if names else "there are no members at all"
        guesses = tuple(near(name, names))
        return Finding("member-unknown", where, message, right=right, suggestions=guesses)

    def _look_into_array(self, element: Node, values: list[Any], wrong: _Wrong) -> _Wrong | Finding:
        for index, value in enumerate(values):
            is_text = self._reading is Reading.KEYVAL
            where = _join(wrong.where, str(index)) if is_text else f"{wrong.where}[{index}]"
            found = self._try(element, value, where)
            if found is not None:
                return found
        return self._complain(wrong)

    def _look_into_branch(self, branches: tuple[Node, ...], wrong: _Wrong) -> _Wrong | Finding:
        """Go on with the branch that objects or arrays belong to."""
        kind = Object if isinstance(wrong.value, dict) else Array
        branch = next((each for each in branches if isinstance(each, kind)), None)
        return self._complain(wrong) if branch is None else wrong._replace(node=branch)

    def _try(self, node: Node, value: Any, where: str) -> _Wrong | None:
        try:
            self._types.read(node, value, self._reading)
        except RefusalError as refusal:
            return _Wrong(node, value, where, refusal)
        return None

    def _complain(self, wrong: _Wrong) -> Finding:
        """Say that this is not what the type takes."""
        right = f"takes {describe(wrong.node, self._reading)}"
        guesses: tuple[str, ...] = ()
        if isinstance(wrong.node, Enum) and isinstance(wrong.value, str):
            if wrong.value in wrong.node.values:
                # It is right, and not to be used.
                return Finding("refused", wrong.where, wrong.refusal.desc)
            guesses = tuple(near(wrong.value, wrong.node.values))
        message = f"{show_value(wrong.value)} was given"
        return Finding("wrong-type", wrong.where, message, right=right, suggestions=guesses)


def _list_other_members(part: Object, value: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return, by name, the branches that have a member, those that were not chosen."""
    others: dict[str, list[str]] = {}
    for case, name in _find_other_members(part, value):
        others.setdefault(name, []).append(f"{part.tag}={case}")
    return others


def _find_other_members(part: Object, value: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for case, branch in part.branches.items():
        if part.tag is not None and value.get(part.tag) != case:
            yield from ((case, member.name) for member in branch.members)


def _join(where: str, name: str) -> str:
    return f"{where}.{clip(name)}" if where else clip(name)

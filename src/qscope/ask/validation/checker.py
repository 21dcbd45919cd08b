"""Whether a value is one that its type takes, and everything that is wrong with it.

In: a function that finds entities, a type's name, a value, where it stands. Out: `Finding`s, all
of them and not only the first, in the order in which QEMU's visitors go through a type. A value
may be nested without end: nothing here recurses. Next stage: validate.py.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeAlias, assert_never

from qscope.ask.finding import Finding, Severity
from qscope.ask.syntax.scalars import NEWEST, Dialect
from qscope.ask.validation.masked import MaskedTypes
from qscope.ask.validation.reader import Reader
from qscope.ask.validation.scalar import Scalar, judge_scalar
from qscope.ask.validation.unions import Members, gather_members
from qscope.ask.validation.words import (
    MOST_GUESSES,
    clip,
    describe_right,
    list_cases,
    list_values,
    show_value,
)
from qscope.model.near import near
from qscope.model.schema_info import (
    AlternateType,
    ArrayType,
    BuiltinType,
    Command,
    Entity,
    EnumType,
    Event,
    Member,
    ObjectType,
    OpaqueEntity,
)

Find: TypeAlias = Callable[[str], Entity | None]


class _Place(NamedTuple):
    """A value that is to be judged: its type, where it stands, what the schema masks of it."""

    type_name: str
    value: Any
    where: str
    masked: MaskedTypes | None


_Outcome: TypeAlias = Finding | _Place


class Checker:
    """Judges values by types.

    `find` returns entities by name; `reader` is how QEMU reads the value; `masked` is the place
    in the table at which it begins (`find_masked` of a command, entered as far as the value is).
    `evidence` is what says what the types say; `dialect` is how this QEMU reads sizes.
    """

    def __init__(
        self,
        find: Find,
        reader: Reader = Reader.STRICT,
        masked: MaskedTypes | None = None,
        *,
        evidence: str = "query-qmp-schema",
        dialect: Dialect = NEWEST,
    ) -> None:
        self._find = find
        self._reader = reader
        self._masked = masked
        self._evidence = evidence
        self._dialect = dialect

    def check(self, type_name: str, value: Any, where: str = "") -> Iterator[Finding]:
        """Yield everything that is wrong with `value`; `where` is the place it stands at."""
        pending = [_Place(type_name, value, where, self._masked)]
        while pending:
            inner: list[_Place] = []
            for outcome in self._judge(pending.pop()):
                if isinstance(outcome, Finding):
                    yield outcome
                else:
                    inner.append(outcome)
            pending += reversed(inner)

    def _judge(self, place: _Place) -> Iterator[_Outcome]:
        entity = self._find(place.type_name)
        match entity:
            case ObjectType():
                yield from self._judge_object(entity, place)
            case ArrayType():
                yield from self._judge_array(entity, place)
            case AlternateType():
                yield from self._judge_alternate(entity, place)
            case EnumType():
                yield from self._judge_enum(entity, place)
            case BuiltinType():
                yield from self._judge_builtin(entity, place)
            case OpaqueEntity():
                what = f"of type {clip(entity.meta_type)!r}, not described"
                yield self._unknown("type-unknown", place.where, what)
            case Command() | Event() | None:
                yield self._missing_type(place.type_name, place.where)
            case _:
                assert_never(entity)

    def _judge_object(self, entity: ObjectType, place: _Place) -> Iterator[_Outcome]:
        if not isinstance(place.value, dict):
            yield self._wrong_type(place)
            return
        gathered = gather_members(self._find, entity, place.value, place.masked)
        for entered in gathered.members:
            yield from self._judge_member(entered.member, entered.masked, place)
        if gathered.broken:
            yield self._undescribed_branch(gathered.broken, place.where)
        else:
            yield from self._find_unknown_members(gathered, place)

    def _judge_member(
        self, member: Member, masked: MaskedTypes | None, place: _Place
    ) -> Iterator[_Outcome]:
        where = _join(place.where, member.name)
        if member.name not in place.value:
            if not member.optional:
                right = describe_right(self._find, member.type, masked)
                yield self._error("member-missing", where, "it is missing", right)
            return
        yield from self._warn(member.features, where, "it")
        yield _Place(member.type, place.value[member.name], where, masked)

    def _find_unknown_members(self, gathered: Members, place: _Place) -> Iterator[Finding]:
        known = {entered.member.name for entered in gathered.members}
        unknown = [name for name in place.value if name not in known]
        for number, name in enumerate(unknown):
            cases = gathered.elsewhere.get(name, ())
            if cases and not gathered.decided:
                continue
            names = known if gathered.decided else known.union(gathered.elsewhere)
            guessable = names.difference(place.value) if number < MOST_GUESSES else set()
            yield self._unknown_member(str(name), cases, names, guessable, place)

    def _unknown_member(
        self, name: str, cases: tuple[str, ...], names: set[str], guessable: set[str], place: _Place
    ) -> Finding:
        where = _join(place.where, name)
        if cases:
            right = f"only with {list_cases(cases)}"
            return self._error("member-of-branch", where, "there is no such member here", right)
        right = "" if names else "there are no members at all"
        guesses = tuple(near(name, sorted(guessable)))
        return self._error("member-unknown", where, "there is no such member", right, guesses)

    def _judge_array(self, entity: ArrayType, place: _Place) -> Iterator[_Outcome]:
        if not isinstance(place.value, list | tuple):
            yield self._wrong_type(place)
            return
        for index, value in enumerate(place.value):
            where = f"{place.where}.{index}" if self._is_keyval else f"{place.where}[{index}]"
            yield _Place(entity.element_type, value, where, place.masked)

    def _judge_alternate(self, entity: AlternateType, place: _Place) -> Iterator[_Outcome]:
        """Go on with the branch that the value's form chooses; QEMU has one for each form."""
        for member in entity.members:
            branch = self._find(member.type)
            if branch is None or isinstance(branch, OpaqueEntity):
                what = f"of type {clip(member.type)!r}, not described"
                yield self._unknown("type-unknown", place.where, what)
                return
            if self._chooses(branch, place.value):
                yield place._replace(type_name=member.type)
                return
        yield self._wrong_type(place)

    def _chooses(self, branch: Entity, value: Any) -> bool:
        """Whether a value of this form belongs to the branch of an alternate."""
        match branch, value:
            case ObjectType(), dict():
                return True
            case ArrayType(), list() | tuple():
                return True
            case EnumType(), str():
                return True
            case BuiltinType(json_type="value"), _:
                return True
            case BuiltinType(json_type=json_type), _:
                return _has_form(json_type, value)
            case _:
                return False

    def _judge_enum(self, entity: EnumType, place: _Place) -> Iterator[Finding]:
        if not isinstance(place.value, str):
            yield self._wrong_type(place)
            return
        for member in entity.members:
            if member.name == place.value:
                yield from self._warn(member.features, place.where, show_value(place.value))
                return
        right = f"takes {list_values(entity.values)}"
        guesses = tuple(near(place.value, entity.values))
        message = f"{show_value(place.value)} is none of its values"
        yield self._error("value-unknown", place.where, message, right, guesses)

    def _judge_builtin(self, entity: BuiltinType, place: _Place) -> Iterator[Finding]:
        kind = place.masked.kind if place.masked else None
        scalar = Scalar(entity, kind, self._dialect)
        complaint = judge_scalar(scalar, place.value, self._reader)
        if complaint is None:
            return
        right = complaint.right or describe_right(self._find, place.type_name, place.masked)
        yield Finding(
            complaint.rule,
            place.where,
            f"{show_value(place.value)} was given",
            complaint.severity,
            right=right,
            evidence=complaint.evidence or self._evidence,
        )

    def _warn(self, features: tuple[str, ...], where: str, what: str) -> Iterator[Finding]:
        for feature in ("deprecated", "unstable"):
            if feature in features:
                yield Finding(
                    feature,
                    where,
                    f"{what} is {feature}",
                    Severity.WARNING,
                    evidence=self._evidence,
                )

    @property
    def _is_keyval(self) -> bool:
        return self._reader is not Reader.STRICT

    def _wrong_type(self, place: _Place) -> Finding:
        right = describe_right(self._find, place.type_name, place.masked)
        return self._error("wrong-type", place.where, f"{show_value(place.value)} was given", right)

    def _error(
        self, rule: str, where: str, message: str, right: str = "", guesses: tuple[str, ...] = ()
    ) -> Finding:
        return Finding(
            rule, where, message, right=right, evidence=self._evidence, suggestions=guesses
        )

    def _undescribed_branch(self, name: str, where: str) -> Finding:
        if self._find(name) is None:
            return self._missing_type(name, where)
        return self._unknown("type-unknown", where, f"of type {clip(name)!r}, not described")

    def _missing_type(self, name: str, where: str) -> Finding:
        what = f"the schema refers to type {clip(name)!r} and does not have it"
        return self._unknown("type-missing", where, what)

    def _unknown(self, rule: str, where: str, message: str) -> Finding:
        return Finding(rule, where, message, Severity.UNKNOWN, evidence=self._evidence)


def _join(where: str, name: str) -> str:
    return f"{where}.{clip(name)}" if where else clip(name)


def _has_form(json_type: str, value: Any) -> bool:
    """Whether JSON has a value of this type in this form: QEMU knows one form of number."""
    match json_type, value:
        case ("boolean", bool()) | ("null", None) | ("string", str()):
            return True
        case _, bool():
            return False
        case "int" | "number", int() | float():
            return True
        case _:
            return False

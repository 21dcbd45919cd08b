"""From expressions to definitions: keys, names and shapes are checked, no name is looked up yet.

In: `Parsed`. Out: definitions in order, each preceded by the arrays and implicit types it is the
first to need. The order of the checks is that of QEMU's scripts/qapi/expr.py. Next: resolve.py.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from qscope.errors import DocError, SchemaError
from qscope.qapi.conditions import Condition, build_condition
from qscope.qapi.definitions import (
    IMPLICIT,
    Alternate,
    Array,
    Branch,
    Command,
    Entity,
    Enum,
    Event,
    Feature,
    Features,
    Member,
    Object,
    Value,
)
from qscope.qapi.docs import Doc, Topic
from qscope.qapi.names import (
    IS_PLAIN,
    complain_of_event,
    complain_of_lower,
    complain_of_type,
    is_reserved_member,
)
from qscope.qapi.parser import Expression, Parsed
from qscope.qapi.pragma import Pragma

_META_TYPES = ("enum", "struct", "union", "alternate", "command", "event")
_SYMBOL = re.compile(r"[A-Z][A-Z0-9_]*")
_BUILDABLE = frozenset(_META_TYPES)

# Keys that a definition must have and may have.
_COMMON = ("if", "features")
_KEYS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "enum": (("enum", "data"), ("prefix", *_COMMON)),
    "struct": (("struct", "data"), ("base", *_COMMON)),
    "union": (("union", "base", "discriminator", "data"), _COMMON),
    "alternate": (("alternate", "data"), _COMMON),
    "command": (
        ("command",),
        ("data", "returns", "boxed", "gen", "success-response", "allow-oob", "allow-preconfig",
         "coroutine", *_COMMON),
    ),
    "event": (("event",), ("data", "boxed", *_COMMON)),
    "member": (("type",), _COMMON),
    "branch": (("type",), ("if",)),
    "value": (("name",), _COMMON),
    "feature": (("name",), ("if",)),
    "condition": ((), ("all", "any", "not")),
}  # fmt: skip
_OPERATORS = "'all', 'any' or 'not'"
_REQUIRED = {what: frozenset(required) for what, (required, _) in _KEYS.items()}
_ALLOWED = {what: frozenset(required + optional) for what, (required, optional) in _KEYS.items()}
# Flags have a default that must not be written.
_FLAGS = {
    "gen": False,
    "success-response": False,
    "boxed": True,
    "allow-oob": True,
    "allow-preconfig": True,
    "coroutine": True,
}


def define(parsed: Parsed, *, check_docs: bool) -> list[Entity]:
    """Turn each expression into the definitions it makes. Raises SchemaError."""
    definer = _Definer(parsed.pragma, check_docs=check_docs)
    for expression in parsed.expressions:
        definer.define(expression)
    return definer.made


class _Definer:
    """Checks one expression after the other and builds what it defines."""

    def __init__(self, pragma: Pragma, *, check_docs: bool) -> None:
        self.made: list[Entity] = []
        self._pragma = pragma
        self._check_docs = check_docs
        self._arrays: set[str] = set()
        self._builders: dict[str, Callable[[dict[str, Any]], Entity]] = {
            meta: getattr(self, f"_define_{meta}") for meta in _META_TYPES
        }

    def define(self, expression: Expression) -> None:
        self._value = value = expression.value
        self._place = expression.place
        self._doc = expression.doc
        self._context = ""
        self._meta = meta = self._find_meta_type(value)
        self._name = name = value[meta]
        if not isinstance(name, str):
            self._fail(f"the name after '{meta}' must be a string")
        self._context = f"{meta} '{name}'"
        self._check_own_name()
        if self._check_docs:
            self._check_doc()
        self._check_keys(value, meta, meta)
        self.made.append(self._builders[meta](value))

    def _find_meta_type(self, value: dict[str, Any]) -> str:
        found = [key for key in value if key in _BUILDABLE]
        if len(found) != 1:
            self._fail(f"a definition has exactly one of the keys {_quote(_META_TYPES)}")
        return found[0]

    def _fail(self, message: str, kind: type[SchemaError] = SchemaError) -> NoReturn:
        raise self._place.error(message, context=self._context or None, kind=kind)

    def _check_own_name(self) -> None:
        name, meta = self._name, self._meta
        if meta == "event":
            problem = complain_of_event(name)
        elif meta == "command":
            excepted = name in self._pragma.command_name_exceptions
            problem = complain_of_lower(name, underscore=excepted)
        else:
            problem = complain_of_type(name)
        if problem:
            self._fail(f"the name '{name}' {problem}")

    def _check_doc(self) -> None:
        doc = self._doc
        if doc is None:
            if self._pragma.doc_required:
                self._fail("no documentation comment stands before it", DocError)
        elif doc.symbol != self._name:
            self._fail(f"the documentation comment before it is about '{doc.symbol}'", DocError)
        else:
            self._check_sections(doc)

    def _check_sections(self, doc: Doc) -> None:
        """Refuse Returns and Errors of what is no command, Returns where nothing is returned."""
        tags = doc.outline.tags if doc.outline else ()
        if "returns" in tags:
            if self._meta != "command":
                self._refuse_section(doc, Topic.RETURNS, "belongs to commands alone")
            if "returns" not in self._value:
                self._refuse_section(doc, Topic.RETURNS, "of a command that returns nothing")
        if "errors" in tags and self._meta != "command":
            self._refuse_section(doc, Topic.ERRORS, "belongs to commands alone")

    def _refuse_section(self, doc: Doc, topic: Topic, why: str) -> NoReturn:
        from qscope.qapi.doc_reader import find_section  # noqa: PLC0415 - only for an error

        section = find_section(doc, topic)
        raise doc.error(f"'{topic.value.capitalize()}' section {why}", section.line)

    # What all definitions have.

    def _common(self, value: dict[str, Any]) -> dict[str, Any]:
        """Check what comes last in every definition; return the fields that all have."""
        meta = self._meta
        condition = self._condition(value, meta) if "if" in value else None
        features = self._features(value["features"]) if "features" in value else None
        return {
            "name": self._name,
            "place": self._place,
            "context": self._context,
            "doc": self._doc,
            "condition": condition,
            "features": features,
        }

    def _condition(self, value: dict[str, Any], where: str) -> Condition:
        condition = value["if"]
        self._check_condition(condition, where)
        return build_condition(condition)

    def _check_condition(self, condition: Any, where: str) -> None:
        if isinstance(condition, str):
            if not _SYMBOL.fullmatch(condition):
                self._fail(
                    f"'if' of {where}: '{condition}' is no symbol (capital letters, digits, '_')"
                )
            return
        if not isinstance(condition, dict):
            self._fail(f"'if' of {where} takes a symbol, or an object with {_OPERATORS}")
        self._check_keys(condition, f"'if' of {where}", "condition")
        if len(condition) != 1:
            self._fail(f"'if' of {where} takes exactly one of {_OPERATORS}")
        operator, operand = next(iter(condition.items()))
        if operator == "not":
            self._check_condition(operand, where)
            return
        if not isinstance(operand, list):
            self._fail(f"'{operator}' in 'if' of {where} takes an array")
        if not operand:
            self._fail(f"'{operator}' in 'if' of {where} is empty: []")
        for part in operand:
            self._check_condition(part, where)

    def _features(self, features: Any) -> Features:
        if not isinstance(features, list):
            self._fail("'features' takes an array")
        return tuple(self._feature(feature) for feature in features)

    def _feature(self, feature: Any) -> Feature:
        if isinstance(feature, str) and IS_PLAIN[feature]:
            return Feature(feature)
        value = feature if isinstance(feature, dict) else {"name": feature}
        self._check_keys(value, "'features' member", "feature")
        name = self._require_string(value["name"], "'features' member")
        where = f"'features' member '{name}'"
        self._check_lower(name, where)
        return Feature(name, self._condition(value, where) if "if" in value else None)

    # Definitions.

    def _define_enum(self, value: dict[str, Any]) -> Enum:
        data, prefix = value["data"], value.get("prefix")
        if not isinstance(data, list):
            self._fail("'data' of an enum takes an array of values")
        if prefix is not None and not isinstance(prefix, str):
            self._fail("'prefix' takes a string")
        permissive = self._name in self._pragma.member_name_exceptions
        values = tuple(
            [
                Value(each)
                if isinstance(each, str) and IS_PLAIN[each]
                else self._enum_value(each, permissive=permissive)
                for each in data
            ]
        )
        return Enum(values=values, prefix=prefix, **self._common(value))

    def _enum_value(self, each: Any, *, permissive: bool) -> Value:
        value = each if isinstance(each, dict) else {"name": each}
        self._check_keys(value, "'data' member", "value")
        name = self._require_string(value["name"], "'data' member")
        where = f"'data' member '{name}'"
        # Values may begin with a digit; the rules then see a letter in front of it.
        seen = f"d{name}" if name[:1].isdigit() else name
        self._check_lower(seen, where, permissive=permissive)
        return Value(
            name,
            self._condition(value, where) if "if" in value else None,
            self._features(value["features"]) if "features" in value else None,
        )

    def _define_struct(self, value: dict[str, Any]) -> Object:
        members = self._members(value["data"], "'data'", self._name)
        base = value.get("base")
        self._check_type_name(base, "'base'")
        return Object(members=members, base=base, **self._common(value))

    def _define_union(self, value: dict[str, Any]) -> Object:
        base, discriminator = value["base"], value["discriminator"]
        inline = None
        if not isinstance(base, str):
            inline = self._members(base, "'base'", self._name)
        self._require_string(discriminator, "'discriminator'")
        branches = self._branches(value["data"], alternate=False)
        common = self._common(value)
        if inline is not None:
            base = self._make_implicit(inline, "base", common)
        return Object(base=base, discriminator=discriminator, branches=branches, **common)

    def _define_alternate(self, value: dict[str, Any]) -> Alternate:
        if not value["data"]:
            self._fail("'data' of an alternate has at least one branch")
        branches = self._branches(value["data"], alternate=True)
        return Alternate(branches=branches, **self._common(value))

    def _define_command(self, value: dict[str, Any]) -> Command:
        arguments = self._arguments(value)
        returns = value.get("returns")
        self._check_type(returns, "'returns'")
        common = self._common(value)
        self._check_flags(value)
        return Command(
            arg_type=self._name_arguments(arguments, common),
            ret_type=None if returns is None else self._name_type(returns),
            **{key.replace("-", "_"): value[key] for key in _FLAGS if key in value},
            **common,
        )

    def _define_event(self, value: dict[str, Any]) -> Event:
        arguments = self._arguments(value)
        common = self._common(value)
        self._check_flags(value)
        arg_type = self._name_arguments(arguments, common)
        return Event(arg_type=arg_type, boxed="boxed" in value, **common)

    def _check_flags(self, value: dict[str, Any]) -> None:
        for flag, only in _FLAGS.items():
            if flag in value and value[flag] is not only:
                self._fail(f"'{flag}' is written only to be {str(only).lower()}")
        if "allow-oob" in value and "coroutine" in value:
            self._fail("'allow-oob' and 'coroutine' exclude each other")

    def _arguments(self, value: dict[str, Any]) -> tuple[Member, ...] | str | None:
        """Check the data of a command or an event: members, or the name of a type."""
        data, boxed = value.get("data"), value.get("boxed", False)
        if boxed and data is None:
            self._fail("'boxed': true needs a type as 'data'")
        if boxed:
            self._check_type_name(data, "'data'")
        if data is None or isinstance(data, str):
            return data
        return self._members(data, "'data'", None)

    def _name_arguments(
        self, arguments: tuple[Member, ...] | str | None, common: dict[str, Any]
    ) -> str | None:
        if isinstance(arguments, tuple):
            return self._make_implicit(arguments, "arg", common)
        return arguments

    def _make_implicit(
        self, members: tuple[Member, ...], role: str, common: dict[str, Any]
    ) -> str | None:
        """Make the type of inline members; none is made of no members."""
        if not members:
            return None
        name = f"{IMPLICIT}{self._name}-{role}"
        kept = {key: common[key] for key in ("place", "context", "condition")}
        self.made.append(Object(name=name, members=members, **kept))
        return name

    # Members and branches.

    def _members(self, data: Any, where: str, owner: str | None) -> tuple[Member, ...]:
        """Check inline members. Only those of a named type can be excepted from the rules."""
        if not isinstance(data, dict):
            self._fail(f"{where} takes an object with members, or the name of a type")
        permissive = owner in self._pragma.member_name_exceptions
        found = []
        for key, value in data.items():
            optional = key[:1] == "*"
            name = key[1:] if optional else key
            if isinstance(value, str) and IS_PLAIN[name]:
                found.append(Member(name, value, optional))
            else:
                member = self._member(name, value, f"{where} member '{key}'", permissive)
                found.append(_make_optional(member) if optional else member)
        return tuple(found)

    def _member(self, name: str, each: Any, where: str, permissive: bool) -> Member:  # noqa: FBT001
        self._check_lower(name, where, permissive=permissive)
        if is_reserved_member(name):
            self._fail(f"the name of {where} is reserved: generated code uses it")
        value = each if isinstance(each, dict) else {"type": each}
        self._check_keys(value, where, "member")
        condition = self._condition(value, where) if "if" in value else None
        features = self._features(value["features"]) if "features" in value else None
        self._check_type(value["type"], where)
        return Member(name, self._name_type(value["type"]), False, condition, features)

    def _branches(self, data: Any, *, alternate: bool) -> tuple[Branch, ...]:
        if not isinstance(data, dict):
            self._fail("'data' takes an object with branches")
        return tuple(
            self._branch(name, each, f"'data' member '{name}'", alternate=alternate)
            for name, each in data.items()
        )

    def _branch(self, name: str, each: Any, where: str, *, alternate: bool) -> Branch:
        """Check a branch: a union's is named by its enum, an alternate's by itself."""
        if alternate:
            self._check_lower(name, where)
        value = each if isinstance(each, dict) else {"type": each}
        self._check_keys(value, where, "branch")
        condition = self._condition(value, where) if "if" in value else None
        if alternate:
            self._check_type(value["type"], where)
        else:
            self._check_type_name(value["type"], where)
        return Branch(name, self._name_type(value["type"]), condition)

    # Types by name.

    def _check_type_name(self, value: Any, where: str) -> None:
        if value is not None and not isinstance(value, str):
            self._fail(f"{where} takes the name of a type")

    def _check_type(self, value: Any, where: str) -> None:
        if value is None or isinstance(value, str):
            return
        if not isinstance(value, list):
            self._fail(f"{where} takes the name of a type, or an array of it")
        if len(value) != 1 or not isinstance(value[0], str):
            self._fail(f"{where}: an array type is the name of one type in brackets")

    def _name_type(self, value: str | list[str]) -> str:
        """Return the name of a type; an array is made when it is mentioned first."""
        if isinstance(value, str):
            return value
        name = f"{value[0]}List"
        if name not in self._arrays:
            self._arrays.add(name)
            self.made.append(
                Array(name=name, place=self._place, context=self._context, element=value[0])
            )
        return name

    # Small checks.

    def _require_string(self, value: Any, where: str) -> str:
        if not isinstance(value, str):
            self._fail(f"{where}: the name must be a string")
        return value

    def _check_lower(self, name: str, where: str, *, permissive: bool = False) -> None:
        if IS_PLAIN[name]:
            return
        problem = complain_of_lower(name, upper=permissive, underscore=permissive)
        if problem:
            self._fail(f"the name of {where} {problem}")

    def _check_keys(self, value: dict[str, Any], where: str, what: str) -> None:
        keys, required, allowed = value.keys(), _REQUIRED[what], _ALLOWED[what]
        if keys <= allowed and keys >= required:
            return
        missing = sorted(required - keys)
        if missing:
            self._fail(f"{where} lacks the key{'s'[: len(missing) > 1]} {_quote(missing)}")
        unknown = sorted(keys - allowed)
        plural = "s"[: len(unknown) > 1]
        valid = _quote(sorted(allowed))
        self._fail(f"{where} has the unknown key{plural} {_quote(unknown)}; it takes {valid}")


def _make_optional(member: Member) -> Member:
    return Member(member.name, member.type, True, member.condition, member.features)


def _quote(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)

"""A command line made of a struct of a QAPI schema.

In: a schema, the name of a struct, texts as a shell hands them over. Out: typed values, and the
struct of all of them. How options are found among the words is argparse's business, or click's.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, TypedDict

from msgspec import Struct

from qscope import qapi
from qscope.errors import ArgumentError, ServeError
from qscope.qapi.annotate import find_doc
from qscope.qapi.conditions import holds, render_condition
from qscope.serve.command_line.features import find_features
from qscope.serve.command_line.help import render_help
from qscope.serve.command_line.options import TypedOption, first_paragraph, make_options
from qscope.serve.command_line.texts import find_help_wish, read_text
from qscope.serve.types import Types
from qscope.serve.types.nodes import Object

_NO_KEYS: Mapping[str, str | None] = {}


class Settings(TypedDict, total=False):
    """What a command line can be made with; see there."""

    types: Types | None
    defines: Collection[str]
    implied_keys: Mapping[str, str | None]


class CommandLine:
    """The options that a struct makes.

    `schema` has the struct `type_name`; `types` are the types of that schema, where a server has
    them already: values are then of its classes. `defines` are the symbols of its conditions that
    are defined. `implied_keys` names, by option, the parameter whose name may be left out where it
    stands first (`--blockdev file,filename=a`), None for none: of a union it is the tag.
    """

    def __init__(
        self,
        schema: qapi.Schema,
        type_name: str,
        *,
        types: Types | None = None,
        defines: Collection[str] = (),
        implied_keys: Mapping[str, str | None] = _NO_KEYS,
    ) -> None:
        self.schema = schema
        self.type_name = type_name
        self.defines = frozenset(defines)
        self.types = types or Types(schema, self.defines)
        node = self.types.find(type_name)
        if not isinstance(node, Object) or node.tag is not None:
            raise ServeError(f"a command line is made of a struct, which '{type_name}' is not")
        condition = schema.by_name[type_name].condition
        if not holds(condition, self.defines):
            where = render_condition(condition) if condition else ""
            raise ServeError(f"'{type_name}' is there only with {where}")
        doc = find_doc(schema, type_name)
        self.description = first_paragraph(doc.text) if doc else ""
        self.options = make_options(node, doc, implied_keys)

    def read(self, option: TypedOption, text: str) -> Any:
        """Return the typed value of one occurrence of an option.

        Raises ArgumentError: where in the text, what stands there, what is right.
        """
        return read_text(self.types, option, text)

    def find_help(self, option: TypedOption, text: str) -> str | None:
        """Return what is to be printed where a text asks for help (`--blockdev help`)."""
        wish = find_help_wish(option, text)
        return None if wish is None else render_help(self.schema, option, wish.given)

    def find_warnings(self, option: TypedOption, value: Any) -> Iterator[str]:
        """Yield a line for everything that is used and deprecated or unstable."""
        for where, feature in find_features(option, value):
            place = f"--{option.name}: {where}" if where else f"--{option.name}"
            yield f"{place} is {feature}"

    def assemble(self, values: Mapping[str, list[Any]]) -> Struct:
        """Return the struct of typed values; each option has those of its occurrences, in order.

        Raises ArgumentError where one is missing.
        """
        members = {}
        for option in self.options:
            given = values.get(option.name)
            if given:
                members[option.name] = given if option.repeats else given[-1]
            elif not option.member.optional:
                raise ArgumentError(f"--{option.name} is missing: --{option.name} {option.metavar}")
        return self._make(members)

    def _make(self, members: Mapping[str, Any]) -> Struct:
        cls = self.types.find_class(self.type_name)
        fields = zip(cls.__struct_encode_fields__, cls.__struct_fields__, strict=True)
        return cls(**{field: members[name] for name, field in fields if name in members})

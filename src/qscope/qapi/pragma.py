"""Pragmas: what a schema says about how it may be written.

One for the whole schema. A later list replaces an earlier one, and since everything is checked
after everything was parsed, the last one holds for all definitions.
"""

from typing import Any

from qscope.qapi.source import Place

_LISTS = (
    "command-name-exceptions",
    "command-returns-exceptions",
    "documentation-exceptions",
    "member-name-exceptions",
)


class Pragma:
    """Which definitions may break which rule of the language."""

    def __init__(self) -> None:
        self.doc_required = False
        self.command_name_exceptions: frozenset[str] = frozenset()
        self.command_returns_exceptions: frozenset[str] = frozenset()
        self.documentation_exceptions: frozenset[str] = frozenset()
        self.member_name_exceptions: frozenset[str] = frozenset()

    def follow(self, expression: dict[str, Any], place: Place) -> None:
        """Take over what a directive says. Raises SchemaError."""
        if len(expression) != 1:
            raise place.error("a 'pragma' directive has no other key")
        pragma = expression["pragma"]
        if not isinstance(pragma, dict):
            raise place.error("'pragma' takes an object")
        for name, value in pragma.items():
            self._set(name, value, place)

    def _set(self, name: str, value: Any, place: Place) -> None:
        if name == "doc-required":
            if not isinstance(value, bool):
                raise place.error("pragma 'doc-required' takes true or false")
            self.doc_required = value
        elif name in _LISTS:
            if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
                raise place.error(f"pragma '{name}' takes an array of names")
            setattr(self, name.replace("-", "_"), frozenset(value))
        else:
            known = ", ".join(("doc-required", *_LISTS))
            raise place.error(f"there is no pragma '{name}'; there are {known}")

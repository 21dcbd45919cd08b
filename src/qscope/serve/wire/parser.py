"""Tokens to one value, a token at a time: no recursion, however deep the value is.

What breaks the grammar raises JSONSyntaxError, in the dialect's words. Facts from QEMU's
qobject/json-parser.c, which became a push parser in 11.1; of the older one that descends, the
first error is the same, but for what may stand before a colon.
"""

from collections.abc import Callable
from enum import Enum
from typing import Any

from qscope.serve.wire.lexer import FLOAT, INTEGER, KEYWORD, MARK, STRING
from qscope.serve.wire.numbers import decode_integer
from qscope.serve.wire.strings import StringError, decode_string


class JSONDialect(Enum):
    """How QEMU reads JSON and words its errors, named by the first release that reads so."""

    V2_5 = "2.5"
    V11_1 = "11.1"


class JSONSyntaxError(Exception):
    """The tokens are no JSON; `str()` is what QEMU says, without prefix, bytes as Latin-1."""


_KEYWORDS = {"true": True, "false": False, "null": None}

# In place of a key, within an object that has none at hand.
_NO_KEY = object()

_Expectation = Callable[[str, str], bool]


class Parser:
    """Builds one value from tokens.

    `push` takes the next token, its kind and its text, and returns whether `value` is complete. It
    is one of the methods that say what is expected next.
    """

    def __init__(self, dialect: JSONDialect) -> None:
        self._is_eager = dialect is JSONDialect.V11_1
        self.reset()

    def reset(self) -> None:
        """Forget what was begun."""
        self.value: Any = None
        # The containers that are open, outermost first, and the key at hand of each.
        self._containers: list[Any] = []
        self._keys: list[Any] = []
        self.push: _Expectation = self._expect_value

    def _expect_value(self, kind: str, text: str) -> bool:
        if kind != MARK:
            return self._add(_decode_scalar(kind, text))
        if text == "[":
            return self._open([], self._expect_first_element)
        if text == "{":
            return self._open({}, self._expect_first_key)
        raise JSONSyntaxError("expecting value")

    def _expect_first_element(self, kind: str, text: str) -> bool:
        if text == "]":
            return self._close()
        return self._expect_value(kind, text)

    def _expect_first_key(self, kind: str, text: str) -> bool:
        if text == "}":
            return self._close()
        return self._expect_key(kind, text)

    def _expect_key(self, kind: str, text: str) -> bool:
        # Up to 11.0 any value is read here, and judged when it is complete.
        if self._is_eager and kind != STRING:
            raise JSONSyntaxError("expecting key")
        return self._expect_value(kind, text)

    def _expect_colon(self, kind: str, text: str) -> bool:  # noqa: ARG002 - any kind is read here
        if text != ":":
            old, new = "missing : in object pair", "expecting ':'"
            raise JSONSyntaxError(new if self._is_eager else old)
        self.push = self._expect_value
        return False

    def _expect_next_element(self, kind: str, text: str) -> bool:  # noqa: ARG002
        if text == ",":
            self.push = self._expect_value
            return False
        if text == "]":
            return self._close()
        old, new = "expected separator in list", "expected ',' or ']'"
        raise JSONSyntaxError(new if self._is_eager else old)

    def _expect_next_pair(self, kind: str, text: str) -> bool:  # noqa: ARG002
        if text == ",":
            self.push = self._expect_key
            return False
        if text == "}":
            return self._close()
        old, new = "expected separator in dict", "expected ',' or '}'"
        raise JSONSyntaxError(new if self._is_eager else old)

    def _open(self, container: Any, expect: _Expectation) -> bool:
        self._containers.append(container)
        self._keys.append(_NO_KEY)
        self.push = expect
        return False

    def _close(self) -> bool:
        self._keys.pop()
        return self._add(self._containers.pop())

    def _add(self, value: Any) -> bool:
        """Put a complete value where it belongs."""
        if not self._containers:
            self.value = value
            return True
        container = self._containers[-1]
        if type(container) is list:
            container.append(value)
            self.push = self._expect_next_element
        elif self._keys[-1] is _NO_KEY:
            self._add_key(value)
        else:
            self._add_pair(container, value)
        return False

    def _add_key(self, key: Any) -> None:
        if type(key) is not str:
            raise JSONSyntaxError("key is not a string in object")
        self._keys[-1] = key
        self.push = self._expect_colon

    def _add_pair(self, container: dict[str, Any], value: Any) -> None:
        key = self._keys[-1]
        if key in container:
            raise JSONSyntaxError("duplicate key")
        container[key] = value
        self._keys[-1] = _NO_KEY
        self.push = self._expect_next_pair


def _decode_scalar(kind: str, text: str) -> Any:
    if kind == STRING:
        try:
            return decode_string(text)
        except StringError as error:
            raise JSONSyntaxError(str(error)) from None
    if kind == INTEGER:
        return decode_integer(text)
    if kind == FLOAT:
        return float(text)
    assert kind == KEYWORD
    if text not in _KEYWORDS:
        raise JSONSyntaxError(f"invalid keyword '{text}'")
    return _KEYWORDS[text]

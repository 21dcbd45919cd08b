"""`ServedSchema`: one version of what a server offers; nobody changes it once it is made.

In: a resolved schema. Out: introspection data, its hash, and each command and event with what reads
its arguments and checks its results. A driver that comes or goes makes a new version.
"""

import functools
import math
import re
from collections.abc import Callable, Collection
from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct

from qscope import qapi
from qscope.errors import RefusalError
from qscope.model.canonical import schema_hash
from qscope.model.interface import Interface
from qscope.model.schema_info import encode_known
from qscope.qapi.conditions import holds
from qscope.qapi.definitions import EMPTY, Command, Event, Features
from qscope.qapi.hiding import hide
from qscope.serve.policy import ACCEPT, Policy
from qscope.serve.types import Reading, Types
from qscope.serve.types.nodes import Node, Object, contains_any, list_members
from qscope.serve.types.prune import prune
from qscope.serve.types.read import ENUM_TEXT

_NOTHING: dict[str, Any] = {}
# As many digits as the largest 64-bit integers have.
_MAYBE_BIG = re.compile(rb"[0-9]{19}")
_encode = msgspec.json.Encoder().encode


class HiddenError(RefusalError):
    """A result or an event is right, but cannot be without what a policy hides."""


class Encoded(Struct, frozen=True, gc=False):
    """A result that is JSON already, and right: nobody looks at it again."""

    body: bytes


class ServedCommand(Struct, eq=False):
    """A command: how its arguments are read, and how its results are checked.

    `decode` is the quick way, None where there is none; `arguments` is None for a command that
    takes anything (`'gen': false`), whose handler is given what the client sent.
    """

    name: str
    arguments: Object | None
    takes_nothing: bool
    result: Node | None
    decode: Callable[[bytes], Any] | None
    has_any: bool
    features: tuple[str, ...]
    allow_oob: bool
    success_response: bool


class ServedSchema:
    """One version of a schema; `serial` counts them.

    `shown` is what a policy leaves of it; what it hides is left out by default. `enum_text` is what
    clients are told of a value that an enum lacks.
    """

    def __init__(
        self,
        schema: qapi.Schema,
        *,
        defines: Collection[str] = (),
        policy: Policy = ACCEPT,
        serial: int = 1,
        shown: qapi.Schema | None = None,
        enum_text: str = ENUM_TEXT,
    ) -> None:
        self.schema = schema
        self.serial = serial
        self.policy = policy
        self._hides = bool(policy.hidden)
        self._defines = frozenset(defines)
        self.types = Types(schema, defines, policy, enum_text)
        if shown is None:
            shown = hide(schema, policy.hidden) if policy.hidden else schema
        self._shown = Types(shown, defines)
        self._whole = Types(schema, defines)
        self._entities = shown.introspect(defines)
        self._users = {
            each.name: each
            for each in schema.find_commands_and_events()
            if holds(each.condition, self._defines)
        }
        self._visible = {each.name for each in self._entities}
        # Made when they are first needed.
        self._commands: dict[str, ServedCommand] = {}
        self._decoders: dict[Node, Callable[[bytes], Any] | None] = {}

    @functools.cached_property
    def hash(self) -> str:
        """The `schema_hash` that anybody computes from a query-qmp-schema reply."""
        return schema_hash(Interface(self._entities))

    @functools.cached_property
    def introspection(self) -> Raw:
        """The reply to query-qmp-schema."""
        return Raw(b"[" + b", ".join(map(encode_known, self._entities)) + b"]")

    @functools.cached_property
    def command_names(self) -> tuple[str, ...]:
        """All commands that are shown."""
        names = (name for name, each in self._users.items() if isinstance(each, Command))
        return tuple(name for name in names if name in self._visible)

    def list_commands(self) -> set[str]:
        """Return the names of all commands, hidden ones too."""
        return {name for name, each in self._users.items() if isinstance(each, Command)}

    def find_command(self, name: str) -> ServedCommand | None:
        """Return a command, or None if there is none."""
        found = self._commands.get(name)
        if found is None and (found := self._make_command(name)):
            self._commands[name] = found
        return found

    def _make_command(self, name: str) -> ServedCommand | None:
        command = self._users.get(name)
        if not isinstance(command, Command):
            return None
        node = self._find_object(command.arg_type) if command.gen else None
        decoder = (
            self.types.make_decoder(node) if node and not self.policy.restricts_input else None
        )
        return ServedCommand(
            name=name,
            arguments=node,
            takes_nothing=command.arg_type is None,
            result=self._shown.find(command.ret_type) if command.ret_type else None,
            decode=decoder.decode if decoder else None,
            has_any=node is not None and contains_any(node),
            features=self._features(command.features),
            allow_oob=command.allow_oob,
            success_response=command.success_response,
        )

    def has_event(self, name: str) -> bool:
        """Whether the schema has this event."""
        return isinstance(self._users.get(name), Event)

    def list_data(self, event: str) -> list[str]:
        """Return the names of an event's members, of all branches; [] if there is no such event."""
        found = self._users.get(event)
        if not isinstance(found, Event):
            return []
        return list(dict.fromkeys(list_members(self._find_object(found.arg_type))))

    def find_data(self, event: str) -> Object | None:
        """Return the type of an event's data as it is shown, None if there is no such event."""
        found = self._users.get(event)
        return self._find_object(found.arg_type, self._shown) if isinstance(found, Event) else None

    def find_users(self, where: str) -> list[str]:
        """Return the commands and events whose argument is this type, or that command's."""
        named = self._users.get(where)
        type_name = named.arg_type if named else where
        users = (name for name, each in self._users.items() if each.arg_type == type_name)
        return [name for name in users if name in self._visible]

    def is_shown(self, name: str) -> bool:
        """Whether a policy leaves a command or event visible."""
        return name in self._visible

    def read_quickly(self, command: ServedCommand, arguments: bytes) -> Any:
        """Return typed arguments, or UNSET where only the exact way can tell.

        A key that stands twice leaves a colon over: msgspec takes the last one, QEMU none. `any`
        may hold an integer beyond 64 bits, which QEMU reads as a floating point number.
        """
        if command.decode is None:
            return UNSET
        try:
            typed = command.decode(arguments)
        except (msgspec.DecodeError, RecursionError):
            return UNSET
        if arguments.count(b":") != _encode(typed).count(b":"):
            return UNSET
        return UNSET if command.has_any and _MAYBE_BIG.search(arguments) else typed

    def read_arguments(self, command: ServedCommand, arguments: dict[str, Any] | None) -> Any:
        """Return typed arguments. Raises RefusalError in QEMU's words."""
        given = _NOTHING if arguments is None else arguments
        if command.arguments is None:
            return given
        return self.types.read(command.arguments, given)

    def encode_result(self, command: ServedCommand, result: Any) -> bytes:
        """Return a result as JSON. Raises RefusalError if it is not of the command's type."""
        if type(result) is Encoded:
            return result.body
        if isinstance(result, Raw) and result is self.introspection:
            return bytes(result)
        if command.result is None:
            if result is not None and result != _NOTHING:
                raise RefusalError(f"'{command.name}' returns nothing, not {result!r:.200}")
            return b"{}"
        return self._encode(command.result, result)

    def encode_data(self, event: str, data: Any) -> bytes | None:
        """Return an event's data as JSON, None if it has none.

        Raises RefusalError for an event that the schema lacks, or data that are not of its type.
        """
        found = self._users.get(event)
        if not isinstance(found, Event):
            raise RefusalError(f"the schema has no event '{event}'")
        encoded = self._encode(self._find_object(found.arg_type, self._shown), data)
        return None if encoded == b"{}" else encoded

    def _find_object(self, name: str | None, types: Types | None = None) -> Object:
        node = (types or self.types).find(name or EMPTY)
        assert isinstance(node, Object)
        return node

    def _features(self, features: Features | None) -> tuple[str, ...]:
        return tuple(each.name for each in features or () if holds(each.condition, self._defines))

    def _encode(self, node: Node, value: Any) -> bytes:
        """Encode a value of the program's and check the very bytes."""
        encoded = _encode_plainly(value)
        decode = None if self._hides else self._find_decoder(node)
        if decode is not None:
            try:
                decode(encoded)
            except (msgspec.DecodeError, RecursionError):
                pass
            else:
                return encoded
        return self._encode_exactly(node, encoded)

    def _encode_exactly(self, node: Node, encoded: bytes) -> bytes:
        try:
            value = msgspec.json.decode(encoded)
        except (msgspec.DecodeError, RecursionError) as error:
            raise RefusalError(f"it is no JSON: {error}") from error
        if not self._hides:
            self._shown.read(node, value, Reading.OUTPUT)
            return encoded
        # What is hidden must be right as well.
        self._whole.read(self._whole.find(node.name), value, Reading.OUTPUT)
        value = prune(node, value)
        try:
            self._shown.read(node, value, Reading.OUTPUT)
        except RefusalError as error:
            raise HiddenError(error.desc) from error
        return _encode(value)

    def _find_decoder(self, node: Node) -> Callable[[bytes], Any] | None:
        if node not in self._decoders:
            decoder = self._shown.make_decoder(node)
            self._decoders[node] = decoder.decode if decoder else None
        return self._decoders[node]


def _encode_plainly(value: Any) -> bytes:
    """Return a program's value as JSON. Raises RefusalError for what has none."""
    try:
        encoded = _encode(value)
        # msgspec writes null for a number that is none, or infinite.
        if b"null" in encoded and not _is_finite(_simplify(value)):
            raise RefusalError("it is no JSON: a number is infinite or none")
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.EncodeError) as error:
        raise RefusalError(f"it is no JSON: {error}") from error
    return encoded


def _simplify(value: Any) -> Any:
    """Return a value that was encoded as plain data, less what is JSON already."""
    return msgspec.to_builtins(value, enc_hook=lambda _raw: None)


def _is_finite(value: Any) -> bool:
    """Whether all numbers in plain data are finite."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, float) and not math.isfinite(each):
            return False
        if isinstance(each, dict):
            waiting += each.values()
        elif isinstance(each, list | tuple):
            waiting += each
    return True

"""What the subjects of a mock's memory have in common.

In: nothing. Out: `Memory`, what there is and who uses it; `Subject`, whose commands change or tell
it, and which __init__.py joins into a table.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal, Protocol, TypeAlias

from msgspec import Struct, field

from qscope.ask.validation.names import is_id
from qscope.errors import RefusalError
from qscope.model.properties import Asked

# Takes arguments that the schema has accepted; returns facts, or raises RefusalError.
Command: TypeAlias = Callable[[dict[str, Any]], Any]
Used: TypeAlias = Literal["chardev", "netdev", "node", "object"]


class Host(Protocol):
    """The mock as its memory sees it."""

    def emit(self, event: str, facts: Mapping[str, Any]) -> None:
        """Send an event before the reply of the command that runs."""

    def emit_later(self, event: str, facts: Mapping[str, Any]) -> None:
        """Send an event behind the reply of the command that runs."""

    def stop(self) -> None:
        """End the mock after the reply."""


class Subject(Protocol):
    """One subject: the commands that change it, and those that tell it."""

    @property
    def changes(self) -> Mapping[str, Command]:
        """The commands after which the subject is another."""

    @property
    def queries(self) -> Mapping[str, Command]:
        """The commands that tell of it."""


class Created(Struct):
    """What a command has created: its QOM type, and the properties that were given."""

    typename: str
    properties: dict[str, Any] = field(default_factory=dict)
    # Which of the two commands tells the type's properties.
    asked: Asked = "object"


class Node(Struct):
    """A block node: its options, and the names of its children by the member that names them."""

    name: str
    options: dict[str, Any]
    children: dict[str, str] = field(default_factory=dict)
    # Whether blockdev-add created it, so that blockdev-del may delete it.
    owned: bool = False
    bitmaps: dict[str, dict[str, Any]] = field(default_factory=dict)


class Memory:
    """What there is, by ID, and who uses it. A user is any name that is no other user's."""

    def __init__(self) -> None:
        self.chardevs: dict[str, Created] = {}
        self.netdevs: dict[str, Created] = {}
        self.objects: dict[str, Created] = {}
        self.nodes: dict[str, Node] = {}
        # By QOM path.
        self.devices: dict[str, Created] = {}
        # The container is made for the first object (QEMU 7.2).
        self.has_had_objects = False
        self._users: dict[tuple[Used, str], list[str]] = {}

    def use(self, what: Used, name: str, user: str) -> None:
        """Note that `user` uses it."""
        self._users.setdefault((what, name), []).append(user)

    def find_users(self, what: Used, name: str) -> list[str]:
        """Return who uses it, in the order in which they came."""
        return self._users.get((what, name), [])

    def release(self, user: str) -> None:
        """Forget all that `user` uses."""
        left = {
            used: [each for each in users if each != user] for used, users in self._users.items()
        }
        # What nobody uses is not kept: its name may never come again.
        self._users = {used: users for used, users in left.items() if users}

    def drop_users(self, what: Used, name: str) -> None:
        """Forget who used something that has gone: its name may come back."""
        self._users.pop((what, name), None)


def check_id(ident: str) -> None:
    """Refuse what is no ID (QEMU's id_wellformed)."""
    if not is_id(ident):
        raise RefusalError("Parameter 'id' expects an identifier")


def read_text(arguments: dict[str, Any], name: str) -> str:
    """Return a text that a command cannot be without, where the schema leaves its arguments open.

    Raises RefusalError, in the words in which QEMU says so also of what is no text.
    """
    value = arguments.get(name)
    if not isinstance(value, str):
        raise RefusalError(f"Parameter '{name}' is missing")
    return value


def refuse_device(name: str) -> RefusalError:
    """Return QEMU's refusal of something that it looked for in vain."""
    return RefusalError(f"Device '{name}' not found", "DeviceNotFound")

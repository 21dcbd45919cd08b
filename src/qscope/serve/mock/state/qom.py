"""The tree of QOM objects, as far as a mock has one.

In: the memory. Out: qom-list, qom-get and qom-set of the containers and of what commands created. A
property that was never given tells its default, or the least value of its type.
"""

from collections.abc import Iterator
from typing import Any

from msgspec import UNSET, Struct, field

from qscope.errors import RefusalError
from qscope.model.interface import Interface
from qscope.model.properties import Property
from qscope.serve.mock.state.subject import Created, Memory, refuse_device

_CONTAINER = "container"
# A QEMU from which a snapshot is made has no machine.
_MACHINE = "none-machine"
_LEAST = {"bool": False, "str": "", "string": ""}
# Of every device there is, and in no listing of its properties.
_OF_ALL_DEVICES = ("realized", "hotplugged", "hotpluggable")
_FORMS: dict[str, tuple[type, str]] = {
    "int": (int, "integer"),
    "bool": (bool, "boolean"),
    "string": (str, "string"),
}


class Branch(Struct):
    """An object in the tree."""

    created: Created
    children: dict[str, "Branch"] = field(default_factory=dict)


class Tree:
    """The commands for QOM objects; `find` is for others who are given a path."""

    def __init__(self, memory: Memory, interface: Interface) -> None:
        self._memory = memory
        self._interface = interface
        self.changes = {"qom-set": self._set}
        self.queries = {"qom-list": self._list, "qom-get": self._get}

    def find(self, path: str) -> Branch | None:
        """Return the object at an absolute path, or the only one to which a partial path leads."""
        found = self._find_all(path)
        return found[0][1] if len(found) == 1 else None

    def _find_all(self, path: str) -> list[tuple[str, Branch]]:
        steps = [step for step in path.split("/") if step]
        starts = [("", self._grow())] if path.startswith("/") else list(_walk("", self._grow()))
        found = ((where, _descend(branch, steps)) for where, branch in starts)
        return [(f"{where}/{'/'.join(steps)}", branch) for where, branch in found if branch]

    def _grow(self) -> Branch:
        memory = self._memory
        named, unnamed = _container({}), _container({})
        for path, device in memory.devices.items():
            # The ID of a device of QEMU 10.0 may have slashes.
            container, name = path.split("/", 3)[2:]
            place = named if container == "peripheral" else unnamed
            place.children[name] = Branch(device)
        children = {"peripheral-anon": unnamed, "peripheral": named, "unattached": _container({})}
        tops = {"machine": Branch(Created(_MACHINE), children)}
        if memory.has_had_objects:
            tops = {"objects": _container(memory.objects), **tops}
        return Branch(Created(_CONTAINER), {**tops, "chardevs": _container(memory.chardevs)})

    def _list(self, arguments: dict[str, Any]) -> list[dict[str, str]]:
        path = arguments["path"]
        found = self._find_all(path)
        if len(found) > 1:
            raise RefusalError(f"Path '{path}' is ambiguous")
        if not found:
            raise refuse_device(path)
        branch = found[0][1]
        told = [{"name": each.name, "type": each.type} for each in self._tell(branch.created)]
        return [
            {"name": "type", "type": "string"},
            *(each for each in told if each["name"] not in ("type", *branch.children)),
            *(
                {"name": name, "type": f"child<{child.created.typename}>"}
                for name, child in branch.children.items()
            ),
        ]

    def _tell(self, created: Created) -> tuple[Property, ...]:
        told = self._interface.properties.find(created.asked, created.typename)
        return (told.properties if told else None) or ()

    def _get(self, arguments: dict[str, Any]) -> Any:
        where, branch, name = self._find_property(arguments)
        created = branch.created
        if name == "type":
            return created.typename
        if name in branch.children:
            return f"{where.rstrip('/')}/{name}"
        if name in created.properties:
            return self._tell_given(created, name)
        if created.asked == "device" and name in _OF_ALL_DEVICES:
            return True
        known = {each.name: each for each in self._tell(created)}[name]
        return _find_least(known.type) if known.default is UNSET else known.default

    def _tell_given(self, created: Created, name: str) -> Any:
        value = created.properties[name]
        types = {each.name: each.type for each in self._tell(created)}
        if not types.get(name, "").startswith("link<") or not isinstance(value, str):
            return value
        # A link to what has gone is empty.
        ident = value.removeprefix("/objects/")
        return f"/objects/{ident}" if ident in self._memory.objects else ""

    def _set(self, arguments: dict[str, Any]) -> None:
        where, branch, name = self._find_property(arguments)
        created = branch.created
        if name in ("type", "hotplugged", "hotpluggable", *branch.children):
            raise RefusalError(f"Property '{created.typename}.{name}' is not writable")
        known = {each.name: each.type for each in self._tell(created)}
        if created.asked == "device":
            _check_realized(where, created.typename, name)
        form, text = _FORMS.get(known.get(name, ""), (object, ""))
        value = arguments["value"]
        if not isinstance(value, form) or (form is int and isinstance(value, bool)):
            raise RefusalError(f"Invalid parameter type for '{name}', expected: {text}")
        created.properties[name] = value

    def _find_property(self, arguments: dict[str, Any]) -> tuple[str, Branch, str]:
        path, name = arguments["path"], arguments["property"]
        found = self._find_all(path)
        if len(found) != 1:
            raise refuse_device(path)
        (where, branch), created = found[0], found[0][1].created
        known = {each.name for each in self._tell(created)}
        if created.asked == "device":
            known.update(_OF_ALL_DEVICES)
        if name not in {"type", *branch.children, *created.properties, *known}:
            raise RefusalError(f"Property '{created.typename}.{name}' not found")
        return where, branch, name


def _find_least(kind: str) -> Any:
    return "" if kind.startswith("link<") else _LEAST.get(kind, 0)


def _check_realized(path: str, typename: str, name: str) -> None:
    """Refuse to set what a device has to know before it begins."""
    if name in ("bootindex", "realized"):
        return
    container, ident = path.split("/", 3)[2:]
    who = f"device '{ident}'" if container == "peripheral" else "anonymous device"
    what = f"Attempt to set property '{name}' on {who} (type '{typename}')"
    raise RefusalError(f"{what} after it was realized")


def _container(members: dict[str, Created]) -> Branch:
    return Branch(Created(_CONTAINER), {name: Branch(each) for name, each in members.items()})


def _descend(branch: Branch, steps: list[str]) -> Branch | None:
    found: Branch | None = branch
    for step in steps:
        found = found.children.get(step) if found else None
    return found


def _walk(path: str, branch: Branch) -> Iterator[tuple[str, Branch]]:
    yield path, branch
    for name, child in branch.children.items():
        yield from _walk(f"{path}/{name}", child)

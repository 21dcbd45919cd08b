"""Did you mean: names near to one that does not exist, and completions of a path.

In: an interface and a path. Out: other paths that would be answered with yes.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from qscope.ask.answer import Answer
from qscope.ask.branches import find_arguments, list_branches
from qscope.ask.owner import ACCELERATOR, find_owner
from qscope.ask.path import PREFIXES, Path, Step, compile_path
from qscope.ask.walk import walk
from qscope.errors import PathError
from qscope.model.interface import Interface
from qscope.model.listings import QomType
from qscope.model.near import near
from qscope.model.schema_info import (
    AlternateType,
    ArrayType,
    BuiltinType,
    Command,
    EnumType,
    Event,
    ObjectType,
    OpaqueEntity,
)


def suggest(interface: Interface, path: str, answer: Answer) -> list[str]:
    """Return up to three paths like `path` up to where it stops, with a near name there."""
    if answer.position is None or answer.left_out:
        return []
    components = path.split("/")
    position = min(answer.position, len(components) - 1)
    wrong = components[position]
    if position == 0:
        return _suggest_start(interface, compile_path(path))
    stem = "/".join(components[:position])
    # A name can be empty where somebody made up a snapshot.
    following = list(filter(None, _follow(interface, compile_path(stem))))
    if wrong in following:
        # It is refused whatever it is: an option that is another target's.
        return []
    same_modifier = [text for text in following if text[0] == wrong[:1] or text[0].isalnum()]
    best = near(wrong, same_modifier) or near(wrong, following)
    return [f"{stem}/{text}" for text in best]


def _suggest_start(interface: Interface, path: Path) -> list[str]:
    """Compare the names without their prefix, which would count as likeness."""
    wrong_prefix, colon, rest = path.name.partition(":")
    if path.prefix is None and colon:
        return [f"{prefix}:{rest}" for prefix in near(wrong_prefix, list(PREFIXES))]
    start = f"{path.prefix}:" if path.prefix else ""
    names = [each.removeprefix(start) for each in find_starts(interface, path.prefix)]
    return [start + name for name in near(path.name, names)]


def complete(interface: Interface, start: str) -> Iterator[str]:
    """Yield the paths that begin with `start` and are one component longer or equal to it."""
    stem, slash, _ = start.rpartition("/")
    if not slash:
        prefix = start.partition(":")[0] if ":" in start else None
        candidates = find_starts(interface, prefix)
    else:
        try:
            candidates = (f"{stem}/{text}" for text in _follow(interface, compile_path(stem)))
            candidates = iter(list(candidates))
        except PathError:
            return
    yield from (text for text in dict.fromkeys(candidates) if text.startswith(start))


def find_starts(interface: Interface, prefix: str | None) -> Iterator[str]:
    """Yield everything a path can begin with: commands and events, or what `prefix` is about."""
    if prefix is None:
        yield from _name_commands(interface)
        yield from _name_events(interface)
        yield from interface.source_names
    elif prefix in _NAMES:
        # QEMU has an option group without a name; a path needs one.
        yield from (f"{prefix}:{name}" for name in _NAMES[prefix](interface) if name)


def _name_devices(interface: Interface) -> Iterator[str | None]:
    listings = interface.listings
    types = listings.devices if listings.devices is not None else listings.qom_types
    yield from _name_types(types)
    yield from (driver.alias for driver in listings.drivers or ())


def _name_types(types: Iterable[QomType] | None) -> Iterator[str]:
    return (item.name for item in types or () if not item.abstract)


def _name_machines(interface: Interface) -> Iterator[str | None]:
    for machine in interface.listings.machines or ():
        yield from (machine.name, machine.alias)


def _name_accelerators(interface: Interface) -> Iterator[str]:
    for name in _name_types(interface.listings.accelerators):
        yield name.removesuffix(ACCELERATOR)


def _name_commands(interface: Interface) -> Iterator[str]:
    if interface.entities is None:
        yield from interface.listings.commands or ()
    else:
        yield from (command.name for command in interface.commands)


def _name_events(interface: Interface) -> Iterator[str]:
    if interface.entities is None:
        yield from interface.listings.events or ()
    else:
        yield from (event.name for event in interface.events)


def _name_behaviours(_: Interface) -> Iterator[str]:
    from qscope.ask.witness import list_behaviours  # noqa: PLC0415 - a table that few ask

    return (each.name for each in list_behaviours())


def _name_options(interface: Interface) -> Iterator[str]:
    from qscope.ask.options import list_options  # noqa: PLC0415 - likewise

    return (option.name for option in list_options(interface))


_NAMES: dict[str, Callable[[Interface], Iterable[str | None]]] = {
    "command": _name_commands,
    "event": _name_events,
    "device": _name_devices,
    "object": lambda interface: _name_types(interface.listings.qom_types),
    "machine": _name_machines,
    "cpu": lambda interface: [each.name for each in interface.listings.cpus or ()],
    "accel": _name_accelerators,
    "qemuopts": lambda interface: [each.option for each in interface.listings.option_groups or ()],
    "migration": lambda interface: interface.listings.migration_capabilities or (),
    "chardev": lambda interface: interface.listings.chardevs or (),
    "tpm": lambda interface: interface.listings.tpm_types or (),
    "behaviour": _name_behaviours,
    "option": _name_options,
}


def _follow(interface: Interface, path: Path) -> Iterator[str]:
    """Yield the components that can come next behind a path."""
    match path.prefix:
        case None | "command" | "event":
            yield from _follow_schema(interface, path)
        case "qemuopts":
            for group in interface.listings.option_groups or ():
                if group.option == path.name:
                    yield from (parameter.name for parameter in group.parameters)
        case "option":
            yield from _follow_option(interface, path)
        case _:
            owner = find_owner(interface, path)
            made = interface.qom.make(owner.asked, owner.typename) if owner else None
            if made:
                yield from _follow_walk(interface, made.name, path.steps)


def _follow_option(interface: Interface, path: Path) -> Iterator[str]:
    from qscope.ask.options import find_option  # noqa: PLC0415 - a table that few ask

    option = find_option(interface, path.name)
    if option is not None and option.arg_type:
        yield from _follow_walk(interface, option.arg_type, path.steps)


def _follow_schema(interface: Interface, path: Path) -> Iterator[str]:
    if path.name not in interface.by_name:
        return
    arguments = find_arguments(interface, path)
    if arguments:
        yield from _follow_walk(interface, arguments.name, path.steps[2:])
        return
    yield from _follow_walk(interface, path.name, path.steps)
    if [step.text for step in path.steps] == ["arg-type"]:
        yield from (f"+{name}" for name in list_branches(interface, path.name))


def _follow_walk(interface: Interface, start: str, steps: Sequence[Step]) -> Iterator[str]:
    ended = walk(interface.find, start, steps)
    # After a yes-or-no component nothing can follow.
    if ended.found and ended.position == len(steps):
        yield from _follow_entity(interface, ended.entity.name, set())


def _follow_entity(interface: Interface, name: str, seen: set[str]) -> Iterator[str]:
    entity = interface.find(name)
    if entity is None or entity.name in seen:
        return
    seen.add(entity.name)
    match entity:
        case Command():
            yield from ("arg-type", "ret-type")
            yield from (f"${feature}" for feature in entity.features)
        case Event():
            yield "arg-type"
            yield from (f"${feature}" for feature in entity.features)
        case ObjectType():
            yield from (member.name for member in entity.members)
            yield from (f"+{variant.case}" for variant in entity.variants)
            yield from (f"*{member.name}" for member in entity.members if member.optional)
            yield from (f"${feature}" for feature in entity.features)
        case EnumType():
            yield from (f"^{value}" for value in entity.values)
        case BuiltinType():
            yield f"!{entity.json_type}"
        case ArrayType():
            yield from _follow_entity(interface, entity.element_type, seen)
        case AlternateType():
            for branch in entity.members:
                yield from _follow_entity(interface, branch.type, seen)
        case OpaqueEntity():
            return

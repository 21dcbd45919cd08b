"""Did you mean: names near to one that does not exist, and completions of a path.

In: an interface and a path. Out: other paths that would be answered with yes.
"""

from collections.abc import Iterator

from qscope.ask.answer import Answer
from qscope.ask.path import PREFIXES, Path, compile_path
from qscope.ask.walk import walk
from qscope.errors import PathError
from qscope.model.interface import Interface
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
    following = list(_follow(interface, compile_path(stem)))
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
    listings = interface.listings
    if prefix is None:
        yield from _name_commands(interface)
        yield from _name_events(interface)
        yield from interface.source_names
        return
    match prefix:
        case "command":
            names = list(_name_commands(interface))
        case "event":
            names = list(_name_events(interface))
        case "device":
            types = listings.devices if listings.devices is not None else listings.qom_types
            names = [item.name for item in types or () if not item.abstract]
        case "object":
            names = [item.name for item in listings.qom_types or () if not item.abstract]
        case "machine":
            names = [
                each for item in listings.machines or () for each in (item.name, item.alias) if each
            ]
        case "cpu":
            names = [item.name for item in listings.cpus or ()]
        case "qemuopts":
            names = [group.option for group in listings.option_groups or ()]
        case "migration":
            names = list(listings.migration_capabilities or ())
        case _:
            names = []
    # QEMU has an option group without a name; a path needs one.
    yield from (f"{prefix}:{name}" for name in names if name)


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


def _follow(interface: Interface, path: Path) -> Iterator[str]:
    """Yield the components that can come next behind a path."""
    listings = interface.listings
    match path.prefix:
        case None | "command" | "event":
            if path.name in interface.by_name:
                ended = walk(interface, path.name, path.steps)
                # After a yes-or-no component nothing can follow.
                if ended.found and ended.position == len(path.steps):
                    yield from _follow_entity(interface, ended.entity.name, set())
        case "device":
            yield from listings.device_properties.get(path.name) or ()
        case "object":
            yield from listings.object_properties.get(path.name) or ()
        case "machine":
            for machine in listings.machines or ():
                if path.name in (machine.name, machine.alias):
                    yield from listings.object_properties.get(f"{machine.name}-machine") or ()
        case "qemuopts":
            for group in listings.option_groups or ():
                if group.option == path.name:
                    yield from (parameter.name for parameter in group.parameters)
        case _:
            return


def _follow_entity(interface: Interface, name: str, seen: set[str]) -> Iterator[str]:
    entity = interface.by_name.get(name)
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

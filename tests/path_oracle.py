"""The path language once more, naively and from its specification: what `ask` is compared with.

In: raw JSON (a `query-qmp-schema` result, or a transcript) and a path. Out: 1 (yes), 0 (no),
-1 (malformed), and for a transcript None (unknown). Nothing here knows qscope's code.
"""

from collections.abc import Iterator
from random import Random
from typing import Any

Json = dict[str, Any]

_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_DEEPEST = 1000


def ask_schema(schema: list[Json], path: str) -> int:
    """Answer as libvirt 9.0.0 does, and `$$FEATURE`, which it does not have."""
    if not path:
        return -1
    entries: dict[str, Json] = {}
    for entry in schema:
        entries.setdefault(entry["name"], entry)
    first, *rest = path.split("/")
    if first not in entries:
        return 0
    # Alternates save their context: each branch begins with the same components and depth.
    saved: list[tuple[str, list[str], int]] = [(first, rest, 0)]
    while saved:
        result = _follow(entries, saved, *saved.pop())
        if result != 0:
            return result
    return 0


def _follow(
    entries: dict[str, Json],
    saved: list[tuple[str, list[str], int]],
    name: str,
    rest: list[str],
    depth: int,
) -> int:
    while True:
        if depth > _DEEPEST or name not in entries:
            return -1
        depth += 1
        entry = entries[name]
        if not rest:
            return 1
        meta_type = entry["meta-type"]
        if meta_type == "alternate":
            saved += [(branch["type"], rest, depth) for branch in reversed(entry["members"])]
            return 0
        if meta_type == "array":
            name = entry["element-type"]
            continue
        component, rest = rest[0], rest[1:]
        if meta_type == "builtin":
            return _enter_builtin(entry, component, rest)
        if meta_type == "enum":
            return _enter_enum(entry, component, rest)
        if component.startswith("$"):
            return -1 if rest else int(component[1:] in entry.get("features", []))
        step = _enter_object if meta_type == "object" else _enter_command
        target = step(entry, component, rest)
        if isinstance(target, int):
            return target
        name = target


def _enter_builtin(entry: Json, component: str, rest: list[str]) -> int:
    if not component.startswith("!"):
        return 0
    return -1 if rest else int(component[1:] == entry["json-type"])


def _enter_enum(entry: Json, component: str, rest: list[str]) -> int:
    if not component.startswith("^"):
        return 0
    if rest and (len(rest) > 1 or not rest[0].startswith("$")):
        return -1
    if "members" not in entry:
        return int(not rest and component[1:] in entry["values"])
    for member in entry["members"]:
        if member["name"] == component[1:]:
            # A value is itself a member, so here one `$` and two ask the same.
            return int(not rest or rest[0][1:].removeprefix("$") in member.get("features", []))
    return 0


def _enter_object(entry: Json, component: str, rest: list[str]) -> int | str:
    modifier, name = _split(component)
    if modifier in ("^", "!"):
        return 0
    if modifier == "+":
        cases = [each for each in entry.get("variants", []) if each["case"] == name]
        return cases[0]["type"] if cases else 0
    members = [each for each in entry["members"] if each["name"] == name]
    if not members or (modifier == "*" and "default" not in members[0]):
        return 0
    if rest and rest[0].startswith("$$"):
        return -1 if rest[1:] else int(rest[0][2:] in members[0].get("features", []))
    target: str = members[0]["type"]
    return target


def _enter_command(entry: Json, component: str, rest: list[str]) -> int | str:
    modifier, name = _split(component)
    if modifier in ("^", "!", "+", "*"):
        return 0
    target = entry.get(name)
    return target if isinstance(target, str) else 0


def _split(component: str) -> tuple[str, str]:
    """Cut off the first byte, as libvirt does, unless it is a letter."""
    if component[:1] in _LETTERS:
        return "", component
    wire = component.encode()
    return wire[:1].decode("ascii", "replace"), wire[1:].decode("utf-8", "replace")


def ask_transcript(transcript: list[Json], path: str) -> int | None:
    """Answer any path from the raw exchanges."""
    head, *rest = path.split("/")
    prefix, colon, name = head.partition(":")
    recorded = _Recorded(transcript)
    schema = recorded.result("query-qmp-schema")
    if not colon:
        return None if schema is None else ask_schema(schema, path)
    if prefix in ("command", "event"):
        if schema is None:
            names = recorded.names(f"query-{prefix}s")
            return None if names is None or (rest and name in names) else int(name in names)
        kinds = {entry["name"]: entry["meta-type"] for entry in schema}
        return ask_schema(schema, path.partition(":")[2]) if kinds.get(name) == prefix else 0
    if prefix in ("device", "object"):
        return recorded.ask_type(prefix, name, rest)
    if prefix == "machine":
        return recorded.ask_machine(name, rest)
    key, command = {
        "cpu": ("name", "query-cpu-definitions"),
        "qemuopts": ("option", "query-command-line-options"),
        "migration": ("capability", "query-migrate-capabilities"),
    }[prefix]
    items = recorded.result(command, key)
    if items is None:
        return None
    found = [item for item in items if item[key] == name]
    if not (rest and found):
        return int(bool(found))
    # Only these have anything behind the name.
    assert prefix == "qemuopts"
    return int(rest[0] in [each["name"] for each in found[0]["parameters"]])


class _Recorded:
    """A transcript in which the first answer to a question counts."""

    def __init__(self, transcript: list[Json]) -> None:
        self.transcript = transcript

    def first(self, command: str, arguments: Json) -> Json | None:
        """Return the first exchange with exactly this question."""
        for exchange in self.transcript:
            if exchange["execute"] == command and exchange.get("arguments", {}) == arguments:
                return exchange
        return None

    def result(
        self, command: str, key: str = "name", arguments: Json | None = None
    ) -> list[Json] | None:
        """Return the list that was the answer; None where it is none, or an item lacks `key`."""
        found = (self.first(command, arguments or {}) or {}).get("return")
        if not isinstance(found, list):
            return None
        usable = all(isinstance(item, dict) and isinstance(item.get(key), str) for item in found)
        return found if usable else None

    def names(self, command: str, arguments: Json | None = None) -> list[str] | None:
        """Return the names in the answer."""
        found = self.result(command, arguments=arguments)
        return None if found is None else [item["name"] for item in found]

    def ask_type(self, prefix: str, name: str, rest: list[str]) -> int | None:
        """Answer for a QOM type: by its properties, by the error, else by the listing."""
        command = f"{prefix}-list-properties" if prefix == "device" else "qom-list-properties"
        properties = self.names(command, {"typename": name})
        if properties is not None:
            if rest:
                return int(rest[0] in properties)
            if prefix == "device":
                return 1
        error = (self.first(command, {"typename": name}) or {}).get("error", {}).get("class")
        if error not in (None, "CRASH", "CommandNotFound"):
            return 0
        present = self._is_listed(prefix, name)
        return None if rest and present else present

    def _is_listed(self, prefix: str, name: str) -> int | None:
        questions: list[Json] = [{"implements": "device"}, {}] if prefix == "device" else [{}]
        extras: list[Json] = [{}, {"abstract": False}, {"abstract": True}]
        for question in questions:
            for extra in extras:
                listed = self.result("qom-list-types", arguments=question | extra)
                if listed is not None:
                    return int(any(t["name"] == name and not t.get("abstract") for t in listed))
        return None

    def ask_machine(self, name: str, rest: list[str]) -> int | None:
        """Answer for a machine, under its name or its alias."""
        machines = self.result("query-machines")
        if machines is None:
            return None
        for machine in machines:
            if name in (machine["name"], machine.get("alias")):
                properties = self.names(
                    "qom-list-properties", {"typename": f"{machine['name']}-machine"}
                )
                if not rest:
                    return 1
                return None if properties is None else int(rest[0] in properties)
        return 0


def make_paths(schema: list[Json], seed: int, count: int) -> Iterator[str]:
    """Yield random paths: some lead along the schema, the others did until they were damaged."""
    random = Random(seed)
    entries = {entry["name"]: entry for entry in schema}
    starts = [entry["name"] for entry in schema if entry["meta-type"] in ("command", "event")]
    anything = list(entries)
    for _ in range(count):
        name = random.choice(starts if random.random() < 0.9 else anything)
        components = [name, *_make_steps(random, entries, name)]
        for _ in range(random.choice((0, 0, 1, 1, 2))):
            _damage(random, components)
        yield "/".join(components)


def _make_steps(random: Random, entries: dict[str, Json], name: str) -> Iterator[str]:
    for _ in range(random.randint(1, 7)):
        ways = list(_list_ways(entries, entries[name]))
        if not ways:
            return
        leading_on = [way for way in ways if way[1]]
        far = leading_on and random.random() < 0.6
        component, target = random.choice(leading_on if far else ways)
        yield component
        if target is None:
            if random.random() < 0.3:
                yield random.choice(_STRAY)
            return
        name = target


def _list_ways(entries: dict[str, Json], entry: Json) -> Iterator[tuple[str, str | None]]:
    """Yield the components that `entry` answers with yes, and where each leads."""
    for feature in entry.get("features", []):
        yield f"${feature}", None
    match entry["meta-type"]:
        case "array":
            yield from _list_ways(entries, entries[entry["element-type"]])
        case "alternate":
            for branch in entry["members"]:
                yield from _list_ways(entries, entries[branch["type"]])
        case "builtin":
            yield f"!{entry['json-type']}", None
        case "enum":
            for member in entry.get("members", []):
                yield f"^{member['name']}", None
                yield from _list_features(f"^{member['name']}/$", member)
        case "object":
            yield from _list_members(entry)
        case _:
            yield from (
                (key, entry[key]) for key in ("arg-type", "ret-type", "name") if key in entry
            )


def _list_members(entry: Json) -> Iterator[tuple[str, str | None]]:
    for member in entry["members"]:
        written = member["name"] if member["name"][0] in _LETTERS else f" {member['name']}"
        yield written, member["type"]
        if "default" in member:
            yield f"*{member['name']}", member["type"]
        yield from _list_features(f"{written}/$$", member)
    for variant in entry.get("variants", []):
        yield f"+{variant['case']}", variant["type"]


def _list_features(stem: str, member: Json) -> Iterator[tuple[str, None]]:
    return ((stem + feature, None) for feature in member.get("features", []))


def _damage(random: Random, components: list[str]) -> None:
    position = random.randrange(len(components))
    component = components[position]
    match random.randrange(9):
        case 0 if len(components) > 1:
            del components[position]
        case 1:
            components.insert(position, component)
        case 2:
            other = random.randrange(len(components))
            components[position], components[other] = components[other], component
        case 3:
            components[position] = random.choice("^!+*$ -_") + component
        case 4:
            components[position] = component[1:]
        case 5:
            components[position] = random.choice("^!+*$ ") + component[1:]
        case 6:
            cut = random.randint(0, len(component))
            components[position] = component[:cut] + random.choice("aeXz-1") + component[cut:]
        case 7:
            components.insert(position + 1, random.choice(_STRAY))
        case _:
            components[position] = component[:-1]


_STRAY = (
    "", "arg-type", "ret-type", "name", "meta-type", "$deprecated", "$$deprecated", "$unstable",
    "$$unstable", "!string", "!int", "!value", "^file", "+file", "*id", "id", "filename", "^",
)  # fmt: skip

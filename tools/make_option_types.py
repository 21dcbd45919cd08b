"""Make src/qscope/data/option_types.json: types of arguments that no command of QEMU shows.

Usage: python tools/make_option_types.py SCHEMAS > src/qscope/data/option_types.json
SCHEMAS has qemu-7.2/qapi and qemu-11.0/qapi, QEMU's interface definitions, which are not committed.
What a build leaves out is in: the types are those of the sources.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from qscope.load.from_source import open_source
from qscope.model.interface import Interface, find_references
from qscope.model.schema_info import encode_entity

# Release of the source: the options, each with its type, and the releases it holds for.
# Back ends of audio that were added between 5.2 and 7.2 are left out before.
WANTED: tuple[tuple[str, str, str, str, str | None, tuple[str, ...]], ...] = (
    ("7.2", "audiodev", "Audiodev", "5.2", "7.0", ("dbus", "sndio")),
    ("7.2", "audiodev", "Audiodev", "7.0", "8.0", ()),
    ("11.0", "audiodev", "Audiodev", "9.2", None, ()),
    ("7.2", "compat", "CompatPolicy", "6.2", None, ()),
    ("7.2", "boot", "BootConfiguration", "7.2", None, ()),
    ("7.2", "smp", "SMPConfiguration", "7.0", "8.2", ()),
    ("11.0", "smp", "SMPConfiguration", "9.2", None, ()),
)
COMMAND = "x-option-types"


def compile_source(folder: Path, types: set[str]) -> Interface:
    """Compile a schema with one more command, which mentions the types."""
    with tempfile.TemporaryDirectory() as scratch:
        copy = shutil.copytree(folder, Path(scratch) / "qapi")
        data = {name.lower(): name for name in sorted(types)}
        extra = (
            f"{{ 'include': 'qapi-schema.json' }}\n{{ 'command': '{COMMAND}', 'data': {data} }}\n"
        )
        (copy / "extra.json").write_text(extra)
        schema, _ = open_source(str(copy / "extra.json"))
        return open_source(str(copy / "extra.json"), schema.symbols)[1]


def collect(interface: Interface, root: str) -> dict[str, dict[str, Any]]:
    """Return the SchemaInfo of a type and of all that it consists of, by name."""
    found: dict[str, dict[str, Any]] = {}
    waiting = [root]
    while waiting:
        entity = interface.by_name[waiting.pop()]
        if entity.name not in found:
            found[entity.name] = encode_entity(entity)
            waiting += find_references(entity)
    return found


def rename(value: Any, names: dict[str, str]) -> Any:
    """Return SchemaInfo with other names of types."""
    if isinstance(value, list):
        return [rename(each, names) for each in value]
    if not isinstance(value, dict):
        return value
    keys = ("type", "element-type")
    return {
        key: names.get(each, each) if key in keys and isinstance(each, str) else rename(each, names)
        for key, each in value.items()
    }


def leave_out(entity: dict[str, Any], names: set[str]) -> dict[str, Any]:
    """Return a type without some values of an enum, or branches of a union."""
    kept = dict(entity)
    if entity["meta-type"] == "enum":
        kept["members"] = [each for each in entity["members"] if each["name"] not in names]
        kept.pop("values", None)
    if "variants" in entity:
        kept["variants"] = [each for each in entity["variants"] if each["case"] not in names]
    return kept


def make_entry(
    interface: Interface, option: str, name: str, since: str, until: str | None, lacks: set[str]
) -> dict[str, Any]:
    own = interface.annotations.type_names if interface.annotations else {}
    root = next(masked for masked, each in own.items() if each == name)
    found = collect(interface, root)
    prefix = f"table:{since}:"
    names = {masked: prefix + own.get(masked, masked) for masked in found}
    entities = []
    for masked, entity in sorted(found.items(), key=lambda each: names[each[0]]):
        renamed = rename(entity, names) | {"name": names[masked]}
        entities.append(leave_out(renamed, lacks))
    return {
        "option": option, "type": prefix + name, "since": since,
        **({"until": until} if until else {}), "entities": entities,
    }  # fmt: skip


def main() -> None:
    shared = Path(sys.argv[1])
    entries = []
    for release in ("7.2", "11.0"):
        wanted = [each for each in WANTED if each[0] == release]
        interface = compile_source(shared / f"qemu-{release}/qapi", {each[2] for each in wanted})
        for _, option, name, since, until, lacks in wanted:
            entries.append(make_entry(interface, option, name, since, until, set(lacks)))
    entries.sort(key=lambda each: (each["option"], list(map(int, each["since"].split(".")))))
    lines = ",\n".join(json.dumps(each, separators=(",", ":")) for each in entries)
    print(f"[\n{lines}\n]")
    msgspec.json.decode(lines.encode().join((b"[", b"]")))


if __name__ == "__main__":
    main()

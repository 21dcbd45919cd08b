"""Rules about what firmware is given: -fw_cfg and -acpitable."""

from collections.abc import Iterator, Mapping

from qscope.ask.line.line import Line, Occurrence
from qscope.ask.line.machines import find_family
from qscope.ask.line.names import Names
from qscope.ask.line.rules.references import is_a
from qscope.ask.line.rules.rule import ALL, Fault, Rule
from qscope.ask.line.scalars import read_bool
from qscope.model.near import near

# Where the contents come from (parse_fw_cfg in system/vl.c); an empty one counts for none.
_SOURCES = ("file", "string", "gen_id")
# FW_CFG_MAX_FILE_PATH, with the NUL at the end.
_LONGEST_NAME = 55
# Files that a machine has of itself, measured.
_ACPI = ("etc/acpi/rsdp", "etc/acpi/tables", "etc/table-loader")
_PC = (
    *(*_ACPI, "etc/boot-fail-wait", "etc/e820", "etc/smbios/smbios-anchor"),
    *("etc/smbios/smbios-tables", "etc/system-states", "etc/tpm/log", "genroms/kvmvapic.bin"),
)
_FILES: Mapping[str, tuple[str, ...]] = {
    "pc": _PC,
    "q35": (
        *(*_PC, "etc/smi/features-ok", "etc/smi/requested-features"),
        "etc/smi/supported-features",
    ),
    "isapc": ("etc/boot-fail-wait", "etc/e820"),
    "microvm": (*_ACPI, "etc/boot-fail-wait", "etc/e820"),
}
# Files that other options make: option, a parameter's value that does.
_OTHERS = (
    ("device", "driver", "ramfb", ("etc/ramfb",)),
    ("device", "driver", "vmgenid", ("etc/vmgenid_guid", "etc/vmgenid_addr")),
    ("boot", "splash-time", "", ("etc/boot-menu-wait",)),
)
_GENERATORS = ("tls-cipher-suites",)


def find_sourceless(line: Line) -> Iterator[Fault]:
    """Yield each -fw_cfg that has no name, or not one source."""
    for occurrence in line.select("fw_cfg"):
        if occurrence.parsed is None:
            continue
        sources = [each for each in _SOURCES if occurrence.get(each)]
        name = occurrence.get("name") or ""
        if not name:
            yield Fault(occurrence, "name", "a name is mandatory")
        elif len(sources) != 1:
            given = " and ".join(sources) or "none"
            right = f"one of {', '.join(_SOURCES)} is right, and it is not empty"
            yield Fault(occurrence, "", f"{given} of them was given", right)
        if len(name) > _LONGEST_NAME:
            yield Fault(occurrence, "name", f"it is longer than {_LONGEST_NAME} characters")


def find_doubled_files(line: Line) -> Iterator[Fault]:
    """Yield each name in -fw_cfg that another option, or the machine, has given to a file."""
    own = set(_FILES.get(find_family(line), ()))
    if line.has("no-acpi") or read_bool(line.merged("machine").get("acpi")) is False:
        own -= set(_ACPI)
    seen: set[str] = set()
    for occurrence in line.select("fw_cfg"):
        name = occurrence.get("name")
        if not name:
            continue
        if name in own:
            yield Fault(occurrence, "name", f"the machine has a file {name!r} of its own")
        elif name in seen:
            yield Fault(occurrence, "name", f"there is another file {name!r}")
        seen.add(name)
        yield from _find_makers(line, occurrence, name)


def _find_makers(line: Line, occurrence: Occurrence, name: str) -> Iterator[Fault]:
    """Yield that a device or option makes the file, at both: QEMU may blame either."""
    for option, parameter, value, files in _OTHERS:
        for maker in line.select(option) if name in files else ():
            given = maker.get(parameter)
            if given is not None and value in ("", given):
                what = f"{maker.word.typed} makes a file {name!r}, too"
                yield Fault(occurrence, "name", what)
                yield Fault(maker, "", f"{occurrence.word.typed} has its file {name!r}")


def find_machineless(line: Line) -> Iterator[Fault]:
    """Yield each -fw_cfg for a machine without the device."""
    if find_family(line) == "none":
        for occurrence in line.select("fw_cfg"):
            yield Fault(occurrence, "", "the machine has no fw_cfg device")


def find_bad_generators(line: Line) -> Iterator[Fault]:
    """Yield each gen_id that names no object, or one that generates nothing."""
    names = line.once(Names)
    for occurrence in line.select("fw_cfg"):
        wanted = occurrence.get("gen_id")
        found = names.find("object", wanted) if wanted else None
        if not wanted:
            continue
        if found is None:
            guesses = tuple(near(wanted, names.list_names("object")))
            what = f"there is no object {wanted!r}"
            yield Fault(occurrence, "gen_id", what, suggestions=guesses)
            continue
        typename = found.occurrence.get("qom-type") or ""
        if typename not in _GENERATORS and is_a(line, typename, typename):
            right = f"an object of {' or '.join(_GENERATORS)} is right"
            yield Fault(occurrence, "gen_id", f"a {typename} generates no contents", right)


def find_tableless(line: Line) -> Iterator[Fault]:
    """Yield each -acpitable that has not one source."""
    for occurrence in line.select("acpitable"):
        if occurrence.parsed is None:
            continue
        sources = [each for each in ("file", "data") if occurrence.get(each) is not None]
        if len(sources) != 1:
            yield Fault(occurrence, "", f"{' and '.join(sources) or 'neither'} was given", _ONE)
            continue
        paths = (occurrence.get(sources[0]) or "").split(":")
        if not any(paths):
            yield Fault(occurrence, sources[0], "there is no path", "PATH[:PATH]... is right")
        elif sources == ["file"] and set(paths) <= {"/dev/null", ""}:
            yield Fault(occurrence, "file", "it has no header", "data is right for a table without")


_ONE = "one of file and data is right"

RULES = (
    Rule(
        "fw-cfg-source",
        "a file has a name and one source",
        ALL,
        "-fw_cfg name=opt/a/b",
        "-fw_cfg name=opt/a/b,string=c",
        find_sourceless,
    ),
    Rule(
        "fw-cfg-duplicate",
        "files have names of their own",
        ALL,
        "-fw_cfg name=etc/e820,string=a",
        "-fw_cfg name=opt/a/b,string=a -fw_cfg name=opt/a/c,string=a",
        find_doubled_files,
    ),
    Rule(
        "fw-cfg-machine",
        "guests read the files through a device that machine type none lacks",
        ALL,
        "-machine none -fw_cfg name=opt/a/b,string=a",
        "-machine microvm -fw_cfg name=opt/a/b,string=a",
        find_machineless,
    ),
    Rule(
        "fw-cfg-generator",
        "gen_id names an object that makes contents",
        ALL,
        "-object rng-builtin,id=g -fw_cfg name=opt/a/b,gen_id=g",
        "-object tls-cipher-suites,id=g,priority=NORMAL -fw_cfg name=opt/a/b,gen_id=g",
        find_bad_generators,
    ),
    Rule(
        "acpitable-source",
        "a table has one source",
        ALL,
        "-acpitable sig=ABCD",
        "-acpitable sig=ABCD,data=/dev/null",
        find_tableless,
    ),
)

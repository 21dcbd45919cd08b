"""Make src/qscope/data/options.toml: the command line options of QEMU by release.

Usage: python tools/make_option_table.py CLI_TABLE > src/qscope/data/options.toml
CLI_TABLE is cli_table.json of the shared data, which is not committed. What it does not say, and
QEMU's documentation does, is in the tables below: implied keys, sugar, deprecations, removals.
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Releases of which every option is known.
RELEASES = ("2.5", "2.12", "4.2", "5.2", "6.0", "6.2", "7.2", "8.2", "9.2", "10.0", "10.1", "11.0")
# A later one whose options are those of the last: runs of a binary of it were compared.
COMPARED = ("11.1",)

IMPLIED = {
    "accel": "accel", "acpitable": "data", "audio": "driver", "audiodev": "driver",
    "blockdev": "driver", "boot": "order", "chardev": "backend", "device": "driver",
    "display": "type", "fsdev": "fsdriver", "fw_cfg": "name", "icount": "shift",
    "incoming": "channel-type", "m": "size", "machine": "type", "M": "type", "mon": "chardev",
    "name": "guest", "net": "type", "netdev": "type", "nic": "type", "numa": "type",
    "object": "qom-type", "option-rom": "romfile", "plugin": "file", "sandbox": "enable",
    "semihosting-config": "enable", "smp": "cpus", "tpmdev": "type", "trace": "enable",
    "virtfs": "fsdriver", "vnc": "vnc",
}  # fmt: skip
# -h is no entry of QEMU's table of options, and yet taken.
ALIASES = {"machine": ["M"], "M": ["machine"], "help": ["h"]}
SUGAR = {
    "hda": "-drive index=0,media=disk,file=ARG",
    "hdb": "-drive index=1,media=disk,file=ARG",
    "hdc": "-drive index=2,media=disk,file=ARG",
    "hdd": "-drive index=3,media=disk,file=ARG",
    "cdrom": "-drive index=2,media=cdrom,file=ARG",
    "fda": "-drive if=floppy,index=0,file=ARG",
    "fdb": "-drive if=floppy,index=1,file=ARG",
    "mtdblock": "-drive if=mtd,file=ARG",
    "sd": "-drive if=sd,file=ARG",
    "pflash": "-drive if=pflash,file=ARG",
    "bios": "-machine firmware=ARG",
    "kernel": "-machine kernel=ARG",
    "append": "-machine append=ARG",
    "initrd": "-machine initrd=ARG",
    "dtb": "-machine dtb=ARG",
    "shim": "-machine shim=ARG",
    "no-fd-bootchk": "-machine fd-bootchk=off",
}
# The release that deprecated an option, by QEMU's docs/about of the releases.
DEPRECATED = {
    "no-kvm": "2.10", "usbdevice": "2.10", "realtime": "4.2", "show-cursor": "5.0",
    "tb-size": "5.0", "soundhw": "5.1", "writeconfig": "6.0", "enable-fips": "6.0",
    "no-quit": "6.1", "alt-grab": "6.2", "ctrl-grab": "6.2", "sdl": "6.2", "curses": "6.2",
    "watchdog": "6.2", "no-hpet": "8.0", "no-acpi": "8.0", "singlestep": "8.1", "chroot": "8.1",
    "async-teardown": "8.1", "runas": "9.1", "old-param": "10.0",
}  # fmt: skip
# Deprecated once, and then no more.
RESTORED = {"usbdevice": "6.0"}
# The release that removed an option, where the one before it is not in RELEASES.
REMOVED = {
    "balloon": "3.1", "bootp": "3.1", "redir": "3.1", "smb": "3.1", "tftp": "3.1",
    "localtime": "3.1", "nodefconfig": "3.1", "rtc-td-hack": "3.1", "startdate": "3.1",
    "no-kvm-irqchip": "3.0", "no-kvm-pit-reinjection": "3.0", "no-quit": "7.0",
    "enable-fips": "7.1", "writeconfig": "7.1",
}  # fmt: skip
# What the release between two that are in the table changed: from when a form holds.
SINCE = {
    ("object", "7.2"): "6.0",
    ("device", "7.2"): "6.2",
    ("machine", "7.2"): "6.2",
    ("M", "7.2"): "6.2",
    ("smp", "7.2"): "6.2",
    ("incoming", "10.0"): "8.2",
}
SYNTAX = {
    "flag": ["flag"],
    "string": ["string"],
    "string:word list": ["words"],
    "string:comma list of log items": ["words"],
    "words, then keyval-visitor": ["words", "keyval"],
    "custom driver.prop=value, or qemuopts group global": ["string", "qemuopts"],
    "uri string; or json / keyval MigrationChannel": ["string", "keyval"],
    "qemuopts|json": ["qemuopts"],
    "qemuopts+opts-visitor; keyval+visitor for stream/dgram; json": ["qemuopts", "keyval"],
    "chardev-string": ["chardev"],
}
REPEAT = {"repeatable": "list", "merged": "merge", "last-wins": "last", "flag": "last"}
# Masks of targets by QEMU_ARCH_*: the targets as query-target names them.
TARGETS = {
    "I386": ["i386", "x86_64"],
    "ARM": ["arm", "aarch64"],
    "PPC": ["ppc", "ppc64"],
    "SPARC": ["sparc", "sparc64"],
    "MIPS": ["mips", "mipsel", "mips64", "mips64el"],
    "RISCV": ["riscv32", "riscv64"],
    "XTENSA": ["xtensa", "xtensaeb"],
    "LOONGARCH": ["loongarch64"],
    "M68K": ["m68k"],
    "S390X": ["s390x"],
    "LM32": ["lm32"],
    "NIOS2": ["nios2"],
}


def read_syntax(style: str, row: dict[str, Any]) -> list[str]:
    """Return what an argument may be written in."""
    if style == "sugar":
        return ["string" if row["takes_argument"] else "flag"]
    found = SYNTAX.get(style)
    if found is None:
        if style.startswith("keyval"):
            found = ["machine-props"] if style.endswith("machine properties") else ["keyval"]
        elif "qemuopts" in style:
            found = ["qemuopts"]
        else:
            found = ["number" if style.startswith("number") else "string"]
    return [*found, "json"] if row.get("json") else found


def read_targets(mask: str) -> list[str]:
    names = re.findall(r"QEMU_ARCH_(\w+)", mask)
    return [] if names == ["ALL"] else [each for name in names for each in TARGETS[name]]


def make_form(name: str, row: dict[str, Any]) -> dict[str, Any]:
    """Return what the table says of an option in one release."""
    sugar = SUGAR.get(name, row.get("desugar", "")) if row["style"] == "sugar" else ""
    form: dict[str, Any] = {"syntax": read_syntax(row["style"], row)}
    form |= {"repeat": REPEAT[row["occurrence"]]}
    group = row.get("group") or (row.get("qclo") or {}).get("group")
    form |= {"group": group} if group else {}
    if row["probe"].get("rejects_unknown_at_parse"):
        form["closed"] = True
    targets = read_targets(row["arch_mask"])
    form |= {"targets": targets} if targets else {}
    return form | ({"sugar": sugar} if sugar else {})


def list_forms(name: str, table: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each form an option had, and the first release known to have it."""
    last: dict[str, Any] = {}
    for release, rows in table["options"].items():
        if name in rows:
            form = make_form(name, rows[name])
            if form != last:
                yield SINCE.get((name, release), release), form
            last = form


def make_option(name: str, table: dict[str, Any]) -> dict[str, Any]:
    life = table["lifetimes"][name]
    rows = [rows[name] for rows in table["options"].values() if name in rows]
    option: dict[str, Any] = {"name": name, "first": life["first_seen"]}
    if life["last_seen"] != RELEASES[-1]:
        option["last"] = life["last_seen"]
        following = RELEASES[RELEASES.index(life["last_seen"]) + 1]
        option["gone"] = REMOVED.get(name, following)
    if rows:
        option["arg"] = rows[0]["takes_argument"]
        if name != "M" and not any(row["in_help"] for row in rows):
            option["hidden"] = True
    given: dict[str, dict[str, Any]] = {
        "implied": IMPLIED,
        "aliases": ALIASES,
        "deprecated": DEPRECATED,
        "restored": RESTORED,
    }
    return option | {key: values[name] for key, values in given.items() if name in values}


def render(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def render_option(option: dict[str, Any], forms: list[tuple[str, dict[str, Any]]]) -> Iterator[str]:
    yield "[[option]]"
    yield from (f"{key} = {render(value)}" for key, value in option.items())
    for since, form in forms:
        yield f'[[option.form]]\nsince = "{since}"'
        yield from (f"{key} = {render(value)}" for key, value in form.items())
    yield ""


HEADER = """\
# The options of QEMU's command line by release: made by tools/make_option_table.py, read by
# src/qscope/ask/options/table.py. What a QEMU itself tells goes before it.
#
# first, last   the first and the last of `releases` that have it; none: the newest has it
# gone          the first release known to lack it again
# deprecated    the release that deprecated it; restored: the one that took that back
# form          what the release `since` and those after it take: syntax, repeat, QemuOpts group,
#               the targets that can use it (none: all), what it stands for, and whether an unknown
#               parameter was seen to be refused when it is parsed
"""


def main() -> None:
    table = json.loads(Path(sys.argv[1]).read_text())
    print(HEADER)
    print(f"releases = {render(RELEASES + COMPARED)}\n")
    for name in sorted(table["lifetimes"]):
        print("\n".join(render_option(make_option(name, table), list(list_forms(name, table)))))


if __name__ == "__main__":
    main()

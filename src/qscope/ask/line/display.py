"""Judge -display, -vga, -vnc and -spice by types, and by what a QEMU lists of them.

In: a line and an occurrence. Out: findings. What hangs together are rules (rules/displays.py).
"""

from collections.abc import Iterator, Mapping

from qscope.ask.finding import Finding
from qscope.ask.line.given import read_given
from qscope.ask.line.host import note
from qscope.ask.line.inet import is_name
from qscope.ask.line.line import Line, Occurrence, doubt_parameters
from qscope.ask.line.vnc import Screen, list_screens, read_screen
from qscope.ask.options import find_option
from qscope.model.near import near

# What a display needs of the host.
_HOST: Mapping[str, str] = {
    "gtk": "a desktop must run",
    "sdl": "a desktop must run",
    "curses": "QEMU must run in a terminal",
    "egl-headless": "the host must have a render node",
    "dbus": "a D-Bus must run",
    "spice-app": "a SPICE client must be installed",
    "default": "the host must have what QEMU takes for its default",
}
# What -vga makes, where a build or a module may lack it (system/vl.c, vga_interfaces).
VGA_DRIVERS: Mapping[str, str] = {
    "qxl": "qxl-vga",
    "tcx": "SUNW,tcx",
    "cg3": "cgthree",
    "virtio": "virtio-vga",
    "vmware": "vmware-svga",
    "cirrus": "cirrus-vga",
    "std": "VGA",
}
_RETRACES = ("dumb", "precise")


def judge_vnc(line: Line, occurrence: Occurrence) -> Iterator[Finding]:
    """Yield what is wrong with one -vnc."""
    for screen in list_screens(line):
        if screen.occurrence is occurrence:
            yield from check_screen(line, screen)


def check_screen(line: Line, screen: Screen) -> Iterator[Finding]:
    """Yield what is wrong with the parameters of a VNC server."""
    option = find_option(line.interface, "vnc")
    if option is not None and option.arg_type is not None:
        given = {each.name: each.value for each in screen.parsed}
        yield from line.make_checker(screen.occurrence).check(option.arg_type, given, "")
    host = screen.address.rpartition(":")[0].strip("[]")
    if screen.address.startswith("unix:"):
        yield note(f"QEMU must be able to make {screen.address[5:]!r}")
    elif is_name(host):
        yield note(f"the host must find {host!r}")


def judge_display(line: Line, occurrence: Occurrence) -> Iterator[Finding]:
    """Yield what is wrong with one -display."""
    text = occurrence.word.argument or ""
    if text.startswith("vnc="):
        yield from check_screen(line, read_screen(occurrence, text[4:]))
    elif text.startswith("vnc"):
        yield Finding("display-address", "", "VNC needs an address", right="vnc=HOST:DISPLAY")
    else:
        yield from _check_type(line, occurrence)


def _check_type(line: Line, occurrence: Occurrence) -> Iterator[Finding]:
    option, parsed = occurrence.option, occurrence.parsed
    if option is None or parsed is None:
        return
    if option.arg_type is None:
        yield doubt_parameters()
        return
    if isinstance(parsed.value, dict):
        given = dict(parsed.value)
        if line.is_before(6, 0) and given.get("type") == "sdl":
            given = {name: value for name, value in given.items() if name not in _OLD_SDL}
        yield from line.make_checker(occurrence).check(option.arg_type, given, "")
        if occurrence is line.find_last("display"):
            yield from _judge_kind(line, occurrence.get("type") or "")


# Words of -display sdl that QEMU read itself before 6.0.
_OLD_SDL = ("alt_grab", "ctrl_grab", "window_close", "gl")


def _judge_kind(line: Line, kind: str) -> Iterator[Finding]:
    """Yield that a display is not there; only the last one has to be."""
    words = line.interface.command_line.words.get("display", ())
    known = words and kind not in ("", "default", "none") and kind not in words
    if known and find_option(line.interface, "display") is not None:
        guesses = tuple(near(kind, words))
        what = f"this QEMU has no display {kind!r}"
        yield Finding("display-unavailable", "type", what, suggestions=guesses)
    elif kind in _HOST:
        yield note(_HOST[kind], "type")


def judge_vga(line: Line, occurrence: Occurrence) -> Iterator[Finding]:
    """Yield what is wrong with one -vga; QEMU looks at the last one only."""
    if occurrence is not line.find_last("vga"):
        return
    text = occurrence.word.argument or ""
    word, comma, rest = text.partition(",")
    option = occurrence.option
    words = option.words if option is not None and option.words is not None else ()
    if words and word not in words:
        guesses = tuple(near(word, words))
        right = "" if guesses else f"one of {', '.join(words)}"
        what = f"no such value {word!r}"
        yield Finding("value-unknown", "", what, right=right, suggestions=guesses)
    if word == "xenfb" and line.is_since(7, 2):
        yield Finding("value-unknown", "", "no such value 'xenfb'")
    driver = VGA_DRIVERS.get(word)
    drivers = line.interface.listings.drivers
    if driver is not None and drivers and all(each.name != driver for each in drivers):
        yield Finding("vga-unavailable", "", f"this QEMU has no {driver} for it")
    name, equals, value = rest.partition("=")
    if comma and not (equals and name == "retrace" and value in _RETRACES):
        yield Finding("value-unknown", "", f"no such parameter {rest!r}", right="retrace=dumb")


def judge_spice(line: Line, occurrence: Occurrence) -> Iterator[Finding]:
    """Yield what is wrong with one -spice: QEMU has its group of options only with its module."""
    option = occurrence.option
    groups = line.interface.listings.option_groups
    if groups is not None and all(each.option != "spice" for each in groups):
        yield Finding("option-unsupported", "", "this QEMU has no SPICE, or its module is missing")
    elif option is not None and option.arg_type is not None:
        given = dict(occurrence.parameters)
        yield from line.make_checker(occurrence).check(option.arg_type, given, "")
        if read_given(occurrence).is_on("gl"):
            yield note("the host must have a render node", "gl")

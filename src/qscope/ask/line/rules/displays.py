"""Rules about displays: -display, -vnc, -spice, and keyboards for them."""

from collections.abc import Iterator, Mapping, Sequence

from qscope.ask.line.given import list_given
from qscope.ask.line.inet import check_host, check_port, read_families
from qscope.ask.line.line import Line
from qscope.ask.line.rules.rule import ALL, Fault, Rule
from qscope.ask.line.scalars import read_int
from qscope.ask.line.vnc import Screen, check_address, list_screens
from qscope.model.near import near

# Layouts of keyboards that QEMU installs (pc-bios/keymaps); a path is another one.
_LAYOUT_NAMES = """
    ar bepo cz da de de-ch en-gb en-us es et fi fo fr fr-be fr-ca fr-ch hr hu is it
    ja lt lv mk nl no pl pt pt-br ru sl sv th tr
"""
_LAYOUTS = frozenset(_LAYOUT_NAMES.split())


def _blame(screen: Screen, where: str, message: str) -> Fault:
    is_vnc = screen.occurrence.name == "vnc"
    return Fault(screen.occurrence, where if is_vnc else "", message)


def find_addresses(line: Line) -> Iterator[Fault]:
    """Yield each address that VNC cannot listen at."""
    for screen in list_screens(line):
        given = screen.given
        wrong = check_address(screen.address, is_reverse=given.is_on("reverse"))
        if given.get("vnc") == "":
            wrong = "it is empty: HOST:DISPLAY is right"
        host = screen.address.rpartition(":")[0].strip("[]")
        wrong = wrong or (check_host(host, **read_families(given)) if host else "")
        if wrong:
            yield _blame(screen, "vnc", wrong)
        if screen.address.startswith("unix:") and given.has("to"):
            yield _blame(screen, "to", "a UNIX socket has no range of ports")
        web = given.get("websocket")
        is_off = screen.address in ("", "none")
        if web is not None and web != "on" and not is_off and check_port(web):
            yield _blame(screen, "websocket", f"{web!r} is no port")


def find_secrets(line: Line) -> Iterator[Fault]:
    """Yield what VNC cannot have without, or beside, another parameter."""
    for screen in list_screens(line):
        given = screen.given
        if given.is_on("password") and given.has("password-secret"):
            yield _blame(screen, "password", "password-secret says it already")
        if given.has("tls-authz") and not given.has("tls-creds"):
            yield _blame(screen, "tls-authz", "there is no TLS without tls-creds")
        if given.has("sasl-authz") and not given.is_on("sasl"):
            yield _blame(screen, "sasl-authz", "it needs sasl=on")


# Words in the names of drivers that show something: others have no picture for VNC.
_PICTURES = ("vga", "gpu", "qxl", "display", "ramfb", "vfio", "tcx", "cgthree", "sm501")


def find_pictures(line: Line) -> Iterator[Fault]:
    """Yield each VNC server for a device without a picture."""
    drivers = {each.get("id"): each.get("driver") or "" for each in line.select("device")}
    heads = {
        each.occurrence.get("id"): read_int(each.get("max_outputs") or "1") or 1
        for each in list_given(line, "device")
    }
    for screen in list_screens(line):
        name = screen.given.get("display")
        driver = drivers.get(name, "") if name is not None else ""
        if driver and not any(word in driver.lower() for word in _PICTURES):
            yield _blame(screen, "display", f"device {name!r} shows nothing")
        elif driver and read_int(screen.given.get("head") or "0") not in range(heads[name]):
            yield _blame(screen, "head", f"device {name!r} has {heads[name]} of them")


def find_keymaps(line: Line) -> Iterator[Fault]:
    """Yield each VNC server for a keyboard layout that QEMU does not have."""
    layouts = [each.word.argument or "" for each in line.select("k")]
    if not layouts or layouts[-1] in _LAYOUTS or "/" in layouts[-1] or not layouts[-1]:
        return
    for screen in list_screens(line):
        guesses = tuple(near(layouts[-1], sorted(_LAYOUTS)))
        what = f"there is no keyboard layout {layouts[-1]!r} (-k)"
        yield _blame(screen, "", what)._replace(suggestions=guesses)


def find_accelerated(line: Line) -> Iterator[Fault]:
    """Yield that a display without a window should draw by OpenGL; the last -display counts."""
    given = list(list_given(line, "display"))[-1:]
    for each in given:
        if each.get("type") in ("none", "curses") and each.get("gl") in ("on", "core", "es"):
            yield Fault(each.occurrence, "gl", f"display {each.get('type')} has no OpenGL")


def find_old(line: Line) -> Iterator[Fault]:
    """Yield -sdl and -curses where a QEMU that has these options lists no such display."""
    words = line.interface.command_line.words.get("display", ())
    for occurrence in line.select("sdl", "curses") if words else ():
        if occurrence.option is not None and occurrence.name not in words:
            yield Fault(occurrence, "", f"this QEMU has no display {occurrence.name}")


def find_buses(line: Line) -> Iterator[Fault]:
    """Yield each D-Bus that is both found and made for one listener."""
    for given in list_given(line, "display"):
        if given.get("type") == "dbus" and given.has("addr") and given.is_on("p2p"):
            yield Fault(given.occurrence, "p2p", "it cannot be given with addr")


# Parameters of -spice that are words (ui/spice-core.c).
_WORDS: Mapping[str, Sequence[str]] = {
    "image-compression": ("off", "auto_glz", "auto_lz", "quic", "glz", "lz", "lz4"),
    "jpeg-wan-compression": ("auto", "never", "always"),
    "zlib-glz-wan-compression": ("auto", "never", "always"),
    "streaming-video": ("off", "all", "filter"),
}
_CHANNELS = (
    "default",
    "main",
    "display",
    "inputs",
    "cursor",
    "playback",
    "record",
    "tunnel",
    "smartcard",
    "usbredir",
    "webdav",
)


def find_spice_words(line: Line) -> Iterator[Fault]:
    """Yield each word that SPICE does not know."""
    for given in list_given(line, "spice"):
        for name, words in _WORDS.items():
            if given.get(name) not in (None, *words):
                right = f"one of {', '.join(words)}"
                yield Fault(given.occurrence, name, f"no such value {given.get(name)!r}", right)
        for name in ("tls-channel", "plaintext-channel"):
            if given.get(name) not in (None, *_CHANNELS):
                what = f"there is no channel {given.get(name)!r}"
                yield Fault(given.occurrence, name, what)
        if given.has("tls-channel") and not read_int(given.get("tls-port") or "0"):
            yield Fault(given.occurrence, "tls-channel", "it needs a tls-port")
        if given.has("password") and given.has("password-secret"):
            yield Fault(given.occurrence, "password", "password-secret says it already")


def find_spice_ports(line: Line) -> Iterator[Fault]:
    """Yield each port of SPICE that is none."""
    for given in list_given(line, "spice"):
        for name in ("port", "tls-port"):
            number = read_int(given.get(name) or "0")
            if number is not None and not 0 <= number <= 65535:
                yield Fault(given.occurrence, name, "a port is 0 to 65535")


RULES = (
    Rule(
        "vnc-address",
        "VNC listens at HOST:DISPLAY, or at a UNIX socket",
        ALL,
        "-vnc bogus",
        "-vnc 127.0.0.1:0,to=99",
        find_addresses,
    ),
    Rule(
        "vnc-secret",
        "who is let in is asked in one way",
        ALL,
        "-vnc 127.0.0.1:0,to=99,sasl-authz=a0",
        "-vnc 127.0.0.1:0,to=99,sasl=on",
        find_secrets,
    ),
    Rule(
        "vnc-picture",
        "VNC shows a picture",
        ALL,
        "-device virtio-rng-pci,id=d0 -vnc none,display=d0",
        "-device VGA,id=d0 -vnc none,display=d0",
        find_pictures,
    ),
    Rule(
        "vnc-keymap",
        "VNC translates keys by a layout that is installed",
        ALL,
        "-k bogus -vnc none",
        "-k de -vnc none",
        find_keymaps,
    ),
    Rule(
        "display-gl",
        "OpenGL needs something that shows it",
        ALL,
        "-display none,gl=on",
        "-display none,gl=off",
        find_accelerated,
    ),
    Rule(
        "display-option-unavailable",
        "an option for each display was the older way",
        ("5.2",),
        "-sdl",
        "-display none",
        find_old,
    ),
    Rule(
        "display-dbus-peer",
        "a peer is no bus",
        ("7.2",),
        "-display dbus,p2p=on,addr=unix:path=/nonexistent",
        "-display dbus,p2p=on",
        find_buses,
    ),
    Rule(
        "spice-word",
        "SPICE has its own words",
        ("5.2", "7.2"),
        "-spice port=0,disable-ticketing=on,image-compression=bogus",
        "-spice port=0,disable-ticketing=on,image-compression=off",
        find_spice_words,
    ),
    Rule(
        "spice-port",
        "a port has 16 bits",
        ("5.2", "7.2"),
        "-spice port=70000",
        "-spice port=0,disable-ticketing=on",
        find_spice_ports,
    ),
)

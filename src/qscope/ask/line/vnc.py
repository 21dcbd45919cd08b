"""What -vnc and -display vnc=… are given: an address and parameters (ui/vnc.c).

In: a line. Out: `Screen`s; complaints about addresses.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from qscope.ask.line.given import Given, list_given
from qscope.ask.line.line import Line, Occurrence
from qscope.ask.syntax.qemuopts import Parameter, parse_qemuopts

# Display 0 is this port.
FIRST_PORT = 5900
_LAST = 65535
_DIGITS = re.compile(r"\s*\+?([0-9]+)", re.ASCII)


class Screen(NamedTuple):
    """A VNC server: who asks for it, and with which parameters."""

    given: Given
    parsed: tuple[Parameter, ...]

    @property
    def address(self) -> str:
        """Where it listens; "" and `none` are nowhere."""
        return self.given.get("vnc") or ""

    @property
    def occurrence(self) -> Occurrence:
        """Who asks for it."""
        return self.given.occurrence


def list_screens(line: Line) -> Iterator[Screen]:
    """Yield each VNC server."""
    for given in list_given(line, "vnc"):
        parsed = given.occurrence.parsed
        if parsed is not None and isinstance(parsed.value, tuple):
            yield Screen(given, parsed.value)
    for occurrence in line.select("display"):
        text = occurrence.word.argument or ""
        if text.startswith("vnc="):
            yield read_screen(occurrence, text[4:])


def read_screen(occurrence: Occurrence, text: str) -> Screen:
    """Return the server that a text asks for."""
    parsed = parse_qemuopts(text, "vnc")
    return Screen(Given(occurrence, {each.name: each.value for each in parsed}), parsed)


def check_address(text: str, *, is_reverse: bool) -> str:
    """Say what is wrong with `HOST:DISPLAY`; "" for nothing."""
    if text in ("", "none") or text.startswith("unix:"):
        return ""
    _, colon, display = text.rpartition(":")
    if not colon:
        return f"{text!r} has no display: HOST:DISPLAY is right"
    if not display:
        return "the display is empty: HOST:DISPLAY is right"
    found = _DIGITS.fullmatch(display)
    if not found or len(found[1]) > 10:
        return f"{display!r} is no number of a display"
    last = _LAST if is_reverse else _LAST - FIRST_PORT
    return "" if int(found[1]) <= last else f"display {display} is more than {last}"

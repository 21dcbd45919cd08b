"""Judge -audiodev, -audio and -soundhw.

In: a line and an occurrence. Out: findings about back ends, their parameters, and models of sound
cards. What hangs together are rules (rules/sounds.py).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from qscope.ask.finding import Finding, Severity
from qscope.ask.line.host import note
from qscope.ask.line.line import Line, Occurrence, doubt_parameters
from qscope.ask.options import find_option
from qscope.ask.validation.checker import Checker
from qscope.model.near import near
from qscope.model.property_types import ScalarType
from qscope.model.schema_info import BuiltinType, Entity

# All integers of QAPI's Audiodev.
_UINT32 = ScalarType(name="option:uint32", json_type="int", minimum=0, maximum=2**32 - 1)
# Models that -audio knows (hw/audio), and the driver that a build must have for each.
_MODELS: Mapping[str, str] = {
    "ac97": "AC97",
    "adlib": "adlib",
    "cs4231a": "cs4231a",
    "es1370": "ES1370",
    "gus": "gus",
    "hda": "intel-hda",
    "sb16": "sb16",
    "virtio": "virtio-sound-pci",
}
# Back ends of which QEMU tries what the host has when it starts.
_HOST = ("oss", "alsa", "pa", "jack", "pipewire", "sndio", "coreaudio", "dsound", "sdl", "dbus")


def judge_audiodev(line: Line, occurrence: Occurrence) -> Iterator[Finding]:
    """Yield what is wrong with one -audiodev."""
    yield from _check(line, occurrence, dict(occurrence.parameters))
    yield from _judge_driver(line, occurrence)


def judge_audio(line: Line, occurrence: Occurrence) -> Iterator[Finding]:
    """Yield what is wrong with one -audio: an audio back end, and a card for it."""
    given = dict(occurrence.parameters)
    model = given.pop("model", None)
    # Up to 8.1 the model was asked for first of all.
    is_mandatory = line.is_before(8, 2)
    if model is None and is_mandatory:
        yield Finding("member-missing", "model", "it is missing")
        return
    yield from _check(line, occurrence, {"id": "chosen", **given})
    yield from _judge_driver(line, occurrence)
    if isinstance(model, str):
        yield from _judge_model(line, model)


def _check(line: Line, occurrence: Occurrence, given: dict[str, Any]) -> Iterator[Finding]:
    option = find_option(line.interface, "audiodev")
    name = option.arg_type if option is not None else None
    if name is None:
        yield doubt_parameters()
        return

    def find(name: str) -> Entity | None:
        entity = line.find(name)
        is_plain = isinstance(entity, BuiltinType) and not isinstance(entity, ScalarType)
        return _UINT32 if is_plain and getattr(entity, "json_type", "") == "int" else entity

    checker = Checker(find, occurrence.reader, dialect=line.dialect)
    yield from checker.check(name, given, "")


def _judge_driver(line: Line, occurrence: Occurrence) -> Iterator[Finding]:
    """Yield that a back end is not there: since 7.0 QEMU starts it even if nothing uses it."""
    driver = occurrence.get("driver")
    words = line.interface.command_line.words.get("audiodev", ())
    if driver is None or line.is_before(7, 0):
        return
    if driver == "spice" and not line.has("spice"):
        yield Finding("audiodev-unavailable", "driver", "there is no -spice")
    elif words and driver not in words:
        guesses = tuple(near(driver, words))
        what = f"this QEMU has no audio back end {driver!r}"
        yield Finding("audiodev-unavailable", "driver", what, suggestions=guesses)
    elif driver in _HOST:
        yield note(f"the host must have what {driver} needs", "driver")


def _judge_model(line: Line, model: str) -> Iterator[Finding]:
    drivers = {each.name for each in line.interface.listings.drivers or ()}
    models = [name for name, driver in _MODELS.items() if not drivers or driver in drivers]
    if model not in models:
        guesses = tuple(near(model, models))
        right = "" if guesses else f"one of {', '.join(models)}"
        what = f"there is no sound card {model!r}"
        yield Finding("value-unknown", "model", what, right=right, suggestions=guesses)


def judge_soundhw(line: Line, occurrence: Occurrence) -> Iterator[Finding]:
    """Yield each sound card that QEMU, before 7.1, does not list; `all` are all of them."""
    words = line.interface.command_line.words.get("soundhw", ())
    text = occurrence.word.argument or ""
    if text == "all":
        yield note("all sound cards must find an audio back end")
        return
    for word in filter(None, text.split(",")):
        if not words:
            what = f"whether there is a sound card {word!r} is not known"
            yield Finding("value-unknown", "", what, Severity.UNKNOWN)
        elif word not in words:
            guesses = tuple(near(word, words))
            what = f"there is no sound card {word!r}"
            yield Finding("value-unknown", "", what, suggestions=guesses)

"""Rules about audio back ends and sound cards (audio/audio.c, hw/audio)."""

from collections.abc import Iterator

from qscope.ask.line.given import list_given
from qscope.ask.line.line import Line
from qscope.ask.line.machines import NO_PCI, find_family
from qscope.ask.line.rules.rule import ALL, SINCE_7_2, Fault, Rule

_PCI_MODELS = ("ac97", "es1370", "hda", "virtio")


def find_settings(line: Line) -> Iterator[Fault]:
    """Yield settings of voices that nobody mixes, or that are not fixed."""
    for given in list_given(line, "audiodev", "audio"):
        for side in ("in", "out"):
            is_mixed = given.is_on(f"{side}.mixing-engine", default=True)
            fixed = f"{side}.fixed-settings"
            if not is_mixed and given.is_on(fixed):
                yield Fault(given.occurrence, fixed, "it needs the mixing-engine")
            names = [f"{side}.{name}" for name in ("frequency", "channels", "format")]
            used = [name for name in names if given.has(name)]
            if used and not given.is_on(fixed, default=is_mixed):
                yield Fault(given.occurrence, used[0], f"it needs {fixed}=on")


def find_models(line: Line) -> Iterator[Fault]:
    """Yield each -audio for whose card the machine has no bus, and each second one."""
    given = [each for each in list_given(line, "audio") if each.has("model")]
    for each in given:
        if each.get("model") in _PCI_MODELS and find_family(line) in NO_PCI:
            what = f"machine {find_family(line)} has no PCI bus"
            yield Fault(each.occurrence, "model", what)
    is_strict = not line.is_before(11, 0)
    names = {each.get("id") for each in line.select("audiodev")} - {None}
    for each in given if is_strict else ():
        if each.get("id") in names:
            yield Fault(each.occurrence, "id", f"there is another audiodev {each.get('id')!r}")
    for each in given[1:]:
        yield Fault(each.occurrence, "model", "there can be one -audio with a model")


RULES = (
    Rule(
        "audio-settings",
        "what is fixed is converted by the mixing engine",
        ALL,
        "-audiodev none,id=a0,out.fixed-settings=off,out.frequency=44100",
        "-audiodev none,id=a0,out.fixed-settings=on,out.frequency=44100",
        find_settings,
    ),
    Rule(
        "audio-model",
        "-audio makes one card",
        SINCE_7_2,
        "-machine none -audio none,model=hda",
        "-audio none,model=hda",
        find_models,
    ),
)

"""QemuOpts, the older syntax of parameters (util/qemu-option.c): `driver,key=value,flag,noflag`.

Hardly any text is malformed: any name goes, and the option that is given it decides. A comma in a
value is doubled, also in front of another parameter: `path,,mux=on` is the flag `path`, a flag
without a name, and so on.
"""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from qscope.ask.syntax.pieces import take_value, take_word


class Parameter(Struct, frozen=True, omit_defaults=True):
    """One parameter; `bare` when it was given as `foo` or `nofoo` (deprecated since 6.0)."""

    name: str
    value: str
    bare: bool = False

    @property
    def asks_for_help(self) -> bool:
        """Whether QEMU prints help and exits, instead of taking the parameters."""
        return self.bare and self.value == "on" and self.name in ("help", "?")


def parse_qemuopts(text: str, implied_key: str | None = None) -> tuple[Parameter, ...]:
    """Return the parameters in their order, duplicates included (QEMU takes the last, but of ids).

    A first word without `=` is the value of the implied key.
    """
    return tuple(_read_parameters(text, implied_key))


def _read_parameters(text: str, implied_key: str | None) -> Iterator[Parameter]:
    position = 0
    while position < len(text):
        name, end = take_word(text, position)
        if text.startswith("=", end):
            value, end = take_value(text, end + 1)
            yield Parameter(name, value)
        elif implied_key is not None and position == 0:
            value, end = take_value(text, position)
            yield Parameter(implied_key, value)
        elif name.startswith("no"):
            yield Parameter(name[2:], "off", bare=True)
        else:
            yield Parameter(name, "on", bare=True)
        position = end + 1


def spell_out(parameters: Iterable[Parameter]) -> tuple[Parameter, ...]:
    """Return the parameters with `foo` as `foo=on` and `nofoo` as `foo=off`; help stays."""
    return tuple(
        each if each.asks_for_help else Parameter(each.name, each.value) for each in parameters
    )


def render_qemuopts(parameters: Iterable[Parameter]) -> str:
    """Return the text that parses to these parameters; every key is spelled out."""
    words = [_render(each) for each in parameters]
    # A last one that is empty needs a comma behind it, too.
    return ",".join([*words, ""] if words and not words[-1] else words)


def _render(parameter: Parameter) -> str:
    if not parameter.bare:
        return f"{parameter.name}={parameter.value.replace(',', ',,')}"
    return f"no{parameter.name}" if parameter.value == "off" else parameter.name

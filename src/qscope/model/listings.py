"""Listings: what QMP commands other than `query-qmp-schema` enumerate.

In: a transcript. Out: `Listings`, where None means that no usable answer exists and `silent` says
why. A listing is complete when it is there; a missing one proves nothing. Next stage: index.py.
"""

from collections.abc import Iterable
from typing import TypeVar

import msgspec
from msgspec import Raw, Struct, field

from qscope.model.qdm import Driver, parse_qdm
from qscope.model.transcript import Transcript, explain_silence, read_result

T = TypeVar("T")


class QomType(Struct, frozen=True, omit_defaults=True):
    """A QOM type (ObjectTypeInfo)."""

    name: str
    parent: str | None = None
    abstract: bool = False


class Machine(Struct, frozen=True, omit_defaults=True, rename="kebab"):
    """A machine type (MachineInfo)."""

    name: str
    alias: str | None = None
    is_default: bool = False
    deprecated: bool = False
    cpu_max: int | None = None
    hotpluggable_cpus: bool = False
    default_cpu_type: str | None = None


class CpuModel(Struct, frozen=True, omit_defaults=True, rename="kebab"):
    """A CPU model (CpuDefinitionInfo).

    `unavailable_features` are those of its own that the accelerator lacks which the probe ran with,
    TCG; None where QEMU does not tell them.
    """

    name: str
    typename: str | None = None
    alias_of: str | None = None
    deprecated: bool = False
    unavailable_features: tuple[str, ...] | None = None


class OptionParameter(Struct, frozen=True, omit_defaults=True):
    """A parameter of a QemuOpts group (CommandLineParameterInfo)."""

    name: str
    type: str | None = None


class OptionGroup(Struct, frozen=True, omit_defaults=True):
    """A QemuOpts group (CommandLineOptionInfo); its name is often not the option's."""

    option: str
    parameters: tuple[OptionParameter, ...] = ()


class Listings(Struct, frozen=True, omit_defaults=True):
    """Everything enumerated. None: no usable answer, `explain` says why.

    `silent` has the reason by command; `silence` is that of all others.
    """

    commands: tuple[str, ...] | None = None
    events: tuple[str, ...] | None = None
    qom_types: tuple[QomType, ...] | None = None
    devices: tuple[QomType, ...] | None = None
    machines: tuple[Machine, ...] | None = None
    cpus: tuple[CpuModel, ...] | None = None
    option_groups: tuple[OptionGroup, ...] | None = None
    migration_capabilities: tuple[str, ...] | None = None
    migration_parameters: tuple[str, ...] | None = None
    # What `info qdm` adds to the devices.
    drivers: tuple[Driver, ...] | None = None
    # Types that object-add and -object take, and types of accelerators.
    creatable_objects: tuple[QomType, ...] | None = None
    accelerators: tuple[QomType, ...] | None = None
    # Back ends. Those of modules lack where they were not loaded (7.2's chardevs lack spicevmc).
    chardevs: tuple[str, ...] | None = None
    tpm_types: tuple[str, ...] | None = None
    tpm_models: tuple[str, ...] | None = None
    silent: dict[str, str] = field(default_factory=dict)
    silence: str = "it was not asked"

    def explain(self, command: str) -> str:
        """Say why `command` told nothing."""
        return self.silent.get(command, self.silence)


class _Named(Struct, frozen=True):
    name: str


class _Capability(Struct, frozen=True):
    capability: str


class _AgentCommand(Struct, frozen=True):
    name: str
    # False where the agent's block list refuses it.
    enabled: bool = True


class _AgentInfo(Struct, frozen=True):
    supported_commands: tuple[_AgentCommand, ...]


def learn_listings(transcript: Transcript) -> Listings:
    """Draw from a transcript everything that its commands enumerate."""
    silent: dict[str, str] = {}
    return Listings(
        commands=_learn_commands(transcript, silent),
        events=_names(_read(transcript, silent, "query-events", tuple[_Named, ...])),
        qom_types=_learn_types(transcript, silent, None),
        devices=_learn_types(transcript, silent, "device"),
        machines=_read(transcript, silent, "query-machines", tuple[Machine, ...]),
        cpus=_read(transcript, silent, "query-cpu-definitions", tuple[CpuModel, ...]),
        option_groups=_read(
            transcript, silent, "query-command-line-options", tuple[OptionGroup, ...]
        ),
        migration_capabilities=_learn_migration(transcript, silent),
        migration_parameters=_learn_parameters(transcript, silent),
        drivers=_learn_drivers(transcript, silent),
        creatable_objects=_learn_types(transcript, silent, "user-creatable"),
        accelerators=_learn_types(transcript, silent, "accel"),
        chardevs=_names(_read(transcript, silent, "query-chardev-backends", tuple[_Named, ...])),
        tpm_types=_read(transcript, silent, "query-tpm-types", tuple[str, ...]),
        tpm_models=_read(transcript, silent, "query-tpm-models", tuple[str, ...]),
        silent=silent,
    )


def _names(items: Iterable[_Named] | None) -> tuple[str, ...] | None:
    return None if items is None else tuple(item.name for item in items)


def _learn_commands(transcript: Transcript, silent: dict[str, str]) -> tuple[str, ...] | None:
    """Read query-commands, or guest-info, which the guest agent has in its place."""
    commands = _names(_read(transcript, silent, "query-commands", tuple[_Named, ...]))
    if commands is None and transcript.find("guest-info"):
        agent = _read(transcript, silent, "guest-info", _AgentInfo)
        known = agent.supported_commands if agent else None
        return None if known is None else tuple(each.name for each in known if each.enabled)
    return commands


def _learn_migration(transcript: Transcript, silent: dict[str, str]) -> tuple[str, ...] | None:
    found = _read(transcript, silent, "query-migrate-capabilities", tuple[_Capability, ...])
    return None if found is None else tuple(item.capability for item in found)


def _learn_types(
    transcript: Transcript, silent: dict[str, str], implements: str | None
) -> tuple[QomType, ...] | None:
    """Merge the answers with and without abstract types.

    Old releases do not mark abstract types in the longer answer; the shorter one then tells.
    """
    question = {} if implements is None else {"implements": implements}
    everything = read_result(transcript.find("qom-list-types", **question, abstract=True), _TYPES)
    concrete = read_result(transcript.find("qom-list-types", **question), _TYPES)
    if concrete is None:
        concrete = read_result(
            transcript.find("qom-list-types", **question, abstract=False), _TYPES
        )
    if everything is None and concrete is None:
        name = f"qom-list-types{f' implements={implements}' if implements else ''}"
        asked = [transcript.find("qom-list-types", **question, **more) for more in _ABSTRACT]
        silent[name] = explain_silence(next(filter(None, asked), None))
        return None
    if everything is None or concrete is None:
        return concrete if everything is None else everything
    names = {item.name for item in concrete}
    merged = {item.name: item for item in concrete}
    for item in everything:
        merged.setdefault(item.name, msgspec.structs.replace(item, abstract=item.name not in names))
    return tuple(merged.values())


_TYPES = tuple[QomType, ...]
_ABSTRACT: tuple[dict[str, bool], ...] = ({"abstract": True}, {}, {"abstract": False})


def _learn_parameters(transcript: Transcript, silent: dict[str, str]) -> tuple[str, ...] | None:
    """Return the names of the migration parameters that have a value."""
    found = _read(transcript, silent, "query-migrate-parameters", dict[str, Raw])
    return None if found is None else tuple(sorted(found))


def _learn_drivers(transcript: Transcript, silent: dict[str, str]) -> tuple[Driver, ...] | None:
    exchange = transcript.find("human-monitor-command", **{"command-line": "info qdm"})
    text = read_result(exchange, str)
    drivers = tuple(parse_qdm(text or ""))
    if not drivers:
        # A monitor that is forbidden, or that does not know the command, says so in the text.
        silent["info qdm"] = explain_silence(exchange)
        return None
    return drivers


def _read(transcript: Transcript, silent: dict[str, str], command: str, form: type[T]) -> T | None:
    """Return the result of `command` as `form`; where there is none, note why in `silent`."""
    exchange = transcript.find(command)
    if exchange is None:
        # The same command with arguments (query-machines has some since 9.1) lists the same names.
        exchange = next(transcript.find_all(command), None)
    result = read_result(exchange, form)
    if result is None:
        silent[command] = explain_silence(exchange)
    return result

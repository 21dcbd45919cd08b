"""Ask one path: by the schema what the schema can answer, else by the listings.

In: an interface and a path. Out: an `Answer`.
"""

from collections.abc import Callable, Mapping
from weakref import WeakKeyDictionary

from qscope.ask.answer import Answer, Verdict, unknown
from qscope.ask.path import Path, compile_path
from qscope.ask.walk import walk
from qscope.model.interface import Interface
from qscope.model.schema_info import Command, Event, OpaqueEntity

# Answers by path: an interface does not change, so neither do they.
_REMEMBERED: WeakKeyDictionary[Interface, dict[str, Answer]] = WeakKeyDictionary()
_MOST_REMEMBERED = 1 << 16

_WANTED: Mapping[str | None, type[Command | Event]] = {"command": Command, "event": Event}
# Commands whose arguments' branches the schema may leave open, and those whose schema has more
# than the build.
_OPEN = frozenset(("device_add", "object-add"))
_LACKING = frozenset(("object-add", "query-tpm-models", "query-tpm-types"))


def ask(interface: Interface, path: str | Path) -> Answer:
    """Answer one path. Raises PathError where libvirt answers -1."""
    text = path if isinstance(path, str) else path.text
    remembered = _REMEMBERED.get(interface)
    if remembered is None or len(remembered) >= _MOST_REMEMBERED:
        remembered = _REMEMBERED[interface] = {}
    answer = remembered.get(text)
    if answer is None:
        compiled = compile_path(path) if isinstance(path, str) else path
        answer = remembered[text] = answer_anew(interface, compiled)
    return answer


def answer_anew(interface: Interface, path: Path) -> Answer:
    """Answer one path without looking at, or leaving, what was concluded before."""
    if path.prefix in _WANTED:
        return _ask_entity(interface, path, _WANTED[path.prefix])
    if path.prefix is not None:
        return _find_reader(path.prefix)(interface, path)
    if interface.entities is None:
        return _ask_without_schema(interface, path)
    return _ask_schema(interface, path)


def _find_reader(prefix: str) -> Callable[[Interface, Path], Answer]:
    # Imported on use: most queries ask the schema only, and every module costs them time.
    match prefix:
        case "behaviour":
            return _ask_behaviour
        case "version":
            from qscope.ask.versions import ask_version  # noqa: PLC0415

            return ask_version
        case "option":
            return _ask_option
    from qscope.ask import listed  # noqa: PLC0415

    return listed.BY_PREFIX[prefix]


def _ask_behaviour(interface: Interface, path: Path) -> Answer:
    from qscope.ask.witness import ask_behaviour  # noqa: PLC0415 - likewise

    return ask_behaviour(interface, path, ask)


def _ask_option(interface: Interface, path: Path) -> Answer:
    from qscope.ask.options.answer import ask_option  # noqa: PLC0415 - likewise

    return ask_option(interface, path, ask)


def _ask_without_schema(interface: Interface, path: Path) -> Answer:
    from qscope.ask import listed  # noqa: PLC0415 - likewise

    return listed.ask_without_schema(interface, path)


def _ask_schema(interface: Interface, path: Path) -> Answer:
    source = interface.schema_source
    name = interface.find_name(path.name)
    if name not in interface.by_name:
        reason = _explain_absence(interface, None, path.name)
        why = f"nothing is called {path.name!r}{reason and ': ' + reason}"
        return Answer(Verdict.NO, source, why, position=0, left_out=bool(reason))
    ended = walk(interface.by_name.get, name, path.steps)
    if ended.found is None:
        assert isinstance(ended.entity, OpaqueEntity)
        why = f"an entry of meta-type {ended.entity.meta_type!r}, which this qscope does not know"
        return unknown(source, why)
    if path.name in _OPEN:
        from qscope.ask import branches  # noqa: PLC0415 - likewise

        if not ended.found and branches.is_open(path, ended):
            return branches.ask_branch(interface, path)
    if not ended.found:
        step = path.steps[ended.position]
        reason = _explain_absence(interface, ended.entity.name, step.text)
        why = f"{step.text!r} is not there{reason and ': ' + reason}"
        position = ended.position + 1
        return Answer(Verdict.NO, source, why, ended.entity.name, position, bool(reason))
    is_type = ended.position == len(path.steps)
    why = _explain_lack(interface, path)
    return Answer(Verdict.YES, source, why, ended.entity.name if is_type else None)


def _explain_lack(interface: Interface, path: Path) -> str:
    if path.name not in _LACKING:
        return ""
    from qscope.ask import branches  # noqa: PLC0415 - likewise

    return branches.explain_lack(interface, path)


def _explain_absence(interface: Interface, name: str | None, component: str) -> str:
    annotations = interface.annotations
    return annotations.explain_absence(name, component) if annotations else ""


def _ask_entity(interface: Interface, path: Path, wanted: type[Command | Event]) -> Answer:
    if interface.entities is None:
        return _ask_without_schema(interface, path)
    if not isinstance(interface.by_name.get(path.name), wanted):
        why = f"no {path.prefix} is called {path.name!r}"
        return Answer(Verdict.NO, interface.schema_source, why, position=0)
    return _ask_schema(interface, path)

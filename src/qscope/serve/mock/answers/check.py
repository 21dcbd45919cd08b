"""Rules against the schema that is served: what could never fit, and what is not of its type.

In: `Answers`, and the schema's commands and events. Out: nothing, or one line about the first
mistake.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import UNSET, UnsetType

from qscope.errors import RefusalError, ServeError
from qscope.model.near import near
from qscope.model.transcript import ErrorInfo
from qscope.qapi.definitions import EMPTY, Event
from qscope.serve.mock.answers.lines import print_line
from qscope.serve.mock.answers.rules import Answers, EventAnswer, Rule, TimedEvent
from qscope.serve.schema import HiddenError, ServedCommand, ServedSchema
from qscope.serve.types import Reading
from qscope.serve.types.classes import Classes
from qscope.serve.types.nodes import Alternate, Array, Enum, Member, Node, Object
from qscope.serve.types.read import Place, Reader, render_place

# QEMU's qapi/error.json.
_ERROR_CLASSES = (
    "GenericError",
    "CommandNotFound",
    "DeviceNotActive",
    "DeviceNotFound",
    "KVMMissingCap",
)


def check_answers(answers: Answers, schema: ServedSchema) -> None:
    """Raise ServeError for the first rule or event of the clock that does not fit the schema."""
    for rule in answers.rules:
        check_rule(rule, schema)
    for timed in answers.timed:
        place = timed.place or f"event {timed.event}"
        if not timed.unchecked:
            _check_event(timed, schema, place)


def check_rule(rule: Rule, schema: ServedSchema) -> None:
    """Raise ServeError if a rule could never fit, or its answer is none of this schema.

    It could not for a command that there is not, and for arguments that the command never takes.
    An answer is wrong by a result or event that is not of its type, or by a class of errors that is
    not QMP's; but one that is `unchecked` may have all of these.
    """
    place = rule.place or f"answer to {rule.command}"
    command = schema.find_command(rule.command)
    if command is None:
        hint = _suggest(rule.command, schema.list_commands())
        raise _refuse(place, f"the schema has no command '{rule.command}'{hint}")
    _check_arguments(rule, command, place)
    if rule.answer.result is not UNSET and not command.success_response:
        raise _refuse(place, f"return: {rule.command} sends no reply where it succeeds")
    if rule.answer.unchecked:
        return
    _check_error(rule.answer.error, place)
    _check_result(rule.answer.result, command, schema, place)
    for key, events in (("events", rule.answer.events), ("events-after", rule.answer.events_after)):
        for number, event in enumerate(events):
            _check_event(event, schema, f"{place}: {key}[{number}]")


def _check_arguments(rule: Rule, command: ServedCommand, place: str) -> None:
    node = command.arguments
    if node is None:
        return
    if rule.arguments and command.takes_nothing:
        raise _refuse(place, f"arguments: {rule.command} takes none, so that the rule never fits")
    walk, root = _Walk(Reading.JSON), Place(None, "arguments")
    wrong = walk.find_misfit(node, rule.arguments, root)
    if wrong is None and rule.exactly:
        wrong = walk.read(node, rule.arguments, root)
    if wrong is not None:
        raise _refuse(place, f"{wrong}, so that the rule never fits")


def _check_error(error: ErrorInfo | UnsetType, place: str) -> None:
    if isinstance(error, UnsetType) or error.error_class in _ERROR_CLASSES:
        return
    hint = _suggest(error.error_class, _ERROR_CLASSES) or f" ({', '.join(_ERROR_CLASSES)})"
    text = f"error.class: '{error.error_class}' is no class of QMP's errors{hint}"
    raise _refuse(place, f"{text}; unchecked = true allows it")


def _check_result(result: Any, command: ServedCommand, schema: ServedSchema, place: str) -> None:
    if result is UNSET:
        return
    try:
        schema.encode_result(command, result)
    except HiddenError:
        return
    except RefusalError as error:
        if command.result is None:
            raise _refuse(place, f"return: {error.desc}") from error
        raise _refuse(place, _explain(command.result, result, "return", error)) from error


def _check_event(event: EventAnswer | TimedEvent, schema: ServedSchema, place: str) -> None:
    name = event.event
    if not schema.has_event(name):
        hint = _suggest(name, (each for each in _find_events(schema) if schema.has_event(each)))
        raise _refuse(place, f"the schema has no event '{name}'{hint}")
    try:
        schema.encode_data(name, event.data)
    except HiddenError:
        return
    except RefusalError as error:
        node = schema.types.find(_find_events(schema)[name].arg_type or EMPTY)
        raise _refuse(place, _explain(node, event.data, "data", error)) from error


def _find_events(schema: ServedSchema) -> dict[str, Event]:
    named = schema.schema.find_commands_and_events()
    return {each.name: each for each in named if isinstance(each, Event)}


def _explain(node: Node, value: Any, key: str, error: RefusalError) -> str:
    """Say what is wrong with a result or data, with the place and what may have been meant."""
    walk, root = _Walk(Reading.OUTPUT), Place(None, key)
    wrong = walk.find_misfit(node, value, root) or walk.read(node, value, root)
    return wrong or f"{key}: {error.desc}"


class _Walk:
    """Goes through part of a value beside its type."""

    def __init__(self, reading: Reading) -> None:
        # No policy: it would refuse, or end the process.
        self._reader = Reader(Classes(), reading)

    def read(self, node: Node, value: Any, place: Place) -> str | None:
        """Return what is wrong with a whole value."""
        try:
            self._reader.read(node, value, place)
        except RefusalError as error:
            return error.desc
        return None

    def find_misfit(self, node: Node, value: Any, place: Place) -> str | None:
        """Return what is wrong with a value whose objects may lack members."""
        match node, value:
            case Object(), dict():
                return self._find_in_object(node, value, place)
            case Array(element=element), list():
                places = (Place(place, index) for index in range(len(value)))
                found = map(self.find_misfit, [element] * len(value), value, places)
                return next(filter(None, found), None) or self.read(node, value, place)
            case Alternate(branches=branches), dict() | list() | str():
                form = {dict: Object, list: Array, str: Enum}[type(value)]
                branch = next((each for each in branches if isinstance(each, form)), None)
                if branch is not None:
                    return self.find_misfit(branch, value, place)
            case Enum(values=values), str() if value not in values:
                where = render_place(place)
                hint = _suggest(value, values)
                return f"Parameter '{where}' does not accept value '{value}'{hint}"
            case _:
                pass
        return self.read(node, value, place)

    def _find_in_object(self, node: Object, value: dict[str, Any], place: Place) -> str | None:
        types: dict[str, list[Node]] = {}
        for member in _list_possible(node, value):
            types.setdefault(member.name, []).append(member.type)
        for name, part in value.items():
            here = Place(place, name)
            if name not in types:
                return f"Parameter '{render_place(here)}' is unexpected{_suggest(name, types)}"
            found = [self.find_misfit(each, part, here) for each in types[name]]
            if all(found):
                return found[0]
        return None


def _list_possible(node: Object, value: dict[str, Any]) -> Iterator[Member]:
    """Yield the members that an object may have: of the tag's branch, or, without it, of all."""
    yield from node.members
    tag = value.get(node.tag) if node.tag is not None else None
    chosen = node.branches.get(tag) if isinstance(tag, str) else None
    for branch in [chosen] if chosen else node.branches.values():
        yield from _list_possible(branch, value)


def _suggest(name: str, known: Iterable[str]) -> str:
    guesses = near(name, known)
    return f" (did you mean '{guesses[0]}'?)" if guesses else ""


def _refuse(place: str, text: str) -> ServeError:
    return ServeError(f"{place}: {print_line(text)}")

"""Whether QEMU would take a command: its name, its arguments, and the keys beside them.

In: an `Interface` and a command, or a whole message as it is sent. Out: all `Finding`s. Of a
member, `where` is its path in the arguments: `file.locking`, `keys[1].type`.
"""

from collections.abc import Iterator
from typing import Any

from qscope.ask.answer import Verdict
from qscope.ask.finding import Finding, Severity
from qscope.ask.validation.checker import Checker
from qscope.ask.validation.devices import judge_device
from qscope.ask.validation.masked import MaskedTypes, find_masked
from qscope.ask.validation.names import find_bad_id
from qscope.ask.validation.objects import judge_object_type, judge_open_object
from qscope.ask.validation.release import EVIDENCE, is_since
from qscope.ask.validation.words import clip, show_value
from qscope.model.interface import Interface
from qscope.model.near import near
from qscope.model.schema_info import Command, ObjectType, OpaqueEntity

# QEMU's qobject/json-streamer.c, MAX_NESTING: of braces and brackets, the message's own included.
_MAX_NESTING = 1024
_KEYS = ("execute", "exec-oob", "arguments", "id")
# Members that must be an ID, and since when at the latest (measured on 5.2, 7.2, 10.0 and 11.1; 5.2
# takes the others as they are, and no release minds the ID of a character device).
_IDS = {
    "blockdev-add": ("node-name", "0"),
    "netdev_add": ("id", "7.2"),
    "object-add": ("id", "7.2"),
}
# Integers that had another type in older releases than the table is made of: `int` until 5.2.
_MASKED_SINCE = {"migrate-set-parameters": "6.0"}


def validate(
    interface: Interface, command: str, arguments: dict[str, Any] | None = None
) -> list[Finding]:
    """Return everything that is wrong with a command; nothing if QEMU would take it.

    What QEMU has no way to tell gives a finding that says so, and never an error. What depends on
    its state (whether a node exists) is not judged.
    """
    return list(_judge_command(interface, command, {} if arguments is None else arguments))


def validate_message(interface: Interface, message: Any) -> list[Finding]:
    """Return likewise what is wrong with a message: `{"execute": …, "arguments": …, "id": …}`."""
    if is_too_deep(message):
        return [refuse_depth()]
    return list(_judge_message(interface, message))


def is_too_deep(value: Any) -> bool:
    """Whether JSON is nested deeper than QEMU reads it."""
    level = [value]
    for _ in range(_MAX_NESTING):
        level = [inner for each in level for inner in _list_containers(each)]
        if not level:
            return False
    return any(isinstance(each, dict | list | tuple) for each in level)


def _list_containers(value: Any) -> list[Any]:
    match value:
        case dict():
            inner = list(value.values())
        case list() | tuple():
            inner = list(value)
        case _:
            return []
    return [each for each in inner if isinstance(each, dict | list | tuple)]


def refuse_depth() -> Finding:
    """Return the finding about what is nested too deep."""
    return Finding("nesting", "", f"it is nested deeper than {_MAX_NESTING} levels")


def _judge_message(interface: Interface, message: Any) -> Iterator[Finding]:
    if not isinstance(message, dict):
        yield Finding("no-object", "", f"{show_value(message)} was given", right="takes an object")
        return
    yield from _judge_keys(message)
    key = "execute" if "execute" in message else "exec-oob"
    name = message.get(key)
    if not isinstance(name, str):
        return
    if key == "exec-oob":
        yield from _judge_oob(interface, name)
    arguments = message.get("arguments", {})
    if isinstance(arguments, dict):
        yield from _judge_command(interface, name, arguments)


def _judge_keys(message: dict[Any, Any]) -> Iterator[Finding]:
    """Judge what stands beside the arguments (QEMU's qapi/qmp-dispatch.c)."""
    for key in message:
        if key not in _KEYS:
            guesses = tuple(near(str(key), [each for each in _KEYS if each not in message]))
            what = "a command has no such key"
            yield Finding("key-unknown", clip(str(key)), what, suggestions=guesses)
    both = [key for key in _KEYS[:2] if key in message]
    if not both:
        yield Finding("key-missing", "execute", "it is missing", right="takes string")
    if len(both) == 2:
        yield Finding("key-clash", "exec-oob", "it clashes with 'execute'")
    for key in both:
        if not isinstance(message[key], str):
            given = f"{show_value(message[key])} was given"
            yield Finding("wrong-type", key, given, right="takes string")
    if not isinstance(message.get("arguments", {}), dict):
        given = f"{show_value(message['arguments'])} was given"
        yield Finding("wrong-type", "arguments", given, right="takes an object")


def _judge_oob(interface: Interface, name: str) -> Iterator[Finding]:
    entity = interface.by_name.get(name)
    if isinstance(entity, Command) and not entity.allow_oob:
        message = f"{clip(name)} cannot be executed out of band"
        yield Finding(
            "oob", "exec-oob", message, right="takes execute", evidence=_source(interface)
        )


def _judge_command(interface: Interface, name: str, arguments: dict[Any, Any]) -> Iterator[Finding]:
    entity = interface.by_name.get(name)
    if not isinstance(entity, Command):
        yield _refuse_command(interface, name, is_odd=isinstance(entity, OpaqueEntity))
        return
    for feature in ("deprecated", "unstable"):
        if feature in entity.features:
            yield Finding(
                feature,
                clip(name),
                f"the command is {feature}",
                Severity.WARNING,
                evidence=_source(interface),
            )
    if not isinstance(arguments, dict):
        given = f"{show_value(arguments)} was given"
        yield Finding("wrong-type", "arguments", given, right="takes an object")
    elif is_too_deep({"arguments": arguments}):
        yield refuse_depth()
    else:
        yield from _judge_arguments(interface, entity, arguments)


def _judge_arguments(
    interface: Interface, command: Command, arguments: dict[Any, Any]
) -> Iterator[Finding]:
    entity = interface.find(command.arg_type)
    if interface.identity.program:
        # What a name means in QEMU says nothing about a program's commands.
        checker = Checker(interface.find, evidence=_source(interface))
        yield from checker.check(command.arg_type, arguments)
        return
    if isinstance(entity, ObjectType) and entity.tag is None:
        if command.name == "device_add":
            yield from judge_device(interface, arguments)
            return
        if command.name == "object-add":
            yield from judge_open_object(interface, entity, arguments)
            return
    masked = _find_masked(interface, command.name)
    checker = Checker(interface.find, masked=masked, evidence=_source(interface))
    found = list(checker.check(command.arg_type, arguments))
    yield from found
    if command.name == "object-add" and all(each.where != "qom-type" for each in found):
        yield from judge_object_type(interface, arguments)
    yield from _judge_id(interface, command.name, arguments)


def _find_masked(interface: Interface, command: str) -> MaskedTypes | None:
    since = _MASKED_SINCE.get(command, "0")
    is_older = is_since(interface, since) is Verdict.NO
    return None if is_older else find_masked(command)


def _judge_id(interface: Interface, command: str, arguments: dict[Any, Any]) -> Iterator[Finding]:
    name, since = _IDS.get(command, ("", "0"))
    if name and (since == "0" or is_since(interface, since) is Verdict.YES):
        evidence = "table" if since == "0" else f"table; {EVIDENCE}"
        yield from find_bad_id(arguments, name, Severity.ERROR, evidence)


def _refuse_command(interface: Interface, name: str, *, is_odd: bool) -> Finding:
    """Say that there is no such command, or that it cannot be told."""
    listed = interface.listings.commands
    known = listed if interface.entities is None else [each.name for each in interface.commands]
    shown = clip(name)
    if known is None:
        reason = interface.listings.explain("query-qmp-schema")
        return _doubt_command(shown, f"there is no schema: {reason}", "query-qmp-schema")
    if is_odd or name in known or name in (listed or ()):
        return _doubt_command(shown, "its arguments are not known", "query-commands")
    source = _source(interface) if interface.entities is not None else "query-commands"
    guesses = tuple(near(name, known))
    message = "there is no such command"
    return Finding("command-unknown", shown, message, evidence=source, suggestions=guesses)


def _doubt_command(name: str, message: str, source: str) -> Finding:
    return Finding("command-not-described", name, message, Severity.UNKNOWN, evidence=source)


def _source(interface: Interface) -> str:
    return interface.schema_source

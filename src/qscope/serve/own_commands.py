"""The commands that every server answers by itself: negotiation and introspection."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from msgspec import Raw

from qscope.errors import RefusalError
from qscope.serve.context import Context
from qscope.serve.handlers import Handler
from qscope.serve.schema import ServedSchema
from qscope.serve.types.nodes import Array, Enum

NEGOTIATION = "qmp_capabilities"
SCHEMA_CHANGED = "SCHEMA_CHANGED"
CAPABILITIES = ("oob", "schema-changed")


def find_capabilities(schema: ServedSchema) -> tuple[str, ...]:
    """Return what clients may enable: of ours, what the schema's qmp_capabilities takes.

    A program may have one of its own; QEMU's knows `oob` alone.
    """
    command = schema.find_command(NEGOTIATION)
    members = command.arguments.members if command and command.arguments else ()
    for member in members:
        match member.type:
            case Array(element=Enum(values=values)) if member.name == "enable":
                return tuple(each for each in CAPABILITIES if each in values)
    return ()


def find_misfits(schema: ServedSchema, version: dict[str, Any]) -> Iterator[str]:
    """Yield each of our commands and events that the program's schema defines otherwise.

    `version` is what query-version would answer.
    """
    results = {
        "query-qmp-schema": Raw(bytes(schema.introspection)),
        "query-commands": [{"name": each} for each in schema.command_names],
        "query-version": version,
    }
    data = {"hash": schema.hash, "serial": schema.serial, "added": ["a"], "removed": ["b"]}
    for name, result in results.items():
        command = schema.find_command(name)
        if command is None or _is_refused(schema.encode_result, command, result):
            yield name
    if _is_refused(schema.encode_data, SCHEMA_CHANGED, data):
        yield SCHEMA_CHANGED


def _is_refused(function: Callable[..., Any], *arguments: Any) -> bool:
    try:
        function(*arguments)
    except RefusalError:
        return True
    return False


def make_handlers(description: list[dict[str, Any]] | None) -> dict[str, Handler]:
    """Return the server's own handlers; `description` is what it tells of its command line."""
    functions: dict[str, Callable[[Context, Any], Any]] = {
        NEGOTIATION: _negotiate,
        "query-qmp-schema": lambda ctx, _: ctx.schema.introspection,
        "query-commands": lambda ctx, _: [{"name": each} for each in ctx.schema.command_names],
        "query-version": lambda ctx, _: ctx.server.describe_version(),
        "query-command-line": lambda _, __: _describe_command_line(description),
    }
    return {name: Handler(each, takes_arguments=True) for name, each in functions.items()}


def _negotiate(ctx: Context, arguments: Any) -> None:
    if ctx.session.capabilities is not None:
        desc = "Capabilities negotiation is already complete, command ignored"
        raise RefusalError(desc, "CommandNotFound")
    wanted = getattr(arguments, "enable", msgspec.UNSET)
    wanted = [] if wanted is msgspec.UNSET else wanted
    for each in wanted:
        if each not in ctx.server.capabilities:
            raise RefusalError(f"Capability {each} not available")
    ctx.session.capabilities = frozenset(wanted)


def _describe_command_line(description: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    if description is None:
        raise RefusalError("This program does not describe its command line")
    return description

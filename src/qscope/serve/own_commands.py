"""The commands that every server answers by itself: negotiation and introspection."""

from typing import TYPE_CHECKING, Any

import msgspec

from qscope.errors import RefusalError
from qscope.serve.context import Context
from qscope.serve.handlers import Handler

if TYPE_CHECKING:
    from collections.abc import Callable

    from qscope.serve.server import Server

NEGOTIATION = "qmp_capabilities"
SCHEMA_CHANGED = "SCHEMA_CHANGED"
CAPABILITIES = ("oob", "schema-changed")


def make_handlers(server: "Server", description: list[dict[str, Any]] | None) -> dict[str, Handler]:
    """Return the server's own handlers; `description` is what it tells of its command line."""
    functions: dict[str, Callable[[Context, Any], Any]] = {
        NEGOTIATION: _negotiate,
        "query-qmp-schema": lambda ctx, _: ctx.schema.introspection,
        "query-commands": lambda ctx, _: [{"name": each} for each in ctx.schema.command_names],
        "query-version": lambda _, __: server.describe_version(),
        "query-command-line": lambda _, __: _describe_command_line(description),
    }
    return {name: Handler(each, takes_arguments=True) for name, each in functions.items()}


def _negotiate(ctx: Context, arguments: Any) -> None:
    if ctx.session.capabilities is not None:
        desc = "Capabilities negotiation is already complete, command ignored"
        raise RefusalError(desc, "CommandNotFound")
    wanted = [] if arguments.enable is msgspec.UNSET else arguments.enable
    for each in wanted:
        if each not in CAPABILITIES:
            raise RefusalError(f"Capability {each} not available")
    ctx.session.capabilities = frozenset(wanted)


def _describe_command_line(description: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    if description is None:
        raise RefusalError("This program does not describe its command line")
    return description

"""From a request to its reply: look the command up, read its arguments, run its handler.

In: what intake.py took. Out: the bytes of a reply, or None where there is none. The order of checks
is QEMU's (qapi/qmp-dispatch.c), so that the first error is the same.
"""

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from msgspec import UNSET

from qscope.errors import RefusalError
from qscope.serve.context import Context, Host, Session, UnansweredError
from qscope.serve.handlers import Handler
from qscope.serve.intake import Item, QuickRequest, read_exactly
from qscope.serve.own_commands import NEGOTIATION
from qscope.serve.replies import Printer
from qscope.serve.schema import HiddenError, ServedCommand, ServedSchema
from qscope.serve.wire.message import Rejection, Request

log = logging.getLogger("qscope.serve")

# Returns, perhaps after a while, whether the client may run the command.
Authorize: TypeAlias = Callable[[Context, str], bool | Awaitable[bool]]


class Dispatcher:
    """Answers requests of all sessions of a server."""

    def __init__(
        self,
        server: Host,
        handlers: dict[str, Handler],
        printer: Printer,
        authorize: Authorize | None,
    ) -> None:
        self._server = server
        self._handlers = handlers
        self._printer = printer
        self._authorize = authorize

    async def answer(self, item: Item, session: Session) -> bytes | None:
        """Return the reply to one message; None where a success has none."""
        schema = self._server.schema
        if isinstance(item, QuickRequest):
            command = self._find_quickly(schema, item.command, session)
            if command is not None:
                arguments = schema.read_quickly(command, item.arguments)
                if arguments is not UNSET:
                    context = Context(self._server, session, command.name, schema)
                    return await self._run(context, command, arguments, item.id)
            item = read_exactly(item.line, oob=session.oob)
        if isinstance(item, Rejection):
            return self._printer.print_error(item.error_class, item.desc, item.id)
        return await self._answer_exactly(schema, item, session)

    def _find_quickly(
        self, schema: ServedSchema, name: str, session: Session
    ) -> ServedCommand | None:
        """Return a command to which nothing but its arguments can be wrong."""
        if session.capabilities is None or self._authorize is not None:
            return None
        command = schema.find_command(name)
        return None if command is None or command.features else command

    async def _answer_exactly(
        self, schema: ServedSchema, request: Request, session: Session
    ) -> bytes | None:
        try:
            command = _find_command(schema, request, session)
            context = Context(self._server, session, command.name, schema, request.oob)
            await self._ask_permission(context)
            arguments = schema.read_arguments(command, request.arguments)
        except RefusalError as error:
            return self._printer.print_error(error.error_class, error.desc, request.id)
        return await self._run(context, command, arguments, request.id)

    async def _ask_permission(self, context: Context) -> None:
        if self._authorize is None or context.command == NEGOTIATION:
            return
        try:
            allowed = self._authorize(context, context.command)
            if inspect.isawaitable(allowed):
                allowed = await allowed
        except RefusalError:
            raise
        except Exception:
            log.exception("authorize(%r) failed", context.command)
            allowed = False
        if not allowed:
            # As QEMU's guest agent says of commands that its administrator blocks.
            desc = f"Command {context.command} has been disabled: the command is not allowed"
            raise RefusalError(desc, "CommandNotFound")

    async def _run(
        self, context: Context, command: ServedCommand, arguments: Any, ident: Any
    ) -> bytes | None:
        try:
            body = await self._call(context, command, arguments)
        except RefusalError as error:
            return self._printer.print_error(error.error_class, error.desc, ident)
        except UnansweredError:
            return None
        return self._printer.print_return(body, ident) if command.success_response else None

    async def _call(self, context: Context, command: ServedCommand, arguments: Any) -> bytes:
        """Run the handler; return its result as JSON. Raises RefusalError."""
        handler = self._handlers[command.name]
        try:
            if handler.takes_arguments:
                result = handler.call(context, arguments)
            else:
                result = handler.call(context)
            if handler.is_coroutine or inspect.isawaitable(result):
                result = await result
        except (RefusalError, UnansweredError):
            raise
        except asyncio.CancelledError as error:
            if _is_cancelled():
                raise
            raise RefusalError(f"The command {command.name} was cancelled") from error
        except Exception as error:
            log.exception("the handler of %r failed", command.name)
            raise RefusalError(f"The command {command.name} failed: internal error") from error
        try:
            return context.schema.encode_result(command, result)
        except HiddenError as error:
            desc = f"The command {command.name} failed: its result cannot be without what is hidden"
            raise RefusalError(desc) from error
        except RefusalError as error:
            log.error("%r returned a wrong result: %s", command.name, error.desc)  # noqa: TRY400
            desc = f"The command {command.name} failed: its result is not of its type"
            raise RefusalError(desc) from error
        except Exception as error:
            log.exception("what %r returned cannot be looked at", command.name)
            raise RefusalError(f"The command {command.name} failed: internal error") from error


def _find_command(schema: ServedSchema, request: Request, session: Session) -> ServedCommand:
    """Return the command of a request. Raises RefusalError."""
    name = request.command
    if session.capabilities is None and name != NEGOTIATION:
        desc = f"Expecting capabilities negotiation with '{NEGOTIATION}'"
        raise RefusalError(desc, "CommandNotFound")
    command = schema.find_command(name)
    if command is None:
        raise RefusalError(f"The command {name} has not been found", "CommandNotFound")
    schema.policy.check(command.features, "command", name, "CommandNotFound")
    if request.oob and not command.allow_oob:
        raise RefusalError(f"The command {name} does not support OOB")
    return command


def _is_cancelled() -> bool:
    """Whether it is our own task that is cancelled, and not something that a handler waited for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0

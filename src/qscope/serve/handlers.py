"""Functions as handlers of commands: whether one fits is found out when it is registered."""

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

from qscope.errors import ServeError
from qscope.serve.schema import ServedCommand


class Handler(NamedTuple):
    """A function, called with a context, and with the arguments where it takes them."""

    call: Callable[..., Any]
    takes_arguments: bool
    is_coroutine: bool = False


def make_handler(command: ServedCommand, function: Callable[..., Any]) -> Handler:
    """Return the handler of a command. Raises ServeError if the function's parameters do not fit.

    A function for a command without arguments may leave its second parameter out.
    """
    if not callable(function):
        raise ServeError(f"the handler of '{command.name}' is no function: {function!r:.80}")
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError) as error:
        raise ServeError(f"the handler of '{command.name}' tells no parameters: {error}") from error
    is_coroutine = inspect.iscoroutinefunction(function)
    if _can_take(signature, 2):
        return Handler(function, takes_arguments=True, is_coroutine=is_coroutine)
    if command.takes_nothing and _can_take(signature, 1):
        return Handler(function, takes_arguments=False, is_coroutine=is_coroutine)
    wanted = "(ctx) or (ctx, args)" if command.takes_nothing else "(ctx, args)"
    name = getattr(function, "__name__", "?")
    raise ServeError(f"the handler of '{command.name}' is {name}{signature}; {wanted} is right")


def _can_take(signature: inspect.Signature, count: int) -> bool:
    try:
        signature.bind(*[None] * count)
    except TypeError:
        return False
    return True

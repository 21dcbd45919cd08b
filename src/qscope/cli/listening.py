"""Where a command listens: the options that `serve` and `proxy` share.

In: what the user named. Out: addresses as qscope.serve takes them.
"""

from collections.abc import Callable
from typing import Any

import click


def with_addresses(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command --unix, --tcp and --anywhere; it gets `paths`, `ports` and `anywhere`."""
    options = (
        click.option(
            "--unix", "paths", metavar="PATH", multiple=True, type=click.Path(),
            help="Listen at a unix socket; again for each.",
        ),
        click.option(
            "--tcp", "ports", metavar="HOST:PORT", multiple=True,
            help="Listen at a TCP port of a loopback address, 0 for any; again for each.",
        ),
        click.option(
            "--anywhere", is_flag=True, help="Let --tcp be an address that others can reach."
        ),
    )  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return function


def list_addresses(options: dict[str, Any]) -> list[str]:
    """Return the addresses that --unix and --tcp name, in the order of the options."""
    addresses = [f"unix:{path}" for path in options["paths"]]
    return addresses + [f"tcp:{port.removeprefix('tcp:')}" for port in options["ports"]]

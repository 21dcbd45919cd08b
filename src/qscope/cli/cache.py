"""`qscope cache`: what is known of binaries probed before."""

import click

from qscope.cli.common import echo_json, format_option
from qscope.load import cache


@click.group(name="cache")
def command() -> None:
    """List or clear the cache of probed binaries."""


@command.command(name="list")
@format_option
def list_command(form: str) -> int:
    """List the cached binaries: path, version, size of the entry."""
    entries = list(cache.list_entries())
    if form == "json":
        echo_json(
            [
                {
                    "path": entry.key["path"],
                    "qemu": entry.digest.identity.describe(),
                    "bytes": entry.size,
                    "file": entry.path,
                }
                for entry in entries
            ]
        )
    else:
        for entry in entries:
            qemu = entry.digest.identity.describe()
            click.echo(f"{entry.key['path']}  {qemu}  {entry.size // 1024} KiB")
    return 0


@command.command(name="clear")
def clear_command() -> int:
    """Remove everything from the cache."""
    count = cache.clear()
    click.echo(f"removed {count} files from {cache.cache_folder()}")
    return 0

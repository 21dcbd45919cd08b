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
                    "qemu": entry.index.identity.describe(),
                    "bytes": entry.size,
                    "file": entry.path,
                }
                for entry in entries
            ]
        )
    else:
        for entry in entries:
            qemu = entry.index.identity.describe()
            click.echo(f"{entry.key['path']}  {qemu}  {entry.size // 1024} KiB")
    return 0


@command.command(name="clear")
@format_option
def clear_command(form: str) -> int:
    """Remove everything from the cache."""
    count, folder = cache.clear(), cache.cache_folder()
    if form == "json":
        echo_json({"removed": count, "folder": folder})
    else:
        click.echo(f"removed {count} files from {folder}")
    return 0

"""`qscope cache`: what is known of binaries probed before, and schemas that servers announce."""

from collections.abc import Iterator
from typing import Any

import click

from qscope.cli.common import echo_json, format_option
from qscope.load import cache, schemas


@click.group(name="cache")
def command() -> None:
    """List or clear the cache: probed binaries, and schemas of servers that announce a hash."""


@command.command(name="list")
@format_option
def list_command(form: str) -> int:
    """List the cached binaries: path, version, size of the entry; then schemas: hash, commands.

    Of schemas the 32 used last are kept.
    """
    binaries, kept = list(cache.list_entries()), list(schemas.list_schemas())
    if form == "json":
        echo_json([*map(_describe_binary, binaries), *map(_describe_schema, kept)])
    else:
        for line in (*_render_binaries(binaries), *_render_schemas(kept)):
            click.echo(line)
    return 0


def _describe_binary(entry: cache.Entry) -> dict[str, Any]:
    return {
        "path": entry.key["path"],
        "qemu": entry.index.identity.describe(),
        "schema-hash": None,
        "bytes": entry.size,
        "file": entry.path,
    }


def _describe_schema(entry: schemas.Entry) -> dict[str, Any]:
    return {
        "path": None,
        "qemu": None,
        "schema-hash": entry.schema_hash,
        "bytes": entry.size,
        "file": entry.path,
    }


def _render_binaries(entries: list[cache.Entry]) -> Iterator[str]:
    for entry in entries:
        qemu = entry.index.identity.describe()
        yield f"{entry.key['path']}  {qemu}  {_render_size(entry.size)}"


def _render_schemas(entries: list[schemas.Entry]) -> Iterator[str]:
    for entry in entries:
        yield f"{entry.schema_hash}  {entry.commands} commands  {_render_size(entry.size)}"


def _render_size(size: int) -> str:
    return f"{-(-size // 1024)} KiB"


@command.command(name="clear")
@format_option
def clear_command(form: str) -> int:
    """Remove everything from the cache."""
    count, folder = cache.clear() + schemas.clear_schemas(), cache.cache_folder()
    if form == "json":
        echo_json({"removed": count, "folder": folder})
    else:
        click.echo(f"removed {count} files from {folder}")
    return 0

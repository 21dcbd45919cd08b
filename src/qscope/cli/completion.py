"""`qscope completion`: shell completion, with the names that the QEMU at hand has."""

import click

from qscope.errors import QscopeError
from qscope.load import load
from qscope.model.interface import Interface

_SHELLS = ("bash", "zsh", "fish")
_MOST = 2000
# Seconds that a QEMU not asked before may take for each answer while somebody waits at a prompt.
_PATIENCE = 2.0


@click.command(name="completion")
@click.argument("shell", type=click.Choice(_SHELLS))
def command(shell: str) -> int:
    """Print a completion script for SHELL.

    \b
      bash   qscope completion bash > ~/.local/share/bash-completion/completions/qscope
      zsh    qscope completion zsh > "${fpath[1]}/_qscope"
      fish   qscope completion fish > ~/.config/fish/completions/qscope.fish
    """  # noqa: D301 - click reads \b
    from click.shell_completion import get_completion_class  # noqa: PLC0415 - for this alone

    from qscope.cli.main import qscope  # noqa: PLC0415 - it imports this module

    engine = get_completion_class(shell)
    assert engine is not None
    script = engine(qscope, {}, "qscope", "_QSCOPE_COMPLETE").source()
    # Bash would cut device:NAME into three words.
    click.echo(f"COMP_WORDBREAKS=${{COMP_WORDBREAKS//:}}\n{script}" if shell == "bash" else script)
    return 0


def load_for_completion(ctx: click.Context) -> Interface | None:
    """Return the interface that the line names, if it can be had in the time that Tab may take."""
    schema = ctx.params.get("schema")
    try:
        if schema and not ctx.params.get("snapshot"):
            from qscope.load.from_source import open_source  # noqa: PLC0415 - seldom asked

            return open_source(schema, ctx.params.get("symbols") or ())[1]
        return load(ctx.params.get("snapshot"), timeout=_PATIENCE).interface
    except QscopeError:
        return None


def complete_path(ctx: click.Context, _: click.Parameter, start: str) -> list[str]:
    """Complete a path, one component further, from the source that the line names."""
    from qscope.ask.suggest import complete  # noqa: PLC0415 - only when Tab is pressed

    interface = load_for_completion(ctx)
    return list(complete(interface, start))[:_MOST] if interface else []

"""`qscope completion`: shell completion, with the names that the QEMU at hand has."""

import click

from qscope.errors import QscopeError

_SHELLS = ("bash", "zsh", "fish")
_MOST = 2000


@click.command(name="completion")
@click.argument("shell", type=click.Choice(_SHELLS))
def command(shell: str) -> int:
    r"""Print a completion script for SHELL.

    \b
      bash   qscope completion bash > ~/.local/share/bash-completion/completions/qscope
      zsh    qscope completion zsh > "${fpath[1]}/_qscope"
      fish   qscope completion fish > ~/.config/fish/completions/qscope.fish
    """
    from click.shell_completion import get_completion_class  # noqa: PLC0415 - for this alone

    from qscope.cli.main import qscope  # noqa: PLC0415 - it imports this module

    engine = get_completion_class(shell)
    assert engine is not None
    click.echo(engine(qscope, {}, "qscope", "_QSCOPE_COMPLETE").source())
    return 0


def complete_path(ctx: click.Context, _: click.Parameter, start: str) -> list[str]:
    """Complete a path, one component further, from the source that the line names."""
    from qscope.ask.suggest import complete  # noqa: PLC0415 - only when Tab is pressed
    from qscope.load import load  # noqa: PLC0415

    try:
        interface = load(ctx.params.get("snapshot")).interface
        return list(complete(interface, start))[:_MOST]
    except QscopeError:
        return []

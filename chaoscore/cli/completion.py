"""``chaoscore completion``: tab completion for a shell."""

from __future__ import annotations

import click

from chaoscore.cli.shell import emit


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """
    Print the completion script for SHELL.

    Use it in ~/.bashrc as `eval "$(chaoscore completion bash)"`, in ~/.zshrc likewise, and in
    ~/.config/fish/config.fish as `chaoscore completion fish | source`.
    """
    from click.shell_completion import get_completion_class

    make = get_completion_class(shell)
    assert make is not None
    emit(make(ctx.find_root().command, {}, "chaoscore", "_CHAOSCORE_COMPLETE").source())

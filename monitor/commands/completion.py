"""``phasewatch completion``."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command("completion", short_help="Print the shell completion script for bash, zsh or fish.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    \b
    Examples:
      phasewatch completion bash > ~/.local/share/bash-completion/completions/phasewatch
      phasewatch completion zsh > ~/.zfunc/_phasewatch
      phasewatch completion fish > ~/.config/fish/completions/phasewatch.fish
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"click knows no completion for {shell}", ctx)
    click.echo(kind(ctx.find_root().command, {}, "phasewatch", "_PHASEWATCH_COMPLETE").source())

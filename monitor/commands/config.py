"""``phasewatch config``."""

from __future__ import annotations

import json

import click

from monitor.commands import common


@click.group("config", short_help="Check, show or describe the configuration.")
def command() -> None:
    """Check, show or describe the configuration.

    \b
    Examples:
      phasewatch config check
      phasewatch --config other.yaml config show
      phasewatch config schema > phasewatch.schema.json
      phasewatch config token
    """


@command.command("check")
@click.pass_context
def check(ctx: click.Context) -> None:
    """Name every mistake with its place in the file; exit 0 if there is none, 2 otherwise."""
    config = common.load_config(ctx)
    phases = sum(len(p.phases) for p in config.pipelines)
    click.echo(f"{ctx.find_root().obj}: good; {len(config.pipelines)} pipelines, {phases} phases, mode {config.mode}")
    for name, why in config.alerts.switched_off().items():
        click.echo(f"  alerts.channels.{name} is switched off: {why}")


@command.command("show")
@click.pass_context
def show(ctx: click.Context) -> None:
    """Print the effective configuration, defaults included; secrets as ***."""
    from monitor.config import loading as config

    click.echo(config.show(common.load_config(ctx)), nl=False)


@command.command("schema")
def schema() -> None:
    """Print the JSON Schema of config.yaml, for editors."""
    from monitor.config import loading as config

    click.echo(json.dumps(config.schema(), indent=2))


@command.command("token")
def token() -> None:
    """Make a token for the HTTP server, fit for a secret manager or a file.

    \b
    Examples:
      phasewatch config token
      (umask 077; phasewatch config token > token)      then server.token_file: token
    """
    import secrets

    click.echo(secrets.token_urlsafe(32))

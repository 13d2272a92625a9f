"""``phasewatch ack``."""

from __future__ import annotations

import getpass

import click

from monitor.clock import SystemClock
from monitor.commands import common


@click.command("ack", short_help="Acknowledge an incident: no more reminders of it.")
@click.argument("number", type=int)
@click.option("--note", default="", metavar="TEXT", help="What others should know.")
@click.option("--author", default=getpass.getuser, metavar="NAME", help="Who has it in hand; your user name.")
@click.pass_context
def command(ctx: click.Context, number: int, note: str, author: str) -> None:
    """Say that you have an incident in hand: no reminders and no escalation until it is resolved. Its message shows it.

    \b
    Examples:
      phasewatch ack 3
      phasewatch ack 3 --note "rolling back revision 00030" --author anna
    """
    from monitor import people

    with common.state(ctx) as (_, store), common.refused():
        people.acknowledge(store, number, author, note, SystemClock().now())
    click.echo(f"incident #{number} is acknowledged by {author}")

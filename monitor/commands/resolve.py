"""``phasewatch resolve``."""

from __future__ import annotations

import getpass

import click

from alerts.messages.wording import counted
from monitor.clock import SystemClock
from monitor.commands import common


@click.command("resolve", short_help="Close an incident by hand, with a reason.")
@click.argument("number", type=int)
@click.option("--reason", required=True, metavar="TEXT", help="Why it is over.")
@click.option("--author", default=getpass.getuser, metavar="NAME", help="Who says so; your user name.")
@click.pass_context
def command(ctx: click.Context, number: int, reason: str, author: str) -> None:
    """Close an incident by hand. What is still so (a phase that stays incomplete) is not told again until it changes; a
    failure that happens again is.

    \b
    Examples:
      phasewatch resolve 3 --reason "the old dates are not needed any more"
    """
    from monitor import people
    from monitor.daemon.tick import Path
    from monitor.wiring import parts

    clock = SystemClock()
    with common.state(ctx) as (config, store), common.refused():
        closed = people.resolve(Path(store, parts.rules(config), clock.now), number, author, reason, clock.now())
    click.echo(f"incident #{number} is closed by {author}: {counted(closed, 'fault')}")

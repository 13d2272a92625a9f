"""``phasewatch test-alert``."""

from __future__ import annotations

import socket
import sys
import uuid
from typing import TYPE_CHECKING

import click

from monitor.clock import SystemClock
from monitor.commands import common

if TYPE_CHECKING:
    from alerts.model import IncidentState, Message
    from alerts.ports import Channel
    from monitor.clock import Clock


@click.command("test-alert", short_help="Send a marked test message through each channel.")
@click.option(
    "--channel", "names", multiple=True, metavar="NAME", help="Only this channel; may be given several times."
)
@click.pass_context
def command(ctx: click.Context, names: tuple[str, ...]) -> None:
    """Send one message, clearly marked as a test, through each channel that is switched on, then change it to say that
    the test is over. Nothing is stored. Exits with 1 if a message did not arrive.

    \b
    Examples:
      phasewatch test-alert
      phasewatch test-alert --channel slack
    """
    from monitor import wiring

    config = common.load_config(ctx)
    known = config.alerts.channels
    for name in names:
        if name not in known:
            raise click.UsageError(f"there is no channel {name!r}; the configuration has: {', '.join(sorted(known))}")
        if (reason := known[name].off) is not None:
            raise click.UsageError(f"the channel {name!r} is switched off: {reason}")
    try:
        channels = wiring.channels(config, sys.stdout)
    except ValueError as error:  # a token that cannot be one
        raise click.UsageError(str(error)) from error
    clock = SystemClock()
    results = [_try(channel, clock) for name, channel in channels.items() if not names or name in names]
    if not results:
        raise click.UsageError("no channel is switched on")
    ctx.exit(0 if all(results) else 1)


def _try(channel: Channel, clock: Clock) -> bool:
    """Post, then edit; say what happened."""
    from alerts.model import Action, Dispatch, IncidentState
    from alerts.ports import DeliveryError

    key, now = f"test:{uuid.uuid4().hex}", clock.now()
    where = socket.gethostname()
    opened, over = _message(IncidentState.OPEN, where), _message(IncidentState.RESOLVED, where)
    step = "sent"
    try:
        root = channel.send(Dispatch(key=key, action=Action.POST, message=opened, created_at=now, attempt=1))
        step = "changed"
        channel.send(
            Dispatch(key=f"{key}:over", action=Action.EDIT, message=over, created_at=now, attempt=1, root=root)
        )
    except DeliveryError as error:
        click.secho("FAILED", fg="red", bold=True, nl=False)
        click.echo(f"  {channel.name}: the message could not be {step}: {error}")
        if error.remedy:
            click.echo(f"        -> {error.remedy}")
        return False
    click.secho("OK", fg="green", bold=True, nl=False)
    click.echo(f"      {channel.name}: {_arrived(root)}")
    return True


def _arrived(root: object) -> str:
    match root:
        case {"channel": str(channel), "ts": str(ts)}:
            return f"the message arrived in {channel} ({ts}) and was changed to say that the test is over"
        case _:
            return "the message was printed"


def _message(state: IncidentState, where: str) -> Message:
    from alerts.model import IncidentState, Message
    from checks.model import Severity

    if state is IncidentState.OPEN:
        title = "TEST: this is a test message from phasewatch"
        summary = f"Somebody ran `phasewatch test-alert` on {where}. Nothing is wrong; nobody has to do anything."
    else:
        title = "TEST over: phasewatch can write here"
        summary = f"The test from {where} is over: this message arrived, and could be changed."
    return Message(severity=Severity.INFO, state=state, title=title, summary=summary)

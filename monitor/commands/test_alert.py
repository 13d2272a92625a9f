"""``phasewatch test-alert``."""

from __future__ import annotations

import socket
import sys
import textwrap
from typing import TYPE_CHECKING

import click

from monitor.clock import SystemClock
from monitor.commands import common

if TYPE_CHECKING:
    from alerts.trial import Trial


@click.command("test-alert", short_help="Send a marked test message through each channel.")
@click.option(
    "--channel", "names", multiple=True, metavar="NAME", help="Only this channel; may be given several times."
)
@click.option("--keep", is_flag=True, help="Leave the message there, changed to say that the test is over.")
@click.pass_context
def command(ctx: click.Context, names: tuple[str, ...], keep: bool) -> None:
    """Send one message, clearly marked as a test, through each channel that is switched on; find it again, answer in
    its thread, change and delete it where the channel can. Says what is missing: scope, membership, token. Nothing is
    stored. Exits with 1 if something failed.

    \b
    Examples:
      phasewatch test-alert
      phasewatch test-alert --channel slack --keep
    """
    from alerts.trial import try_channel
    from monitor.wiring import parts

    config = common.load_config(ctx)
    known = config.alerts.channels
    for name in names:
        if name not in known:
            raise click.UsageError(f"there is no channel {name!r}; the configuration has: {', '.join(sorted(known))}")
        if (reason := known[name].off) is not None:
            raise click.UsageError(f"the channel {name!r} is switched off: {reason}")
    try:
        channels = parts.channels(config, sys.stdout)
    except ValueError as error:  # a token or URL that cannot be one
        raise click.UsageError(str(error)) from error
    wanted = [channel for name, channel in channels.items() if not names or name in names]
    if not wanted:
        raise click.UsageError("no channel is switched on")
    by = f"Somebody ran `phasewatch test-alert` on {socket.gethostname()}."
    trials = []
    for channel in wanted:
        trials.append(try_channel(channel, SystemClock().now(), by=by, keep=keep))
        _tell(trials[-1])
    ctx.exit(1 if any(trial.error for trial in trials) else 0)


def _tell(trial: Trial) -> None:
    good = trial.error is None
    click.secho("OK" if good else "FAILED", fg="green" if good else "red", bold=True, nl=False)
    done = ", ".join(trial.done)
    said = f"{trial.channel}: the message was {done}" if good else f"{trial.channel}: {trial.error}"
    if done and not good:
        said += f" (it was {done})"
    width = common.width_of_terminal()
    # The verdict takes six columns of the first line.
    click.echo(_wrapped(said, "      " if good else "  ", " " * 8, width - 6))
    for mark, text in [("->", trial.remedy), *(("note:", note) for note in trial.notes)]:
        if text:
            lead = f"        {mark} "
            click.echo(_wrapped(text, lead, " " * len(lead), width))


def _wrapped(text: str, lead: str, indent: str, width: int) -> str:
    """Lines of at most that width; a word that is longer stays whole, so that it can be copied."""
    return textwrap.fill(
        text, width, initial_indent=lead, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )

"""``phasewatch outbox``."""

from __future__ import annotations

import getpass
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from alerts.messages.plain import render
from alerts.messages.text import clean, redact
from alerts.messages.wording import duration, moment
from checks.model import JsonValue, stamp
from monitor.clock import SystemClock
from monitor.commands import common

if TYPE_CHECKING:
    from alerts.store.letters import Letter
    from alerts.store.sql import Store

SCHEMA_VERSION = 1


@click.group("outbox", invoke_without_command=True, short_help="List, resend or drop messages that did not arrive.")
@click.pass_context
def command(ctx: click.Context) -> None:
    """Messages that wait for a channel, and those that were given up (dead letters): list them, send them again, or
    drop them. A running watcher takes up what became due within a second; otherwise the next start does.

    \b
    Examples:
      phasewatch outbox
      phasewatch outbox show 17
      phasewatch outbox resend 17
      phasewatch outbox resend --all-dead
      phasewatch outbox drop 17 --reason "told by phone"
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(listed)


@command.command("list", short_help="What waits and what was given up.")
@click.option("--channel", default=None, metavar="NAME", help="Only what is meant for this channel.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def listed(ctx: click.Context, channel: str | None = None, form: str = "text") -> None:
    """List what waits and what was given up, gravest first. Exits with 1 if anything was given up.

    \b
    Examples:
      phasewatch outbox list
      phasewatch outbox list --channel slack --format json
    """
    with _state(ctx) as (store, now, zone):
        letters = [] if store is None else store.letters.unsent(destination=channel)
    dead = [letter for letter in letters if letter.state == "dead"]
    if form == "json":
        shown: JsonValue = {"schema_version": SCHEMA_VERSION, "letters": [_json(letter) for letter in letters]}
        click.echo(json.dumps(shown, indent=2, ensure_ascii=False))
    elif not letters:
        click.echo("nothing waits and nothing was given up")
    else:
        for letter in letters:
            _line(letter, now, zone)
        click.echo(f"\n{len(letters) - len(dead)} waiting, {len(dead)} given up", nl=False)
        click.echo("; `phasewatch outbox resend --all-dead` sends these again" if dead else "")
    ctx.exit(1 if dead else 0)


@command.command("show", short_help="One message as it would be read.")
@click.argument("number", type=int)
@click.pass_context
def show(ctx: click.Context, number: int) -> None:
    """Show one row: its message, what became of it and why.

    \b
    Examples:
      phasewatch outbox show 17
    """
    with _state(ctx) as (store, now, zone):
        letter = None if store is None else store.letters.one(number)
    if letter is None:
        raise click.UsageError(f"there is no row {number}; `phasewatch outbox` lists what there is")
    _line(letter, now, zone)
    click.echo(f"    written {moment(letter.created_at, zone)}, tried {_times(letter.attempts)}", nl=False)
    click.echo("; an attempt may have arrived" if letter.uncertain else "")
    if letter.behind is not None:
        click.echo(f"    waits behind row {letter.behind}, which was given up")
    click.echo()
    click.echo(render(letter.message, width=common.width_of_terminal(), short=False), nl=False)


@command.command("resend", short_help="Send again what was given up.")
@click.argument("number", type=int, required=False)
@click.option("--all-dead", is_flag=True, help="Everything that was given up.")
@click.pass_context
def resend(ctx: click.Context, number: int | None, all_dead: bool) -> None:
    """Make what was given up due again: one row, or all of them. It is looked for first where it may have arrived.

    \b
    Examples:
      phasewatch outbox resend 17
      phasewatch outbox resend --all-dead
    """
    if (number is None) is not all_dead:
        raise click.UsageError("name one row, or say --all-dead")
    with _state(ctx) as (store, now, _):
        done = 0 if store is None else store.letters.resend(now, number=number)
        if not done and number is not None:
            letter = None if store is None else store.letters.one(number)
            found = "there is no such row" if letter is None else f"it is {letter.state}"
            raise click.UsageError(f"row {number} was not given up: {found}")
    click.echo(f"due again: {done} message{'' if done == 1 else 's'}")


@command.command("drop", short_help="Never send one, and say why.")
@click.argument("number", type=int)
@click.option("--reason", required=True, help="Why; kept with the row.")
@click.pass_context
def drop(ctx: click.Context, number: int, reason: str) -> None:
    """Give one row up for good. What waits behind it in its thread goes on.

    \b
    Examples:
      phasewatch outbox drop 17 --reason "told by phone"
    """
    with _state(ctx) as (store, now, _):
        dropped = store is not None and store.letters.drop(number, f"{reason} ({getpass.getuser()})", now)
    if not dropped:
        raise click.UsageError(f"row {number} is neither waiting nor given up, or is being sent right now")
    click.echo(f"dropped: row {number}")


@contextmanager
def _state(ctx: click.Context) -> Iterator[tuple[Store | None, datetime, ZoneInfo]]:
    """The state (None where no watcher ever ran), the present, and the zone people read."""
    from monitor.wiring import parts

    config = common.load_config(ctx)
    store = common.existing_store(config)
    try:
        yield store, SystemClock().now(), parts.rules(config).zone
    finally:
        if store is not None:
            store.close()


def _line(letter: Letter, now: datetime, zone: ZoneInfo) -> None:
    colours = {"dead": "red", "pending": "yellow", "sent": "green"}
    word = {"dead": "given up", "pending": "waiting"}.get(letter.state, letter.state)
    click.secho(f"{letter.id:>5} {word}", fg=colours.get(letter.state), bold=True, nl=False)
    click.echo(f"  {letter.destination}, {letter.action} of incident #{letter.incident}, ", nl=False)
    click.echo(f"for {duration(now - letter.created_at)}" if letter.sent_at is None else moment(letter.sent_at, zone))
    click.echo(f"      {_safe(letter.message.title)}")
    if letter.error:
        click.echo(f"      {_safe(letter.error)}")


def _json(letter: Letter) -> JsonValue:
    return {
        "id": letter.id,
        "incident": letter.incident,
        "channel": letter.destination,
        "action": letter.action.value,
        "state": letter.state,
        "title": letter.message.title,
        "created_at": stamp(letter.created_at),
        "not_before": stamp(letter.not_before),
        "attempts": letter.attempts,
        "uncertain": letter.uncertain,
        "error": letter.error,
        "behind": letter.behind,
    }


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _safe(text: str) -> str:
    return redact(clean(text))

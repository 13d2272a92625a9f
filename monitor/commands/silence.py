"""``phasewatch silence``."""

from __future__ import annotations

import getpass
import json
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import click

from alerts.messages.text import clean, redact
from alerts.messages.wording import moment
from alerts.notify.silences import Silence
from checks.model import JsonValue, stamp
from monitor.clock import SystemClock
from monitor.commands import common

SCHEMA_VERSION = 1


@click.group("silence", short_help="Mute messages for a while: add, list, expire.")
def command() -> None:
    """Mute messages about what you know of, until an end that you name. Everything is remembered all the same; at the
    end what is still wrong is told. A running watcher takes it up at once.

    \b
    Examples:
      phasewatch silence add --phase phase3 --for 2h --reason "manual rerun"
      phasewatch silence add --function "nba-*" --from 2026-02-01T22:00Z --for 4h --reason "migration"
      phasewatch silence list
      phasewatch silence expire 4
    """


@command.command("add", short_help="Mute what you name until an end.")
@click.option("--pipeline", metavar="NAME", help="The pipeline. In all names * stands for any characters.")
@click.option("--check", metavar="NAME", help="The check that finds it.")
@click.option("--phase", metavar="NAME", help="The phase.")
@click.option("--function", metavar="NAME", help="The function.")
@click.option("--kind", metavar="KIND", help="The kind of finding, as phase.stalled or log.*.")
@click.option("--date", metavar="DATE", help="The run date, as 2026-01-25.")
@click.option("--from-date", metavar="DATE", help="The first run date.")
@click.option("--until-date", metavar="DATE", help="The last run date.")
@click.option("--for", "for_", metavar="TIME", help="How long, as 30m, 2h or 7d.")
@click.option("--from", "from_", metavar="MOMENT", help="When it begins, with offset; now if left out.")
@click.option("--until", metavar="MOMENT", help="When it ends, instead of --for.")
@click.option("--until-resolved", is_flag=True, help="End it as soon as what it means is resolved.")
@click.option("--reason", required=True, metavar="TEXT", help="Why; shown to others.")
@click.option("--author", default=getpass.getuser, metavar="NAME", help="Who; your user name.")
@click.pass_context
def add(ctx: click.Context, /, until_resolved: bool, for_: str | None, from_: str | None, **given: str | None) -> None:
    """Mute what fits all that you name.

    \b
    Examples:
      phasewatch silence add --phase phase3 --date 2026-01-25 --for 1d --reason "will not be rerun"
      phasewatch silence add --function phase2-loader --for 8h --until-resolved --reason "fix is being deployed"
    """
    from monitor import people
    from monitor.wiring import parts

    texts = {name: value for name, value in given.items() if value is not None}
    texts |= {name: value for name, value in (("for", for_), ("from", from_)) if value is not None}
    texts["until_resolved"] = "true" if until_resolved else ""
    now = SystemClock().now()
    with common.state(ctx) as (config, store), common.refused():
        made = people.add_silence(store, people.silence(texts, now))
        click.echo(f"silence {_line(made, parts.rules(config).zone)}")


@command.command("list", short_help="What is muted now, and what will be.")
@click.option("--all", "everything", is_flag=True, help="Also those that ended within the last 30 days.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def listed(ctx: click.Context, everything: bool, form: str) -> None:
    """List the silences that are on or still to come.

    \b
    Examples:
      phasewatch silence list
      phasewatch silence list --all --format json
    """
    from monitor.wiring import parts

    now = SystemClock().now()
    with common.state(ctx) as (config, store):
        with store.reading() as stored:
            found = stored.people.silences(ended_since=now - timedelta(days=30) if everything else now)
        zone = parts.rules(config).zone
    if form == "json":
        items = [as_json(s, now) for s in found]
        click.echo(json.dumps({"schema_version": SCHEMA_VERSION, "silences": items}, indent=2))
        return
    if not found:
        click.echo("no silences")
    for silence in found:
        click.echo(f"{_line(silence, zone)}{_state(silence, now)}")


@command.command("expire", short_help="End a silence before its time.")
@click.argument("number", type=int)
@click.option("--author", default=getpass.getuser, metavar="NAME", help="Who ends it; your user name.")
@click.pass_context
def expire(ctx: click.Context, number: int, author: str) -> None:
    """End a silence now: what is still wrong is told.

    \b
    Examples:
      phasewatch silence expire 4
    """
    from monitor import people

    with common.state(ctx) as (_, store), common.refused():
        people.end_silence(store, number, author, SystemClock().now())
    click.echo(f"silence #{number} is over")


def as_json(silence: Silence, now: datetime) -> dict[str, JsonValue]:
    """A silence as plain JSON values."""
    matcher = silence.matcher
    names = {"pipeline": matcher.pipeline, "check": matcher.check, "phase": matcher.phase, "function": matcher.function}
    return {
        "id": silence.id,
        "match": {
            **{name: value for name, value in {**names, "kind": matcher.kind}.items() if value is not None},
            **({"from_date": matcher.first.isoformat()} if matcher.first else {}),
            **({"until_date": matcher.last.isoformat()} if matcher.last else {}),
        },
        "author": silence.author,
        "reason": silence.reason,
        "starts_at": stamp(silence.starts_at),
        "ends_at": stamp(silence.ended_at or silence.ends_at),
        "until_resolved": silence.until_resolved,
        "active": silence.active(now),
        "ended_by": silence.ended_by,
    }


def _line(silence: Silence, zone: ZoneInfo) -> str:
    end = silence.ended_at or silence.ends_at
    early = " or as soon as it is resolved" if silence.until_resolved and silence.ended_at is None else ""
    text = (
        f"#{silence.id} {silence.matcher.words()}\n"
        f"   from {moment(silence.starts_at, zone)}\n"
        f"   until {moment(end, zone)}{early}\n"
        f"   by {silence.author}: {silence.reason}"
    )
    return redact(clean(text))


def _state(silence: Silence, now: datetime) -> str:
    if silence.ended_by is not None:
        return f"\n   ended by {clean(silence.ended_by)}"
    if silence.active(now):
        return ""
    return "\n   not yet" if silence.starts_at > now else "\n   over"

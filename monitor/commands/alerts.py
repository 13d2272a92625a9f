"""``phasewatch alerts``."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from alerts.messages.wording import counted, duration, moment
from checks.model import JsonValue, stamp
from monitor.clock import SystemClock
from monitor.commands import common

if TYPE_CHECKING:
    from monitor.preview import Preview

SCHEMA_VERSION = 1
LONGEST = timedelta(days=62)


@click.group("alerts", short_help="What would have been told over past days.")
def command() -> None:
    """Look at what the alerts would do, without sending anything.

    \b
    Examples:
      phasewatch alerts preview --from 2026-01-25T00:00-05:00 --to 2026-01-28T12:00-05:00
    """


@command.command("preview", short_help="Replay the checks over past days and list what would have been sent.")
@click.option("--from", "first", required=True, metavar="MOMENT", help="Where the range begins, with offset.")
@click.option("--to", "last", metavar="MOMENT", help="Where it ends; now if left out.")
@click.option("--every", default="10m", show_default=True, metavar="TIME", help="How far the ticks are apart.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def preview(ctx: click.Context, first: str, last: str | None, every: str, form: str) -> None:
    """Run the checks as of each tick of past days, on a state that is thrown away, and list what would have been sent,
    when, and how many. It reads only; each tick asks the same as a tick of the watcher does. The replay begins a day
    earlier, so that what was wrong already is known. The calendar and this configuration are the present ones.

    \b
    Examples:
      phasewatch alerts preview --from 2026-01-25T00:00-05:00 --to 2026-01-28T12:00-05:00
      phasewatch alerts preview --from 2026-01-26T00:00Z --every 1m --format json
    """
    from monitor import people
    from monitor import preview as replay
    from monitor.report.request import moment_of
    from monitor.wiring import parts

    config = common.load_config(ctx)
    now = SystemClock().now()
    with common.refused():
        begin, end = moment_of(first), moment_of(last) if last else now
        step = people.duration_of(every)
        if not begin < end <= now:
            raise ValueError("the range must end after it begins, and not in the future")
        if end - begin > LONGEST:
            raise ValueError(f"the range may be at most {LONGEST.days} days long")
        if step < timedelta(seconds=5):
            raise ValueError("--every must be at least 5s")
    rules = replay.without_digest(parts.rules(config))
    with parts.data(config, common.progress) as where:
        common.progress("reading the logs of the range")
        checks = replay.checks_of_the_past(config, where, begin, end)
        with _bar() as tell:
            result = replay.preview(checks, rules, begin, end, every=step, tell=tell)
    if form == "json":
        click.echo(json.dumps(_as_json(result), indent=2, ensure_ascii=False))
    else:
        _print(result, rules.zone)


@contextmanager
def _bar() -> Iterator[Callable[[float], None]]:
    """A bar on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    with click.progressbar(length=1000, label="replaying", file=sys.stderr) as bar:
        yield lambda part: bar.update(int(part * 1000) - bar.pos)


def _print(result: Preview, zone: ZoneInfo) -> None:
    days = duration(result.last - result.first)
    incidents = len({s.incident for s in result.said if s.incident > 0})
    click.secho(
        f"{counted(len(result.said), 'message')} in {days} about {counted(incidents, 'incident')}, "
        f"{counted(result.edits, 'edit')}, {counted(result.ticks, 'tick')}",
        bold=True,
    )
    for said in result.said:
        number = f"#{said.incident}" if said.incident > 0 else "digest"
        click.echo(f"{moment(said.at, zone)}  {number} {said.action} to {', '.join(said.destinations)}: {said.why}")
        click.echo(f"   {said.severity.upper()} {said.title}")
    for why, times in sorted(result.suppressed.items()):
        click.echo(f"not told, {counted(times, 'time')}: {why}")


def _as_json(result: Preview) -> dict[str, JsonValue]:
    messages: list[JsonValue] = [
        {
            "at": stamp(said.at),
            "incident": said.incident if said.incident > 0 else None,
            "action": said.action,
            "why": said.why.value,
            "severity": said.severity,
            "title": said.title,
            "destinations": list(said.destinations),
        }
        for said in result.said
    ]
    return {
        "schema_version": SCHEMA_VERSION,
        "from": stamp(result.first),
        "to": stamp(result.last),
        "ticks": result.ticks,
        "messages": messages,
        "edits": result.edits,
        "suppressed": {why.value: times for why, times in sorted(result.suppressed.items())},
    }

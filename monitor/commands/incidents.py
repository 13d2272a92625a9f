"""``phasewatch incidents``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import click

from alerts.messages.text import clean, redact
from alerts.messages.wording import duration, moment
from alerts.model import Fault, Incident, Notification, Transition
from monitor.clock import SystemClock
from monitor.commands import common


@click.command("incidents", short_help="List incidents, or show one with its history.")
@click.argument("number", type=int, required=False)
@click.option("--all", "everything", is_flag=True, help="Also those that ended more than two days ago.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def command(ctx: click.Context, number: int | None, everything: bool, form: str) -> None:
    """List open and lately ended incidents, or show one: its faults, what changed when, what was said and what not.

    \b
    Examples:
      phasewatch incidents
      phasewatch incidents 3
    """
    from monitor.report import as_json
    from monitor.report.build import incident_report
    from monitor.wiring import parts

    config = common.load_config(ctx)
    store = common.existing_store(config)
    if store is None:
        click.echo(
            '{"schema_version": 1, "incidents": []}' if form == "json" else "no incidents: no watcher has run yet"
        )
        return
    now = SystemClock().now()
    zone = parts.rules(config).zone
    try:
        with store.reading() as stored:
            if number is not None:
                incident = stored.incident(number)
                if incident is None:
                    raise click.UsageError(f"there is no incident #{number}")
                listed = [incident]
            else:
                listed = stored.incidents(resolved_since=None if everything else now - timedelta(days=2))
            faults = stored.faults(resolved_since=now, of_incidents=[i.id for i in listed])
            history = stored.transitions(incident=number) if number is not None else []
            said = stored.notifications(incident=number) if number is not None else []
    finally:
        store.close()
    if form == "json":
        items = [as_json.incident(incident_report(i, faults)) for i in listed]
        click.echo(json.dumps({"schema_version": as_json.SCHEMA_VERSION, "incidents": items}, indent=2))
        return
    if not listed:
        click.echo("no incidents")
    for item in listed:
        _print(item, faults, now, zone)
    if number is not None:
        _print_history(history, said, zone)


def _print(incident: Incident, faults: Mapping[str, Fault], now: datetime, zone: ZoneInfo) -> None:
    click.secho(f"#{incident.id} {incident.state}", bold=True, nl=False)
    click.echo(f"  {_safe(faults[incident.root].finding.title)}")
    ended = incident.resolved_at
    lasted = duration((ended or now) - incident.opened_at)
    click.echo(f"   since {moment(incident.opened_at, zone)}, {'lasted' if ended else 'open for'} {lasted}")
    for name in incident.members:
        fault = faults[name]
        why = incident.explains.get(name)
        click.echo(f"   - {fault.state}: {_safe(fault.finding.title)}{f' ({why})' if why else ''}")


def _print_history(history: Sequence[Transition], said: Sequence[Notification], zone: ZoneInfo) -> None:
    click.echo("   history")
    for transition in history:
        title = _safe(transition.fault.finding.title)
        click.echo(f"     {moment(transition.at, zone)}  {transition.change}: {title}; {_safe(transition.reason)}")
    click.echo("   said")
    for notification in said:
        word = "not said" if notification.suppressed else "said"
        click.echo(f"     {moment(notification.at, zone)}  {word}: {notification.why}")


def _safe(text: str) -> str:
    return redact(clean(text))
